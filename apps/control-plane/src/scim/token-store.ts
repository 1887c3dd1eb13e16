// Tokens of SCIM clients in the store: hashes, and what administrators see of them.
import type { Db, Tx } from '../db.ts'

export async function addToken(
  tx: Tx,
  token: {
    readonly id: string
    readonly provider: string
    readonly tokenHash: string
    readonly createdAt: Date
    readonly createdBy: string
    readonly expiresAt: Date
  },
): Promise<void> {
  await tx.scimToken.create({ data: { ...token } })
}

export async function findTokenByHash(db: Db, tokenHash: string) {
  return await db.scimToken.findUnique({ where: { tokenHash } })
}

export async function touchToken(db: Db, id: string, at: Date): Promise<void> {
  await db.scimToken.updateMany({ where: { id }, data: { lastUsedAt: at } })
}

export async function listTokenRows(db: Db, limit: number) {
  return await db.scimToken.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: limit })
}

export async function countLiveTokens(tx: Tx, provider: string, at: Date): Promise<number> {
  return await tx.scimToken.count({ where: { provider, revokedAt: null, expiresAt: { gt: at } } })
}

/** The provider of the token when this call revoked it, else null. */
export async function revokeTokenRow(tx: Tx, id: string, at: Date): Promise<string | null> {
  const { count } = await tx.scimToken.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } })
  if (count === 0) return null
  return (await tx.scimToken.findUnique({ where: { id } }))?.provider ?? null
}
