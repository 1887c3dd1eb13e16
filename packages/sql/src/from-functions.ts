// Functions in FROM: the columns that a call gives as a relation, by OUT arguments, column definitions or the type of its
// result. All arguments flow into all columns unless the function's body shows better.
import type { Node, RangeFunction } from '@pgsql/types'
import { areColumnsKnown } from './builtins.ts'
import { calledWith, candidates, missingFunction, note, userColumns, windowInfluence } from './calls.ts'
import type { CatalogFunction } from './catalog.ts'
import { functionName } from './catalog-index.ts'
import { addComputed, addControlOf } from './draft.ts'
import { walk } from './expressions.ts'
import { renamed } from './from.ts'
import { nameOf } from './output.ts'
import { type Entry, entryOf, type Scope, unknown } from './scope.ts'
import { payload, tagOf, texts } from './tree.ts'
import { isPolymorphic, typeNameOf } from './types.ts'
import { type Column, derived, isScalar, plain, recast, someSystemArray, someSystemType, type Value } from './values.ts'

/** An entry for `f(…) AS a(…)` or `ROWS FROM (…)`. */
export function functionEntry(range: RangeFunction, scope: Scope): Entry {
  const alias = range.alias?.aliasname ?? null
  const several = (range.functions ?? []).length > 1
  const columns: Column[] = []
  let name = alias
  for (const node of range.functions ?? []) {
    const [call, definition] = payload(node, 'List')?.items ?? []
    const own = payload(definition, 'List')?.items ?? (several ? undefined : range.coldeflist)
    const found = callColumns(call, own, several ? null : alias, scope)
    name ??= found.name
    columns.push(...found.columns)
  }
  if (range.coldeflist !== undefined && several) unknown(scope.env, 'a column definition list behind ROWS FROM')
  if (range.ordinality === true) columns.push({ name: 'ordinality', value: plain('pg_catalog.int8') })
  const names = texts(range.alias?.colnames)
  if (names.length > columns.length) unknown(scope.env, `more names than columns in "${alias ?? ''}"`)
  return entryOf(name, renamed(columns, names))
}

function callColumns(
  node: Node | undefined,
  definition: readonly Node[] | undefined,
  alias: string | null,
  scope: Scope,
): { name: string | null; columns: readonly Column[] } {
  const called = node === undefined ? null : calledWith(node, scope)
  if (node === undefined || called === null) {
    if (node !== undefined && tagOf(node) !== 'SQLValueFunction') unknown(scope.env, `${tagOf(node)} in FROM`)
    const value = walk(node, scope)
    addControlOf(scope.env.draft, value, 'FROM')
    return { name: alias, columns: [{ name: alias ?? nameOf(node), value }] }
  }
  const { call, values } = called
  windowInfluence(call.over, scope)
  const names = texts(call.funcname)
  const found = candidates(names, values, call.func_variadic === true, scope.env)
  note(scope.env, found, values)
  // How many rows there are depends on the arguments, whatever the function.
  for (const value of values) addControlOf(scope.env.draft, value, 'function in FROM')
  const name = names.at(-1) ?? null
  const own = alias ?? name ?? '?column?'
  const lists: (readonly Column[])[] = found.user.map((one) => ofUser(one, values, own, scope))
  if (found.builtin !== null) lists.push(ofBuiltin(found.builtin, values, own, scope))
  const [only] = lists
  // A body is run whole, whatever is read of its columns.
  if (found.user.length > 0) for (const list of lists) addComputed(scope.env.draft, list, 'FROM')
  if (only === undefined) missingFunction(names, scope.env)
  if (lists.length > 1) unknown(scope.env, `which function "${names.join('.')}()" is`)
  const columns = definition === undefined ? (only ?? []) : defined(definition, values, only ?? [], scope)
  return { name, columns }
}

/** `AS t(a int, b text)`: names and types of a function that returns records. */
function defined(
  list: readonly Node[],
  values: readonly Value[],
  columns: readonly Column[],
  scope: Scope,
): readonly Column[] {
  const from = derived([...values, ...columns.map(({ value }) => value)])
  return list.map((node, at) => {
    const column = payload(node, 'ColumnDef')
    const known = columns.length === list.length ? columns[at]?.value : undefined
    return { name: column?.colname ?? '', value: recast(known ?? from, typeNameOf(column?.typeName, scope.env)) }
  })
}

function ofBuiltin(
  one: NonNullable<ReturnType<typeof candidates>['builtin']>,
  values: readonly Value[],
  own: string,
  scope: Scope,
): readonly Column[] {
  if (!areColumnsKnown(one, scope.env.index.catalog.serverVersion))
    unknown(scope.env, `the columns that "${one.name}()" gives at this server version`)
  if (one.columns.length === 1) {
    const [column] = one.columns
    return [{ name: column?.name ?? own, value: derived(values, column?.type ?? null) }]
  }
  if (one.columns.length > 1) return one.columns.map(({ name, type }) => ({ name, value: derived(values, type) }))
  if (one.shape !== 'argument') return [{ name: own, value: derived(values, one.type) }]
  // unnest(a, b) has the columns of each array side by side (parse_clause.c, transformRangeFunction).
  if (one.name === 'pg_catalog.unnest') return values.flatMap((value) => elements(value, own, values.length, scope))
  // `json_populate_record(null::customers, …)`: the type of the first argument gives the columns.
  return shaped(values[0]?.type ?? null, own, derived(values), one.name, scope)
}

/** What unnest() makes of one argument. */
function elements(value: Value, own: string, count: number, scope: Scope): readonly Column[] {
  const name = count === 1 ? own : 'unnest'
  const { type } = value
  const vector = type !== null && /^pg_catalog\.(int2vector|oidvector|\w+multirange)$/.test(type)
  if (vector || type === someSystemType || type === someSystemArray) return [{ name, value: derived([value]) }]
  // Of a text that only the server reads as an array of some type.
  const element = type?.includes('._') === true ? type.replace('._', '.') : null
  return shaped(element, name, derived([value]), 'pg_catalog.unnest', scope)
}

/** A value of this type as a relation: the columns of a composite type, or one column. */
function shaped(type: string | null, own: string, value: Value, what: string, scope: Scope): readonly Column[] {
  const composite = compositeColumns(type, scope)
  if (composite !== null) return composite.map((name) => ({ name, value }))
  if (!isOneColumn(type, scope))
    unknown(scope.env, `the columns that "${what}()" gives here; cast its argument to a type`)
  return [{ name: own, value }]
}

/** A domain may be one over a composite type, a row of a system relation has columns that are not counted here. */
function isOneColumn(type: string | null, scope: Scope): boolean {
  if (type === null) return false
  // A bare literal is a text where nothing else asks for it.
  if (type === 'unknown') return true
  const kind = scope.env.index.types.get(type.replace('._', '.'))
  const array = type.includes('._')
  return isScalar(type) || (kind !== undefined && (array || kind === 'enum' || kind === 'range' || kind === 'base'))
}

function compositeColumns(type: string | null, scope: Scope): readonly string[] | null {
  if (type === null) return null
  const at = type.indexOf('.')
  const relation = (scope.env.index.named.get(type.slice(at + 1)) ?? []).find((one) => one.schema === type.slice(0, at))
  return relation === undefined ? null : relation.columns.map(({ name }) => name)
}

function ofUser(one: CatalogFunction, values: readonly Value[], own: string, scope: Scope): readonly Column[] {
  const columns = userColumns(one, values, scope.env)
  const declared = one.results?.length ? one.results.map(({ name }) => name) : compositeColumns(one.returnType, scope)
  if (columns === null) return (declared ?? [own]).map((name) => ({ name, value: derived(values) }))
  if (declared !== null) return columns
  const [only] = columns
  // A column definition list says what a record has; of all other types it must be known that they are one column.
  if (one.returnType === 'pg_catalog.record') return columns
  if (only === undefined || columns.length > 1 || !isOneColumn(one.returnType, scope) || isPolymorphic(one.returnType))
    unknown(scope.env, `the columns that "${functionName(one)}" gives here`)
  return [{ name: own, value: only?.value ?? plain() }]
}
