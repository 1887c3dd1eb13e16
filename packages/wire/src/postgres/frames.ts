// Cuts a byte stream into messages, for any split of the bytes into chunks. A length is checked as soon as it is there
// and nothing is allocated by it; memory in use is at most the bytes received of one message, twice over.
import { limits } from '@sallyport/base/limits'
import { ProtocolError } from '../protocol-error.ts'
import type { CapOf } from './names.ts'

/** One message as it stands in the stream. The body is a view of the chunk where it can be. */
export interface Frame {
  readonly typeByte: number
  readonly body: Buffer
}

/** The frame as it stood in the stream. */
export function encodedFrame(frame: Frame): Buffer {
  const header = Buffer.allocUnsafe(headerBytes)
  header.writeUInt8(frame.typeByte, 0)
  header.writeInt32BE(frame.body.length + 4, 1)
  return Buffer.concat([header, frame.body])
}

/** One message: its body is `bytes` from `start` to `end`, with its header right before it. */
export type TakeBody = (typeByte: number, bytes: Buffer, start: number, end: number) => void

/** Type byte and length. */
export const headerBytes = 5
const firstBytes = 64
const nothing = Buffer.alloc(0)

/** For everything after start-up. One splitter per direction of a connection; after a ProtocolError it is spent. */
export class FrameSplitter {
  readonly #capOf: CapOf
  readonly #partial = new Partial()

  constructor(capOf: CapOf) {
    this.#capOf = capOf
  }

  /** Bytes of a message that has not arrived whole. */
  get pendingBytes(): number {
    return this.#partial.length
  }

  /** What has arrived of the next message; the splitter forgets it. For handing the stream on. */
  takePending(): Buffer {
    return this.#partial.take()
  }

  /** Takes the next bytes and returns the messages that are now whole. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    this.each(chunk, (typeByte, bytes, start, end) => frames.push({ typeByte, body: bytes.subarray(start, end) }))
    return frames
  }

  /** The same without an object for each message: `take` gets the body of each as a part of `bytes`, in order. Where the bytes
   * are wrong it throws after what came before them was taken. */
  each(chunk: Buffer, take: TakeBody): void {
    let at = this.#finishPartial(chunk, take)
    while (chunk.length - at >= headerBytes) {
      const total = this.#totalBytes(chunk, at)
      if (chunk.length - at < total) break
      take(chunk.readUInt8(at), chunk, at + headerBytes, at + total)
      at += total
    }
    if (at < chunk.length) this.#partial.append(chunk, at, chunk.length)
  }

  /** Completes the message that an earlier chunk began, if there is one. Returns where the next one starts. */
  #finishPartial(chunk: Buffer, take: TakeBody): number {
    if (this.#partial.length === 0) return 0
    let at = this.#partial.fill(chunk, 0, headerBytes)
    if (this.#partial.length < headerBytes) return at
    const total = this.#totalBytes(this.#partial.bytes, 0)
    at = this.#partial.fill(chunk, at, total)
    if (this.#partial.length < total) return at
    const whole = this.#partial.take()
    take(whole.readUInt8(0), whole, headerBytes, total)
    return at
  }

  /** Type byte, length field and body of the message that starts at `at`. */
  #totalBytes(bytes: Buffer, at: number): number {
    const typeByte = bytes.readUInt8(at)
    const length = bytes.readInt32BE(at + 1)
    const cap = this.#capOf(typeByte)
    if (cap === undefined)
      throw new ProtocolError(`message type 0x${typeByte.toString(16).padStart(2, '0')} is unknown`)
    if (length < 4) throw new ProtocolError('message length does not count itself')
    if (length > cap) throw new ProtocolError(`message of ${length} bytes; at most ${cap} of this type`)
    return 1 + length
  }
}

/** What a client sends first: a length and a body, no type byte. */
export interface StartupFrame {
  readonly body: Buffer
  /** What came behind it. After SSLRequest anything here is an attack (THREATS ). */
  readonly rest: Buffer
}

/** For one packet of the start-up phase; the next one takes a new splitter. */
export class StartupSplitter {
  readonly #partial = new Partial()

  push(chunk: Buffer): StartupFrame | undefined {
    let at = this.#partial.fill(chunk, 0, 4)
    if (this.#partial.length < 4) return undefined
    const length = this.#partial.bytes.readInt32BE(0)
    // The server's MAX_STARTUP_PACKET_LENGTH does not count the length field; the shortest packet is a request code.
    if (length < 8 || length - 4 > limits.startupBytesMax)
      throw new ProtocolError(
        `start-up packet of ${length} bytes; from 8 to ${limits.startupBytesMax + 4} are possible`,
      )
    at = this.#partial.fill(chunk, at, length)
    if (this.#partial.length < length) return undefined
    return { body: this.#partial.take().subarray(4), rest: chunk.subarray(at) }
  }
}

/** The beginning of a message, copied together: many small chunks must not keep many large buffers alive. */
class Partial {
  #buffer = nothing
  length = 0

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  append(chunk: Buffer, start: number, end: number): void {
    const needed = this.length + end - start
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2, firstBytes))
      this.#buffer.copy(grown, 0, 0, this.length)
      this.#buffer = grown
    }
    chunk.copy(this.#buffer, this.length, start, end)
    this.length = needed
  }

  /** Takes from the chunk until `total` bytes are here. Returns where it stopped. */
  fill(chunk: Buffer, start: number, total: number): number {
    const end = Math.min(chunk.length, start + Math.max(total - this.length, 0))
    this.append(chunk, start, end)
    return end
  }

  take(): Buffer {
    const taken = this.bytes
    this.#buffer = nothing
    this.length = 0
    return taken
  }
}
