// Takes from an agent which tools of an MCP server it keeps from callers: only of a target that it serves, only so many, and only so
// often. What is refused is logged; the link stays, since nothing is decided by it.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type { QuarantineReport } from '@sallyport/proto/gen/sallyport/v1/quarantine_pb'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Db } from '../db.ts'
import type { AgentIdentity } from '../grpc/peer.ts'
import type { Bus } from '../live/bus.ts'
import { readDocument } from '../policies/store.ts'
import { mcpTargetOf, StoredTool, sinceBefore, toolsOf } from './rules.ts'
import { findReport, putReport, removeReport } from './store.ts'

export interface QuarantineDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  readonly bus: Pick<Bus, 'publish'>
}

/** The reports of one link. */
export function acceptQuarantine(
  deps: QuarantineDeps,
  agent: AgentIdentity,
): (report: QuarantineReport) => Promise<void> {
  let minute = 0
  let count = 0
  return async (report) => {
    const now = Math.floor(deps.clock.nowMs() / minuteMs)
    if (now !== minute) [minute, count] = [now, 0]
    count += 1
    if (count === limits.mcpQuarantineReportsPerMinuteMax + 1)
      deps.log.warn({ event: 'quarantine-refused', agent: agent.agentId, reason: 'too many reports in a minute' })
    if (count > limits.mcpQuarantineReportsPerMinuteMax) return
    const refusal = await store(deps, agent, report)
    if (refusal !== null) deps.log.warn({ event: 'quarantine-refused', agent: agent.agentId, reason: refusal })
  }
}

const minuteMs = 60_000
/** The store's integer is 32 bits wide. */
const moreMax = 1_000_000

/** Null: it is stored. */
async function store(deps: QuarantineDeps, agent: AgentIdentity, report: QuarantineReport): Promise<string | null> {
  const { db, clock, log, bus } = deps
  const { agentId } = agent
  const stored = await readDocument(db, 'Target', report.target)
  const target = stored === null ? null : mcpTargetOf(stored.document)
  if (target === null) return 'there is no such MCP server'
  if (!target.spec.agents.includes(agent.name)) return 'the target is not served by this agent'
  const nowMs = clock.nowMs()
  const tools = toolsOf(report, nowMs)
  if (tools === null) return 'it is no report'
  const { name } = target.metadata
  const before = await findReport(db, name, agentId)
  if (tools.length === 0 && report.more === 0) {
    if ((await removeReport(db, name, agentId)) === 0) return null
  } else {
    const { url } = target.spec
    const known = before?.url === url ? (z.array(StoredTool).safeParse(before.tools).data ?? []) : []
    const said = { tools: sinceBefore(tools, known), more: Math.min(report.more, moreMax) }
    // After each new link an agent says what it has said before.
    if (before?.url === url && isDeepStrictEqual(said, { tools: known, more: before.more })) return null
    await putReport(db, { target: name, agentId, url, at: new Date(nowMs), ...said })
  }
  log.info({ event: 'quarantine-stored', agent: agentId, target: name, tools: tools.length, more: report.more })
  bus.publish({ kind: 'agent', id: agentId })
  return null
}
