// The index of a session as columns of numbers: one row for each statement, grown page by page (packages/api SessionIndex).
// Typed arrays, because a hundred thousand rows must fit beside the page and be walked in a frame.
import { type Lane, lanes } from '@sallyport/api/recordings'
import type { IndexPage } from './reading.ts'

/** Rows that one page keeps. A list of more would be taller than what browsers can scroll. */
export const indexRowsMax = 1_000_000

/** The first capacity, in rows; it doubles. */
const capacityFirst = 1_024

export class SessionColumns {
  length = 0
  seq = new Uint32Array(capacityFirst)
  /** Milliseconds after the opening; never falls. */
  atMs = new Float64Array(capacityFirst)
  statement = new Uint32Array(capacityFirst)
  lane = new Uint8Array(capacityFirst)
  verb = new Uint32Array(capacityFirst)
  object = new Uint32Array(capacityFirst)
  /** -1 while there is no outcome. */
  rows = new Float64Array(capacityFirst)
  durationUs = new Float64Array(capacityFirst)
  /** What `verb` and `object` are places in, over all pages. */
  readonly verbs: string[] = []
  readonly objects: string[] = []
  readonly #verbPlaces = new Map<string, number>()
  readonly #objectPlaces = new Map<string, number>()

  /** Takes a page: rows that are known are brought up to date, others follow at the end. Throws when the page is no index. */
  merge(page: IndexPage): void {
    const { length } = page.seq
    const columns = [page.atMs, page.statement, page.lane, page.verb, page.object, page.rows, page.durationUs]
    if (columns.some((column) => column.length !== length)) throw new Error('the columns of the index differ in length')
    const verbs = page.verbs.map((word) => placeOf(word, this.verbs, this.#verbPlaces))
    const objects = page.objects.map((word) => placeOf(word, this.objects, this.#objectPlaces))
    for (let from = 0; from < length; from++) {
      const seq = page.seq[from] ?? 0
      const to = this.#placeFor(seq)
      if (to === null) return
      this.seq[to] = seq
      this.atMs[to] = Math.max(page.atMs[from] ?? 0, to === 0 ? 0 : (this.atMs[to - 1] ?? 0))
      this.statement[to] = page.statement[from] ?? 0
      this.lane[to] = page.lane[from] ?? 0
      this.verb[to] = verbs[page.verb[from] ?? -1] ?? placeOf('', this.verbs, this.#verbPlaces)
      this.object[to] = objects[page.object[from] ?? -1] ?? placeOf('', this.objects, this.#objectPlaces)
      this.rows[to] = page.rows[from] ?? -1
      this.durationUs[to] = page.durationUs[from] ?? 0
    }
  }

  get isFull(): boolean {
    return this.length >= indexRowsMax
  }

  verbOf(row: number): string {
    return this.verbs[this.verb[row] ?? -1] ?? ''
  }

  objectOf(row: number): string {
    return this.objects[this.object[row] ?? -1] ?? ''
  }

  laneOf(row: number): Lane {
    return lanes[this.lane[row] ?? 0] ?? 'allowed'
  }

  /** The row in which the entry `seq` is told: the last that began at or before it. 0 before the first. */
  rowOfSeq(seq: number): number {
    return lastAtOrBefore(this.seq, this.length, seq)
  }

  /** The last row that began at or before this moment, milliseconds after the opening. 0 before the first. */
  rowAtMs(atMs: number): number {
    return lastAtOrBefore(this.atMs, this.length, atMs)
  }

  /**
   * Where the next question about the tail begins: at the first of the last rows that may still change, else past the last
   * row. Rows further back than `rowsBack` are left as they are.
   */
  tailFrom(nextFrom: number, rowsBack = 200): number {
    for (let row = Math.max(0, this.length - rowsBack); row < this.length; row++) {
      if (this.laneOf(row) !== 'denied' && (this.rows[row] ?? 0) < 0) return this.seq[row] ?? nextFrom
    }
    return nextFrom
  }

  /** The place of this sequence: its row, or a new one at the end. Null when there is no more room. */
  #placeFor(seq: number): number | null {
    const last = this.length === 0 ? -1 : (this.seq[this.length - 1] ?? -1)
    if (seq <= last) {
      const row = this.rowOfSeq(seq)
      if (this.seq[row] !== seq) throw new Error('the index is out of order')
      return row
    }
    if (this.isFull) return null
    if (this.length === this.seq.length) this.#grow()
    this.length += 1
    return this.length - 1
  }

  #grow(): void {
    const capacity = Math.min(indexRowsMax, this.seq.length * 2)
    this.seq = copied(new Uint32Array(capacity), this.seq)
    this.atMs = copied(new Float64Array(capacity), this.atMs)
    this.statement = copied(new Uint32Array(capacity), this.statement)
    this.lane = copied(new Uint8Array(capacity), this.lane)
    this.verb = copied(new Uint32Array(capacity), this.verb)
    this.object = copied(new Uint32Array(capacity), this.object)
    this.rows = copied(new Float64Array(capacity), this.rows)
    this.durationUs = copied(new Float64Array(capacity), this.durationUs)
  }
}

function copied<T extends { set: (from: T) => void }>(to: T, from: T): T {
  to.set(from)
  return to
}

function placeOf(word: string, words: string[], places: Map<string, number>): number {
  const known = places.get(word)
  if (known !== undefined) return known
  words.push(word)
  places.set(word, words.length - 1)
  return words.length - 1
}

/** Binary search in the first `length` of rising numbers. */
export function lastAtOrBefore(column: ArrayLike<number>, length: number, value: number): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((column[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
