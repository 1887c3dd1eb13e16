// Revocations of tokens and principals. Queries only; agents have them with the next snapshot.
import type { Db, Tx } from '../db.ts'

export interface NewRevocationRow {
  readonly id: string
  readonly jti: string | null
  readonly issuer: string | null
  readonly subject: string | null
  /** What was issued before it no longer counts. */
  readonly at: Date
  readonly by: string
  readonly reason: string
}

export async function addRevocation(tx: Tx, row: NewRevocationRow): Promise<void> {
  await tx.revocation.create({ data: { ...row, before: row.at } })
}

/** Newest first, after the one at (at, id) when given. */
export async function pageRevocations(db: Db, after: { at: Date; id: string } | null, limit: number) {
  return await db.revocation.findMany({
    ...(after === null ? {} : { where: { OR: [{ at: { lt: after.at } }, { at: after.at, id: { lt: after.id } }] } }),
    orderBy: [{ at: 'desc' }, { id: 'desc' }],
    take: limit,
  })
}
