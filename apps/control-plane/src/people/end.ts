// What ends for a person at once: logins of browsers and CLIs, and every token and ticket that was issued before, with the
// sessions that they opened at targets. Agents hear of it with their next snapshot, which the caller publishes after the
// commit (DESIGN §2: 2 s).
import { appendAction } from '../audit/store.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type AnnounceGrantDeps, announceGrant } from '../grants/announce.ts'
import { endGrantsOf } from '../grants/store.ts'
import { addRevocation, addRevocations, closingMs } from '../identities/revocation-store.ts'
import { endLoginsOf, type Who } from './store.ts'

export interface Ending {
  readonly who: Who
  readonly at: Date
  /** Nobody signs in as this person from now on. */
  readonly isClosed?: true
  /** `issuer subject` of whoever does it, or `scim PROVIDER`. */
  readonly by: string
  readonly reason: string
}

/** Call it with the transaction of the change. `exceptLogin` stays. */
export async function endEverything(
  tx: Tx,
  deps: AnnounceGrantDeps,
  ending: Ending,
  exceptLogin?: string,
): Promise<void> {
  const { who, at, by, reason, isClosed = false } = ending
  const id = () => deps.randomBytes(16).toString('hex')
  const logins = await endLoginsOf(tx, who, at, exceptLogin ?? null)
  const granted = isClosed ? await endGrantsOf(tx, who, at, by) : []
  for (const grant of granted)
    await announceGrant(deps, tx, { ...grant, untilAt: at }, { event: 'grant.ended', at, by })
  const before = isClosed ? new Date(at.getTime() + closingMs) : at
  await addRevocation(tx, { id: id(), jti: null, ...pick(who), before, at, by, reason })
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
export async function endTokens(
  tx: Tx,
  deps: Pick<Deps, 'randomBytes'>,
  people: readonly Who[],
  { at, by, reason }: Pick<Ending, 'at' | 'by' | 'reason'>,
): Promise<void> {
  const row = { jti: null, at, by, reason }
  const newId = () => deps.randomBytes(16).toString('hex')
  await addRevocations(
    tx,
    people.map((who) => ({ id: newId(), ...pick(who), ...row })),
  )
}

const pick = ({ issuer, subject }: Who): Who => ({ issuer, subject })
