// Device logins in the store. Codes come in as digests; nothing here sees one.
import type { Db, Tx } from '../db.ts'

export interface NewDeviceLogin {
  readonly id: string
  readonly deviceHash: string
  readonly userHash: string
  readonly host: string
  readonly client: string
  readonly address: string
  readonly intervalMs: number
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** False when `max` are open already. Those that ran out are cleared on the way. Fails on a code that is taken. */
export async function addDeviceLogin(db: Db, login: NewDeviceLogin, max: number): Promise<boolean> {
  await db.deviceLogin.deleteMany({ where: { expiresAt: { lte: login.createdAt } } })
  if ((await db.deviceLogin.count()) >= max) return false
  await db.deviceLogin.create({ data: { ...login, state: 'open' } })
  return true
}

export async function findDeviceLogin(db: Db, deviceHash: string) {
  return await db.deviceLogin.findUnique({ where: { deviceHash } })
}

/** One that waits for somebody's decision. */
export async function findOpenDeviceLogin(db: Db, userHash: string, now: Date) {
  return await db.deviceLogin.findFirst({ where: { userHash, state: 'open', expiresAt: { gt: now } } })
}

/** Compare-and-set: the login of the one decision that counts; null when it is over, or never was. */
export async function decideDeviceLogin(
  tx: Tx,
  id: string,
  decided: { readonly state: 'confirmed' | 'refused'; readonly loginId: string },
  now: Date,
) {
  const { count } = await tx.deviceLogin.updateMany({
    where: { id, state: 'open', expiresAt: { gt: now } },
    data: decided,
  })
  return count === 1 ? await tx.deviceLogin.findUnique({ where: { id } }) : null
}

export async function keepPoll(db: Db, id: string, lastPolledAt: Date, intervalMs: number): Promise<void> {
  await db.deviceLogin.updateMany({ where: { id }, data: { lastPolledAt, intervalMs } })
}

/** Takes it out: of two that come with one code only one gets it. */
export async function takeDeviceLogin(db: Db, id: string, state: 'confirmed' | 'refused'): Promise<boolean> {
  const { count } = await db.deviceLogin.deleteMany({ where: { id, state } })
  return count === 1
}
