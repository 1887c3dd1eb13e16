// People as administrators deal with them: the list, ending everything that somebody has open, and who may not sign in.
import type { PersonPage, PersonShown } from '@sallyport/api/people'
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { readDocuments } from '../policies/store.ts'
import { groupsOf, loginIdleMsMax, rolesOf } from '../signin/rules.ts'
import { endEverything } from './end.ts'
import { findPerson, pagePeople, setDisabled } from './store.ts'

type PeopleDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'publish' | 'config' | 'bus'>

const Place = z.tuple([z.string().max(300), z.string().max(64)])

/** Everyone who ever signed in, and whom SCIM closed out before, by name. */
export async function listPeople(
  deps: Pick<Deps, 'db' | 'clock'>,
  query: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<PersonPage> {
  const nowMs = deps.clock.nowMs()
  const place = decodeCursor(Place, query.cursor)
  const rows = await pagePeople(deps.db, place, query.limit + 1, new Date(nowMs))
  const documents = (await readDocuments(deps.db, ['Group', 'Role'])).map((stored) => stored.document)
  const show = (row: (typeof rows)[number]): PersonShown => {
    const groups = groupsOf(row, documents)
    const idle = nowMs - loginIdleMsMax
    return {
      id: row.id,
      issuer: row.issuer,
      subject: row.subject,
      display: row.display,
      groups,
      roles: rolesOf(groups, documents),
      lastLoginAt: row.lastLoginAt?.toISOString() ?? null,
      logins: row.logins.filter(({ lastUsedAt }) => lastUsedAt.getTime() > idle).length,
      disabledAt: row.disabledAt?.toISOString() ?? null,
      disabledBy: row.disabledBy,
    }
  }
  return pageOfRows(rows, query.limit, show, (last) => encodeCursor([last.display, last.id]))
}

/** Ends logins, tokens, tickets and sessions at targets of somebody. Throws NOT_FOUND. */
export async function endSessionsOf(deps: PeopleDeps, actor: Actor, id: string, reason: string): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  await inRowTransaction(deps.db, async (tx) => {
    const who = await known(tx, id)
    await endEverything(tx, deps, { who, at, by: actorKey(actor), reason })
  })
  await deps.publish([`Person/${id}`])
}

/** Nobody signs in as this person any more, and everything that they have open ends. Throws NOT_FOUND, CONFLICT. */
export async function disablePerson(deps: PeopleDeps, actor: Actor, id: string, reason: string): Promise<void> {
  if (id === actor.personId)
    throw new SallyportError('CONFLICT', 'you cannot disable yourself', { hint: 'another administrator can' })
  const at = new Date(deps.clock.nowMs())
  const by = actorKey(actor)
  const grants = await inRowTransaction(deps.db, async (tx) => {
    const who = await known(tx, id)
    if (!(await setDisabled(tx, id, at, by))) throw new SallyportError('CONFLICT', 'this person is disabled already')
    await audit(tx, deps, { at, by, action: 'disable-person', who, reason })
    return await endEverything(tx, deps, { who, at, by, reason, isClosed: true })
  })
  for (const grant of grants) deps.bus.publish({ kind: 'grant', id: grant })
  await deps.publish([`Person/${id}`])
}

/** The person may sign in again. What was issued before stays ended. Throws NOT_FOUND, CONFLICT. */
export async function enablePerson(deps: PeopleDeps, actor: Actor, id: string, reason: string): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  const by = actorKey(actor)
  await inRowTransaction(deps.db, async (tx) => {
    const who = await known(tx, id)
    if (!(await setDisabled(tx, id, at, null))) throw new SallyportError('CONFLICT', 'this person is not disabled')
    await audit(tx, deps, { at, by, action: 'enable-person', who, reason })
    await endEverything(tx, deps, { who, at, by, reason })
  })
  await deps.publish([`Person/${id}`])
}

async function known(tx: Tx, id: string) {
  const person = await findPerson(tx, id)
  if (person !== null) return person
  throw new SallyportError('NOT_FOUND', 'there is no person with this id')
}

async function audit(
  tx: Tx,
  deps: Pick<Deps, 'randomBytes'>,
  done: {
    readonly at: Date
    readonly by: string
    readonly action: string
    readonly who: { readonly issuer: string; readonly subject: string }
    readonly reason: string
  },
): Promise<void> {
  const { at, by, action, who, reason } = done
  const id = deps.randomBytes(16).toString('hex')
  const object = `Person/${who.issuer} ${who.subject}`
  await appendAction(tx, { id, at, actor: by, action, object, detail: { reason } })
}
