// Select lists: the names of output columns as PostgreSQL gives them, the expansion of stars, and the keys of ORDER BY,
// GROUP BY and DISTINCT ON that may point at output columns by name or position.
import type { Node, ResTarget, TypeName } from '@pgsql/types'
import { limits } from '@sallyport/base/limits'
import { addRead } from './draft.ts'
import { walk } from './expressions.ts'
import { foundInFrom, foundInList, noteKey } from './order-facts.ts'
import { atMost, counted, type Entry, entryNamed, type Scope, unknown } from './scope.ts'
import { constantText, payload, tagOf, texts } from './tree.ts'
import { type Column, plain, type Value } from './values.ts'

/** The columns of a select list or RETURNING list. */
export function targetColumns(list: readonly Node[] | undefined, scope: Scope): readonly Column[] {
  const columns: Column[] = []
  for (const node of list ?? []) {
    const target = payload(node, 'ResTarget')
    if (target === undefined) unknown(scope.env, `${tagOf(node)} in a select list`)
    const star = expandStar(target?.val, scope)
    const added = star ?? [shownColumn(target, scope)]
    columns.push(...added)
    if (columns.length > limits.columnsMax) return atMost(columns, scope.env)
  }
  return columns
}

function shownColumn(target: ResTarget | undefined, scope: Scope): Column {
  const value = walk(target?.val, scope)
  const column = payload(target?.val, 'ColumnRef')
  const found = column === undefined ? null : scope.env.draft.order.columns.get(column)
  return { name: target?.name ?? nameOf(target?.val), value, ...(found == null ? {} : { found }) }
}

/**
 * The items of ROW, of a row of VALUES and of a row that is assigned, where the server expands stars in place
 * (parse_target.c, transformExpressionList). Anywhere else `c.*` is one value: the whole row.
 */
export function listColumns(list: readonly Node[] | undefined, scope: Scope): readonly Column[] {
  const columns: Column[] = []
  for (const node of list ?? []) {
    columns.push(...(expandStar(node, scope) ?? [{ name: '', value: walk(node, scope) }]))
    if (columns.length > limits.columnsMax) return atMost(columns, scope.env)
  }
  return columns
}

/** `*`, `c.*`, `(x).*`; null when the expression is none of them. */
function expandStar(node: Node | undefined, scope: Scope): readonly Column[] | null {
  const reference = payload(node, 'ColumnRef')
  if (reference !== undefined && payload(reference.fields?.at(-1), 'A_Star') !== undefined) {
    scope.env.draft.seen.add(reference)
    return starOf(texts(reference.fields).slice(0, -1), scope)
  }
  const indirection = payload(node, 'A_Indirection')
  if (indirection === undefined || payload(indirection.indirection?.at(-1), 'A_Star') === undefined) return null
  scope.env.draft.seen.add(indirection)
  const whole = walk(
    { A_Indirection: { ...indirection, indirection: indirection.indirection?.slice(0, -1) ?? [] } },
    scope,
  )
  if (whole.fields === null) {
    unknown(scope.env, '".*" of a value whose columns are not known')
    return [{ name: '?column?', value: whole }]
  }
  return readAll(whole.fields, scope)
}

function starOf(parts: readonly string[], scope: Scope): readonly Column[] {
  const [name, schema, database] = [...parts].reverse()
  if (name === undefined) {
    const visible = scope.entries.filter((entry) => entry.columnsVisible)
    if (visible.length === 0) unknown(scope.env, '"*" without FROM')
    counted(visible, '"*"', scope.env)
    return readAll(everyColumn(visible, scope), scope)
  }
  const entry =
    database === undefined || database === scope.env.index.catalog.database
      ? entryNamed(scope, schema ?? null, name)
      : undefined
  if (entry === undefined) {
    unknown(scope.env, `"${parts.join('.')}.*"`)
    return []
  }
  counted([entry], '"*"', scope.env)
  return readAll(entry.columns, scope)
}

function everyColumn(entries: readonly Entry[], scope: Scope): readonly Column[] {
  const columns: Column[] = []
  for (const entry of entries) {
    columns.push(...entry.columns)
    if (columns.length > limits.columnsMax) return atMost(columns, scope.env)
  }
  return columns
}

function readAll(columns: readonly Column[], scope: Scope): readonly Column[] {
  for (const column of columns) {
    column.read?.()
    addRead(scope.env.draft, column.value)
  }
  return columns.map((column) => ({ name: column.name, value: column.value, found: foundInFrom(column) }))
}

/** Names of expressions without AS, after parse_target.c, FigureColnameInternal. */
export function nameOf(node: Node | undefined): string {
  return figured(node)?.name ?? '?column?'
}

/** `strong` names win over those of casts and CASE around them. */
interface Figured {
  readonly name: string
  readonly strong: boolean
}

const strong = (name: string | undefined): Figured | null => (name === undefined ? null : { name, strong: true })

/** Nodes that are named after themselves. */
const ownNames: Readonly<Record<string, string>> = {
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
}
const xmlNames: Readonly<Record<string, string>> = {
  IS_XMLCONCAT: 'xmlconcat',
  IS_XMLELEMENT: 'xmlelement',
  IS_XMLFOREST: 'xmlforest',
  IS_XMLPARSE: 'xmlparse',
  IS_XMLPI: 'xmlpi',
  IS_XMLROOT: 'xmlroot',
}
const jsonNames: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
}

function figured(node: Node | undefined): Figured | null {
  if (node === undefined) return null
  const fixed = ownNames[tagOf(node)]
  if (fixed !== undefined) return strong(fixed)
  const reference = payload(node, 'ColumnRef')
  if (reference !== undefined) return strong(texts(reference.fields).filter(Boolean).at(-1))
  const call = payload(node, 'FuncCall')
  if (call !== undefined) return strong(texts(call.funcname).at(-1))
  const indirection = payload(node, 'A_Indirection')
  if (indirection !== undefined) {
    const field = texts(indirection.indirection).filter(Boolean).at(-1)
    return strong(field) ?? figured(indirection.arg)
  }
  return figuredRest(node)
}

function figuredRest(node: Node): Figured | null {
  const expression = payload(node, 'A_Expr')
  if (expression !== undefined) return expression.kind === 'AEXPR_NULLIF' ? strong('nullif') : null
  const cast = payload(node, 'TypeCast')
  if (cast !== undefined) return strongOr(figured(cast.arg), typeLabel(cast.typeName))
  const collate = payload(node, 'CollateClause')
  if (collate !== undefined) return figured(collate.arg)
  const cases = payload(node, 'CaseExpr')
  if (cases !== undefined) return strongOr(figured(cases.defresult), { name: 'case', strong: false })
  const extreme = payload(node, 'MinMaxExpr')
  if (extreme !== undefined) return strong(extreme.op === 'IS_LEAST' ? 'least' : 'greatest')
  const value = payload(node, 'SQLValueFunction')
  if (value !== undefined)
    return strong(
      value.op
        ?.replace(/^SVFOP_/, '')
        .replace(/_N$/, '')
        .toLowerCase(),
    )
  const xml = payload(node, 'XmlExpr')
  if (xml !== undefined) return strong(xmlNames[xml.op ?? ''])
  const json = payload(node, 'JsonFuncExpr')
  if (json !== undefined) return strong(jsonNames[json.op ?? ''])
  return ofSubquery(node)
}

const strongOr = (inner: Figured | null, fallback: Figured | null): Figured | null =>
  inner?.strong === true ? inner : (fallback ?? inner)

function typeLabel(type: TypeName | undefined): Figured | null {
  const name = texts(type?.names).at(-1)
  return name === undefined ? null : { name, strong: false }
}

function ofSubquery(node: Node): Figured | null {
  const link = payload(node, 'SubLink')
  if (link?.subLinkType === 'EXISTS_SUBLINK') return strong('exists')
  if (link?.subLinkType === 'ARRAY_SUBLINK') return strong('array')
  if (link?.subLinkType !== 'EXPR_SUBLINK') return null
  const target = payload(payload(link.subselect, 'SelectStmt')?.targetList?.[0], 'ResTarget')
  return strong(target?.name) ?? figured(target?.val)
}

/** `2` in ORDER BY: the second output column; null for anything but a bare integer. */
export function positionOf(node: Node | undefined): number | null {
  const constant = payload(node, 'A_Const')
  return constant?.ival === undefined ? null : Number(constantText(node))
}

/**
 * Values of the keys of ORDER BY, DISTINCT ON (an output name first: SQL92) or GROUP BY (an input column first), after
 * parse_clause.c, findTargetlistEntrySQL92.
 */
export function sortKeys(
  list: readonly Node[] | undefined,
  columns: readonly Column[],
  scope: Scope,
  order: 'output first' | 'input first',
): Value[] {
  return (list ?? []).flatMap((node) => {
    const sort = payload(node, 'SortBy')
    if (sort?.useOp !== undefined) unknown(scope.env, 'ORDER BY … USING')
    const key = sort?.node ?? node
    const grouping = payload(key, 'GroupingSet')
    if (grouping !== undefined) return sortKeys(grouping.content, columns, scope, order)
    const list = payload(key, 'RowExpr')
    if (order === 'input first' && list !== undefined) return sortKeys(list.args, columns, scope, order)
    return [keyValue(key, columns, scope, order)]
  })
}

function keyValue(key: Node, columns: readonly Column[], scope: Scope, order: 'output first' | 'input first'): Value {
  const output = outputOf(key, columns, scope, order)
  const { order: facts } = scope.env.draft
  if (output !== undefined) {
    noteKey(facts, key, foundInList(output))
    return output.value
  }
  if (positionOf(key) !== null) {
    unknown(scope.env, 'a position that is not in the select list')
    return plain()
  }
  const value = walk(key, scope)
  const column = payload(key, 'ColumnRef')
  const found = column === undefined ? null : facts.columns.get(column)
  if (found != null) noteKey(facts, key, found)
  return value
}

/** The column of the select list that a key stands for, by its place or its name. */
function outputOf(
  key: Node,
  columns: readonly Column[],
  scope: Scope,
  order: 'output first' | 'input first',
): Column | undefined {
  const position = positionOf(key)
  if (position !== null) return columns[position - 1]
  const name = bareName(key)
  const output = name === null ? undefined : columns.find((column) => column.name === name)
  if (output === undefined) return undefined
  const isInput = scope.entries.some(
    (entry) => entry.columnsVisible && entry.columns.some((column) => column.name === name),
  )
  if (order === 'input first' && isInput) return undefined
  for (const inner of Object.values(key)) scope.env.draft.seen.add(inner)
  return output
}

function bareName(key: Node): string | null {
  const fields = payload(key, 'ColumnRef')?.fields ?? []
  return fields.length === 1 ? (payload(fields[0], 'String')?.sval ?? null) : null
}
