// Pools of several workers that share the connections of one target, with what the primary tells them on its way for a while: in
// whatever order it all happens, together they never have more open than the target may have, and whoever waits is served.
import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createPool, type Lease, type Pool } from '../postgres/pool.ts'
import type { PoolShare, ShareNews } from '../postgres/pool-share.ts'
import { createPermits, type PermitHolder } from './permits.ts'

const group = 'shop app'

/** Whoever still waits when a test is over, as at a worker that has ended, waits no longer. */
let over = new AbortController()
afterEach(() => {
  over.abort()
  over = new AbortController()
})

class FakeSocket extends EventEmitter {
  isOpen = true
  readonly onDestroyed: () => void
  constructor(onDestroyed: () => void) {
    super()
    this.onDestroyed = onDestroyed
  }
  pause() {}
  resume() {}
  destroy() {
    if (this.isOpen) this.onDestroyed()
    this.isOpen = false
  }
}

interface Worker {
  readonly pool: Pool
  readonly holder: PermitHolder
  /** On its way. */
  readonly news: ShareNews[]
  readonly share: PoolShare
  readonly leases: Lease[]
  readonly count: { open: number }
  isGone: boolean
}

function openWorkers(workers: number, connectionsMax: number) {
  const turns: (() => void)[] = []
  const permits = createPermits((_ms, run) => {
    turns.push(run)
    return () => void turns.splice(turns.indexOf(run), 1)
  })
  const waiting = new Set<Promise<unknown>>()
  const start = (place: number): Worker => {
    const news: ShareNews[] = []
    const count = { open: 0 }
    const holder = permits.enter((one) => news.push(one))
    const share: PoolShare = { ...holder, onNews: () => {}, partOf: (all) => Math.floor((all + place) / workers) }
    return { pool: createPool(() => 0, share), holder, news, share, leases: [], count, isGone: false }
  }
  const all = Array.from({ length: workers }, (_, place) => start(place))
  const bounds = {
    connectionsMax,
    idleMax: connectionsMax,
    idleMsMax: 60_000,
    warmMin: 1,
    waitMsMax: 60_000,
    sameMsMax: 0,
  }
  const take = (worker: Worker, caller: string): void => {
    const { signal } = over
    const taking = worker.pool
      .take({
        ...{ group, kind: caller, caller, bounds },
        signal,
        connect: async (): Promise<any> => {
          worker.count.open += 1
          const socket = new FakeSocket(() => {
            worker.count.open -= 1
          })
          return { socket, leftover: Buffer.alloc(0) }
        },
      })
      .then(
        (lease) => {
          worker.leases.push(lease)
          waiting.delete(taking)
        },
        (error) => {
          if (!signal.aborted) throw error
        },
      )
    waiting.add(taking)
  }
  return {
    all,
    take,
    waiting,
    open: () => all.reduce((sum, { count, isGone }) => sum + (isGone ? 0 : count.open), 0),
    release(worker: Worker, isClean: boolean) {
      const lease = worker.leases.shift()
      if (lease === undefined) return
      if (!isClean) lease.upstream.socket.destroy()
      lease.release(isClean, () => true)
    },
    deliver(worker: Worker) {
      const one = worker.news.shift()
      if (one !== undefined) worker.share.onNews(one)
    },
    turn: () => turns.shift()?.(),
    end(worker: Worker) {
      worker.isGone = true
      worker.holder.leave()
    },
    /** As many as are free now. */
    free(): number {
      const asking = permits.enter(() => {})
      let found = 0
      while (found <= connectionsMax && asking.more(group, connectionsMax)) found += 1
      asking.leave()
      return found
    },
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate)
}

const step = fc.record({
  what: fc.constantFrom('take', 'take', 'take', 'release', 'release', 'break', 'deliver', 'deliver', 'deliver', 'turn'),
  at: fc.nat(2),
  caller: fc.constantFrom('ann', 'bob'),
})

describe('connections of one target, shared by workers', () => {
  it('are never more than it may have, everybody who waits is served, and none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 60 }),
        fc.boolean(),
        async (connectionsMax, steps, ends) => {
          const workers = openWorkers(3, connectionsMax)
          const check = () => expect(workers.open()).toBeLessThanOrEqual(connectionsMax)
          for (const { what, at, caller } of steps) {
            const worker = workers.all[at]!
            if (what === 'take') workers.take(worker, caller)
            else if (what === 'release' || what === 'break') workers.release(worker, what === 'release')
            else if (what === 'deliver') workers.deliver(worker)
            else workers.turn()
            if (steps.length % 3 === 0) await settled()
            check()
          }
          await settled()
          const [first, ...others] = workers.all
          if (ends && first !== undefined) workers.end(first)
          const left = ends ? others : workers.all
          const isServed = () => left.every(({ pool }) => pool !== undefined) && workers.waiting.size === 0
          for (let round = 0; round < 400 && !isServed(); round++) {
            for (const worker of left) {
              workers.deliver(worker)
              workers.release(worker, round % 3 > 0)
            }
            workers.turn()
            await settled()
            check()
            if (ends && left.every(({ leases, news }) => leases.length === 0 && news.length === 0) && round > 100) break
          }
          if (!ends) expect(workers.waiting.size).toBe(0)
          for (const worker of left) {
            while (worker.leases.length > 0) workers.release(worker, true)
            worker.pool.close()
            while (worker.news.length > 0) workers.deliver(worker)
          }
          await settled()
          expect(workers.free()).toBe(connectionsMax)
        },
      ),
      { numRuns: 200 },
    )
  }, 60_000)

  it('that are idle at one worker are there for whoever waits at another', async () => {
    const { all, take, release, deliver, open } = openWorkers(2, 3)
    const [one, other] = all
    for (let count = 0; count < 3; count++) take(one!, 'ann')
    await settled()
    for (let count = 0; count < 3; count++) release(one!, true)
    for (let count = 0; count < 3; count++) take(other!, 'bob')
    for (let round = 0; round < 20; round++) {
      for (const worker of all) deliver(worker)
      await settled()
    }
    expect(other!.leases).toHaveLength(3)
    expect(open()).toBe(3)
  })

  it('go to who has less than its part, though the other worker has callers of its own that wait', async () => {
    const { all, take, release, deliver } = openWorkers(2, 4)
    const [one, other] = all
    for (let count = 0; count < 12; count++) take(one!, 'ann')
    await settled()
    for (let count = 0; count < 3; count++) take(other!, 'bob')
    for (let round = 0; round < 6; round++) {
      for (const worker of all) while (worker.news.length > 0) deliver(worker)
      if (other!.leases.length < 2) release(one!, true)
      await settled()
    }
    expect(other!.leases).toHaveLength(2)
    expect(one!.leases).toHaveLength(2)
  })

  it('go from hand to hand where there are fewer than workers', async () => {
    const { all, take, release, deliver, turn } = openWorkers(2, 1)
    const [one, other] = all
    for (let count = 0; count < 9; count++) take(one!, 'ann')
    take(other!, 'bob')
    await settled()
    release(one!, true)
    await settled()
    expect(other!.leases).toHaveLength(0)
    turn()
    for (let round = 0; round < 4; round++) {
      for (const worker of all) while (worker.news.length > 0) deliver(worker)
      if (other!.leases.length === 0) release(one!, true)
      await settled()
    }
    expect(other!.leases).toHaveLength(1)
  })

  it('are owed to nobody who does not wait any more', async () => {
    const { all, take, release, deliver, end } = openWorkers(2, 4)
    const [one, other] = all
    const deliverAll = async () => {
      for (let round = 0; round < 8; round++) {
        for (const worker of all) while (worker.news.length > 0) deliver(worker)
        await settled()
      }
    }
    for (let count = 0; count < 3; count++) take(one!, 'ann')
    await settled()
    release(one!, true)
    for (let count = 0; count < 2; count++) take(other!, 'bob')
    await deliverAll()
    expect([one!.leases.length, other!.leases.length]).toEqual([2, 2])
    end(other!)
    for (let count = 0; count < 2; count++) take(one!, 'ann')
    await deliverAll()
    expect(one!.leases).toHaveLength(4)
  })
})
