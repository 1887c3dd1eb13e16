// Agents and join tokens in the store. Queries only; what may be done stands in agents.ts and rules.ts.
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

/** Where the callers of all other agents that are not revoked connect. */
export async function advertisedByOthers(db: Db, agentId: string): Promise<string[]> {
  const rows = await db.agent.findMany({
    where: { revokedAt: null, id: { not: agentId } },
    select: { advertise: true },
  })
  return rows.map((row) => row.advertise)
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
  },
): Promise<void> {
  await db.agent.update({
    where: { id },
    data: {
      lastSeenAt: seen.at,
      softwareVersion: seen.softwareVersion,
      advertise: seen.advertise,
      advertiseHttp: seen.advertiseHttp,
    },
  })
}

export async function touchAgent(db: Db, id: string, at: Date): Promise<void> {
  await db.agent.update({ where: { id }, data: { lastSeenAt: at } })
}

export async function setSnapshotApplied(db: Db, id: string, version: bigint): Promise<void> {
  await db.agent.update({ where: { id }, data: { snapshotApplied: version } })
}

/** The next version for this agent: above every one that was made, and above the one that it reports (a store put back from a backup). */
export async function nextSnapshotVersion(db: Db, id: string, reported: bigint): Promise<bigint> {
  return await inRowTransaction(db, async (tx) => {
    await tx.agent.updateMany({ where: { id, snapshotVersion: { lt: reported } }, data: { snapshotVersion: reported } })
    const row = await tx.agent.update({
      where: { id },
      data: { snapshotVersion: { increment: 1 } },
      select: { snapshotVersion: true },
    })
    return row.snapshotVersion
  })
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

/** Revocations of tokens and principals that some token alive could still meet. */
export async function readRevocations(db: Db, since: Date) {
  return await db.revocation.findMany({ where: { before: { gte: since } }, orderBy: { id: 'asc' } })
}
