// When a delivery is tried again, and when a webhook is given up. Pure.
import { limits } from '@sallyport/base/limits'

/** After the first, second … failed attempt, in milliseconds: about seven hours in all. One less than there are attempts. */
export const retryDelaysMs = [5_000, 60_000, 300_000, 1_200_000, 3_600_000, 7_200_000, 14_400_000] as const

/** Deliveries in a row that failed for good, after which a webhook is disabled. */
export const failedDeliveriesMax = 5

/** A delay is longer or shorter by up to this part: receivers that come back are not met by everybody at once. */
const jitterPart = 0.2

/** When to try again after this many attempts; null when it was the last. `random`: 0 to 1. */
export function nextAttemptMs(attempts: number, nowMs: number, random: number): number | null {
  const delay = attempts >= limits.webhookAttemptsMax ? undefined : retryDelaysMs[attempts - 1]
  return delay === undefined ? null : Math.round(nowMs + delay * (1 + jitterPart * (2 * random - 1)))
}
