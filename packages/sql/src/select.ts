// Queries: SELECT in all its forms, VALUES, set operations, WITH, and the data-modifying statements that may stand in WITH.
// A query gives its output columns; effects, control uses and flows go to the draft.
import type { Node, SelectStmt } from '@pgsql/types'
import { addComputed, addControlOf, addReadings, readingsApart } from './draft.ts'
import { condition, ordering, walk } from './expressions.ts'
import { fromItems } from './from.ts'
import { lockRows } from './locks.ts'
import { seenSettingsOf } from './named-settings.ts'
import { listColumns, sortKeys, targetColumns } from './output.ts'
import { entryOf, inside, type Scope, unknown } from './scope.ts'
import { dispatch, type Handlers, payload, tagOf } from './tree.ts'
import { type Column, either, plain, type Value } from './values.ts'
import { commonTables } from './with.ts'
import { deleteRows, insertRows, mergeRows, updateRows } from './write.ts'

/** Statements that give rows and may stand in WITH, in EXPLAIN, in a cursor, in a function body. */
const queries: Handlers<[scope: Scope], readonly Column[]> = {
  SelectStmt: selectColumns,
  InsertStmt: insertRows,
  UpdateStmt: updateRows,
  DeleteStmt: deleteRows,
  MergeStmt: mergeRows,
}

export const isQuery = (node: Node): boolean => Object.hasOwn(queries, tagOf(node))

/** The output columns of a query. `outer` is the scope around it: a lateral one, an expression's, or an empty one. */
export function queryColumns(node: Node, outer: Scope): readonly Column[] {
  for (const inner of Object.values(node)) outer.env.draft.seen.add(inner)
  const columns = dispatch(queries, node, outer)
  if (columns !== undefined) return columns
  unknown(outer.env, `${tagOf(node)} as a query`)
  return []
}

export function selectColumns(select: SelectStmt, outer: Scope): readonly Column[] {
  outer.env.draft.seen.add(select)
  const tables = commonTables(select.withClause, outer)
  const scope: Scope = { ...inside(outer, []), tables }
  if (select.intoClause !== undefined && !outer.env.draft.seen.has(select.intoClause))
    unknown(outer.env, 'SELECT INTO inside another statement')
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return setOperation(select, scope)
  if (select.valuesLists !== undefined) return valuesColumns(select, scope)
  return plainSelect(select, scope)
}

function plainSelect(select: SelectStmt, outer: Scope): readonly Column[] {
  const { draft } = outer.env
  const seenSettings = seenSettingsOf(select, outer)
  const from: Scope = { ...outer, entries: fromItems(select.fromClause, { ...outer, seenSettings }) }
  lockRows(select.lockingClause, from)
  condition(select.whereClause, from, 'WHERE')
  const scope: Scope = { ...from, windows: windowsOf(select, from), seenSettings }
  const columns = targetColumns(select.targetList, scope)
  for (const value of sortKeys(select.groupClause, columns, scope, 'input first'))
    addControlOf(draft, value, 'GROUP BY')
  condition(select.havingClause, scope, 'HAVING')
  distinct(select, columns, scope)
  ordered(select, columns, scope)
  return columns
}

/** WINDOW w AS (…), by name, each with what it partitions and orders by. */
function windowsOf(select: SelectStmt, scope: Scope): ReadonlyMap<string, readonly Value[]> {
  const windows = new Map<string, readonly Value[]>()
  for (const node of select.windowClause ?? []) {
    const window = payload(node, 'WindowDef')
    if (window === undefined) continue
    const order = [
      ...ordering(window.partitionClause, scope, 'PARTITION BY'),
      ...ordering(window.orderClause, scope, 'window ORDER BY'),
    ]
    const bounds = [walk(window.startOffset, scope), walk(window.endOffset, scope)]
    for (const bound of bounds) addControlOf(scope.env.draft, bound, 'window frame')
    const base = window.refname === undefined ? [] : (windows.get(window.refname) ?? [])
    windows.set(window.name ?? '', [...base, ...order, ...bounds])
  }
  return windows
}

/** DISTINCT compares all output columns, DISTINCT ON what it names. */
function distinct(select: SelectStmt, columns: readonly Column[], scope: Scope): void {
  const clause = select.distinctClause
  if (clause === undefined) return
  const keys = clause.filter((node) => tagOf(node) !== '')
  const values = keys.length === 0 ? columns.map(({ value }) => value) : sortKeys(keys, columns, scope, 'output first')
  for (const value of values) addControlOf(scope.env.draft, value, 'DISTINCT')
}

/** ORDER BY and LIMIT. */
function ordered(select: SelectStmt, columns: readonly Column[], scope: Scope): void {
  const { draft } = scope.env
  for (const value of sortKeys(select.sortClause, columns, scope, 'output first'))
    addControlOf(draft, value, 'ORDER BY')
  for (const bound of [select.limitCount, select.limitOffset]) addControlOf(draft, walk(bound, scope), 'LIMIT')
}

/** Rows of constants or of anything else: a column is any of its values. */
function valuesColumns(select: SelectStmt, scope: Scope): readonly Column[] {
  const rows = (select.valuesLists ?? []).map((node) =>
    listColumns(payload(node, 'List')?.items, scope).map(({ value }) => value),
  )
  if (rows.some((one) => one.length !== rows[0]?.length)) unknown(scope.env, 'rows of VALUES of unequal length')
  const width = Math.max(0, ...rows.map((one) => one.length))
  const columns = Array.from({ length: width }, (_, at) => ({
    name: `column${at + 1}`,
    value: oneOf(rows.map((one) => one[at] ?? plain())),
  }))
  addComputed(scope.env.draft, columns, 'VALUES')
  ordered(select, columns, scope)
  return columns
}

function oneOf(values: readonly Value[]): Value {
  const [first = plain(), ...rest] = values
  return rest.reduce(either, first)
}

/** UNION ALL only puts rows together; every other form compares whole rows, which decides what is shown. */
function setOperation(select: SelectStmt, scope: Scope): readonly Column[] {
  const { draft } = scope.env
  const { larg, rarg } = select
  const [left, leftRead] = readingsApart(draft, () => (larg === undefined ? [] : selectColumns(larg, scope)))
  const [right, rightRead] = readingsApart(draft, () => (rarg === undefined ? [] : selectColumns(rarg, scope)))
  // A row comes from one of the arms.
  for (const name of new Set([...leftRead.keys(), ...rightRead.keys()]))
    addReadings(draft, name, Math.max(leftRead.get(name) ?? 0, rightRead.get(name) ?? 0))
  if (left.length !== right.length) unknown(scope.env, 'a set operation of unequal columns')
  const word = select.op === 'SETOP_UNION' ? 'UNION' : select.op === 'SETOP_INTERSECT' ? 'INTERSECT' : 'EXCEPT'
  // Arms are computed whole.
  for (const arm of [left, right]) addComputed(draft, arm, word)
  const columns = left.map(({ name, value }, at) => {
    const other = right[at]?.value ?? plain()
    if (word !== 'UNION' || select.all !== true) for (const arm of [value, other]) addControlOf(draft, arm, word)
    return { name, value: word === 'EXCEPT' ? value : either(value, other) }
  })
  // Only output columns can be sorted by here; LIMIT cannot see the arms either.
  ordered(select, columns, { ...scope, entries: [entryOf(null, columns)] })
  if (select.lockingClause !== undefined) unknown(scope.env, 'row locks on a set operation')
  return columns
}
