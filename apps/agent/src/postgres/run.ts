// Performs what the machine says, in order, on two sockets: one write per wake-up to each side, and a side that does not
// take its bytes stops the other one. It holds no protocol state and decides nothing.
import type { Duplex } from 'node:stream'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { ByteWriter } from '@sallyport/wire/bytes/writer'
import { decodeBackend, decodeFrontend } from '@sallyport/wire/postgres/decode'
import { encodeBackend, writeBackend, writeFrontend } from '@sallyport/wire/postgres/encode'
import { type Frame, FrameSplitter, headerBytes } from '@sallyport/wire/postgres/frames'
import type { NoticeFields } from '@sallyport/wire/postgres/messages'
import { backendBytes, backendCaps, frontendBytes, frontendCaps } from '@sallyport/wire/postgres/names'
import type { SessionRecord } from '../record/record.ts'
import type { Gate, Judgement } from '../session/gate.ts'
import { type HoldNotice, tokenExpired } from '../session/hold-words.ts'
import type { Log } from '../session/log.ts'
import { type DeadlineBounds, Deadlines } from './deadlines.ts'
import type { Departures } from './departures.ts'
import { LateAnswers } from './late.ts'
import type { LentConnection } from './lent.ts'
import type { Action, Machine, Running } from './machine.ts'
import { Outbox } from './outbox.ts'
import { neverRun, noteOutcome } from './outcome.ts'
import { errorFields } from './refuse.ts'
import { RowRun } from './row-run.ts'
import { goodbye } from './state.ts'
import { closeSoon, connectionLost, flow } from './streams.ts'

export interface RunDeps {
  readonly client: Duplex
  readonly target: Duplex
  readonly machine: Machine
  readonly gate: Gate
  readonly record: SessionRecord
  /** The target's connection, for the agent's own questions between the client's messages. */
  readonly lent: LentConnection
  readonly deadlines: DeadlineBounds
  readonly departures: Departures
  readonly monotonicUs: () => number
  readonly log: Log
  /** Objects at the target were changed by this session. */
  readonly onCatalogChanged: () => void
  readonly onOutcome: (running: Running, result: string) => void
  /** Asks the target to stop what runs; best effort. Settles once the target has got it, or cannot. Never rejects. */
  readonly cancelTarget: () => Promise<void>
  /** Looked at before each message of an idle client, and before a held statement runs. */
  readonly isTokenExpired: () => boolean
  /** Ends our hold on the target's socket. `clean`: it is idle and nobody listens to it; else it is closed. */
  readonly releaseTarget: (clean: boolean) => void
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
  readonly #toTarget: ByteWriter
  /** Whole messages of the client that wait for their turn. */
  #waiting: Frame[] = []
  #waitingAt = 0
  readonly #rows: RowRun
  readonly #deadlines: Deadlines
  readonly #late: LateAnswers
  #isOver = false
  #isLeaving = false
  /** Cancel requests of the client's that the target may not have got yet. */
  #cancelsDue = 0
  #idleReason: string | null = null
  #settle: (reason: string) => void = () => {}

  constructor(deps: RunDeps) {
    this.#deps = deps
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    const { client, target } = deps
    this.#outbox = new Outbox(client, target, deps.record)
    this.#toClient = this.#outbox.toClient
    this.#toTarget = this.#outbox.toTarget
    this.#rows = new RowRun(this.#toClient)
    this.#deadlines = new Deadlines({
      ...deps.deadlines,
      nowMs: () => deps.monotonicUs() / 1_000,
      isReading: () => !client.isPaused(),
      onLate: (reason, error) => this.#finish(reason, error),
    })
    const changed = (error: SallyportError): void => this.#finish('objects were changed while it waited', error)
    this.#late = new LateAnswers({ monotonicUs: deps.monotonicUs, take: this.#onTargetBytes, changed })
    client.on('data', (chunk: Buffer) => this.#guard('client', () => this.#takeClientBytes(chunk)))
    target.on('data', this.#onTargetBytes)
    client.on('drain', this.#onDrain)
    target.on('drain', this.#onDrain)
    client.on('error', () => this.#finish('the client vanished', null))
    client.on('close', () => this.#finish('the client vanished', null))
    target.on('error', this.#onTargetError)
    target.on('close', this.#onTargetClosed)
    deps.lent.attach({
      write: (bytes) => {
        this.#toTarget.bytes(bytes)
        this.#leaveSoon()
      },
      lost: (error) => this.#targetLost(error),
    })
    this.#guard('target', () => this.#perform(deps.machine.start()))
  }

  readonly #onDrain = (): void => this.#balance()
  readonly #onTargetBytes = (chunk: Buffer): void => this.#guard('target', () => this.#takeTargetBytes(chunk))
  readonly #onTargetError = (error: Error): void => this.#targetLost(error)
  readonly #onTargetClosed = (): void => this.#targetLost(undefined)

  cancel(): void {
    const { gate, machine, cancelTarget } = this.#deps
    if (gate.endHold('cancelled') || !machine.isRunning) return
    this.#cancelsDue += 1
    void cancelTarget().finally(() => {
      this.#cancelsDue -= 1
    })
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
      this.#takeWaiting()
    } catch (thrown) {
      this.#fail(side, thrown)
      return
    }
    this.#leaveSoon()
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

  #leave(): void {
    const { machine } = this.#deps
    try {
      this.#outbox.send()
    } catch (thrown) {
      this.#outbox.drop()
      this.#finish('the record cannot be written', asSallyportError(thrown))
      return
    }
    this.#balance()
    this.#deadlines.noteWaiting(machine.waitsForClient)
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
    this.#waiting = this.#waitingAt === this.#waiting.length ? frames : [...this.#rest(), ...frames]
    this.#waitingAt = 0
    if (this.#deps.gate.isHolding) this.#takeWhileHeld(frames)
  }

  /** While a statement waits for a person the client is read on, so that its end is noticed: up to a bound. */
  #takeWhileHeld(frames: readonly Frame[]): void {
    if (frames.some(({ typeByte }) => typeByte === frontendBytes.terminate)) {
      this.#finish(goodbye, null)
      return
    }
    const bytes = this.#fromClient.pendingBytes + this.#waiting.reduce((sum, { body }) => sum + body.length, 0)
    if (this.#waiting.length > limits.pendingMessagesMax || bytes > limits.pendingBytesMax)
      this.#deps.gate.endHold('crowded')
  }

  #rest(): Frame[] {
    return this.#waiting.slice(this.#waitingAt)
  }

  #takeWaiting(): void {
    const { machine } = this.#deps
    while (!this.#isOver && machine.wantsClient) {
      const frame = this.#waiting[this.#waitingAt]
      if (frame === undefined) break
      if (machine.isIdle && this.#deps.isTokenExpired()) {
        this.#finish('the token expired', tokenExpired())
        break
      }
      this.#waitingAt += 1
      if (frame.typeByte === frontendBytes.copyData && machine.passCopyIn())
        this.#toTarget.begin(frame.typeByte).bytes(frame.body).finish()
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
    const { machine, lent } = this.#deps
    // Rows that nothing must change go on without being taken apart, and those beside each other together.
    if (!lent.isLent && typeByte === backendBytes.dataRow && machine.passRow(end - start)) {
      this.#rows.take(bytes, start - headerBytes, end)
      return
    }
    this.#rows.finish()
    const frame = { typeByte, body: bytes.subarray(start, end) }
    if (lent.isLent && lent.take(frame)) return
    this.#perform(machine.step({ from: 'target', message: decodeBackend(frame) }))
  }

  #perform(actions: readonly Action[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'forward':
          writeFrontend(this.#toTarget, action.message)
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
        case 'cancelTarget':
          void this.#deps.cancelTarget().then(() => this.#guard('target', () => this.#cancelDelivered()))
          break
        case 'refused':
          this.#deps.gate.refuse(action.what, action.error)
          break
        case 'catalogChanged':
          this.#deps.onCatalogChanged()
          break
        case 'close':
          this.#finish(action.reason, action.error, action.fields)
          break
      }
    }
  }

  #cancelDelivered(): void {
    this.#perform(this.#deps.machine.step({ from: 'cancelled' }))
  }

  /** In the steady state the answer is there at once and costs no promise. */
  #judged(judgement: Judgement | Promise<Judgement>): void {
    const { machine } = this.#deps
    if (!(judgement instanceof Promise)) {
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
      return this.#deps.machine.step({ from: 'gate', judgement })
    } catch (thrown) {
      neverRun(judgement)
      throw thrown
    }
  }

  /** a side is read only while the other takes its bytes and its own messages get their turn. */
  #balance(): void {
    if (this.#isOver) return
    const { client, target } = this.#deps
    const isUpToDate = this.#waitingAt === this.#waiting.length || this.#deps.gate.isHolding
    const mayReadClient = !target.writableNeedDrain && isUpToDate
    flow(client, mayReadClient)
    flow(target, !client.writableNeedDrain && !this.#late.isAsking)
    this.#deadlines.noteStalled(client.writableNeedDrain)
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
    const { client, target, machine, record, cancelTarget, releaseTarget, gate } = this.#deps
    // First of all: whatever waits for a person never runs, and the record says so while it is open.
    gate.endHold('vanished')
    const isClean = error === null && this.#isTargetClean()
    this.#deps.lent.end()
    const unfinished = machine.unfinished()
    for (const running of unfinished) noteOutcome(this.#deps, running, { result: 'unknown', tag: '', sqlstate: '' })
    const fields = error === null ? null : (shown ?? errorFields(error, 'FATAL'))
    const last = fields === null ? null : encodeBackend({ type: 'errorResponse', fields })
    if (last !== null) this.#toClient.bytes(last)
    else if (!isClean && unfinished.length === 0 && this.#toTarget.length === 0)
      writeFrontend(this.#toTarget, { type: 'terminate' })
    // What runs is asked to stop: PostgreSQL notices a closed connection only when it writes to it.
    // A client that said goodbye wants it to finish.
    if (unfinished.length > 0 && reason !== goodbye) void cancelTarget()
    this.#outbox.sendLast(last)
    client.end()
    closeSoon(client)
    if (isClean) this.#letGoOfTarget()
    else {
      target.end()
      closeSoon(target)
    }
    releaseTarget(isClean)
    record.close(reason)
    this.#settle(reason)
  }

  /** whoever comes next finds it as a login leaves it, but for what a reset undoes. */
  #isTargetClean(): boolean {
    const { machine, target, lent } = this.#deps
    // A cancel that is still on its way would hit a statement of whoever comes next.
    if (this.#cancelsDue > 0) return false
    const isSilent = this.#toTarget.length === 0 && target.writableLength === 0 && this.#fromTarget.pendingBytes === 0
    return machine.isClean && isSilent && !lent.isLent && !target.destroyed && target.writable
  }

  #letGoOfTarget(): void {
    const { target } = this.#deps
    target.pause()
    target.off('data', this.#onTargetBytes)
    target.off('drain', this.#onDrain)
    target.off('error', this.#onTargetError)
    target.off('close', this.#onTargetClosed)
  }
}
