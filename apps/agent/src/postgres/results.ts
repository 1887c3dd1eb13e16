// The target's side of the machine: each message is the next part of the first answer that is due, or nothing that we
// know, and then both sides are closed (THREATS ). Every text that leaves goes through here.
import { unreachable } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { hideIn } from '@sallyport/mask/detect/hide'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { BackendMessage, NoticeFields, TransactionStatus } from '@sallyport/wire/postgres/messages'
import { lost, takeAsked } from './context.ts'
import { detectedCopy, detectedText, hidesColumns } from './detected.ts'
import { applyCompleted } from './facts.ts'
import { takeError, visibleNotice } from './failures.ts'
import { initiatorAnswered, initiatorAtReady, setsInitiator } from './initiator.ts'
import { endOverrun, isDropped, startOverrun, withoutWords } from './overrun.ts'
import { takeParameter } from './parameters.ts'
import {
  countRow,
  descriptionProblem,
  isWithin,
  maskRow,
  portalShape,
  type RowShape,
  rowBytes,
  shapeProblem,
  simpleShape,
} from './rows.ts'
import { type Action, close, type Expected, endPortals, type Running, type State, settle } from './state.ts'

type Message<T extends BackendMessage['type']> = Extract<BackendMessage, { type: T }>

/** Takes one message of the target. */
export function takeTarget(state: State, message: BackendMessage, hash: KeyedHash, out: Action[]): undefined {
  const { overrun } = state
  if (overrun === null) return takeMessage(state, message, hash, out)
  if (isDropped(state, overrun, message, out)) return
  if (message.type === 'readyForQuery') {
    const due = state.expected[0]
    if (due === undefined || !mayEnd(due)) return lost(state, out)
    settle(state)
    if (endOverrun(state, overrun, message.status, out)) ready(state, message.status, out, out)
    return
  }
  if (message.type === 'errorResponse') overrun.failed = true
  const hidden: Action[] = []
  takeMessage(state, message, hash, hidden)
  out.push(...withoutWords(overrun, hidden))
  // The client has had its error, so nothing will come from it.
  if (message.type !== 'copyInResponse' || state.mode !== 'copyIn') return
  state.mode = 'normal'
  out.push({ do: 'forward', message: { type: 'copyFail', reason: 'a limit ended the text' } })
}

function takeMessage(state: State, message: BackendMessage, hash: KeyedHash, out: Action[]): undefined {
  switch (message.type) {
    case 'noticeResponse': {
      const fields = visibleNotice(state, message.fields, hash)
      if (fields !== null) out.push({ do: 'send', message: { ...message, fields } })
      return
    }
    case 'parameterStatus':
      return takeParameter(state, message, out)
    case 'notificationResponse':
      return takeNotification(state, message, hash, out)
    case 'errorResponse':
      return takeError(state, message.fields, hash, out)
    case 'readyForQuery':
      return takeReady(state, message.status, out)
    default:
      return takeAnswer(state, message, hash, out)
  }
}

function takeAnswer(state: State, message: BackendMessage, hash: KeyedHash, out: Action[]): undefined {
  const due = state.expected[0]
  if (due === undefined) return lost(state, out)
  switch (due.kind) {
    case 'query':
      return takeQueryAnswer(state, due, message, hash, out)
    case 'execute':
      return takeExecuteAnswer(state, due, message, hash, out)
    case 'describe':
      return takeDescription(state, due, message, out)
    case 'ask':
      return takeAsked(state, due, message, out)
    case 'parse':
      if (message.type !== 'parseComplete') return lost(state, out)
      due.statement.pendingSegment = null
      break
    case 'bind':
      if (message.type !== 'bindComplete') return lost(state, out)
      due.portal.pendingSegment = null
      if (!due.hidden) break
      settle(state)
      return
    case 'close':
      if (message.type !== 'closeComplete') return lost(state, out)
      break
    case 'sync':
    case 'refusal':
      return lost(state, out)
    default:
      unreachable(due)
  }
  settle(state)
  out.push({ do: 'send', message })
}

function takeQueryAnswer(
  state: State,
  due: Extract<Expected, { kind: 'query' }>,
  message: BackendMessage,
  hash: KeyedHash,
  out: Action[],
): undefined {
  const running = due.running[due.at]
  if (due.failed) return lost(state, out)
  if (running === undefined) {
    // A text without a statement is answered so (manual, "Simple Query"); nothing else may come here.
    if (message.type !== 'emptyQueryResponse' || due.running.length > 0) return lost(state, out)
    out.push({ do: 'send', message })
    return
  }
  if (message.type === 'rowDescription') {
    if (due.columns !== null) return lost(state, out)
    const problem = descriptionProblem(message.columns, running.judged)
    if (problem !== null) return disagrees(state, problem, out)
    due.columns = message.columns
    out.push({ do: 'send', message })
    return
  }
  if (message.type === 'commandComplete') {
    if (setsInitiator(running.judged.facts)) initiatorAnswered(state, null)
    complete(state, running, message, out)
    due.at += 1
    due.columns = null
    return
  }
  if (message.type === 'dataRow' && due.columns === null) return lost(state, out)
  const shape = due.columns === null ? null : simpleShape(due.columns)
  takeRows(state, due, running, message, shape, hash, out)
}

function takeExecuteAnswer(
  state: State,
  due: Extract<Expected, { kind: 'execute' }>,
  message: BackendMessage,
  hash: KeyedHash,
  out: Action[],
): undefined {
  const { running, portal } = due
  if (running === null) {
    if (message.type !== 'emptyQueryResponse') return lost(state, out)
    settle(state)
    out.push({ do: 'send', message })
    return
  }
  switch (message.type) {
    case 'commandComplete':
      settle(state)
      if (portal.sets !== undefined) initiatorAnswered(state, portal)
      return complete(state, running, message, out)
    case 'portalSuspended':
      settle(state)
      if (running.judged.sensitive) state.sensitive = true
      out.push({ do: 'outcome', running, result: 'done', tag: 'PORTAL SUSPENDED', sqlstate: '' })
      out.push({ do: 'send', message })
      return
    default: {
      const shape = portalShape(portal, running.judged.protection)
      // The first row tells that there is a result: its description has come by now, or was known before.
      if (message.type === 'dataRow' && running.rows === 0) {
        const problem = shapeProblem(shape, running.judged)
        if (problem !== null) return disagrees(state, problem, out)
      }
      return takeRows(state, due, running, message, shape, hash, out)
    }
  }
}

/** What Query and Execute have in common: rows and COPY. */
function takeRows(
  state: State,
  due: Extract<Expected, { kind: 'query' | 'execute' }>,
  running: Running,
  message: BackendMessage,
  shape: RowShape | null,
  hash: KeyedHash,
  out: Action[],
): undefined {
  const { facts, plan } = running.judged
  switch (message.type) {
    case 'dataRow': {
      const values = facts.output === null ? null : maskRow(message.values, running, shape, hash)
      if (values === null) return disagrees(state, 'a row that does not fit its description', out)
      if (!isWithin(running, rowBytes(values))) return startOverrun(state, running, rowBytes(values), out)
      countRow(running, values)
      out.push({ do: 'send', message: values === message.values ? message : { type: 'dataRow', values } })
      return
    }
    case 'copyInResponse':
      if (due.copiesDue === 0 || state.mode !== 'normal') return lost(state, out)
      due.copiesDue -= 1
      state.mode = 'copyIn'
      break
    case 'copyOutResponse':
    case 'copyData':
    case 'copyDone':
      if (hidesColumns(plan) || !facts.session.some((one) => one.kind === 'copy' && one.direction === 'out'))
        return lost(state, out)
      if (message.type === 'copyData') {
        const hidden = detectedCopy(message, running, hash)
        // The end of a binary COPY comes as data and is no row (manual, "COPY", Binary Format).
        const isTrailer = message.bytes.length === 2 && message.bytes[0] === 0xff && message.bytes[1] === 0xff
        const { length } = hidden.bytes
        if (!isTrailer && !isWithin(running, length)) return startOverrun(state, running, length, out)
        countRow(running, [hidden.bytes])
        out.push({ do: 'send', message: hidden })
        return
      }
      break
    default:
      // CopyBothResponse is for replication, which is refused.
      return lost(state, out)
  }
  out.push({ do: 'send', message })
}

/** only what the session listens to with permission. Nobody knows where a payload comes from: a trigger may have
 * made it of protected values, which only the second line can see. */
function takeNotification(
  state: State,
  message: Message<'notificationResponse'>,
  hash: KeyedHash,
  out: Action[],
): undefined {
  if (!state.listening.has(message.channel)) return
  const payload = state.masked ? hideIn(message.payload, () => '[redacted]').text : message.payload
  out.push({ do: 'send', message: { ...message, payload: detectedText(payload, state.detection, hash) } })
}

function complete(state: State, running: Running, message: Message<'commandComplete'>, out: Action[]): undefined {
  const { facts, sensitive } = running.judged
  if (running.judged.protection.columns.length > 0) state.masked = true
  for (const guess of running.judged.guesses ?? []) state.guesses.set(guess.budget, guess)
  out.push({ do: 'outcome', running, result: 'done', tag: message.tag, sqlstate: '' })
  if (state.completed.at(-1) !== facts) state.completed.push(facts)
  applyCompleted(state, facts, facts.text, sensitive, out, state.initiator.forSomebody.has(running.judged))
  // INVARIANT: before the client hears that objects have changed, no session of this agent judges by what was.
  const isCommitted = state.status === 'I' || facts.verb === 'commit'
  if (state.catalogTouched && isCommitted) out.push({ do: 'catalogChanged' })
  if (state.phase === 'open') out.push({ do: 'send', message })
}

function takeDescription(
  state: State,
  due: Extract<Expected, { kind: 'describe' }>,
  message: BackendMessage,
  out: Action[],
): undefined {
  if (message.type === 'parameterDescription' && due.parametersDue) {
    due.parametersDue = false
    if (due.statement !== null) due.statement.describedTypes = message.parameterTypes
    out.push({ do: 'send', message })
    return
  }
  if (due.parametersDue || (message.type !== 'rowDescription' && message.type !== 'noData')) return lost(state, out)
  const columns = message.type === 'rowDescription' ? message.columns : []
  const { portal } = due
  if (portal !== null) {
    portal.columns = columns
    if (portal.statement !== null && portal.protection !== null)
      portal.statement.described = { columns, under: portal.protection }
  }
  settle(state)
  if (!due.hidden) out.push({ do: 'send', message })
}

/** Ends both sides: what the target returns is not what was judged. The client is not told which. */
function disagrees(state: State, problem: string, out: Action[]): undefined {
  const error = new SallyportError('CATALOG_STALE', "the target's result does not fit the judged statement", {
    hint: 'connect again; the schema may have changed',
    cause: new Error(problem),
  })
  close(state, out, `result disagrees: ${problem}`, error)
}

function takeReady(state: State, status: TransactionStatus, out: Action[]): undefined {
  const due = state.expected[0]
  if (due === undefined || !mayEnd(due)) return lost(state, out)
  const hidden = due.kind === 'ask' || (due.kind === 'sync' && due.hidden)
  if (due.kind === 'sync' && due.hidden && status !== 'I') return lost(state, out)
  settle(state)
  ready(state, status, hidden ? null : out, out)
}

/** As a target would answer that refuses everything: nothing has begun, so that nothing is open afterwards. */
export function takeUnserved(
  state: State,
  fields: NoticeFields,
  error: SallyportError,
  hash: KeyedHash,
  out: Action[],
): undefined {
  for (let due = state.expected[0]; due !== undefined && state.phase === 'open'; due = state.expected[0]) {
    if (due.kind === 'ask') return close(state, out, 'no connection to the target', error)
    state.copyRefused = fields
    if (due.kind !== 'sync') takeError(state, fields, hash, out)
    state.copyRefused = null
    const next = state.expected[0]
    if (next !== undefined && mayEnd(next)) takeReady(state, 'I', out)
  }
}

/** Between two texts or segments. `shown`: where the client is told; null for our own questions. */
function ready(state: State, status: TransactionStatus, shown: Action[] | null, out: Action[]): undefined {
  state.ran = false
  state.completed.length = 0
  state.status = status
  if (status === 'I') endTransaction(state, out)
  if (shown === null) return
  initiatorAtReady(state, status)
  showPath(state, shown)
  shown.push({ do: 'send', message: { type: 'readyForQuery', status } })
}

/** As the server does it: what has changed is reported right before ReadyForQuery. */
function showPath(state: State, shown: Action[]): undefined {
  const { pathReported } = state
  if (pathReported === null || pathReported === state.pathShown) return
  state.pathShown = pathReported
  shown.push({ do: 'send', message: { type: 'parameterStatus', name: 'search_path', value: pathReported } })
}

function mayEnd(due: Expected): boolean {
  switch (due.kind) {
    case 'sync':
      return true
    case 'query':
      return due.failed || due.at === due.running.length
    case 'refusal':
      return due.ready && due.failed
    case 'ask':
      return due.ready && due.answered && due.closesDue === 0
    default:
      return false
  }
}

function endTransaction(state: State, out: Action[]): undefined {
  endPortals(state)
  state.sensitive = false
  state.guesses.clear()
  if (state.pathTouched) state.pathKnown = false
  state.pathTouched = false
  if (state.catalogTouched) {
    out.push({ do: 'catalogChanged' })
    state.objectsVersion += 1
  }
  state.catalogTouched = false
}

/** CopyData of a COPY FROM STDIN in which nobody looks for masked values. */
export function passCopyIn(state: State): boolean {
  if (state.mode !== 'copyIn' || state.copyRefused !== null) return false
  const due = state.expected[0]
  const running = due?.kind === 'query' ? due.running[due.at] : due?.kind === 'execute' ? due.running : null
  return running != null && running.judged.copyGuard === null
}

/** What is still running when a session ends: nobody knows how it went. */
export function unfinished(state: State): readonly Running[] {
  return state.expected.flatMap((due) => {
    if (due.kind === 'query') return due.failed ? [] : due.running.slice(due.at)
    return due.kind === 'execute' && due.running !== null ? [due.running] : []
  })
}
