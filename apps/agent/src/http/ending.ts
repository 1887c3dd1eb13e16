// What ends an exchange before its time: its caller is gone, or its session is over. As an AbortController, which costs several
// microseconds to make, listen to and abort; here that is paid where somebody needs a real signal, and by nobody else.
import { setMaxListeners } from 'node:events'

/** An AbortSignal is one. */
export interface Ends {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export class Ending implements Ends {
  aborted = false
  reason: unknown
  readonly #listeners = new Set<() => void>()
  #controller: AbortController | undefined

  /** The first time counts. Without a reason it is that nobody is left to hear of it. */
  abort(reason?: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    this.#controller?.abort(reason)
    for (const listener of listeners) listener()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** For what takes nothing else; as many may listen as there are exchanges. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      setMaxListeners(0, this.#controller.signal)
      if (this.aborted) this.#controller.abort(this.reason)
    }
    return this.#controller.signal
  }
}
