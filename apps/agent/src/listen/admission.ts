// How many connections there may be (THREATS ): in all, before authentication, and before authentication from one address;
// and how long refused logins of one address wait, so that trying is slow. It counts and says why not; who is refused, and how, is
// the listener's.
import { isIPv6 } from 'node:net'
import { limits } from '@sallyport/base/limits'
import type { ListenerBounds } from './deps.ts'
import type { MemoryGuard } from './memory.ts'

/** A connection that counts. */
export interface Entered {
  /** It has logged in, or is gone. */
  authenticated(): void
  /** Its login is refused. How long the answer has to wait, in milliseconds. */
  refused(): number
  /** Nothing serves it any more. Once. */
  leave(): void
}

export interface Admission {
  /** Counts one more, or says why there is no room for it. */
  enter(address: string): Entered | string
}

export type AdmissionCaps = Pick<
  ListenerBounds,
  | 'connectionsMax'
  | 'preAuthConnectionsMax'
  | 'preAuthPerAddressMax'
  | 'refusedLoginsPerMinuteMax'
  | 'refusedLoginMsMin'
>

export function createAdmission(caps: AdmissionCaps, memory: MemoryGuard, nowMs: () => number): Admission {
  let served = 0
  let waiting = 0
  const byAddress = new Map<string, number>()
  const refusals = createRefusals(caps, nowMs)
  return {
    enter(from) {
      const address = placeOf(from)
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
        refused: () => refusals.waitMs(address),
        leave() {
          authenticated()
          served -= 1
        },
      }
    },
  }
}

/**
 * What counts as one address. Whoever has one of IPv6 has the other 2^64 of its network as well; behind the prefix of RFC 6052 each is
 * an address of IPv4, and somebody else's.
 */
export function placeOf(address: string): string {
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain) || /^::ffff:[0-9.]+$/i.test(plain) || /^64:ff9b::/i.test(plain)) return plain
  const [front = '', back] = plain.split('::')
  const groups = front.split(':').filter((group) => group !== '')
  const behind = back?.split(':') ?? []
  while (back !== undefined && groups.length + behind.length < 8) groups.push('0')
  return `${[...groups, ...behind].slice(0, 4).join(':')}::/64`
}

/** Refused logins of each address within a minute. Who logs in well waits for none of them. */
function createRefusals(
  { refusedLoginsPerMinuteMax, refusedLoginMsMin }: AdmissionCaps,
  nowMs: () => number,
): { waitMs(address: string): number } {
  const counts = new Map<string, { readonly sinceMs: number; count: number }>()
  const isOver = ({ sinceMs }: { readonly sinceMs: number }): boolean => Math.abs(nowMs() - sinceMs) >= 60_000
  const begin = (address: string) => {
    counts.delete(address)
    // In the order in which they began: the first is the oldest.
    for (const [oldest, one] of counts) {
      if (counts.size < limits.refusedLoginAddressesMax && !isOver(one)) break
      counts.delete(oldest)
    }
    const begun = { sinceMs: nowMs(), count: 0 }
    counts.set(address, begun)
    return begun
  }
  return {
    waitMs(address) {
      const known = counts.get(address)
      const now = known === undefined || isOver(known) ? begin(address) : known
      now.count += 1
      return now.count > refusedLoginsPerMinuteMax ? refusedLoginMsMin : 0
    },
  }
}
