// Messages beside each other in one chunk that go on as they are: they are copied together, not one by one. It does not
// decide which may.
import type { ByteWriter } from '@sallyport/wire/bytes/writer'

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
    if (this.#bytes === bytes && this.#end === start) {
      this.#end = end
      return
    }
    this.finish()
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** Before anything else is written. */
  finish(): void {
    if (this.#bytes === null) return
    this.#writer.bytes(this.#bytes.subarray(this.#start, this.#end))
    this.#bytes = null
  }
}
