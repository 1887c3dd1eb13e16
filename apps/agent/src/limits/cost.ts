// Cost units of one request: those that are taken before it goes on, and what its answer says that it was. What is more than was taken
// is owed: it counts against the next requests, and never ends an answer that has begun.

import { type CostSource, costOf } from '@sallyport/policy/costs'
import type { AppliedLimit } from '@sallyport/policy/limits'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Claim, RequestBudgets } from './budgets.ts'

/** What is looked for in one answer. */
export interface CostMeter {
  readonly sources: readonly CostSource[]
  /** What was found at each; called once, when the answer is over. */
  settle(found: ReadonlyMap<CostSource, number>): void
}

/** More than this nothing costs. */
export const costMax = 1_000_000_000_000

export const costClaims = (
  { limit: { cost, weights, everyMs, shared }, budgets }: AppliedLimit,
  facts: StatementFacts,
): readonly Claim[] =>
  cost === null || everyMs === null
    ? []
    : budgets.map((budget) => ({
        budget: `${budget}\u0000cost`,
        amount: costOf(weights, facts).units,
        max: cost,
        everyMs,
        shared,
      }))

/** Null where no answer has to say anything. */
export function costMeter(
  applied: readonly AppliedLimit[],
  facts: StatementFacts,
  budgets: RequestBudgets,
): CostMeter | null {
  const counted = applied
    .filter(({ limit }) => limit.cost !== null)
    .map((one) => ({ one, cost: costOf(one.limit.weights, facts) }))
    .filter(({ cost }) => cost.sources.length > 0)
  if (counted.length === 0) return null
  return {
    sources: counted.flatMap(({ cost }) => cost.sources),
    settle(found) {
      for (const { one, cost } of counted) {
        const said = Math.max(0, ...cost.sources.map((source) => found.get(source) ?? 0))
        const more = Math.min(costMax, Math.ceil(said)) - cost.units
        if (more > 0) budgets.owe(costClaims(one, facts).map((claim) => ({ ...claim, amount: more })))
      }
    },
  }
}
