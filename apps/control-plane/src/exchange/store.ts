// Tokens for one use that were used. Queries only.
import { type Db, isStoreConflict } from '../db.ts'

interface Spent {
  readonly jti: string
  readonly agentId: string
  readonly spentAt: Date
  readonly expiresAt: Date
}

/** Compare-and-set: true for the first who asks, and for nobody after. */
export async function spendToken(db: Db, spent: Spent): Promise<boolean> {
  const { count } = await db.spentToken.createMany({ data: [{ ...spent }], skipDuplicates: true })
  return count === 1
}

/** What has ended is refused for that, and need not be remembered. */
export async function removeEndedBefore(db: Db, before: Date): Promise<void> {
  try {
    await db.spentToken.deleteMany({ where: { expiresAt: { lt: before } } })
  } catch (thrown) {
    // Another replica does the same.
    if (!isStoreConflict(thrown)) throw thrown
  }
}
