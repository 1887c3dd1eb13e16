// The spool: entries in append-only segments until the control plane has acknowledged them (DESIGN §6).
// A write that fails leaves no half frame behind; when it cannot be taken back, nothing more is written until a restart.
// INVARIANT: a segment is deleted only when each of its entries is acknowledged.
import {
  closeSync,
  fdatasync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { assert } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { syncDirectory } from './directory.ts'
import { scanFrames } from './frame.ts'
import { decodeSpooled, type Spooled, spooledBytesMax } from './spooled.ts'
import { atTurnEnd } from './turn-end.ts'

const syncFile = promisify(fdatasync)

/** A segment is closed at this size, in bytes; smaller for small spools, so that trimming has something to free. */
const segmentBytesMax = 8_388_608
/** Entries that wait for the write that they share with those of other sessions, in bytes; more are written at once. */
const pendingBytesMax = 262_144
/** Part of the spool that only outcomes and closings may use, so that what was forwarded can still be recorded. */
const reserveFraction = 16

/** What the record room logs with; pino has this shape. */
export interface RecordLog {
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
}

export interface Position {
  readonly segment: number
  readonly offset: number
}

export interface PlacedEntry {
  readonly entry: Spooled
  readonly at: Position
  /** Bytes of its frame. */
  readonly length: number
}

interface Segment {
  bytes: number
  /** Entries that are not acknowledged yet. */
  open: number
  /** Damaged segments are never deleted: a person must look at them. */
  damaged: boolean
}

const nameOf = (segment: number): string => `${String(segment).padStart(10, '0')}.seg`
const numberOf = (name: string): number | undefined =>
  /^\d{10}\.seg$/.test(name) ? Number(name.slice(0, 10)) : undefined

const unwritable = (cause?: unknown): SallyportError =>
  new SallyportError(
    'SPOOL_UNWRITABLE',
    'the record of this agent cannot be written; its operator finds why in its log',
    {
      cause,
    },
  )

export class Spool {
  /** Bytes of entries that are not acknowledged; those that wait to be written are among them. */
  unacknowledgedBytes = 0
  /** Called after a write, for whoever waits for entries. */
  onWritten: () => void = () => {}
  readonly #segments = new Map<number, Segment>()
  readonly #directory: string
  readonly #bytesMax: number
  readonly #segmentBytesMax: number
  readonly #log: RecordLog
  /** The segment that is written to. */
  #active: { number: number; file: number } | undefined
  /** Whole frames that were taken and are not in the file yet: of `#pendingEntries` entries, in order. */
  readonly #pending = Buffer.allocUnsafeSlow(pendingBytesMax)
  #pendingBytes = 0
  #pendingEntries = 0
  /** Files of closed segments that fdatasync has not seen yet. */
  #unsynced: number[] = []
  #last = 0
  #diskBytes = 0
  #failed = false
  /** The last write failed, and what it was to write is still pending. */
  #isStuck = false
  /** A small spool has small segments, and what is pending goes into one. */
  readonly #pendingBytesMax: number
  #syncQueued: Promise<void> | undefined
  #syncRunning: Promise<void> = Promise.resolve()

  constructor(directory: string, bytesMax: number, log: RecordLog) {
    this.#directory = directory
    this.#bytesMax = bytesMax
    this.#segmentBytesMax = Math.min(segmentBytesMax, Math.ceil(bytesMax / 16))
    this.#pendingBytesMax = Math.min(pendingBytesMax, this.#segmentBytesMax)
    this.#log = log
  }

  /**
   * Reads what an earlier process left, in order, and gives each entry to `take`, which says whether it is still open
   * (not acknowledged). A torn last frame is cut; a damaged segment counts up to the damage and is kept.
   */
  recover(take: (placed: PlacedEntry) => boolean): void {
    const numbers = readdirSync(this.#directory).flatMap((name) => numberOf(name) ?? [])
    for (const number of numbers.sort((a, b) => a - b)) this.#recoverSegment(number, take)
    this.#last = Math.max(0, ...numbers)
  }

  #recoverSegment(number: number, take: (placed: PlacedEntry) => boolean): void {
    const path = join(this.#directory, nameOf(number))
    const bytes = readFileSync(path)
    const scan = scanFrames(bytes, spooledBytesMax)
    const segment: Segment = { bytes: scan.end, open: 0, damaged: scan.stopped === 'damaged' }
    for (const { payload, offset, length } of scan.payloads) {
      const entry = decodeSpooled(payload)
      if (entry === undefined) {
        segment.damaged = true
        break
      }
      if (!take({ entry, at: { segment: number, offset }, length })) continue
      segment.open++
      this.unacknowledgedBytes += length
    }
    if (scan.stopped === 'torn') {
      truncateSync(path, scan.end)
      this.#log.warn({ segment: number, cutBytes: bytes.length - scan.end }, 'spool-torn-frame-cut')
    }
    if (segment.damaged) this.#log.error({ segment: number, goodBytes: scan.end }, 'spool-segment-damaged')
    this.#segments.set(number, segment)
    this.#diskBytes += segment.bytes
  }

  /** Appends one frame, or so many, with a completed write(2). `essential`: outcomes and closings, which may use the reserve. */
  append(frames: Buffer, essential: boolean, entries = 1): void {
    this.write()
    this.#makeRoom(frames.length, essential)
    this.#writeFrames(frames, entries)
    this.#count(frames.length)
  }

  /** Takes one frame for the next `write`, which happens with the next `append` or `sync` at the latest. */
  add(frame: Buffer, essential: boolean): void {
    if (this.#pendingBytes + frame.length > this.#pendingBytesMax) {
      this.append(frame, essential)
      return
    }
    this.#makeRoom(frame.length, essential)
    this.#pending.set(frame, this.#pendingBytes)
    this.#pendingBytes += frame.length
    this.#pendingEntries++
    this.#count(frame.length)
  }

  /**
   * Writes what `add` has taken with one completed write(2). Throws SPOOL_UNWRITABLE: then it is still there for the next
   * attempt, and nothing that waits for it may leave.
   */
  write(): void {
    if (this.#pendingBytes === 0) return
    this.#writeFrames(this.#pending.subarray(0, this.#pendingBytes), this.#pendingEntries)
    this.#pendingBytes = 0
    this.#pendingEntries = 0
    this.#isStuck = false
  }

  /** Settles when `write` has been called at the end of this turn; rejects with what it throws. */
  readonly written = atTurnEnd(() => this.write())

  #makeRoom(length: number, essential: boolean): void {
    // After a write that failed, the next statement finds out whether it would fail again, before it is taken.
    if (this.#isStuck) this.write()
    if (this.#failed) throw unwritable()
    const room = essential ? this.#bytesMax : this.#bytesMax - Math.ceil(this.#bytesMax / reserveFraction)
    if (this.#diskBytes + length > room)
      throw new SallyportError(
        'SPOOL_FULL',
        'the record of this agent is full; it can go on when the control plane is reachable again',
      )
  }

  #count(length: number): void {
    this.#diskBytes += length
    this.unacknowledgedBytes += length
  }

  /** Whole frames into one segment, or none of them. */
  #writeFrames(frames: Buffer, entries: number): void {
    if (this.#failed) throw unwritable()
    const { number, file } = this.#segmentFor(frames.length)
    const segment = this.#segments.get(number)
    assert(segment !== undefined, 'the active segment is known')
    this.#writeBytes(file, frames, segment.bytes)
    segment.bytes += frames.length
    segment.open += entries
    this.onWritten()
  }

  #segmentFor(length: number): { number: number; file: number } {
    const active = this.#active
    const filled = active === undefined ? 0 : (this.#segments.get(active.number)?.bytes ?? 0)
    if (active !== undefined && (filled === 0 || filled + length <= this.#segmentBytesMax)) return active
    if (active !== undefined) this.#unsynced.push(active.file)
    this.#active = undefined
    try {
      const number = this.#last + 1
      const file = openSync(join(this.#directory, nameOf(number)), 'ax', 0o600)
      this.#last = number
      syncDirectory(this.#directory)
      this.#segments.set(number, { bytes: 0, open: 0, damaged: false })
      this.#active = { number, file }
      return this.#active
    } catch (cause) {
      throw this.#unwritable(cause)
    }
  }

  #writeBytes(file: number, frames: Buffer, goodBytes: number): void {
    try {
      let written = 0
      while (written < frames.length) written += writeSync(file, frames, written, frames.length - written)
    } catch (cause) {
      try {
        ftruncateSync(file, goodBytes)
      } catch {
        this.#failed = true
      }
      throw this.#unwritable(cause)
    }
  }

  #unwritable(cause: unknown): SallyportError {
    this.#isStuck = this.#pendingBytes > 0
    this.#log.error({ err: cause }, 'spool-unwritable')
    return unwritable(cause)
  }

  /** Settles when everything taken before the call is on the disk (fdatasync). Callers share one sync. */
  sync(): Promise<void> {
    try {
      this.write()
    } catch (thrown) {
      return Promise.reject(thrown)
    }
    this.#syncQueued ??= this.#syncRunning
      .catch(() => {})
      .then(() => {
        this.#syncQueued = undefined
        this.#syncRunning = this.#syncNow()
        return this.#syncRunning
      })
    return this.#syncQueued
  }

  async #syncNow(): Promise<void> {
    const closed = this.#unsynced
    // Taken now: a segment that is closed while we wait holds entries of our callers.
    const active = this.#active
    this.#unsynced = []
    try {
      // A sync that waited for one that failed would say that all is well: the kernel tells of lost pages once.
      if (this.#failed) throw unwritable()
      for (const file of closed) await syncFile(file)
      if (active !== undefined) await syncFile(active.file)
    } catch (cause) {
      // After a failed fsync the kernel may have dropped the pages: what is on the disk is unknown until a restart.
      this.#failed = true
      throw this.#unwritable(cause)
    } finally {
      for (const file of closed) closeSync(file)
    }
  }

  /** Written entries from `from` on, at most about `bytesMax` of them, and where to go on. Empty: all have been read. */
  async read(from: Position, bytesMax: number): Promise<{ entries: PlacedEntry[]; next: Position }> {
    let at = from
    for (;;) {
      const size = this.#segments.get(at.segment)?.bytes ?? 0
      if (at.offset < size) {
        const read = await this.#readSegment(at, Math.min(size - at.offset, Math.max(bytesMax, spooledBytesMax + 8)))
        if (read.entries.length > 0) return read
        this.#log.error({ segment: at.segment, offset: at.offset }, 'spool-segment-damaged')
        const damaged = this.#segments.get(at.segment)
        if (damaged !== undefined) damaged.damaged = true
      }
      const following = [...this.#segments.keys()].filter((number) => number > at.segment)
      if (following.length === 0) return { entries: [], next: at }
      at = { segment: Math.min(...following), offset: 0 }
    }
  }

  async #readSegment(at: Position, length: number): Promise<{ entries: PlacedEntry[]; next: Position }> {
    const bytes = Buffer.allocUnsafe(length)
    const file = await open(join(this.#directory, nameOf(at.segment)), 'r')
    try {
      const { bytesRead } = await file.read(bytes, 0, length, at.offset)
      const scan = scanFrames(bytes.subarray(0, bytesRead), spooledBytesMax)
      const entries = scan.payloads.flatMap(({ payload, offset, length: frameLength }) => {
        const entry = decodeSpooled(payload)
        return entry === undefined
          ? []
          : [{ entry, at: { segment: at.segment, offset: at.offset + offset }, length: frameLength }]
      })
      return { entries, next: { segment: at.segment, offset: at.offset + scan.end } }
    } finally {
      await file.close()
    }
  }

  has(segment: number): boolean {
    return this.#segments.has(segment)
  }

  /** The entry at this place is committed at the control plane. */
  acknowledge(segment: number, entries: number, bytes: number): void {
    const known = this.#segments.get(segment)
    assert(known !== undefined && known.open >= entries, 'an entry is acknowledged once')
    known.open -= entries
    this.unacknowledgedBytes -= bytes
  }

  /** Deletes the segments that hold nothing open. */
  trim(): void {
    for (const [number, segment] of this.#segments) {
      if (segment.open > 0 || segment.damaged || number === this.#active?.number) continue
      try {
        unlinkSync(join(this.#directory, nameOf(number)))
      } catch (cause) {
        this.#log.error({ err: cause, segment: number }, 'spool-trim-failed')
        continue
      }
      this.#segments.delete(number)
      this.#diskBytes -= segment.bytes
    }
  }

  /** Bytes of entries that are not essential and would be taken now. */
  get roomBytes(): number {
    return this.#failed ? 0 : this.#bytesMax - Math.ceil(this.#bytesMax / reserveFraction) - this.#diskBytes
  }

  /** Bytes that the segments take on the disk, with what waits to be written. */
  get diskBytes(): number {
    return this.#diskBytes
  }

  /** Syncs and closes the files. Nothing may be appended afterwards. */
  async close(): Promise<void> {
    await this.sync().catch(() => {})
    this.#failed = true
    if (this.#active !== undefined) closeSync(this.#active.file)
    this.#active = undefined
  }
}
