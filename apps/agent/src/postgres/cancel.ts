// Cancel keys of our own: a client never sees the target's. A request that fits asks the session that it belongs to, and
// nobody is told whether it did (THREATS ).
import { timingSafeEqual } from 'node:crypto'

/** Requests of one source address in one window; past it they are dropped. */
export const cancelRequestsMax = 20
const windowMs = 1_000
/** Random process ids are tried this often until a free one comes. */
const attemptsMax = 16

export interface CancelKey {
  readonly processId: number
  readonly key: Uint8Array
  /** Takes the key out again, when the session ends. */
  release(): void
}

export interface CancelKeys {
  /** The key is in force before it is returned, so that a client cannot be faster. */
  issue(minor: 0 | 2, address: string, cancel: () => void): CancelKey
  /**
   * Cancels what the key's session runs, if the key is right; the client hears the same either way: nothing. False: the request
   * was dropped, because too many came from this address.
   */
  request(asked: { readonly processId: number; readonly key: Uint8Array }, address: string, nowMs: number): boolean
}

interface Issued {
  readonly key: Uint8Array
  readonly address: string
  /** A key of protocol 3.0 has four bytes only, so it is good from its own address only. */
  readonly boundToAddress: boolean
  readonly cancel: () => void
}

export function cancelKeys(random: (bytes: number) => Uint8Array): CancelKeys {
  const issued = new Map<number, Issued>()
  const admit = rateOf()
  // Compared with when there is no such process id, so that both cases cost the same.
  const nobody: Issued = { key: random(32), address: '', boundToAddress: true, cancel: () => {} }
  return {
    issue(minor, address, cancel) {
      const processId = freeProcessId(issued, random)
      const entry: Issued = { key: random(minor === 0 ? 4 : 32), address, boundToAddress: minor === 0, cancel }
      issued.set(processId, entry)
      return {
        processId,
        key: entry.key,
        release() {
          if (issued.get(processId) === entry) issued.delete(processId)
        },
      }
    },
    request(asked, address, nowMs) {
      if (!admit(address, nowMs)) return false
      const entry = issued.get(asked.processId) ?? nobody
      const right = sameBytes(entry.key, asked.key)
      if (right && (!entry.boundToAddress || entry.address === address)) entry.cancel()
      return true
    },
  }
}

function freeProcessId(issued: ReadonlyMap<number, Issued>, random: (bytes: number) => Uint8Array): number {
  for (let attempt = 0; ; attempt += 1) {
    const [a = 0, b = 0, c = 0, d = 0] = random(4)
    // Positive: drivers print it, and some read it as a signed number.
    const processId = ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d
    if (processId !== 0 && (!issued.has(processId) || attempt >= attemptsMax)) return processId
  }
}

/** Constant time for keys of one length; the length is no secret. */
function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  const padded = new Uint8Array(left.length)
  padded.set(right.subarray(0, left.length))
  return timingSafeEqual(left, padded) && left.length === right.length
}

/** Counts requests by address in fixed windows. */
function rateOf(): (address: string, nowMs: number) => boolean {
  let windowStart = 0
  const counts = new Map<string, number>()
  return (address, nowMs) => {
    if (nowMs - windowStart >= windowMs || nowMs < windowStart) {
      windowStart = nowMs
      counts.clear()
    }
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    return count <= cancelRequestsMax
  }
}
