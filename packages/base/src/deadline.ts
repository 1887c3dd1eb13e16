// Waits have a deadline and a signal. The timer comes in, so that a test sets it.

import { SallyportError, type SallyportErrorCode } from './errors.ts'

/** Rejects with `code` when the signal fires before the promise settles. */
export async function withSignal<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  code: SallyportErrorCode,
  message: string,
): Promise<T> {
  signal.throwIfAborted()
  return await new Promise<T>((resolve, reject) => {
    const stop = () => reject(new SallyportError(code, message, { cause: signal.reason }))
    signal.addEventListener('abort', stop, { once: true })
    promise.then(
      (value) => {
        signal.removeEventListener('abort', stop)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', stop)
        reject(error)
      },
    )
  })
}
