// Performs what the machine says, in order, on two sockets: one write per wake-up to each side, and a side that does not
// take its bytes stops the other one. It holds no protocol state and decides nothing.
import type { Duplex } from 'node:stream'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { ByteWriter } from '@sallyport/wire/bytes/writer'
import { decodeBackend, decodeFrontend } from '@sallyport/wire/postgres/decode'
import { encodeBackend, writeBackend } from '@sallyport/wire/postgres/encode'
import { type Frame, FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { NoticeFields } from '@sallyport/wire/postgres/messages'
import { backendBytes, backendCaps, frontendBytes, frontendCaps } from '@sallyport/wire/postgres/names'
import type { SessionRecord } from '../record/record.ts'
import type { Gate, Judgement } from '../session/gate.ts'
import { type HoldNotice, tokenExpired } from '../session/hold-words.ts'
import type { Log } from '../session/log.ts'
import { type DeadlineBounds, Deadlines } from './deadlines.ts'
import type { Departures } from './departures.ts'
import { FrameQueue } from './frame-queue.ts'
import { LateAnswers } from './late.ts'
import type { LentConnection } from './lent.ts'
import type { Action, Input, Machine, Running } from './machine.ts'
import { Outbox } from './outbox.ts'
import { neverRun, noteOutcome } from './outcome.ts'
import { passes } from './passing.ts'
import { errorFields } from './refuse.ts'
import { RowRun } from './row-run.ts'
import { clientVanished, goodbye } from './state.ts'
import { closeSoon, connectionLost, flow } from './streams.ts'
import type { TargetLink, TargetTaker } from './target-link.ts'

export interface RunDeps {
  readonly client: Duplex
  readonly link: TargetLink
  readonly machine: Machine
  readonly gate: Gate
  readonly record: SessionRecord
  /** The target's connection, for the agent's own questions between the client's messages. */
  readonly lent: LentConnection
  readonly deadlines: DeadlineBounds
  readonly departures: Departures
  readonly monotonicUs: () => number
  readonly log: Log
  /** Objects at the target were changed by this session. Nobody hears of it before it settles. */
  readonly onCatalogChanged: () => undefined | Promise<void>
  readonly onOutcome: (running: Running, result: string) => void
  /** Looked at before each message of an idle client, and before a held statement runs. */
  readonly isTokenExpired: () => boolean
}

export interface Run {
  /** Ends the session as from outside: the client gets FATAL SESSION_ENDED. */
  end(reason: string): void
  /** Ends it as soon as nothing runs and no transaction is open; for an agent that stops. */
  endWhenIdle(reason: string): void
  /** Stops what runs, or the wait for a person; nothing when neither is there. */
  cancel(): void
  /** Settles with the reason, when both sides are closed and the record is written. Never rejects. */
  readonly ended: Promise<string>
}

/** Takes over both sockets, which have nothing unread, and starts. */
export function runSession(deps: RunDeps): Run {
  return new SessionRun(deps)
}

class SessionRun implements Run {
  readonly ended: Promise<string>
  readonly #deps: RunDeps
  readonly #fromClient = new FrameSplitter(frontendCaps())
  readonly #fromTarget = new FrameSplitter(backendCaps())
  readonly #outbox: Outbox
  readonly #toClient: ByteWriter
  /** Whole messages of the client that wait for their turn. */
  readonly #waiting = new FrameQueue()
  readonly #rows: RowRun
  readonly #deadlines: Deadlines
  readonly #late: LateAnswers
  #isOver = false
  #isLeaving = false
  /** What has to settle before a byte leaves. */
  #heldBack = 0
  #idleReason: string | null = null
  #settle: (reason: string) => void = () => {}

  constructor(deps: RunDeps) {
    this.#deps = deps
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    const { client, link } = deps
    this.#outbox = new Outbox(client, link, deps.record)
    this.#toClient = this.#outbox.toClient
    this.#rows = new RowRun(this.#toClient)
    this.#deadlines = new Deadlines({
      ...deps.deadlines,
      nowMs: () => deps.monotonicUs() / 1_000,
      isReading: () => !client.isPaused(),
      onLate: (reason, error) => this.#finish(reason, error),
    })
    const changed = (error: SallyportError): void => this.#finish('objects were changed while it waited', error)
    this.#late = new LateAnswers({ monotonicUs: deps.monotonicUs, take: this.#onBytes, changed })
    client.on('data', (chunk: Buffer) => this.#guard('client', () => this.#takeClientBytes(chunk)))
    client.on('drain', () => this.#balance())
    client.on('error', () => this.#finish(clientVanished, null))
    client.on('close', () => this.#finish(clientVanished, null))
    link.start(this.#taker())
    deps.lent.attach({
      write: (bytes) => {
        link.own(bytes)
        this.#leaveSoon()
      },
      lost: (error) => this.#targetLost(error),
    })
    this.#guard('target', () => this.#perform(deps.machine.start()))
  }

  readonly #cancelDelivered = (): void => this.#perform(this.#deps.machine.step({ from: 'cancelled' }))

  readonly #onBytes = (chunk: Buffer): void => this.#guard('target', () => this.#takeTargetBytes(chunk))

  #taker(): TargetTaker {
    const step = (input: Input): void => this.#guard('target', () => this.#perform(this.#deps.machine.step(input)))
    return {
      bytes: this.#onBytes,
      drained: () => this.#balance(),
      lost: (cause) => this.#targetLost(cause),
      failed: (reason, error) => this.#finish(reason, error),
      unserved: (fields, error) => step({ from: 'unserved', fields, error }),
      reported: (name, value) => step({ from: 'target', message: { type: 'parameterStatus', name, value } }),
      woken: () => this.#guard('target', () => {}),
    }
  }

  cancel(): void {
    const { gate, machine, link } = this.#deps
    if (!gate.endHold('cancelled') && machine.isRunning) void link.cancel()
  }

  end(reason: string): void {
    const error = new SallyportError('SESSION_ENDED', 'the session was ended', { hint: 'connect again' })
    this.#finish(reason, error)
  }

  endWhenIdle(reason: string): void {
    this.#idleReason = reason
    this.#deps.gate.endHold('draining')
    if (this.#deps.machine.isIdle) this.end(reason)
  }

  /** Runs one wake-up. What a peer does wrong ends the session; so does a bug of ours, which is logged. */
  #guard(side: 'client' | 'target', work: () => void): void {
    if (this.#isOver) return
    try {
      work()
      // Others wait for the connection: they have it before the client's next message does.
      if (this.#deps.link.isWanted) this.#mayRest()
      this.#takeWaiting()
      this.#mayRest()
    } catch (thrown) {
      this.#fail(side, thrown)
      return
    }
    this.#leaveSoon()
  }

  #mayRest(): void {
    const { machine, link, lent } = this.#deps
    if (!this.#isOver && machine.isAtRest && !lent.isLent) link.rest(this.#fromTarget.pendingBytes === 0)
  }

  /** What is written to both sides leaves when the others that woke up with this session are done, or as soon as it is much. */
  #leaveSoon(): void {
    if (this.#isOver) return
    if (this.#outbox.length >= limits.departureBytesMax) this.#leave()
    else if (!this.#isLeaving) {
      this.#isLeaving = true
      this.#deps.departures.add(this.#depart)
    }
  }

  readonly #depart = (): void => {
    this.#isLeaving = false
    if (!this.#isOver) this.#leave()
  }

  #holdBack(settles: undefined | Promise<void>): void {
    if (settles === undefined) return
    this.#heldBack += 1
    const settled = () => (this.#heldBack -= 1)
    void settles.then(() => this.#guard('target', settled))
  }

  #leave(): void {
    const { machine } = this.#deps
    if (this.#heldBack > 0) return void this.#balance()
    const isSilent = this.#waiting.length === 0 && this.#fromClient.pendingBytes === 0
    if (isSilent) this.#perform(machine.flush())
    try {
      this.#outbox.send()
    } catch (thrown) {
      this.#outbox.drop()
      this.#finish('the record cannot be written', asSallyportError(thrown))
      return
    }
    this.#balance()
    if (this.#idleReason !== null && machine.isIdle) this.end(this.#idleReason)
  }

  #fail(side: 'client' | 'target', thrown: unknown): void {
    const error = asSallyportError(thrown)
    if (error.code !== 'PROTOCOL_VIOLATION') {
      this.#deps.log.error({ code: error.code, cause: String(error.cause ?? error) }, 'session-failed')
      this.#finish('an internal error', error)
    } else if (side === 'client') this.#finish(`protocol violation: ${error.message}`, error)
    else this.#targetLost(error)
  }

  #takeClientBytes(chunk: Buffer): void {
    const frames = this.#fromClient.push(chunk)
    this.#deadlines.clientSpoke(this.#fromClient.pendingBytes, frames.length)
    this.#waiting.put(frames)
    if (this.#deps.gate.isHolding) this.#takeWhileHeld(frames)
  }

  /** While a statement waits for a person the client is read on, so that its end is noticed: up to a bound. */
  #takeWhileHeld(frames: readonly Frame[]): void {
    if (frames.some(({ typeByte }) => typeByte === frontendBytes.terminate)) {
      this.#finish(goodbye, null)
      return
    }
    const bytes = this.#fromClient.pendingBytes + this.#waiting.bytes
    if (this.#waiting.length > limits.pendingMessagesMax || bytes > limits.pendingBytesMax)
      this.#deps.gate.endHold('crowded')
  }

  #takeWaiting(): void {
    const { machine, link } = this.#deps
    while (!this.#isOver && machine.wantsClient) {
      // In the middle of a COPY the client has to go on.
      if (link.mustYield && !machine.waitsForClient) break
      const frame = this.#waiting.first
      if (frame === undefined) break
      if (machine.isIdle && this.#deps.isTokenExpired()) {
        this.#finish('the token expired', tokenExpired())
        break
      }
      this.#waiting.shift()
      if (frame.typeByte === frontendBytes.copyData && machine.passCopyIn())
        link.toTarget.begin(frame.typeByte).bytes(frame.body).finish()
      else this.#perform(machine.step({ from: 'client', message: decodeFrontend(frame) }))
    }
  }

  #takeTargetBytes(chunk: Buffer): void {
    if (!this.#deps.lent.isLent && !this.#late.admit(chunk, this.#deps.machine.awaited())) return
    this.#fromTarget.each(chunk, this.#onTargetMessage)
    this.#rows.finish()
  }

  readonly #onTargetMessage = (typeByte: number, bytes: Buffer, start: number, end: number): void => {
    if (this.#isOver) return
    const { machine, lent, link } = this.#deps
    // Most of an answer goes on without being taken apart, and rows beside each other together.
    if (!lent.isLent && passes(machine, this.#rows, typeByte, bytes, start, end)) return
    this.#rows.finish()
    const frame = { typeByte, body: bytes.subarray(start, end) }
    if (lent.isLent && lent.take(frame)) return
    const seen = link.answered(typeByte, frame.body)
    if (seen === 'hidden') return
    const message = seen === 'as-parsed' ? parsed : decodeBackend(frame)
    this.#perform(machine.step({ from: 'target', message }))
    if (typeByte === backendBytes.readyForQuery) link.settled(machine.readiesDue)
  }

  #perform(actions: readonly Action[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'forward':
          this.#deps.link.forward(action.message, action.statement)
          break
        case 'send':
          writeBackend(this.#toClient, action.message)
          break
        case 'judge':
          this.#judged(this.#deps.gate.judge(action.request, this.#waits))
          break
        case 'outcome':
          noteOutcome(this.#deps, action.running, action)
          break
        case 'guessed':
          for (const guess of action.guesses) guess.count()
          break
        case 'cancelTarget':
          void this.#deps.link.cancel().then(() => this.#guard('target', this.#cancelDelivered))
          break
        case 'refused':
          this.#deps.gate.refuse(action.what, action.error)
          break
        case 'catalogChanged':
          this.#holdBack(this.#deps.onCatalogChanged())
          break
        case 'close':
          this.#finish(action.reason, action.error, action.fields)
          break
      }
    }
  }

  /** In the steady state the answer is there at once and costs no promise. */
  #judged(judgement: Judgement | Promise<Judgement>): void {
    const { machine } = this.#deps
    if (!(judgement instanceof Promise)) {
      if (judgement.kind === 'allowed') this.#deps.link.note(judgement.statements)
      this.#perform(machine.step({ from: 'gate', judgement }))
      return
    }
    judgement.then(
      (settled) => {
        if (this.#isOver) neverRun(settled)
        else this.#guard('client', () => this.#takeSettled(settled))
      },
      (thrown: unknown) => this.#fail('client', thrown),
    )
  }

  readonly #waits = (notice: HoldNotice): void =>
    this.#guard('client', () => this.#perform(this.#deps.machine.step({ from: 'hold', notice })))

  #takeSettled(judgement: Judgement): void {
    if (judgement.kind === 'refused' && judgement.error.code === 'TOKEN_EXPIRED')
      this.#finish('the token expired', judgement.error)
    else this.#perform(this.#stepOrGiveBack(judgement))
  }

  #stepOrGiveBack(judgement: Judgement): readonly Action[] {
    try {
      if (judgement.kind === 'allowed') this.#deps.link.note(judgement.statements)
      return this.#deps.machine.step({ from: 'gate', judgement })
    } catch (thrown) {
      neverRun(judgement)
      throw thrown
    }
  }

  /** a side is read only while the other takes its bytes and its own messages get their turn. */
  #balance(): void {
    if (this.#isOver) return
    const { client, link, machine } = this.#deps
    const isUpToDate = this.#waiting.length === 0 || this.#deps.gate.isHolding
    const mayLeave = this.#heldBack === 0
    flow(client, mayLeave && !link.isFull && isUpToDate)
    link.flow(mayLeave && !client.writableNeedDrain && !this.#late.isAsking)
    this.#deadlines.noteStalled(client.writableNeedDrain)
    // Whoever may not send because the target takes nothing is not idle.
    this.#deadlines.noteWaiting(machine.waitsForClient && !link.isFull)
  }

  #targetLost(cause: Error | undefined): void {
    if (this.#isOver) return
    this.#deps.log.warn({ cause: cause?.message ?? 'closed' }, 'target-lost')
    this.#finish('the target vanished', connectionLost(cause))
  }

  #finish(reason: string, error: SallyportError | null, shown?: NoticeFields): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadlines.clear()
    const { client, link, machine, record, gate } = this.#deps
    // First of all: whatever waits for a person never runs, and the record says so while it is open.
    gate.endHold('vanished')
    const isClean = error === null && this.#isTargetClean()
    this.#deps.lent.end()
    const unfinished = machine.unfinished()
    for (const running of unfinished) noteOutcome(this.#deps, running, { result: 'unknown', tag: '', sqlstate: '' })
    const fields = error === null ? null : (shown ?? errorFields(error, 'FATAL'))
    const last = fields === null ? null : encodeBackend({ type: 'errorResponse', fields })
    if (last !== null) this.#toClient.bytes(last)
    else if (!isClean && unfinished.length === 0 && link.toTarget.length === 0) link.forward({ type: 'terminate' })
    // What runs is asked to stop: PostgreSQL notices a closed connection only when it writes to it.
    // A client that said goodbye wants it to finish.
    if (unfinished.length > 0 && reason !== goodbye) void link.cancel()
    this.#outbox.sendLast(last)
    client.end()
    closeSoon(client)
    link.end(isClean)
    record.close(reason)
    this.#settle(reason)
  }

  /** whoever comes next finds it as a login leaves it, but for what a reset undoes. */
  #isTargetClean(): boolean {
    const { machine, link, lent } = this.#deps
    return machine.isClean && link.isClean && this.#fromTarget.pendingBytes === 0 && !lent.isLent
  }
}

const parsed = { type: 'parseComplete' } as const
