// Rows come in some order, and an index may be why: of a null test in that of the values, behind `city = 'Oslo'` in that of whatever
// stands beside `city` in its index. Where order, or which rows are kept, can be seen, that tells as much as sorting by the column
// does (THREATS ). Here such columns are found, and statements in which order shows nothing. Without a condition or a sort that
// it serves, an index is read for what it holds alone, and where masks apply no index is (AnalysisContext.isMasked).
import type { CatalogRelation } from './catalog.ts'
import { columnRefs, relationName } from './catalog-index.ts'
import { addControl, controlKey, type Draft } from './draft.ts'
import type { ColumnRef, ControlUse } from './facts.ts'
import { isOfOneRow, isOrderFixed, isQuietWrite, treesOf } from './order-fixed.ts'
import { everyNode, isRecord } from './order-free.ts'
import { placedBy } from './relations.ts'
import type { Environment } from './scope.ts'

/** How such a use is called; whoever refuses it explains it (mask/plan.ts). */
export const byIndex = 'the order of an index'

/** Partitions are read one after the other. */
export const byPartition = 'the order of partitions'

/** Columns by whose values an index may order the rows decide like those of ORDER BY; `root` is the statement. */
export function orderByIndexes(draft: Draft, root: unknown, env: Environment): void {
  const uses = [...draft.control.values()]
  const parts = partColumns(draft, env, root)
  if (parts.length === 0 && !uses.some((use) => ordersOf(use, false, env).length > 0)) return
  if (isQuietWrite(draft, root, env) || isOfOneRow(draft, root, env)) return
  const trees = treesOf(draft, root, env)
  if (trees !== null && isOrderFixed(draft, trees, env)) return
  const forNullOnly = trees !== null && !trees.some(mayTestForValues)
  for (const { column, use, where } of uses.flatMap((one) => ordersOf(one, forNullOnly, env))) {
    if (use !== null) draft.control.delete(controlKey({ column, use, where }))
    addControl(draft, column, 'other', byIndex)
  }
  for (const column of parts) addControl(draft, column, 'other', byPartition)
}

/** What INSERT … RETURNING shows are the rows that it was given. */
function insertsOnly(root: unknown): boolean {
  let isOnly = isRecord(root) && root['InsertStmt'] !== undefined
  everyNode(root, (tag) => {
    if (tag === 'RangeVar') isOnly = false
  })
  return isOnly
}

const reading: ReadonlySet<string> = new Set(['select', 'update', 'delete'])

/** By which partitions and children are told apart, of the tables that are read. */
function partColumns(draft: Draft, { index }: Environment, root: unknown): readonly ColumnRef[] {
  const read = new Set(
    [...draft.effects.values()].filter(({ operation }) => reading.has(operation)).map(({ object }) => object),
  )
  const parents = [...draft.relations].flatMap((oid) => {
    const relation = index.byOid.get(oid)
    const isParent = (index.children.get(oid) ?? []).length > 0
    return relation !== undefined && isParent && read.has(relationName(relation)) ? [relation] : []
  })
  if (parents.length === 0 || insertsOnly(root)) return []
  return parents.flatMap((relation) => {
    const names = placedBy(index, relation)
    return columnRefs(index, relation).filter(
      ({ number }) => names === null || names.has(relation.columns.find((one) => one.number === number)?.name ?? ''),
    )
  })
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
    for (const { columns, computed = [], conditions = [] } of one.indexes ?? []) {
      const keys = [...new Set([...columns, ...computed])]
      if (number === null || !(keys.includes(number) || conditions.includes(number))) continue
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
