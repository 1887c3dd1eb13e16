// The live stream against a fake one: what is asked again, how it comes back, and what the pill says.
import type { QueryKey } from '@tanstack/react-query'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  gatherMs,
  keysOf,
  type Live,
  retryMs,
  retryMsMax,
  type StreamEvents,
  sessionListMs,
  startLive,
} from './live.ts'

let streams: { events: StreamEvents; closed: boolean }[]
let timers: { atMs: number; run: () => void }[]
let nowMs: number
let asked: string[]
let askedAll: number
let live: Live

function advance(ms: number) {
  nowMs += ms
  const due = timers.filter((timer) => timer.atMs <= nowMs)
  timers = timers.filter((timer) => timer.atMs > nowMs)
  for (const timer of due) timer.run()
}
const last = () => streams.at(-1)!.events
const change = (kind: string, id: string) => last().change(JSON.stringify({ kind, id, at: '2026-11-24T10:00:00Z' }))

beforeEach(() => {
  streams = []
  timers = []
  nowMs = 0
  asked = []
  askedAll = 0
  live = startLive({
    open: (events) => {
      const stream = { events, closed: false }
      streams.push(stream)
      return { close: () => (stream.closed = true) }
    },
    after: (ms, run) => {
      const timer = { atMs: nowMs + ms, run }
      timers.push(timer)
      return () => (timers = timers.filter((each) => each !== timer))
    },
    random: () => 1,
    nowMs: () => nowMs,
    ask: (keys: readonly QueryKey[]) => asked.push(...keys.map((key) => key.join('/'))),
    askAll: () => (askedAll += 1),
  })
})

describe('the live stream', () => {
  it('is live after the hello, and asks for nothing then', () => {
    expect(live.connection.get()).toBe('connecting')
    last().hello()
    expect(live.connection.get()).toBe('live')
    expect(askedAll).toBe(0)
  })

  it('asks for what an approval changes, once for many events', () => {
    last().hello()
    change('approval', 'apr_1')
    change('approval', 'apr_1')
    advance(gatherMs - 1)
    expect(asked).toEqual([])
    advance(1)
    expect(asked.toSorted()).toEqual(['approval/apr_1', 'approvals', 'audit', 'me/requests', 'overview'])
  })

  it('does not let later events put the first one off', () => {
    last().hello()
    change('approval', 'apr_1')
    advance(gatherMs - 1)
    change('approval', 'apr_2')
    advance(1)
    expect(asked).toContain('approval/apr_1')
  })

  it('asks for the list of sessions at most once in its time, and for approvals at once meanwhile', () => {
    last().hello()
    change('session', 'ses_1')
    advance(gatherMs)
    asked = []
    change('session', 'ses_2')
    advance(gatherMs)
    expect(asked).toEqual([])
    change('approval', 'apr_1')
    advance(gatherMs)
    expect(asked).toContain('approvals')
    asked = []
    change('session', 'ses_3')
    advance(sessionListMs)
    expect(asked).toContain('sessions')
  })

  it('comes back after a pause that grows, and then asks for everything', () => {
    last().hello()
    last().lost()
    expect(live.connection.get()).toBe('reconnecting')
    expect(streams[0]?.closed).toBe(true)
    advance(retryMs(0, 1) - 1)
    expect(streams).toHaveLength(1)
    advance(1)
    expect(streams).toHaveLength(2)
    last().hello()
    expect(live.connection.get()).toBe('live')
    expect(askedAll).toBe(1)
  })

  it('says offline when it does not come back, and asks who is signed in', () => {
    last().hello()
    for (let attempt = 0; attempt < 5; attempt += 1) {
      last().lost()
      advance(retryMsMax)
    }
    expect(live.connection.get()).toBe('offline')
    expect(asked).toContain('me')
  })

  it('takes no second loss from a stream that was already given up', () => {
    const first = last()
    first.lost()
    advance(retryMsMax)
    first.lost()
    expect(streams[1]?.closed).toBe(false)
  })

  it('is silent after its end', () => {
    last().hello()
    change('approval', 'apr_1')
    live.stop()
    last().lost()
    advance(retryMsMax)
    expect(asked).toEqual([])
    expect(streams).toHaveLength(1)
  })

  it('passes over events that it does not understand', () => {
    last().hello()
    last().change('{')
    last().change('{"kind":"weather"}')
    advance(gatherMs)
    expect(asked).toEqual([])
  })

  it('never waits longer than the longest pause, and never less than half of it', () => {
    for (const failures of [0, 1, 5, 50, 5_000]) {
      expect(retryMs(failures, 1)).toBeLessThanOrEqual(retryMsMax)
      expect(retryMs(failures, 0)).toBeGreaterThanOrEqual(retryMs(failures, 1) / 2)
    }
  })

  it.each(['approval', 'grant', 'session', 'agent', 'resource', 'webhook'] as const)(
    'knows what a %s makes stale',
    (kind) => {
      expect(keysOf({ kind, id: 'x', at: '2026-11-24T10:00:00Z' }).length).toBeGreaterThan(0)
    },
  )
})
