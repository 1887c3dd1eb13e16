// A result that a limit ends: the client gets an error in the place of the row that would have passed the limit, and what
// the target still sends for it is read and dropped. Both sides must agree on the transaction afterwards (THREATS ),
// so the target is made to fail where it has not failed by itself, and where that comes too late the session ends.
// INVARIANT: between the error and the ReadyForQuery that follows, nothing of the target's words reaches the client.
import { assert } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { limitSqlstate } from '../limits/words.ts'
import { provokedText } from './forward.ts'
import { errorFields } from './refuse.ts'
import { type Action, close, expect, type Running, type State } from './state.ts'

export interface Overrun {
  readonly running: Running
  /** Dropped so far. */
  bytes: number
  cancelled: boolean
  /** The target has failed by itself: it agrees with the client. */
  failed: boolean
}

/** The statement's meter has refused a row. */
export function startOverrun(state: State, running: Running, bytes: number, out: Action[]): undefined {
  const stopped = running.judged.meter?.stopped
  assert(stopped != null, 'a result was ended without a limit')
  out.push({ do: 'send', message: { type: 'errorResponse', fields: errorFields(stopped.error, 'ERROR') } })
  state.overrun = { running, bytes, cancelled: false, failed: false }
  // What the client sends before its Sync belongs to what has failed.
  if (!state.expected.some(({ kind }) => kind === 'query' || kind === 'sync')) state.mode = 'skipping'
}

/** Rows and data of any result: dropped. Too many of them: the target is asked to stop. */
export function isDropped(state: State, overrun: Overrun, message: BackendMessage, out: Action[]): boolean {
  if (message.type !== 'dataRow' && message.type !== 'copyData' && message.type !== 'noticeResponse') return false
  if (message.type === 'dataRow')
    for (const value of message.values) overrun.bytes += value === null ? 4 : value.length + 4
  if (message.type === 'copyData') overrun.bytes += message.bytes.length
  if (!overrun.cancelled && overrun.bytes > limits.overrunBytesMax) {
    overrun.cancelled = true
    state.cancelling = true
    out.push({ do: 'cancelTarget' })
  }
  return true
}

/** What the target's message led to, without what would go to the client; the outcome says which limit it was. */
export function withoutWords({ running }: Overrun, actions: readonly Action[]): Action[] {
  return actions.flatMap((action): Action[] => {
    if (action.do === 'send') return []
    if (action.do !== 'outcome' || action.running !== running) return [action]
    const limit = running.judged.meter?.stopped?.limit
    const tag = limit === undefined ? '' : `LIMIT ${limit.policy}/${limit.name}`
    return [{ ...action, result: 'failed', tag, sqlstate: limitSqlstate }]
  })
}

/**
 * The target is ready again. True: the client may be told so. Where the target has completed what the client saw fail, an
 * open transaction is made to fail; what is committed by then cannot be undone, so that session ends.
 */
export function endOverrun(state: State, overrun: Overrun, status: 'I' | 'T' | 'E', out: Action[]): boolean {
  state.overrun = null
  if (overrun.failed || status === 'E') return true
  const done = state.completed.reduce<Done>((before, facts) => doneBy(facts, before), 'reads')
  const isLate = status === 'I' ? done !== 'reads' : done === 'ended'
  if (isLate || (status === 'T' && state.expected.length > 0)) {
    close(state, out, 'a limit was passed by what is committed', tooLate(overrun))
    return false
  }
  if (status === 'I') return true
  out.push({ do: 'forward', message: { type: 'query', text: provokedText } })
  expect(state, { kind: 'refusal', fields: null, ready: true, failed: false })
  return false
}

function tooLate({ running }: Overrun): SallyportError {
  const name = running.judged.meter?.stopped?.limit.name ?? ''
  return new SallyportError(
    'LIMIT_REACHED',
    `limit "${name}" ended a result whose statements the target has completed`,
    {
      hint: 'connect again, and look what was changed; ask for less than the limit',
    },
  )
}

/** What was completed since the last ReadyForQuery, from harmless to final. */
type Done = 'reads' | 'writes' | 'ended'

function doneBy(facts: StatementFacts, before: Done): Done {
  if (before === 'ended' || facts.session.some(endsTransaction)) return 'ended'
  if (before === 'writes') return before
  const reads = facts.effects.every(({ operation }) => operation === 'select') && facts.session.every(leavesNothing)
  return reads ? 'reads' : 'writes'
}

type SessionEffect = StatementFacts['session'][number]
const endsTransaction = (effect: SessionEffect): boolean =>
  effect.kind === 'transaction' && (effect.verb === 'commit' || effect.verb === 'rollback')

function leavesNothing(effect: SessionEffect): boolean {
  if (effect.kind === 'copy') return effect.direction === 'out'
  if (effect.kind === 'transaction') return effect.verb !== 'rollback-to'
  return ['declare', 'fetch', 'close', 'execute'].includes(effect.kind)
}
