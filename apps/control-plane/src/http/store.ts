// One cheap question to the store: is it there?
import type { Db } from '../db.ts'

export async function isStoreReady(db: Db): Promise<boolean> {
  try {
    await db.$queryRaw`SELECT 1`
    return true
  } catch {
    return false
  }
}
