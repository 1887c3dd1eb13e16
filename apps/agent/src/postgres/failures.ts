// What goes wrong at the target, and how much of it the client may read: errors void what was sent behind them, notices and
// errors about protected columns lose their words (THREATS ). It decides nothing.
import { unreachable } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { NoticeFields } from '@sallyport/wire/postgres/messages'
import { noteCollision } from './collisions.ts'
import { lost } from './context.ts'
import { detectedFields } from './detected.ts'
import { endingFields, fieldOf, neutralText, scrubFields } from './refuse.ts'
import { type Action, close, type Expected, endPortals, type State, settle } from './state.ts'

/** scrubbed for statements on protected columns, for whatever such a transaction says later, and when idle. */
export function visible(state: State, fields: NoticeFields, hash: KeyedHash): NoticeFields {
  return isWithheld(state) ? scrubFields(fields) : detectedFields(fields, state.detection, hash)
}

/**
 * The same of a notice; null where its words are withheld and it is none of a warning: how many there are would tell how the target
 * went about it, and so how long values are.
 */
export function visibleNotice(state: State, fields: NoticeFields, hash: KeyedHash): NoticeFields | null {
  const severity = fieldOf(fields, 'V') || fieldOf(fields, 'S')
  return isWithheld(state) && severity !== 'WARNING' ? null : visible(state, fields, hash)
}

function isWithheld(state: State): boolean {
  const due = state.expected[0]
  return due === undefined || state.sensitive || isSensitive(state, due)
}

function isSensitive(state: State, due: Expected): boolean {
  switch (due.kind) {
    case 'query':
      return due.running.some(({ judged }) => judged.sensitive)
    case 'execute':
      return due.running?.judged.sensitive ?? false
    case 'parse':
      return due.statement.sensitive
    case 'bind':
      return due.portal.sensitive
    case 'describe':
      return (due.statement ?? due.portal)?.sensitive ?? true
    case 'sync':
      // What ran before it has set the sensitivity of the transaction; where nothing ran, nobody asked for words.
      return !state.ran
    case 'close':
    case 'refusal':
    case 'ask':
      // Whatever the target has to say here, no judged text asked for it.
      return true
    default:
      return unreachable(due)
  }
}

/** The target fails a COPY because we told it to: the client reads why. */
function shownError(state: State, fields: NoticeFields, hash: KeyedHash): NoticeFields {
  const own = state.copyRefused
  state.copyRefused = null
  return own ?? visible(state, fields, hash)
}

export function takeError(state: State, fields: NoticeFields, hash: KeyedHash, out: Action[]): undefined {
  const due = state.expected[0]
  const severity = fieldOf(fields, 'V') || fieldOf(fields, 'S')
  if (due === undefined || severity === 'FATAL' || severity === 'PANIC') return takeFatal(state, fields, out)
  const sqlstate = fieldOf(fields, 'C')
  noteCollision(state, due, fields, out)
  switch (due.kind) {
    case 'ask':
      return lost(state, out)
    case 'query':
      if (due.failed) return lost(state, out)
      out.push({ do: 'send', message: { type: 'errorResponse', fields: shownError(state, fields, hash) } })
      for (const [index, running] of due.running.slice(due.at).entries())
        out.push({ do: 'outcome', running, result: index === 0 ? 'failed' : 'cancelled', tag: '', sqlstate })
      due.failed = true
      due.copiesDue = 0
      state.mode = 'normal'
      endPortals(state)
      return
    case 'refusal':
      if (due.fields !== null) out.push({ do: 'send', message: { type: 'errorResponse', fields: due.fields } })
      if (due.ready) due.failed = true
      else voidUntilSync(state, sqlstate, out)
      endPortals(state)
      return
    case 'sync':
      // Nothing ran that our own Sync could end badly.
      if (due.hidden) return lost(state, out)
      // The end of the implicit transaction may fail: deferred constraints. ReadyForQuery follows.
      out.push({ do: 'send', message: { type: 'errorResponse', fields: visible(state, fields, hash) } })
      endPortals(state)
      return
    default:
      out.push({ do: 'send', message: { type: 'errorResponse', fields: shownError(state, fields, hash) } })
      voidUntilSync(state, sqlstate, out)
      endPortals(state)
  }
}

/** After an error in the extended protocol the server reads nothing until Sync, not even Query. */
function voidUntilSync(state: State, sqlstate: string, out: Action[]): undefined {
  const undone: (() => void)[] = []
  let first = true
  for (let due = state.expected[0]; due !== undefined && due.kind !== 'sync'; due = state.expected[0]) {
    if ('undo' in due && due.undo !== null) undone.push(due.undo)
    const all = due.kind === 'query' ? due.running : due.kind === 'execute' && due.running !== null ? [due.running] : []
    for (const running of all)
      out.push({ do: 'outcome', running, result: first ? 'failed' : 'cancelled', tag: '', sqlstate })
    // An injected description or binding fails for the Execute behind it.
    first = first && (due.kind === 'describe' || due.kind === 'bind') && due.hidden
    settle(state)
  }
  for (const undo of undone.reverse()) undo()
  if (state.expected.length === 0) state.mode = 'skipping'
}

/** The target ends the connection. Its words do not pass; its SQLSTATE does where PostgreSQL has fixed words for it. */
function takeFatal(state: State, fields: NoticeFields, out: Action[]): undefined {
  const sqlstate = fieldOf(fields, 'C')
  close(
    state,
    out,
    `the target ended the session: ${sqlstate}`,
    new SallyportError('UPSTREAM_UNREACHABLE', `the target ended the session: ${neutralText(sqlstate)}`),
    endingFields(sqlstate),
  )
}
