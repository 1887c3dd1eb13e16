// XMLTABLE and JSON_TABLE: every column is computed from the document, the paths and the defaults, and so is the number of
// rows.
import type { JsonTable, JsonTableColumn, Node, RangeTableFunc } from '@pgsql/types'
import { addControlOf } from './draft.ts'
import { existsOnServer, walk } from './expressions.ts'
import { aliased } from './from.ts'
import { jsonBehavior, jsonValue, passing } from './json.ts'
import { type Entry, entryOf, inside, type Scope, unknown } from './scope.ts'
import { type Handlers, payload } from './tree.ts'
import { typeNameOf } from './types.ts'
import { type Column, derived, plain, type Value } from './values.ts'

export const tableFunctions: Handlers<[scope: Scope, visible: readonly Entry[]], readonly Entry[]> = {
  RangeTableFunc: xmlTable,
  JsonTable: jsonTable,
}

function xmlTable(range: RangeTableFunc, outer: Scope, visible: readonly Entry[]): readonly Entry[] {
  const scope = inside(outer, visible)
  const document = derived([
    walk(range.docexpr, scope),
    walk(range.rowexpr, scope),
    ...(range.namespaces ?? []).map((node) => walk(payload(node, 'ResTarget')?.val, scope)),
  ])
  const parts: Value[] = [document]
  const columns = (range.columns ?? []).map((node): Column => {
    const column = payload(node, 'RangeTableFuncCol')
    const name = column?.colname ?? ''
    if (column?.for_ordinality === true) return { name, value: plain('pg_catalog.int4') }
    const value = derived(
      [document, walk(column?.colexpr, scope), walk(column?.coldefexpr, scope)],
      typeNameOf(column?.typeName, scope.env),
    )
    parts.push(value)
    return { name, value }
  })
  for (const value of parts) addControlOf(scope.env.draft, value, 'XMLTABLE')
  return [aliased(entryOf('xmltable', columns), range.alias)]
}

function jsonTable(range: JsonTable, outer: Scope, visible: readonly Entry[]): readonly Entry[] {
  if (!existsOnServer('JsonTable', outer)) return []
  const scope = inside(outer, visible)
  const document = derived([
    jsonValue(range.context_item, scope),
    walk(range.pathspec?.string, scope),
    ...passing(range.passing, scope),
    jsonBehavior(range.on_error, scope),
  ])
  addControlOf(scope.env.draft, document, 'JSON_TABLE')
  return [aliased(entryOf('json_table', jsonColumns(range.columns, document, scope)), range.alias)]
}

/** Columns of NESTED come after all others of their level (parse_jsontable.c, transformJsonTableColumns). */
function jsonColumns(list: readonly Node[] | undefined, document: Value, scope: Scope): readonly Column[] {
  const isNested = (node: Node): boolean => payload(node, 'JsonTableColumn')?.coltype === 'JTC_NESTED'
  const own = (list ?? []).filter((node) => !isNested(node))
  const nested = (list ?? []).filter(isNested)
  return [...own, ...nested].flatMap((node) => {
    const column = payload(node, 'JsonTableColumn')
    if (column === undefined) {
      unknown(scope.env, 'a column of JSON_TABLE')
      return []
    }
    const path = walk(column.pathspec?.string, scope)
    if (column.coltype === 'JTC_NESTED') return jsonColumns(column.columns, derived([document, path]), scope)
    return [{ name: column.name ?? '', value: jsonColumn(column, derived([document, path]), scope) }]
  })
}

function jsonColumn(column: JsonTableColumn, document: Value, scope: Scope): Value {
  if (column.coltype === 'JTC_FOR_ORDINALITY') return plain('pg_catalog.int4')
  const defaults = [jsonBehavior(column.on_empty, scope), jsonBehavior(column.on_error, scope)]
  return derived([document, ...defaults], typeNameOf(column.typeName, scope.env))
}
