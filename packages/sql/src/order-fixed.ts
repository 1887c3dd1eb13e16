// Statements in which the order of rows shows nothing, and which rows are kept does not either: one row, rows that are alike, rows that
// are sorted by what they are told apart by, writes that say how many they were. A part of index-order.ts. What a node is, the resolver
// has found (order-facts.ts): nothing is told by a name here.
import { builtin } from './builtins.ts'
import type { CatalogRelation } from './catalog.ts'
import { type CatalogIndex, descendants, relationName } from './catalog-index.ts'
import type { Draft } from './draft.ts'
import { failuresIn } from './fallible.ts'
import { type Found, type Pin, payloadOf, type ReadTable } from './order-facts.ts'
import {
  everyNode,
  exactSums,
  isAggregate,
  isRecord,
  memberOf,
  nameOfCall,
  onlyFree,
  plainType,
  sameTypes,
} from './order-free.ts'
import type { Environment } from './scope.ts'

/** The statement, and definitions of views that it reads; null where something runs that has another text. */
export function treesOf(draft: Draft, root: unknown, { index }: Environment): readonly unknown[] | null {
  if (index.madeViews !== undefined || draft.opaque.size > 0 || draft.trusted.size > 0) return null
  if (readsLoose(draft, index)) return null
  if (!areOwn(draft)) return null
  const relations = [...draft.relations].map((oid) => index.byOid.get(oid))
  const names = new Set<string>()
  for (const relation of relations) {
    if (relation === undefined || relation.rowSecurity || relation.rules.length > 0) return null
    names.add(relationName(relation))
  }
  for (const { object, operation } of draft.effects.values())
    if (operation !== 'call' && (operation !== 'select' || !names.has(object))) return null
  return [root, ...draft.order.trees]
}

/** A column under a collation that takes unlike texts for equal: which of them stands for all is a matter of order, and LIKE may fail. */
const readsLoose = ({ reads }: Draft, { byOid }: CatalogIndex): boolean =>
  [...reads].some(({ relationOid, number }) => byOid.get(relationOid)?.loose?.includes(number) === true)

/** All functions are PostgreSQL's own. */
const areOwn = ({ functions }: Draft): boolean =>
  [...functions.values()].every(({ name }) => builtin(name.replace(/\(\)$/, '')) !== undefined)

/** Types whose values can stand in a key: those that are equal to one are one row. */
const keyTypes = new Set([...sameTypes, 'pg_catalog.numeric'])

/** One row, rows that are all alike, or rows of some tables or group each, sorted by what they are told apart by. */
export function isOrderFixed(draft: Draft, trees: readonly unknown[], env: Environment): boolean {
  for (const { volatility } of draft.functions.values()) if (volatility === 'volatile') return false
  const [root] = trees
  const select = selectOf(root)
  if (select === null || !trees.every((tree) => keepsNoOrder(tree, tree === root, draft))) return false
  const calls = aggregatesOf(select['targetList'], draft)
  const isGroup = Array.isArray(select['groupClause'])
  const isSingle = calls.length > 0 && !isGroup
  const failures = failuresIn(trees, draft, env, isSingle && queriesIn(trees) === 1)
  if (failures === null || failures.size > 1) return false
  // One way to fail tells nothing where all rows of one table are read before anything is shown; joins end early.
  const readsWhole = isSingle ? readsAll(calls, draft) : isByKeyFirst(select, draft, env)
  if (failures.size === 1 && (trees.length > 1 || !readsWhole || !namesOnce(root))) return false
  if (isGroup) return isGrouped(select, trees, draft, env)
  if (isSingle) return isOneRow(select, trees, draft, env)
  if (trees.length === 1 && isSorted(select, draft, env)) return true
  draft.rowsAlike = isAlike(select) && !isCursor(root)
  return draft.rowsAlike
}

/** The greatest and the least may be the first row of an index (MinMaxAgg). */
const readsAll = (calls: readonly object[], draft: Draft): boolean =>
  calls.every((call) => {
    const name = nameOfCall(call, draft) ?? ''
    return name === 'count' || exactSums.has(name)
  })

/** Sorted by a key of one column before all else: by its index, or after all rows were read. */
function isByKeyFirst(select: Record<string, unknown>, draft: Draft, env: Environment): boolean {
  const sorts = select['sortClause']
  return Array.isArray(sorts) && isSorted({ ...select, sortClause: sorts.slice(0, 1), whereClause: null }, draft, env)
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

function writeOf(root: unknown): Record<string, unknown> | null {
  const prepared = memberOf(root, 'PrepareStmt')
  if (prepared !== null) return writeOf(prepared['query'])
  return memberOf(root, 'UpdateStmt') ?? memberOf(root, 'DeleteStmt')
}

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
function keepsNoOrder(root: unknown, isTop: boolean, draft: Draft): boolean {
  let keeps = queriesIn([root]) > 0
  const top = isTop ? selectOf(root) : null
  const counted = top === null ? null : countedBy(top, draft)
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
function countedBy(select: Record<string, unknown>, draft: Draft): Record<string, unknown> | null {
  const { targetList, fromClause, op, limitOption, ...more } = select
  if (Object.keys(more).length > 0 || !Array.isArray(targetList) || !Array.isArray(fromClause)) return null
  const [from, ...others] = fromClause
  const isCount = targetList.every((target) => {
    const call = memberOf(memberOf(memberOf(target, 'ResTarget'), 'val'), 'FuncCall')
    const isCall = call !== null && nameOfCall(call, draft) === 'count'
    return isCall && call['agg_star'] === true && call['agg_filter'] === undefined
  })
  if (!isCount || targetList.length === 0 || others.length > 0) return null
  return memberOf(memberOf(memberOf(from, 'RangeSubselect'), 'subquery'), 'SelectStmt')
}

/** DISTINCT is a list of one empty node, DISTINCT ON of what it names. */
const isKey = (node: unknown): boolean => isRecord(node) && Object.keys(node).length > 0

/** Aggregates in a list of targets, not those of queries in it. What is not known to be a function counts as one. */
function aggregatesOf(root: unknown, draft: Draft): readonly object[] {
  const calls: object[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [tag, inner] of Object.entries(value)) {
      if (tag === 'SubLink') continue
      if (tag === 'FuncCall' && isRecord(inner) && isAggregate(inner, draft)) calls.push(inner)
      visit(inner)
    }
  }
  visit(root)
  return calls
}

function isOneRow(select: Record<string, unknown>, trees: readonly unknown[], draft: Draft, env: Environment): boolean {
  if (select['limitCount'] !== undefined || select['limitOffset'] !== undefined) return false
  return areFree(trees, draft, env)
}

/** Aggregates of all queries come to the same in any order. */
function areFree(trees: readonly unknown[], draft: Draft, env: Environment): boolean {
  const top = selectOf(trees[0])
  let isWhole = true
  everyNode(trees, (_, found) => {
    const isFolding = ['distinctClause', 'groupClause', 'rarg'].some((clause) => found[clause] !== undefined)
    if (isFolding && found !== top) isWhole = false
  })
  return trees.every((tree) => onlyFree(tree, draft, env, isWhole))
}

/** Every group is one row, and they are sorted by all that they are grouped by. */
function isGrouped(
  { groupClause, sortClause }: Record<string, unknown>,
  trees: readonly unknown[],
  draft: Draft,
  env: Environment,
): boolean {
  if (!Array.isArray(groupClause) || !Array.isArray(sortClause)) return false
  const sorted = new Set(sortClause.map((sort) => sortKey(sort, draft)?.id))
  const isFixed = groupClause.every((node) => {
    const key = keyAt(node, draft)
    return key !== null && sorted.has(key.id) && sameTypes.has(plainType(key.type, env))
  })
  return isFixed && areFree(trees, draft, env)
}

function keyAt(node: unknown, { order }: Draft): Found | null {
  const inner = payloadOf(node)
  return inner === undefined ? null : (order.keys.get(inner) ?? null)
}

function sortKey(node: unknown, draft: Draft): Found | null {
  const by = memberOf(node, 'SortBy')
  return by === null || by['useOp'] !== undefined ? null : keyAt(by['node'], draft)
}

/**
 * Of each table in FROM, a whole unique key is asked for, so that there is one row of it at most, or stands in ORDER BY without NULL. Rows
 * that an outer join fills up are told apart by the key of the other side.
 */
function isSorted(select: Record<string, unknown>, draft: Draft, env: Environment): boolean {
  const tables = tablesOf(select['fromClause'], draft)
  if (tables === null || tables.length === 0) return false
  let hasAggregates = false
  everyNode(select, (tag, found) => {
    if (tag === 'FuncCall' && isAggregate(found, draft)) hasAggregates = true
  })
  if (hasAggregates) return false
  const { sortClause } = select
  const sorts = Array.isArray(sortClause) ? sortClause.map((sort) => sortKey(sort, draft)) : []
  return tables.every((table) => {
    const known = pinnedIn(select['whereClause'], table, draft, env)
    for (const key of sorts)
      if (key?.stored?.table === table && key.stored.column.notNull && keyTypes.has(plainType(key.type, env)))
        known.add(key.stored.column.number)
    return hasKeysOfAll(table.relation, env.index) && hasKeyIn(table.relation, known)
  })
}

/** The tables of a FROM list that has nothing but tables and joins of them. */
function tablesOf(from: unknown, draft: Draft): readonly ReadTable[] | null {
  const tables: ReadTable[] = []
  const open: unknown[] = Array.isArray(from) ? [...from] : []
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const range = memberOf(node, 'RangeVar')
    const join = memberOf(node, 'JoinExpr')
    const table = range === null ? null : draft.order.tables.get(range)
    if (table != null) tables.push(table)
    else if (join !== null) open.push(join['larg'], join['rarg'])
    else return null
  }
  return tables
}

/** Numbers of the columns of this table to which a WHERE gives one value each, between its ANDs. */
function pinnedIn(where: unknown, table: ReadTable, draft: Draft, env: Environment): Set<number> {
  const numbers = new Set<number>()
  const open: unknown[] = [where]
  while (open.length > 0) {
    const node = open.pop()
    const arms = memberOf(node, 'BoolExpr')
    if (arms?.['boolop'] === 'AND_EXPR' && Array.isArray(arms['args'])) open.push(...arms['args'])
    const equality = memberOf(node, 'A_Expr')
    const pin = equality === null ? null : draft.order.pins.get(equality)
    if (pin?.stored.table === table && isOneValue(pin, env)) numbers.add(pin.stored.column.number)
  }
  return numbers
}

const named = (types: string): ReadonlySet<string> => new Set(types.split(' ').map((type) => `pg_catalog.${type}`))
/** A value of one of these equals one of each other at most. */
const alike: readonly ReadonlySet<string>[] = [named('int2 int4 int8 numeric'), named('text varchar')]
/** Two of these may be equal to one point in time, where clocks are put forward. */
const local = 'pg_catalog.timestamp'

/** Is there one value of the column at most that equals the constant? A parameter is plain (StatementFacts.plainParameters). */
function isOneValue({ stored, type, parameter }: Pin, env: Environment): boolean {
  const own = plainType(stored.column.type, env)
  if (parameter !== null) return keyTypes.has(own) && own !== local
  if (type === 'unknown' || (type !== null && type === stored.column.type)) return true
  return type !== null && alike.some((types) => types.has(own) && types.has(type))
}

/** SELECT … FOR UPDATE, UPDATE and DELETE of one row at most, by a whole key of the one table that they name. */
export function isOfOneRow(draft: Draft, root: unknown, env: Environment): boolean {
  for (const { volatility } of draft.functions.values()) if (volatility === 'volatile') return false
  if (readsLoose(draft, env.index)) return false
  if (!areOwn(draft) || draft.opaque.size > 0 || draft.trusted.size > 0 || draft.order.trees.size > 0) return false
  for (const { via } of draft.effects.values()) if (via === 'derived') return false
  const where = (writeOf(root) ?? selectOf(root))?.['whereClause']
  // Of a row that was found before another one failed, its lock and its number tell.
  if (failuresIn([{ where }], draft, env, false, root)?.size !== 0) return false
  const table = onlyTable(root, draft)
  return (
    table !== null &&
    !table.relation.rowSecurity &&
    table.relation.rules.length === 0 &&
    isAsked(where, table, draft, env)
  )
}

/** A whole key of all rows of the table is asked for. */
const isAsked = (where: unknown, table: ReadTable, draft: Draft, env: Environment): boolean =>
  hasKeysOfAll(table.relation, env.index) && hasKeyIn(table.relation, pinnedIn(where, table, draft, env))

/**
 * UPDATE and DELETE of one row at most, whatever their triggers do besides: a whole key of the table is asked for. Gives the numbers of
 * parameters that must be plain for that.
 */
export function writesOneRow(draft: Draft, root: unknown, env: Environment): readonly number[] | null {
  const write = writeOf(root)
  const read = write === null ? null : onlyTable(root, draft)
  if (write === null || read === null || read.relation.rules.length > 0) return null
  const table = read.relation
  const changes = [...draft.effects.values()].filter(({ operation }) => plainWrites.has(operation))
  if (changes.filter(({ via }) => via === 'direct').length !== 1) return null
  // Cascades and triggers may change more than was asked for.
  const parts = new Set(
    descendants(env.index, table)
      .filter((one) => one !== table)
      .map(relationName),
  )
  const isAlone = changes.every(({ via, object }) => via === 'direct' || parts.has(object))
  if (!isAlone || readsLoose(draft, env.index) || !isAsked(write['whereClause'], read, draft, env)) return null
  return [...draft.order.pins.values()].flatMap((pin) => pin?.parameter ?? [])
}

/** The one table that a statement names, and nothing beside it. A relation that is written stands in the tree without its tag. */
function onlyTable(root: unknown, draft: Draft): ReadTable | null {
  if (!namesOnce(root)) return null
  let table: ReadTable | null = null
  everyNode(root, (_, found) => {
    if (typeof found['relname'] === 'string') table = draft.order.tables.get(found) ?? null
  })
  return table
}

function namesOnce(root: unknown): boolean {
  let names = 0
  let isOther = false
  everyNode(root, (tag, found) => {
    if (typeof found['relname'] === 'string') names += 1
    if (besides.has(tag)) isOther = true
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
  indexes.some((one) => one.unique && one.columns.length > 0 && one.columns.every((number) => columns.has(number)))
