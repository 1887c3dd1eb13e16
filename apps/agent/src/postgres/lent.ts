// The session's own connection to its target, lent for a question of the agent's. While it is lent the answers come here
// and not to the machine; what the target says unasked still goes there. It waits for nothing that the session cannot end.
import { assert } from '@sallyport/base/assert'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { Frame } from '@sallyport/wire/postgres/frames'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import { backendBytes } from '@sallyport/wire/postgres/names'
import { fieldOf } from './refuse.ts'

/** What lends the connection. */
export interface Lender {
  write(bytes: Buffer): void
  /** The target no longer answers as it should: the session ends. */
  lost(error: Error): void
}

/** One for each session. */
export class LentConnection {
  #lender: Lender | null = null
  #isLent = false
  readonly #messages: BackendMessage[] = []
  #failure: Error | null = null
  #wake: () => void = () => {}

  attach(lender: Lender): void {
    this.#lender = lender
  }

  get isLent(): boolean {
    return this.#isLent
  }

  /** True: the frame was an answer to our question. */
  take(frame: Frame): boolean {
    if (!this.#isLent || unasked.has(frame.typeByte)) return false
    // Our own questions have nothing to say to the client.
    if (frame.typeByte === backendBytes.noticeResponse) return true
    // Whoever asked reads it later, when the frame's memory is used for something else.
    const message = decodeBackend({ typeByte: frame.typeByte, body: Buffer.from(frame.body) })
    if (message.type === 'errorResponse' && isFatal(message)) return false
    this.#messages.push(message)
    this.#wake()
    return true
  }

  /** The session is over: whoever waits is told. */
  end(): void {
    this.#failure ??= new Error('the session ended')
    this.#wake()
  }

  /** Runs with the connection; afterwards every answer to what was sent must have been taken. */
  async borrow<T>(msMax: number, run: () => Promise<T>): Promise<T> {
    assert(!this.#isLent, 'a connection is lent twice')
    this.#isLent = true
    const timer = setTimeout(() => this.#lender?.lost(new Error('no answer to a question of the agent')), msMax)
    timer.unref()
    try {
      return await run()
    } finally {
      clearTimeout(timer)
      this.#isLent = false
    }
  }

  send(messages: readonly FrontendMessage[]): void {
    assert(this.#isLent && this.#lender !== null, 'a connection is used that was not lent')
    this.#lender.write(Buffer.concat(messages.map(encodeFrontend)))
  }

  async next(): Promise<BackendMessage> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined) return message
      if (this.#failure !== null) throw this.#failure
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  /** The target does not answer what was asked. */
  lost(error: Error): void {
    this.#lender?.lost(error)
  }
}

/** They come at any time, and mean the client's session. */
const unasked: ReadonlySet<number> = new Set([backendBytes.parameterStatus, backendBytes.notificationResponse])

const isFatal = ({ fields }: Extract<BackendMessage, { type: 'errorResponse' }>): boolean =>
  /^(FATAL|PANIC)$/.test(fieldOf(fields, 'V') || fieldOf(fields, 'S'))
