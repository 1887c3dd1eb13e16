// What is counted over all workers, as one of them sees it: each look and each spending is a question to the primary.
import type { Clock } from '@sallyport/base/clock'
import type { RequestBudgets } from '../limits/budgets.ts'
import type { Admission } from '../listen/admission.ts'
import type { HttpCallers } from '../listen/http-shares.ts'
import { createMemoryGuard } from '../listen/memory.ts'
import type { Callers } from '../session/callers.ts'
import type { Asking } from './asking.ts'
import { errorSaid } from './messages.ts'

export interface Counting {
  readonly asking: Asking
  /** What this worker enters has a number of its own. */
  readonly places: { last: number }
  readonly clock: Clock
}

export const openCounting = (asking: Asking, clock: Clock): Counting => ({ asking, places: { last: 0 }, clock })

const next = ({ places }: Counting): number => {
  places.last += 1
  return places.last
}

/** Nothing is asked about where no limit is. */
export function countedBudgets(counting: Counting): RequestBudgets {
  const { ask, tell } = counting.asking
  return {
    take: (claims) => (claims.length === 0 ? null : ask({ kind: 'take', claims })),
    look: (claims) => (claims.length === 0 ? null : ask({ kind: 'look', claims })),
    left: (claims) => (claims.length === 0 ? [] : ask({ kind: 'left', claims })),
    owe(claims) {
      if (claims.length > 0) tell({ kind: 'owe', claims })
    },
    enter(places) {
      if (places.length === 0) return { leave: () => {} }
      const place = next(counting)
      const full = ask({ kind: 'enterPlaces', place, places })
      return full === null ? { leave: () => tell({ kind: 'leave', place }) } : { full }
    },
  }
}

/** This process' heap has a bound of its own; resident memory counts for all together. */
export function countedAdmission(counting: Counting, kind: 'enterDoor' | 'enterHttpDoor'): Admission {
  const { asking, clock } = counting
  const heap = createMemoryGuard(() => clock.nowMs(), Number.POSITIVE_INFINITY)
  return {
    enter(address) {
      if (heap.isFull) return 'the agent has no memory for another connection'
      const place = next(counting)
      const full = asking.ask({ kind, place, address, residentBytes: process.memoryUsage.rss() })
      if (full !== null) return full
      let isWaiting = true
      return {
        authenticated() {
          if (isWaiting) asking.tell({ kind: 'authenticated', place })
          isWaiting = false
        },
        refused: () => asking.ask({ kind: 'refusedLogin', place }),
        leave: () => asking.tell({ kind: 'leave', place }),
      }
    },
  }
}

/** `what`: absent for connections to databases. */
export function countedCallers(counting: Counting, what?: Exclude<keyof HttpCallers, 'requests'>): Callers {
  const { ask, tell } = counting.asking
  return {
    enter({ issuer, subject }) {
      const place = next(counting)
      const who = { place, issuer, subject }
      const full =
        what === undefined ? ask({ kind: 'enterCaller', ...who }) : ask({ kind: 'enterHttpCaller', what, ...who })
      if (full !== null) throw errorSaid(full)
      let isIn = true
      return () => {
        if (isIn) tell({ kind: 'leave', place })
        isIn = false
      }
    },
  }
}
