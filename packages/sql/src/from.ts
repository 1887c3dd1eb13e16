// FROM: relations, subqueries, functions, joins, samples and table functions become entries of a scope, with the visibility
// that PostgreSQL gives each of them (parse_clause.c, transformFromClauseItem).
import type { Alias, JoinExpr, Node, RangeFunction, RangeSubselect, RangeTableSample, RangeVar } from '@pgsql/types'
import { addComputed, addControlOf, addRead, addReadings } from './draft.ts'
import { condition, walk, walkAll } from './expressions.ts'
import { functionEntry } from './from-functions.ts'
import { resolveOperator } from './operators.ts'
import { readRelation } from './relations.ts'
import {
  atMost,
  commonTable,
  counted,
  type Entry,
  entryOf,
  inside,
  isSystem,
  type Scope,
  unknown,
  wholeRow,
} from './scope.ts'
import { queryColumns } from './select.ts'
import { isVisible } from './settings.ts'
import { tableFunctions } from './table-functions.ts'
import { dispatch, type Handlers, tagOf, texts } from './tree.ts'
import { type Column, derived, either, plain } from './values.ts'

/** Entries of a FROM list; each item sees those before it if it is lateral. */
export function fromItems(list: readonly Node[] | undefined, scope: Scope): readonly Entry[] {
  const entries: Entry[] = []
  for (const node of list ?? []) entries.push(...fromItem(node, scope, entries))
  return entries
}

const items: Handlers<[scope: Scope, visible: readonly Entry[]], readonly Entry[]> = {
  RangeVar: (range, scope) => [aliased(relation(range, scope), range.alias, scope)],
  RangeSubselect: subselect,
  RangeFunction: (range: RangeFunction, scope, visible) => [functionEntry(range, lateral(scope, visible))],
  RangeTableSample: sample,
  JoinExpr: join,
}

/** `visible`: entries of the same level that a lateral item may name. */
export function fromItem(node: Node, scope: Scope, visible: readonly Entry[]): readonly Entry[] {
  for (const inner of Object.values(node)) scope.env.draft.seen.add(inner)
  const entries = dispatch(items, node, scope, visible) ?? dispatch(tableFunctions, node, scope, visible)
  if (entries !== undefined) return entries
  unknown(scope.env, `${tagOf(node)} in FROM`)
  return []
}

/** The scope of lateral items: everything before them at this level. */
export const lateral = (scope: Scope, visible: readonly Entry[]): Scope => ({
  ...scope,
  entries: [...scope.entries, ...visible],
})

function relation(range: RangeVar, scope: Scope): Entry {
  scope.env.draft.seen.add(range)
  const common = range.schemaname === undefined ? commonTable(scope.tables, range.relname ?? '') : undefined
  if (common !== undefined) for (const [name, times] of common.readings()) addReadings(scope.env.draft, name, times)
  if (common !== undefined) return entryOf(range.relname ?? null, common.columns(), { open: common.open })
  return readRelation(
    scope.env,
    range,
    scope.seenSettings?.names?.every((name) => isVisible(name.toLowerCase())),
  )
}

/** An alias hides the relation's own name and may rename its first columns. */
export function aliased(entry: Entry, alias: Alias | undefined, scope?: Scope): Entry {
  if (alias === undefined) return entry
  const names = texts(alias.colnames)
  if (scope !== undefined && names.length > 0) counted([entry], 'column aliases', scope.env)
  if (scope !== undefined && names.length > entry.columns.length)
    unknown(scope.env, `more names than columns in "${alias.aliasname ?? ''}"`)
  return {
    ...entry,
    name: alias.aliasname ?? entry.name,
    schema: null,
    columns: renamed(entry.columns, names),
  }
}

export const renamed = (columns: readonly Column[], names: readonly string[]): readonly Column[] =>
  names.length === 0 ? columns : columns.map((column, at) => ({ ...column, name: names[at] ?? column.name }))

function subselect(range: RangeSubselect, scope: Scope, visible: readonly Entry[]): readonly Entry[] {
  if (range.subquery === undefined) return []
  // Without LATERAL a subquery sees the levels around this one, not its neighbours.
  const outer = range.lateral === true ? lateral(scope, visible) : { ...scope, entries: [] }
  const columns = queryColumns(range.subquery, outer).map(({ name, value }) => ({ name, value }))
  // Whether the planner drops a column that nothing reads is for it to know.
  addComputed(scope.env.draft, columns, 'FROM')
  return [aliased(entryOf(null, columns), range.alias, scope)]
}

function sample(range: RangeTableSample, scope: Scope, visible: readonly Entry[]): readonly Entry[] {
  const inner = lateral(scope, visible)
  const method = texts(range.method)
  if (method.length !== 1 || !['system', 'bernoulli'].includes(method[0] ?? ''))
    unknown(scope.env, `the sampling method "${method.join('.')}"`)
  for (const value of [...walkAll(range.args, inner), walk(range.repeatable, inner)])
    addControlOf(scope.env.draft, value, 'TABLESAMPLE')
  const sampled = range.relation === undefined ? [] : fromItem(range.relation, scope, visible)
  // Both methods choose by where a row lies, which depends on how long all of its values are.
  for (const entry of sampled)
    if (!isSystem(entry)) addControlOf(scope.env.draft, derived([wholeRow(entry)]), 'TABLESAMPLE')
  return sampled
}

function join(found: JoinExpr, scope: Scope, visible: readonly Entry[]): readonly Entry[] {
  const left = found.larg === undefined ? [] : fromItem(found.larg, scope, visible)
  const right = found.rarg === undefined ? [] : fromItem(found.rarg, scope, [...visible, ...left])
  condition(found.quals, inside({ ...scope, entries: [] }, [...left, ...right]), 'JOIN')
  const columns = joinColumns(found, left, right, scope)
  const shared = usingNames(found, left, right)
  const using = entryOf(found.join_using_alias?.aliasname ?? null, columns.slice(0, shared.length), {
    columnsVisible: false,
  })
  const open = [...left, ...right].some((entry) => entry.columnsVisible && entry.open)
  if (found.alias !== undefined) return [aliased(entryOf(null, columns, { open }), found.alias, scope)]
  const sides = [...left, ...right].map((entry) => ({ ...entry, columnsVisible: false }))
  const merged = entryOf(null, columns, { nameVisible: false, open })
  return found.join_using_alias === undefined ? [merged, ...sides] : [merged, using, ...sides]
}

const visibleColumns = (entries: readonly Entry[]): readonly Column[] =>
  entries.flatMap((entry) => (entry.columnsVisible ? entry.columns : []))

function usingNames(found: JoinExpr, left: readonly Entry[], right: readonly Entry[]): readonly string[] {
  if (found.isNatural !== true) return texts(found.usingClause)
  const names = new Set(visibleColumns(right).map(({ name }) => name))
  return visibleColumns(left)
    .map(({ name }) => name)
    .filter((name) => names.has(name))
}

/** Columns of a join: those of USING once, then the rest of the left side, then of the right. */
function joinColumns(
  found: JoinExpr,
  left: readonly Entry[],
  right: readonly Entry[],
  scope: Scope,
): readonly Column[] {
  if (found.isNatural === true) counted([...left, ...right], 'a NATURAL JOIN', scope.env)
  const names = usingNames(found, left, right)
  const lefts = visibleColumns(left)
  const rights = visibleColumns(right)
  const shared = names.map((name) => merged(name, found, lefts, rights, scope))
  const rest = [...lefts, ...rights].filter(({ name }) => !names.includes(name))
  return atMost([...shared, ...rest], scope.env)
}

/** The column of USING: the left one, the right one of a RIGHT JOIN, either one of a FULL JOIN. */
function merged(
  name: string,
  found: JoinExpr,
  lefts: readonly Column[],
  rights: readonly Column[],
  scope: Scope,
): Column {
  const left = lefts.filter((column) => column.name === name)
  const right = rights.filter((column) => column.name === name)
  const [one] = left
  const [other] = right
  if (one === undefined || other === undefined || left.length > 1 || right.length > 1) {
    unknown(scope.env, `the column "${name}" of USING`)
    return one ?? other ?? { name, value: plain() }
  }
  for (const side of [one, other]) {
    side.read?.()
    addRead(scope.env.draft, side.value)
    addControlOf(scope.env.draft, side.value, 'JOIN')
  }
  // By name, as in `one = other` (parse_clause.c, transformJoinUsingClause).
  resolveOperator(['='], one.value, other.value, scope)
  if (found.jointype === 'JOIN_RIGHT') return other
  return found.jointype === 'JOIN_FULL' ? { name, value: either(one.value, other.value) } : one
}
