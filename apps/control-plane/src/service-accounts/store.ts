// Service accounts and their keys. Queries only; of a secret there is nothing but its digest.
import type { Db, Tx } from '../db.ts'
import type { Prisma } from '../gen/prisma/client.ts'

export type AccountRow = Prisma.ServiceAccountGetPayload<{ include: { keys: true } }>
export type KeyRow = AccountRow['keys'][number]

const include = { keys: { orderBy: { createdAt: 'asc' } } } as const

export const listAccounts = async (db: Db | Tx): Promise<AccountRow[]> =>
  await db.serviceAccount.findMany({ include, orderBy: { name: 'asc' } })

export const findAccount = async (db: Db | Tx, name: string): Promise<AccountRow | null> =>
  await db.serviceAccount.findUnique({ where: { name }, include })

export async function addAccount(tx: Tx, row: Omit<AccountRow, 'keys' | 'disabledAt'>): Promise<void> {
  await tx.serviceAccount.create({ data: row })
}

export async function addKey(tx: Tx, row: Omit<KeyRow, 'lastUsedAt' | 'revokedAt'>): Promise<void> {
  await tx.serviceAccountKey.create({ data: row })
}

/** False when it was disabled before. */
export async function disableAccount(tx: Tx, name: string, at: Date): Promise<boolean> {
  const { count } = await tx.serviceAccount.updateMany({ where: { name, disabledAt: null }, data: { disabledAt: at } })
  return count === 1
}

/** False when it was revoked before. */
export async function revokeKey(tx: Tx, id: string, at: Date): Promise<boolean> {
  const { count } = await tx.serviceAccountKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } })
  return count === 1
}

export async function noteUse(db: Db, id: string, at: Date): Promise<void> {
  await db.serviceAccountKey.update({ where: { id }, data: { lastUsedAt: at } })
}
