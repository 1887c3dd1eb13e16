// The limits of one session: what its texts take from the agent's budgets, and the meters of what they return. Kept apart
// from the gate, which asks it only where the policies have limits; it lets nothing through by itself.
import type { Chain } from '@sallyport/base/identity'
import { type CompiledPolicies, limitsFor } from '@sallyport/policy/decide'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { StatementBudgets } from './budgets.ts'
import { type Charged, charge } from './charge.ts'
import { createMeter, type Meter, type Tally } from './meter.ts'

/** Where the rows of a text come from. */
export interface RowSource {
  /** The portal that is executed; null for a text. */
  readonly portal: object | null
  /** A cursor of this name, as it is now. */
  readonly cursor: (name: string) => object | undefined
}

export interface Limiter {
  /** Takes the statements of a text that is about to run, all or none. */
  charge(all: readonly StatementFacts[], policies: CompiledPolicies, catalog: Catalog): Charged
  /** Makes the meters of the statements of one text; null where nothing is counted. */
  metersOf(policies: CompiledPolicies, catalog: Catalog, source: RowSource): (facts: StatementFacts) => Meter | null
}

/** Limits per statement count a portal across its Executes and FETCHes, for as long as it is open, whoever asks. */
export function tallies(): (portal: object) => Tally {
  const portals = new WeakMap<object, Tally>()
  return (portal) => {
    const known = portals.get(portal) ?? new Map()
    portals.set(portal, known)
    return known
  }
}

export function createLimiter(chain: Chain, budgets: StatementBudgets, tallyOf = tallies()): Limiter {
  return {
    charge: (all, policies, catalog) => charge(all, { policies, chain, catalog }, budgets),
    metersOf(policies, catalog, { portal, cursor }) {
      const text: Tally = new Map()
      return (facts) => {
        const fetched = facts.session.flatMap((effect) => (effect.kind === 'fetch' ? [effect.name] : []))
        // A cursor of the same text exists only once its DECLARE has run, so it is looked up with each row.
        const counting = (): readonly Tally[] => {
          const open = fetched.length === 0 ? [portal] : [portal, ...fetched.map(cursor)]
          return [text, ...open.flatMap((one) => (one === null || one === undefined ? [] : [tallyOf(one)]))]
        }
        return createMeter(limitsFor(policies, facts, chain, catalog), counting, budgets)
      }
    },
  }
}
