// One message after another from a target, for the exchanges that are not the data path: login and catalog queries.
// A pull at a time; whoever ends the conversation gets the stream back with the bytes that nobody has read.
import type { Duplex } from 'node:stream'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import { encodedFrame, type Frame, FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { backendCaps } from '@sallyport/wire/postgres/names'

export class Conversation {
  readonly #stream: Duplex
  readonly #splitter: FrameSplitter
  #frames: Frame[] = []
  #at = 0
  #failure: Error | undefined
  #wake: (() => void) | undefined

  /** `leftover` was read from the stream before and not used. */
  constructor(stream: Duplex, messageBytesMax: number, leftover?: Buffer) {
    this.#stream = stream
    this.#splitter = new FrameSplitter(backendCaps(messageBytesMax))
    stream.on('data', this.#onBytes)
    stream.on('error', this.#onError)
    stream.on('close', this.#onEnd)
    stream.on('end', this.#onEnd)
    if (leftover !== undefined && leftover.length > 0) this.#onBytes(leftover)
    if (stream.destroyed) this.#onEnd()
    stream.resume()
  }

  write(bytes: Buffer): void {
    this.#stream.write(bytes)
  }

  /** The next message. Throws what ended the stream, or ProtocolError. */
  async next(): Promise<BackendMessage> {
    for (;;) {
      const frame = this.#frames[this.#at]
      if (frame !== undefined) {
        this.#at++
        return decodeBackend(frame)
      }
      this.#frames = []
      this.#at = 0
      if (this.#failure !== undefined) throw this.#failure
      this.#stream.resume()
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  /** Lets go of the stream, paused, and returns what was read and not used. */
  release(): Buffer {
    this.#stream.pause()
    this.#stream.off('data', this.#onBytes)
    this.#stream.off('error', this.#onError)
    this.#stream.off('close', this.#onEnd)
    this.#stream.off('end', this.#onEnd)
    const unread = this.#frames.slice(this.#at).map(encodedFrame)
    return Buffer.concat([...unread, this.#splitter.takePending()])
  }

  readonly #onBytes = (chunk: Buffer): void => {
    try {
      this.#frames.push(...this.#splitter.push(chunk))
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new Error('the stream cannot be read', { cause: thrown }))
    }
    // One chunk at a time: what is not pulled stays in the socket.
    this.#stream.pause()
    this.#wake?.()
  }

  readonly #onError = (error: Error): void => this.#fail(error)
  readonly #onEnd = (): void => this.#fail(new Error('the target closed the connection'))

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }
}
