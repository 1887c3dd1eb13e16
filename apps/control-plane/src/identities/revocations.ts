// An administrator revokes what a principal has shown until now, or one token: agents end the sessions that stand on it within two
// seconds, and a person's logins here end with it. Who may come back is the issuer's to say, and the groups'.
import type { NewRevocation } from '@sallyport/api/workloads'
import { appendAction } from '../audit/store.ts'
import { inTransaction } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { endEverything } from '../people/end.ts'
import { addRevocation } from './revocation-store.ts'

export async function revoke(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'publish' | 'config'>,
  actor: Actor,
  asked: NewRevocation,
): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  const by = actorKey(actor)
  const { reason } = asked
  await inTransaction(deps.db, async (tx) => {
    if ('subject' in asked) {
      await endEverything(tx, deps, { who: asked, at, by, reason })
      return
    }
    const newId = (): string => deps.randomBytes(16).toString('hex')
    const { jti, issuer = null } = asked
    await addRevocation(tx, { id: newId(), jti, issuer, subject: null, at, by, reason })
    const detail = { reason, issuer }
    await appendAction(tx, { id: newId(), at, actor: by, action: 'revoke-token', object: `Token/${jti}`, detail })
  })
  await deps.publish(['Revocation'])
}
