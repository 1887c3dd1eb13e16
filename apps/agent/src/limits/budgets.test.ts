// Budgets by a clock that the tests set: never more than the limit in any window, and free again in time.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Claim, createBudgets } from './budgets.ts'

const claim = (budget: string, max: number, amount = 1, everyMs = 60_000): Claim => ({ budget, max, amount, everyMs })
function open(budgetsMax = 10) {
  let nowMs = 1_000_000
  const budgets = createBudgets({ nowMs: () => nowMs }, budgetsMax)
  return { budgets, at: (ms: number) => (nowMs = 1_000_000 + ms) }
}

describe('a budget', () => {
  it('is exact: as many as the limit, not one more, whoever asks at once', async () => {
    const { budgets } = open()
    const all = await Promise.all(Array.from({ length: 50 }, async () => budgets.take([claim('a', 20)]) === null))
    expect(all.filter((taken) => taken)).toHaveLength(20)
  })

  it('slides: what was taken is free again when its window is over, and says when', () => {
    const { budgets, at } = open()
    expect(budgets.take([claim('a', 2)])).toBeNull()
    at(30_000)
    expect(budgets.take([claim('a', 2)])).toBeNull()
    expect(budgets.take([claim('a', 2)])?.retryMs).toBe(30_000)
    at(59_999)
    expect(budgets.take([claim('a', 2)])?.retryMs).toBe(1)
    at(60_000)
    expect(budgets.take([claim('a', 2)])).toBeNull()
    expect(budgets.take([claim('a', 2)])?.retryMs).toBe(30_000)
  })

  it('is taken with the others or not at all', () => {
    const { budgets } = open()
    budgets.take([claim('a', 1)])
    expect(budgets.take([claim('b', 5), claim('a', 1)])?.claim.budget).toBe('a')
    expect(budgets.take([claim('b', 1)])).toBeNull()
  })

  it('counts several claims of one text together', () => {
    const { budgets } = open()
    expect(budgets.take([claim('a', 3), claim('a', 3), claim('a', 3), claim('a', 3)])).not.toBeNull()
    expect(budgets.take([claim('a', 3), claim('a', 3), claim('a', 3)])).toBeNull()
  })

  it('survives a clock that is set back, for one window at most', () => {
    const { budgets, at } = open()
    at(86_400_000)
    budgets.take([claim('a', 1)])
    at(0)
    expect(budgets.take([claim('a', 1)])).not.toBeNull()
    at(60_000)
    expect(budgets.take([claim('a', 1)])).toBeNull()
  })

  it('keeps what was spent when a policy changes the time', () => {
    const { budgets } = open()
    budgets.take([claim('a', 1)])
    expect(budgets.take([claim('a', 1, 1, 3_600_000)])).not.toBeNull()
  })

  it('is refused where as many are in memory as may be, until some are over', () => {
    const { budgets, at } = open(2)
    budgets.take([claim('a', 1)])
    budgets.take([claim('b', 1)])
    expect(budgets.take([claim('c', 1)])).not.toBeNull()
    at(60_000)
    expect(budgets.take([claim('c', 1)])).toBeNull()
    expect(budgets.size).toBe(1)
  })

  it('never lets more pass in any window, and nothing is kept for longer than a window and its part', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 300 }), (steps) => {
        let nowMs = 0
        const budgets = createBudgets({ nowMs: () => nowMs }, 10)
        const taken: number[] = []
        const within = (ms: number): number => taken.filter((one) => one > nowMs - ms).length
        for (const step of steps) {
          nowMs += step
          const isTaken = budgets.take([claim('a', 10, 1, 10_000)]) === null
          if (isTaken) taken.push(nowMs)
          if (within(10_000) > 10) return false
          if (!isTaken && within(10_000 + 79) < 10) return false
        }
        return true
      }),
    )
  })
})

describe('places among those that run', () => {
  const budgets = createBudgets({ nowMs: () => 0 }, 10)
  const two = { budget: 'a', max: 2 }
  it('are taken together or not at all, and given back', () => {
    const first = budgets.enter([two])
    expect(budgets.enter([two, { budget: 'b', max: 1 }])).toHaveProperty('leave')
    expect(budgets.enter([{ budget: 'b', max: 9 }, two])).toEqual({ full: two })
    // Nothing was taken of the other one.
    expect(budgets.enter([{ budget: 'b', max: 2 }])).toHaveProperty('leave')
    if ('leave' in first) first.leave()
    expect(budgets.enter([two])).toHaveProperty('leave')
  })
})

it('what is left is told, and when all of it is there again', () => {
  let nowMs = 1_000
  const budgets = createBudgets({ nowMs: () => nowMs }, 10)
  const claim = { budget: 'a', amount: 3, max: 10, everyMs: 60_000 }
  expect(budgets.left([claim])).toEqual([{ left: 10, resetMs: 0 }])
  budgets.take([claim])
  nowMs += 10_000
  expect(budgets.left([claim])).toEqual([{ left: 7, resetMs: 50_000 }])
  nowMs += 60_000
  expect(budgets.left([claim])).toEqual([{ left: 10, resetMs: 0 }])
})
