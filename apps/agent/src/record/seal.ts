// From entries in the spool to batches with signed heads, in the order of the agent's counter.
// INVARIANT: a batch leaves here only when its entries and its head are on the disk; heads are never signed twice.
import { assert } from '@sallyport/base/assert'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { fromBase64, toBase64, toHex } from '@sallyport/ledger/bytes'
import type { Head } from '@sallyport/ledger/entry'
import { headBytes, headHash, headMessage } from '@sallyport/ledger/head'
import { sha256 } from './hash.ts'
import type { Journal, Sealed } from './journal.ts'
import type { RecordKey } from './key.ts'
import type { PlacedEntry, Position, RecordLog, Spool } from './spool.ts'

export interface SealedBatch {
  readonly counter: number
  readonly session: string
  readonly firstSeq: number
  readonly entries: readonly Uint8Array[]
  readonly head: Uint8Array
  readonly signature: Uint8Array
  /** What of each segment it acknowledges. */
  readonly shares: readonly { readonly segment: number; readonly entries: number; readonly bytes: number }[]
}

export interface SealerParts {
  readonly spool: Spool
  readonly journal: Journal
  readonly key: RecordKey
  readonly agent: string
  readonly clock: Clock
  readonly log: RecordLog
  readonly step: (name: string) => void
}

/** After a wave of this many bytes there may be more already. */
const behindBytes = limits.batchBytesMax / 4

export class Sealer {
  /** The last wave was large: nothing is gained by waiting before the next. */
  isBehind = false
  readonly #parts: SealerParts
  /** Sealed by an earlier process and not acknowledged: sent again before anything new. */
  readonly #resumed: Sealed[]
  #cursor: Position
  #ready: SealedBatch[] = []
  readonly #refused = new Set<string>()

  constructor(parts: SealerParts, cursor: Position) {
    this.#parts = parts
    this.#cursor = cursor
    this.#resumed = [...parts.journal.sealed.values()].sort((a, b) => a.counter - b.counter)
  }

  /** The next batches to send; empty when there is nothing. Throws SPOOL_UNWRITABLE. */
  async next(): Promise<SealedBatch[]> {
    while (this.#ready.length === 0) {
      const more = this.#resumed.length > 0 ? await this.#resume() : await this.#sealWave()
      if (!more) return []
    }
    // What a failure interrupted stays ready: its counters are taken and must go out first.
    await Promise.all([this.#parts.spool.sync(), this.#parts.journal.sync()])
    this.#parts.step('after-seal')
    const batches = this.#ready
    this.#ready = []
    return batches
  }

  async #resume(): Promise<boolean> {
    const sealed = this.#resumed[0]
    assert(sealed !== undefined, 'there is a head to resume')
    const placed = await this.#entriesOf(sealed)
    this.#resumed.shift()
    const isGone = !this.#parts.spool.has(sealed.from.segment) || !this.#parts.spool.has(sealed.to.segment)
    // A segment is deleted only when all of it was acknowledged: the note about that was lost, the entries were not.
    if (isGone) this.#parts.journal.addAcknowledged(sealed.counter)
    else this.#ready.push(batchOf(sealed, placed, this.#parts.journal.marks.get(sealed.mark.session)?.acknowledgedSeq))
    return true
  }

  async #entriesOf(sealed: Sealed): Promise<PlacedEntry[]> {
    const { session, sealedSeq } = sealed.mark
    const found: PlacedEntry[] = []
    let at: Position = sealed.from
    while (!isAfter(at, sealed.to)) {
      const { entries, next } = await this.#parts.spool.read(at, limits.batchBytesMax)
      if (entries.length === 0) break
      for (const placed of entries) {
        const { entry } = placed
        if (entry.session === session && entry.seq >= sealed.firstSeq && entry.seq <= sealedSeq) found.push(placed)
      }
      at = next
    }
    return found
  }

  async #sealWave(): Promise<boolean> {
    const { entries, next } = await this.#parts.spool.read(this.#cursor, limits.batchBytesMax)
    this.isBehind = next.segment === this.#cursor.segment && next.offset - this.#cursor.offset >= behindBytes
    if (entries.length === 0) return false
    for (const run of runsOf(entries.filter((placed) => this.#isUnsealed(placed)))) this.#seal(run)
    this.#cursor = next
    return true
  }

  #isUnsealed({ entry }: PlacedEntry): boolean {
    if (this.#refused.has(entry.session)) return false
    return entry.seq > (this.#parts.journal.marks.get(entry.session)?.sealedSeq ?? -1)
  }

  #seal(run: readonly PlacedEntry[]): void {
    const { journal, key, agent, clock } = this.#parts
    const first = run[0]
    const last = run.at(-1)
    assert(first !== undefined && last !== undefined, 'a run has entries')
    const { entry } = last
    const head: Head = {
      v: 1,
      session: entry.session,
      seq: entry.seq,
      hash: toHex(entry.hash),
      agent,
      key: key.fingerprint,
      counter: journal.counter + 1,
      previous: journal.headHash,
      atMs: clock.nowMs(),
      closed: entry.kind === 'session-closed',
    }
    const bytes = headBytes(head)
    const sealed: Sealed = {
      counter: head.counter,
      head: toBase64(bytes),
      signature: toBase64(key.sign(headMessage(bytes))),
      headHash: toHex(headHash(sha256, bytes)),
      firstSeq: first.entry.seq,
      from: first.at,
      to: last.at,
      mark: {
        session: entry.session,
        sealedSeq: entry.seq,
        acknowledgedSeq: -1,
        hash: head.hash,
        monoUs: entry.monoUs,
        statements: entry.statements,
        closed: head.closed,
        segment: last.at.segment,
      },
    }
    journal.addSealed(sealed)
    this.#ready.push(batchOf(sealed, run))
  }

  /** Takes back what was not acknowledged when an upload ended, in order: the next one sends it first. */
  putBack(batches: readonly SealedBatch[]): void {
    this.#ready = [...batches, ...this.#ready]
  }

  /** The control plane has committed the batch. */
  acknowledge(batch: SealedBatch): void {
    const { spool, journal, log, step } = this.#parts
    try {
      journal.addAcknowledged(batch.counter)
    } catch (cause) {
      // On a full disk the trimming below is the way out; at worst the batch is sent twice.
      log.warn({ err: cause, counter: batch.counter }, 'acknowledgement-not-noted')
    }
    for (const { segment, entries, bytes } of batch.shares) spool.acknowledge(segment, entries, bytes)
    step('after-ack-before-trim')
    spool.trim()
    journal.compact((segment) => spool.has(segment))
  }

  /** The control plane will never take this session's entries: they stay in the spool, and no more are sent. */
  refuse(batch: SealedBatch): void {
    this.#refused.add(batch.session)
  }
}

const isAfter = (a: Position, b: Position): boolean =>
  a.segment > b.segment || (a.segment === b.segment && a.offset > b.offset)

/** Entries of one session each, without gaps, within the limits of a batch, in the order of their first entries. */
function runsOf(entries: readonly PlacedEntry[]): PlacedEntry[][] {
  const runs: PlacedEntry[][] = []
  const current = new Map<string, { run: PlacedEntry[]; bytes: number; nextSeq: number }>()
  for (const placed of entries) {
    const { session, seq, bytes } = placed.entry
    const open = current.get(session)
    const fits =
      open !== undefined &&
      open.nextSeq === seq &&
      open.run.length < limits.batchEntriesMax &&
      open.bytes + bytes.length <= limits.batchBytesMax
    if (fits) {
      open.run.push(placed)
      open.bytes += bytes.length
      open.nextSeq = seq + 1
      continue
    }
    const run = [placed]
    runs.push(run)
    current.set(session, { run, bytes: bytes.length, nextSeq: seq + 1 })
  }
  return runs
}

/** `acknowledgedSeq`: entries up to it no longer count as open in their segments. */
function batchOf(sealed: Sealed, placed: readonly PlacedEntry[], acknowledgedSeq = -1): SealedBatch {
  const shares = new Map<number, { segment: number; entries: number; bytes: number }>()
  for (const { entry, at, length } of placed) {
    if (entry.seq <= acknowledgedSeq) continue
    let share = shares.get(at.segment)
    if (share === undefined) {
      share = { segment: at.segment, entries: 0, bytes: 0 }
      shares.set(at.segment, share)
    }
    share.entries += 1
    share.bytes += length
  }
  const head = fromBase64(sealed.head)
  const signature = fromBase64(sealed.signature)
  assert(head !== undefined && signature !== undefined, 'the journal holds base64')
  return {
    counter: sealed.counter,
    session: sealed.mark.session,
    firstSeq: sealed.firstSeq,
    entries: placed.map(({ entry }) => entry.bytes),
    head,
    signature,
    shares: [...shares.values()],
  }
}
