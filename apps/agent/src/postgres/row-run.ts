// Messages beside each other in one chunk that go on as they are, or with some values replaced: they are brought together where they
// stand, and copied as one run. It does not decide which may, nor what a value becomes.
// INVARIANT: what is ready to go never reaches past what has been taken, so that nothing is overwritten before it was used.
import type { ByteWriter } from '@sallyport/wire/bytes/writer'
import { headerBytes } from '@sallyport/wire/postgres/frames'
import type { Replacements } from './replacements.ts'

/** Up to here a loop is cheaper than a call to copy. */
const shortBytesMax = 64

export class RowRun {
  readonly #writer: ByteWriter
  #bytes: Buffer | null = null
  #start = 0
  #end = 0

  constructor(writer: ByteWriter) {
    this.#writer = writer
  }

  /** The message, with its header, from `start` to `end`. */
  take(bytes: Buffer, start: number, end: number): void {
    if (this.#bytes !== bytes) {
      this.finish()
      this.#bytes = bytes
      this.#start = start
      this.#end = start
    }
    if (this.#end !== start) bytes.copyWithin(this.#end, start, end)
    this.#end += end - start
  }

  /** The same of a DataRow with values replaced. Its bytes are changed. */
  replace(bytes: Buffer, start: number, end: number, { places, ends, values, count, bodyBytes }: Replacements): void {
    // The length counts itself and not the type byte.
    bytes.writeInt32BE(bodyBytes + headerBytes - 1, start + 1)
    let from = start
    for (let at = 0; at < count; at++) {
      const place = places[at] ?? end
      const value = values[at] ?? null
      const until = ends[at] ?? end
      bytes.writeInt32BE(value === null ? -1 : value.length, place - 4)
      this.take(bytes, from, place)
      if (value !== null) this.#put(bytes, value, until)
      from = until
    }
    if (from < end) this.take(bytes, from, end)
  }

  /** In the place of what ends at `until`, where it fits. */
  #put(bytes: Buffer, value: Uint8Array, until: number): void {
    const { length } = value
    if (this.#end + length > until) {
      this.finish()
      this.#writer.bytes(value)
      return
    }
    if (length > shortBytesMax) bytes.set(value, this.#end)
    else for (let at = 0; at < length; at++) bytes[this.#end + at] = value[at] ?? 0
    this.#end += length
  }

  /** Before anything else is written. */
  finish(): void {
    if (this.#bytes === null) return
    this.#writer.bytes(this.#bytes.subarray(this.#start, this.#end))
    this.#bytes = null
  }
}
