// The record of one session while it runs: each entry is chained to the one before and handed to whatever keeps frames: the
// spool itself, or the way to it from a worker.
// INVARIANT: a session's tip moves only after its entry is completely written, or taken by the sink, which writes what it
// took in that order or not at all.
import { assert } from '@sallyport/base/assert'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { entryHash, firstPrevious } from '@sallyport/ledger/chain'
import type { EntryBody } from '@sallyport/ledger/entry'
import { entryBytes } from './fit.ts'
import { sha256 } from './hash.ts'
import type { RecordingMode, SessionRecord } from './record.ts'
import type { RecordLog } from './spool.ts'
import { encodeSpooled, type Spooled } from './spooled.ts'

/** Takes whole frames. `essential`: outcomes and closings, which may use the reserve. */
export interface FrameSink {
  /** Written when it returns. Throws SPOOL_FULL or SPOOL_UNWRITABLE. */
  append(frame: Buffer, essential: boolean): void
  /** Taken for the next `write`, which happens with the next `append` or `sync` at the latest. Throws the same. */
  add(frame: Buffer, essential: boolean): void
  /** Throws SPOOL_UNWRITABLE: then what was taken is still there for the next attempt. */
  write(): void
  /** Settles when `write` has been called at the end of this turn of the event loop; rejects with what it throws. */
  written(): Promise<void>
  /** Settles when everything taken before the call is on the disk. */
  sync(): Promise<void>
}

export interface ChainOptions {
  readonly clock: Clock
  /** Monotonic clock, microseconds. */
  readonly monotonicUs: () => number
  readonly log: RecordLog
  /** Named points of the work, for tests that end the process there. */
  readonly step?: (name: string) => void
}

/** Where a session's chain stands. */
export interface Tip {
  readonly session: string
  readonly seq: number
  readonly hash: Uint8Array
  readonly monoUs: number
  readonly statements: number
  readonly closed: boolean
}

/** With a hash of its own: that of an entry keeps the whole segment in memory. */
export const tipOf = ({ session, seq, hash, monoUs, statements, kind }: Spooled): Tip => ({
  ...{ session, seq, monoUs, statements },
  ...{ hash: new Uint8Array(hash), closed: kind === 'session-closed' },
})

/** One session's chain: the next sequence, the hash to build on, and the way into the spool. */
export class Chain {
  statements: number
  isClosed = false
  readonly #options: ChainOptions
  readonly #sink: FrameSink
  readonly #session: string
  readonly #startUs: number
  #seq: number
  #previous: Uint8Array
  #monoUs: number
  /** Number that began last. */
  #statement = 0

  constructor(options: ChainOptions, sink: FrameSink, tip: Tip | { readonly session: string }) {
    this.#options = options
    this.#sink = sink
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
    if (isLater) this.#sink.add(frame, isEssential)
    else this.#sink.append(frame, isEssential)
    this.#seq++
    this.#previous = hash
    this.#monoUs = monoUs
    this.statements = statements
    if (begins) this.#statement = body.statement
    this.isClosed = body.kind === 'session-closed'
    step(`after-${body.kind}-${isLater ? 'note' : 'write'}`)
  }
}

const unrecorded: SessionRecord = {
  append: () => undefined,
  note: () => undefined,
  write: () => {},
  written: () => Promise.resolve(),
  close: () => {},
}

export function openSession(
  options: ChainOptions,
  sink: FrameSink,
  sessionId: string,
  mode: RecordingMode,
): SessionRecord {
  if (mode === 'off') return unrecorded
  const chain = new Chain(options, sink, { session: sessionId })
  const take = (body: EntryBody, isLater: boolean): Promise<void> | undefined => {
    if (chain.isClosed) throw new SallyportError('SESSION_ENDED', 'the record of this session is closed')
    chain.append(body, isLater)
    if (mode !== 'strict') return undefined
    const synced = sink.sync()
    // The caller sees the rejection too; this only keeps a caller that has gone away from ending the process.
    synced.catch(() => {})
    return synced
  }
  return {
    append: (body) => take(body, false),
    note: (body) => take(body, true),
    write: () => sink.write(),
    written: () => sink.written(),
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
