// What agents said last about tools in quarantine. Queries only.
import type { Db } from '../db.ts'
import type { StoredTool } from './rules.ts'

export interface NewReport {
  readonly target: string
  readonly agentId: string
  readonly url: string
  readonly at: Date
  readonly tools: readonly StoredTool[]
  readonly more: number
}

export async function findReport(db: Db, target: string, agentId: string) {
  return await db.quarantine.findUnique({ where: { target_agentId: { target, agentId } } })
}

/** One for each target and agent: what is said now stands in the place of what was said before. */
export async function putReport(db: Db, { target, agentId, ...rest }: NewReport): Promise<void> {
  const report = { ...rest, tools: rest.tools.map((tool) => ({ ...tool })) }
  await db.quarantine.upsert({
    where: { target_agentId: { target, agentId } },
    create: { target, agentId, ...report },
    update: report,
  })
}

export async function removeReport(db: Db, target: string, agentId: string): Promise<number> {
  return (await db.quarantine.deleteMany({ where: { target, agentId } })).count
}

/** Of one target, or of all; with the names of agents that are not revoked. */
export async function readReports(db: Db, target: string | null) {
  const rows = await db.quarantine.findMany({
    ...(target === null ? {} : { where: { target } }),
    orderBy: [{ target: 'asc' }, { agentId: 'asc' }],
  })
  const agents = await db.agent.findMany({
    where: { id: { in: rows.map(({ agentId }) => agentId) }, revokedAt: null },
    select: { id: true, name: true },
  })
  const names = new Map(agents.map(({ id, name }) => [id, name]))
  return rows.flatMap(({ agentId, ...row }) => {
    const agent = names.get(agentId)
    return agent === undefined ? [] : [{ ...row, agent }]
  })
}
