// What a signed-in person does, as a line of the audit. Call it with the transaction of the change itself.
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { appendAction, type NewAction } from './store.ts'

export async function noteAction(
  deps: Pick<Deps, 'clock' | 'randomBytes'>,
  tx: Tx,
  actor: Pick<Actor, 'issuer' | 'subject'>,
  action: Pick<NewAction, 'action' | 'object' | 'detail'>,
): Promise<void> {
  const id = deps.randomBytes(16).toString('hex')
  await appendAction(tx, { id, at: new Date(deps.clock.nowMs()), actor: actorKey(actor), ...action })
}
