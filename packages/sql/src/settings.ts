// Settings: SET, RESET, SHOW and the functions that do the same. An admitted session may change and see those that cannot
// change what names and texts mean, who it is, or how long it may hold on to things.
import type { FuncCall, Node, VariableSetStmt, VariableShowStmt } from '@pgsql/types'
import { addEffect, addFlow } from './draft.ts'
import { walk, walkAll } from './expressions.ts'
import type { SqlOperation } from './facts.ts'
import type { SeenSettings } from './named-settings.ts'
import { type Environment, emptyScope, type Scope, unknown } from './scope.ts'
import { constantText, payload, texts } from './tree.ts'
import { derived, type Value } from './values.ts'

/**
 * Any value is fine. None of those that steer the planner: under another plan the rows come in the order of another index,
 * and an index on a protected column tells that order.
 */
const free = new Set(
  `application_name datestyle intervalstyle timezone extra_float_digits bytea_output client_min_messages
  default_transaction_isolation transaction_isolation default_transaction_deferrable transaction_deferrable
  lc_monetary lc_numeric lc_time jit plan_cache_mode`.split(/\s+/),
)
/** Time-outs, in milliseconds: never off, and never longer than this. */
const timeoutMsMax = 300_000
const timeouts = new Set(
  `statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout`.split(
    /\s+/,
  ),
)
/** Settings that may be seen beside those that may be set. */
const visible = new Set(
  `server_version server_version_num server_encoding client_encoding lc_collate lc_ctype integer_datetimes is_superuser
  session_authorization role standard_conforming_strings search_path transaction_read_only default_transaction_read_only
  max_identifier_length max_index_keys block_size in_hot_standby work_mem maintenance_work_mem row_security
  escape_string_warning password_encryption default_text_search_config default_tablespace temp_tablespaces ssl
  max_connections wal_level synchronous_commit xmlbinary xmloption array_nulls backslash_quote geqo enable_seqscan
  enable_indexscan`.split(/\s+/),
)
/** Errors and notices below warning may quote values. */
const messageLevels = new Set(['notice', 'warning', 'error'])
/** What pg_dump and GUI tools set besides (DESIGN §4, preset). */
const toolingSettings = new Set(['row_security', 'quote_all_identifiers', 'synchronize_seqscans'])

const isTrue = (text: string): boolean => /^(on|true|yes|1)$/i.test(text)

/** May an admitted session set this without coverage? A null value is RESET or DEFAULT. */
function isBaseline(name: string, value: string | null, env: Environment): boolean {
  if (name === 'client_encoding') return value !== null && /^utf-?8$/i.test(value)
  if (name === 'client_min_messages') return value === null || messageLevels.has(value.toLowerCase())
  if (name === 'search_path') return value !== null && isSafePath(parsePath(value), env)
  if (name === 'transaction_read_only' || name === 'default_transaction_read_only')
    return value !== null && isTrue(value)
  if (timeouts.has(name)) return value !== null && isShort(value)
  // As PostgreSQL has it: libpq sends it for PGGEQO. Off is another search for a plan.
  if (name === 'geqo') return value !== null && isTrue(value)
  // The agent's own: what was said with it is taken out before (apps/agent, postgres/initiator-text.ts).
  if (name === initiatorSetting) return value === null || value === ''
  if (toolingSettings.has(name)) return env.context.preset === 'tooling'
  return free.has(name)
}

const initiatorSetting = 'sallyport.initiator'

/** `5000`, `5s`, `2min`: positive and at most the maximum. */
function isShort(value: string): boolean {
  const match = /^\s*([0-9]+)\s*(us|ms|s|min|)\s*$/.exec(value)
  const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, '': 1, s: 1_000, min: 60_000 }
  const ms = match === null ? 0 : Number(match[1]) * (units[match[2] ?? ''] ?? 0)
  return ms >= 1 && ms <= timeoutMsMax
}

/** Under other values the target reads a text in another way than our parser, or is another role. */
const pinned: Readonly<Record<string, RegExp>> = {
  standard_conforming_strings: /^(on|true|yes|1)$/i,
  client_encoding: /^utf-?8$/i,
  backslash_quote: /^safe_encoding$/i,
  escape_string_warning: /^(on|true|yes|1)$/i,
  array_nulls: /^(on|true|yes|1)$/i,
  transform_null_equals: /^(off|false|no|0)$/i,
  quote_all_identifiers: /^(off|false|no|0)$/i,
  // A token that was written in a way that is not read goes nowhere.
  'sallyport.initiator': /^$/,
  role: /^(?!)/,
  session_authorization: /^(?!)/,
}

/**
 * Where masks apply: no index is read in place of its table; the pseudonym of a number is one of all of its digits, not of those that a
 * caller leaves it (below 1 they are rounded off); and nobody counts what the target says of how it works.
 */
const pinnedByMasks: Readonly<Record<string, RegExp>> = {
  client_min_messages: /^(info|notice|warning|error)$/i,
  enable_indexonlyscan: /^(off|false|no|0)$/i,
  extra_float_digits: /^\s*[1-9][0-9]*\s*$/,
}

/**
 * An unknown, so that no rule permits it, also where statements are sent before the first has been judged. RESET goes back
 * to what our start-up packet says, or to the role that logged in.
 */
export function refusePinned(env: Environment, written: string, value: string | null): void {
  const name = written.toLowerCase()
  if (value === null) return
  const values = Object.hasOwn(pinned, name) ? pinned[name] : undefined
  const isOther = values !== undefined && !values.test(value)
  const isMaskPinned = env.context.isMasked === true && Object.hasOwn(pinnedByMasks, name)
  if (isOther || (isMaskPinned && pinnedByMasks[name]?.test(value) !== true))
    unknown(env, `the setting "${name}", which the gateway pins`)
  // Names of PostgreSQL's own would mean others for the statements behind it.
  if (name === 'search_path' && parsePath(value).indexOf('pg_catalog') > 0)
    unknown(env, 'a search_path in which pg_catalog is not first')
  // Temporary objects would come before those of the same name that a definition means.
  if (name === 'search_path' && parsePath(value).some((schema) => /^pg_(?!catalog$)/.test(schema)))
    unknown(env, 'a search_path that names a temporary schema')
}

/** Schemas of a search_path as text: `a, "B"`. */
export function parsePath(value: string): readonly string[] {
  return (value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replace(/""/g, '"') : part.toLowerCase(),
  )
}

/** No schema where the caller could put an object in front of another; pg_catalog first, if it is named. */
function isSafePath(path: readonly string[], env: Environment): boolean {
  const anyWritable = [...env.index.schemas.values()].includes(true)
  return path.every((schema, at) => {
    if (schema === 'pg_catalog') return at === 0
    if (schema === '$user') return !anyWritable
    return !schema.startsWith('pg_') && env.index.schemas.get(schema) !== true
  })
}

export function settingEffect(env: Environment, operation: SqlOperation, name: string, baseline: boolean): void {
  addEffect(env.draft, { operation, object: `setting:${name}`, via: 'direct', parents: [], baseline })
}

/** One setting gets a value: null is its default. */
export function changeSetting(env: Environment, written: string, value: string | null, local: boolean): void {
  const name = written.toLowerCase()
  // The gateway pins it on: to say so once more, as drivers do, changes nothing.
  const isSoAlready = name === 'standard_conforming_strings' && value !== null && isTrue(value)
  if (!isSoAlready) settingEffect(env, 'set', name, isBaseline(name, value, env))
  refusePinned(env, name, value)
  env.draft.session.push({ kind: 'set', setting: name, value, local })
}

/** Values of SET, joined as the server stores a list; null when one of them is no constant. */
export function settingValue(args: readonly Node[] | undefined): string | null {
  const parts = (args ?? []).map((node) => {
    const cast = payload(node, 'TypeCast')
    return constantText(cast === undefined ? node : cast.arg)
  })
  if (parts.includes(null)) return null
  return parts.map((part) => part ?? '').join(', ')
}

/** The schemas of SET search_path are names one by one, not a text. */
const quotedPath = (args: readonly Node[] | undefined): string | null => {
  const parts = (args ?? []).map((node) => constantText(node))
  if (parts.includes(null)) return null
  // One string with commas in it is one schema's name, as the server has it.
  return parts.map((part) => `"${(part ?? '').replace(/"/g, '""')}"`).join(', ')
}

export function setStatement(found: VariableSetStmt, env: Environment): void {
  const name = found.name ?? ''
  const local = found.is_local === true
  const scope = emptyScope(env)
  walkAll(
    found.args?.filter((node) => payload(node, 'DefElem') === undefined),
    scope,
  )
  switch (found.kind) {
    case 'VAR_SET_VALUE':
    case 'VAR_SET_CURRENT': {
      const value = name.toLowerCase() === 'search_path' ? quotedPath(found.args) : settingValue(found.args)
      changeSetting(env, name, value ?? '', local)
      return
    }
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
      changeSetting(env, name, null, local)
      return
    case 'VAR_SET_MULTI':
      transactionModes(name, found.args, env)
      return
    case 'VAR_RESET_ALL':
      settingEffect(env, 'set', 'all', false)
      env.draft.session.push({ kind: 'set', setting: 'all', value: null, local: false })
      return
    default:
      unknown(env, `${found.kind ?? 'SET'} of "${name}"`)
  }
}

/** SET TRANSACTION …, SET SESSION CHARACTERISTICS AS TRANSACTION …, SET TRANSACTION SNAPSHOT. */
function transactionModes(name: string, args: readonly Node[] | undefined, env: Environment): void {
  if (name !== 'TRANSACTION' && name !== 'SESSION CHARACTERISTICS') {
    settingEffect(env, 'set', name.toLowerCase().replace(/ /g, '_'), false)
    return
  }
  const session = name === 'SESSION CHARACTERISTICS'
  for (const node of args ?? []) {
    const mode = payload(node, 'DefElem')
    const value = constantText(mode?.arg)
    const setting = `${session ? 'default_' : ''}${mode?.defname ?? ''}`
    changeSetting(env, setting, setting.endsWith('read_only') ? (value === '0' ? 'off' : 'on') : value, !session)
  }
}

/** May an admitted session see this setting without coverage? */
export const isVisible = (name: string): boolean => free.has(name) || timeouts.has(name) || visible.has(name)

export function showStatement(found: VariableShowStmt, env: Environment): string {
  const name = (found.name ?? '').toLowerCase()
  settingEffect(env, 'select', name, isVisible(name))
  return name
}

/** Is this the name of a row of pg_settings that the query sees? */
function isNameSeen(node: Node | undefined, seen: SeenSettings): boolean {
  const written = texts(payload(node, 'ColumnRef')?.fields).join('.')
  return written === `${seen.as}.name` || (seen.alone && written === 'name')
}

/** set_config and current_setting with constants are judged as SET and SHOW; null for any other call. */
export function settingFunction(call: FuncCall, scope: Scope): Value | null {
  const names = texts(call.funcname)
  const name = names.at(-1)
  if (names.length > 1 && names.at(-2) !== 'pg_catalog') return null
  if (name !== 'set_config' && name !== 'current_setting') return null
  const { env } = scope
  const values = (call.args ?? []).map((node) => walk(node, scope))
  const constants = (call.args ?? []).map((node) => constantText(stripCast(node)))
  const [written = null, value = null, local = null] = constants
  const [first] = call.args ?? []
  // A variable of a function may come before the column.
  const { seenSettings } = env.body === null ? scope : { seenSettings: undefined }
  const seen = seenSettings !== undefined && isNameSeen(first, seenSettings) ? seenSettings : null
  const [named = null, ...others] = seen?.names ?? []
  const setting = written ?? (others.length === 0 ? named : null)
  const use = {
    name: `pg_catalog.${name}()`,
    volatility: name === 'set_config' ? 'volatile' : 'stable',
    pure: false,
  } as const
  env.draft.functions.set(use.name, use)
  if (name === 'current_setting' && setting !== null) {
    const shown = isVisible(setting.toLowerCase())
    env.draft.functions.set(use.name, { ...use, pure: shown })
    settingEffect(env, 'select', setting.toLowerCase(), shown)
    // Whether a missing setting is an error is computed like anything else.
    return derived(values, 'pg_catalog.text')
  }
  if (name === 'current_setting' && seen !== null && (call.args ?? []).length === 1) {
    // Each is a row that the query may read, or is not let through for reading it.
    const shown = seen.names?.every((one) => isVisible(one.toLowerCase())) ?? env.context.preset === 'tooling'
    env.draft.functions.set(use.name, { ...use, pure: shown })
    for (const one of seen.names ?? ['all']) settingEffect(env, 'select', one.toLowerCase(), shown)
    return derived(values, 'pg_catalog.text')
  }
  if (name === 'set_config' && setting !== null && value !== null && local !== null) {
    const isLocal = isTrue(local) || /^t$/i.test(local)
    if (setting.toLowerCase() === 'search_path') pathFunction(env, value, isLocal)
    else changeSetting(env, setting, value, isLocal)
    return derived(values, 'pg_catalog.text')
  }
  addEffect(env.draft, { operation: 'call', object: use.name, via: 'direct', parents: [], baseline: false })
  if (name === 'current_setting') return derived(values, 'pg_catalog.text')
  const object = setting === null ? 'setting:all' : `setting:${setting.toLowerCase()}`
  settingEffect(env, 'set', setting?.toLowerCase() ?? 'all', false)
  for (const one of values) addFlow(env.draft, object, null, one.sources)
  unknown(env, 'set_config() of a name or value that is not constant')
  return derived(values, 'pg_catalog.text')
}

/**
 * A query need not run its set_config(), or runs it with a later FETCH: only a path under which no bare name means anything
 * of the target's is permitted, and the statements after it know no path.
 */
function pathFunction(env: Environment, value: string, local: boolean): void {
  settingEffect(env, 'set', 'search_path', isBaseline('search_path', value, env))
  const harmless = parsePath(value).every((schema) => schema === 'pg_catalog' || schema === '')
  if (!harmless || env.body !== null || env.naming === 'definition')
    unknown(env, 'set_config() of the search_path, where SET can be followed')
  env.draft.session.push({ kind: 'set', setting: 'search_path', value: null, local })
}

/** Under a cast to text or boolean; any other may change the value, and so may a length. */
export function stripCast(node: Node): Node {
  const cast = payload(node, 'TypeCast')
  const type = cast?.typeName
  if (cast?.arg === undefined || (type?.typmods ?? []).length > 0 || (type?.arrayBounds ?? []).length > 0) return node
  return /^(pg_catalog\.)?(text|bool)$/.test(texts(type?.names).join('.')) ? cast.arg : node
}
