// What several processes of one agent have of the same connections: each may have open as many as it has permits for, and
// whoever shares out the permits keeps their sum within the bounds of the target. It opens and closes nothing itself.
import { limits } from '@sallyport/base/limits'

/** The way to whoever shares them out. */
export interface PoolShare {
  /** One permit more, if one is free. */
  more(group: string, max: number): boolean
  /** So many are not needed here any more. */
  give(group: string, count: number): void
  /** Somebody waits here; false: as many wait as may. */
  wait(group: string, caller: string, max: number): boolean
  /** That has ended. */
  waited(group: string, caller: string): void
  /** Set by the pool. */
  onNews: (news: ShareNews) => void
  /** This process' part of a number that is meant for all of them; the parts add up to it. */
  partOf(count: number): number
}

/** What whoever shares them out says by itself. */
export type ShareNews =
  /** A permit came free for somebody who waits here. */
  | { readonly kind: 'granted'; readonly group: string }
  /** Others have less than their part: so many of the next ones that come free are to be given. Each one replaces the one before. */
  | { readonly kind: 'owed'; readonly group: string; readonly count: number }
  /** Others wait: one that is idle is to be given, and from now on those that would become idle. */
  | { readonly kind: 'wanted'; readonly group: string; readonly isWanted: boolean }

/** Of one group in one process. */
export interface Permits {
  count: number
  /** To be given as soon as they come free. */
  owed: number
  isWanted: boolean
}
export const noPermits = (): Permits => ({ count: 0, owed: 0, isWanted: false })

/** What a pool counts of one group. */
interface Counted {
  readonly open: number
  readonly idle: { readonly length: number }
  readonly waiting: { readonly length: number }
  readonly granted: number
  readonly permits: Permits
}

/** Permits that stand for no connection, and that nobody is about to open one with. */
const spareOf = ({ permits, open, granted, idle }: Counted): number =>
  permits.count - open - Math.max(0, granted - idle.length)

export function hear(permits: Permits, news: ShareNews): void {
  if (news.kind === 'granted') permits.count += 1
  else if (news.kind === 'owed') permits.owed = news.count
  else permits.isWanted = news.isWanted
}

/** Before anybody here is served. */
export function payBack(share: PoolShare, name: string, group: Counted, closeOldest: () => void): void {
  const { permits, idle } = group
  permits.owed = Math.min(permits.owed, permits.count)
  while (permits.owed > 0) {
    if (spareOf(group) <= 0 && idle.length > group.granted) closeOldest()
    if (spareOf(group) <= 0) return
    permits.owed -= 1
    permits.count -= 1
    share.give(name, 1)
  }
}

/** Once everybody here is. */
export function giveSpare(share: PoolShare, name: string, group: Counted, closeOldest: () => void): void {
  const { permits, idle } = group
  if (group.waiting.length > 0) return
  if (permits.isWanted && idle.length > group.granted) closeOldest()
  const spare = Math.min(spareOf(group), permits.count)
  if (spare <= 0) return
  permits.count -= spare
  share.give(name, spare)
}

/** All of it is this process', where nobody shares. */
export const idleMaxOf = (share: PoolShare | null, idleMax: number): number =>
  share === null ? idleMax : share.partOf(idleMax)
export const idleMaxOfAll = (share: PoolShare | null): number => idleMaxOf(share, limits.pooledIdleMax)
