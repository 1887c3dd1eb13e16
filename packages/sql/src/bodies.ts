// Bodies of SQL functions: analysed with the arguments' values in place of the parameters, as the planner inlines them.
// A body that is not SQL, does not parse, or has a statement that is no query gives null, and the caller an unknown.
import type { Node } from '@pgsql/types'
import { withDefaults } from './arguments.ts'
import type { CatalogFunction } from './catalog.ts'
import { functionName } from './catalog-index.ts'
import { addComputed, merge, newDraft } from './draft.ts'
import { walk } from './expressions.ts'
import { runPlpgsql } from './plpgsql.ts'
import { type Environment, emptyScope, unknown } from './scope.ts'
import { isQuery, queryColumns } from './select.ts'
import { payload, unvisited } from './tree.ts'
import { isPolymorphic } from './types.ts'
import { type Column, derived, plain, recast, type Value } from './values.ts'
import { parseBody } from './views.ts'

/** Functions within functions: deeper ones are unknown. */
const expansionsMax = 16

/** Result columns of a call, named as the function declares them. Everything that the body does is added as derived. */
export function bodyColumns(
  one: CatalogFunction,
  values: readonly Value[],
  env: Environment,
): readonly Column[] | null {
  if (!['sql', 'plpgsql'].includes(one.language) || one.body === null) return null
  if (env.expanding.includes(one.oid) || env.expanding.length >= expansionsMax) return null
  // A setting may give the body's text another meaning.
  if (one.settings.some((setting) => !setting.startsWith('search_path='))) return null
  const around: Environment = {
    ...env,
    naming: 'session',
    searchPath: pathOf(one, env),
    context: { ...env.context, prepared: new Map(), cursors: new Map() },
    expanding: [...env.expanding, one.oid],
  }
  // Which arguments make an array of a VARIADIC one is not ours to say.
  const given = withDefaults(one, values, env)
  if (given === null) return null
  if (one.language === 'plpgsql') return plpgsqlColumns(one, given, around, env)
  const parsed = parseBody(env, textOf(one.body))
  if (parsed === null) return null
  const draft = newDraft()
  const inner: Environment = {
    ...around,
    draft,
    depth: env.depth + parsed.depth,
    body: { functionName: one.name, values: converted(one, given), names: one.argumentNames ?? [] },
  }
  let last: readonly Column[] = []
  for (const statement of parsed.statements) {
    const columns = statementColumns(statement, inner)
    if (columns === null) return null
    last = columns
    // A body that is not inlined computes all of its columns.
    const whole = columns.length === 1 && one.returnType !== 'pg_catalog.void' && parsed.statements.length === 1
    if (!whole || columns[0]?.value.fields !== null) addComputed(draft, columns, 'function')
  }
  for (const left of unvisited(parsed.significant, draft.seen)) draft.unknowns.add(left)
  merge(env.draft, draft, 'derived')
  return named(one, last, env)
}

function plpgsqlColumns(
  one: CatalogFunction,
  values: readonly Value[],
  inner: Environment,
  env: Environment,
): readonly Column[] | null {
  const ran = runPlpgsql(one, converted(one, values), null, inner)
  if (typeof ran === 'string') {
    unknown(env, `${ran} in the body of "${functionName(one)}"`)
    return null
  }
  merge(env.draft, ran.draft, 'derived')
  return named(one, ran.columns, env)
}

/** `BEGIN ATOMIC … END` and `RETURN x`, as pg_get_function_sqlbody writes them. */
function textOf(body: string): string {
  const atomic = /^\s*BEGIN\s+ATOMIC\b([\s\S]*)\bEND\s*$/i.exec(body)?.[1]
  if (atomic !== undefined) return atomic
  return body.replace(/^\s*RETURN\b/i, 'SELECT')
}

/** Arguments as their declared types have them: what an argument is converted to is no longer the column as it is. */
const converted = (one: CatalogFunction, values: readonly Value[]): Value[] =>
  values.map((value, at) => {
    const type = one.argumentTypes[at] ?? null
    return type === null || isPolymorphic(type) ? value : recast(value, type)
  })

function statementColumns(statement: Node, env: Environment): readonly Column[] | null {
  const returned = payload(statement, 'ReturnStmt')
  // Equalities on columns inside a body are no predicates of the statement.
  const scope = { ...emptyScope(env), nested: true }
  if (returned !== undefined) return [{ name: 'return', value: walk(returned.returnval, scope) }]
  return isQuery(statement) ? queryColumns(statement, scope) : null
}

/** `SET search_path` of the function, else the caller's. */
export function pathOf(one: CatalogFunction, env: Environment): readonly string[] | null {
  const own = one.settings.find((setting) => setting.startsWith('search_path='))
  if (own === undefined) return env.searchPath
  return own
    .slice('search_path='.length)
    .split(',')
    .map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    .filter(Boolean)
}

/**
 * The columns as they are declared. A single row of the declared type may stand for all of them (functions.c,
 * check_sql_fn_retval); any other number of columns is not what the target can have run.
 */
function named(one: CatalogFunction, columns: readonly Column[], env: Environment): readonly Column[] {
  const [only] = columns
  // What the last statement gives is thrown away.
  if (one.returnType === 'pg_catalog.void') return one.kind === 'procedure' ? [] : [{ name: one.name, value: plain() }]
  const declared = declaredColumns(one, env)
  if (declared === null) {
    if (columns.length !== 1 && one.returnType !== 'pg_catalog.record')
      unknown(env, `the columns of "${functionName(one)}"`)
    if (one.returnType === 'pg_catalog.record') return only?.value.fields ?? columns
    if (isPolymorphic(one.returnType)) return columns
    return columns.map(({ name, value }) => ({ name, value: recast(value, one.returnType) }))
  }
  const whole = columns.length === 1 && only !== undefined && (declared.length > 1 || only.value.fields !== null)
  const found = whole ? only.value.fields : columns
  if (!whole && found?.length !== declared.length) unknown(env, `the columns of "${functionName(one)}"`)
  const all = derived(columns.map(({ value }) => value))
  return declared.map(({ name, type }, at) => ({
    name,
    value: recast((found?.length === declared.length ? found[at]?.value : undefined) ?? all, type),
  }))
}

/** OUT arguments, or the columns of a composite type; null where the body or the caller says what there is. */
function declaredColumns(
  one: CatalogFunction,
  env: Environment,
): readonly { readonly name: string; readonly type: string }[] | null {
  if (one.results?.length) return one.results
  const [schema = '', ...rest] = one.returnType.split('.')
  const relation = (env.index.named.get(rest.join('.')) ?? []).find((found) => found.schema === schema)
  return relation?.columns ?? null
}
