// Writes messages one after the other into one growing buffer, so that a wake-up costs one write to the socket.
// What does not fit the format is our own bug, never the peer's.
import { assert } from '@sallyport/base/assert'

const firstBytes = 256
const uint16Max = 0xffff
const int32Max = 0x7fff_ffff

export class ByteWriter {
  #buffer: Buffer
  #at = 0
  #lengthAt = -1

  constructor(sizeHint = firstBytes) {
    this.#buffer = Buffer.allocUnsafe(Math.max(sizeHint, 16))
  }

  get length(): number {
    return this.#at
  }

  /** Begins a message: its type byte, if it has one, and room for its length. */
  begin(typeByte?: number): this {
    assert(this.#lengthAt < 0, 'a message is begun inside another')
    if (typeByte !== undefined) this.uint8(typeByte)
    this.#lengthAt = this.#at
    this.int32(0)
    return this
  }

  /** Ends a message. Its length counts itself and not the type byte. */
  finish(): this {
    assert(this.#lengthAt >= 0, 'a message is ended that was not begun')
    this.#buffer.writeInt32BE(this.#at - this.#lengthAt, this.#lengthAt)
    this.#lengthAt = -1
    return this
  }

  uint8(value: number): this {
    this.#at = this.#room(1).writeUInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#at = this.#room(2).writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#at = this.#room(4).writeInt32BE(value, this.#at)
    return this
  }

  uint32(value: number): this {
    this.#at = this.#room(4).writeUInt32BE(value, this.#at)
    return this
  }

  count(value: number): this {
    assert(value <= uint16Max, 'a message counts more than 65535 items')
    this.#at = this.#room(2).writeUInt16BE(value, this.#at)
    return this
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length).set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** Length and bytes, or -1 for NULL. */
  value(value: Uint8Array | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).bytes(value)
  }

  /** Text and its NUL. */
  text(value: string): this {
    assert(!value.includes('\0'), 'a text of a message holds a NUL')
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = this.#room(value.length * 3 + 1)
    this.#at += room.write(value, this.#at)
    return this.uint8(0)
  }

  /** Everything written, and begins anew. The writer keeps no view of it. */
  take(): Buffer {
    assert(this.#lengthAt < 0, 'bytes are taken in the middle of a message')
    const taken = this.#buffer.subarray(0, this.#at)
    this.#buffer = Buffer.allocUnsafe(firstBytes)
    this.#at = 0
    return taken
  }

  #room(length: number): Buffer {
    const needed = this.#at + length
    if (needed <= this.#buffer.length) return this.#buffer
    assert(needed <= int32Max, 'a message is longer than its length field can say')
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
    return grown
  }
}
