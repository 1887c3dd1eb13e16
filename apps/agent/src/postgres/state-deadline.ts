// A deadline for a state that lasts: it runs while something is so, and starts anew each time it is not. Told often and
// cheaply: at most one timer, which looks again when the state began later than it was set for.
export interface StateDeadlineDeps {
  readonly msMax: number
  readonly nowMs: () => number
  readonly onLate: () => void
}

export class StateDeadline {
  readonly #deps: StateDeadlineDeps
  #sinceMs: number | null = null
  #timer: NodeJS.Timeout | undefined
  #last: NodeJS.Immediate | undefined

  constructor(deps: StateDeadlineDeps) {
    this.#deps = deps
  }

  /** Is it so now? */
  note(isSo: boolean): void {
    if (!isSo) this.#sinceMs = null
    else if (this.#sinceMs === null) {
      this.#sinceMs = this.#deps.nowMs()
      if (this.#timer === undefined && this.#last === undefined) this.#wait(this.#deps.msMax)
    }
  }

  clear(): void {
    this.#sinceMs = null
    clearTimeout(this.#timer)
    this.#timer = undefined
    clearImmediate(this.#last)
    this.#last = undefined
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms)
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    if (this.#sinceMs === null) return
    const leftMs = this.#sinceMs + this.#deps.msMax - this.#deps.nowMs()
    if (leftMs > 0) this.#wait(leftMs)
    // Where this process had no turn for long, what ended the state may lie unread: timers come before sockets.
    else this.#last = setImmediate(() => this.#lookLast())
  }

  #lookLast(): void {
    this.#last = undefined
    if (this.#sinceMs === null) return
    const leftMs = this.#sinceMs + this.#deps.msMax - this.#deps.nowMs()
    if (leftMs > 0) this.#wait(leftMs)
    else this.#deps.onLate()
  }
}
