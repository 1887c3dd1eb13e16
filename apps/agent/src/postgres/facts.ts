// What a Bind and a completed statement mean for the session: parameters as decisions read them, and the names, cursors
// and channels that exist from here on (THREATS ).
import { unreachable } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import type { SessionEffect, StatementFacts } from '@sallyport/sql/facts'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import { type BoundParameters, noParameters } from '../session/recorded.ts'
import { changesPath } from '../session/refusals.ts'
import { changesMeaning } from './parameters.ts'
import { type Action, callsUnknownCode, close, endPortals, type Portal, type State } from './state.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A value that is no UTF-8 counts as binary: conditions see null. */
export function boundParameters(message: Extract<FrontendMessage, { type: 'bind' }>): BoundParameters {
  if (message.parameters.length === 0) return noParameters
  const [only = 0] = message.parameterFormats
  const formats = message.parameters.map((_, index) =>
    message.parameterFormats.length <= 1 ? only : (message.parameterFormats[index] ?? 0),
  )
  return {
    formats,
    values: message.parameters.map((value, index) => (value === null || formats[index] === 1 ? null : textOf(value))),
    lengths: message.parameters.map((value) => value?.length ?? null),
  }
}

function textOf(value: Uint8Array): string | null {
  try {
    return utf8.decode(value)
  } catch {
    return null
  }
}

/** Follows what a statement changed, now that the target has completed it. May close the session. */
export function applyCompleted(
  state: State,
  facts: StatementFacts,
  text: string,
  sensitive: boolean,
  out: Action[],
  isForSomebody = false,
): undefined {
  state.ran = true
  if (sensitive) state.sensitive = true
  for (const effect of facts.session) {
    if (effect.kind === 'declare' && !mayDeclare(state, facts, effect.name)) return lostCursor(state, out)
    applyEffect(state, effect, text, isForSomebody)
  }
  for (const { operation, object } of facts.effects)
    if (operation === 'listen') state.listening.add(object.replace(/^channel:/, ''))
  if (!callsUnknownCode(facts)) return
  touchPath(state)
  // It may have made temporary objects, or others in the transaction that is open.
  state.objectsVersion += 1
}

/**
 * Only DECLARE itself makes a cursor, and it fails where one of that name is open: anything else would lend the facts of
 * one cursor to the rows of another. Only a held cursor may be gone without our knowing.
 */
function mayDeclare(state: State, facts: StatementFacts, name: string): boolean {
  const open = state.portals.get(name)
  return facts.verb === 'declare' && (open === undefined || open.holds)
}

function lostCursor(state: State, out: Action[]): undefined {
  const error = new SallyportError('STATEMENT_UNKNOWN', 'a cursor can no longer be followed', { hint: 'connect again' })
  close(state, out, 'a cursor that is open was declared again', error)
}

function touchPath(state: State): void {
  state.pathKnown = false
  state.pathTouched = true
}

/** Objects, and with them what is in the search_path: a first temporary table adds pg_temp. */
function touchCatalog(state: State): void {
  state.catalogTouched = true
  state.objectsVersion += 1
  touchPath(state)
}

function applyEffect(state: State, effect: SessionEffect, text: string, isForSomebody: boolean): void {
  const mark = isForSomebody ? ({ needsWord: true } as const) : {}
  switch (effect.kind) {
    case 'transaction':
      if (effect.verb === 'begin' || effect.verb === 'savepoint' || effect.verb === 'release') return
      endPortals(state)
      if (state.pathTouched) state.pathKnown = false
      if (state.catalogTouched) state.objectsVersion += 1
      return
    case 'set':
      if (changesPath(effect.setting)) touchPath(state)
      if (changesMeaning(effect.setting)) state.changedSetting ??= effect.setting
      return
    case 'prepare':
      state.statements.set(effect.name, {
        name: effect.name,
        text: effect.bodyText,
        parameterTypes: [],
        describedTypes: [],
        pendingSegment: null,
        described: null,
        sensitive: true,
        said: null,
        sets: null,
        place: '',
        ...mark,
      })
      return
    case 'deallocate':
      if (effect.name !== null) state.statements.delete(effect.name)
      else clearStatements(state)
      return
    case 'declare':
      state.portals.set(effect.name, { ...cursorOf(effect.name, effect.body, text), ...mark })
      return
    case 'close':
      if (effect.name !== null) state.portals.delete(effect.name)
      else state.portals.clear()
      return
    case 'discard':
      applyDiscard(state, effect.what)
      return
    case 'ddl':
      touchCatalog(state)
      return
    case 'execute':
    case 'fetch':
    case 'copy':
      return
    default:
      unreachable(effect)
  }
}

/** A cursor of SQL, as a portal. */
const cursorOf = (name: string, body: StatementFacts, text: string): Portal => ({
  name,
  text,
  facts: body,
  statement: null,
  parameters: noParameters,
  bind: null,
  bytes: text.length,
  resultFormats: [],
  protection: null,
  // Taking a cursor for held that is not costs a stale name; the other way round costs only a refusal.
  holds: /\bwith\s+hold\b/i.test(text),
  pendingSegment: null,
  columns: null,
  sensitive: true,
  sets: undefined,
})

function applyDiscard(state: State, what: 'all' | 'plans' | 'sequences' | 'temp'): void {
  if (what === 'plans' || what === 'sequences') return
  touchCatalog(state)
  if (what === 'temp') return
  clearStatements(state)
  state.portals.clear()
  state.listening.clear()
}

/** DEALLOCATE ALL and DISCARD ALL leave the unnamed statement, which is not in the server's table. */
function clearStatements(state: State): void {
  for (const name of state.statements.keys()) if (name !== '') state.statements.delete(name)
}
