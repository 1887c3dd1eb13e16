// Why the gate refuses a statement, worded for the person at the client. Pure; gate.ts calls all of them.
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { SessionNames } from './analysis.ts'
import type { Judged } from './gate.ts'
import type { HeldExecution } from './held.ts'

/**
 * What policy and masks refuse. At Parse the parameters are not known yet: a statement with parameters that was
 * refused only because a condition could not be met without them may be prepared; Bind and Execute judge it.
 */
export function policyRefusal(judged: Judged, deferrable: boolean): SallyportError | null {
  const { decision, plan, facts } = judged
  if (decision.kind === 'deny' && !(deferrable && mayDependOnParameters(judged)))
    return new SallyportError(decision.code, decision.message, { hint: decision.hint })
  if (plan.kind === 'refuse')
    return new SallyportError('MASK_UNPROVABLE', `denied by mask: ${plan.reason}`, {
      hint: 'select the protected column as it is, or leave it out',
    })
  // INVARIANT of sql/facts: a caller that finds an unknown denies, whatever the rules say.
  if (facts.unknowns.length > 0)
    return new SallyportError('STATEMENT_UNKNOWN', `the statement cannot be judged: ${facts.unknowns[0]}`)
  return null
}

/** What stands in another text, or comes after it, is in no digest: a person cannot approve it. */
const cannotBeApproved: ReadonlyMap<string, string> = new Map([
  ['prepare', 'PREPARE: what it prepares runs later'],
  ['execute', 'EXECUTE: what it runs stands in another text'],
  ['declare', 'DECLARE: its rows are fetched later'],
  ['fetch', 'FETCH: what it reads stands in another text'],
])

/** Why a text of which something is held cannot be approved as it is; `all` are its statements. */
export function approvalRefusal(
  held: Judged,
  all: readonly Judged[],
  execution: HeldExecution | null,
): SallyportError | null {
  const changed = execution?.changedSetting ?? null
  const what =
    execution?.isWhole === false
      ? partOfResult
      : changed !== null
        ? `what runs after setting "${changed}" was changed in the session: connect again and leave it alone`
        : all.map(({ facts }) => unapprovable(facts)).find((found) => found !== null)
  if (what == null) return null
  const { message, rule } = held.decision.kind === 'hold' ? held.decision : { message: 'held', rule: '' }
  return new SallyportError('POLICY_DENIED', `${message}; a person cannot approve ${what}`, {
    hint: `rule "${rule}" holds this; send the whole statement as one text, with its values as parameters`,
  })
}

const partOfResult = 'a part of a result: fetch all rows at once'

function unapprovable(facts: StatementFacts): string | null {
  for (const effect of facts.session) {
    const what = cannotBeApproved.get(effect.kind)
    if (what !== undefined) return what
    if (effect.kind === 'copy' && effect.direction === 'in') return 'COPY FROM STDIN: its rows come later'
  }
  const [other] = facts.elsewhere ?? []
  if (other !== undefined) return `${other}: what it runs stands in another text`
  const read = facts.functions.find(({ name }) => ofSession.has(name))
  if (read !== undefined) return `what "${read.name}" says in this session: send the value as a parameter`
  if (facts.effects.some(({ object }) => object.startsWith('pg_temp.')))
    return 'what is in a temporary table: nobody else can look into it'
  return /\bcurrent\s+of\b/i.test(facts.text) ? 'CURRENT OF: the row is that of a cursor' : null
}

/** What these give a session decides by itself, before and after somebody has approved the text. */
const ofSession: ReadonlySet<string> = new Set(
  ['current_setting', 'currval', 'lastval', 'random', 'random_normal', 'setseed'].map((name) => `pg_catalog.${name}()`),
)

function mayDependOnParameters({ decision, plan, facts }: Judged): boolean {
  return (
    decision.kind === 'deny' &&
    (decision.code === 'POLICY_UNCOVERED' || decision.code === 'POLICY_ERROR') &&
    plan.kind !== 'refuse' &&
    facts.unknowns.length === 0 &&
    /\$[0-9]/.test(facts.text) &&
    decision.trace.some(({ outcome }) => outcome === 'condition-false' || outcome === 'condition-error')
  )
}

/** Settings under which our parser reads texts as the target does, and the only values that they may be set to. */
const pinned: ReadonlyMap<string, RegExp> = new Map([
  ['standard_conforming_strings', /^(on|true|yes|1)$/i],
  ['client_encoding', /^utf-?8$/i],
  ['backslash_quote', /^safe_encoding$/i],
  ['array_nulls', /^(on|true|yes|1)$/i],
  ['transform_null_equals', /^(off|false|no|0)$/i],
  ['quote_all_identifiers', /^(off|false|no|0)$/i],
  ['escape_string_warning', /^(on|true|yes|1)$/i],
])

/** `told`: by which the target is told of the initiator, and not by the caller.: no rule can permit what would make the judged text another text. */
export function settingRefusal(facts: StatementFacts, told?: string): SallyportError | null {
  for (const effect of facts.session) {
    if (effect.kind === 'set' && effect.setting.toLowerCase() === told)
      return new SallyportError('SETTING_FORBIDDEN', `setting "${told}" says for whom the connection is`, {
        hint: 'connect with the token of whoever it is for',
      })
    const values = effect.kind === 'set' ? pinned.get(effect.setting.toLowerCase()) : undefined
    // RESET and DEFAULT bring back the value of the start-up packet, which is ours.
    if (effect.kind !== 'set' || values === undefined || effect.value === null || values.test(effect.value)) continue
    return new SallyportError('SETTING_FORBIDDEN', `setting "${effect.setting}" cannot be changed through the agent`, {
      hint: 'leave it as it is',
    })
  }
  return null
}

/** Names of our own prepared statements and portals at the target begin so. */
export const reservedPrefix = '_sallyport_'

export const reservedName = (): SallyportError =>
  new SallyportError('REQUEST_INVALID', `names that begin with "${reservedPrefix}" are reserved`, {
    hint: 'give the statement or cursor another name',
  })

/** A session that kept as much as it liked could take the memory of all others. */
export const keepsTooMuch = (): SallyportError =>
  new SallyportError('STATEMENT_TOO_LONG', 'the session keeps as many statements, cursors and values as it may', {
    hint: 'close those that are no longer used, with DEALLOCATE ALL or CLOSE ALL',
  })

/**
 * Compared with a value of these types no column of the types that are compared where order must not show (sql/fallible.ts) is first made
 * into another one in a way that fails, and no two of its values are equal to one. By OID: 0, bool, bytea, char, name, int8, int2, int4,
 * text, unknown, varchar, date, time, timestamp, timestamptz, interval, numeric, uuid, and arrays of them.
 */
const plainTypes: ReadonlySet<number> = new Set([
  0, 16, 17, 18, 19, 20, 21, 23, 25, 705, 1043, 1082, 1083, 1114, 1184, 1186, 1700, 2950, 1000, 1001, 1002, 1003, 1005,
  1007, 1009, 1015, 1016, 1115, 1182, 1183, 1185, 1231, 2951,
])

/** Those that the target finds by itself. */
const isUndeclared = (type: number | undefined): boolean => type === undefined || type === 0 || type === 705

/** OIDs of the types that parameters are cast to most. */
const typeOids: Readonly<Record<string, number>> = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  varchar: 1043,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
}

/** A comparison with a parameter of another type may fail, and by that say which row came first (THREATS ). */
export function parameterRefusal(
  { facts, sensitive }: Judged,
  types: readonly number[] | undefined,
): SallyportError | null {
  if (types === undefined) return null
  const isLimited = facts.keyParameters?.every((number) => plainTypes.has(types[number - 1] ?? 0)) !== false
  if (!isLimited)
    return new SallyportError(
      'POLICY_DENIED',
      'a parameter of this type may mean more than one row, and so many are not to be copied',
      { hint: 'let the target find the types of parameters, or cast in the client' },
    )
  if (facts.plainParameters !== true || !sensitive) return null
  const arePlain = types.every((type) => plainTypes.has(type))
  const areCast = (facts.castParameters ?? []).every(([number, type]) => {
    const declared = types[number - 1]
    return isUndeclared(declared) || declared === typeOids[type.replace('pg_catalog.', '')]
  })
  if (arePlain && areCast) return null
  return new SallyportError(
    'MASK_UNPROVABLE',
    'a column is masked, and a parameter of this type may fail by the row that an index gives first',
    { hint: 'let the target find the types of parameters, or cast in the client' },
  )
}

/** PREPARE and DECLARE: what the session would keep. */
export function keepRefusal(facts: StatementFacts, names: SessionNames): SallyportError | null {
  for (const effect of facts.session) {
    if (effect.kind !== 'prepare' && effect.kind !== 'declare') continue
    if (effect.name.startsWith(reservedPrefix)) return reservedName()
    if (names.isFull) return keepsTooMuch()
  }
  return null
}

/** What a statement does to the meaning of later texts. */
export interface NameChanges {
  /** The search_path, or what is in it. */
  readonly path: boolean
  /** Relations, functions, types. */
  readonly objects: boolean
  /** Prepared statements and cursors. */
  readonly statements: boolean
}

/** "$user" in a search_path follows the role. RESET ALL is the setting `all`. */
export const changesPath = (setting: string): boolean =>
  /^(search_path|role|session_authorization|all|\*|)$/i.test(setting)

export function nameChanges(facts: StatementFacts): NameChanges {
  let path = false
  let objects = false
  let statements = false
  for (const effect of facts.session) {
    if (effect.kind === 'set') path ||= changesPath(effect.setting)
    else if (effect.kind === 'ddl') objects = true
    else if (effect.kind === 'discard') {
      path ||= effect.what === 'all'
      objects ||= effect.what === 'all' || effect.what === 'temp'
      statements ||= effect.what === 'all'
    } else if (['prepare', 'deallocate', 'declare', 'close'].includes(effect.kind)) statements = true
  }
  return { path: path || objects, objects, statements }
}

const isTransaction = (facts: StatementFacts): boolean => facts.session.some(({ kind }) => kind === 'transaction')

/**
 * `afterEnd`: a statement before it in the same text ends a transaction.
 * All statements of a text are judged before the first runs. The analysis follows what they do to names; what the end of
 * a transaction undoes from before the text it cannot know.
 */
export function orderRefusal(facts: StatementFacts, afterEnd: boolean, names: SessionNames): SallyportError | null {
  if (!afterEnd || isTransaction(facts)) return null
  const fetches = facts.session.some(({ kind }) => kind === 'fetch')
  if (!fetches && (!names.pathTouched || !needsCatalog(facts))) return null
  return new SallyportError(
    'STATEMENT_UNKNOWN',
    `"${facts.verb}" follows the end of a transaction in the same text, which may change what its names mean`,
    { hint: 'send the statements one by one' },
  )
}

export const endsTransaction = (facts: StatementFacts): boolean =>
  facts.session.some((effect) => effect.kind === 'transaction' && /^(commit|rollback)/.test(effect.verb))

function touchesObjects(facts: StatementFacts): boolean {
  const readsColumns = facts.output?.some(({ sources }) => sources.length > 0) ?? false
  return facts.relations.length > 0 || readsColumns || !facts.effects.every(({ baseline }) => baseline)
}

/** What it reads and does was found in a catalog: not transaction control, and nothing without a name of an object. */
export const namesObjects = (facts: StatementFacts): boolean =>
  !isTransaction(facts) && (touchesObjects(facts) || facts.unknowns.length > 0)

/** Of the session alone: nothing is computed, and what FETCH goes on with was understood when its cursor was opened. */
const sessionVerbs: ReadonlySet<string> = new Set(
  'set reset show deallocate close discard listen unlisten notify fetch move'.split(' '),
)
const oneConstant = /^select\s+(?:[0-9]+|'[^']*'|null|true|false)(?:\s+as\s+[a-z_]+)?$/i

/**
 * Its text means what a catalog says. INVARIANT: that is so for everything that is computed. An operator or a function of
 * PostgreSQL's own gives way to one of the target's that fits the types of its arguments better.
 */
export const needsCatalog = (facts: StatementFacts): boolean =>
  namesObjects(facts) || !(isTransaction(facts) || sessionVerbs.has(facts.verb) || oneConstant.test(facts.text))

/** The session has changed objects, and its own connection cannot be asked at this place. */
export const changedUnseen = (): SallyportError =>
  new SallyportError('CATALOG_STALE', 'objects were changed in this transaction, so names cannot be judged', {
    hint: 'send a Sync first, or commit, then go on',
  })

/** Where nothing can be asked, what is known of names no longer counts. */
export const freshnessRefusal = (facts: StatementFacts, names: SessionNames): SallyportError | null =>
  names.catalog === 'none' && needsCatalog(facts) ? changedUnseen() : null

/** The schema has changed under an open cursor or portal. */
export const meansAnotherThing = (): SallyportError =>
  new SallyportError('CATALOG_STALE', 'the schema has changed since this cursor or portal was opened', {
    hint: 'open it again',
  })

/** A schema of the search_path was made, dropped or opened, and the target does not say yet that it counts. */
export const pathMoved = (): SallyportError =>
  new SallyportError('CATALOG_STALE', 'schemas of the search_path have changed meanwhile', {
    hint: 'run it again, or end the transaction that is open first',
  })

export const severalStatements = (): SallyportError =>
  new SallyportError('STATEMENT_SYNTAX', 'cannot insert multiple commands into a prepared statement')

export function catalogStale(thrown: unknown): SallyportError {
  const error = asSallyportError(thrown)
  if (error.code !== 'INTERNAL') return error
  return new SallyportError('CATALOG_STALE', "the target's schema could not be read in time", {
    hint: 'try again',
    cause: thrown,
  })
}
