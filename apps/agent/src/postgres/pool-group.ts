// What a pool keeps of one target and role, and who of those that wait comes next.
import { FairQueue } from './fair-queue.ts'
import type { PoolBounds } from './pool.ts'
import { noPermits, type Permits } from './pool-share.ts'
import type { Upstream } from './upstream.ts'

interface Kind {
  readonly kind: string
}

export interface Idle extends Kind {
  readonly upstream: Upstream
  /** Stops watching it. */
  readonly letGo: () => void
}

export interface Group {
  /** In use, being reset, being opened, and idle. */
  open: number
  readonly idle: Idle[]
  readonly waiting: FairQueue<Waiting>
  /** Sessions that have waited and may go on now; what they will take is nobody else's. */
  granted: number
  /** By kind, since when its connections serve their own out of turn, past somebody for whom one would have to be closed. */
  readonly passed: Map<string, number>
  /** Where other processes have a share. */
  readonly permits: Permits
}

export interface Waiting extends Kind {
  readonly bounds: PoolBounds
  readonly go: () => void
}

export const newGroup = (): Group => ({
  open: 0,
  idle: [],
  waiting: new FairQueue(),
  granted: 0,
  passed: new Map(),
  permits: noPermits(),
})

/**
 * Whoever waits for just what is idle, for a moment before it is closed for `first`, whose turn it is (PoolBounds.sameMsMax). The
 * moment is a kind's, and over only once one of its connections is closed for another one: whoever has most of them does not keep them by
 * being served.
 * `cap`: connections that may be open; `nowMs`: a clock that only goes forward.
 */
export function sameAgain(
  { open, idle, waiting, passed }: Pick<Group, 'open' | 'waiting' | 'passed'> & { readonly idle: readonly Kind[] },
  first: Waiting,
  cap: number,
  nowMs: number,
): Waiting | undefined {
  const fits = ({ kind }: Kind) => idle.some((one) => one.kind === kind)
  const { sameMsMax } = first.bounds
  if (sameMsMax === 0 || open < cap || fits(first)) return undefined
  const same = waiting.next((one) => fits(one) && nowMs - (passed.get(one.kind) ?? nowMs) < sameMsMax)
  if (same === undefined) for (const { kind } of idle) passed.delete(kind)
  else if (!passed.has(same.kind)) {
    // Kinds whose connections went otherwise are forgotten with the others: there are no more of them than connections.
    if (passed.size >= cap) passed.clear()
    passed.set(same.kind, nowMs)
  }
  return same
}
