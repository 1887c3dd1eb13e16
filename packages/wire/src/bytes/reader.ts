// Reads numbers, texts and byte runs from one message body. Every read is checked against the end first; what does not
// fit, is not UTF-8 or is left over is a ProtocolError. Byte runs are views of the body, never copies.
import { ProtocolError } from '../protocol-error.ts'

/** Up to this length a loop over ASCII beats a call into the decoder. */
const shortTextBytes = 48

// ignoreBOM: a byte order mark is a character of the text; dropping it would change what was judged.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ByteReader {
  readonly #body: Buffer
  readonly #what: string
  #at = 0

  /** `what` names the message in errors. */
  constructor(body: Buffer, what: string) {
    this.#body = body
    this.#what = what
  }

  get remaining(): number {
    return this.#body.length - this.#at
  }

  uint8(): number {
    const at = this.#advance(1)
    return this.#body.readUInt8(at)
  }

  int16(): number {
    const at = this.#advance(2)
    return this.#body.readInt16BE(at)
  }

  uint16(): number {
    const at = this.#advance(2)
    return this.#body.readUInt16BE(at)
  }

  int32(): number {
    const at = this.#advance(4)
    return this.#body.readInt32BE(at)
  }

  uint32(): number {
    const at = this.#advance(4)
    return this.#body.readUInt32BE(at)
  }

  bytes(length: number): Buffer {
    const at = this.#advance(length)
    return this.#body.subarray(at, at + length)
  }

  rest(): Buffer {
    return this.bytes(this.remaining)
  }

  /** An unsigned 16-bit count of items of at least `itemBytes` each: checked against what is there before any loop. */
  count(itemBytes: number, max: number): number {
    const count = this.uint16()
    if (count > max) this.fail(`counts ${count} items; at most ${max}`)
    if (count * itemBytes > this.remaining) this.fail('counts more items than it holds')
    return count
  }

  /** Text up to a NUL, which is consumed. */
  text(): string {
    const end = this.#body.indexOf(0, this.#at)
    if (end < 0) this.fail('has a text without an end')
    const at = this.#at
    this.#at = end + 1
    return this.#decode(at, end)
  }

  /** Nothing may be left (THREATS ). */
  end(): void {
    if (this.remaining > 0) this.fail('is longer than its fields')
  }

  fail(why: string): never {
    throw new ProtocolError(`${this.#what} ${why}`)
  }

  #advance(length: number): number {
    const at = this.#at
    if (length < 0 || length > this.#body.length - at) this.fail('is shorter than its fields')
    this.#at = at + length
    return at
  }

  #decode(start: number, end: number): string {
    if (end - start <= shortTextBytes && isAscii(this.#body, start, end))
      return this.#body.toString('latin1', start, end)
    try {
      return strictUtf8.decode(this.#body.subarray(start, end))
    } catch {
      return this.fail('has a text that is not UTF-8')
    }
  }
}

function isAscii(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (body.readUInt8(at) > 0x7f) return false
  return true
}
