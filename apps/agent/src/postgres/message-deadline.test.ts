// THREATS, with a clock that the test moves.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MessageDeadline } from './message-deadline.ts'

const msMax = 1_000
let late = 0
let isReading = true
let deadline: MessageDeadline

/** The whole of it, and the turn at its end. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await new Promise((done) => setImmediate(done))
}

describe('R-1.16: the deadline of a message', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    late = 0
    isReading = true
    deadline = new MessageDeadline({ msMax, isReading: () => isReading, onLate: () => late++ })
  })
  afterEach(() => vi.useRealTimers())

  it('counts from the first byte, however many come behind it', async () => {
    deadline.note(1, 0)
    for (let bytes = 2; bytes < 10; bytes++) {
      await pass(msMax / 10)
      deadline.note(bytes, 0)
    }
    expect(late).toBe(0)
    await pass(msMax / 5)
    expect(late).toBe(1)
  })

  it('begins anew with each message, and ends with the last', async () => {
    deadline.note(5, 0)
    await pass(msMax - 1)
    deadline.note(5, 1)
    await pass(msMax - 1)
    deadline.note(0, 1)
    await pass(msMax * 10)
    expect(late).toBe(0)
  })

  it('does not count while the client is not read, and does afterwards', async () => {
    isReading = false
    deadline.note(5, 0)
    await pass(msMax * 3)
    expect(late).toBe(0)
    isReading = true
    await pass(msMax)
    expect(late).toBe(1)
  })

  it('is kept by a message whose rest lay unread while this process had no turn', async () => {
    deadline.note(5, 0)
    vi.advanceTimersByTime(msMax)
    deadline.note(0, 1)
    await pass(msMax * 3)
    expect(late).toBe(0)
  })
})
