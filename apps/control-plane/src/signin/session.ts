// Logins: an opaque random token in the caller's hands, its hash in the store. Groups and roles are worked out with every
// request, so a changed Group or Role document counts at once.
import { createHash } from 'node:crypto'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import { readDocuments } from '../policies/store.ts'
import { groupsOf, type LoginKind, loginIdleMsMax, loginLifeMsMax, rolesOf } from './rules.ts'
import { addLogin, findLogin, touchLogin } from './store.ts'

/** `lastUsedAt` is written at most this often. */
const touchMs = 60_000

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

/** A fresh login of a person. The token is returned once and kept nowhere. */
export async function openLogin(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes'>,
  personId: string,
  kind: LoginKind,
): Promise<{ token: string; csrfToken: string; expiresAt: Date }> {
  const nowMs = deps.clock.nowMs()
  const token = deps.randomBytes(32).toString('base64url')
  const csrfToken = deps.randomBytes(32).toString('base64url')
  const expiresAt = new Date(nowMs + loginLifeMsMax)
  const id = deps.randomBytes(16).toString('hex')
  await addLogin(deps.db, {
    id,
    tokenHash: hashToken(token),
    kind,
    csrfToken,
    personId,
    at: new Date(nowMs),
    expiresAt,
  })
  return { token, csrfToken, expiresAt }
}

/** The person of a token, or null: unknown, ended, idle for too long, disabled, or shown as the wrong kind. */
export async function findActor(
  deps: Pick<Deps, 'db' | 'clock'>,
  kind: LoginKind,
  token: string,
): Promise<Actor | null> {
  const nowMs = deps.clock.nowMs()
  const login = await findLogin(deps.db, hashToken(token))
  if (login === null || login.kind !== kind) return null
  if (login.revokedAt !== null || login.person.disabledAt !== null) return null
  if (login.expiresAt.getTime() <= nowMs || login.lastUsedAt.getTime() + loginIdleMsMax <= nowMs) return null
  if (login.lastUsedAt.getTime() + touchMs <= nowMs) await touchLogin(deps.db, login.id, new Date(nowMs))
  const documents = (await readDocuments(deps.db, ['Group', 'Role'])).map((stored) => stored.document)
  const groups = groupsOf(login.person, documents)
  const { id, csrfToken, expiresAt } = login
  return {
    personId: login.person.id,
    issuer: login.person.issuer,
    subject: login.person.subject,
    display: login.person.display,
    groups,
    roles: rolesOf(groups, documents),
    login: { id, kind, csrfToken, expiresAt },
  }
}
