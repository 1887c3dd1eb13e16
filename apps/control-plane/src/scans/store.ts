// Scans in the store, and the agents that could make one. Queries only.
import type { ScanReport } from '@sallyport/mask/scan'
import type { Db, Tx } from '../db.ts'

export interface NewScan {
  readonly id: string
  readonly target: string
  readonly agentId: string
  readonly rows: number
  readonly askedAt: Date
  readonly askedBy: string
}

export async function addScan(tx: Tx, scan: NewScan): Promise<void> {
  await tx.scan.create({ data: { ...scan, state: 'asked' } })
}

/** Old ones say nothing any more. */
export async function removeScansBefore(tx: Tx, before: Date): Promise<void> {
  await tx.scan.deleteMany({ where: { askedAt: { lt: before } } })
}

export async function findScan(db: Db, id: string) {
  return await db.scan.findUnique({ where: { id } })
}

/** Scans that these agents still have to make. */
export async function findAsked(db: Db, agentIds: readonly string[], since: Date) {
  return await db.scan.findMany({
    where: { agentId: { in: [...agentIds] }, state: 'asked', askedAt: { gte: since } },
    select: { id: true, target: true, agentId: true, rows: true },
    take: 100,
  })
}

export async function countAsked(tx: Tx, agentId: string, since: Date): Promise<number> {
  return await tx.scan.count({ where: { agentId, state: 'asked', askedAt: { gte: since } } })
}

/** True when this call ended it: an agent ends its own scans, once. */
export async function endScan(
  db: Db,
  ended: {
    readonly id: string
    readonly agentId: string
    readonly at: Date
    readonly report: ScanReport | null
    readonly error: { readonly code: string; readonly message: string } | null
  },
): Promise<boolean> {
  const { id, agentId, at, report, error } = ended
  const { count } = await db.scan.updateMany({
    where: { id, agentId, state: 'asked' },
    data: {
      state: error === null ? 'done' : 'failed',
      doneAt: at,
      ...(report === null ? {} : { report }),
      errorCode: error?.code ?? null,
      errorMessage: error?.message ?? null,
    },
  })
  return count === 1
}

/** The agent of these names that was heard of last, since a time. */
export async function findAgentSeen(tx: Tx, names: readonly string[], since: Date) {
  return await tx.agent.findFirst({
    where: { name: { in: [...names] }, revokedAt: null, lastSeenAt: { gte: since } },
    orderBy: { lastSeenAt: 'desc' },
    select: { id: true, name: true },
  })
}
