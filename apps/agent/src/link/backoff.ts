// How long to wait before the next try: exponential, bounded, and spread at random, so that a thousand agents do not come
// back in the same instant ("full jitter").

export interface Backoff {
  readonly firstMs: number
  readonly lastMs: number
}

export const linkBackoff: Backoff = { firstMs: 250, lastMs: 30_000 }

/** For the n-th failure in a row, from 0. `random` gives [0, 1). Never less than half of the bound. */
export function backoffMs(failures: number, random: () => number, { firstMs, lastMs }: Backoff): number {
  const bound = Math.min(lastMs, firstMs * 2 ** Math.min(failures, 20))
  return Math.round(bound / 2 + (bound / 2) * random())
}

/** Settles after `ms` or at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
