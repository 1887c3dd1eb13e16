// What a pool keeps of one target and role, and who of those that wait comes next.
import { FairQueue } from './fair-queue.ts'
import type { PoolBounds } from './pool.ts'
import { noPermits, type Permits } from './pool-share.ts'
import type { Upstream } from './upstream.ts'

export interface Idle {
  readonly kind: string
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
  /** Since when somebody is passed over for whom a connection would have to be closed. */
  passedMs: number | null
  /** Where other processes have a share. */
  readonly permits: Permits
}

export interface Waiting {
  readonly kind: string
  readonly bounds: PoolBounds
  readonly go: () => void
}

export const newGroup = (): Group => ({
  open: 0,
  idle: [],
  waiting: new FairQueue(),
  granted: 0,
  passedMs: null,
  permits: noPermits(),
})

/**
 * Whoever waits for just what is idle, for a moment before it is closed for `first`, whose turn it is (PoolBounds.sameMsMax).
 * `cap`: connections that may be open; `nowMs`: a clock that only goes forward.
 */
export function sameAgain(group: Group, first: Waiting, cap: number, nowMs: number): Waiting | undefined {
  const fits = ({ kind }: Waiting) => group.idle.some((idle) => idle.kind === kind)
  const passedMs = group.passedMs ?? nowMs
  const isPassed = group.open >= cap && !fits(first) && nowMs - passedMs < first.bounds.sameMsMax
  const same = isPassed ? group.waiting.next(fits) : undefined
  group.passedMs = same === undefined ? null : passedMs
  return same
}
