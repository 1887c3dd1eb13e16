// Whether a chain may have a token for a target at all. A target that is not open to it is answered like one that does not exist
// (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { actorWithoutRight } from '@sallyport/identity/may-act'
import { admits } from '@sallyport/policy/decide'
import type { Deps } from '../deps.ts'
import { readLiveGrants } from '../policies/live-grants.ts'
import { readDocuments } from '../policies/store.ts'
import { compileFor } from '../targets/open.ts'

/** Throws TARGET_UNKNOWN or ACTOR_FORBIDDEN. */
export async function openTarget(deps: Pick<Deps, 'db' | 'clock'>, name: string, chain: Chain): Promise<void> {
  const all = await readDocuments(deps.db, ['Target', 'Policy', 'Label'])
  const stored = all.find(({ document }) => document.kind === 'Target' && document.metadata.name === name)
  const target = stored?.document.kind === 'Target' ? stored.document : undefined
  const nowMs = deps.clock.nowMs()
  const granted = await readLiveGrants(deps.db, new Date(nowMs))
  if (target === undefined || !admits(compileFor(target, all, granted), chain, nowMs).ok) {
    const isAlone = chain.actors.length === 0
    throw new SallyportError('TARGET_UNKNOWN', `no target of this name is open to ${isAlone ? 'the caller' : 'both'}`, {
      hint: `"audience" is the name of a target; some policy has to name the ${isAlone ? 'caller' : 'person and the actor'}`,
    })
  }
  if (actorWithoutRight(target, chain) !== undefined)
    throw actorForbidden(`nothing lets this actor act for this person at "${name}"`)
}

export const actorForbidden = (message: string): SallyportError =>
  new SallyportError('ACTOR_FORBIDDEN', message, {
    hint: 'the owner of the target lists under "mayAct" which actors may act for which groups',
  })
