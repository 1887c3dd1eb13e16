// The client's side of the machine: what to do with each message, strictly in order. Whatever has to be judged is; what
// was judged is forwarded anew from its fields. It decides nothing: the gate does.
import { assert, unreachable } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { FrontendMessage, NoticeFields } from '@sallyport/wire/postgres/messages'
import type { JudgeRequest, SessionNames } from '../session/gate.ts'
import { misplacedInitiator } from '../session/initiator.ts'
import { noParameters } from '../session/recorded.ts'
import { keepsTooMuch, reservedName, reservedPrefix } from '../session/refusals.ts'
import { askContext } from './context.ts'
import { boundParameters } from './facts.ts'
import { forwardExtended, forwardSync, provoke, provokeQuery } from './forward.ts'
import { heldExecution } from './holding.ts'
import { awaitsReady, initiatorOf, isMisplaced, noteMisplaced } from './initiator.ts'
import { keptBytes, portalBytes } from './kept.ts'
import { readingPlace } from './own-place.ts'
import { errorFields, protocolFields } from './refuse.ts'
import { type Action, close, expect, goodbye, isClean, type State } from './state.ts'

type Message<T extends FrontendMessage['type']> = Extract<FrontendMessage, { type: T }>

/** Takes one client message. Only called while nothing is judged and nothing is held. */
export function takeClient(state: State, message: FrontendMessage, out: Action[]): undefined {
  assert(state.judging === null && state.held === null, 'a client message out of turn')
  if (message.type === 'terminate') {
    // A connection with nothing open has another session before it, or is told goodbye by whoever closes it.
    if (!isClean(state)) out.push({ do: 'forward', message })
    close(state, out, goodbye, null)
    return
  }
  switch (state.mode) {
    case 'skipping':
      if (message.type === 'sync') forwardSync(state, out)
      return
    case 'copyIn':
      takeCopyIn(state, message, out)
      return
    case 'normal':
      takeNormal(state, message, out)
      return
    default:
      unreachable(state.mode)
  }
}

/** The server ignores Flush and Sync while it copies in, so we do (PostgreSQL manual, "COPY Operations"). */
function takeCopyIn(state: State, message: FrontendMessage, out: Action[]): undefined {
  if (message.type === 'copyData') takeRow(state, message, out)
  else if (message.type === 'copyDone' || message.type === 'copyFail') {
    state.mode = 'normal'
    if (state.copyRefused === null) out.push({ do: 'forward', message })
  } else if (message.type !== 'flush' && message.type !== 'sync')
    violation(state, out, `"${message.type}" is no message for COPY FROM STDIN`)
}

/** A masked value among the rows fails the whole COPY; what the client sends after it is dropped. */
function takeRow(state: State, message: Message<'copyData'>, out: Action[]): undefined {
  if (state.copyRefused !== null) return
  const due = state.expected[0]
  const running = due?.kind === 'query' ? due.running[due.at] : due?.kind === 'execute' ? due.running : null
  const error = running?.judged.copyGuard?.take(message.bytes) ?? null
  if (error === null) {
    out.push({ do: 'forward', message })
    return
  }
  state.copyRefused = errorFields(error, 'ERROR')
  out.push({ do: 'refused', what: 'COPY FROM STDIN', error })
  out.push({ do: 'forward', message: { type: 'copyFail', reason: 'refused by sallyport' } })
}

function takeNormal(state: State, message: FrontendMessage, out: Action[]): undefined {
  if (mustWait(state, message)) {
    state.held = message
    requestAnswers(state, out)
    return
  }
  if (isMisplaced(state, message)) return refuseMisplaced(state, message, out)
  switch (message.type) {
    case 'query':
      return judgeText(state, message, message.text, out)
    case 'parse':
      return takeParse(state, message, out)
    case 'bind':
      return takeBind(state, message, out)
    case 'describe':
      return takeDescribe(state, message, out)
    case 'execute':
      return takeExecute(state, message, out)
    case 'close':
      return takeClose(state, message, out)
    case 'flush':
      out.push({ do: 'forward', message })
      return
    case 'sync':
      return forwardSync(state, out)
    case 'functionCall':
      return refuseFunctionCall(state, message, out)
    case 'copyData':
    case 'copyDone':
    case 'copyFail':
      // Outside COPY the server drops them, whatever they carry.
      return
    case 'password':
      return violation(state, out, 'a password after authentication')
    case 'terminate':
      return
    default:
      unreachable(message)
  }
}

/** Without a Sync the target keeps its answers until it is told to flush them. */
function requestAnswers(state: State, out: Action[]): undefined {
  if (!state.segmentOpen || state.flushed) return
  out.push({ do: 'forward', message: { type: 'flush' } })
  state.flushed = true
}

/** what was parsed or ran without a Sync holds its locks; only its answers tell that the target waits for the client. */
export function flushOpen(state: State, out: Action[]): undefined {
  if (state.mode === 'normal' && state.expected.length > 0) requestAnswers(state, out)
}

/** What has to be known before this message can be judged is still on its way from the target. */
function mustWait(state: State, message: FrontendMessage): boolean {
  if (state.settling && state.expected.length > 0) return true
  const last = state.expected.at(-1)
  if (last !== undefined && 'copiesDue' in last && last.copiesDue > 0) return true
  if (awaitsReady(state, message)) return true
  switch (message.type) {
    case 'query':
    case 'execute':
    case 'parse':
    case 'bind':
      if (state.changesDue > 0 || (!state.pathKnown && isAsking(state))) return true
      return message.type !== 'query' && defined(state, message).some((segment) => segment !== state.segment)
    case 'describe':
      return defined(state, message).some((segment) => segment !== state.segment)
    case 'functionCall':
      return state.expected.length > 0
    default:
      return false
  }
}

const isAsking = (state: State): boolean => state.expected.some(({ kind }) => kind === 'ask')

/** Segments of definitions that the message uses and that the target has not acknowledged. */
function defined(state: State, message: Message<'parse' | 'bind' | 'describe' | 'execute'>): readonly number[] {
  // A new unnamed statement takes the place of the old one, whatever became of that.
  if (message.type === 'parse' && message.name === '') return []
  const used =
    message.type === 'parse'
      ? state.statements.get(message.name)
      : message.type === 'bind'
        ? state.statements.get(message.statement)
        : message.type === 'describe' && message.what === 'statement'
          ? state.statements.get(message.name)
          : state.portals.get(message.type === 'describe' ? message.name : message.portal)
  return used === undefined || used.pendingSegment === null ? [] : [used.pendingSegment]
}

/** Asks the gate, or first the target, when the search_path is not known. */
function judge(
  state: State,
  message: Message<'query' | 'parse' | 'bind' | 'execute'>,
  { moment, text, facts, parameters, portal }: Omit<JudgeRequest, 'names' | 'hold' | 'reading' | 'initiator'>,
  out: Action[],
): undefined {
  if (!state.pathKnown && state.status !== 'E') {
    state.held = message
    if (state.expected.length === 0) askContext(state, out)
    else requestAnswers(state, out)
    return
  }
  state.judging = message
  const hold = state.settling ? heldExecution(state, message) : null
  const reading = state.settling ? readingPlace(state) : 'unsettled'
  state.settling = false
  const names = new NamesNow(state)
  const initiator = initiatorOf(state, message, text)
  const said = initiator === undefined ? {} : { initiator }
  const renewed = state.pathRenewed ? { isPathRenewed: true } : {}
  state.pathRenewed = false
  const types = declaredTypes(state, message)
  const declared = types === undefined || types.length === 0 ? {} : { parameterTypes: types }
  const asked: JudgeRequest = {
    moment,
    text,
    facts,
    parameters,
    ...declared,
    names,
    hold,
    reading,
    ...said,
    ...renewed,
  }
  out.push({ do: 'judge', request: portal === undefined ? asked : { ...asked, portal } })
}

function declaredTypes(
  state: State,
  message: Message<'query' | 'parse' | 'bind' | 'execute'>,
): readonly number[] | undefined {
  switch (message.type) {
    case 'query':
      return undefined
    case 'parse':
      return message.parameterTypes
    case 'bind':
      return state.statements.get(message.statement)?.parameterTypes
    case 'execute':
      return state.portals.get(message.portal)?.statement?.parameterTypes
  }
}

/** What names mean as the message is judged; tables are looked at when they are asked for. */
class NamesNow implements SessionNames {
  readonly #state: State
  readonly searchPath: readonly string[]
  readonly pathNames: readonly string[]
  readonly catalog: SessionNames['catalog']
  readonly objectsVersion: number
  readonly pathTouched: boolean

  constructor(state: State) {
    this.#state = state
    this.searchPath = state.searchPath
    this.pathNames = state.pathNames
    this.catalog = catalogOf(state)
    this.objectsVersion = state.objectsVersion
    this.pathTouched = state.pathTouched
  }

  prepared(name: string): string | undefined {
    return this.#state.statements.get(name)?.text
  }
  portal(name: string): object | undefined {
    return this.#state.portals.get(name)
  }
  /** Made anew each time: a text may be judged more than once. */
  get preparedNames(): Iterable<string> {
    return this.#state.statements.keys()
  }
  cursors(): ReadonlyMap<string, StatementFacts> {
    return cursorsOf(this.#state)
  }
  declaredTypes = (name: string): readonly number[] | undefined => this.#state.statements.get(name)?.parameterTypes
  needsWord(kind: 'execute' | 'fetch', name: string): boolean {
    const { statements, portals } = this.#state
    return (kind === 'execute' ? statements : portals).get(name)?.needsWord === true
  }
  get isFull(): boolean {
    const { statements, portals } = this.#state
    return (
      statements.size >= limits.statementsPerSessionMax ||
      portals.size >= limits.portalsPerSessionMax ||
      isTooMuch(this.#state, 0)
    )
  }
}

/** In a failed transaction nothing can be asked; only transaction control can succeed there. */
function catalogOf(state: State): SessionNames['catalog'] {
  if (!state.pathKnown) return 'none'
  // The server puts a session's temporary schema into the path with the first object in it.
  if (state.catalogTouched) return 'own'
  return state.searchPath.includes('pg_temp') ? 'temporary' : 'shared'
}

function cursorsOf(state: State): ReadonlyMap<string, StatementFacts> {
  const cursors = new Map<string, StatementFacts>()
  for (const [name, portal] of state.portals) if (name !== '' && portal.facts !== null) cursors.set(name, portal.facts)
  return cursors
}

function judgeText(state: State, message: Message<'query'>, text: string, out: Action[]): undefined {
  judge(state, message, { moment: 'query', text, facts: null, parameters: noParameters }, out)
}

function takeParse(state: State, message: Message<'parse'>, out: Action[]): undefined {
  if (message.name.startsWith(reservedPrefix)) return provoke(state, out, errorFields(reservedName(), 'ERROR'))
  if (message.name !== '' && state.statements.has(message.name))
    return provoke(state, out, protocolFields('42P05', `prepared statement "${message.name}" already exists`))
  if (message.name !== '' && state.statements.size >= limits.statementsPerSessionMax)
    return provoke(state, out, tooMany('prepared statements', limits.statementsPerSessionMax))
  if (isTooMuch(state, message.text.length)) return provoke(state, out, errorFields(keepsTooMuch(), 'ERROR'))
  judge(state, message, { moment: 'parse', text: message.text, facts: null, parameters: noParameters }, out)
}

function takeBind(state: State, message: Message<'bind'>, out: Action[]): undefined {
  if (message.portal.startsWith(reservedPrefix)) return provoke(state, out, errorFields(reservedName(), 'ERROR'))
  const statement = state.statements.get(message.statement)
  if (statement === undefined) return provoke(state, out, unknownStatement(message.statement))
  if (message.portal !== '' && state.portals.has(message.portal))
    return provoke(state, out, protocolFields('42P03', `cursor "${message.portal}" already exists`))
  if (message.portal !== '' && state.portals.size >= limits.portalsPerSessionMax)
    return provoke(state, out, tooMany('portals', limits.portalsPerSessionMax))
  const { text } = statement
  const parameters = boundParameters(message)
  if (isTooMuch(state, portalBytes(text, parameters))) return provoke(state, out, errorFields(keepsTooMuch(), 'ERROR'))
  const shown = { ...parameters, bytes: message.parameters }
  judge(state, message, { moment: 'bind', text, facts: null, parameters: shown }, out)
}

const isTooMuch = (state: State, bytes: number): boolean => keptBytes(state) + bytes >= limits.keptBytesPerSessionMax

function takeDescribe(state: State, message: Message<'describe'>, out: Action[]): undefined {
  const statement = message.what === 'statement' ? state.statements.get(message.name) : undefined
  const portal = message.what === 'portal' ? state.portals.get(message.name) : undefined
  if (statement === undefined && portal === undefined)
    return provoke(
      state,
      out,
      message.what === 'statement' ? unknownStatement(message.name) : unknownPortal(message.name),
    )
  forwardExtended(state, message, out, statement)
  expect(state, {
    kind: 'describe',
    statement: statement ?? portal?.statement ?? null,
    portal: portal ?? null,
    hidden: false,
    parametersDue: message.what === 'statement',
  })
}

function takeExecute(state: State, message: Message<'execute'>, out: Action[]): undefined {
  const portal = state.portals.get(message.portal)
  if (portal === undefined) return provoke(state, out, unknownPortal(message.portal))
  if (portal.facts === null) {
    forwardExtended(state, message, out)
    state.segmentRan = true
    expect(state, { kind: 'execute', running: null, portal, copiesDue: 0, changes: false })
    return
  }
  const { text, facts, parameters } = portal
  judge(state, message, { moment: 'run', text, facts, parameters, portal }, out)
}

function takeClose(state: State, message: Message<'close'>, out: Action[]): undefined {
  // At a shared connection what has such a name may be another session's.
  if (message.name.startsWith(reservedPrefix)) return provoke(state, out, errorFields(reservedName(), 'ERROR'))
  const undo =
    message.what === 'statement' ? forget(state.statements, message.name) : forget(state.portals, message.name)
  forwardExtended(state, message, out)
  expect(state, { kind: 'close', undo })
}

/** Takes a name out of a table; the result puts it back, should the target never get to see the message. */
function forget<T>(table: Map<string, T>, name: string): (() => void) | null {
  const previous = table.get(name)
  if (previous === undefined) return null
  table.delete(name)
  return () => table.set(name, previous)
}

/** Nobody behind this may see what stands in the text. */
function refuseMisplaced(state: State, message: FrontendMessage, out: Action[]): undefined {
  const error = misplacedInitiator()
  noteMisplaced(state, message)
  out.push({ do: 'refused', what: 'a text that says in the wrong place for whom it is', error })
  if (message.type === 'query') provokeQuery(state, out, errorFields(error, 'ERROR'))
  else provoke(state, out, errorFields(error, 'ERROR'))
}

/** Answered in protocol: ErrorResponse, then ReadyForQuery. Everything that was due has come by now. */
function refuseFunctionCall(state: State, message: Message<'functionCall'>, out: Action[]): undefined {
  const error = new SallyportError('FEATURE_UNSUPPORTED', 'function calls by OID are not supported through the agent', {
    hint: 'use SELECT',
  })
  out.push({ do: 'refused', what: `FunctionCall of OID ${message.functionOid}`, error })
  provoke(state, out, errorFields(error, 'ERROR'))
  forwardSync(state, out)
}

/** Takes up the held message again, once what it waited for has come. */
export function resume(state: State, out: Action[]): undefined {
  const message = state.held
  if (message === null || state.phase === 'closed' || (state.mode === 'normal' && mustWait(state, message))) return
  state.held = null
  // What failed meanwhile drops the message: nobody is asked about it.
  if (state.mode !== 'normal') state.settling = false
  takeClient(state, message, out)
}

const unknownStatement = (name: string): NoticeFields =>
  protocolFields(
    '26000',
    name === '' ? 'unnamed prepared statement does not exist' : `prepared statement "${name}" does not exist`,
  )
const unknownPortal = (name: string): NoticeFields => protocolFields('34000', `portal "${name}" does not exist`)
const tooMany = (what: string, most: number): NoticeFields =>
  errorFields(new SallyportError('TOO_MANY_REQUESTS', `more than ${most} ${what} in one session`), 'ERROR')

function violation(state: State, out: Action[], message: string): undefined {
  close(state, out, 'protocol violation', new SallyportError('PROTOCOL_VIOLATION', message))
}
