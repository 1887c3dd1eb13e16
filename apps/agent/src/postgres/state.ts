// What one session remembers between messages: answers that are due from the target, prepared statements, portals, and
// how far names can be trusted. Only machine.ts and the files that it calls change it.

import type { SallyportError } from '@sallyport/base/errors'
import type { RowMaskers } from '@sallyport/mask/column'
import type { Detection } from '@sallyport/mask/detect/detection'
import type { StatementFacts } from '@sallyport/sql/facts'
import type {
  BackendMessage,
  ColumnDescription,
  Format,
  FrontendMessage,
  NoticeFields,
  TransactionStatus,
} from '@sallyport/wire/postgres/messages'
import type { JudgedStatement, JudgeRequest, Protection } from '../session/gate.ts'
import type { Guess } from '../session/guesses.ts'
import type { Said } from '../session/initiator.ts'
import type { BoundParameters } from '../session/recorded.ts'
import { nameChanges } from '../session/refusals.ts'
import { type InitiatorState, noInitiator, type Setting } from './initiator.ts'
import type { Overrun } from './overrun.ts'

/** What the runner has to do, in order. */
export type Action =
  /** `statement`: the named or unnamed one that a Parse makes, and that a Bind or Describe is about. */
  | { readonly do: 'forward'; readonly message: FrontendMessage; readonly statement?: Prepared }
  | { readonly do: 'send'; readonly message: BackendMessage }
  /** Ask the gate; its answer comes back as an input. No client message is taken until then. */
  | { readonly do: 'judge'; readonly request: JudgeRequest }
  | {
      readonly do: 'outcome'
      readonly running: Running
      readonly result: 'done' | 'failed' | 'cancelled' | 'unknown'
      readonly tag: string
      readonly sqlstate: string
    }
  /** A constraint has answered guesses at protected values. */
  | { readonly do: 'guessed'; readonly guesses: readonly Guess[] }
  /** A result was ended and the target sends on: a cancel request; `cancelled` comes back once it was delivered. */
  | { readonly do: 'cancelTarget' }
  /** A refusal of the protocol itself, for the record. */
  | { readonly do: 'refused'; readonly what: string; readonly error: SallyportError }
  /** Objects were changed and are visible to others now: the catalog has to be read anew. */
  | { readonly do: 'catalogChanged' }
  /** Ends both sides. With an error the client is told FATAL; without one it is not told. */
  /** `fields` are what the client reads of it, where that is not the error itself. */
  | {
      readonly do: 'close'
      readonly reason: string
      readonly error: SallyportError | null
      readonly fields?: NoticeFields | undefined
    }

/** Maskers of a result, made for these descriptions of its columns. */
export interface RowMasking {
  readonly columns: readonly ColumnDescription[]
  readonly maskers: RowMaskers
  /** Columns that have one. */
  readonly masked: readonly number[]
}

/** A statement that was forwarded to run. Counts grow while its result passes. */
export interface Running {
  readonly judged: JudgedStatement
  /** What is done to its rows, once their description is known. */
  masking: RowMasking | null
  rows: number
  bytes: number
  maskedValues: number
}
export const runningOf = (judged: JudgedStatement): Running => ({
  judged,
  masking: null,
  rows: 0,
  bytes: 0,
  maskedValues: 0,
})

/** A prepared statement, by protocol or by SQL: one name space. */
export interface Prepared {
  readonly name: string
  readonly text: string
  /** OIDs that the client declared for its parameters; 0 or absent leaves one to the target. */
  readonly parameterTypes: readonly number[]
  /** OIDs that the target told, once it was asked to describe the statement. */
  describedTypes: readonly number[]
  /** Segment in which its definition was forwarded, until the target has acknowledged it. */
  pendingSegment: number | null
  /** As the target described it, and what was protected then; described anew when that has changed. */
  described: Described | null
  /** Errors and notices about it may quote protected values. */
  readonly sensitive: boolean
  /** For whom it was prepared, by a comment in its text, and the scope in which that counts. */
  readonly said: { readonly said: Said; readonly scope: number } | null
  /** Executing it says for whom the next statements run. */
  readonly sets: Setting | null
  /** Where its names were understood: the same text means the same thing at the same place. */
  readonly place: string
  /** Made by SQL in a text that said for whom: EXECUTE has to say it again. */
  readonly needsWord?: true
}

export interface Described {
  readonly columns: readonly ColumnDescription[]
  readonly under: Protection
}

/** A portal or cursor: one name space as well. What it yields was fixed when it was made. */
export interface Portal {
  readonly name: string
  readonly text: string
  /** Null for an empty text. */
  readonly facts: StatementFacts | null
  readonly statement: Prepared | null
  readonly parameters: BoundParameters
  /** As the client bound it; null for a cursor of SQL. */
  readonly bind: BoundMessage | null
  /** What it keeps of the client's bytes. */
  readonly bytes: number
  readonly resultFormats: readonly Format[]
  /** What was protected when it was made; null for a cursor of SQL. */
  readonly protection: Protection | null
  /** Survives the end of its transaction (WITH HOLD). */
  readonly holds: boolean
  pendingSegment: number | null
  columns: readonly ColumnDescription[] | null
  readonly sensitive: boolean
  /** For whom statements run once it is executed, null: for nobody else; undefined where it does not say. */
  readonly sets: Said | null | undefined
  /** Declared in a text that said for whom: FETCH has to say it again. */
  readonly needsWord?: true
}

export type BoundMessage = Extract<FrontendMessage, { type: 'bind' }>

type Undo = (() => void) | null

/** One answer that is due from the target, in the order in which it was asked for. */
export type Expected =
  /** Query: one result for each statement, then ReadyForQuery. */
  | {
      readonly kind: 'query'
      readonly running: readonly Running[]
      at: number
      /** Of the statement at `at`. */
      columns: readonly ColumnDescription[] | null
      failed: boolean
      /** COPY FROM STDIN statements that have not started yet. */
      copiesDue: number
      readonly changes: boolean
    }
  | { readonly kind: 'parse'; readonly statement: Prepared; readonly undo: Undo }
  /** `hidden`: ours, to have the portal of a held statement again. */
  | { readonly kind: 'bind'; readonly portal: Portal; readonly undo: Undo; readonly hidden: boolean }
  | {
      readonly kind: 'describe'
      readonly statement: Prepared | null
      readonly portal: Portal | null
      /** Ours, not the client's: the answer stays here. */
      readonly hidden: boolean
      /** ParameterDescription is still due. */
      parametersDue: boolean
    }
  | {
      readonly kind: 'execute'
      /** Null for an empty text. */
      readonly running: Running | null
      readonly portal: Portal
      copiesDue: number
      readonly changes: boolean
    }
  | { readonly kind: 'close'; readonly undo: Undo }
  /** `hidden`: ours, so that no transaction is open while a statement waits for a person. */
  | { readonly kind: 'sync'; readonly hidden: boolean }
  /** A provoked error: the target's ErrorResponse is replaced by these fields; null: the client has had its error.
   * `ready`: a ReadyForQuery follows. */
  | { readonly kind: 'refusal'; readonly fields: NoticeFields | null; readonly ready: boolean; failed: boolean }
  /** Our own question about the search_path. `ready`: it ends with a ReadyForQuery. */
  | { readonly kind: 'ask'; readonly ready: boolean; answered: boolean; closesDue: number }

/** Which client messages the session takes. */
export type Mode =
  | 'normal'
  /** After an error in the extended protocol: everything is dropped until Sync. */
  | 'skipping'
  /** Between CopyInResponse and CopyDone or CopyFail: only d c f H S. */
  | 'copyIn'

export interface State {
  phase: 'open' | 'closed'
  mode: Mode
  /** Of the last ReadyForQuery. */
  status: TransactionStatus
  readonly expected: Expected[]
  /** How many of them change what names mean. */
  changesDue: number
  /** Grows with every Sync. A definition and its use in one segment stand or fall together. */
  segment: number
  /** Extended messages were forwarded since the last Sync or Query. */
  segmentOpen: boolean
  /** One of them was an Execute: what it did commits with the next Sync or Query, so nothing may come between. */
  segmentRan: boolean
  /** The message whose judgement is awaited. */
  judging: FrontendMessage | null
  /** The held message needs every answer before it is judged again, because it has to wait for a person. */
  settling: boolean
  /** The portal of the Execute that waits for a person, once the target was told to end its transaction. */
  kept: Portal | null
  /** The message that waits for answers that are due. */
  held: FrontendMessage | null
  /** A Flush was sent for the held message. */
  flushed: boolean
  readonly statements: Map<string, Prepared>
  readonly portals: Map<string, Portal>
  /** For whom statements run. */
  readonly initiator: InitiatorState
  /** Channels whose LISTEN was allowed and ran. */
  readonly listening: Set<string>
  /** Masks were in force for a statement of this session: what others notify is looked through. */
  masked: boolean
  /** What detectors look for in texts that are no rows, by the newest judgement; null: nothing. */
  detection: Detection | null
  /** What the target reports of settings under which it reads texts and values. */
  readonly settings: Map<string, string>
  /** A setting that the session has changed and that may change what texts mean; the first one. */
  changedSetting: string | null
  searchPath: readonly string[]
  /** What the search_path names, whether it is there or not. */
  pathNames: readonly string[]
  /** The path was asked for because it did not fit the catalog, for the message that is judged next. */
  pathRenewed: boolean
  /** False: the target has to be asked before the next judgement. */
  pathKnown: boolean
  /** The search_path as the target reported it last (PostgreSQL 18), and as the client was told; null: at neither yet. */
  pathReported: string | null
  pathShown: string | null
  /** Something in this transaction may have changed the search_path, so that its end may change it back. */
  pathTouched: boolean
  /** Objects were changed in this transaction; other sessions, the catalog reader's too, do not see them yet. */
  catalogTouched: boolean
  /** Grows with every change of objects by this session, and when a rollback may have undone one. */
  objectsVersion: number
  /** A statement on protected columns ran in this transaction: even the error of its COMMIT may quote a value. */
  sensitive: boolean
  /** A statement has run since the last ReadyForQuery: what the target says at Sync (deferred triggers) is about it. */
  ran: boolean
  /** What was completed since the last ReadyForQuery. */
  readonly completed: StatementFacts[]
  /** What constraints that wait for the end of the transaction may answer, by its budget. */
  readonly guesses: Map<string, Guess>
  /** Why a COPY FROM STDIN is being failed: what its client is told when the target says so. */
  copyRefused: NoticeFields | null
  /** A limit has ended a result; until the next ReadyForQuery. */
  overrun: Overrun | null
  /** A cancel request of ours is on its way: nothing may be forwarded that it could hit instead. */
  cancelling: boolean
  /** `server_version_num`. */
  readonly serverVersion: number
}

/** Nothing is due, open or on its way. */
export const isClean = (state: State): boolean => isAtRest(state) && state.held === null && state.judging === null

/** The target has nothing of the session's: no transaction, no message, no answer that is due. */
export const isAtRest = (state: State): boolean =>
  state.expected.length === 0 &&
  state.status === 'I' &&
  state.mode === 'normal' &&
  !state.segmentOpen &&
  !state.cancelling

/** Nothing is due but the client's next message, and the target holds locks, a snapshot or a COPY until it comes. */
export const waitsForClient = (state: State): boolean =>
  state.held === null &&
  state.judging === null &&
  !state.cancelling &&
  (state.mode === 'copyIn' || (state.expected.length === 0 && !isClean(state)))

export const openState = (serverVersion: number, settings: Iterable<readonly [string, string]> = []): State => ({
  phase: 'open',
  mode: 'normal',
  status: 'I',
  expected: [],
  changesDue: 0,
  segment: 0,
  segmentOpen: false,
  segmentRan: false,
  judging: null,
  settling: false,
  kept: null,
  held: null,
  flushed: false,
  statements: new Map(),
  portals: new Map(),
  initiator: noInitiator(),
  listening: new Set(),
  masked: false,
  detection: null,
  settings: new Map(settings),
  changedSetting: null,
  searchPath: [],
  pathNames: [],
  pathRenewed: false,
  pathKnown: false,
  pathReported: null,
  pathShown: null,
  pathTouched: false,
  catalogTouched: false,
  objectsVersion: 0,
  sensitive: false,
  ran: false,
  completed: [],
  guesses: new Map(),
  copyRefused: null,
  overrun: null,
  cancelling: false,
  serverVersion,
})

/** Puts an answer at the end of what is due. */
export function expect(state: State, entry: Expected): void {
  state.expected.push(entry)
  if ('changes' in entry && entry.changes) state.changesDue += 1
}

/** Takes the first answer off what is due. */
export function settle(state: State): void {
  const entry = state.expected.shift()
  if (entry !== undefined && 'changes' in entry && entry.changes) state.changesDue -= 1
}

export const endsWithReady = (due: Expected): boolean =>
  due.kind === 'query' || due.kind === 'sync' || ((due.kind === 'refusal' || due.kind === 'ask') && due.ready)

/** The first statement that was forwarded and not answered; `isNext`: its answer comes next. */
export function awaited({ expected }: State): { readonly running: Running; readonly isNext: boolean } | null {
  for (const [at, entry] of expected.entries()) {
    const running =
      entry.kind === 'query' ? entry.running[entry.at] : entry.kind === 'execute' ? entry.running : undefined
    if (running !== undefined && running !== null) return { running, isNext: at === 0 }
  }
  return null
}

/** What the statement's completion changes for later texts; such a statement is waited for before the next is judged. */
export function changesNames(state: State, facts: StatementFacts): boolean {
  const { path, objects, statements } = nameChanges(facts)
  if (path || objects || statements) return true
  // Whatever else a rule lets a caller set: the next text is judged only once the server has told what it made of it.
  if (facts.effects.some(({ operation, baseline }) => operation === 'set' && !baseline)) return true
  if (facts.session.some((effect) => effect.kind === 'transaction' && effect.verb !== 'begin'))
    return state.pathTouched || state.catalogTouched
  return callsUnknownCode(facts)
}

/** A function of the target could change the search_path unseen: before 18 the server does not report it, and since 18
 * only before ReadyForQuery, too late for the next statement of a pipeline. */
export const callsUnknownCode = (facts: StatementFacts): boolean =>
  facts.effects.some(({ operation, object }) => operation === 'call' && !object.startsWith('pg_catalog.'))

export const copiesIn = (facts: StatementFacts): number =>
  facts.session.filter((effect) => effect.kind === 'copy' && effect.direction === 'in').length

/**
 * Portals end with their transaction, unless WITH HOLD. One kept too long could lend its facts to another's rows. Those
 * that are not acknowledged yet belong to a later transaction.
 */
export function endPortals(state: State): void {
  for (const [name, portal] of state.portals)
    if (!portal.holds && portal.pendingSegment === null) state.portals.delete(name)
}

export function close(
  state: State,
  out: Action[],
  reason: string,
  error: SallyportError | null,
  fields?: NoticeFields,
): undefined {
  if (state.phase === 'closed') return
  state.phase = 'closed'
  out.push({ do: 'close', reason, error, ...(fields === undefined ? {} : { fields }) })
}

/** Why a session ends when the client sends Terminate. */
export const goodbye = 'the client said goodbye'
/** Why a session ends whose client broke off. */
export const clientVanished = 'the client vanished'
