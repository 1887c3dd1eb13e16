// Statements in which the order of rows shows nothing, and which rows are kept does not either: one row, rows that are alike, rows that
// are sorted by what they are told apart by, writes that say how many they were. A part of index-order.ts.
import { builtin } from './builtins.ts'
import type { CatalogRelation } from './catalog.ts'
import { type CatalogIndex, descendants, relationName } from './catalog-index.ts'
import type { Draft } from './draft.ts'
import { failuresIn } from './fallible.ts'
import {
  calledName,
  everyNode,
  isOfType,
  isRecord,
  onlyFree,
  relationCalled,
  sameTypes,
  stringOf,
} from './order-free.ts'
import type { Environment } from './scope.ts'
import { statementsOf } from './tree.ts'

/** The statement, and definitions of views that it reads; null where something runs that has another text. */
export function treesOf(
  draft: Draft,
  root: unknown,
  env: Environment,
  writes: ReadonlySet<string> = new Set(),
): readonly unknown[] | null {
  if (env.index.madeViews !== undefined || draft.opaque.size > 0 || draft.trusted.size > 0) return null
  for (const { name } of draft.functions.values()) if (builtinOf(name) === undefined) return null
  const trees: unknown[] = [root]
  for (const { object, operation } of draft.effects.values()) {
    if (operation === 'call') continue
    if (operation !== 'select' && !writes.has(operation)) return null
    const relation = relationCalled(object, env)
    if (relation === undefined || relation.rowSecurity || relation.rules.length > 0) return null
    if (relation.kind !== 'view') continue
    const parsed = statementsOf(env.parser.parse(relation.definition ?? '').stmts)
    if (parsed === null || parsed.length !== 1) return null
    trees.push(parsed[0]?.stmt)
  }
  return trees
}

const builtinOf = (name: string) => builtin(name.replace(/\(\)$/, ''))

/** These do so for numbers that are exact. */
const exactSums = new Set(['sum', 'avg'])
/** A sum of these is never too large on the way to one that is not. */
const exactTypes = new Set(['int2', 'int4', 'int8', 'numeric'].map((type) => `pg_catalog.${type}`))
/** Types whose values can stand in a key: those that are equal to one are one row. */
const keyTypes = new Set([...sameTypes, 'pg_catalog.numeric'])

/** One row, rows that are all alike, or rows of one table or group each, sorted by what they are told apart by. */
export function isOrderFixed(draft: Draft, trees: readonly unknown[], env: Environment): boolean {
  for (const { volatility } of draft.functions.values()) if (volatility === 'volatile') return false
  const [root] = trees
  const select = selectOf(root)
  if (select === null || !trees.every((tree) => keepsNoOrder(tree, tree === root))) return false
  const calls = aggregatesOf(select['targetList'])
  const isGroup = Array.isArray(select['groupClause'])
  const isSingle = calls.length > 0 && !isGroup
  const failures = failuresIn(trees, draft, env, isSingle && queriesIn(trees) === 1)
  if (failures === null || failures.size > 1) return false
  // One way to fail tells nothing where all rows of one table are read before anything is shown; joins end early.
  const readsWhole = isSingle ? readsAll(calls) && namesOnce(root) : isByKeyFirst(select, trees, draft, env)
  if (failures.size === 1 && (trees.length > 1 || !readsWhole)) return false
  if (isGroup) return isGrouped(select, trees, draft, env)
  if (isSingle) return isOneRow(select, calls, trees, draft, env)
  if (isSorted(select, trees, draft, env)) return true
  draft.rowsAlike = isAlike(select) && !isCursor(root)
  return draft.rowsAlike
}

/** The greatest and the least may be the first row of an index (MinMaxAgg). */
const readsAll = (calls: readonly Call[]): boolean => calls.every(({ name }) => name === 'count' || exactSums.has(name))

/** Sorted by a key of one column before all else: by its index, or after all rows were read. */
function isByKeyFirst(
  select: Record<string, unknown>,
  trees: readonly unknown[],
  draft: Draft,
  env: Environment,
): boolean {
  const sorts = select['sortClause']
  return Array.isArray(sorts) && isSorted({ ...select, sortClause: sorts.slice(0, 1) }, trees, draft, env, false)
}

/** Where CURRENT OF names the row, no two are alike. */
const isCursor = (root: unknown): boolean => memberOf(root, 'DeclareCursorStmt') !== null

function queriesIn(trees: readonly unknown[]): number {
  let queries = 0
  for (const tree of trees)
    everyNode(tree, (tag) => {
      if (tag === 'SelectStmt') queries += 1
    })
  return queries
}

/** Of each row nothing is shown but constants; or no table is asked, only whether there are rows. */
function isAlike({ targetList, sortClause, fromClause }: Record<string, unknown>): boolean {
  if (!Array.isArray(targetList) || sortClause !== undefined) return false
  return targetList.every((target) => {
    const value = memberOf(memberOf(target, 'ResTarget'), 'val')
    if (
      memberOf(value, 'A_Const') !== null ||
      memberOf(memberOf(memberOf(value, 'TypeCast'), 'arg'), 'A_Const') !== null
    )
      return true
    return fromClause === undefined && memberOf(value, 'SubLink')?.['subLinkType'] === 'EXISTS_SUBLINK'
  })
}

const writeOf = (root: unknown): Record<string, unknown> | null =>
  memberOf(root, 'UpdateStmt') ?? memberOf(root, 'DeleteStmt')

const plainWrites: ReadonlySet<string> = new Set(['update', 'delete'])

/** The query itself, also of COPY, PREPARE and a cursor. */
function selectOf(root: unknown): Record<string, unknown> | null {
  if (!isRecord(root)) return null
  const inner = root['CopyStmt'] ?? root['DeclareCursorStmt'] ?? root['PrepareStmt']
  if (isRecord(inner)) return selectOf(inner['query'])
  const select = root['SelectStmt']
  if (!isRecord(select) || (select['op'] !== undefined && select['op'] !== 'SETOP_NONE')) return null
  const odd = ['valuesLists', 'distinctClause', 'windowClause', 'intoClause']
  return odd.some((clause) => select[clause] !== undefined) ? null : select
}

const ordering = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'RangeTableSample', 'LockingClause'])

/** Nothing in it takes the first of some rows, or puts several into one value; `isTop`: the outermost query may be cut. */
function keepsNoOrder(root: unknown, isTop: boolean): boolean {
  return queriesIn([root]) > 0 && keepsNoOrderIn(root, isTop)
}

function keepsNoOrderIn(root: unknown, isTop = false): boolean {
  let keeps = true
  const top = isTop ? selectOf(root) : null
  const counted = top === null ? null : countedBy(top)
  everyNode(root, (tag, found) => {
    // Arms of a set operation stand in the tree without their tag.
    if (tag === 'SelectStmt' || tag === 'larg' || tag === 'rarg') {
      const isCut = found['limitCount'] !== undefined || found['limitOffset'] !== undefined
      if ((isCut && found !== top && found !== counted) || found['windowClause'] !== undefined) keeps = false
      if (Array.isArray(found['distinctClause']) && found['distinctClause'].some(isKey)) keeps = false
    }
    if (ordering.has(tag) || tag === 'over' || /Agg(Constructor)?$|^JsonArrayQuery/.test(tag)) keeps = false
    if (tag === 'SubLink' && found['subLinkType'] === 'ARRAY_SUBLINK') keeps = false
    if (tag === 'WithClause' && found['recursive'] === true) keeps = false
    if (tag === 'RangeFunction') keeps = false
  })
  return keeps
}

/** The query of which nothing is taken but how many rows it has, as ORMs count: whichever it was cut to, they are as many. */
function countedBy(select: Record<string, unknown>): Record<string, unknown> | null {
  const { targetList, fromClause, op, limitOption, ...more } = select
  if (Object.keys(more).length > 0 || !Array.isArray(targetList) || !Array.isArray(fromClause)) return null
  const [from, ...others] = fromClause
  const isCount = targetList.every((target) => {
    const call = memberOf(memberOf(memberOf(target, 'ResTarget'), 'val'), 'FuncCall')
    return (
      call !== null && call['agg_star'] === true && calledName(call) === 'count' && call['agg_filter'] === undefined
    )
  })
  if (!isCount || targetList.length === 0 || others.length > 0) return null
  return memberOf(memberOf(memberOf(from, 'RangeSubselect'), 'subquery'), 'SelectStmt')
}

function memberOf(node: unknown, name: string): Record<string, unknown> | null {
  const member = isRecord(node) ? node[name] : undefined
  return isRecord(member) ? member : null
}

/** DISTINCT is a list of one empty node, DISTINCT ON of what it names. */
const isKey = (node: unknown): boolean => isRecord(node) && Object.keys(node).length > 0

interface Call {
  readonly name: string
  readonly parameters: readonly unknown[]
}

/** Aggregates in a list of targets, not those of queries in it. */
function aggregatesOf(root: unknown): readonly Call[] {
  const calls: Call[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [tag, inner] of Object.entries(value)) {
      if (tag === 'SubLink') continue
      if (tag === 'FuncCall' && isRecord(inner)) {
        const name = calledName(inner)
        if (builtin(`pg_catalog.${name}`)?.kind === 'aggregate')
          calls.push({ name, parameters: Array.isArray(inner['args']) ? inner['args'] : [] })
      }
      visit(inner)
    }
  }
  visit(root)
  return calls
}

function isOneRow(
  select: Record<string, unknown>,
  calls: readonly Call[],
  trees: readonly unknown[],
  draft: Draft,
  env: Environment,
): boolean {
  if (select['limitCount'] !== undefined || select['limitOffset'] !== undefined) return false
  return areFree(calls, trees, draft, env)
}

/** Aggregates of the outermost query, `calls`, and of all others come to the same in any order. */
function areFree(calls: readonly Call[], trees: readonly unknown[], draft: Draft, env: Environment): boolean {
  const sums = calls.filter(({ name }) => exactSums.has(name))
  // A sum in an inner query may be of anything.
  for (const tree of trees) {
    const seen = onlyFree(tree, draft, env, exactSums)
    if (seen === null || seen > (tree === trees[0] ? sums.length : 0)) return false
  }
  return sums.every(
    ({ parameters }) => parameters.length === 1 && isOfType(parameters[0], trees[0], exactTypes, draft, env),
  )
}

/** Every group is one row, and they are sorted by all that they are grouped by. */
function isGrouped(
  select: Record<string, unknown>,
  trees: readonly unknown[],
  draft: Draft,
  env: Environment,
): boolean {
  const { groupClause, sortClause, targetList, havingClause } = select
  if (!Array.isArray(groupClause) || !Array.isArray(sortClause) || !Array.isArray(targetList)) return false
  const keys = groupClause.map((key) => writtenKey(key, targetList))
  const sorted = new Set(
    sortClause.map((sort) => {
      const by = memberOf(sort, 'SortBy')
      return by === null || by['useOp'] !== undefined ? null : writtenKey(by['node'], targetList)
    }),
  )
  if (!keys.every((key) => key !== null && sorted.has(key))) return false
  const isPlain = groupClause.every((key) => isOfType(columnAt(key, targetList), trees[0], sameTypes, draft, env))
  return isPlain && areFree(aggregatesOf([targetList, havingClause, sortClause]), trees, draft, env)
}

/** What stands there, or at the place in the list of targets that it names. */
function columnAt(node: unknown, targets: readonly unknown[]): unknown {
  const place = memberOf(memberOf(node, 'A_Const'), 'ival')?.['ival']
  if (typeof place !== 'number') return node
  let hasStar = false
  everyNode(targets, (tag) => {
    if (tag === 'A_Star') hasStar = true
  })
  // A star is several columns.
  return hasStar ? null : memberOf(memberOf(targets[place - 1], 'ResTarget'), 'val')
}

/** A column as it is written, without its place; null for anything else, and for what a target has the name of. */
function writtenKey(node: unknown, targets: readonly unknown[]): string | null {
  const column = memberOf(columnAt(node, targets), 'ColumnRef')
  const fields = column === null || !Array.isArray(column['fields']) ? [] : column['fields'].map(stringOf)
  const name = fields.at(-1) ?? null
  const isOther = isShownAs(columnAt(node, targets), namesShown(targets))
  return name === null || fields.includes(null) || isOther ? null : JSON.stringify(fields)
}

/** A whole unique key is asked for, so that there is one row at most; or it stands in ORDER BY, without NULL. */
function isSorted(
  select: Record<string, unknown>,
  trees: readonly unknown[],
  draft: Draft,
  env: Environment,
  orByKey = true,
): boolean {
  const table = onlyTable(draft, trees, env)
  if (table === null) return false
  if (orByKey && asksForKey(draft, table)) return true
  const sorts = select['sortClause']
  if (!Array.isArray(sorts)) return false
  let aggregates = false
  everyNode(trees[0], (tag, found) => {
    if (tag === 'FuncCall' && builtin(`pg_catalog.${calledName(found)}`)?.kind !== 'function') aggregates = true
  })
  if (aggregates) return false
  const shown = namesShown(select['targetList'])
  const sorted = new Set<number>()
  for (const sort of sorts) {
    const by = isRecord(sort) && isRecord(sort['SortBy']) ? sort['SortBy'] : null
    if (by === null || by['useOp'] !== undefined) continue
    const column = columnOf(by['node'], table)
    // What a target is called comes first.
    if (column?.notNull === true && keyTypes.has(column.type) && !isShownAs(by['node'], shown))
      sorted.add(column.number)
  }
  return hasKeyIn(table, sorted)
}

/** Names of what is shown that is not the column of that name; null among them: nobody knows which one it has (FigureColname). */
function namesShown(targets: unknown): ReadonlySet<string | null> {
  const names = new Set<string | null>()
  for (const target of Array.isArray(targets) ? targets : []) {
    const found = memberOf(target, 'ResTarget')
    const value = found?.['val']
    if (typeof found?.['name'] === 'string') names.add(found['name'])
    else if (memberOf(value, 'FuncCall') !== null) names.add(calledName(memberOf(value, 'FuncCall') ?? {}))
    else if (memberOf(value, 'ColumnRef') === null && memberOf(value, 'A_Const') === null) names.add(null)
  }
  return names
}

/** In ORDER BY a bare name is first of all that of what is shown. */
function isShownAs(node: unknown, shown: ReadonlySet<string | null>): boolean {
  const fields = memberOf(node, 'ColumnRef')?.['fields']
  if (!Array.isArray(fields) || fields.length > 1) return false
  return shown.has(null) || shown.has(stringOf(fields[0]))
}

function asksForKey(draft: Draft, table: CatalogRelation): boolean {
  const asked = [...draft.equalities.keys()].filter(({ relationOid }) => relationOid === table.oid)
  return hasKeyIn(table, new Set(asked.map(({ number }) => number)))
}

/** SELECT … FOR UPDATE, UPDATE and DELETE of one row at most, by a whole key of the one table that they name. */
export function isOfOneRow(draft: Draft, root: unknown, env: Environment): boolean {
  for (const { name, volatility } of draft.functions.values())
    if (volatility === 'volatile' || builtinOf(name) === undefined) return false
  if (draft.opaque.size > 0 || draft.trusted.size > 0) return false
  for (const { via } of draft.effects.values()) if (via === 'derived') return false
  const where = (writeOf(root) ?? selectOf(root))?.['whereClause']
  // Of a row that was found before another one failed, its lock and its number tell.
  if (failuresIn([{ where }], draft, env, false, root)?.size !== 0) return false
  const table = onlyTable(draft, [root], env)
  return table !== null && !table.rowSecurity && table.rules.length === 0 && asksForKey(draft, table)
}

/** UPDATE and DELETE of one row at most, whatever their triggers do besides: a whole key of the table is asked for. */
export function writesOneRow(draft: Draft, root: unknown, env: Environment): boolean {
  const write = writeOf(root)
  if (write === null || write['fromClause'] !== undefined || write['usingClause'] !== undefined) return false
  if (!namesOnce(root)) return false
  const changes = [...draft.effects.values()].filter(({ operation }) => plainWrites.has(operation))
  const [only, ...more] = changes.filter(({ via }) => via === 'direct')
  const table = only === undefined || more.length > 0 ? undefined : relationCalled(only.object, env)
  if (table === undefined || table.rules.length > 0) return false
  // Cascades and triggers may change more than was asked for.
  const parts = new Set(
    descendants(env.index, table)
      .filter((one) => one !== table)
      .map(relationName),
  )
  const isAlone = changes.every(({ via, object }) => via === 'direct' || parts.has(object))
  return isAlone && hasKeysOfAll(table, env.index) && asksForKey(draft, table)
}

/**
 * One relation by its own name, and nothing beside it: the equalities of a statement are of all of its queries. A relation that is
 * written stands in the tree without its tag.
 */
function namesOnce(root: unknown): boolean {
  let names = 0
  let isOther = false
  everyNode(root, (tag, found) => {
    if (typeof found['relname'] === 'string') names += 1
    if (besides.has(tag) || found['colnames'] !== undefined) isOther = true
  })
  return names === 1 && !isOther && readsOne(writeOf(root) ?? selectOf(root) ?? {})
}

/** Nothing stands in FROM but the relation. */
function readsOne({ relation, fromClause, usingClause }: Record<string, unknown>): boolean {
  if (relation !== undefined) return fromClause === undefined && usingClause === undefined
  return Array.isArray(fromClause) && fromClause.length === 1 && memberOf(fromClause[0], 'RangeVar') !== null
}

const besides = new Set(['RangeSubselect', 'SubLink', 'CommonTableExpr', 'RangeFunction'])

/** A key of a partitioned table is one of all of its rows; children have their own. */
const hasKeysOfAll = ({ oid, kind }: CatalogRelation, index: CatalogIndex): boolean =>
  kind === 'partitioned' || (kind === 'table' && (index.children.get(oid) ?? []).length === 0)

const hasKeyIn = ({ indexes = [] }: CatalogRelation, columns: ReadonlySet<number>): boolean =>
  indexes.some((one) => one.unique && one.columns.every((number) => columns.has(number)))

/** The one plain table that is read, and is named once. */
function onlyTable(draft: Draft, trees: readonly unknown[], { index }: Environment): CatalogRelation | null {
  const read = [...draft.relations].flatMap((oid) => index.byOid.get(oid) ?? [])
  const parts = new Set(read.flatMap((one) => [...descendants(index, one)]))
  const [table, ...more] = read.filter((one) => !parts.has(one))
  if (table === undefined || more.length > 0 || trees.length > 1) return null
  return namesOnce(trees[0]) && hasKeysOfAll(table, index) ? table : null
}

function columnOf(node: unknown, table: CatalogRelation): CatalogRelation['columns'][number] | null {
  if (!isRecord(node) || !isRecord(node['ColumnRef'])) return null
  const { fields } = node['ColumnRef']
  const name = Array.isArray(fields) && fields.length <= 2 ? stringOf(fields.at(-1)) : null
  return table.columns.find((column) => column.name === name) ?? null
}
