// Answers that come long after their statement was judged: it may have waited for a lock, and its names were looked up after
// that. What the target says is kept unread until it is known that the statement still means what was judged; if it does not,
// nothing of it is shown (THREATS ).
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Machine, Running } from './machine.ts'

export interface LateDeps {
  readonly monotonicUs: () => number
  /** Takes bytes that were kept. */
  readonly take: (chunk: Buffer) => void
  /** Ends the session. */
  readonly changed: (error: SallyportError) => void
}

export class LateAnswers {
  readonly #deps: LateDeps
  readonly #kept: Buffer[] = []
  /** The statement whose answer has begun in time, or was looked at. */
  #known: Running | null = null
  /** The target is not read meanwhile. */
  isAsking = false

  constructor(deps: LateDeps) {
    this.#deps = deps
  }

  /** False: the bytes are kept, and come back by `take`. */
  admit(chunk: Buffer, awaited: ReturnType<Machine['awaited']>): boolean {
    if (this.isAsking) {
      this.#kept.push(Buffer.from(chunk))
      return false
    }
    if (awaited === null || awaited.running === this.#known) return true
    const { running, isNext } = awaited
    const { stillMeans, startedAtUs } = running.judged
    if (stillMeans === undefined) return true
    if (this.#deps.monotonicUs() - startedAtUs > limits.catalogAgeMsMax * 1_000) {
      this.#kept.push(Buffer.from(chunk))
      void this.#ask(running, isNext, stillMeans)
      return false
    }
    // What comes now may be about a message before it: then its own answer is still to come.
    if (isNext) this.#known = running
    return true
  }

  async #ask(running: Running, isNext: boolean, stillMeans: () => Promise<boolean>): Promise<void> {
    this.isAsking = true
    const problem = await stillMeans().then(
      (isSame) => (isSame ? null : 'objects were changed while the statement waited'),
      (thrown: unknown) => asSallyportError(thrown).message,
    )
    this.isAsking = false
    if (problem !== null) {
      this.#kept.length = 0
      const hint = 'connect again; the schema has changed'
      const cause = new Error(problem)
      this.#deps.changed(
        new SallyportError('CATALOG_STALE', "the target's result does not fit the judged statement", { hint, cause }),
      )
      return
    }
    this.#known = running
    for (const chunk of this.#kept.splice(0)) this.#deps.take(chunk)
    if (!isNext && this.#known === running) this.#known = null
  }
}
