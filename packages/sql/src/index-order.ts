// Rows come in some order, and an index may be why: of a null test in that of the values, behind `city = 'Oslo'` in that of whatever
// stands beside `city` in its index. Where order, or which rows are kept, can be seen, that tells as much as sorting by the column
// does (THREATS ). Here such columns are found, and statements in which order shows nothing. Without a condition or a sort that
// it serves, an index is read for what it holds alone, and where masks apply no index is (AnalysisContext.isMasked).
import type { CatalogFunction, CatalogRelation } from './catalog.ts'
import { ancestors, type CatalogIndex, columnRef, columnRefs, descendants, relationName } from './catalog-index.ts'
import { byConstraint } from './constraints.ts'
import { addControl, controlKey, type Draft, newDraft } from './draft.ts'
import type { ColumnRef, ControlUse } from './facts.ts'
import { hasParameter } from './fallible.ts'
import { isOfOneRow, isOrderFixed, treesOf } from './order-fixed.ts'
import { everyNode, isRecord, memberOf, plainType, relationCalled, sameTypes } from './order-free.ts'
import { placedBy, relationColumns } from './relations.ts'
import type { Environment } from './scope.ts'

/** How such a use is called; whoever refuses it explains it (mask/plan.ts). */
export const byIndex = 'the order of an index'

/** Partitions are read one after the other. */
export const byPartition = 'the order of partitions'

/** Whose values are in a partition is no matter of order. */
export const byBounds = 'the bounds of a partition'

/** Columns by whose values an index may order the rows decide like those of ORDER BY; `root` is the statement. */
export function orderByIndexes(draft: Draft, root: unknown, env: Environment): void {
  // What was prepared or declared was looked at where its text stands.
  if (isRecord(root) && (root['ExecuteStmt'] !== undefined || root['FetchStmt'] !== undefined)) return
  const bounds = [...boundColumns(draft, env, root), ...referredParts(draft, env)]
  if (bounds.length > 0) noteOrder(draft, bounds, byBounds, env)
  const uses = [...draft.control.values(), ...extremesOf(draft, env)].filter(({ where }) => where !== byConstraint)
  const parts = partColumns(draft, env, root)
  if (parts.length === 0 && !uses.some((use) => ordersOf(use, false, env).length > 0)) return
  const trees = treesOf(draft, root, env)
  if (isOfOneRow(draft, root, env) || (trees !== null && isOrderFixed(draft, trees, env))) {
    draft.plainParameters ||= hasParameter(root)
    noteCasts(draft, root)
    return
  }
  const forNullOnly = trees !== null && !trees.some(mayTestForValues)
  const shown = uses.flatMap((one) => ordersOf(one, forNullOnly, env))
  for (const { column, use, where } of shown) if (use !== null) draft.control.delete(controlKey({ column, use, where }))
  const columns = shown.map(({ column }) => column)
  noteOrder(draft, columns, byIndex, env)
  noteOrder(draft, parts, byPartition, env)
}

/**
 * Also where nothing is asked for, the least and the greatest are the first that an index has, and of equal ones that look unlike
 * which is first is a matter of order. Of what is read through views and sub-selects it may be any column.
 */
function extremesOf({ order, functions }: Draft, { index }: Environment): readonly ControlUse[] {
  const calls = [...order.calls.values()]
  const isOwn = ({ name, schema, kind }: CatalogFunction): boolean =>
    kind === 'aggregate' && functions.has(`${schema}.${name}()`)
  // One of the target's own may be such by its SORTOP.
  if (
    !calls.some((one) => one === null || /^pg_catalog\.(min|max)$/.test(one.builtin.name)) &&
    !index.catalog.functions.some(isOwn)
  )
    return []
  return [...order.columns.values()].flatMap((found): ControlUse[] => {
    const { table, column } = found?.stored ?? {}
    if (table === undefined || column === undefined) return []
    const { relation } = table
    const isSame = sameTypes.has(plainType(column.type, { index })) && relation.loose?.includes(column.number) !== true
    const ref = isSame ? undefined : columnRef(index, relation, column.name)
    return ref === undefined ? [] : [{ column: ref, use: 'other', where: 'min and max' }]
  })
}

/** A rule may name the column, or that of a view which reads it. */
function noteOrder(draft: Draft, columns: readonly ColumnRef[], where: string, env: Environment): void {
  const ordering = new Set(columns)
  for (const column of ordering) addControl(draft, column, 'other', where)
  for (const oid of draft.relations) {
    const view = env.index.byOid.get(oid)
    if (view?.kind !== 'view' && view?.kind !== 'materialized') continue
    for (const { value } of relationColumns({ ...env, draft: newDraft() }, view)) {
      const sources = [...value.sources]
      if (!sources.some((source) => ordering.has(source))) continue
      for (const source of sources) if (source.relationOid === oid) addControl(draft, source, 'other', where)
    }
  }
}

/** A parameter under a cast that is declared as something else is made into its type where a row reaches it. */
function noteCasts(draft: Draft, root: unknown): void {
  everyNode(root, (tag, found) => {
    const number = tag === 'TypeCast' ? memberOf(found['arg'], 'ParamRef')?.['number'] : undefined
    if (typeof number === 'number') draft.castParameters.set(number, draft.order.casts.get(found) ?? '')
  })
}

/** What INSERT … RETURNING shows are the rows that it was given, where nothing else is read. */
function insertsOnly(draft: Draft, root: unknown, { index }: Environment): boolean {
  const insert =
    memberOf(root, 'InsertStmt') ?? memberOf(memberOf(memberOf(root, 'PrepareStmt'), 'query'), 'InsertStmt')
  const relation = memberOf(insert, 'relation')
  const table = relation === null ? null : draft.order.tables.get(relation)?.relation
  if (table == null) return false
  let isOnly = true
  everyNode(root, (tag) => {
    if (tag === 'RangeVar') isOnly = false
  })
  const own = new Set([table, ...descendants(index, table)].map(relationName))
  return isOnly && [...draft.effects.values()].every(({ object, via }) => via === 'direct' || own.has(object))
}

const reading: ReadonlySet<string> = new Set(['select', 'update', 'delete'])
/** What is gone from a part tells whose rows were there. */
const touching: ReadonlySet<string> = new Set([...reading, 'truncate', 'alter', 'drop'])

/** Relations that are read, by their names. */
const readIn = (draft: Draft, operations: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...draft.effects.values()].filter(({ operation }) => operations.has(operation)).map(({ object }) => object))

/** By which partitions and children are told apart, of the tables that are read. */
function partColumns(draft: Draft, env: Environment, root: unknown): readonly ColumnRef[] {
  const { index } = env
  const read = readIn(draft, reading)
  const parents = [...draft.relations].flatMap((oid) => {
    const relation = index.byOid.get(oid)
    // ONLY leaves the children out.
    const isParent = (index.children.get(oid) ?? []).some((child) => read.has(relationName(child)))
    return relation !== undefined && isParent ? [relation] : []
  })
  if (parents.length === 0 || insertsOnly(draft, root, env)) return []
  return parents.flatMap((relation) => placing(index, relation, relation))
}

/** The same of partitions and children that are read by themselves: that a row is in one tells of its values. */
function boundColumns(draft: Draft, env: Environment, root: unknown): readonly ColumnRef[] {
  const { index } = env
  const read = readIn(draft, touching)
  const parts = [...draft.relations].flatMap((oid) => {
    const relation = index.byOid.get(oid)
    if (relation === undefined || !read.has(relationName(relation))) return []
    const parents = ancestors(index, relation)
    return parents.length === 0 ? [] : [{ relation, parents }]
  })
  if (parts.length === 0) return []
  const named = namesIn(root, draft, env)
  return parts.flatMap(({ relation, parents }) =>
    draft.order.named.has(relation.oid) ||
    named.has(relation.name) ||
    !parents.some((parent) => read.has(relationName(parent)))
      ? parents.flatMap((parent) => placing(index, parent, relation))
      : [],
  )
}

/** Of partitions and children that what is written refers to by a key of its own: 23503 tells that the row lies in another. */
function referredParts(draft: Draft, { index }: Environment): readonly ColumnRef[] {
  const written = readIn(draft, storing)
  const isWritten = (oid: number): boolean => {
    const from = index.byOid.get(oid)
    return from !== undefined && written.has(relationName(from))
  }
  return written.size === 0
    ? []
    : partsOf(index).flatMap((relation) => {
        const parents = ancestors(index, relation)
        // PostgreSQL notes a key that points at a parent at each of its partitions as well.
        const own = relation.cascades.filter(
          (key) => !parents.some(({ cascades }) => cascades.some((one) => isSameKey(one, key))),
        )
        return own.some(({ fromOid }) => isWritten(fromOid))
          ? parents.flatMap((parent) => placing(index, parent, relation))
          : []
      })
}

const storing: ReadonlySet<string> = new Set(['insert', 'update'])

type ForeignKey = CatalogRelation['cascades'][number]

const isSameKey = (one: ForeignKey, other: ForeignKey): boolean =>
  one.fromOid === other.fromOid && JSON.stringify(one.columns) === JSON.stringify(other.columns)

const parts = new WeakMap<CatalogIndex, readonly CatalogRelation[]>()

/** Partitions and children that a foreign key points at. */
function partsOf(index: CatalogIndex): readonly CatalogRelation[] {
  const known = parts.get(index)
  if (known !== undefined) return known
  const found = [...index.byOid.values()].filter((one) => one.parents.length > 0 && one.cascades.length > 0)
  parts.set(index, found)
  return found
}

/** Columns that choose the place of a row among the parts of `parent`, as `relation` has them. */
function placing(index: CatalogIndex, parent: CatalogRelation, relation: CatalogRelation): readonly ColumnRef[] {
  const names = placedBy(index, parent)
  return columnRefs(index, relation).filter(
    ({ number }) => names === null || names.has(relation.columns.find((one) => one.number === number)?.name ?? ''),
  )
}

/** Names of relations in the text and in definitions of views that it reads. */
function namesIn(root: unknown, draft: Draft, env: Environment): ReadonlySet<string> {
  const names = new Set<string>()
  const trees = [root]
  for (const { object } of draft.effects.values()) {
    const definition = relationCalled(object, env)?.definition
    if (definition !== undefined && definition !== null) trees.push(...env.parser.parse(definition).stmts)
  }
  for (const tree of trees)
    everyNode(tree, (_, { relname }) => {
      if (typeof relname === 'string') names.add(relname)
    })
  return names
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
function ordersOf({ column, use, where }: ControlUse, forNullOnly: boolean, env: Environment): readonly Shown[] {
  const { index } = env
  const relation = index.byOid.get(column.relationOid)
  if (relation === undefined) return []
  const refs = columnRefs(index, relation)
  const shown: Shown[] = []
  for (const one of family(relation, index.children)) {
    const number = numberIn(one, relation, column.number)
    const isOwn = use === 'null-test'
    if (isOwn && (one.kind === 'foreign' || one.indexes === undefined)) shown.push({ column, use, where })
    for (const { columns, computed = [], conditions = [] } of one.indexes ?? []) {
      const keys = [...new Set([...columns, ...computed])]
      if (number === null || !(keys.includes(number) || conditions.includes(number))) continue
      // A test of the column is none of what is computed from it.
      if (isOwn && columns.includes(number) && !(forNullOnly && columns.length === 1))
        for (const from of [column, ...madeOf(env, one, number)]) shown.push({ column: from, use, where })
      // Of one column, an expression may read one part, and its neighbour or the condition another.
      // (and a null test of the column may be the condition); of rows with one value no order is left.
      const isParted =
        computed.includes(number) &&
        (columns.length > 1 || conditions.length > 0) &&
        (use !== 'equality' || column.path !== undefined)
      for (const beside of keys) {
        if (beside === number && !isParted) continue
        const known =
          refs.find((ref) => numberIn(one, relation, ref.number) === beside) ??
          columnRefs(index, one).find((ref) => ref.number === beside)
        if (known === undefined) continue
        for (const from of [known, ...madeOf(env, one, beside)]) shown.push({ column: from, use: null, where })
      }
    }
  }
  return shown
}

/** What a generated column or one of a materialised view is made of: in its order they are, too. */
function madeOf(env: Environment, relation: CatalogRelation, number: number): readonly ColumnRef[] {
  const column = relation.columns.find((one) => one.number === number)
  if (column === undefined || (column.generated === 'no' && relation.kind !== 'materialized')) return []
  const columns = relationColumns({ ...env, draft: newDraft() }, relation)
  return [...(columns.find(({ name }) => name === column.name)?.value.sources ?? [])]
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
