// Workers that are lent places of callers: in whatever order requests begin and end, news arrive and workers go, one caller never has more
// under way than it may; and with all news delivered it has as many, to the unit.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Caller, callerBlocks, lentCallers } from './caller-blocks.ts'

const runs = process.env['SALLYPORT_TEST'] === 'full' ? 20_000 : 1_000

const callers: readonly Caller[] = ['ann', 'bob'].map((subject) => ({ issuer: 'https://idp.test', subject }))

interface Worker {
  readonly callers: ReturnType<typeof lentCallers>
  readonly leave: () => void
  /** On its way. */
  readonly news: Caller[]
  /** How each request ends, by caller. */
  readonly open: (() => void)[][]
}

function openWorkers(count: number, { max, block, isAtOnce }: { max: number; block: number; isAtOnce: boolean }) {
  const primary = callerBlocks(max, block)
  const asked = { times: 0 }
  const start = (): Worker => {
    const news: Caller[] = []
    const holder = primary.enter((caller) => void (isAtOnce ? worker.callers.recalled(caller) : news.push(caller)))
    const lender = {
      ...holder,
      lend: (caller: Caller) => {
        asked.times += 1
        return holder.lend(caller)
      },
    }
    const worker: Worker = {
      callers: lentCallers(lender, { max, block, idleMax: 1, what: 'requests' }),
      leave: holder.leave,
      news,
      open: callers.map(() => []),
    }
    return worker
  }
  const all = Array.from({ length: count }, start)
  return {
    all,
    asked,
    used: (who: number): number => all.reduce((sum, { open }) => sum + (open[who]?.length ?? 0), 0),
    enter(at: number, who: number): boolean {
      const worker = all[at % all.length]!
      try {
        worker.open[who]!.push(worker.callers.enter(callers[who]!))
        return true
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'CONNECTION_LIMIT' })
        return false
      }
    },
    end: (at: number, who: number): void => all[at % all.length]!.open[who]!.shift()?.(),
    deliver(at: number): void {
      const worker = all[at % all.length]!
      const caller = worker.news.shift()
      if (caller !== undefined) worker.callers.recalled(caller)
    },
    /** It ends as a process does: whatever it had is gone, and another begins in its place. */
    crash(at: number): void {
      all[at % all.length]!.leave()
      all[at % all.length] = start()
    },
  }
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom('enter', 'enter', 'enter', 'end', 'end', 'deliver', 'crash'),
    at: fc.nat(3),
    who: fc.nat(1),
  }),
  { maxLength: 120 },
)
const shapes = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  max: fc.integer({ min: 1, max: 40 }),
  block: fc.integer({ min: 1, max: 8 }),
  isAtOnce: fc.boolean(),
})

test('a caller never has more under way than it may, and is refused by nobody before', () => {
  fc.assert(
    fc.property(shapes, steps, ({ workers, ...shape }, taken) => {
      const agent = openWorkers(workers, shape)
      for (const { what, at, who } of taken) {
        const before = agent.used(who)
        if (what === 'end') agent.end(at, who)
        else if (what === 'deliver') agent.deliver(at)
        else if (what === 'crash') agent.crash(at)
        else if (!agent.enter(at, who) && shape.isAtOnce) expect(before).toBe(shape.max)
        expect(agent.used(who)).toBeLessThanOrEqual(shape.max)
      }
      // Nothing is lost: once all have ended and all news have come, each may have as many as ever.
      for (let at = 0; at < workers; at++)
        for (const who of [0, 1]) {
          while ((agent.all[at]?.open[who]?.length ?? 0) > 0) agent.end(at, who)
          while ((agent.all[at]?.news.length ?? 0) > 0) agent.deliver(at)
        }
      for (let begun = 0; begun < shape.max; begun++) {
        for (let at = 0; at < workers; at++) while ((agent.all[at]?.news.length ?? 0) > 0) agent.deliver(at)
        if (!agent.enter(begun, 0)) {
          // The recall was told with this question.
          for (let at = 0; at < workers; at++) while ((agent.all[at]?.news.length ?? 0) > 0) agent.deliver(at)
          expect(agent.enter(begun, 0)).toBe(true)
        }
      }
      expect(agent.enter(0, 0)).toBe(false)
    }),
    { numRuns: runs },
  )
})

test('a worker asks once for a block, and for each alone past half of all', () => {
  const agent = openWorkers(1, { max: 40, block: 8, isAtOnce: true })
  for (let request = 0; request < 100; request++) {
    agent.enter(0, 0)
    agent.end(0, 0)
  }
  expect(agent.asked.times).toBe(1)
  for (let request = 0; request < 41; request++) agent.enter(0, 0)
  // Blocks of 8 as far as 16 — a third is past half — then one by one, the last of which is refused.
  expect(agent.asked.times).toBe(2 + 24 + 1)
})
