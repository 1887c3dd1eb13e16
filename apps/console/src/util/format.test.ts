// Moments as people read them: with a date as soon as it is not today's.
import { expect, it } from 'vitest'
import { clockTime, momentTime } from './format.ts'

it('a moment of today is a time of day, one of another day has its date', () => {
  const noon = new Date(2026, 5, 1, 12).getTime()
  const [today, tomorrow, sameDayNextMonth] = [3_600_000, 86_400_000, 30 * 86_400_000].map((ms) => noon + ms)
  expect(momentTime(today ?? 0, noon)).toBe(clockTime(today ?? 0))
  for (const other of [tomorrow ?? 0, sameDayNextMonth ?? 0]) {
    expect(momentTime(other, noon)).toContain(String(new Date(other).getDate()))
    expect(momentTime(other, noon).length).toBeGreaterThan(clockTime(other).length)
  }
})
