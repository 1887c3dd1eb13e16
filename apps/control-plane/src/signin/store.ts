// Persons, logins and attempts in the store. Tokens come in hashed; nothing here sees one.
import { z } from 'zod'
import type { Db, Tx } from '../db.ts'
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
export async function upsertPerson(db: Db | Tx, person: NewPerson) {
  const said = { display: person.display, groupClaims: [...person.groupClaims] }
  return await db.person.upsert({
    where: { issuer_subject: { issuer: person.issuer, subject: person.subject } },
    create: { id: person.id, issuer: person.issuer, subject: person.subject, createdAt: person.at, ...said },
    update: said,
  })
}

/** The person got a login. */
export async function keepLastLogin(db: Db | Tx, id: string, at: Date): Promise<void> {
  await db.person.update({ where: { id }, data: { lastLoginAt: at } })
}

/** The person as they are kept, who stays so until the transaction ends; null for whoever was never here. */
export async function lockPerson(tx: Tx, { issuer, subject }: Pick<NewPerson, 'issuer' | 'subject'>) {
  await tx.$queryRaw`SELECT 1 FROM "Person" WHERE "issuer" = ${issuer} AND "subject" = ${subject} FOR UPDATE`
  return await tx.person.findUnique({ where: { issuer_subject: { issuer, subject } } })
}

export interface NewLogin {
  readonly id: string
  readonly tokenHash: string
  readonly kind: LoginKind
  readonly csrfToken: string
  readonly personId: string
  readonly provider: string
  /** The browser's login that confirmed a command line's. */
  readonly confirmedBy: string | null
  readonly address: string
  readonly client: string
  /** Encrypted. */
  readonly refreshToken: Uint8Array<ArrayBuffer> | null
  readonly idToken: Uint8Array<ArrayBuffer> | null
  readonly refreshedAt: Date | null
  readonly at: Date
  readonly expiresAt: Date
}

/** Adds a login, and clears those of the same person that have run out. */
export async function addLogin(db: Db | Tx, login: NewLogin): Promise<void> {
  const { at, ...rest } = login
  await db.login.deleteMany({ where: { personId: login.personId, expiresAt: { lt: at } } })
  await db.login.create({ data: { ...rest, createdAt: at, lastUsedAt: at, rotatedAt: at } })
}

/** The login of a token, of the next one that was offered, or of the one before, with its person. */
export async function findLogin(db: Db, hash: string) {
  return await db.login.findFirst({
    where: { OR: [{ tokenHash: hash }, { nextHash: hash }, { previousHash: hash }] },
    include: { person: true },
  })
}

/** Offers the next token unless one was offered since `before`. True when this call did. */
export async function offerNext(db: Db, id: string, nextHash: string, at: Date, before: Date): Promise<boolean> {
  const { count } = await db.login.updateMany({
    where: { id, revokedAt: null, OR: [{ nextAt: null }, { nextAt: { lte: before } }] },
    data: { nextHash, nextAt: at },
  })
  return count === 1
}

/** The next token was shown: it is the token from now on. Does nothing when another request has done it. */
export async function confirmNext(
  db: Db,
  login: { readonly id: string; readonly tokenHash: string; readonly nextHash: string | null },
  at: Date,
): Promise<void> {
  const { id, tokenHash, nextHash } = login
  if (nextHash === null) return
  await db.login.updateMany({
    where: { id, tokenHash, nextHash },
    data: { tokenHash: nextHash, previousHash: tokenHash, nextHash: null, nextAt: null, rotatedAt: at },
  })
}

/** True for the one request that is to ask the provider: nobody has since `before`. */
export async function askOnce(db: Db, id: string, at: Date, before: Date): Promise<boolean> {
  const { count } = await db.login.updateMany({
    where: { id, revokedAt: null, OR: [{ askedAt: null }, { askedAt: { lte: before } }] },
    data: { askedAt: at },
  })
  return count === 1
}

export async function keepRefreshed(
  db: Db,
  id: string,
  said: {
    readonly refreshedAt: Date
    readonly refreshToken?: Uint8Array<ArrayBuffer>
    readonly idToken?: Uint8Array<ArrayBuffer>
  },
): Promise<void> {
  await db.login.updateMany({ where: { id }, data: { ...said } })
}

export async function findLoginById(db: Db, id: string) {
  return await db.login.findUnique({ where: { id } })
}

/** A login, which nobody ends until the transaction is over, with its person. */
export async function lockLoginWithPerson(tx: Tx, id: string) {
  await tx.$queryRaw`SELECT 1 FROM "Login" WHERE "id" = ${id} FOR SHARE`
  return await tx.login.findUnique({ where: { id }, include: { person: true } })
}

/** Logins of a person that are shown to them. */
const loginsShownMax = 100

/** Those that are alive at `now` and were used since `usedSince`, the latest used first. */
export async function findLoginsOf(db: Db, personId: string, now: Date, usedSince: Date) {
  return await db.login.findMany({
    where: { personId, revokedAt: null, expiresAt: { gt: now }, lastUsedAt: { gt: usedSince } },
    orderBy: [{ lastUsedAt: 'desc' }, { id: 'asc' }],
    take: loginsShownMax,
  })
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
  /** Of SAML, once the provider has answered: what it said. */
  readonly said?: Said
  readonly expiresAt: Date
}

/** A verified identity between the provider's answer and the browser that comes back with it. */
export const Said = z.object({
  issuer: z.string(),
  subject: z.string(),
  claims: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  endsAt: z.number().nullable(),
})
export type Said = z.infer<typeof Said>

/** Fails on the primary key when the state is there already. Attempts that ran out are cleared on the way. */
export async function addAttempt(db: Db, attempt: Attempt, now: Date): Promise<void> {
  await db.loginAttempt.deleteMany({ where: { expiresAt: { lt: now } } })
  await db.loginAttempt.create({ data: attempt })
}

/** Takes an attempt out: of two that come with one state only one gets it. Null when used, expired or never there. */
export async function takeAttempt(db: Db, state: string, now: Date) {
  const attempt = await db.loginAttempt.findUnique({ where: { state } })
  if (attempt === null) return null
  const { count } = await db.loginAttempt.deleteMany({ where: { state } })
  return count === 1 && attempt.expiresAt > now ? attempt : null
}
