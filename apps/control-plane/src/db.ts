// The connection to the store. Only this file, store.ts files and tests know Prisma.
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './gen/prisma/client.ts'

export type Db = PrismaClient
/** A transaction's client: what `db.$transaction` passes. */
export type Tx = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0]

/** Opens a pool of at most `connectionsMax` connections. */
export function openDb(url: string, connectionsMax = 10): Db {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: connectionsMax }) })
}
