// The retry schedule: as long as the attempts, growing, and never all at once.
import { limits } from '@sallyport/base/limits'
import { expect, it } from 'vitest'
import { nextAttemptMs, retryDelaysMs } from './schedule.ts'

it('has a delay after every attempt but the last, each longer than the one before', () => {
  expect(retryDelaysMs).toHaveLength(limits.webhookAttemptsMax - 1)
  expect([...retryDelaysMs].sort((a, b) => a - b)).toEqual([...retryDelaysMs])
  expect(retryDelaysMs.reduce((sum, delay) => sum + delay, 0)).toBeGreaterThan(6 * 3_600_000)
})

it('waits the delay of the attempt, a fifth shorter or longer by chance, and gives up after the last', () => {
  expect(nextAttemptMs(1, 1_000, 0.5)).toBe(6_000)
  expect(nextAttemptMs(1, 1_000, 0)).toBe(5_000)
  expect(nextAttemptMs(1, 1_000, 1)).toBe(7_000)
  expect(nextAttemptMs(limits.webhookAttemptsMax - 1, 0, 0.5)).toBe(14_400_000)
  expect(nextAttemptMs(limits.webhookAttemptsMax, 0, 0.5)).toBeNull()
  expect(nextAttemptMs(limits.webhookAttemptsMax + 1, 0, 0.5)).toBeNull()
})
