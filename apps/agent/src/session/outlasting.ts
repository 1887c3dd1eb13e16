// What a statement would leave behind beyond its transaction, worded for the person at the client. Where sessions share
// connections by the transaction, the next statement runs on another connection, and finds nothing of it. Pure.
import { SallyportError } from '@sallyport/base/errors'
import type { SessionEffect, StatementFacts } from '@sallyport/sql/facts'

/** `refuse`, or leave the connection to the session; absent where sessions have one of their own. */
export type SessionState = 'refuse' | 'pin'

interface Outlasting {
  readonly what: string
  readonly instead: string
}

const ownConnection = 'or use a target with "pool: { mode: session }" or "sessionState: pin"'

/** In the way of every session that shares connections, pinned or not: others' texts stand there. */
const showsOthers = /^pg_catalog\.(pg_prepared_statements|pg_prepared_statement\(\))$/

/** What is refused where connections are shared by the transaction; null: nothing. */
export function sharingRefusal(facts: StatementFacts, state: SessionState): SallyportError | null {
  if (facts.effects.some(({ object }) => showsOthers.test(object)))
    return new SallyportError('FEATURE_UNSUPPORTED', 'prepared statements of a shared connection cannot be looked at', {
      hint: 'leave "pg_prepared_statements" out, or use a target with "pool: { mode: session }"',
    })
  if (facts.session.some((effect) => isSetOf(effect, 'idle_session_timeout')))
    return new SallyportError('FEATURE_UNSUPPORTED', '"idle_session_timeout" would end connections that others share', {
      hint: 'leave it alone: the agent closes idle connections by itself',
    })
  const found = state === 'refuse' ? outlasting(facts) : null
  if (found === null) return null
  const message = `${found.what} outlasts its transaction, and sessions of this target share connections by the transaction`
  return new SallyportError('FEATURE_UNSUPPORTED', message, { hint: `${found.instead}, ${ownConnection}` })
}

/** The session needs a connection of its own from here on. */
export const outlasts = (facts: StatementFacts): boolean => outlasting(facts) !== null

function outlasting(facts: StatementFacts): Outlasting | null {
  for (const effect of facts.session) {
    const found = ofSession(effect)
    if (found !== null) return found
  }
  for (const { operation, object } of facts.effects) {
    const found = ofEffect(operation, object, facts.text)
    if (found !== null) return found
  }
  return null
}

const isSetOf = (effect: SessionEffect, setting: string): boolean =>
  effect.kind === 'set' && effect.setting === setting && effect.value !== null

const bySql = { instead: "let the driver prepare statements by the protocol's own messages" }

function ofSession(effect: SessionEffect): Outlasting | null {
  switch (effect.kind) {
    case 'prepare':
      return { what: 'PREPARE', ...bySql }
    case 'execute':
      return { what: 'what EXECUTE runs', ...bySql }
    case 'deallocate':
      return effect.name === null ? null : { what: 'what DEALLOCATE of one statement ends', ...bySql }
    case 'declare':
      return effect.holds === true
        ? { what: 'a cursor WITH HOLD', instead: 'declare it without, and fetch in the same transaction' }
        : null
    case 'set':
      return effect.local || !effect.setting.includes('.') || effect.setting === 'sallyport.initiator'
        ? null
        : { what: `setting "${effect.setting}"`, instead: 'use SET LOCAL, or set_config with true, in the transaction' }
    default:
      return null
  }
}

function ofEffect(operation: string, object: string, text: string): Outlasting | null {
  if (operation === 'listen') return { what: 'LISTEN', instead: 'poll, or listen on another target' }
  if (operation === 'create' && object.startsWith('pg_temp.') && !/\bon\s+commit\s+drop\b/i.test(text))
    return { what: 'a temporary object', instead: 'use CREATE TEMPORARY TABLE … ON COMMIT DROP in a transaction' }
  if (operation === 'call' && /^pg_catalog\.pg_(try_)?advisory_lock(_shared)?\(\)$/.test(object))
    return { what: 'an advisory lock of the session', instead: 'use pg_advisory_xact_lock()' }
  if (operation === 'admin' && object.startsWith('library:')) return { what: 'LOAD', instead: 'let the target load it' }
  return null
}
