// Makes the record of each session: chains its entries and writes them to the spool before anything goes to the target.
// When it opens it closes what an earlier process left open, so that no session ends without an end (THREATS ).
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { noHead } from '@sallyport/ledger/head'
import { Chain, openSession, type Tip, tipOf } from './chain.ts'
import { lockDirectory, makePrivateDirectory, processIsAlive, putAside } from './directory.ts'
import { Journal, journalAgent, journalName } from './journal.ts'
import type { RecordKey } from './key.ts'
import { PassedChains } from './passed.ts'
import type { Recorder } from './record.ts'
import { Sealer } from './seal.ts'
import { type Position, type RecordLog, Spool } from './spool.ts'

/** `reason` of the closing entry that a restart writes. The control plane shows such sessions as interrupted. */
export const restartReason = 'agent restarted'

export interface RecorderOptions {
  /** Made if missing, mode 0700. */
  readonly directory: string
  /** Id of the enrolled agent: entries and heads carry it. */
  readonly agent: string
  readonly key: RecordKey
  readonly clock: Clock
  /** Monotonic clock, microseconds. */
  readonly monotonicUs: () => number
  readonly log: RecordLog
  readonly spoolBytesMax?: number
  /** Named points of the work, for tests that end the process there. */
  readonly step?: (name: string) => void
}

export interface OpenRecorder extends Recorder {
  readonly sealer: Sealer
  readonly spool: Spool
  readonly step: (name: string) => void
  /** The record of what another process chains. */
  passed(): PassedChains
  /** Syncs and closes the files, after the upload has ended. Sessions that are still open stay open on the disk. */
  close(): Promise<void>
}

/** Opens the spool in `directory`. Throws SPOOL_UNWRITABLE, NO_PERMISSION, or SPOOL_FULL when not even a closing fits. */
export function openRecorder(options: RecorderOptions): OpenRecorder {
  const { directory, agent, key, clock, log, step = () => {} } = options
  makePrivateDirectory(directory)
  const unlock = lockDirectory(directory, process.pid, processIsAlive)
  try {
    leaveOtherAgents(directory, agent, log)
    const segments = join(directory, 'segments')
    mkdirSync(segments, { recursive: true, mode: 0o700 })
    const journal = new Journal(directory, agent, noHead, log)
    const spool = new Spool(segments, options.spoolBytesMax ?? limits.spoolBytesMax, log)
    const { tips, cursor } = recoverSessions(spool, journal)
    for (const tip of tips) closeInterrupted(new Chain(options, spool, tip), tip.session, log)
    spool.trim()
    const sealer = new Sealer({ spool, journal, key, agent, clock, log, step }, cursor)
    return {
      sealer,
      spool,
      step,
      passed: () => new PassedChains(options, spool),
      get spoolBytes() {
        return spool.unacknowledgedBytes
      },
      open: (sessionId, mode) => openSession(options, spool, sessionId, mode),
      async close() {
        await spool.close()
        journal.close()
        unlock()
      },
    }
  } catch (cause) {
    unlock()
    throw cause
  }
}

/** A spool of another agent id cannot be uploaded under ours: it is put aside whole, never sent under a wrong name. */
function leaveOtherAgents(directory: string, agent: string, log: RecordLog): void {
  const before = journalAgent(directory, log)
  if (before === undefined || before === agent) return
  const aside = putAside(directory, [journalName, 'segments'], `of-${before}`)
  log.error({ agent: before, aside }, 'spool-of-another-agent-put-aside')
}

/** The sessions that have no closing entry, and the place from which entries are not sealed yet. */
function recoverSessions(spool: Spool, journal: Journal): { tips: Tip[]; cursor: Position } {
  const tips = new Map<string, Tip>()
  for (const mark of journal.marks.values())
    tips.set(mark.session, { ...mark, seq: mark.sealedSeq, hash: new Uint8Array(Buffer.from(mark.hash, 'hex')) })
  let cursor: Position | undefined
  let last: Position = { segment: 0, offset: 0 }
  spool.recover(({ entry, at, length }) => {
    const mark = journal.marks.get(entry.session)
    last = { segment: at.segment, offset: at.offset + length }
    if (entry.seq > (mark?.sealedSeq ?? -1)) cursor ??= at
    if (entry.seq > (tips.get(entry.session)?.seq ?? -1)) tips.set(entry.session, tipOf(entry))
    return entry.seq > (mark?.acknowledgedSeq ?? -1)
  })
  return { tips: [...tips.values()].filter((tip) => !tip.closed), cursor: cursor ?? last }
}

function closeInterrupted(chain: Chain, session: string, log: RecordLog): void {
  chain.append({ kind: 'session-closed', reason: restartReason, statements: chain.statements })
  log.warn({ session, statements: chain.statements }, 'session-closed-after-restart')
}
