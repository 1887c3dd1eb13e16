// A principal as entries and evidence show it: who it is and what was verified, without its claims.
import type { Chain, Principal } from '@sallyport/base/identity'
import type { EntryChain, EntryPrincipal } from '@sallyport/ledger/entry'
import type { HoldDeps } from './hold-execution.ts'
import type { Behalf } from './initiator.ts'

export const entryPrincipal = (principal: Principal): EntryPrincipal => ({
  kind: principal.kind,
  issuer: principal.issuer,
  subject: principal.subject,
  display: principal.display,
  groups: principal.groups,
  assurance: principal.assurance,
})

/** The chain of one statement, with the id of the token that says so. */
export const entryChain = ({ chain, tokenId }: Pick<Behalf, 'chain' | 'tokenId'>): EntryChain => ({
  initiator: entryPrincipal(chain.initiator),
  actors: chain.actors.map(entryPrincipal),
  tokenId,
})

/** What a gate is given, for this chain in the place of the session's own. */
export function depsFor<D extends { readonly chain: Chain; readonly hold: HoldDeps }>(deps: D, behalf: Behalf): D {
  const { chain } = behalf
  const place = { ...deps.hold.place, chain, behalf: entryChain(behalf) }
  return { ...deps, chain, hold: { ...deps.hold, place } }
}
