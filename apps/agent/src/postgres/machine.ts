// One session's protocol as a machine: messages of both sides and the gate's answers go in, what has to be done comes
// out, in order. No socket, no clock, no promise; simple and extended protocol go through the same states.
//
//   client → takeClient ─judge→ gate → takeJudgement ─forward→ target → takeTarget ─send→ client
//
// INVARIANT: nothing is forwarded that the gate has not let through, and nothing is sent that no answer was due for.

import { unreachable } from '@sallyport/base/assert'
import type { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { BackendMessage, FrontendMessage, NoticeFields } from '@sallyport/wire/postgres/messages'
import type { Judgement } from '../session/gate.ts'
import type { HoldNotice } from '../session/hold-words.ts'
import { askContext } from './context.ts'
import { takeJudgement } from './forward.ts'
import { takeHold } from './holding.ts'
import { withoutInitiator } from './initiator.ts'
import { passDescription, passRow } from './passing.ts'
import { type Replacements, replacementsIn } from './replacements.ts'
import { flushOpen, resume, takeClient } from './requests.ts'
import { passCopyIn, takeTarget, takeUnserved, unfinished } from './results.ts'
import {
  type Action,
  awaited,
  endsWithReady,
  isAtRest,
  isClean,
  openState,
  type Running,
  type State,
  waitsForClient,
} from './state.ts'

export type { Action, Running }

export type Input =
  | { readonly from: 'client'; readonly message: FrontendMessage }
  | { readonly from: 'target'; readonly message: BackendMessage }
  | { readonly from: 'gate'; readonly judgement: Judgement }
  /** The statement that is judged waits for a person from now on. */
  | { readonly from: 'hold'; readonly notice: HoldNotice }
  /** What was forwarded since the target was at rest has not reached it, and never will: for the client it fails with these. */
  | { readonly from: 'unserved'; readonly fields: NoticeFields; readonly error: SallyportError }
  /** The cancel request of a `cancelTarget` was delivered, or could not be. */
  | { readonly from: 'cancelled' }

export interface Machine {
  /** What to do, in order. Empty after the session is closed. */
  step(input: Input): readonly Action[]
  /** Asks the target for the search_path; the first thing of a session. */
  start(): readonly Action[]
  /** The client says no more for now, and has not told the target to answer: it is told to, so that what it has done is known. */
  flush(): readonly Action[]
  /** A client message may be given now. */
  readonly wantsClient: boolean
  /** Something of the client runs at the target, so that a cancel request has something to hit. */
  readonly isRunning: boolean
  /** Nothing is due, nothing waits, no transaction is open. */
  readonly isIdle: boolean
  /** The same, and the target has nothing before it that a Sync would have to end: another session could go on here. */
  readonly isClean: boolean
  /** Nothing of the session is at the target: it could go on at another connection. */
  readonly isAtRest: boolean
  /** So many times the target has still to say ReadyForQuery. */
  readonly readiesDue: number
  /** The target keeps a transaction or a COPY open and only the client can go on with it: nothing is due from anybody else. */
  readonly waitsForClient: boolean
  /** True: this DataRow, whose body is `bytes` from `start` to `end`, is counted and may pass as it is. False: give it to `step`. */
  passRow(bytes: Buffer, start: number, end: number): boolean
  /** What of this DataRow is replaced, which is counted then; null: give it to `step`. Good until the next call. */
  replacementsIn(bytes: Buffer, start: number, end: number): Replacements | null
  /** The same as `passRow` for a RowDescription: what it says was noted. */
  passDescription(bytes: Buffer, start: number, end: number): boolean
  /** True: a CopyData of the client may pass as it is. */
  passCopyIn(): boolean
  /** Statements that were forwarded and not answered. */
  unfinished(): readonly Running[]
  /** The first of them. `isNext`: what the target says next is its answer, and nothing that was asked before. */
  awaited(): { readonly running: Running; readonly isNext: boolean } | null
}

export interface MachineOptions {
  readonly serverVersion: number
  readonly hash: KeyedHash
  /** What the target reported of its settings at login. */
  readonly settings?: Iterable<readonly [string, string]>
}

const wantsClient = (state: State): boolean =>
  state.phase === 'open' &&
  state.judging === null &&
  state.held === null &&
  !state.cancelling &&
  state.expected.length < limits.pendingMessagesMax

export const createMachine = (options: MachineOptions): Machine => new SessionMachine(options)

/** A class, since an object of its own with getters is a dictionary to V8: looked up by name for each message, and 2 kB more of each session. */
class SessionMachine implements Machine {
  readonly #options: MachineOptions
  readonly #state: State

  constructor(options: MachineOptions) {
    this.#options = options
    this.#state = openState(options.serverVersion, options.settings)
  }

  step(input: Input): readonly Action[] {
    return step(this.#state, this.#options, input)
  }

  start(): readonly Action[] {
    const out: Action[] = []
    askContext(this.#state, out)
    return out
  }

  flush(): readonly Action[] {
    const out: Action[] = []
    if (wantsClient(this.#state)) flushOpen(this.#state, out)
    return out
  }

  get wantsClient(): boolean {
    return wantsClient(this.#state)
  }

  get isRunning(): boolean {
    return this.#state.expected.some(({ kind }) => kind === 'query' || kind === 'execute')
  }

  get isIdle(): boolean {
    const { expected, held, judging, status } = this.#state
    return expected.length === 0 && held === null && judging === null && status === 'I'
  }

  get isClean(): boolean {
    return isClean(this.#state)
  }

  get isAtRest(): boolean {
    return isAtRest(this.#state)
  }

  get readiesDue(): number {
    return this.#state.expected.filter(endsWithReady).length
  }

  get waitsForClient(): boolean {
    return waitsForClient(this.#state)
  }

  passRow(bytes: Buffer, start: number, end: number): boolean {
    return this.#state.phase === 'open' && passRow(this.#state, bytes, start, end)
  }

  replacementsIn(bytes: Buffer, start: number, end: number): Replacements | null {
    return this.#state.phase === 'open' ? replacementsIn(this.#state, bytes, start, end) : null
  }

  passDescription(bytes: Buffer, start: number, end: number): boolean {
    return this.#state.phase === 'open' && passDescription(this.#state, bytes, start, end)
  }

  passCopyIn(): boolean {
    const { phase, judging, held } = this.#state
    return phase === 'open' && judging === null && held === null && passCopyIn(this.#state)
  }

  unfinished(): readonly Running[] {
    return unfinished(this.#state)
  }

  awaited(): { readonly running: Running; readonly isNext: boolean } | null {
    return awaited(this.#state)
  }
}

function step(state: State, { hash }: MachineOptions, input: Input): readonly Action[] {
  const out: Action[] = []
  if (state.phase === 'closed') return out
  switch (input.from) {
    case 'client':
      takeClient(state, withoutInitiator(state, input.message), out)
      break
    case 'target':
      takeTarget(state, input.message, hash, out)
      resume(state, out)
      break
    case 'gate':
      takeJudgement(state, input.judgement, out)
      resume(state, out)
      break
    case 'hold':
      takeHold(state, input.notice, out)
      break
    case 'unserved':
      takeUnserved(state, input.fields, input.error, hash, out)
      resume(state, out)
      break
    case 'cancelled':
      state.cancelling = false
      break
    default:
      unreachable(input)
  }
  return out
}
