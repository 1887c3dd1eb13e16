// Revocations of tokens and principals. Queries only; agents have them with the next snapshot.
import type { Db, Tx } from '../db.ts'

export interface NewRevocationRow {
  readonly id: string
  readonly jti: string | null
  readonly issuer: string | null
  readonly subject: string | null
  readonly at: Date
  /** What was issued before it no longer counts; `at` where it is not said. */
  readonly before?: Date
  readonly by: string
  readonly reason: string
}

/**
 * Where a door is closed for good, what is issued for so long after counts as issued before: by requests that were under way when
 * the change was committed, of replicas whose clocks differ (`clockLeewaySeconds`). In milliseconds.
 */
export const closingMs = 90_000

/** Rows of one statement. */
const rowsMax = 1_000

export const addRevocation = async (tx: Tx, row: NewRevocationRow): Promise<void> => await addRevocations(tx, [row])

export async function addRevocations(tx: Tx, rows: readonly NewRevocationRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsMax) {
    const data = rows.slice(from, from + rowsMax).map((row) => ({ before: row.at, ...row }))
    await tx.revocation.createMany({ data })
  }
}

/** Newest first, after the one at (at, id) when given. */
export async function pageRevocations(db: Db, after: { at: Date; id: string } | null, limit: number) {
  return await db.revocation.findMany({
    ...(after === null ? {} : { where: { OR: [{ at: { lt: after.at } }, { at: after.at, id: { lt: after.id } }] } }),
    orderBy: [{ at: 'desc' }, { id: 'desc' }],
    take: limit,
  })
}
