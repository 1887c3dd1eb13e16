// The journal of heads: what was sealed, and what of it is acknowledged. It makes the counter of heads durable, so that
// after a crash the same head is sent again and never a second one with its number.
// INVARIANT: a head is on the disk here before it is sent.
import { closeSync, fdatasync, fsyncSync, openSync, readFileSync, renameSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import { syncDirectory } from './directory.ts'
import { encodeFrame, scanFrames } from './frame.ts'
import type { RecordLog } from './spool.ts'

const syncFile = promisify(fdatasync)

/** The journal is written anew past this size, in bytes. */
const journalBytesMax = 4_194_304
/** One record of the journal, in bytes. */
const recordBytesMax = 65_536
export const journalName = 'heads.log'

const Place = z.strictObject({ segment: z.number().int(), offset: z.number().int() })

/** How far a session is sealed and acknowledged: enough to go on with its chain when its entries are gone. */
const Mark = z.strictObject({
  session: z.string(),
  sealedSeq: z.number().int(),
  acknowledgedSeq: z.number().int(),
  /** Of the entry at `sealedSeq`. */
  hash: z.string(),
  monoUs: z.number().int(),
  statements: z.number().int(),
  closed: z.boolean(),
  /** Segment of the entry at `sealedSeq`. */
  segment: z.number().int(),
})
export type Mark = z.infer<typeof Mark>

const Sealed = z.strictObject({
  counter: z.number().int(),
  /** Base64 of the canonical head, and of its signature. */
  head: z.string(),
  signature: z.string(),
  headHash: z.string(),
  firstSeq: z.number().int(),
  /** Where its first and its last entry lie. */
  from: Place,
  to: Place,
  mark: Mark,
})
export type Sealed = z.infer<typeof Sealed>

const JournalRecord = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), agent: z.string(), counter: z.number().int(), headHash: z.string() }),
  z.strictObject({ kind: z.literal('mark'), mark: Mark }),
  z.strictObject({ kind: z.literal('sealed'), sealed: Sealed }),
  z.strictObject({ kind: z.literal('acknowledged'), counter: z.number().int() }),
])
type JournalRecord = z.infer<typeof JournalRecord>

/** The agent that an existing journal belongs to; undefined when there is none. */
export function journalAgent(directory: string, log: RecordLog): string | undefined {
  const first = readRecords(join(directory, journalName), log)[0]
  return first?.kind === 'start' ? first.agent : undefined
}

function readRecords(path: string, log: RecordLog): JournalRecord[] {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    if (typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT') return []
    throw new SallyportError('SPOOL_UNWRITABLE', `journal "${path}" cannot be read`, { cause })
  }
  const scan = scanFrames(bytes, recordBytesMax)
  const records: JournalRecord[] = []
  for (const { payload } of scan.payloads) {
    const parsed = JournalRecord.safeParse(parseJson(payload))
    if (!parsed.success)
      throw new SallyportError('SPOOL_UNWRITABLE', `journal "${path}" holds a record of another version`)
    records.push(parsed.data)
  }
  if (scan.end < bytes.length) {
    // What was sent was synced before, so only what nobody has seen can be cut here.
    truncateSync(path, scan.end)
    log.warn({ cutBytes: bytes.length - scan.end, stopped: scan.stopped }, 'journal-cut')
  }
  return records
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    return undefined
  }
}

export class Journal {
  counter = 0
  headHash: string
  /** Sealed and not acknowledged, by counter, in order. */
  readonly sealed = new Map<number, Sealed>()
  readonly marks = new Map<string, Mark>()
  readonly #directory: string
  readonly #agent: string
  #file: number
  #bytes = 0
  #rewrittenBytes = 0

  /** Opens the journal, or begins one. */
  constructor(directory: string, agent: string, noHead: string, log: RecordLog) {
    this.#directory = directory
    this.#agent = agent
    this.headHash = noHead
    for (const record of readRecords(join(directory, journalName), log)) this.#apply(record)
    this.#file = this.#rewrite(() => true)
  }

  #apply(record: JournalRecord): void {
    switch (record.kind) {
      case 'start':
        this.counter = record.counter
        this.headHash = record.headHash
        return
      case 'mark':
        this.marks.set(record.mark.session, record.mark)
        return
      case 'sealed': {
        const { sealed } = record
        // A rewritten journal holds heads older than its start's counter: those that are not acknowledged.
        if (sealed.counter > this.counter) {
          this.counter = sealed.counter
          this.headHash = sealed.headHash
        }
        this.sealed.set(sealed.counter, sealed)
        const before = this.marks.get(sealed.mark.session)
        if (before === undefined || before.sealedSeq < sealed.mark.sealedSeq)
          this.marks.set(sealed.mark.session, { ...sealed.mark, acknowledgedSeq: before?.acknowledgedSeq ?? -1 })
        return
      }
      case 'acknowledged': {
        const sealed = this.sealed.get(record.counter)
        this.sealed.delete(record.counter)
        const mark = sealed === undefined ? undefined : this.marks.get(sealed.mark.session)
        if (sealed !== undefined && mark !== undefined)
          this.marks.set(mark.session, {
            ...mark,
            acknowledgedSeq: Math.max(mark.acknowledgedSeq, sealed.mark.sealedSeq),
          })
        return
      }
    }
  }

  #append(record: JournalRecord): void {
    const frame = encodeFrame(Buffer.from(JSON.stringify(record)))
    try {
      // At a fixed place: what a failed write left behind is overwritten by the next one.
      let written = 0
      while (written < frame.length)
        written += writeSync(this.#file, frame, written, frame.length - written, this.#bytes + written)
    } catch (cause) {
      throw new SallyportError('SPOOL_UNWRITABLE', 'the journal of heads cannot be written', { cause })
    }
    this.#bytes += frame.length
    this.#apply(record)
  }

  addSealed(sealed: Sealed): void {
    this.#append({ kind: 'sealed', sealed })
  }

  addAcknowledged(counter: number): void {
    this.#append({ kind: 'acknowledged', counter })
  }

  async sync(): Promise<void> {
    await syncFile(this.#file)
  }

  /** Writes the journal anew when it has grown; forgets closed sessions whose segments are gone. */
  compact(isKept: (segment: number) => boolean): void {
    // Twice its last size at least: else a large live state would be written anew at every head.
    if (this.#bytes <= Math.max(journalBytesMax, 2 * this.#rewrittenBytes)) return
    const old = this.#file
    this.#file = this.#rewrite(isKept)
    closeSync(old)
  }

  #rewrite(isKept: (segment: number) => boolean): number {
    for (const [session, mark] of this.marks)
      if (mark.closed && mark.acknowledgedSeq >= mark.sealedSeq && !isKept(mark.segment)) this.marks.delete(session)
    const records: JournalRecord[] = [
      { kind: 'start', agent: this.#agent, counter: this.counter, headHash: this.headHash },
      ...[...this.marks.values()].map((mark): JournalRecord => ({ kind: 'mark', mark })),
      ...[...this.sealed.values()].map((sealed): JournalRecord => ({ kind: 'sealed', sealed })),
    ]
    const bytes = Buffer.concat(records.map((record) => encodeFrame(Buffer.from(JSON.stringify(record)))))
    const path = join(this.#directory, journalName)
    try {
      const file = openSync(`${path}.new`, 'w', 0o600)
      let written = 0
      while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written)
      fsyncSync(file)
      renameSync(`${path}.new`, path)
      syncDirectory(this.#directory)
      this.#bytes = bytes.length
      this.#rewrittenBytes = bytes.length
      return file
    } catch (cause) {
      throw new SallyportError('SPOOL_UNWRITABLE', `journal "${path}" cannot be written`, { cause })
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}
