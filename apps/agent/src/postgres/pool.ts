// Connections to targets that outlive their session: the next session of the same kind takes one over instead of opening its
// own, which costs the target tens of milliseconds. A connection is kept only after its reset was proven, and only for
// sessions that would have opened exactly the same one (DESIGN §7, THREATS ).
// INVARIANT: what is in `idle` is clean, logged in and silent; whatever says a byte, ends or waits too long is closed.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type Group, type Idle, newGroup, sameAgain, type Waiting } from './pool-group.ts'
import { PoolLease } from './pool-lease.ts'
import { giveSpare, hear, idleMaxOf, idleMaxOfAll, type PoolShare, payBack, type ShareNews } from './pool-share.ts'
import type { Upstream } from './upstream.ts'

/** How one target's connections are kept. */
export interface PoolBounds {
  /** Connections of the target and role at once, in use and idle. */
  readonly connectionsMax: number
  /** Idle ones that are kept. */
  readonly idleMax: number
  /** For how long, in milliseconds. */
  readonly idleMsMax: number
  /** Connections that are kept for longer, and opened ahead. */
  readonly warmMin: number
  /** How long a session waits for a connection when all are in use, in milliseconds. */
  readonly waitMsMax: number
  /**
   * How long connections serve those who wait for just one like them before one is closed for whoever's turn it is, in
   * milliseconds: to open another one costs the target as much as many statements.
   */
  readonly sameMsMax: number
}

export interface PoolRequest {
  /** Target and role: what the bounds are about. */
  readonly group: string
  /** Everything that makes two connections the same one; starts with nothing of another group's. */
  readonly kind: string
  /** Who asks: callers that wait are served in turn. */
  readonly caller: string
  readonly bounds: PoolBounds
  readonly signal: AbortSignal
  connect(signal: AbortSignal): Promise<Upstream>
  /** Of several that are idle. */
  prefers?(upstream: Upstream): boolean
  /** False: connections of this kind are not kept any more. */
  isCurrent?(): boolean
}

/** Makes a connection clean, and proves it; true at once where nothing can have changed on it. Never rejects. */
export type Reset = (upstream: Upstream) => true | Promise<boolean>

/** A connection in the hands of one session. */
export interface Lease {
  readonly upstream: Upstream
  /** It comes from an earlier session. */
  readonly isReused: boolean
  /** Somebody waits for a connection of this target and role. */
  readonly isWanted: boolean
  /** Ends the lease. `clean`: nothing is open or due, and the socket has no listeners of the session's any more. */
  release(clean: boolean, reset?: Reset): void
}

export interface Pool {
  /** Throws what `connect` throws, and CONNECTION_LIMIT when none came free in time or too many wait. */
  take(request: PoolRequest): Promise<Lease>
  /** One that is idle, if there is one and nobody waits. */
  takeNow(request: PoolRequest): Lease | undefined
  /** Closes what is idle of a kind that nobody asks for any more. */
  retire(group: string, kind: string): void
  readonly idleCount: number
  /** Closes what is idle and keeps nothing any more. */
  close(): void
}

/** `nowMs`: a clock that only goes forward. `share`: null where no other process opens connections of the same groups. */
export function createPool(nowMs: () => number = () => performance.now(), share: PoolShare | null = null): Pool {
  return new UpstreamPool(nowMs, share)
}

class UpstreamPool implements Pool {
  readonly #nowMs: () => number
  readonly #groups = new Map<string, Group>()
  /** When each connection was opened. */
  readonly #openedMs = new WeakMap<Upstream['socket'], number>()
  #idleCount = 0
  #isClosed = false
  readonly #closing = new AbortController()
  readonly #share: PoolShare | null

  constructor(nowMs: () => number, share: PoolShare | null) {
    this.#nowMs = nowMs
    this.#share = share
    if (share !== null) share.onNews = (news) => this.#hear(share, news)
  }

  get idleCount(): number {
    return this.#idleCount
  }

  takeNow(request: PoolRequest): Lease | undefined {
    const group = this.#groups.get(request.group)
    if (group === undefined || group.waiting.length > 0 || this.#freeOf(group, request.bounds) <= 0) return undefined
    const kept = this.#takeIdle(group, request)
    return kept === undefined ? undefined : this.#lease(request, group, kept, true)
  }

  async take(request: PoolRequest): Promise<Lease> {
    const group = this.#groups.get(request.group) ?? newGroup()
    this.#groups.set(request.group, group)
    if (group.waiting.length > 0 || !this.#hasRoom(group, request)) await this.#waitFor(group, request)
    const kept = this.#takeIdle(group, request)
    if (kept !== undefined) return this.#lease(request, group, kept, true)
    if (group.open >= this.#capOf(group, request.bounds) && !this.#more(group, request)) this.#closeOldest(group)
    group.open += 1
    try {
      const upstream = await request.connect(request.signal)
      this.#openedMs.set(upstream.socket, this.#nowMs())
      return this.#lease(request, group, upstream, false)
    } catch (thrown) {
      group.open -= 1
      this.#changed(request.group, group)
      throw thrown
    }
  }

  retire(name: string, kind: string): void {
    const group = this.#groups.get(name)
    if (group === undefined) return
    for (const idle of [...group.idle]) if (idle.kind === kind) this.#close(group, idle)
    this.#changed(name, group)
  }

  /** Opens what is to be kept warm, behind somebody's back. Who fails to is not tried again before the next one is asked for. */
  #fill(request: PoolRequest, group: Group): void {
    const warmMin = Math.min(idleMaxOf(this.#share, request.bounds.warmMin), request.bounds.connectionsMax)
    while (
      !this.#isClosed &&
      group.open < warmMin &&
      (group.open < this.#capOf(group, request.bounds) || this.#more(group, request))
    ) {
      group.open += 1
      void request.connect(this.#closing.signal).then(
        (upstream) => {
          this.#openedMs.set(upstream.socket, this.#nowMs())
          this.#settle(request, group, upstream, true)
        },
        () => {
          group.open -= 1
          this.#changed(request.group, group)
        },
      )
    }
  }

  close(): void {
    this.#isClosed = true
    this.#closing.abort(new Error('the agent stops'))
    for (const [name, group] of this.#groups) {
      while (group.idle.length > 0) this.#closeOldest(group)
      this.#changed(name, group)
    }
  }

  /** The one that was used last: the others grow old and are closed. */
  #takeIdle(group: Group, { kind, prefers }: PoolRequest): Upstream | undefined {
    let at = -1
    for (let place = group.idle.length - 1; place >= 0; place--) {
      const idle = group.idle[place]
      if (idle?.kind !== kind) continue
      if (at < 0) at = place
      if (prefers === undefined || prefers(idle.upstream)) {
        at = place
        break
      }
    }
    const [found] = at < 0 ? [] : group.idle.splice(at, 1)
    if (found === undefined) return undefined
    this.#idleCount -= 1
    found.letGo()
    return found.upstream
  }

  /** Makes room, whatever the kind of what is idle. */
  #closeOldest(group: Group): void {
    const [oldest] = group.idle
    if (oldest !== undefined) this.#close(group, oldest)
  }

  #close(group: Group, idle: Idle): void {
    const at = group.idle.indexOf(idle)
    if (at < 0) return
    group.idle.splice(at, 1)
    this.#idleCount -= 1
    group.open -= 1
    idle.letGo()
    idle.upstream.socket.destroy()
  }

  async #waitFor(group: Group, { group: name, kind, bounds, signal, caller }: PoolRequest): Promise<void> {
    const full = (why: string) =>
      new SallyportError('CONNECTION_LIMIT', `all connections to this target are in use${why}`, {
        hint: 'close idle sessions, try again later, or ask the owner of the target for a larger pool',
      })
    if (
      group.waiting.length >= limits.poolWaitingMax ||
      group.waiting.lengthOf(caller) >= limits.poolWaitingPerCallerMax
    )
      throw full(', and as many sessions wait as may')
    signal.throwIfAborted()
    const share = bounds.connectionsMax === Number.POSITIVE_INFINITY ? null : this.#share
    if (share?.wait(name, caller, bounds.connectionsMax) === false) throw full(', and as many sessions wait as may')
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        share?.waited(name, caller)
        clearTimeout(timer)
        signal.removeEventListener('abort', gone)
        group.waiting.remove(caller, waiting)
      }
      const gone = () => {
        leave()
        reject(full(''))
      }
      const waiting: Waiting = {
        kind,
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
      group.waiting.add(caller, waiting)
    })
    group.granted -= 1
  }

  #lease(request: PoolRequest, group: Group, upstream: Upstream, isReused: boolean): Lease {
    let isOver = false
    this.#fill(request, group)
    return new PoolLease(upstream, isReused, group.waiting, (clean, reset) => {
      if (isOver) return
      isOver = true
      const proven = clean && this.#mayKeep(request, upstream) ? reset(upstream) : null
      if (proven instanceof Promise) void proven.then((isClean) => this.#settle(request, group, upstream, isClean))
      else if (proven === true) this.#settle(request, group, upstream, true)
      else {
        // A session that ends in another way has said its goodbyes itself.
        if (clean) upstream.socket.destroy()
        this.#gone(request.group, group)
      }
    })
  }

  #mayKeep({ bounds, isCurrent }: PoolRequest, upstream: Upstream): boolean {
    return !this.#isClosed && bounds.idleMsMax > 0 && !this.#isOld(upstream) && isCurrent?.() !== false
  }

  #isOld({ socket }: Upstream): boolean {
    return this.#nowMs() - (this.#openedMs.get(socket) ?? Number.NEGATIVE_INFINITY) > limits.pooledAgeMsMax
  }

  /** Connections that may be open here at once. */
  #capOf(group: Group, { connectionsMax }: PoolBounds): number {
    return this.#share === null || connectionsMax === Number.POSITIVE_INFINITY
      ? connectionsMax
      : group.permits.count - group.permits.owed
  }

  /** Connections that a session could have at once, by taking an idle one over, closing it, or opening one. */
  #freeOf(group: Group, bounds: PoolBounds): number {
    return this.#capOf(group, bounds) - group.open + group.idle.length - group.granted
  }

  #hasRoom(group: Group, request: PoolRequest): boolean {
    return this.#freeOf(group, request.bounds) > 0 || this.#more(group, request)
  }

  #more({ permits }: Group, { group, bounds }: PoolRequest): boolean {
    if (this.#share === null || permits.owed > 0 || !this.#share.more(group, bounds.connectionsMax)) return false
    permits.count += 1
    return true
  }

  #hear(share: PoolShare, news: ShareNews): void {
    const group = this.#groups.get(news.group)
    if (group === undefined) {
      if (news.kind === 'granted') share.give(news.group, 1)
      return
    }
    hear(group.permits, news)
    this.#changed(news.group, group)
  }

  /** It is clean, or destroyed. */
  #settle(request: PoolRequest, group: Group, upstream: Upstream, isClean: boolean): void {
    const hasRoom =
      group.idle.length < idleMaxOf(this.#share, request.bounds.idleMax) && this.#idleCount < idleMaxOfAll(this.#share)
    if (isClean && !this.#isClosed && (group.waiting.length > 0 || hasRoom)) {
      this.#keep(request, group, upstream.leftover.length === 0 ? upstream : { ...upstream, leftover: nothing })
      this.#changed(request.group, group)
      return
    }
    upstream.socket.destroy()
    this.#gone(request.group, group)
  }

  #gone(name: string, group: Group): void {
    group.open -= 1
    this.#changed(name, group)
  }

  #keep(request: PoolRequest, group: Group, upstream: Upstream): void {
    const { group: name, bounds, kind } = request
    const { socket } = upstream
    const drop = () => {
      this.#close(group, idle)
      this.#changed(name, group)
    }
    const timer = setTimeout(() => {
      if (group.open <= idleMaxOf(this.#share, bounds.warmMin) && !this.#isOld(upstream)) timer.refresh()
      else drop()
    }, bounds.idleMsMax)
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

  /** A connection came free or is gone: whoever's turn it is goes on. */
  #changed(name: string, group: Group): void {
    if (this.#share !== null) payBack(this.#share, name, group, () => this.#closeOldest(group))
    for (let next = this.#next(group); next !== undefined; next = this.#next(group)) next.go()
    if (group.waiting.length === 0) group.passed.clear()
    if (this.#share !== null) giveSpare(this.#share, name, group, () => this.#closeOldest(group))
    if (group.open === 0 && group.waiting.length === 0 && group.granted === 0) this.#groups.delete(name)
  }

  #next(group: Group): Waiting | undefined {
    const { first } = group.waiting
    if (first === undefined || this.#freeOf(group, first.bounds) <= 0) return undefined
    return sameAgain(group, first, this.#capOf(group, first.bounds), this.#nowMs()) ?? group.waiting.next()
  }
}

const nothing = Buffer.alloc(0)
