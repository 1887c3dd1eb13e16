// A session's turns at connections that it shares with others: it has one from the first message of a transaction or batch to the
// ReadyForQuery that ends it, and none between them (docs/adr, "Pooling by the transaction").
//
//   forward ─► waits for a connection ─► its settings ─► its statements ─► answers ─► at rest ─► made clean ─► somebody else's
//
// INVARIANT: what a session may have left is undone, and that is proven, before the connection is anybody else's; and no cancel
// request is on its way to it then (THREATS ).
import { assert } from '@sallyport/base/assert'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { ByteWriter } from '@sallyport/wire/bytes/writer'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import { backendBytes } from '@sallyport/wire/postgres/names'
import type { JudgedStatement } from '../session/gate.ts'
import { outlasts } from '../session/outlasting.ts'
import {
  clean,
  forgetSequences,
  giveSettings,
  memoryOf,
  readSettings,
  type Settings,
  settingsKey,
} from './backend-settings.ts'
import { FollowedStatements } from './followed-statements.ts'
import { readingOf, visibleParameters } from './parameters.ts'
import type { Lease, Pool, PoolRequest, Reset } from './pool.ts'
import { errorFields, protocolFields } from './refuse.ts'
import { nothingRemains, type Remains, readingChange, remainsOf, together } from './remains.ts'
import type { Prepared } from './state.ts'
import { closeSoon, connectionLost, flow } from './streams.ts'
import { listenTo, type Seen, type TargetLink, type TargetTaker } from './target-link.ts'
import type { Upstream } from './upstream.ts'

export interface TurnsDeps {
  readonly pool: Pool
  /** As of now: a credential may have been rotated. */
  readonly request: (signal: AbortSignal) => PoolRequest
  /** The first turn, which began with the login. */
  readonly first: Lease
  /** What the client has set, as the connection of the first turn has it. */
  readonly settings: Settings
  /** Statements whose effect outlasts their transaction take the connection for the session. */
  readonly pins: boolean
  /** Asks the target to stop what a connection runs. False: nobody knows whether it will hear of it, and when. */
  readonly cancel: (upstream: Upstream) => Promise<boolean>
}

/** A message that waits for a connection. */
interface Unsent {
  readonly message: FrontendMessage
  readonly statement: Prepared | undefined
  readonly change: ReadingChange
}

type ReadingChange = ReturnType<typeof readingChange>

interface Turn {
  readonly lease: Lease
  readonly statements: FollowedStatements
  readonly letGo: () => void
}

export class Turns implements TargetLink {
  readonly toTarget = new ByteWriter()
  readonly #deps: TurnsDeps
  #taker: TargetTaker | null = null
  #turn: Turn | null = null
  /** Of the next connection, until it is there. */
  #isWaiting = false
  #unsent: Unsent[] = []
  #unsentBytes = 0
  #settings: Settings
  #settingsKey: string
  readonly #baseline: string
  /** As the client was told them last. */
  readonly #told: Map<string, string>
  /** The settings are being asked for: no turn begins before they are known. */
  #following: Promise<unknown> | null = null
  #remains: Remains = nothingRemains
  /** What the next text or portal that runs does to how texts are read. */
  #change: ReadingChange = null
  #isPinned = false
  #cancelsDue = 0
  /** A cancel request may still be under way, now or later. */
  #isPoisoned = false
  #isEnded = false
  /** Ends the wait for a connection. */
  #giveUp = new AbortController()

  constructor(deps: TurnsDeps) {
    this.#deps = deps
    const { upstream } = deps.first
    this.#settings = deps.settings
    this.#settingsKey = settingsKey(deps.settings)
    this.#baseline = memoryOf(upstream)?.baseline ?? ''
    this.#told = new Map(upstream.parameters)
  }

  start(taker: TargetTaker): undefined {
    this.#taker = taker
    this.#begin(this.#deps.first)
  }

  note(judged: readonly JudgedStatement[]): undefined {
    for (const { facts } of judged) {
      const remains = remainsOf(facts)
      this.#remains = together(this.#remains, remains)
      if (remains.forgets) this.#turn?.statements.forget()
      this.#change = this.#change === 'sets' ? 'sets' : (readingChange(facts) ?? this.#change)
      if (this.#deps.pins && !this.#isPinned && outlasts(facts)) this.#isPinned = true
    }
  }

  forward(message: FrontendMessage, statement?: Prepared): undefined {
    const change = this.#changeBy(message)
    if (this.#turn !== null) return forwardAt(this.#turn, { message, statement, change })
    // There is nothing to end, and no answer to be hurried.
    if (message.type === 'terminate' || (message.type === 'flush' && this.#unsent.length === 0)) return
    this.#unsent.push({ message, statement, change })
    this.#unsentBytes += sizeOf(message)
    if (!this.#isWaiting) this.#wait()
  }

  #changeBy({ type }: FrontendMessage): ReadingChange {
    if (type !== 'query' && type !== 'execute') return null
    const change = this.#change
    this.#change = null
    return change
  }

  /** The agent asks only where a transaction is open, or a message before it. */
  own(bytes: Buffer): undefined {
    assert(this.#turn !== null, 'a question of the agent without a connection')
    this.toTarget.bytes(bytes)
  }

  answered(typeByte: number, body: Buffer): Seen {
    if (typeByte === backendBytes.parameterStatus) this.#noteParameter(body)
    return this.#turn?.statements.answered(typeByte, body[0] ?? 0) ?? 'as-it-is'
  }

  settled(readiesDue: number): undefined {
    this.#turn?.statements.settled(readiesDue)
  }

  send(): undefined {
    if (this.toTarget.length > 0) this.#turn?.lease.upstream.socket.write(this.toTarget.take())
  }

  get isFull(): boolean {
    if (this.#turn === null) return this.#unsentBytes >= limits.departureBytesMax
    return this.#turn.lease.upstream.socket.writableNeedDrain
  }

  get isWanted(): boolean {
    return this.#turn?.lease.isWanted ?? false
  }

  get mustYield(): boolean {
    return this.#turn !== null && !this.#isPinned && this.#turn.statements.isReadyDue && this.isWanted
  }

  flow(wanted: boolean): undefined {
    if (this.#turn !== null) flow(this.#turn.lease.upstream.socket, wanted)
  }

  rest(isQuiet: boolean): undefined {
    const turn = this.#turn
    if (turn === null || this.#isPinned || !isQuiet || !this.#isSilent || this.#cancelsDue > 0) return
    this.#giveBack(turn)
  }

  async cancel(): Promise<void> {
    if (this.#turn === null) {
      this.#giveUp.abort(cancelled)
      return
    }
    this.#cancelsDue += 1
    // It may hit what comes next of the session itself, and nobody else: the connection is not given back before.
    if (!(await this.#deps.cancel(this.#turn.lease.upstream))) this.#isPoisoned = true
    this.#cancelsDue -= 1
    // Should the request come late after all, it hits a question of ours, and the connection is closed.
    this.#remains = together(this.#remains, { level: 'sequences', sets: false, forgets: false })
    this.#taker?.woken()
  }

  get isClean(): boolean {
    return this.#turn === null || (this.#isSilent && this.#cancelsDue === 0 && !this.#isPoisoned)
  }

  end(isClean: boolean): undefined {
    this.#isEnded = true
    this.#giveUp.abort(new Error('the session ended'))
    this.#unsent = []
    const turn = this.#turn
    if (turn === null) return
    if (isClean) return this.#giveBack(turn)
    this.#turn = null
    turn.letGo()
    const { socket } = turn.lease.upstream
    socket.end()
    closeSoon(socket)
    turn.lease.release(false)
  }

  /** Written and taken: nothing of the session's is in the agent any more. */
  get #isSilent(): boolean {
    const socket = this.#turn?.lease.upstream.socket
    return this.toTarget.length === 0 && socket?.writableLength === 0 && !socket.destroyed && socket.writable
  }

  #wait(): undefined {
    const { pool, request } = this.#deps
    if (this.#giveUp.signal.aborted) this.#giveUp = new AbortController()
    const asking = this.#asking(request(this.#giveUp.signal))
    const lease = this.#following === null ? pool.takeNow(asking) : undefined
    if (lease !== undefined && this.#fits(lease)) return this.#begin(lease)
    this.#isWaiting = true
    void this.#take(asking, lease)
  }

  readonly #asking = (request: PoolRequest): PoolRequest => ({
    ...request,
    prefers: (upstream) => memoryOf(upstream)?.settings === this.#settingsKey,
  })

  #fits({ upstream }: Lease): boolean {
    const memory = memoryOf(upstream)
    return memory?.settings === this.#settingsKey && memory.baseline === this.#baseline
  }

  /** Waits for a connection and makes it the session's. Never rejects. */
  async #take(asking: PoolRequest, found: Lease | undefined): Promise<void> {
    const { signal } = asking
    let lease = found
    try {
      await this.#following
      for (let attempts = 0; ; attempts++) {
        lease ??= await this.#deps.pool.take(asking)
        if (await this.#adopt(lease)) break
        lease.release(false)
        lease = undefined
        if (attempts === attemptsMax) throw connectionLost(undefined)
      }
    } catch (thrown) {
      lease?.release(false)
      lease?.upstream.socket.destroy()
      this.#isWaiting = false
      return this.#notServed(signal.aborted ? signal.reason : thrown)
    }
    this.#isWaiting = false
    if (signal.aborted) {
      // Nothing of the session's has been on it.
      lease.release(true, () => true)
      return this.#notServed(signal.reason)
    }
    this.#begin(lease)
    this.#taker?.woken()
  }

  async #adopt({ upstream }: Lease): Promise<boolean> {
    const memory = memoryOf(upstream)
    if (memory === undefined) return false
    if (memory.baseline !== this.#baseline) throw changedBaseline()
    if (memory.settings === this.#settingsKey) return !upstream.socket.destroyed
    const given = await giveSettings(upstream, this.#settings)
    if (given === null) return false
    if (settingsKey(given) === this.#settingsKey) return true
    upstream.socket.destroy()
    return false
  }

  #notServed(thrown: unknown): undefined {
    if (this.#isEnded) return
    this.#unsent = []
    this.#unsentBytes = 0
    this.#remains = nothingRemains
    const error = thrown === cancelled ? cancelledWait() : asSallyportError(thrown)
    if (thrown === cancelled)
      this.#taker?.unserved(protocolFields('57014', 'canceling statement due to user request'), error)
    else if (error.code === 'SESSION_ENDED') this.#taker?.failed('the settings of the role were changed', error)
    else this.#taker?.unserved(errorFields(error, 'ERROR'), error)
  }

  #begin(lease: Lease): undefined {
    const taker = this.#taker
    const memory = memoryOf(lease.upstream)
    assert(taker !== null && memory !== undefined && this.#turn === null, 'a turn that is none')
    const { socket, parameters } = lease.upstream
    const statements = new FollowedStatements(memory, this.toTarget, readingOf(this.#settings))
    this.#turn = { lease, statements, letGo: listenTo(socket, taker) }
    this.#isPoisoned = false
    if (this.#remains.forgets) statements.forget()
    const unsent = this.#unsent
    this.#unsent = []
    this.#unsentBytes = 0
    for (const one of unsent) forwardAt(this.#turn, one)
    const changed = [...parameters].filter(([name, value]) => this.#told.get(name) !== value)
    // In a wake-up of its own: the session is in the middle of one.
    if (changed.length === 0) return
    queueMicrotask(() => {
      for (const [name, value] of changed) this.#tell(taker, name, value)
    })
  }

  /** What the target has changed by itself meanwhile: its configuration, or that it is no standby any more. */
  #tell(taker: TargetTaker, name: string, value: string): undefined {
    this.#told.set(name, value)
    if (visibleParameters.has(name)) taker.reported(name, value)
  }

  #noteParameter(body: Buffer): undefined {
    const message = decodeBackend({ typeByte: backendBytes.parameterStatus, body })
    if (message.type !== 'parameterStatus') return
    this.#turn?.lease.upstream.parameters.set(message.name, message.value)
    this.#told.set(message.name, message.value)
  }

  #giveBack(turn: Turn): undefined {
    const remains = this.#isPinned ? together(this.#remains, all) : this.#remains
    this.#remains = nothingRemains
    this.#turn = null
    turn.lease.upstream.socket.pause()
    turn.letGo()
    turn.statements.end()
    if (this.#isPoisoned) {
      turn.lease.upstream.socket.destroy()
      turn.lease.release(false)
    } else if (remains.sets && !this.#isEnded) this.#following = this.#follow(turn.lease, remains)
    // INVARIANT: a connection is lent with the settings that are known of it. Nobody asks for those of a session that is over.
    else turn.lease.release(true, resetAfter(remains.sets ? together(remains, all) : remains))
  }

  /** What the session has set goes with it. */
  async #follow(lease: Lease, remains: Remains): Promise<void> {
    const settings = await readSettings(lease.upstream)
    this.#following = null
    if (settings === null) {
      lease.release(false)
      this.#taker?.lost(new Error('the settings of the session could not be read'))
      return
    }
    this.#settings = settings
    this.#settingsKey = settingsKey(settings)
    lease.release(true, resetAfter(remains))
  }
}

function forwardAt({ statements }: Turn, { message, statement, change }: Unsent): undefined {
  statements.forward(message, statement)
  if (change !== null) statements.readAnew(change)
}

/** Of connections that were no longer of use when their turn came. */
const attemptsMax = 3

const cancelled = new Error('cancelled')
const cancelledWait = (): SallyportError =>
  new SallyportError('CONNECTION_LIMIT', 'cancelled while it waited for a connection')

const all: Remains = { level: 'anything', sets: false, forgets: true }

const changedBaseline = (): SallyportError =>
  new SallyportError('SESSION_ENDED', 'the settings of the role were changed at the target', { hint: 'connect again' })

/** What has to be done, and no more; asking for the settings has been an answer of its own. */
const resetAfter =
  ({ level }: Remains): Reset =>
  (upstream) => {
    switch (level) {
      case 'nothing':
        return true
      case 'sequences':
        return forgetSequences(upstream)
      case 'anything':
        return clean(upstream)
      default:
        upstream.socket.destroy()
        return Promise.resolve(false)
    }
  }

function sizeOf(message: FrontendMessage): number {
  switch (message.type) {
    case 'query':
    case 'parse':
      return message.text.length
    case 'bind':
      return message.parameters.reduce((sum, value) => sum + (value?.length ?? 0), 64)
    default:
      return 64
  }
}
