// Functions in FROM: the columns that a call gives as a relation, by OUT arguments, column definitions or the type of its
// result. All arguments flow into all columns unless the function's body shows better.
import type { Node, RangeFunction } from '@pgsql/types'
import { calledWith, candidates, missingFunction, note, userColumns, windowInfluence } from './calls.ts'
import type { CatalogFunction } from './catalog.ts'
import { addControlOf } from './draft.ts'
import { walk } from './expressions.ts'
import { renamed } from './from.ts'
import { nameOf } from './output.ts'
import { type Entry, entryOf, type Scope, unknown } from './scope.ts'
import { payload, tagOf, texts } from './tree.ts'
import { typeNameOf } from './types.ts'
import { type Column, derived, plain, type Value } from './values.ts'

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
  return entryOf(name, renamed(columns, texts(range.alias?.colnames)))
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
    return { name: column?.colname ?? '', value: { ...(known ?? from), type: typeNameOf(column?.typeName, scope.env) } }
  })
}

function ofBuiltin(
  one: NonNullable<ReturnType<typeof candidates>['builtin']>,
  values: readonly Value[],
  own: string,
  scope: Scope,
): readonly Column[] {
  if (one.columns.length === 1) {
    const [column] = one.columns
    return [{ name: column?.name ?? own, value: derived(values, column?.type ?? null) }]
  }
  if (one.columns.length > 1) return one.columns.map(({ name, type }) => ({ name, value: derived(values, type) }))
  // `json_populate_record(null::customers, …)`: the type of the first argument gives the columns.
  const composite = one.type === null ? compositeColumns(values[0]?.type ?? null, scope) : null
  if (composite !== null) return composite.map((name) => ({ name, value: derived(values) }))
  // unnest(a, b) has a column for each array.
  if (one.name === 'pg_catalog.unnest' && values.length > 1)
    return values.map((value) => ({ name: 'unnest', value: derived([value]) }))
  return [{ name: own, value: derived(values, one.type) }]
}

function compositeColumns(type: string | null, scope: Scope): readonly string[] | null {
  if (type === null) return null
  const at = type.indexOf('.')
  const relation = (scope.env.index.named.get(type.slice(at + 1)) ?? []).find((one) => one.schema === type.slice(0, at))
  return relation === undefined ? null : relation.columns.map(({ name }) => name)
}

function ofUser(one: CatalogFunction, values: readonly Value[], own: string, scope: Scope): readonly Column[] {
  const columns = userColumns(one, values, scope.env)
  if (columns === null) {
    const names = one.results?.map(({ name }) => name) ?? compositeColumns(one.returnType, scope) ?? [own]
    return names.map((name) => ({ name, value: derived(values) }))
  }
  const [only] = columns
  const scalar = columns.length === 1 && !one.results?.length && compositeColumns(one.returnType, scope) === null
  return scalar && only !== undefined ? [{ name: own, value: only.value }] : columns
}
