// What the limits say to a judged text before anything of it runs: take its statements from the budgets, refuse where one is
// used up, and give each statement that returns rows its meter. Called by the gate alone, and only where limits exist.
import type { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryShadow } from '@sallyport/ledger/entry'
import { type CompiledPolicies, limitsFor } from '@sallyport/policy/decide'
import { type AppliedLimit, type CompiledLimit, copiedBy, packingIn } from '@sallyport/policy/limits'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Claim, StatementBudgets } from './budgets.ts'
import { costClaims } from './cost.ts'
import { rowClaims } from './meter.ts'
import { copyRefused, limitReached, packingRefused } from './words.ts'

/** Why the limits refuse a text. */
export interface Charged {
  readonly refusal: { readonly limit: CompiledLimit; readonly error: SallyportError; readonly at: number } | null
  /** By statement: limits in shadow mode that would have refused it. */
  readonly shadow: ReadonlyMap<number, readonly EntryShadow[]>
}

export const notCharged: Charged = { refusal: null, shadow: new Map() }

/** Takes the statements of one text, together or not at all. */
export function charge(
  all: readonly StatementFacts[],
  who: { readonly policies: CompiledPolicies; readonly chain: Chain; readonly catalog: Catalog },
  budgets: StatementBudgets,
  isDenied = false,
): Charged {
  const applied = all.flatMap((facts, at) =>
    limitsFor(who.policies, facts, who.chain, who.catalog).map((one) => ({ ...one, facts, at })),
  )
  if (applied.length === 0) return notCharged
  const shadow = new Map<number, EntryShadow[]>()
  const claims: Claim[] = []
  for (const one of applied) {
    const refusal = ahead(one, who.catalog, budgets)
    if (refusal === null) {
      if (!one.limit.shadow) claims.push(...requestClaims(one, isDenied))
    } else if (one.limit.shadow) note(shadow, one)
    else return { refusal: { limit: one.limit, error: refusal, at: one.at }, shadow }
  }
  const full = budgets.take(claims)
  if (full !== null) {
    const one = applied.find((candidate) =>
      requestClaims(candidate, isDenied).some(({ budget }) => budget === full.claim.budget),
    )
    if (one !== undefined)
      return { refusal: { limit: one.limit, error: limitReached(one.limit, full.retryMs), at: one.at }, shadow }
  }
  for (const one of applied)
    if (one.limit.shadow && budgets.take(requestClaims(one, isDenied)) !== null) note(shadow, one)
  return { refusal: null, shadow }
}

interface AppliedTo extends AppliedLimit {
  readonly facts: StatementFacts
  readonly at: number
}

/** One more of what a limit counts by number. */
export function guessClaims({ limit, budgets }: AppliedLimit): readonly Claim[] {
  const { requests, everyMs, shared } = limit
  if (requests === null || everyMs === null) return []
  return budgets.map((budget) => ({ budget: `${budget}\u0000requests`, amount: 1, max: requests, everyMs, shared }))
}

/** Of what is denied the attempt is counted, and no cost: it costs nobody anything. */
const requestClaims = (one: AppliedTo, isDenied: boolean): readonly Claim[] => {
  const attempts = guessClaims(one)
  return isDenied ? attempts : [...attempts, ...costClaims(one, one.facts)]
}

/** What is known before the first row: no row is left, or rows could not be counted. */
function ahead(one: AppliedTo, catalog: Catalog, budgets: StatementBudgets): SallyportError | null {
  const { limit, facts } = one
  const isProven = limit.rows === null || limit.packing === 'allow'
  const copy = isProven || limit.objects === null ? null : copiedBy(facts, limit.objects, limit.everyMs === null)
  if (copy !== null) return copyRefused(limit, copy)
  if (facts.output === null || (limit.rows === null && limit.bytes === null)) return null
  const construct = isProven ? null : packingIn(facts, catalog, limit.objects)
  if (construct !== null) return packingRefused(limit, construct)
  const full = budgets.look(one.budgets.flatMap((budget) => rowClaims(limit, budget, 1, 1)))
  return full === null ? null : limitReached(limit, full.retryMs)
}

function note(shadow: Map<number, EntryShadow[]>, { limit, at }: AppliedTo): void {
  const { policy, version, name } = limit
  shadow.set(at, [...(shadow.get(at) ?? []), { policy, version, rule: name, effect: 'limit' }])
}
