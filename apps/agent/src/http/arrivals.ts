// Who has shown on a connection of HTTP who it is, and how long whoever has not waits for being refused.
import { type SallyportError, surfacesOf } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { pause } from '../link/backoff.ts'

/** By the socket of requests. */
export interface Arrivals {
  /** Somebody has been let in on it. */
  known(socket: object): void
  /** A token shown on it is not good. How long the answer has to wait, in milliseconds. */
  refusedMs(socket: object): number
}

/** Refusals wait for their time, so many of one connection at once. */
export interface SlowRefusals {
  /**
   * Null: it is told at once. False when more wait on this connection than may: there is no answer then. `gone` fires when nobody waits
   * for one.
   */
  wait(socket: object, error: SallyportError, gone: () => AbortSignal): Promise<boolean> | null
}

export function slowRefusals(arrivals: Arrivals): SlowRefusals {
  const waiting = new WeakMap<object, number>()
  const until = async (socket: object, waitMs: number, signal: AbortSignal): Promise<boolean> => {
    const now = waiting.get(socket) ?? 0
    if (now >= limits.httpSlowRefusalsPerConnectionMax) return false
    waiting.set(socket, now + 1)
    if (!signal.aborted) await pause(waitMs, signal)
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
    return true
  }
  return {
    wait(socket, error, gone) {
      const waitMs = isTry(error) ? arrivals.refusedMs(socket) : 0
      return waitMs === 0 ? null : until(socket, waitMs, gone())
    },
  }
}

/** Whoever shows nothing asks how to log in, as clients of MCP do first. */
const isTry = ({ code }: SallyportError): boolean => surfacesOf(code).http === 401 && code !== 'TOKEN_MISSING'
