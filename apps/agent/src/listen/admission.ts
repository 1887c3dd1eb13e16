// How many connections there may be (THREATS ): in all, before authentication, and before authentication from one address.
// It counts and says why not; who is refused, and how, is the listener's.
import type { ListenerBounds } from './deps.ts'
import type { MemoryGuard } from './memory.ts'

/** A connection that counts. */
export interface Entered {
  /** It has logged in, or is gone. */
  authenticated(): void
  /** Nothing serves it any more. Once. */
  leave(): void
}

export interface Admission {
  /** Counts one more, or says why there is no room for it. */
  enter(address: string): Entered | string
}

type Caps = Pick<ListenerBounds, 'connectionsMax' | 'preAuthConnectionsMax' | 'preAuthPerAddressMax'>

export function createAdmission(caps: Caps, memory: MemoryGuard): Admission {
  let served = 0
  let waiting = 0
  const byAddress = new Map<string, number>()
  return {
    enter(address) {
      if (served >= caps.connectionsMax || waiting >= caps.preAuthConnectionsMax)
        return 'the agent has as many connections as it admits'
      const here = byAddress.get(address) ?? 0
      if (here >= caps.preAuthPerAddressMax) return 'too many connections from this address have not logged in yet'
      if (memory.isFull) return 'the agent has no memory for another connection'
      served += 1
      waiting += 1
      byAddress.set(address, here + 1)
      let isWaiting = true
      const authenticated = (): void => {
        if (!isWaiting) return
        isWaiting = false
        waiting -= 1
        const left = (byAddress.get(address) ?? 0) - 1
        if (left > 0) byAddress.set(address, left)
        else byAddress.delete(address)
      }
      return {
        authenticated,
        leave() {
          authenticated()
          served -= 1
        },
      }
    },
  }
}
