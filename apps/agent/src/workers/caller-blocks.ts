// Places of callers of which there are so many over all workers, lent in blocks: a request asks nobody while its worker has one left.
// INVARIANT: together workers have never more places than there are, so that none is taken that there is not.
// Past half of them each place is asked for alone, and what workers have to spare of that caller is asked back: long before none is left.
import { type Callers, callerFull } from '../session/callers.ts'

export type Caller = Parameters<Callers['enter']>[0]

const keyOf = ({ issuer, subject }: Caller): string => `${issuer}\u0000${subject}`

/** The primary's side, as one worker asks it. */
export interface BlockHolder {
  /** How many more the worker has: a block, one, or none. */
  lend(caller: Caller): number
  back(caller: Caller, count: number): void
  /** The worker is gone. */
  leave(): void
}

export interface CallerBlocks {
  /** `recall`: what the worker has to spare of this caller goes back. */
  enter(recall: (caller: Caller) => void): BlockHolder
}

interface Lent {
  total: number
  readonly by: Map<object, number>
  isShort: boolean
}

export function callerBlocks(max: number, block: number): CallerBlocks {
  const all = new Map<string, Lent>()
  const holders = new Map<object, (caller: Caller) => void>()
  const change = (holder: object, key: string, lent: Lent, count: number): void => {
    lent.total += count
    const has = (lent.by.get(holder) ?? 0) + count
    if (has > 0) lent.by.set(holder, has)
    else lent.by.delete(holder)
    if (lent.by.size === 0) all.delete(key)
    else all.set(key, lent)
  }
  return {
    enter(recall) {
      const holder = {}
      holders.set(holder, recall)
      return {
        lend(caller) {
          const key = keyOf(caller)
          const lent = all.get(key) ?? { total: 0, by: new Map(), isShort: false }
          const isShort = 2 * (lent.total + block) > max
          if (isShort && !lent.isShort)
            for (const other of [...lent.by.keys()]) if (other !== holder) holders.get(other)?.(caller)
          lent.isShort = isShort
          const count = isShort ? Math.min(1, max - lent.total) : block
          if (count > 0) change(holder, key, lent, count)
          return count
        },
        back(caller, count) {
          const lent = all.get(keyOf(caller))
          if (lent !== undefined) change(holder, keyOf(caller), lent, -Math.min(count, lent.by.get(holder) ?? 0))
        },
        leave() {
          holders.delete(holder)
          for (const [key, lent] of [...all]) change(holder, key, lent, -(lent.by.get(holder) ?? 0))
        },
      }
    },
  }
}

interface Places {
  readonly caller: Caller
  used: number
  lent: number
  /** There are few left: nothing is kept to spare. */
  isShort: boolean
}

export interface LentCallersOptions {
  /** Of one caller, over all workers. */
  readonly max: number
  readonly block: number
  /** Callers without a request of whom places are kept; of those past it the oldest goes. */
  readonly idleMax: number
  readonly what: Parameters<typeof callerFull>[1]
}

/** A worker's side. */
export function lentCallers(
  primary: Omit<BlockHolder, 'leave'>,
  { max, block, idleMax, what }: LentCallersOptions,
): Callers & { recalled(caller: Caller): void } {
  const all = new Map<string, Places>()
  // In the order in which they became idle.
  const idle = new Map<string, Places>()
  const giveBack = (key: string, places: Places, count: number): void => {
    places.lent -= count
    if (count > 0) primary.back(places.caller, count)
    if (places.lent > 0) return
    all.delete(key)
    idle.delete(key)
  }
  /** What it has to spare beyond a block. */
  const settle = (key: string, places: Places): void => {
    const spare = places.lent - places.used - (places.isShort ? 0 : block)
    if (spare >= (places.isShort ? 1 : block)) giveBack(key, places, spare)
    if (places.used > 0 || places.lent === 0) return
    idle.set(key, places)
    for (const [oldest, one] of idle) {
      if (idle.size <= idleMax) break
      giveBack(oldest, one, one.lent)
    }
  }
  return {
    enter({ issuer, subject }) {
      const key = keyOf({ issuer, subject })
      const places = all.get(key) ?? { caller: { issuer, subject }, used: 0, lent: 0, isShort: false }
      if (places.used >= places.lent) {
        const count = primary.lend(places.caller)
        if (count === 0) throw callerFull(max, what)
        places.lent += count
        places.isShort = count === 1
        all.set(key, places)
      }
      places.used += 1
      idle.delete(key)
      let isIn = true
      return () => {
        if (!isIn) return
        isIn = false
        places.used -= 1
        settle(key, places)
      }
    },
    recalled(caller) {
      const key = keyOf(caller)
      const places = all.get(key)
      if (places === undefined) return
      places.isShort = true
      settle(key, places)
    },
  }
}
