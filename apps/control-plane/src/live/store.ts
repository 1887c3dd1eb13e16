// What the live path looks up: sessions that are to be ended, whether documents changed, and whether a login still holds.
import type { Db, Tx } from '../db.ts'

/** Sessions of these agents that an administrator wants ended since a time, and that are not over. */
export async function findKills(db: Db, agentIds: readonly string[], since: Date) {
  return await db.recordedSession.findMany({
    where: { agentId: { in: [...agentIds] }, killAskedAt: { gte: since }, closedAt: null },
    select: { id: true, agentId: true, killAskedAt: true, killReason: true },
    take: 1_000,
  })
}

export async function findKill(db: Db, session: string) {
  return await db.recordedSession.findFirst({
    where: { id: session, killAskedAt: { not: null }, closedAt: null },
    select: { id: true, agentId: true, killAskedAt: true, killReason: true },
  })
}

export async function findSession(tx: Tx, id: string) {
  return await tx.recordedSession.findUnique({
    where: { id },
    select: { id: true, agentId: true, agentName: true, target: true, initiatorName: true, closedAt: true },
  })
}

/** True when this call asked for it; false when the session is over. */
export async function askKill(tx: Tx, id: string, at: Date, reason: string): Promise<boolean> {
  const { count } = await tx.recordedSession.updateMany({
    where: { id, closedAt: null },
    data: { killAskedAt: at, killReason: reason },
  })
  return count === 1
}

/** Grows with every change of a document, every revocation, and every grant that is given or ended: none is ever taken back. */
export async function countChanges(db: Db): Promise<number> {
  const counts = await Promise.all([
    db.resourceVersion.count(),
    db.revocation.count(),
    db.grant.count({ where: { grantedAt: { not: null } } }),
    db.grant.count({ where: { endedAt: { not: null } } }),
  ])
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Logins with their persons, for a look that does not count as use. */
export async function findLogins(db: Db, ids: readonly string[]) {
  return await db.login.findMany({ where: { id: { in: [...new Set(ids)] } }, include: { person: true } })
}
