// The deadline for one message of a client, from its first byte to its last (THREATS ). Time in which we do not read
// is not the client's: the deadline begins anew when it ends while the socket is paused.
export interface DeadlineDeps {
  readonly msMax: number
  /** The client's bytes are being read. */
  readonly isReading: () => boolean
  readonly onLate: () => void
}

export class MessageDeadline {
  readonly #deps: DeadlineDeps
  #timer: NodeJS.Timeout | undefined
  #last: NodeJS.Immediate | undefined

  constructor(deps: DeadlineDeps) {
    this.#deps = deps
  }

  /** After each chunk: bytes of a message that is not whole, and how many messages the chunk has completed. */
  note(pendingBytes: number, completed: number): void {
    if (pendingBytes > 0 && this.#timer !== undefined && completed === 0) return
    this.clear()
    if (pendingBytes > 0) this.#start()
  }

  clear(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    clearImmediate(this.#last)
    this.#last = undefined
  }

  #start(): void {
    this.#timer = setTimeout(() => {
      // Where this process had no turn for long, the rest of the message may lie unread: timers come before sockets.
      this.#last = setImmediate(() => {
        this.clear()
        if (this.#deps.isReading()) this.#deps.onLate()
        else this.#start()
      })
    }, this.#deps.msMax)
    this.#timer.unref()
  }
}
