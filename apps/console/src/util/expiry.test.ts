// Time left, and the moments at which it is said: one minute, ten seconds, the end (WCAG 2.2.1).
import { describe, expect, it } from 'vitest'
import { countdown, lastMs, leftOf, saidAt, soonMs } from './expiry.ts'

describe('the time left', () => {
  it.each([
    [soonMs + 1, 'calm'],
    [soonMs, 'soon'],
    [lastMs + 1, 'soon'],
    [lastMs, 'last'],
    [1, 'last'],
    [0, 'over'],
    [-5, 'over'],
  ])('of %s ms is %s', (ms, urgency) => {
    expect(leftOf(0, 900_000, 900_000 - ms).urgency).toBe(urgency)
  })

  it('is a share between nothing and all', () => {
    expect(leftOf(0, 1_000, 250).share).toBe(0.75)
    expect(leftOf(0, 1_000, -50).share).toBe(1)
    expect(leftOf(0, 1_000, 5_000).share).toBe(0)
    expect(leftOf(1_000, 1_000, 1_000).share).toBe(0)
  })

  it.each([
    [843_000, '14:03'],
    [9_001, '0:10'],
    [3_729_000, '1:02:09'],
    [187_200_000, '2 d 4 h'],
  ])('of %s ms reads %s', (ms, text) => {
    expect(countdown(ms)).toBe(text)
  })

  it('is said when it becomes urgent, and only then', () => {
    expect(saidAt('calm', 'calm')).toBeNull()
    expect(saidAt('calm', 'soon')).toContain('one minute')
    expect(saidAt('soon', 'last')).toContain('ten seconds')
    expect(saidAt('last', 'over')).toContain('nothing ran')
    expect(saidAt('over', 'calm')).toBeNull()
  })
})
