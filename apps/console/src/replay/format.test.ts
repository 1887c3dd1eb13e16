// Times within a session.
import { expect, test } from 'vitest'
import { offset, span } from './format.ts'

test.each([
  [0, '00:00.000'],
  [3_214, '00:03.214'],
  [599_999, '09:59.999'],
  [3_723_004, '1:02:03.004'],
  [-5, '00:00.000'],
])('%i ms after the opening is %s', (ms, text) => {
  expect(offset(ms)).toBe(text)
})

test.each([
  [480, '480 ms'],
  [14_200, '14 s'],
  [200_000, '3 min 20 s'],
  [240_000, '4 min'],
  [7_500_000, '2 h 5 min'],
  [190_000_000, '2 d 4 h'],
])('%i ms last %s', (ms, text) => {
  expect(span(ms)).toBe(text)
})
