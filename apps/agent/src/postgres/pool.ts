// Connections to targets that outlive their session: the next session of the same kind takes one over instead of opening its
// own, which costs the target tens of milliseconds. A connection is kept only after its reset was proven, and only for
// sessions that would have opened exactly the same one (DESIGN §7, THREATS ).
// INVARIANT: what is in `idle` is clean, logged in and silent; whatever says a byte, ends or waits too long is closed.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { resetUpstream } from './reset.ts'
import type { Upstream } from './upstream.ts'

/** How one target's connections are kept. */
export interface PoolBounds {
  /** Connections of the target and role at once, in use and idle. */
  readonly connectionsMax: number
  /** Idle ones that are kept. */
  readonly idleMax: number
  /** For how long, in milliseconds. */
  readonly idleMsMax: number
  /** How long a session waits for a connection when all are in use, in milliseconds. */
  readonly waitMsMax: number
}

export interface PoolRequest {
  /** Target and role: what the bounds are about. */
  readonly group: string
  /** Everything that makes two connections the same one; starts with nothing of another group's. */
  readonly kind: string
  readonly bounds: PoolBounds
  readonly signal: AbortSignal
  connect(): Promise<Upstream>
}

/** A connection in the hands of one session. */
export interface Lease {
  readonly upstream: Upstream
  /** It comes from an earlier session. */
  readonly isReused: boolean
  /** Ends the lease. `clean`: nothing is open or due, and the socket has no listeners of the session's any more. */
  release(clean: boolean): void
}

interface Idle {
  readonly kind: string
  readonly upstream: Upstream
  /** Stops watching it. */
  readonly letGo: () => void
}

interface Group {
  /** In use, being reset, being opened, and idle. */
  open: number
  readonly idle: Idle[]
  readonly waiting: Waiting[]
  /** Sessions that have waited and may go on now; what they will take is nobody else's. */
  granted: number
}

interface Waiting {
  readonly bounds: PoolBounds
  readonly go: () => void
}

/** Connections that a session could have at once, by taking an idle one over, closing it, or opening one. */
const freeOf = (group: Group, bounds: PoolBounds): number =>
  bounds.connectionsMax - group.open + group.idle.length - group.granted

export interface Pool {
  /** Throws what `connect` throws, and CONNECTION_LIMIT when none came free in time or too many wait. */
  take(request: PoolRequest): Promise<Lease>
  readonly idleCount: number
  /** Closes what is idle and keeps nothing any more. */
  close(): void
}

/** `nowMs`: a clock that only goes forward. */
export function createPool(nowMs: () => number = () => performance.now()): Pool {
  return new UpstreamPool(nowMs)
}

class UpstreamPool implements Pool {
  readonly #nowMs: () => number
  readonly #groups = new Map<string, Group>()
  /** When each connection was opened. */
  readonly #openedMs = new WeakMap<Upstream['socket'], number>()
  #idleCount = 0
  #isClosed = false

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get idleCount(): number {
    return this.#idleCount
  }

  async take(request: PoolRequest): Promise<Lease> {
    const group = this.#groups.get(request.group) ?? { open: 0, idle: [], waiting: [], granted: 0 }
    this.#groups.set(request.group, group)
    if (group.waiting.length > 0 || freeOf(group, request.bounds) <= 0) await this.#waitFor(group, request)
    const kept = this.#takeIdle(group, request.kind)
    if (kept !== undefined) return this.#lease(request, group, kept, true)
    if (group.open >= request.bounds.connectionsMax) this.#closeOldest(group)
    group.open += 1
    try {
      const upstream = await request.connect()
      this.#openedMs.set(upstream.socket, this.#nowMs())
      return this.#lease(request, group, upstream, false)
    } catch (thrown) {
      group.open -= 1
      this.#changed(request.group, group)
      throw thrown
    }
  }

  close(): void {
    this.#isClosed = true
    for (const [name, group] of this.#groups) {
      while (group.idle.length > 0) this.#closeOldest(group)
      this.#changed(name, group)
    }
  }

  /** The one that was used last: the others grow old and are closed. */
  #takeIdle(group: Group, kind: string): Upstream | undefined {
    const at = group.idle.findLastIndex((idle) => idle.kind === kind)
    const [found] = at < 0 ? [] : group.idle.splice(at, 1)
    if (found === undefined) return undefined
    this.#idleCount -= 1
    found.letGo()
    return found.upstream
  }

  /** Makes room, whatever the kind of what is idle. */
  #closeOldest(group: Group): void {
    const [oldest] = group.idle.splice(0, 1)
    if (oldest === undefined) return
    this.#idleCount -= 1
    group.open -= 1
    oldest.letGo()
    oldest.upstream.socket.destroy()
  }

  async #waitFor(group: Group, { bounds, signal }: PoolRequest): Promise<void> {
    const full = (why: string) =>
      new SallyportError('CONNECTION_LIMIT', `all connections to this target are in use${why}`, {
        hint: 'close idle sessions, try again later, or ask the owner of the target for a larger pool',
      })
    if (group.waiting.length >= limits.poolWaitingMax) throw full(', and as many sessions wait as may')
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', gone)
        const at = group.waiting.indexOf(waiting)
        if (at >= 0) group.waiting.splice(at, 1)
      }
      const gone = () => {
        leave()
        reject(full(''))
      }
      const waiting: Waiting = {
        bounds,
        go() {
          leave()
          group.granted += 1
          resolve()
        },
      }
      const timer = setTimeout(() => {
        leave()
        reject(full(`, and none came free within ${Math.ceil(bounds.waitMsMax / 1_000)} s`))
      }, bounds.waitMsMax)
      signal.addEventListener('abort', gone, { once: true })
      group.waiting.push(waiting)
    })
    group.granted -= 1
  }

  #lease(request: PoolRequest, group: Group, upstream: Upstream, isReused: boolean): Lease {
    let isOver = false
    return {
      upstream,
      isReused,
      release: (clean) => {
        if (isOver) return
        isOver = true
        void this.#takeBack(request, group, upstream, clean)
      },
    }
  }

  async #takeBack(request: PoolRequest, group: Group, upstream: Upstream, clean: boolean): Promise<void> {
    const { bounds, kind } = request
    const ageMs = this.#nowMs() - (this.#openedMs.get(upstream.socket) ?? Number.NEGATIVE_INFINITY)
    const mayKeep = clean && !this.#isClosed && ageMs <= limits.pooledAgeMsMax
    const isClean = mayKeep && bounds.idleMsMax > 0 && (await resetUpstream(upstream))
    const hasRoom = group.idle.length < bounds.idleMax && this.#idleCount < limits.pooledIdleMax
    if (isClean && !this.#isClosed && (group.waiting.length > 0 || hasRoom))
      this.#keep(request, group, { ...upstream, leftover: Buffer.alloc(0) }, kind)
    else {
      // A session that ends in another way has said its goodbyes itself.
      if (clean) upstream.socket.destroy()
      group.open -= 1
    }
    this.#changed(request.group, group)
  }

  #keep({ group: name, bounds }: PoolRequest, group: Group, upstream: Upstream, kind: string): void {
    const { socket } = upstream
    const drop = () => {
      const at = group.idle.indexOf(idle)
      if (at < 0) return
      group.idle.splice(at, 1)
      this.#idleCount -= 1
      group.open -= 1
      idle.letGo()
      socket.destroy()
      this.#changed(name, group)
    }
    const timer = setTimeout(drop, bounds.idleMsMax)
    timer.unref()
    const idle: Idle = {
      kind,
      upstream,
      letGo() {
        clearTimeout(timer)
        socket.pause()
        socket.off('data', drop)
        socket.off('close', drop)
        socket.off('end', drop)
      },
    }
    // Nobody asked it anything: a byte is a desync or a goodbye.
    socket.on('data', drop)
    socket.on('close', drop)
    socket.on('end', drop)
    socket.resume()
    group.idle.push(idle)
    this.#idleCount += 1
  }

  /** A connection came free or is gone: whoever waits longest goes on. */
  #changed(name: string, group: Group): void {
    for (let next = group.waiting[0]; next !== undefined && freeOf(group, next.bounds) > 0; next = group.waiting[0])
      next.go()
    if (group.open === 0 && group.waiting.length === 0 && group.granted === 0) this.#groups.delete(name)
  }
}
