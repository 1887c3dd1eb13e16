// Which agents serve a target. Queries only.
import type { Db, Tx } from '../db.ts'

/** Names of the agents that have joined and are not revoked. */
export async function readAgentNames(db: Db | Tx): Promise<Set<string>> {
  const rows = await db.agent.findMany({ where: { revokedAt: null }, select: { name: true } })
  return new Set(rows.map((row) => row.name))
}

/** Where these agents can be reached, the one seen last first. */
export async function readAdvertised(db: Db, names: readonly string[]) {
  return await db.agent.findMany({
    where: { name: { in: [...names] }, revokedAt: null },
    select: { name: true, advertise: true, advertiseHttp: true, capabilities: true },
    orderBy: [{ lastSeenAt: { sort: 'desc', nulls: 'last' } }, { name: 'asc' }],
  })
}
