// Agents that share a limit, as they ask, lend, are cut off and come back: whatever happens in whatever order, together they
// never pass it in any window, and one that is busy may use what the others do not need (DESIGN §4, Limits; THREATS ).
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Budgets, createBudgets } from './budgets.ts'

const everyMs = 10_000
const budget = 'policy\u0000limit\u0000target\u0000initiator\u0000ann\u0000requests'

/** Agents under one clock; what they say to each other takes its time, or is lost. */
function openAgents(count: number, share: number) {
  let nowMs = 1_000_000
  const agents = Array.from({ length: count }, (): Budgets => createBudgets({ nowMs: () => nowMs }))
  const spent: number[] = []
  const answers: { atMs: number; to: number; amount: number; untilMs: number }[] = []
  const deliver = (): void => {
    for (const one of answers.splice(0)) {
      if (one.atMs <= nowMs) agents[one.to]?.borrow(budget, one.amount, one.untilMs)
      else answers.push(one)
    }
  }
  return {
    pass(ms: number): void {
      nowMs += ms
      deliver()
    },
    take(at: number): boolean {
      const isTaken = agents[at]?.take([{ budget, amount: 1, max: share, everyMs, shared: true }]) === null
      if (isTaken) spent.push(nowMs)
      return isTaken
    },
    ask(at: number, lateMs: number, reached: readonly boolean[]): void {
      const untilMs = nowMs + everyMs
      const lent = agents.map((agent, from) =>
        from === at || reached[from] === false
          ? 0
          : agent.lend({ borrower: `agent ${at}`, budget }, { share, everyMs }),
      )
      answers.push({ atMs: nowMs + lateMs, to: at, amount: lent.reduce((sum, one) => sum + one, 0), untilMs })
      deliver()
    },
    cutOff: (at: number) => agents[at]?.cutOff(),
    within: (): number => spent.filter((one) => one > nowMs - everyMs).length,
  }
}

const step = (count: number) => {
  const at = fc.nat(count - 1)
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('spend' as const), at, times: fc.integer({ min: 1, max: 12 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('ask' as const),
        at,
        lateMs: fc.constantFrom(0, 5, 1_900, 9_000),
        reached: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 8_000 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at }) },
  )
}

const stories = fc
  .record({ count: fc.integer({ min: 2, max: 4 }), share: fc.integer({ min: 1, max: 12 }) })
  .chain(({ count, share }) =>
    fc.record({
      count: fc.constant(count),
      share: fc.constant(share),
      steps: fc.array(step(count), { maxLength: 80 }),
    }),
  )

describe('a limit that agents share', () => {
  it('is never passed by all of them together', () => {
    fc.assert(
      fc.property(stories, ({ count, share, steps }) => {
        const agents = openAgents(count, share)
        for (const one of steps) {
          if (one.kind === 'spend') for (let turn = 0; turn < one.times; turn++) agents.take(one.at)
          else if (one.kind === 'ask') agents.ask(one.at, one.lateMs, one.reached)
          else if (one.kind === 'pass') agents.pass(one.ms)
          else agents.cutOff(one.at)
          if (agents.within() > count * share) return false
        }
        return true
      }),
      { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 20_000 : 1_000 },
    )
  })

  it('lets one that is busy use what the others do not need, and keeps a part of theirs for them', () => {
    const agents = openAgents(4, 100)
    const takeAll = (at: number): number => {
      let taken = 0
      while (agents.take(at)) taken += 1
      return taken
    }
    expect(takeAll(0)).toBe(100)
    agents.ask(0, 0, [true, true, true, true])
    expect(takeAll(0)).toBe(225)
    expect([takeAll(1), takeAll(2), takeAll(3)]).toEqual([25, 25, 25])
    // Asked again while it is lent, it stays lent; what is cut off has its own share alone.
    agents.pass(everyMs)
    agents.ask(0, 0, [true, true, true, true])
    expect(takeAll(0)).toBe(325)
    agents.pass(everyMs)
    agents.cutOff(0)
    expect(takeAll(0)).toBe(100)
  })

  it('gives back what was lent only when nothing that was spent of it counts any more', () => {
    const agents = openAgents(2, 8)
    const takeAll = (at: number): number => {
      let taken = 0
      while (agents.take(at)) taken += 1
      return taken
    }
    agents.ask(0, 0, [true, true])
    agents.pass(everyMs - 1)
    expect(takeAll(0)).toBe(14)
    agents.pass(everyMs)
    expect(takeAll(1)).toBe(2)
    agents.pass(1)
    expect(takeAll(1)).toBe(6)
  })

  it('counts an answer that comes too late for nobody', () => {
    const agents = openAgents(2, 8)
    agents.ask(0, everyMs + 1, [true, true])
    agents.pass(everyMs + 1)
    for (let turn = 0; turn < 8; turn++) expect(agents.take(0)).toBe(true)
    expect(agents.take(0)).toBe(false)
  })
})
