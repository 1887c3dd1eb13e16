// Connections that are handed on again and again, by a clock that is counted: each caller gets about as much as its turns are worth,
// and few connections are opened for it.
import { expect, it } from 'vitest'
import { newGroup, sameAgain, type Waiting } from './pool-group.ts'

const bounds = { connectionsMax: 20, idleMax: 20, idleMsMax: 60_000, warmMin: 0, waitMsMax: 10_000, sameMsMax: 50 }
const openMs = 10

/** Everybody asks again as soon as they were served; the first one had all connections when the others came. */
function play(callers: Readonly<Record<string, number>>, { turnMs, totalMs }: { turnMs: number; totalMs: number }) {
  const names = Object.keys(callers)
  const served = new Map(names.map((name) => [name, 0]))
  const lastMs = new Map(names.map((name) => [name, 0]))
  const group = { ...newGroup(), open: bounds.connectionsMax }
  const wait = (kind: string): void => group.waiting.add(kind, { kind, bounds, go: () => {} })
  for (const name of names) for (let at = 0; at < (callers[name] ?? 0); at++) wait(name)
  const busy = Array.from({ length: bounds.connectionsMax }, (_, at) => ({
    kind: names[0] ?? '',
    untilMs: (at * turnMs) / bounds.connectionsMax,
  }))
  let opened = 0
  let longestMs = 0
  for (;;) {
    const free = busy.reduce((one, other) => (other.untilMs < one.untilMs ? other : one))
    const nowMs = free.untilMs
    const { first } = group.waiting
    if (nowMs >= totalMs || first === undefined) return { served, opened, longestMs }
    const turn: Waiting = sameAgain({ ...group, idle: [free] }, first, bounds.connectionsMax, nowMs) ?? first
    if (turn === first) group.waiting.next()
    const isOpened = turn.kind !== free.kind
    opened += isOpened ? 1 : 0
    free.kind = turn.kind
    free.untilMs = nowMs + turnMs + (isOpened ? openMs : 0)
    longestMs = Math.max(longestMs, nowMs - (lastMs.get(turn.kind) ?? 0))
    lastMs.set(turn.kind, nowMs)
    served.set(turn.kind, (served.get(turn.kind) ?? 0) + 1)
    wait(turn.kind)
  }
}

it.each([5, 20])('of two who want more than there is the second gets as much as the first (%i ms a turn)', (turnMs) => {
  const { served, opened } = play({ ann: 30, bob: 30 }, { turnMs, totalMs: 10_000 })
  const [ann = 0, bob = 0] = served.values()
  expect(bob / (ann + bob)).toBeGreaterThan(0.4)
  // Two kinds, each of which gives one away in 50 ms at most.
  expect(opened).toBeLessThan(500)
})

it('one who wants much leaves a hundred who want little their turns', () => {
  const others = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`other ${at}`, 1]))
  const { served, longestMs } = play({ ann: 30, ...others }, { turnMs: 20, totalMs: 10_000 })
  const [ann = 0, ...rest] = served.values()
  expect(Math.min(...rest)).toBeGreaterThan(40)
  expect(rest.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(8 * ann)
  expect(longestMs).toBeLessThan(2_000)
})
