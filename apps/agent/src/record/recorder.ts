// Makes the record of each session: chains its entries and writes them to the spool before anything goes to the target.
// When it opens it closes what an earlier process left open, so that no session ends without an end (THREATS ).
// INVARIANT: a session's tip moves only after its entry is completely written, or taken by the spool, which writes what it
// took in that order or not at all.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '@sallyport/base/assert'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { entryHash, firstPrevious } from '@sallyport/ledger/chain'
import type { EntryBody } from '@sallyport/ledger/entry'
import { noHead } from '@sallyport/ledger/head'
import { lockDirectory, makePrivateDirectory, processIsAlive, putAside } from './directory.ts'
import { entryBytes } from './fit.ts'
import { sha256 } from './hash.ts'
import { Journal, journalAgent, journalName } from './journal.ts'
import type { RecordKey } from './key.ts'
import type { Recorder, RecordingMode, SessionRecord } from './record.ts'
import { Sealer } from './seal.ts'
import { type Position, type RecordLog, Spool } from './spool.ts'
import { encodeSpooled, type Spooled } from './spooled.ts'

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
  /** Syncs and closes the files, after the upload has ended. Sessions that are still open stay open on the disk. */
  close(): Promise<void>
}

/** Where a session's chain stands. */
interface Tip {
  readonly session: string
  readonly seq: number
  readonly hash: Uint8Array
  readonly monoUs: number
  readonly statements: number
  readonly closed: boolean
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

/** With a hash of its own: that of an entry keeps the whole segment in memory. */
const tipOf = ({ session, seq, hash, monoUs, statements, kind }: Spooled): Tip => ({
  ...{ session, seq, monoUs, statements },
  ...{ hash: new Uint8Array(hash), closed: kind === 'session-closed' },
})

function closeInterrupted(chain: Chain, session: string, log: RecordLog): void {
  chain.append({ kind: 'session-closed', reason: restartReason, statements: chain.statements })
  log.warn({ session, statements: chain.statements }, 'session-closed-after-restart')
}

/** One session's chain: the next sequence, the hash to build on, and the way into the spool. */
class Chain {
  statements: number
  isClosed = false
  readonly #options: RecorderOptions
  readonly #spool: Spool
  readonly #session: string
  readonly #startUs: number
  #seq: number
  #previous: Uint8Array
  #monoUs: number
  /** Number that began last. */
  #statement = 0

  constructor(options: RecorderOptions, spool: Spool, tip: Tip | { readonly session: string }) {
    this.#options = options
    this.#spool = spool
    this.#session = tip.session
    const isNew = !('seq' in tip)
    this.#seq = isNew ? 0 : tip.seq + 1
    this.#previous = isNew ? firstPrevious(sha256, tip.session) : tip.hash
    this.statements = isNew ? 0 : tip.statements
    // The monotonic clock of an earlier process means nothing here: a closing after a restart repeats the last reading.
    this.#monoUs = isNew ? 0 : tip.monoUs
    this.#startUs = isNew ? options.monotonicUs() : Number.POSITIVE_INFINITY
  }

  get length(): number {
    return this.#seq
  }

  /** `isLater`: written with the next entry or write of any session; else at once. */
  append(body: EntryBody, isLater = false): void {
    assert((body.kind === 'session-opened') === (this.#seq === 0), 'session-opened is the first entry, and only that')
    const { clock, monotonicUs, step = () => {} } = this.#options
    step(`before-${body.kind}`)
    const monoUs = Math.max(this.#monoUs, Math.floor(monotonicUs() - this.#startUs))
    const begins = body.kind === 'intent' || body.kind === 'denied' || body.kind === 'held'
    // The first intent of an approved text goes on with the number of its `held`.
    const isNew = begins && body.statement !== this.#statement
    const statements = this.statements + (isNew ? 1 : 0)
    const session = this.#session
    const seq = this.#seq
    const { kind } = body
    const bytes = entryBytes({ v: 1, session, seq, atMs: clock.nowMs(), monoUs }, body)
    const hash = entryHash(sha256, seq, this.#previous, bytes)
    const isEssential = body.kind === 'outcome' || body.kind === 'hold-ended' || body.kind === 'session-closed'
    const frame = encodeSpooled({ kind, session, seq, monoUs, statements, hash, bytes })
    if (isLater) this.#spool.add(frame, isEssential)
    else this.#spool.append(frame, isEssential)
    this.#seq++
    this.#previous = hash
    this.#monoUs = monoUs
    this.statements = statements
    if (begins) this.#statement = body.statement
    this.isClosed = body.kind === 'session-closed'
    step(`after-${body.kind}-${isLater ? 'note' : 'write'}`)
  }
}

const unrecorded: SessionRecord = { append: () => undefined, note: () => undefined, write: () => {}, close: () => {} }

function openSession(options: RecorderOptions, spool: Spool, sessionId: string, mode: RecordingMode): SessionRecord {
  if (mode === 'off') return unrecorded
  const chain = new Chain(options, spool, { session: sessionId })
  const take = (body: EntryBody, isLater: boolean): Promise<void> | undefined => {
    if (chain.isClosed) throw new SallyportError('SESSION_ENDED', 'the record of this session is closed')
    chain.append(body, isLater)
    if (mode !== 'strict') return undefined
    const synced = spool.sync()
    // The caller sees the rejection too; this only keeps a caller that has gone away from ending the process.
    synced.catch(() => {})
    return synced
  }
  return {
    append: (body) => take(body, false),
    note: (body) => take(body, true),
    write: () => spool.write(),
    close(reason) {
      // Without an opening entry there is nothing to close.
      if (chain.isClosed || chain.length === 0) return
      try {
        chain.append({ kind: 'session-closed', reason, statements: chain.statements })
      } catch (cause) {
        options.log.error({ err: cause, session: sessionId }, 'session-closing-not-recorded')
      }
    },
  }
}
