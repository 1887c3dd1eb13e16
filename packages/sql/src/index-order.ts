// Rows come in some order, and an index may be why: of a null test in that of the values, behind `city = 'Oslo'` in that of whatever
// stands beside `city` in its index. Where order, or which rows are kept, can be seen, that tells as much as sorting by the column
// does (THREATS ). Here such columns are found, and statements in which order shows nothing.
import { limits } from '@sallyport/base/limits'
import { builtin } from './builtins.ts'
import type { CatalogRelation } from './catalog.ts'
import { columnRefs } from './catalog-index.ts'
import { addControl, controlKey, type Draft } from './draft.ts'
import type { ColumnRef, ControlUse, OutputColumn } from './facts.ts'
import { calledName, everyNode, isRecord, onlyFree, relationCalled, stringOf } from './order-free.ts'
import type { Environment } from './scope.ts'
import { statementsOf } from './tree.ts'

/** How such a use is called; whoever refuses it explains it (mask/plan.ts). */
export const byIndex = 'the order of an index'

/**
 * Columns by whose values an index may order the rows decide like those of ORDER BY; `root` is the statement, `output` its result
 * columns.
 */
export function orderByIndexes(
  draft: Draft,
  root: unknown,
  output: readonly OutputColumn[] | null,
  env: Environment,
): void {
  const uses = [...draft.control.values()]
  const walked = walkedIndexes(draft, output ?? [], env)
  if (walked.length === 0 && !uses.some((use) => ordersOf(use, false, env).length > 0)) return
  if (isQuietWrite(draft, root, env)) return
  const trees = treesOf(draft, root, env)
  if (trees !== null && isOrderFixed(draft, trees, env)) return
  const forNullOnly = trees !== null && !trees.some(mayTestForValues)
  const shown = [...uses.flatMap((use) => ordersOf(use, forNullOnly, env)), ...walked]
  for (const { column, use, where } of shown) {
    if (use !== null) draft.control.delete(controlKey({ column, use, where }))
    addControl(draft, column, 'other', byIndex)
  }
}

/** A column that orders rows; `use`: what was known of it, and is more now. */
interface Shown {
  readonly column: ColumnRef
  readonly use: ControlUse['use'] | null
  readonly where: string
}

/**
 * What an index that serves this use orders by. Of the column itself only a null test leaves an order, and entries of NULL alone
 * are in the order of their rows (btree, since PostgreSQL 13). A remote server has indexes that nobody lists.
 */
function ordersOf({ column, use, where }: ControlUse, forNullOnly: boolean, { index }: Environment): readonly Shown[] {
  const relation = index.byOid.get(column.relationOid)
  if (relation === undefined) return []
  const refs = columnRefs(index, relation)
  const shown: Shown[] = []
  for (const one of family(relation, index.children)) {
    const number = numberIn(one, relation, column.number)
    const isOwn = use === 'null-test'
    if (isOwn && (one.kind === 'foreign' || one.indexes === undefined)) shown.push({ column, use, where })
    for (const { columns, computed = [] } of one.indexes ?? []) {
      const keys = [...new Set([...columns, ...computed])]
      if (number === null || !keys.includes(number)) continue
      // A test of the column is none of what is computed from it.
      if (isOwn && columns.includes(number) && !(forNullOnly && columns.length === 1))
        shown.push({ column, use, where })
      for (const beside of keys) {
        if (beside === number) continue
        const known =
          refs.find((ref) => numberIn(one, relation, ref.number) === beside) ??
          columnRefs(index, one).find((ref) => ref.number === beside)
        if (known !== undefined) shown.push({ column: known, use: null, where })
      }
    }
  }
  return shown
}

/**
 * Of an index that has all that the result shows of a table, rows may be read without the table (index-only scan), in its order:
 * beside another column of it that tells whose values come first. Conditions do not count: the planner may drop them. What is
 * computed may come to less than it seems, so that only columns that are shown as they are keep an index from being enough.
 */
function walkedIndexes(draft: Draft, output: readonly OutputColumn[], { index }: Environment): readonly Shown[] {
  const shown: Shown[] = []
  for (const oid of draft.relations) {
    const relation = index.byOid.get(oid)
    if (relation === undefined) continue
    const ofTable = (columns: readonly OutputColumn[]): ReadonlySet<number> =>
      new Set(
        columns.flatMap(({ sources }) => sources.filter((ref) => ref.relationOid === oid).map((ref) => ref.number)),
      )
    const all = ofTable(output)
    const bare = ofTable(output.filter(({ kind }) => kind === 'direct'))
    if (all.size === 0) continue
    for (const one of family(relation, index.children))
      for (const { columns, computed = [], carried = [] } of one.indexes ?? []) {
        const held = new Set([...columns, ...computed, ...carried])
        if (held.size < 2) continue
        const at = (number: number): number | null => numberIn(one, relation, number)
        if (![...bare].every((number) => held.has(at(number) ?? 0))) continue
        for (const ref of columnRefs(index, relation)) {
          const number = at(ref.number)
          const isKey = number !== null && (columns.includes(number) || computed.includes(number))
          const isBeside = [...all].some((each) => each !== ref.number && held.has(at(each) ?? 0))
          if (isKey && isBeside) shown.push({ column: ref, use: null, where: '' })
        }
      }
  }
  return shown
}

/** The column of a child that has the name of this one. */
function numberIn(child: CatalogRelation, relation: CatalogRelation, number: number): number | null {
  if (child === relation) return number
  const name = relation.columns.find((column) => column.number === number)?.name
  return child.columns.find((column) => column.name === name)?.number ?? null
}

/** The relation and all that is read with it. */
function family(
  relation: CatalogRelation,
  children: ReadonlyMap<number, readonly CatalogRelation[]>,
): readonly CatalogRelation[] {
  const all = new Set([relation])
  for (const one of all) for (const child of children.get(one.oid) ?? []) all.add(child)
  return [...all]
}

/** The statement, and definitions of views that it reads; null where something runs that has another text. */
function treesOf(
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

/** IS NOT NULL, or anything that could turn IS NULL into it. */
function mayTestForValues(root: unknown): boolean {
  let may = false
  everyNode(root, (tag, found) => {
    if (tag === 'NullTest' && found['nulltesttype'] !== 'IS_NULL') may = true
    if (tag === 'BoolExpr' && found['boolop'] === 'NOT_EXPR') may = true
    if (turning.has(tag)) may = true
    // A test that is an operand, as in (x IS NULL) = false.
    if (tag === 'A_Expr' && holdsTest(found)) may = true
  })
  return may
}

const turning = new Set(['BooleanTest', 'CaseExpr', 'CoalesceExpr', 'NullIfExpr'])

function holdsTest(root: unknown): boolean {
  let holds = false
  everyNode(root, (tag) => {
    if (tag === 'NullTest') holds = true
  })
  return holds
}

/** These do so for numbers that are exact. */
const exactSums = new Set(['sum', 'avg'])
const exactTypes = new Set(['int2', 'int4', 'int8', 'numeric', 'interval', 'money'].map((type) => `pg_catalog.${type}`))
/** Types whose equal values are the same in every order that there is. */
const plainTypes = new Set(
  ['int2', 'int4', 'int8', 'oid', 'uuid', 'date', 'timestamp', 'timestamptz', 'numeric'].map(
    (type) => `pg_catalog.${type}`,
  ),
)

/** One row of aggregates that know no order, or rows of one table sorted by a key of it. */
function isOrderFixed(draft: Draft, trees: readonly unknown[], env: Environment): boolean {
  for (const { volatility } of draft.functions.values()) if (volatility === 'volatile') return false
  const [root] = trees
  const select = selectOf(root)
  if (select === null || !trees.every((tree) => keepsNoOrder(tree, tree === root))) return false
  const calls = aggregatesOf(select['targetList'])
  return calls.length > 0 ? isOneRow(select, calls, trees, draft, env) : isSorted(select, trees, draft, env)
}

/**
 * Says how many rows it was, and nothing else, and gives them nothing in their order, such as numbers of a sequence. Where they lie
 * then is a matter of storage (docs/masking.md, "What is left").
 */
function isQuietWrite(draft: Draft, root: unknown, env: Environment): boolean {
  if (!isRecord(root)) return false
  const write = root['UpdateStmt'] ?? root['DeleteStmt']
  if (!isRecord(write) || Object.keys(write).some((member) => /^(returning|with)/.test(member))) return false
  let isQuiet = draft.opaque.size === 0 && draft.trusted.size === 0 && takesNoFirst(draft, root, write, env)
  for (const { volatility } of draft.functions.values()) if (volatility === 'volatile') isQuiet = false
  // A trigger may number what it keeps.
  for (const { via, operation } of draft.effects.values())
    if (via === 'derived' && operation !== 'select') isQuiet = false
  everyNode(root, (tag) => {
    if (tag === 'SetToDefault') isQuiet = false
  })
  return isQuiet
}

const plainWrites: ReadonlySet<string> = new Set(['update', 'delete'])

/** Of several rows that fit one, UPDATE … FROM takes the first; so may a query in it, or put them into one value that is kept. */
function takesNoFirst(draft: Draft, root: unknown, write: Record<string, unknown>, env: Environment): boolean {
  if (write['fromClause'] !== undefined) return false
  let queries = 0
  everyNode(write, (tag) => {
    if (tag === 'SelectStmt') queries += 1
  })
  const viewed = [...draft.effects.values()].some(({ object }) => relationCalled(object, env)?.kind === 'view')
  if (queries === 0 && !viewed) return true
  const trees = treesOf(draft, root, env, plainWrites)
  if (trees === null) return false
  return trees.every(
    (tree) =>
      (tree === root ? keepsNoOrderIn(write) : keepsNoOrder(tree, false)) &&
      onlyFree(tree, draft, env, exactSums) === 0,
  )
}

/** The query itself, also of COPY, PREPARE and a cursor. */
function selectOf(root: unknown): Record<string, unknown> | null {
  if (!isRecord(root)) return null
  const inner = root['CopyStmt'] ?? root['DeclareCursorStmt'] ?? root['PrepareStmt']
  if (isRecord(inner)) return selectOf(inner['query'])
  const select = root['SelectStmt']
  if (!isRecord(select) || (select['op'] !== undefined && select['op'] !== 'SETOP_NONE')) return null
  const odd = ['valuesLists', 'groupClause', 'distinctClause', 'windowClause', 'intoClause', 'havingClause']
  return odd.some((clause) => select[clause] !== undefined) ? null : select
}

const ordering = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'RangeTableSample', 'LockingClause'])

/** Nothing in it takes the first of some rows, or puts several into one value; `isTop`: the outermost query may be cut. */
function keepsNoOrder(root: unknown, isTop: boolean): boolean {
  let queries = 0
  everyNode(root, (tag) => {
    if (tag === 'SelectStmt') queries += 1
  })
  return queries > 0 && keepsNoOrderIn(root, isTop)
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
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > limits.treeDepthMax * 2) return
    for (const [tag, inner] of Object.entries(value)) {
      if (tag === 'SubLink') continue
      if (tag === 'FuncCall' && isRecord(inner)) {
        const name = calledName(inner)
        if (builtin(`pg_catalog.${name}`)?.kind === 'aggregate')
          calls.push({ name, parameters: Array.isArray(inner['args']) ? inner['args'] : [] })
      }
      visit(inner, depth + 1)
    }
  }
  visit(root, 0)
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
  const sums = calls.filter(({ name }) => exactSums.has(name))
  // A sum in an inner query may be of anything.
  for (const tree of trees) {
    const seen = onlyFree(tree, draft, env, exactSums)
    if (seen === null || seen > (tree === trees[0] ? sums.length : 0)) return false
  }
  const table = onlyTable(draft, trees, env)
  return sums.every(({ parameters }) => {
    const column = table === null ? null : columnOf(parameters[0], table)
    return parameters.length === 1 && column !== null && exactTypes.has(column.type)
  })
}

/** A whole unique key is asked for, so that there is one row at most; or it stands in ORDER BY, without NULL. */
function isSorted(select: Record<string, unknown>, trees: readonly unknown[], draft: Draft, env: Environment): boolean {
  const table = onlyTable(draft, trees, env)
  if (table === null) return false
  const asked = new Set([...draft.equalities.keys()].map(({ number }) => number))
  if (hasKeyIn(table, asked)) return true
  const sorts = select['sortClause']
  if (!Array.isArray(sorts)) return false
  let aggregates = false
  everyNode(trees[0], (tag, found) => {
    if (tag === 'FuncCall' && builtin(`pg_catalog.${calledName(found)}`)?.kind !== 'function') aggregates = true
  })
  if (aggregates) return false
  const renamed = new Set(
    (Array.isArray(select['targetList']) ? select['targetList'] : []).flatMap((target) => {
      const name = isRecord(target) && isRecord(target['ResTarget']) ? target['ResTarget']['name'] : undefined
      return typeof name === 'string' ? [name] : []
    }),
  )
  const sorted = new Set<number>()
  for (const sort of sorts) {
    const by = isRecord(sort) && isRecord(sort['SortBy']) ? sort['SortBy'] : null
    if (by === null || by['useOp'] !== undefined) continue
    const column = columnOf(by['node'], table)
    // What a target is called comes first.
    if (column?.notNull === true && plainTypes.has(column.type) && !renamed.has(column.name)) sorted.add(column.number)
  }
  return hasKeyIn(table, sorted)
}

const hasKeyIn = ({ indexes = [] }: CatalogRelation, columns: ReadonlySet<number>): boolean =>
  indexes.some((one) => one.unique && one.columns.every((number) => columns.has(number)))

/** The one plain table that is read, and is named once. */
function onlyTable(draft: Draft, trees: readonly unknown[], { index }: Environment): CatalogRelation | null {
  const [oid, ...more] = draft.relations
  const table = oid === undefined ? undefined : index.byOid.get(oid)
  if (table === undefined || more.length > 0 || trees.length > 1) return null
  let ranges = 0
  everyNode(trees[0], (tag) => {
    if (tag === 'RangeVar' || tag === 'RangeSubselect' || tag === 'SubLink') ranges += 1
  })
  const isPlain = table.kind === 'table' && (index.children.get(table.oid) ?? []).length === 0
  return ranges === 1 && isPlain ? table : null
}

function columnOf(node: unknown, table: CatalogRelation): CatalogRelation['columns'][number] | null {
  if (!isRecord(node) || !isRecord(node['ColumnRef'])) return null
  const { fields } = node['ColumnRef']
  const name = Array.isArray(fields) && fields.length <= 2 ? stringOf(fields.at(-1)) : null
  return table.columns.find((column) => column.name === name) ?? null
}
