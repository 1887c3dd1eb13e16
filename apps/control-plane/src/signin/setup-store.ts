// Links of the first administrator in the store: hashes, each good once.
import type { Db } from '../db.ts'

/** Keeps a link; those that have run out are cleared on the way. */
export async function addSetupLink(db: Db, codeHash: string, expiresAt: Date, now: Date): Promise<void> {
  await db.setupLink.deleteMany({ where: { expiresAt: { lt: now } } })
  await db.setupLink.create({ data: { codeHash, expiresAt } })
}

export async function findSetupLink(db: Db, codeHash: string, now: Date): Promise<boolean> {
  const found = await db.setupLink.findUnique({ where: { codeHash } })
  return found !== null && found.expiresAt > now
}

/** True for one caller. Every other link goes with it: there is one first administrator. */
export async function takeSetupLink(db: Db, codeHash: string, now: Date): Promise<boolean> {
  const { count } = await db.setupLink.deleteMany({ where: { codeHash, expiresAt: { gt: now } } })
  if (count === 1) await db.setupLink.deleteMany({})
  return count === 1
}
