// THREATS, with a clock that the test moves.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StateDeadline } from './state-deadline.ts'

const msMax = 1_000
let late = 0
let deadline: StateDeadline

/** The whole of it, and the turn at its end. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await new Promise((done) => setImmediate(done))
}

describe('R-1.17, R-2.14: the deadline of a state that lasts', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    late = 0
    deadline = new StateDeadline({ msMax, nowMs: () => Date.now(), onLate: () => late++ })
  })
  afterEach(() => vi.useRealTimers())

  it('passes when the state has lasted so long, and not a moment before', async () => {
    deadline.note(true)
    await pass(msMax - 1)
    deadline.note(true)
    expect(late).toBe(0)
    await pass(1)
    expect(late).toBe(1)
  })

  it('begins anew whenever the state was over, however shortly', async () => {
    deadline.note(true)
    for (let times = 0; times < 10; times++) {
      await pass(msMax - 1)
      deadline.note(false)
      deadline.note(true)
    }
    expect(late).toBe(0)
    await pass(msMax)
    expect(late).toBe(1)
  })

  it('keeps no timer that has nothing to wait for', async () => {
    deadline.note(true)
    deadline.note(false)
    await pass(msMax * 3)
    expect([late, vi.getTimerCount()]).toEqual([0, 0])
    deadline.note(true)
    deadline.clear()
    await pass(msMax * 3)
    expect([late, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('has not passed where the state ended unread while this process had no turn', async () => {
    deadline.note(true)
    // Timers come before sockets, which are read before what waits for the end of the turn.
    vi.advanceTimersByTime(msMax)
    deadline.note(false)
    deadline.note(true)
    await pass(msMax - 1)
    expect(late).toBe(0)
    await pass(1)
    expect(late).toBe(1)
  })
})
