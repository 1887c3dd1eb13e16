// THREATS, with a clock that the test moves.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MessageDeadline } from './message-deadline.ts'

const msMax = 1_000
let late = 0
let isReading = true
let deadline: MessageDeadline

describe('R-1.16: the deadline of a message', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    late = 0
    isReading = true
    deadline = new MessageDeadline({ msMax, isReading: () => isReading, onLate: () => late++ })
  })
  afterEach(() => vi.useRealTimers())

  it('counts from the first byte, however many come behind it', () => {
    deadline.note(1, 0)
    for (let bytes = 2; bytes < 10; bytes++) {
      vi.advanceTimersByTime(msMax / 10)
      deadline.note(bytes, 0)
    }
    expect(late).toBe(0)
    vi.advanceTimersByTime(msMax / 5)
    expect(late).toBe(1)
  })

  it('begins anew with each message, and ends with the last', () => {
    deadline.note(5, 0)
    vi.advanceTimersByTime(msMax - 1)
    deadline.note(5, 1)
    vi.advanceTimersByTime(msMax - 1)
    deadline.note(0, 1)
    vi.advanceTimersByTime(msMax * 10)
    expect(late).toBe(0)
  })

  it('does not count while the client is not read, and does afterwards', () => {
    isReading = false
    deadline.note(5, 0)
    vi.advanceTimersByTime(msMax * 3)
    expect(late).toBe(0)
    isReading = true
    vi.advanceTimersByTime(msMax)
    expect(late).toBe(1)
  })
})
