// What goes to the target: messages that the gate let through, and in the place of refused ones a message that makes the
// target itself fail (docs/adr/0006). Each puts the answer that is now due at the end of the queue.
import { assert } from '@sallyport/base/assert'
import type { SallyportErrorCode } from '@sallyport/base/errors'
import type { FrontendMessage, NoticeFields } from '@sallyport/wire/postgres/messages'
import { versionOf } from '../session/analysis.ts'
import type { JudgedStatement, Judgement } from '../session/gate.ts'
import { boundParameters } from './facts.ts'
import { bindAgain, keptBind, waitForAnswers } from './holding.ts'
import { boundFor, noteJudged, preparedFor } from './initiator.ts'
import { portalBytes } from './kept.ts'
import { endsBlock, errorFields, protocolFields } from './refuse.ts'
import { isWatched } from './rows.ts'
import {
  type Action,
  changesNames,
  copiesIn,
  expect,
  type Portal,
  type Prepared,
  runningOf,
  type State,
} from './state.ts'

type Message<T extends FrontendMessage['type']> = Extract<FrontendMessage, { type: T }>

/** A text that no PostgreSQL can parse, so that the target itself fails (docs/adr/0006). Operators see it in its log. */
export const provokedText = 'refused by sallyport'
/** Never prepared, because its text never parses; named, so that the client's unnamed statement survives. */
export const provokedName = '_sallyport_refused'

export function forwardExtended(
  state: State,
  message: FrontendMessage,
  out: Action[],
  statement?: Prepared | null,
): undefined {
  out.push(statement == null ? { do: 'forward', message } : { do: 'forward', message, statement })
  state.segmentOpen = true
  state.flushed = false
}

export function forwardSync(state: State, out: Action[]): undefined {
  out.push({ do: 'forward', message: { type: 'sync' } })
  expect(state, { kind: 'sync', hidden: false })
  state.mode = 'normal'
  endSegment(state)
}

export function endSegment(state: State): void {
  state.segment += 1
  state.segmentOpen = false
  state.segmentRan = false
  state.flushed = false
}

/** Makes the target fail in the place of the refused message, so that both sides agree on the transaction. */
export function provoke(state: State, out: Action[], fields: NoticeFields): undefined {
  const parse: FrontendMessage = { type: 'parse', name: provokedName, text: provokedText, parameterTypes: [] }
  forwardExtended(state, parse, out)
  expect(state, { kind: 'refusal', fields, ready: false, failed: false })
  state.mode = 'skipping'
}

/** The gate's answer for the message that is being judged. */
export function takeJudgement(state: State, judgement: Judgement, out: Action[]): undefined {
  const message = state.judging
  assert(message !== null, 'a judgement that nobody waits for')
  state.judging = null
  const { kept } = state
  state.kept = null
  if (state.mode === 'skipping') return drop(judgement, out)
  if (judgement.kind === 'unsettled') {
    if (judgement.path === 'moved') {
      state.pathKnown = false
      state.pathRenewed = true
    }
    return waitForAnswers(state, message, out)
  }
  if (message.type === 'query' || message.type === 'execute') {
    const portal = message.type === 'execute' ? state.portals.get(message.portal) : undefined
    noteJudged(state, message, judgement.kind === 'allowed' ? judgement.statements : [], portal ?? kept ?? undefined)
  }
  if (judgement.kind === 'refused') {
    const fields = refusalFields(state, message, judgement)
    if (message.type === 'query') provokeQuery(state, out, fields)
    else provoke(state, out, fields)
    return
  }
  const { statements } = judgement
  for (const { protection } of statements) state.detection = protection.detection
  switch (message.type) {
    case 'query':
      return forwardQuery(state, message, statements, out)
    case 'parse':
      return forwardParse(state, message, statements[0], out)
    case 'bind':
      return forwardBind(state, message, statements[0], out)
    case 'execute':
      if (kept !== null) bindAgain(state, kept, statements[0], out)
      return forwardExecute(state, message, statements[0], out)
    default:
      assert(false, `"${message.type}" is not judged`)
  }
}

/**
 * What was sent before it failed while this message was judged or its intent was written: the target looks at nothing
 * until Sync any more, so this one stays here, and what it would have run has its end in the record.
 */
function drop(judgement: Judgement, out: Action[]): undefined {
  if (judgement.kind !== 'allowed') return
  for (const judged of judgement.statements)
    out.push({ do: 'outcome', running: runningOf(judged), result: 'cancelled', tag: '', sqlstate: '' })
}

/**
 * In a failed transaction the server looks at no name: its answer is the same for everything but the end of it. Nothing can
 * be asked there about objects of its own either. What policy refuses is said all the same.
 */
function refusalFields(
  state: State,
  message: FrontendMessage,
  { error, position }: Extract<Judgement, { kind: 'refused' }>,
): NoticeFields {
  const hasFailed = state.status === 'E' && (state.expected.length === 0 || error.code === 'CATALOG_STALE')
  if (hasFailed && namesOnly.has(error.code) && !endsBlock.test(textOf(state, message)))
    return protocolFields('25P02', 'current transaction is aborted, commands ignored until end of transaction block')
  return errorFields(error, 'ERROR', position)
}

const namesOnly: ReadonlySet<string> = new Set<SallyportErrorCode>([
  'CATALOG_STALE',
  'STATEMENT_UNKNOWN',
  'RELATION_MISSING',
  'COLUMN_MISSING',
  'FUNCTION_MISSING',
  'TYPE_MISSING',
  'PREPARED_MISSING',
  'CURSOR_MISSING',
  'COLUMN_AMBIGUOUS',
])
function textOf(state: State, message: FrontendMessage): string {
  if (message.type === 'query' || message.type === 'parse') return message.text
  return message.type === 'bind' ? (state.statements.get(message.statement)?.text ?? '') : ''
}

export function provokeQuery(state: State, out: Action[], fields: NoticeFields): undefined {
  out.push({ do: 'forward', message: { type: 'query', text: provokedText } })
  expect(state, { kind: 'refusal', fields, ready: true, failed: false })
  endUnnamed(state)
}

/** A Query destroys the unnamed statement and portal, and ends what was pipelined before it. */
function endUnnamed(state: State): undefined {
  state.statements.delete('')
  state.portals.delete('')
  state.segmentOpen = false
  state.segmentRan = false
  state.flushed = false
}

function forwardQuery(
  state: State,
  message: Message<'query'>,
  statements: readonly JudgedStatement[],
  out: Action[],
): undefined {
  out.push({ do: 'forward', message })
  expect(state, {
    kind: 'query',
    running: statements.map(runningOf),
    at: 0,
    columns: null,
    failed: false,
    copiesDue: statements.reduce((sum, { facts }) => sum + copiesIn(facts), 0),
    changes: statements.some(({ facts }) => changesNames(state, facts)),
  })
  endUnnamed(state)
}

function forwardParse(
  state: State,
  message: Message<'parse'>,
  judged: JudgedStatement | undefined,
  out: Action[],
): undefined {
  const statement: Prepared = {
    name: message.name,
    text: message.text,
    parameterTypes: message.parameterTypes,
    describedTypes: [],
    pendingSegment: state.segment,
    described: null,
    sensitive: judged?.sensitive ?? false,
    ...preparedFor(state, message),
    place: JSON.stringify([judged === undefined ? '' : (versionOf(judged.facts) ?? ''), state.searchPath]),
  }
  forwardExtended(state, message, out, statement)
  // A failed Parse leaves no unnamed statement behind either: the server drops the old one first.
  const undo = () => {
    if (state.statements.get(message.name) === statement) state.statements.delete(message.name)
  }
  state.statements.set(message.name, statement)
  expect(state, { kind: 'parse', statement, undo })
}

function forwardBind(
  state: State,
  message: Message<'bind'>,
  judged: JudgedStatement | undefined,
  out: Action[],
): undefined {
  const statement = state.statements.get(message.statement)
  assert(statement !== undefined, 'a statement vanished while it was judged')
  const parameters = boundParameters(message)
  const portal: Portal = {
    name: message.portal,
    text: statement.text,
    facts: judged?.facts ?? null,
    statement,
    parameters,
    bind: keptBind(message),
    bytes: portalBytes(statement.text, parameters),
    resultFormats: message.resultFormats,
    protection: judged?.protection ?? null,
    holds: false,
    pendingSegment: state.segment,
    columns: null,
    sensitive: judged?.sensitive ?? false,
    sets: boundFor(state, message),
  }
  forwardExtended(state, message, out, statement)
  const undo = () => {
    if (state.portals.get(message.portal) === portal) state.portals.delete(message.portal)
  }
  state.portals.set(message.portal, portal)
  expect(state, { kind: 'bind', portal, undo, hidden: false })
}

function forwardExecute(
  state: State,
  message: Message<'execute'>,
  judged: JudgedStatement | undefined,
  out: Action[],
): undefined {
  const portal = state.portals.get(message.portal)
  assert(portal !== undefined && judged !== undefined, 'a portal vanished while it was judged')
  // Rows come without a description here: what must be masked or checked is described first, for us alone.
  if (mustDescribe(state, portal, judged)) {
    forwardExtended(state, { type: 'describe', what: 'portal', name: portal.name }, out)
    expect(state, { kind: 'describe', statement: portal.statement, portal, hidden: true, parametersDue: false })
  }
  forwardExtended(state, message, out)
  state.segmentRan = true
  expect(state, {
    kind: 'execute',
    running: runningOf(judged),
    portal,
    copiesDue: copiesIn(judged.facts),
    changes: changesNames(state, judged.facts),
  })
}

function mustDescribe(state: State, portal: Portal, { protection, facts }: JudgedStatement): boolean {
  if (!isWatched(protection) || facts.output === null || portal.columns !== null) return false
  if (portal.statement?.described?.under === protection) return false
  // The client's own question for it may be on its way already.
  return !state.expected.some((due) => due.kind === 'describe' && due.portal === portal)
}
