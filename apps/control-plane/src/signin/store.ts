// Persons, logins and attempts in the store. Tokens come in hashed; nothing here sees one.
import type { Db } from '../db.ts'
import type { LoginKind } from './rules.ts'

export interface NewPerson {
  readonly id: string
  readonly issuer: string
  readonly subject: string
  readonly display: string
  readonly groupClaims: readonly string[]
  readonly at: Date
}

/** Finds or makes the person of (issuer, subject) and keeps what the issuer said this time. */
export async function upsertPerson(db: Db, person: NewPerson) {
  const said = { display: person.display, groupClaims: [...person.groupClaims], lastLoginAt: person.at }
  return await db.person.upsert({
    where: { issuer_subject: { issuer: person.issuer, subject: person.subject } },
    create: { id: person.id, issuer: person.issuer, subject: person.subject, createdAt: person.at, ...said },
    update: said,
  })
}

export interface NewLogin {
  readonly id: string
  readonly tokenHash: string
  readonly kind: LoginKind
  readonly csrfToken: string
  readonly personId: string
  readonly at: Date
  readonly expiresAt: Date
}

/** Adds a login, and clears those of the same person that have run out. */
export async function addLogin(db: Db, login: NewLogin): Promise<void> {
  const { at, ...rest } = login
  await db.login.deleteMany({ where: { personId: login.personId, expiresAt: { lt: at } } })
  await db.login.create({ data: { ...rest, createdAt: at, lastUsedAt: at } })
}

/** The login of a token with its person. */
export async function findLogin(db: Db, tokenHash: string) {
  return await db.login.findUnique({ where: { tokenHash }, include: { person: true } })
}

export async function touchLogin(db: Db, id: string, at: Date): Promise<void> {
  await db.login.updateMany({ where: { id, lastUsedAt: { lt: at } }, data: { lastUsedAt: at } })
}

export async function endLogin(db: Db, id: string, at: Date): Promise<void> {
  await db.login.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } })
}

export interface Attempt {
  readonly state: string
  readonly provider: string
  readonly nonce: string
  readonly verifier: string
  readonly returnTo: string
  readonly expiresAt: Date
}

/** Fails on the primary key when the state is there already. Attempts that ran out are cleared on the way. */
export async function addAttempt(db: Db, attempt: Attempt, now: Date): Promise<void> {
  await db.loginAttempt.deleteMany({ where: { expiresAt: { lt: now } } })
  await db.loginAttempt.create({ data: attempt })
}

/** Takes an attempt out: of two that come with one state only one gets it. Null when used, expired or never there. */
export async function takeAttempt(db: Db, state: string, now: Date): Promise<Attempt | null> {
  const attempt = await db.loginAttempt.findUnique({ where: { state } })
  if (attempt === null) return null
  const { count } = await db.loginAttempt.deleteMany({ where: { state } })
  return count === 1 && attempt.expiresAt > now ? attempt : null
}
