// Scans that the control plane asks for: one at a time, each answered once. What is sent up is checked against the schema
// of reports first, so that no value can slip into it.
import { create } from '@bufbuild/protobuf'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { ScanReport } from '@sallyport/mask/scan'
import { type ScanDone, ScanDoneSchema, type ScanRequested } from '@sallyport/proto/gen/sallyport/v1/scan_pb'
import type { Log } from '../session/log.ts'

export interface ScanAsked {
  readonly target: string
  /** Of each relation, at most. */
  readonly rows: number
}

/** Reads a target of this agent. */
export type Scan = (asked: ScanAsked, signal: AbortSignal) => Promise<ScanReport>

export interface Scans {
  /** Answers by `send`, also with what went wrong. */
  requested(message: ScanRequested): void
  stop(): void
}

export interface ScansDeps {
  readonly scan: Scan
  readonly log: Log
  readonly send: (done: ScanDone) => void
}

export function openScans({ scan, log, send }: ScansDeps): Scans {
  const stopping = new AbortController()
  let running: string | null = null
  const run = async ({ scan: id, target, rows }: ScanRequested): Promise<void> => {
    const done = create(ScanDoneSchema, { scan: id })
    try {
      const asked = { target, rows: Math.min(Math.max(rows, 1), limits.scanRowsMax) }
      const report = ScanReport.parse(await scan(asked, stopping.signal))
      done.report = new TextEncoder().encode(JSON.stringify(report))
      log.info({ scan: id, target, relations: report.relations, columns: report.columns }, 'scanned')
    } catch (thrown) {
      const error = neutral(thrown)
      done.errorCode = error.code
      done.errorMessage = error.message
      // Without the cause: what the target says about a sample may quote it.
      log.warn({ scan: id, target, code: error.code }, 'scan-failed')
    }
    if (!stopping.signal.aborted) send(done)
  }
  return {
    requested(message) {
      // The control plane repeats a request on a new link; what runs goes on.
      if (running === message.scan) return
      if (running !== null) {
        const errorMessage = 'the agent scans another target; try again when that is done'
        send(create(ScanDoneSchema, { scan: message.scan, errorCode: 'CONFLICT', errorMessage }))
        return
      }
      running = message.scan
      void run(message).finally(() => {
        running = null
      })
    },
    stop: () => stopping.abort(),
  }
}

/** Our own errors name no values; of everything else nothing is told. */
function neutral(thrown: unknown): SallyportError {
  const error = asSallyportError(thrown)
  if (error.code !== 'INTERNAL') return error
  return new SallyportError('UPSTREAM_UNREACHABLE', 'the agent could not read the target; see its log for the time')
}
