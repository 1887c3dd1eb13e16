// A connection of the pool in the hands of one session. A class, since an object with getters is a dictionary to V8.
import type { Lease, Reset } from './pool.ts'
import { resetUpstream } from './reset.ts'
import type { Upstream } from './upstream.ts'

export class PoolLease implements Lease {
  readonly upstream: Upstream
  readonly isReused: boolean
  readonly #waiting: { readonly length: number }
  readonly #end: (clean: boolean, reset: Reset) => void

  constructor(
    upstream: Upstream,
    isReused: boolean,
    waiting: { readonly length: number },
    end: (clean: boolean, reset: Reset) => void,
  ) {
    this.upstream = upstream
    this.isReused = isReused
    this.#waiting = waiting
    this.#end = end
  }

  get isWanted(): boolean {
    return this.#waiting.length > 0
  }

  release(clean: boolean, reset: Reset = resetUpstream): void {
    this.#end(clean, reset)
  }
}
