// Waiting times grow, stay within their bound, and differ.
import { expect, test } from 'vitest'
import { backoffMs, linkBackoff } from './backoff.ts'

test.each([
  [0, 0, 125],
  [0, 0.999_999, 250],
  [1, 0, 250],
  [7, 0, 15_000],
  [7, 0.999_999, 30_000],
  [10_000, 0.999_999, 30_000],
])('after %d failures, with %d from the dice, %d ms', (failures, dice, ms) => {
  expect(backoffMs(failures, () => dice, linkBackoff)).toBe(ms)
})
