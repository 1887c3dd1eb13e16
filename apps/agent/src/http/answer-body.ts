// The body of an answer on its way from undici to whoever reads it: read once, with back-pressure, and let go of by whoever does not
// want the rest. Streams of Node do the same for several microseconds more.
import type { Dispatcher } from 'undici'

/** Bytes that wait to be read before the target is asked to wait, and at which it goes on. */
const heldBytesMax = 65_536
const heldBytesLow = 16_384

interface Waiting {
  readonly resolve: (result: IteratorResult<Buffer>) => void
  readonly reject: (error: unknown) => void
}

export class AnswerBody implements AsyncIterable<Buffer> {
  readonly #controller: Dispatcher.DispatchController
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #state: 'open' | 'ended' | 'failed' = 'open'
  #error: unknown
  #waiting: Waiting | null = null

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller
  }

  /** For the connection alone, as the next two. */
  push(chunk: Buffer): void {
    if (this.#state !== 'open' || chunk.length === 0) return
    const waiting = this.#waiting
    if (waiting !== null) {
      this.#waiting = null
      waiting.resolve({ done: false, value: chunk })
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes >= heldBytesMax) this.#controller.pause()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#waiting?.resolve({ done: true, value: undefined })
    this.#waiting = null
  }

  /** What came before is no whole answer: whoever reads it hears of that first. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    this.#drop()
    this.#waiting?.reject(error)
    this.#waiting = null
  }

  /** Nobody wants the rest. Where it has not come whole, its connection ends with it. */
  destroy(): void {
    if (this.#state === 'ended') this.#drop()
    if (this.#state !== 'open') return
    const error = new Error('the rest of the answer is not wanted')
    this.fail(error)
    this.#controller.abort(error)
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.destroy()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  #next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#bytes -= chunk.length
      if (this.#controller.paused && this.#bytes <= heldBytesLow) this.#controller.resume()
      return Promise.resolve({ done: false, value: chunk })
    }
    if (this.#state === 'ended') return Promise.resolve({ done: true, value: undefined })
    if (this.#state === 'failed') return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #drop(): void {
    this.#chunks.length = 0
    this.#bytes = 0
  }
}
