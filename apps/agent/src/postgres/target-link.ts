// Between a session and its target: where its messages go, and where the bytes of the target come from. `OwnConnection` is for
// sessions that have one connection from first to last; turns.ts for those that have one for a transaction at a time.
import type { Duplex } from 'node:stream'
import type { SallyportError } from '@sallyport/base/errors'
import { ByteWriter } from '@sallyport/wire/bytes/writer'
import { writeFrontend } from '@sallyport/wire/postgres/encode'
import type { FrontendMessage, NoticeFields } from '@sallyport/wire/postgres/messages'
import type { JudgedStatement } from '../session/gate.ts'
import { keepBytes, passViews } from './reading.ts'
import type { Prepared } from './state.ts'
import { closeSoon, flow } from './streams.ts'

/** Who takes what comes from the target: the session. */
export interface TargetTaker {
  /** The chunk is good until this returns: its memory is used again. */
  bytes(chunk: Buffer): void
  drained(): void
  lost(cause: Error | undefined): void
  /** The session cannot go on, and its client is told why. */
  failed(reason: string, error: SallyportError): void
  /** What was forwarded since the target was at rest has not reached it, and never will. */
  unserved(fields: NoticeFields, error: SallyportError): void
  /** A setting has another value than the client was told last. */
  reported(name: string, value: string): void
  /** There is something to send, or the session may be at rest, although nothing has come. */
  woken(): void
}

/** What becomes of an answer: the session sees it, as itself or as ParseComplete, or nobody does. */
export type Seen = 'as-it-is' | 'as-parsed' | 'hidden'

export interface TargetLink {
  /** Once, before anything else. */
  start(taker: TargetTaker): void
  /** What was written and has not left. */
  readonly toTarget: ByteWriter
  /** A statement that may run was judged; its messages come next. */
  note(judged: readonly JudgedStatement[]): void
  forward(message: FrontendMessage, statement?: Prepared): void
  /** Bytes of the agent's own questions. */
  own(bytes: Buffer): void
  /** Before the session sees an answer. The body is looked at only for what it reports. */
  answered(typeByte: number, body: Buffer): Seen
  /** After the session has seen a ReadyForQuery: how many more are due. */
  settled(readiesDue: number): void
  /** Writes `toTarget`. */
  send(): void
  /** The target takes no more for now. */
  readonly isFull: boolean
  /** Others wait, so that the next message of the client has to wait until what was sent is answered. */
  readonly mustYield: boolean
  readonly isWanted: boolean
  flow(wanted: boolean): void
  /** Nothing of the session is at the target. `isQuiet`: and nothing that came from it is half read. */
  rest(isQuiet: boolean): void
  /** Asks the target to stop what runs; best effort. Settles once the target has got it, or cannot. Never rejects. */
  cancel(): Promise<void>
  /** Nothing is on its way to the target that could hit somebody else there. */
  readonly isClean: boolean
  /** Ends the session's hold on the target. `clean`: it is at rest, and another session could go on there. */
  end(clean: boolean): void
}

export interface OwnConnectionDeps {
  readonly target: Duplex
  /** False: nobody knows whether the target will hear of it, and when. */
  readonly cancelTarget: () => Promise<boolean>
  /** Ends our hold on the socket. `clean`: it is idle and nobody listens to it; else it is closed. */
  readonly releaseTarget: (clean: boolean) => void
}

export class OwnConnection implements TargetLink {
  readonly toTarget = new ByteWriter()
  readonly mustYield = false
  readonly isWanted = false
  readonly #deps: OwnConnectionDeps
  /** Cancel requests that the target may not have got yet. */
  #cancelsDue = 0
  /** One may come at any time. */
  #isPoisoned = false
  #letGo: () => void = () => {}

  constructor(deps: OwnConnectionDeps) {
    this.#deps = deps
  }

  start(taker: TargetTaker): void {
    this.#letGo = listenTo(this.#deps.target, taker)
  }

  note(): void {}

  forward(message: FrontendMessage): void {
    writeFrontend(this.toTarget, message)
  }

  own(bytes: Buffer): void {
    this.toTarget.bytes(bytes)
  }

  answered(): Seen {
    return 'as-it-is'
  }

  settled(): void {}

  send(): void {
    if (this.toTarget.length > 0) this.#deps.target.write(this.toTarget.take())
  }

  get isFull(): boolean {
    return this.#deps.target.writableNeedDrain
  }

  flow(wanted: boolean): void {
    flow(this.#deps.target, wanted)
  }

  rest(): void {}

  async cancel(): Promise<void> {
    this.#cancelsDue += 1
    if (!(await this.#deps.cancelTarget())) this.#isPoisoned = true
    this.#cancelsDue -= 1
  }

  /** A cancel that is still on its way would hit a statement of whoever comes next (THREATS ). */
  get isClean(): boolean {
    const { target } = this.#deps
    const isSilent = this.toTarget.length === 0 && target.writableLength === 0
    return this.#cancelsDue === 0 && !this.#isPoisoned && isSilent && !target.destroyed && target.writable
  }

  end(clean: boolean): void {
    const { target, releaseTarget } = this.#deps
    if (clean) {
      target.pause()
      this.#letGo()
    } else {
      target.end()
      closeSoon(target)
    }
    releaseTarget(clean)
  }
}

/** Gives what comes from a socket to the session; the result lets go of it. */
export function listenTo(target: Duplex, taker: TargetTaker): () => void {
  const bytes = (chunk: Buffer): void => taker.bytes(chunk)
  const drained = (): void => taker.drained()
  const failed = (error: Error): void => taker.lost(error)
  const closed = (): void => taker.lost(undefined)
  passViews(target)
  target.on('data', bytes)
  target.on('drain', drained)
  target.on('error', failed)
  target.on('close', closed)
  return () => {
    keepBytes(target)
    target.off('data', bytes)
    target.off('drain', drained)
    target.off('error', failed)
    target.off('close', closed)
  }
}
