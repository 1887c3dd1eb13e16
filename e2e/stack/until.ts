// Waits for a condition of the world with a deadline. Looks again every few milliseconds; what it waits for is real.
import { setTimeout as pause } from 'node:timers/promises'

const lookEveryMs = 25

/** The first value that is neither null nor false. An error of the look counts as "not yet" and is named at the end. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  msMax = 30_000,
): Promise<T> {
  const deadline = performance.now() + msMax
  let last: unknown = 'it never was'
  for (;;) {
    try {
      const value = await look()
      if (value !== null && value !== false) return value
    } catch (thrown) {
      last = thrown
    }
    if (performance.now() > deadline) throw new Error(`waited ${msMax} ms for: ${what}`, { cause: last })
    await pause(lookEveryMs)
  }
}
