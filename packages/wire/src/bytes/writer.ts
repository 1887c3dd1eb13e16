// Writes messages one after the other into one growing buffer, so that a wake-up costs one write to the socket.
// What does not fit the format is our own bug, never the peer's.
import { assert } from '@sallyport/base/assert'

/** What is asked for at first, at least and at most, in bytes. */
const firstBytesMin = 64
const firstBytesMax = 2_048
const nothing = Buffer.alloc(0)
const uint16Max = 0xffff
const int32Max = 0x7fff_ffff

/** Between two wake-ups it keeps no memory: most sessions are idle. */
export class ByteWriter {
  #buffer = nothing
  #at = 0
  #lengthAt = -1
  /** About as much as was taken before. */
  #usual: number

  constructor(sizeHint = 256) {
    this.#usual = sizeHint
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
    const room = this.#room(1)
    this.#at = room.writeUInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    const room = this.#room(2)
    this.#at = room.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    const room = this.#room(4)
    this.#at = room.writeInt32BE(value, this.#at)
    return this
  }

  uint32(value: number): this {
    const room = this.#room(4)
    this.#at = room.writeUInt32BE(value, this.#at)
    return this
  }

  count(value: number): this {
    assert(value <= uint16Max, 'a message counts more than 65535 items')
    const room = this.#room(2)
    this.#at = room.writeUInt16BE(value, this.#at)
    return this
  }

  bytes(value: Uint8Array): this {
    const room = this.#room(value.length)
    room.set(value, this.#at)
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
    this.#usual = this.#at > this.#usual ? this.#at : (this.#usual * 7 + this.#at) >> 3
    this.#buffer = nothing
    this.#at = 0
    return taken
  }

  #room(length: number): Buffer {
    const needed = this.#at + length
    if (needed <= this.#buffer.length) return this.#buffer
    assert(needed <= int32Max, 'a message is longer than its length field can say')
    const first = Math.min(Math.max(this.#usual, firstBytesMin), firstBytesMax)
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2, first))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
    return grown
  }
}
