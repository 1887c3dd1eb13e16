// What may fail on the way from row to row. Of rows that come in an order which must not show, the first that fails ends the
// statement, and by its SQLSTATE says which one it was; where a query stops at the first row that fits, even that it failed says so.
// A part of finding statements in which order shows nothing (index-order.ts).
import { limits } from '@sallyport/base/limits'
import { builtin } from './builtins.ts'
import { calledName, everyNode, isRecord, stringOf } from './order-free.ts'

/** `once`: in one place and in one way, so that whichever row comes first, the statement fails or not, and alike. */
export type Fallible = 'never' | 'once' | 'variously'

/** Nodes that compute nothing, or never fail. What is not named here may fail in any way. */
const safe = new Set(
  `SelectStmt UpdateStmt DeleteStmt CopyStmt DeclareCursorStmt PrepareStmt ResTarget RangeVar RangeSubselect JoinExpr ColumnRef
  A_Const ParamRef A_Star String Integer Float Boolean BitString NullTest BooleanTest BoolExpr SubLink SortBy List CaseExpr CaseWhen
  CoalesceExpr NullIfExpr MinMaxExpr WithClause CommonTableExpr SQLValueFunction TypeName CollateClause LockingClause DefElem
  A_ArrayExpr Alias`.split(/\s+/),
)
/** PostgreSQL's own functions that take every value of a column. */
const total = new Set(
  `lower upper initcap length char_length octet_length btrim ltrim rtrim reverse md5 concat concat_ws left right now
  statement_timestamp transaction_timestamp count min max bool_and bool_or every sum avg
  array_length cardinality jsonb_typeof json_typeof`.split(/\s+/),
)
const comparisons = new Set(['=', '<>', '!=', '<', '>', '<=', '>='])
/** Fail in one way each: out of range; a pattern that ends with its escape. */
const single = new Set(['+', '-', '*', '~~', '!~~', '~~*', '!~~*', '||'])
const plainTexts = new Set(['text', 'varchar'])

/** In all of these trees together. `isOneRow`: what is computed of aggregates is computed once, when all rows have been read. */
export function fallibleIn(roots: readonly unknown[], isOneRow = false): Fallible {
  let once = 0
  let variously = false
  const visit = (tag: string, found: Record<string, unknown>): void => {
    // Bare objects stand under their member's name.
    if (!/^[A-Z]/.test(tag) || safe.has(tag)) {
      if (tag === 'SubLink' && found['subLinkType'] === 'EXPR_SUBLINK') once += 1
      return
    }
    if (!readsColumns(found, isOneRow)) return
    if (tag === 'A_Expr') {
      const operator = operatorOf(found)
      if (comparisons.has(operator)) return
      if (single.has(operator)) once += 1
      else variously = true
    } else if (tag === 'TypeCast') {
      if (!isText(found['typeName'])) variously = true
    } else if (tag !== 'FuncCall' || !total.has(calledName(found))) variously = true
  }
  for (const root of roots) everyNode(root, visit)
  if (variously || once > 1) return 'variously'
  return once === 0 ? 'never' : 'once'
}

/** IN and BETWEEN compare as well; of `OPERATOR(schema.=)` nobody knows. */
function operatorOf({ name, kind }: Record<string, unknown>): string {
  if (!Array.isArray(name) || name.length !== 1) return ''
  const [only] = name
  if (kind === 'AEXPR_BETWEEN' || kind === 'AEXPR_NOT_BETWEEN') return '='
  return stringOf(only) ?? ''
}

function isText(typeName: unknown): boolean {
  if (!isRecord(typeName) || typeName['typmods'] !== undefined || typeName['arrayBounds'] !== undefined) return false
  const names = Array.isArray(typeName['names']) ? typeName['names'] : []
  return plainTexts.has(stringOf(names.at(-1)) ?? '')
}

/** What is computed from constants alone fails for every row or for none. */
function readsColumns(value: unknown, isOneRow: boolean, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth > limits.treeDepthMax * 2) return true
  return Object.entries(value).some(([tag, inner]) => {
    if (tag === 'ColumnRef' || tag === 'SubLink') return true
    if (tag === 'A_Const') return false
    if (isOneRow && tag === 'FuncCall' && depth > 0 && isRecord(inner) && isAggregate(inner)) return false
    return readsColumns(inner, isOneRow, depth + 1)
  })
}

const isAggregate = (call: Record<string, unknown>): boolean =>
  builtin(`pg_catalog.${calledName(call)}`)?.kind === 'aggregate'
