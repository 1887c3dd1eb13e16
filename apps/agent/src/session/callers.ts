// How many connections, or requests, each caller has open, so that one function in a loop leaves some to the others.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'

export interface Callers {
  /** Counts one more; returns how to take it out again. Throws CONNECTION_LIMIT. */
  enter(caller: { readonly issuer: string; readonly subject: string }): () => void
}

type What = 'connections' | 'requests' | 'WebSockets'

export const callerFull = (max: number, what: What): SallyportError =>
  new SallyportError('CONNECTION_LIMIT', `this caller has ${max} ${what} open here, as many as one may`, {
    hint: what === 'requests' ? 'wait for answers' : 'close idle connections, or use a pool',
  })

export function createCallers(max: number = limits.connectionsPerCallerMax, what: What = 'connections'): Callers {
  const open = new Map<string, number>()
  return {
    enter({ issuer, subject }) {
      const key = `${issuer}\u0000${subject}`
      const count = open.get(key) ?? 0
      if (count >= max) throw callerFull(max, what)
      open.set(key, count + 1)
      let isIn = true
      return () => {
        if (!isIn) return
        isIn = false
        const left = (open.get(key) ?? 0) - 1
        if (left > 0) open.set(key, left)
        else open.delete(key)
      }
    },
  }
}
