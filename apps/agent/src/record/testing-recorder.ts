// For tests of this folder: a recorder in a fresh directory, with a clock that stands still and a log that is kept.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { manualClock } from '@sallyport/base/clock'
import { testAgent } from '@sallyport/ledger/testing-record'
import { loadRecordKey } from './key.ts'
import { type OpenRecorder, openRecorder, type RecorderOptions } from './recorder.ts'
import type { RecordLog } from './spool.ts'

export interface TestPlace {
  readonly directory: string
  readonly spool: string
  readonly segments: string
  readonly events: string[]
  readonly log: RecordLog
  readonly clock: ReturnType<typeof manualClock>
  open(options?: Partial<RecorderOptions>): OpenRecorder
  remove(): void
}

export function testPlace(): TestPlace {
  const directory = mkdtempSync('/tmp/sallyport-record-')
  const events: string[] = []
  const note = (_fields: object, event: string) => {
    events.push(event)
  }
  const log: RecordLog = { info: note, warn: note, error: note }
  const clock = manualClock(1_780_000_000_000)
  const spool = join(directory, 'spool')
  return {
    directory,
    spool,
    segments: join(spool, 'segments'),
    events,
    log,
    clock,
    open: (options = {}) =>
      openRecorder({
        directory: spool,
        agent: testAgent,
        key: loadRecordKey(join(directory, 'record-key.pem')),
        clock,
        monotonicUs: () => clock.nowMs() * 1_000,
        log,
        ...options,
      }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
