// THREATS, with a clock that the test moves.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StateDeadline } from './state-deadline.ts'

const msMax = 1_000
let late = 0
let deadline: StateDeadline

describe('R-1.17, R-2.14: the deadline of a state that lasts', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    late = 0
    deadline = new StateDeadline({ msMax, nowMs: () => Date.now(), onLate: () => late++ })
  })
  afterEach(() => vi.useRealTimers())

  it('passes when the state has lasted so long, and not a moment before', () => {
    deadline.note(true)
    vi.advanceTimersByTime(msMax - 1)
    deadline.note(true)
    expect(late).toBe(0)
    vi.advanceTimersByTime(1)
    expect(late).toBe(1)
  })

  it('begins anew whenever the state was over, however shortly', () => {
    deadline.note(true)
    for (let times = 0; times < 10; times++) {
      vi.advanceTimersByTime(msMax - 1)
      deadline.note(false)
      deadline.note(true)
    }
    expect(late).toBe(0)
    vi.advanceTimersByTime(msMax)
    expect(late).toBe(1)
  })

  it('keeps no timer that has nothing to wait for', () => {
    deadline.note(true)
    deadline.note(false)
    vi.advanceTimersByTime(msMax * 3)
    expect([late, vi.getTimerCount()]).toEqual([0, 0])
    deadline.note(true)
    deadline.clear()
    vi.advanceTimersByTime(msMax * 3)
    expect([late, vi.getTimerCount()]).toEqual([0, 0])
  })
})
