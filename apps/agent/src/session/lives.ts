// The gate of a session for each chain that its statements run for: what is remembered of one is never another's.
import type { EntryChain } from '@sallyport/ledger/entry'
import type { CompiledPolicies } from '@sallyport/policy/decide'
import type { Catalog } from '@sallyport/sql/catalog'
import { createLimiter, type Limiter, tallies } from '../limits/limiter.ts'
import { depsFor } from './entry-principal.ts'
import type { GateDeps } from './gate.ts'
import { createHolding, type Holding } from './hold.ts'
import type { Behalf } from './initiator.ts'
import { type Protection, protectionCache } from './protection.ts'

/** The gate for one chain, with what it remembers: what was protected last, and how many statements the session has. */
export interface Live {
  /** With this chain. */
  readonly deps: GateDeps
  /** Null for the session's own chain. */
  readonly behalf: Behalf | null
  /** The same for entries. */
  readonly chain: EntryChain | null
  readonly holding: Holding
  readonly limiter: Limiter
  readonly numbers: { last: number }
  readonly protectionOf: (policies: CompiledPolicies, catalog: Catalog) => Protection
}
/** A gate for each chain, with the session's numbers and portals in common. */
export function lives(deps: GateDeps) {
  const numbers = { last: 0 }
  const portals = tallies()
  const made = (of: GateDeps, behalf: Behalf | null): Live => ({
    deps: of,
    behalf,
    chain: of.hold.place.behalf ?? null,
    numbers,
    holding: createHolding(of.hold),
    limiter: createLimiter(of.chain, of.budgets, portals),
    protectionOf: protectionCache(of.chain),
  })
  const known = new WeakMap<Behalf, Live>()
  const liveOf = (behalf: Behalf): Live => {
    const live = known.get(behalf) ?? made(depsFor(deps, behalf), behalf)
    known.set(behalf, live)
    return live
  }
  return { liveOf, own: made(deps, null) }
}
