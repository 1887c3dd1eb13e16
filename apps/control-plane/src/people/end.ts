// What ends for a person at once: logins of browsers and CLIs, and every token and ticket that was issued before, with the
// sessions that they opened at targets. Agents hear of it with their next snapshot, which the caller publishes after the
// commit (DESIGN §2: 2 s).
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type AnnounceGrantDeps, announceGrant } from '../grants/announce.ts'
import { endGrantsOf } from '../grants/store.ts'
import { addRevocation, addRevocations, closingMs } from '../identities/revocation-store.ts'
import { rightsId } from '../identities/tokens.ts'
import { endLoginsOf, endLoginTree, nextRights, type Who } from './store.ts'

export interface Ending {
  readonly who: Who
  readonly at: Date
  /** Nobody signs in as this person from now on. */
  readonly isClosed?: true
  /** `issuer subject` of whoever does it, or `scim PROVIDER`. */
  readonly by: string
  readonly reason: string
}

/**
 * Call it with the transaction of the change. `exceptLogin` stays. Returns the grants that are others now, of which open consoles are
 * to be told after the commit.
 */
export async function endEverything(
  tx: Tx,
  deps: AnnounceGrantDeps,
  ending: Ending,
  exceptLogin?: string,
): Promise<readonly string[]> {
  const { who, at, by, reason, isClosed = false } = ending
  const id = () => deps.randomBytes(16).toString('hex')
  const logins = await endLoginsOf(tx, who, at, exceptLogin ?? null)
  const grants = isClosed ? await endGrantsOf(tx, who, at, by) : { ended: [], changed: [] }
  for (const grant of grants.ended)
    await announceGrant(deps, tx, { ...grant, untilAt: at }, { event: 'grant.ended', at, by })
  const before = isClosed ? new Date(at.getTime() + closingMs) : at
  await addRevocation(tx, { id: id(), jti: null, ...pick(who), before, at, by, reason })
  await endRights(tx, deps, [who], ending)
  await appendAction(tx, {
    id: id(),
    at,
    actor: by,
    action: 'end-sessions',
    object: `Person/${who.issuer} ${who.subject}`,
    detail: { reason, logins },
  })
  return grants.changed
}

/** Ends tokens, tickets and sessions at targets, and leaves logins: their groups are worked out with every request. */
export async function endTokens(
  tx: Tx,
  deps: AnnounceGrantDeps,
  people: readonly Who[],
  { at, by, reason }: Pick<Ending, 'at' | 'by' | 'reason'>,
): Promise<void> {
  const row = { jti: null, at, by, reason }
  const newId = () => deps.randomBytes(16).toString('hex')
  await addRevocations(
    tx,
    people.map((who) => ({ id: newId(), ...pick(who), ...row })),
  )
  await endRights(tx, deps, people, row)
}

/** What a request that is under way signs in a moment, with the groups that it was judged by, ends with them. */
async function endRights(
  tx: Tx,
  deps: AnnounceGrantDeps,
  people: readonly Who[],
  { at, by, reason }: Pick<Ending, 'at' | 'by' | 'reason'>,
): Promise<void> {
  const issuer = deps.config.publicUrl
  const rows = (await nextRights(tx, people)).map(({ id, rights }) => ({
    id: deps.randomBytes(16).toString('hex'),
    jti: rightsId(id, rights),
    issuer,
    subject: null,
    at,
    by,
    reason,
  }))
  await addRevocations(tx, rows)
}

/**
 * Ends one login that must not go on – its provider refuses it, its token was copied – and all that came of it: logins of command
 * lines that it confirmed, tokens, tickets, certificates, and sessions at targets. The person may sign in again.
 */
export async function endLoginAndIssued(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'config' | 'publish'>,
  login: { readonly id: string; readonly person: Who },
  { by, reason }: Pick<Ending, 'by' | 'reason'>,
): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  const newId = () => deps.randomBytes(16).toString('hex')
  const ended = await inRowTransaction(deps.db, async (tx) => {
    const ids = await endLoginTree(tx, login.id, at)
    if (ids.length === 0) return false
    const issuer = deps.config.publicUrl
    await addRevocations(
      tx,
      ids.map((jti) => ({ id: newId(), jti, issuer, subject: null, at, by, reason })),
    )
    const object = `Person/${login.person.issuer} ${login.person.subject}`
    const detail = { reason, logins: ids.length }
    await appendAction(tx, { id: newId(), at, actor: by, action: 'end-login', object, detail })
    return true
  })
  if (ended) await deps.publish([`Login/${login.id}`])
}

const pick = ({ issuer, subject }: Who): Who => ({ issuer, subject })
