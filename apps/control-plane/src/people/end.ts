// What ends for a person at once: logins of browsers and CLIs, and every token and ticket that was issued before, with the
// sessions that they opened at targets. Agents hear of it with their next snapshot, which the caller publishes after the
// commit (DESIGN §2: 2 s).
import { appendAction } from '../audit/store.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { addPersonRevocation, endLoginsOf } from './store.ts'

export interface Ending {
  readonly who: { readonly issuer: string; readonly subject: string }
  readonly at: Date
  /** `issuer subject` of whoever does it, or `scim PROVIDER`. */
  readonly by: string
  readonly reason: string
}

/** Call it with the transaction of the change. `exceptLogin` stays. */
export async function endEverything(
  tx: Tx,
  deps: Pick<Deps, 'randomBytes'>,
  ending: Ending,
  exceptLogin?: string,
): Promise<void> {
  const { who, at, by, reason } = ending
  const id = () => deps.randomBytes(16).toString('hex')
  const logins = await endLoginsOf(tx, who, at, exceptLogin ?? null)
  await addPersonRevocation(tx, { id: id(), ...pick(who), at, by, reason })
  await appendAction(tx, {
    id: id(),
    at,
    actor: by,
    action: 'end-sessions',
    object: `Person/${who.issuer} ${who.subject}`,
    detail: { reason, logins },
  })
}

/** Ends tokens, tickets and sessions at targets, and leaves logins: their groups are worked out with every request. */
export async function endTokens(tx: Tx, deps: Pick<Deps, 'randomBytes'>, ending: Ending): Promise<void> {
  const { who, at, by, reason } = ending
  await addPersonRevocation(tx, { id: deps.randomBytes(16).toString('hex'), ...pick(who), at, by, reason })
}

const pick = ({ issuer, subject }: Ending['who']) => ({ issuer, subject })
