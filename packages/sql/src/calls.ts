// Function calls: which functions a name can mean, what calling them does, and what the result is made of.
// Built-ins are judged by builtins.ts; a user-defined function is a call, and its body is followed when it is SQL.
import type { FuncCall, Node, WindowDef } from '@pgsql/types'
import { areEnough, placed } from './arguments.ts'
import { bodyColumns } from './bodies.ts'
import { type Builtin, builtin, runsText } from './builtins.ts'
import type { CatalogFunction } from './catalog.ts'
import { functionName } from './catalog-index.ts'
import { notifiedChannel, notifies } from './channels.ts'
import { addComputed, addControlOf, addEffect, addFlow } from './draft.ts'
import { condition, ordering, walk } from './expressions.ts'
import { onlyComputes } from './extensions.ts'
import { isDocument, jsonpathSteps, partOf, stepOf } from './json-path.ts'
import { noteCall } from './order-facts.ts'
import { type Environment, type Scope, unknown, unknownName } from './scope.ts'
import { settingFunction } from './settings.ts'
import { isTotalCall, marked } from './sure.ts'
import { isConstant, payload, texts } from './tree.ts'
import { isPolymorphic, mention } from './types.ts'
import {
  type Column,
  computedType,
  derived,
  influenced,
  isSystemTypeName,
  nullness,
  plain,
  row,
  type Value,
} from './values.ts'
import { noteSet } from './written-documents.ts'

/** What a name may mean with these arguments: mostly one; several where only the server can tell. */
export interface Candidates {
  readonly builtin: Builtin | null
  readonly user: readonly CatalogFunction[]
}

/** The value of a call in an expression. */
export function walkCall(call: FuncCall, scope: Scope): Value {
  const special = settingFunction(call, scope)
  if (special !== null) return special
  const { values, influences } = callArguments(call, scope)
  noteCall(scope.env.draft.order, call, values)
  const names = texts(call.funcname)
  if (isCount(names, scope)) {
    note(scope.env, { builtin: builtin('pg_catalog.count') ?? null, user: [] }, values)
    const counted = values[0] ?? plain()
    const shown = call.agg_distinct === true ? derived([counted], int8) : nullness(counted, int8)
    return influenced(shown, influences)
  }
  if (call.funcformat === 'COERCE_SQL_SYNTAX' && !syntaxExists(names.at(-1) ?? '', scope)) return plain()
  noteGathering(call, values, scope)
  const part = pathCall(call, values, scope)
  if (part !== null) return influenced(part, influences)
  const value = influenced(callValue(names, values, call.func_variadic === true, scope), influences)
  const isOwn = userFunctions(names, scope.env).length > 0
  if (!isOwn && influences.length === 0 && /^(pg_catalog\.)?jsonb_set$/.test(names.join('.')))
    noteSet(value, call.args?.[1], values, scope.env.draft)
  const isTotal = scope.env.firing !== undefined && !isOwn && influences.length === 0 && isTotalCall(call, values)
  return isTotal ? marked({ ...value, type: 'pg_catalog.text' }, values, scope, true) : value
}

/** An aggregate of a column takes a value of any row; of some rows alone, or of what is computed, those that a statement chooses. */
function noteGathering(call: FuncCall, values: readonly Value[], scope: Scope): void {
  const name = texts(call.funcname).at(-1) ?? ''
  if (builtin(`pg_catalog.${name}`)?.kind !== 'aggregate') return
  const isPlain = ({ kind, mixed, sources }: Value): boolean =>
    sources.size === 0 || (kind === 'direct' && mixed === undefined)
  if (call.agg_filter !== undefined && values.some(({ sources }) => sources.size > 0))
    scope.env.draft.gathers.add(`${name}() of some rows`)
  else if (!values.every(isPlain)) scope.env.draft.gathers.add(`${name}() of what is computed`)
}

/** Functions that follow a path into a document: whole names of steps, or a jsonpath, which may fail. */
const pathFunctions: Readonly<Record<string, 'steps' | 'jsonpath'>> = {
  jsonb_extract_path: 'steps',
  jsonb_extract_path_text: 'steps',
  json_extract_path: 'steps',
  json_extract_path_text: 'steps',
  jsonb_path_query: 'jsonpath',
  jsonb_path_query_first: 'jsonpath',
  jsonb_path_query_array: 'jsonpath',
  jsonb_path_exists: 'jsonpath',
}

/** A call that reads one part of a document, called by its own name alone; null for any other. */
function pathCall(call: FuncCall, values: readonly Value[], scope: Scope): Value | null {
  const [name = '', schema = 'pg_catalog'] = texts(call.funcname).reverse()
  const how = Object.hasOwn(pathFunctions, name) && schema === 'pg_catalog' ? pathFunctions[name] : undefined
  const [document] = values
  const [, ...path] = call.args ?? []
  const isPlain = call.func_variadic !== true && !path.some((node) => payload(node, 'NamedArgExpr'))
  if (how === undefined || document === undefined || !isDocument(document) || !isPlain) return null
  const found = candidates(texts(call.funcname), values, false, scope.env)
  if (found.builtin === null || found.user.length > 0) return null
  const steps = how === 'steps' ? (path.every(isConstant) ? path.map(stepOf) : null) : jsonpathSteps(path[0])
  if (steps === null || (how === 'jsonpath' && path.length !== 1)) return null
  const type = found.builtin.type ?? document.type
  const { total, ...part } = partOf(document, steps, type, scope.env.draft)
  // A path in strict mode fails where it leads to nothing.
  const value: Value = how === 'steps' ? { ...part, total: true } : part
  note(scope.env, found, [value])
  return value
}

const int8 = 'pg_catalog.int8'

/** SQL syntax that older servers read as a column, and newer ones as the login name at the target. */
function syntaxExists(name: string, scope: Scope): boolean {
  if (name !== 'system_user') return true
  unknown(scope.env, 'SYSTEM_USER')
  return false
}

/** `count` counts, unless a function of that name in another schema could be meant. */
function isCount(names: readonly string[], scope: Scope): boolean {
  if (names.length === 2) return names[0] === 'pg_catalog' && names[1] === 'count'
  return names.length === 1 && names[0] === 'count' && userFunctions(names, scope.env).length === 0
}

/** Walks arguments, FILTER, ORDER BY and OVER. Bodies are not followed where the server makes an array of arguments. */
function callArguments(call: FuncCall, scope: Scope): { values: Value[]; influences: Value[] } {
  if (call.func_variadic === true && userFunctions(texts(call.funcname), scope.env).length > 0)
    unknown(scope.env, `VARIADIC arguments of "${texts(call.funcname).join('.')}()"`)
  notifiedChannel(call, scope.env)
  const values = (call.args ?? []).map((node) => walk(node, scope))
  const order = ordering(call.agg_order, scope, 'ORDER BY')
  const influences = [
    ...(call.agg_filter === undefined ? [] : [condition(call.agg_filter, scope, 'FILTER')]),
    ...windowInfluence(call.over, scope),
  ]
  // WITHIN GROUP passes its sort keys to the function: they are its arguments.
  if (call.agg_within_group === true) values.push(...order)
  else influences.push(...order)
  if (call.agg_distinct === true) for (const value of values) addControlOf(scope.env.draft, value, 'DISTINCT')
  return { values, influences }
}

/** What OVER partitions and orders by; a name refers to a window of the query. */
export function windowInfluence(window: WindowDef | undefined, scope: Scope): Value[] {
  if (window === undefined) return []
  const { draft } = scope.env
  const values = [
    ...ordering(window.partitionClause, scope, 'PARTITION BY'),
    ...ordering(window.orderClause, scope, 'window ORDER BY'),
  ]
  for (const bound of [window.startOffset, window.endOffset]) {
    const value = walk(bound, scope)
    addControlOf(draft, value, 'window frame')
    values.push(value)
  }
  for (const name of [window.name, window.refname])
    if (name !== undefined) values.push(...(scope.windows.get(name) ?? []))
  return values
}

/** `c.f` and `(x).f` where f is no column: a function of one argument, if there is one. */
export function functionByNotation(name: string, argument: Value, scope: Scope): Value {
  const found = candidates([name], [argument], false, scope.env)
  if (found.user.length > 0) return callValue([name], [argument], false, scope)
  if (argument.fields !== null) {
    unknownName(scope.env, 'column', `the column "${name}", which nothing here has`)
    return plain()
  }
  // A field of a composite value whose columns we do not follow.
  return derived([argument])
}

/** The value of a call with these arguments. */
export function callValue(names: readonly string[], values: readonly Value[], variadic: boolean, scope: Scope): Value {
  const found = candidates(names, values, variadic, scope.env)
  note(scope.env, found, values)
  if (found.builtin === null && found.user.length === 0) {
    missingFunction(names, scope.env)
    return derived(values)
  }
  const results: Value[] = found.user.map((one) => {
    const columns = userColumns(one, values, scope.env)
    const [only] = columns ?? []
    if (columns === null) return derived(values, one.returnType)
    // Each has the type that the function declares (bodies.ts).
    return only !== undefined && columns.length === 1 && !isComposite(one, scope.env)
      ? only.value
      : row(columns, one.returnType)
  })
  if (found.builtin !== null) results.push(derived(values, found.builtin.type ?? computedType(values)))
  const [result] = results
  return result !== undefined && results.length === 1 ? result : derived(results)
}

const isComposite = (one: CatalogFunction, env: Environment): boolean =>
  env.index.types.get(one.returnType) === 'composite'

/** A function that nobody knows: an unknown, and a call of its written name. */
export function missingFunction(names: readonly string[], env: Environment): void {
  unknownName(env, 'function', `the function "${names.join('.')}()", which the catalog does not have`)
  const object = `${names.length > 1 ? names.slice(-2).join('.') : `${env.searchPath?.[0] ?? 'public'}.${names[0] ?? ''}`}()`
  addEffect(env.draft, { operation: 'call', object, via: 'direct', parents: [], baseline: false })
}

/** Result columns of a user-defined function; null when they are not known beyond its arguments. */
export function userColumns(
  one: CatalogFunction,
  values: readonly Value[],
  env: Environment,
): readonly Column[] | null {
  // Arguments are computed whether the body reads them or not.
  addComputed(
    env.draft,
    values.map((value) => ({ name: '', value })),
    'an argument of a function',
  )
  // What it gives is made of its arguments, and of nothing that is protected: so says the owner.
  if (env.context.trusted?.has(functionName(one)) === true) {
    env.draft.trusted.add(functionName(one))
    return null
  }
  if (onlyComputes(one)) return null
  const columns = one.kind === 'function' || one.kind === 'procedure' ? bodyColumns(one, values, env) : null
  if (columns === null) unknown(env, `what "${functionName(one)}" does: its body cannot be followed`)
  return columns
}

/** The word JSON_OBJECT was a name like any other before PostgreSQL 16 (R-1.33): our grammar makes it a name of pg_catalog. */
const asServerReads = (names: readonly string[], env: Environment): readonly string[] =>
  env.index.catalog.serverVersion < 160_000 && names.join('.') === 'pg_catalog.json_object' ? ['json_object'] : names

/** Functions of the catalog that a name can reach. */
function userFunctions(written: readonly string[], env: Environment): readonly CatalogFunction[] {
  const [name = '', schema, database] = [...asServerReads(written, env)].reverse()
  if (database !== undefined && database !== env.index.catalog.database) return []
  return (env.index.functions.get(name) ?? []).filter((one) => {
    if (schema !== undefined) return one.schema === schema
    // Functions are never looked for in pg_temp (namespace.c, FuncnameGetCandidates).
    return env.naming === 'definition' || env.searchPath === null || env.searchPath.includes(one.schema)
  })
}

export function candidates(
  names: readonly string[],
  values: readonly Value[],
  variadic: boolean,
  env: Environment,
): Candidates {
  const [name = '', schema = 'pg_catalog'] = [...names].reverse()
  const own = schema === 'pg_catalog' || schema === 'information_schema' ? builtin(`${schema}.${name}`) : undefined
  const user = userFunctions(names, env).filter((one) => accepts(one, values, variadic))
  return { builtin: own ?? null, user }
}

/** Could a call with these arguments choose this function? Too many answers make an unknown, too few would be a hole. */
function accepts(one: CatalogFunction, values: readonly Value[], variadic: boolean): boolean {
  const declared = one.argumentTypes
  // CALL has a place for each OUT argument of a procedure as well.
  const most = declared.length + (one.kind === 'procedure' ? (one.results?.length ?? 0) : 0)
  if (values.length > most && !one.variadic && !variadic) return false
  const given = placed(one, values)
  if (given === null || (!variadic && !areEnough(one, values))) return false
  return given.every((value, at) => {
    if (value === undefined) return true
    const type = declared[at] ?? declared.at(-1)
    if (type === undefined || value.type === null || value.type === 'unknown' || value.type === type) return true
    if (one.variadic || isPolymorphic(type)) return true
    // No implicit cast leads from PostgreSQL's own types to user-defined ones.
    return !(isSystemTypeName(value.type) && !isSystemTypeName(type))
  })
}

const showsMore = /^pg_catalog\.(pg_stat|pg_mcv_|pg_cursor|pg_prepared|pg_read_|pg_ls_|pg_logical_|lo_|loread)/

/** Adds effects and uses of a call. What reaches a function with effects may be stored: that is a flow (R-3.6). */
export function note(env: Environment, found: Candidates, values: readonly Value[]): void {
  const { draft } = env
  const one = found.builtin
  if (one !== null) {
    const name = `${one.name}()`
    const tooling = one.class === 'tooling'
    draft.functions.set(name, { name, volatility: one.volatility, pure: one.class === 'pure' })
    if (one.class !== 'pure') {
      // What it does is the effect on its channel (channels.ts).
      const baseline = (tooling && env.context.preset === 'tooling') || one.name === notifies
      addEffect(draft, { operation: 'call', object: name, via: 'direct', parents: [], baseline })
    }
    if (one.class === 'effect') for (const value of values) addFlow(draft, name, null, value.sources)
    // Statistics, other sessions and files in a view or body need no coverage, and may show what masks hide.
    if (one.class === 'effect' && showsMore.test(one.name) && (env.body !== null || env.naming === 'definition'))
      draft.opaque.add(`"${name}" in a view or function`)
    if (runsText.test(one.name)) unknown(env, `"${name}", which runs a text or reads what an argument names`)
    if (one.returnsSet) for (const value of values) addControlOf(draft, value, 'set-returning function')
  }
  for (const user of found.user) {
    const name = functionName(user)
    const own = draft.functions.get(name)
    const computes = onlyComputes(user) && (own === undefined || own.computes === true)
    draft.functions.set(name, {
      name,
      volatility: user.volatility,
      pure: false,
      ...(computes ? { computes } : {}),
    })
    addEffect(draft, { operation: 'call', object: name, via: 'direct', parents: [], baseline: false })
    // Its arguments and its result are made as values of these types.
    for (const type of [user.returnType, ...user.argumentTypes]) mention(type, env)
    if (user.returnsSet) for (const value of values) addControlOf(draft, value, 'set-returning function')
  }
}

/** A call node in FROM or CALL, with its arguments walked. */
export function calledWith(node: Node, scope: Scope): { call: FuncCall; values: Value[] } | null {
  const call = payload(node, 'FuncCall')
  if (call === undefined) return null
  scope.env.draft.seen.add(call)
  return { call, values: callArguments(call, scope).values }
}
