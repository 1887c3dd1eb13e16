// Logins: an opaque random token in the caller's hands, its hash in the store. Groups and roles are worked out with every
// request, so a changed Group or Role document counts at once. A browser's token turns over while it is used; one that
// was turned over and is shown again later was copied, and ends the login.
import { createHash } from 'node:crypto'
import type { Secret } from '@sallyport/base/secret'
import type { Db, Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import { endLoginAndIssued } from '../people/end.ts'
import { readDocuments } from '../policies/store.ts'
import { confirmPerson, type RefreshDeps } from './refresh.ts'
import { groupsOf, type LoginKind, loginIdleMsMax, loginLifeMsMax, rolesOf, rotateGraceMs, rotateMs } from './rules.ts'
import { addLogin, confirmNext, findLogin, offerNext, touchLogin } from './store.ts'

/** `lastUsedAt` is written at most this often. */
const touchMs = 60_000

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Where a login comes from, and what the provider is asked with later. */
export interface LoginOrigin {
  readonly provider?: string
  /** The browser's login that confirmed a command line's. */
  readonly confirmedBy?: string
  readonly address?: string
  readonly client?: string
  readonly refreshToken?: Secret | undefined
  readonly idToken?: Secret | undefined
  /** The provider wants it to end then. */
  readonly endsAt?: Date | undefined
}

type OpeningDeps = Pick<Deps, 'clock' | 'randomBytes' | 'vault'> & { readonly db: Db | Tx }

/** A fresh login of a person. The token is returned once and kept nowhere. */
export async function openLogin(
  deps: OpeningDeps,
  personId: string,
  kind: LoginKind,
  origin: LoginOrigin = {},
): Promise<{ token: string; csrfToken: string; expiresAt: Date }> {
  const nowMs = deps.clock.nowMs()
  const at = new Date(nowMs)
  const token = deps.randomBytes(32).toString('base64url')
  const csrfToken = deps.randomBytes(32).toString('base64url')
  const expiresAt = new Date(Math.min(nowMs + loginLifeMsMax, origin.endsAt?.getTime() ?? Number.POSITIVE_INFINITY))
  const id = deps.randomBytes(16).toString('hex')
  const sealed = (what: 'refresh' | 'id', secret: Secret | undefined) =>
    secret === undefined ? null : deps.vault.seal(`login-${what}-token ${id}`, Buffer.from(secret.reveal()))
  await addLogin(deps.db, {
    id,
    tokenHash: hashToken(token),
    kind,
    csrfToken,
    personId,
    provider: origin.provider ?? '',
    confirmedBy: origin.confirmedBy ?? null,
    address: origin.address ?? '',
    client: origin.client ?? '',
    refreshToken: sealed('refresh', origin.refreshToken),
    idToken: sealed('id', origin.idToken),
    refreshedAt: origin.refreshToken === undefined ? null : at,
    at,
    expiresAt,
  })
  return { token, csrfToken, expiresAt }
}

export type StoredLogin = NonNullable<Awaited<ReturnType<typeof findLogin>>>

/** The person of a token, or null: unknown, ended, idle for too long, disabled, copied, or shown as the wrong kind. */
export async function findActor(
  deps: RefreshDeps,
  kind: LoginKind,
  token: string,
): Promise<(Actor & { readonly turnsOver: boolean }) | null> {
  const nowMs = deps.clock.nowMs()
  const hash = hashToken(token)
  const login = await findLogin(deps.db, hash)
  if (login === null || login.kind !== kind) return null
  if (login.revokedAt !== null || login.person.disabledAt !== null) return null
  if (login.expiresAt.getTime() <= nowMs || login.lastUsedAt.getTime() + loginIdleMsMax <= nowMs) return null
  if (!(await isCurrent(deps, login, hash, nowMs))) return null
  const person = await confirmPerson(deps, login)
  if (person === null) return null
  if (login.lastUsedAt.getTime() + touchMs <= nowMs) await touchLogin(deps.db, login.id, new Date(nowMs))
  const documents = (await readDocuments(deps.db, ['Group', 'Role'])).map((stored) => stored.document)
  const groups = groupsOf(person, documents)
  const { id, csrfToken, expiresAt } = login
  return {
    personId: person.id,
    issuer: person.issuer,
    subject: person.subject,
    display: person.display,
    groups,
    roles: rolesOf(groups, documents),
    rights: person.rights,
    login: { id, kind, csrfToken, expiresAt },
    turnsOver: kind === 'browser' && isTurnOverDue(login, nowMs),
  }
}

/** The token of now, the next one (which it thereby becomes), or the one before for a short while. */
async function isCurrent(deps: RefreshDeps, login: StoredLogin, hash: string, nowMs: number): Promise<boolean> {
  if (hash === login.tokenHash) return true
  if (hash === login.nextHash) {
    await confirmNext(deps.db, login, new Date(nowMs))
    return true
  }
  if (login.rotatedAt.getTime() + rotateGraceMs > nowMs) return true
  await endLoginAndIssued(deps, login, { by: 'sallyport', reason: 'its token was copied' })
  deps.log.warn({ event: 'login-token-copied', login: login.id, person: login.personId })
  return false
}

/** Not while a token is on its way that may still arrive. */
const isTurnOverDue = (login: StoredLogin, nowMs: number): boolean =>
  login.rotatedAt.getTime() + rotateMs <= nowMs &&
  (login.nextAt === null || login.nextAt.getTime() + rotateGraceMs <= nowMs)

/**
 * Another token for a browser's login. The old one is good until the new one is shown: an answer that gets lost signs
 * nobody out. Null when another request did it at the same moment.
 */
export async function turnOver(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes'>,
  loginId: string,
): Promise<string | null> {
  const token = deps.randomBytes(32).toString('base64url')
  const now = deps.clock.nowMs()
  const isOurs = await offerNext(deps.db, loginId, hashToken(token), new Date(now), new Date(now - rotateGraceMs))
  return isOurs ? token : null
}
