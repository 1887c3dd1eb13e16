// The connection to the store. Only this file, store.ts files and tests know Prisma.
import { PrismaPg } from '@prisma/adapter-pg'
import { Prisma, PrismaClient } from './gen/prisma/client.ts'

export type Db = PrismaClient
/** A transaction's client: what `db.$transaction` passes. */
export type Tx = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0]

/** To get a connection to the store, in milliseconds. */
const connectMsMax = 5_000

/** Opens a pool of at most `connectionsMax` connections. */
export function openDb(url: string, connectionsMax = 10): Db {
  const adapter = new PrismaPg({ connectionString: url, max: connectionsMax, connectionTimeoutMillis: connectMsMax })
  // Longer formats of errors quote the values of a query.
  return new PrismaClient({ adapter, errorFormat: 'minimal' })
}

/** All or nothing, as if no other transaction ran at the same time; a loser fails with what `isStoreConflict` knows. */
export async function inTransaction<T>(db: Db, run: (tx: Tx) => Promise<T>): Promise<T> {
  return await db.$transaction(run, { isolationLevel: 'Serializable', timeout: 30_000, maxWait: 10_000 })
}

/** Prisma error codes: P1001 and P1002 unreachable, P1008 timed out, P1017 closed, P2024 no connection in the pool. */
const unreachableCodes = new Set(['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1017', 'P2024'])
const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EAI_AGAIN', '57P01', '57P03'])

/** P2002 unique violation, P2034 write conflict or deadlock. */
const conflictCodes = new Set(['P2002', 'P2034'])

const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

export function isStoreUnreachable(thrown: unknown): boolean {
  if (thrown instanceof Prisma.PrismaClientInitializationError) return true
  if (thrown instanceof Prisma.PrismaClientKnownRequestError) return unreachableCodes.has(thrown.code)
  return networkCodes.has(codeOf(thrown))
}

export const isStoreConflict = (thrown: unknown): boolean =>
  thrown instanceof Prisma.PrismaClientKnownRequestError && conflictCodes.has(thrown.code)
