// Agents and join tokens in the store. Queries only; what may be done stands in agents.ts and rules.ts.
import { TrustedIssuerDocument } from '@sallyport/policy/document'
import { z } from 'zod'
import { type Db, isStoreConflict, type Tx } from '../db.ts'
import { retiredName } from './rules.ts'

/** Read committed: a racing update waits for the row and then looks at it again, which is what compare-and-set needs. */
export async function inRowTransaction<T>(db: Db, run: (tx: Tx) => Promise<T>): Promise<T> {
  return await db.$transaction(run, { isolationLevel: 'ReadCommitted', timeout: 30_000, maxWait: 10_000 })
}

export interface NewJoinToken {
  readonly id: string
  readonly secretHash: string
  readonly agentName: string
  readonly createdAt: Date
  readonly createdBy: string
  readonly expiresAt: Date
}

export async function addJoinToken(tx: Tx, token: NewJoinToken): Promise<void> {
  await tx.joinToken.create({ data: { ...token } })
}

export async function findJoinToken(db: Db, id: string) {
  return await db.joinToken.findUnique({ where: { id } })
}

/** Compare-and-set: true for exactly one caller, and only before the expiry. */
export async function consumeJoinToken(tx: Tx, id: string, at: Date, usedBy: string): Promise<boolean> {
  const { count } = await tx.joinToken.updateMany({
    where: { id, usedAt: null, expiresAt: { gt: at } },
    data: { usedAt: at, usedBy },
  })
  return count === 1
}

export interface NewAgent {
  readonly id: string
  readonly name: string
  readonly advertise: string
  readonly softwareVersion: string
  readonly recordKey: Uint8Array<ArrayBuffer>
  readonly recordKeyFingerprint: string
  readonly certificateSerial: string
  readonly serverNames: string[]
  readonly enrolledAt: Date
}

/** Adds the agent; a revoked one of the same name gives the name back. False when the name is in use. */
export async function addAgent(tx: Tx, agent: NewAgent): Promise<boolean> {
  const namesake = await tx.agent.findUnique({ where: { name: agent.name } })
  if (namesake !== null && namesake.revokedAt === null) return false
  if (namesake !== null)
    await tx.agent.update({
      where: { id: namesake.id },
      data: { name: retiredName(namesake.name, namesake.id) },
    })
  await tx.agent.create({ data: { ...agent } })
  return true
}

/** Two enrolments raced for one name: the unique index let one through. */
export const isNameRace = isStoreConflict

export async function findAgent(db: Db | Tx, id: string) {
  return await db.agent.findUnique({ where: { id } })
}

export async function findAgentByName(db: Db | Tx, name: string) {
  return await db.agent.findUnique({ where: { name } })
}

export async function pageAgents(db: Db, after: string, limit: number) {
  return await db.agent.findMany({ where: { name: { gt: after } }, orderBy: { name: 'asc' }, take: limit })
}

/** One at a time decides who gets which names, until the transaction ends. */
export async function lockServerNames(tx: Tx): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended('sallyport server names', 0))::text`
}

/** By which names the agents go that are not revoked. */
export async function readNames(db: Db | Tx) {
  return await db.agent.findMany({
    where: { revokedAt: null },
    select: { id: true, serverNames: true, advertise: true, advertiseHttp: true },
  })
}

export async function keepServerNames(tx: Tx, id: string, serverNames: string[]): Promise<void> {
  await tx.agent.update({ where: { id }, data: { serverNames } })
}

/** True when this call revoked it; false when it was revoked already. */
export async function revokeAgent(tx: Tx, id: string, at: Date): Promise<boolean> {
  const { count } = await tx.agent.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } })
  return count === 1
}

/** Which of these agents may no longer speak. */
export async function revokedAmong(db: Db, ids: readonly string[]): Promise<string[]> {
  const rows = await db.agent.findMany({
    where: { id: { in: [...ids] }, revokedAt: { not: null } },
    select: { id: true },
  })
  return rows.map((row) => row.id)
}

export async function setCertificateSerial(db: Db, id: string, certificateSerial: string): Promise<void> {
  await db.agent.update({ where: { id }, data: { certificateSerial } })
}

export async function greetAgent(
  db: Db,
  id: string,
  seen: {
    readonly at: Date
    readonly softwareVersion: string
    readonly advertise: string
    readonly advertiseHttp: string
    readonly capabilities: readonly string[]
  },
): Promise<void> {
  await db.agent.update({
    where: { id },
    data: {
      lastSeenAt: seen.at,
      softwareVersion: seen.softwareVersion,
      advertise: seen.advertise,
      advertiseHttp: seen.advertiseHttp,
      capabilities: [...seen.capabilities],
    },
  })
}

/** What was heard of an agent since it was last written. */
export interface Heard {
  readonly id: string
  /** Absent: nothing but what follows. */
  readonly at?: Date | undefined
  /** The snapshot that it applied last. */
  readonly applied?: bigint | undefined
}

/** Writes what was heard of many agents in one statement. */
export async function noteHeard(db: Db, heard: readonly Heard[]): Promise<void> {
  const ids = heard.map(({ id }) => id)
  const times = heard.map(({ at }) => at ?? null)
  const applied = heard.map(({ applied: version }) => version ?? null)
  await db.$executeRaw`
    WITH locked AS (SELECT "id" FROM "Agent" WHERE "id" = ANY(${ids}::text[]) ORDER BY "id" FOR UPDATE)
    UPDATE "Agent" AS a
    SET "lastSeenAt" = greatest(a."lastSeenAt", h."at"), "snapshotApplied" = coalesce(h."applied", a."snapshotApplied")
    FROM locked, unnest(${ids}::text[], ${times}::timestamptz[], ${applied}::bigint[]) AS h("id", "at", "applied")
    WHERE a."id" = locked."id" AND h."id" = a."id"`
}

/** It lives, and counts as one that was heard of last at this earlier time. */
export async function notLastSeen(db: Db, id: string, at: Date): Promise<void> {
  await db.agent.updateMany({ where: { id }, data: { lastSeenAt: at } })
}

const Versions = z.array(z.object({ id: z.string(), version: z.bigint() }))

/**
 * The next snapshot version of each of these agents: above every one that was made, and above the one that it reports (a
 * store put back from a backup). An agent that is not in the store is not in the answer. Rows are locked in order of id,
 * so that replicas that count for the same agents wait for each other and never block each other.
 */
export async function nextSnapshotVersions(
  db: Db,
  wanted: readonly { readonly id: string; readonly reported: bigint }[],
): Promise<ReadonlyMap<string, bigint>> {
  const ids = wanted.map(({ id }) => id)
  const reported = wanted.map((one) => one.reported)
  const rows = await db.$queryRaw`
    WITH locked AS (SELECT "id" FROM "Agent" WHERE "id" = ANY(${ids}::text[]) ORDER BY "id" FOR UPDATE),
    highest AS (
      SELECT u."id", max(u."reported") AS "reported"
      FROM unnest(${ids}::text[], ${reported}::bigint[]) AS u("id", "reported") GROUP BY u."id"
    )
    UPDATE "Agent" AS a SET "snapshotVersion" = greatest(a."snapshotVersion", highest."reported") + 1
    FROM locked, highest WHERE a."id" = locked."id" AND highest."id" = a."id"
    RETURNING a."id", a."snapshotVersion" AS "version"`
  return new Map(Versions.parse(rows).map(({ id, version }) => [id, version]))
}

export interface NewCatalog {
  readonly target: string
  readonly upstreamRole: string
  readonly version: string
  /** gzip of JSON. */
  readonly catalog: Uint8Array<ArrayBuffer>
  readonly agentId: string
  readonly at: Date
}

export async function putCatalog(db: Db, next: NewCatalog): Promise<void> {
  const { target, upstreamRole, ...rest } = next
  await db.catalog.upsert({
    where: { target_upstreamRole: { target, upstreamRole } },
    create: { ...next },
    update: rest,
  })
}

/**
 * Revocations of tokens and principals that some token alive could still meet; and people who are disabled, where an issuer
 * that agents trust could give them another token meanwhile.
 */
export async function readRevocations(db: Db, since: Date) {
  const rows = await db.revocation.findMany({ where: { before: { gte: since } }, orderBy: { id: 'asc' } })
  const issuers = (
    await db.resource.findMany({ where: { kind: 'TrustedIssuer' }, select: { document: true } })
  ).flatMap(({ document }) => TrustedIssuerDocument.safeParse(document).data?.spec.issuer ?? [])
  if (issuers.length === 0) return rows
  const [people, users] = await Promise.all([
    db.person.findMany({ where: { issuer: { in: issuers }, disabledAt: { not: null } }, select: nameOf }),
    db.scimUser.findMany({ where: { issuer: { in: issuers }, active: false, subject: { not: null } }, select: nameOf }),
  ])
  return [...rows, ...[...people, ...users].map((who) => ({ jti: null, ...who, before: endOfTime }))]
}

const nameOf = { issuer: true, subject: true } as const
/** The last moment that a Date can hold (ECMA-262, 21.4.1.1). */
const endOfTime = new Date(8.64e15)
