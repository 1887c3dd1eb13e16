// Takes the outcome of a scan from the agent that made it. A report is parsed by its schema before it is stored: whatever
// else an agent sends, by mistake or not, is dropped unseen.
import type { Clock } from '@sallyport/base/clock'
import { isErrorCode } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { ScanReport } from '@sallyport/mask/scan'
import type { ScanDone } from '@sallyport/proto/gen/sallyport/v1/scan_pb'
import { printable } from '@sallyport/proto/status'
import type { Logger } from 'pino'
import type { Db } from '../db.ts'
import type { AgentIdentity } from '../grpc/peer.ts'
import { endScan } from './store.ts'

/** What people read of a failure, in characters. */
const messageCharsMax = 300

export async function acceptScan(
  deps: { readonly db: Db; readonly clock: Clock; readonly log: Logger },
  agent: AgentIdentity,
  done: ScanDone,
): Promise<void> {
  if (!isId(done.scan)) return
  const outcome = outcomeOf(done)
  const at = new Date(deps.clock.nowMs())
  const ended = await endScan(deps.db, { id: done.scan, agentId: agent.agentId, at, ...outcome })
  const event = ended ? 'scan-ended' : 'scan-unasked'
  deps.log.info({ event, agent: agent.agentId, scan: done.scan, code: outcome.error?.code ?? '' })
}

function outcomeOf(done: ScanDone) {
  if (done.errorCode !== '') {
    const code = isErrorCode(done.errorCode) ? done.errorCode : 'INTERNAL'
    return { report: null, error: { code, message: printable(done.errorMessage).slice(0, messageCharsMax) } }
  }
  const parsed = ScanReport.safeParse(jsonOf(done.report))
  if (parsed.success) return { report: parsed.data, error: null }
  return { report: null, error: { code: 'REQUEST_INVALID', message: 'the agent sent a report that cannot be read' } }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
