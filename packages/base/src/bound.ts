// A signal that ends with others or in time, and that somebody lets go of.

export interface Bound {
  readonly signal: AbortSignal
  /** What it bounds is over: nothing of it is kept, and it aborts no more. */
  readonly release: () => void
}

/**
 * A signal that aborts with the first of `parents`, or after `ms` milliseconds (never, when null). Whoever makes it releases it.
 * In the place of AbortSignal.any, which on Node 20 forgets an AbortSignal.timeout that nobody else holds as soon as memory is
 * collected, so that the deadline never comes, and which keeps for ever what still has a listener when its sources are gone.
 */
export function boundBy(parents: readonly AbortSignal[], ms: number | null = null): Bound {
  const controller = new AbortController()
  const follow = (event: Event): void => {
    if (event.target instanceof AbortSignal) end(event.target.reason)
  }
  const late = (): void => end(new DOMException('it took too long', 'TimeoutError'))
  const timer = ms === null ? undefined : setTimeout(late, ms).unref()
  const release = (): void => {
    clearTimeout(timer)
    for (const parent of parents) parent.removeEventListener('abort', follow)
  }
  const end = (reason: unknown): void => {
    release()
    controller.abort(reason)
  }
  const first = parents.find(({ aborted }) => aborted)
  if (first === undefined) for (const parent of parents) parent.addEventListener('abort', follow)
  else end(first.reason)
  return { signal: controller.signal, release }
}
