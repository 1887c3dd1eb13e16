// The one walk over expressions: every node type that can stand in one has an entry in the table, and what has none is an
// unknown. A walk gives the value's lineage; what it finds on the way (calls, control uses) goes to the draft.
import type { A_Expr, A_Indirection, CaseExpr, ColumnRef, Node, SubLink, TypeName } from '@pgsql/types'
import { functionByNotation, walkCall } from './calls.ts'
import { elementType } from './catalog-index.ts'
import { addComputed, addControlOf, addEquality, addRead, addReadings, readingsApart } from './draft.ts'
import { isMember } from './extensions.ts'
import { exactNumbers, floats } from './guesses.ts'
import { jsonNodes } from './json.ts'
import { documentPart, isDocument, partOf, stepOf } from './json-path.ts'
import { resolveOperator } from './operators.ts'
import { foundInFrom, noteCast, noteColumn, notePin } from './order-facts.ts'
import { listColumns } from './output.ts'
import { entryNamed, meaningOf, parameter, type Scope, unknown, unknownName, wholeRow } from './scope.ts'
import { queryColumns } from './select.ts'
import * as sure from './sure.ts'
import { dispatch, type Handlers, isConstant, payload, tagOf, texts } from './tree.ts'
import { typeNameOf } from './types.ts'
import {
  arrayType,
  type Column,
  commonType,
  computedType,
  derived,
  either,
  isSystemTypeName,
  literal,
  nullIf,
  nullness,
  plain,
  row,
  type Value,
} from './values.ts'
import { noteOperator } from './written-documents.ts'

/** Node types that a server of an older version reads as ordinary calls or names: version that brought them. */
const since: Readonly<Record<string, number>> = {
  JsonObjectConstructor: 160_000,
  JsonArrayConstructor: 160_000,
  JsonArrayQueryConstructor: 160_000,
  JsonObjectAgg: 160_000,
  JsonArrayAgg: 160_000,
  JsonIsPredicate: 160_000,
  JsonFuncExpr: 170_000,
  JsonTable: 170_000,
  JsonParseExpr: 170_000,
  JsonScalarExpr: 170_000,
  JsonSerializeExpr: 170_000,
  MergeSupportFunc: 170_000,
}

/** False, and an unknown, when the target's version reads this node type as something else. */
export function existsOnServer(tag: string, scope: Scope): boolean {
  if ((since[tag] ?? 0) <= scope.env.index.catalog.serverVersion) return true
  unknown(scope.env, `${tag}, which this server version reads in another way`)
  return false
}

const boolean = 'pg_catalog.bool'

const nodes: Handlers<[scope: Scope], Value> = {
  A_Const: (found, scope) => {
    if (found.ival !== undefined) return literal('pg_catalog.int4')
    if (found.boolval !== undefined) return literal(boolean)
    if (found.fval !== undefined) return literal('pg_catalog.numeric')
    return sure.constant(literal('unknown', found.isnull === true ? 'null' : 'value'), scope)
  },
  ParamRef: (found, scope) => parameter(scope.env, found.number ?? 0),
  ColumnRef: column,
  A_Expr: operation,
  BoolExpr: (found, scope) => derived(walkAll(found.args, scope), boolean),
  NullTest: (found, scope) => nullness(walk(found.arg, scope), boolean),
  BooleanTest: (found, scope) => derived([walk(found.arg, scope)], boolean),
  TypeCast: (found, scope) => {
    const value = walk(found.arg, scope)
    const made = cast(value, found.typeName, scope)
    noteCast(scope.env.draft.order, found, made.type)
    return sure.marked(made, [value], scope, sure.isShown(found))
  },
  // Under another collation other values are equal: no longer the column as it is.
  CollateClause: (found, scope) => {
    const value = walk(found.arg, scope)
    return derived([value], value.type)
  },
  FuncCall: walkCall,
  NamedArgExpr: (found, scope) => ({ ...walk(found.arg, scope), named: found.name ?? '' }),
  SubLink: subquery,
  CaseExpr: cases,
  CoalesceExpr: (found, scope) => {
    const values = walkAll(found.args, scope)
    return sure.marked(firstOf(values), values, scope, sure.isChoice(found, values))
  },
  MinMaxExpr: (found, scope) => chosen(walkAll(found.args, scope)),
  RowExpr: (found, scope) =>
    row(listColumns(found.args, scope).map(({ value }, at) => ({ name: `f${at + 1}`, value }))),
  List: (found, scope) => row(walkAll(found.items, scope).map((value, at) => ({ name: `f${at + 1}`, value }))),
  A_ArrayExpr: (found, scope) => {
    const elements = walkAll(found.elements, scope)
    return derived(elements, arrayType(elements))
  },
  A_Indirection: indirection,
  SQLValueFunction: () => plain(),
  GroupingFunc: (found, scope) => {
    walkAll(found.args, scope)
    return plain('pg_catalog.int4')
  },
  MergeSupportFunc: () => plain('pg_catalog.text'),
  SetToDefault: () => plain(),
  CurrentOfExpr: (found, scope) => {
    const name = found.cursor_name
    if (name === undefined || !scope.env.context.cursors.has(name))
      unknownName(scope.env, 'cursor', 'WHERE CURRENT OF an unknown cursor')
    // A portal of the protocol, that is; of DECLARE no rows are alike.
    else if (scope.env.context.cursors.get(name)?.rowsAlike === true)
      unknown(scope.env, 'WHERE CURRENT OF a portal whose rows are to be alike')
    return plain(boolean)
  },
  XmlExpr: (found, scope) => derived([...walkTargets(found.named_args, scope), ...walkAll(found.args, scope)]),
  XmlSerialize: (found, scope) => cast(walk(found.expr, scope), found.typeName, scope),
}

/** The value of an expression. An absent one has no sources. */
export function walk(node: Node | undefined, scope: Scope): Value {
  if (node === undefined) return plain()
  const tag = tagOf(node)
  for (const inner of Object.values(node)) scope.env.draft.seen.add(inner)
  if (!existsOnServer(tag, scope)) return plain()
  const value = dispatch(nodes, node, scope) ?? dispatch(jsonNodes, node, scope)
  if (value !== undefined) return value
  unknown(scope.env, `${tag} in an expression`)
  return plain()
}

export const walkAll = (list: readonly Node[] | undefined, scope: Scope): Value[] =>
  (list ?? []).map((node) => walk(node, scope))

/** One of these, by a comparison of them: computed, and of their type. */
const chosen = (values: readonly Value[]): Value => derived(values, commonType(values))

/** COALESCE: one of the values as it is. Which one tells the nullness of those before it. */
function firstOf(values: readonly Value[]): Value {
  const [first = plain(), ...rest] = values
  const found = rest.reduce(either, first)
  return found.kind === 'direct' && found.fields === null ? found : chosen(values)
}

/** Values of named arguments that the grammar wraps as targets. */
const walkTargets = (list: readonly Node[] | undefined, scope: Scope): Value[] =>
  (list ?? []).map((node) => walk(payload(node, 'ResTarget')?.val ?? node, scope))

/** A condition: what it reads decides rows. In WHERE, `column = constant` between ANDs is told apart. */
export function condition(node: Node | undefined, scope: Scope, where: string): Value {
  if (node === undefined) return plain(boolean)
  const and = payload(node, 'BoolExpr')
  if (and?.boolop === 'AND_EXPR') {
    scope.env.draft.seen.add(and)
    return derived(
      (and.args ?? []).map((arm) => condition(arm, scope, where)),
      boolean,
    )
  }
  const [value] = readingsApart(scope.env.draft, () => walk(node, scope))
  const equal = where === 'WHERE' && !scope.nested ? equalityOf(node, scope) : null
  if (equal === null) addControlOf(scope.env.draft, value, where)
  else addEquality(scope.env.draft, equal, node, where)
  return value
}

/** The column's value of `column = constant`, either way round; null for any other shape. */
function equalityOf(node: Node, scope: Scope): Value | null {
  const found = payload(node, 'A_Expr')
  if (found?.kind !== 'AEXPR_OP') return null
  const name = texts(found.name)
  if (name.at(-1) !== '=' || (name.length > 1 && name[0] !== 'pg_catalog')) return null
  const side = isConstant(found.rexpr) ? found.lexpr : isConstant(found.lexpr) ? found.rexpr : undefined
  if (side === undefined || payload(side, 'ColumnRef') === undefined) return null
  // A constant of the target's own type brings an operator of its own.
  const other = walk(side === found.lexpr ? found.rexpr : found.lexpr, scope).type
  if (other !== null && other !== 'unknown' && !isSystemTypeName(other)) return null
  const value = walk(side, scope)
  // Many of these are equal to one float.
  if (floats.has(other ?? '') && exactNumbers.has(value.type ?? '')) return null
  return value.kind === 'direct' && value.fields === null ? value : null
}

/** `a`, `a.b`, `s.a.b`, `a.*`: a column, a whole row, or a function in the notation of a column. */
function column(found: ColumnRef, scope: Scope): Value {
  const fields = found.fields ?? []
  const parts = texts(fields)
  if (payload(fields.at(-1), 'A_Star') !== undefined) {
    const [name, schema] = parts.slice(0, -1).reverse()
    const entry = name === undefined ? undefined : entryNamed(scope, schema ?? null, name)
    if (entry !== undefined) {
      const whole = wholeRow(entry)
      addRead(scope.env.draft, whole)
      return whole
    }
    unknown(scope.env, '"*" in an expression')
    return plain()
  }
  const meaning = meaningOf(scope, parts)
  switch (meaning.kind) {
    case 'value':
      addRead(scope.env.draft, meaning.value)
      if (meaning.column !== undefined) noteColumn(scope.env.draft.order, found, foundInFrom(meaning.column))
      return meaning.value
    case 'call':
      addRead(scope.env.draft, meaning.argument)
      return functionByNotation(meaning.name, meaning.argument, scope)
    case 'missing':
      if (meaning.what === null) unknown(scope.env, meaning.why)
      else unknownName(scope.env, meaning.what, meaning.why)
      return plain()
  }
}

const comparisons = new Set([
  ...['=', '<>', '<', '>', '<=', '>=', '~~', '!~~', '~~*', '!~~*', '~', '!~', '~*', '!~*', '@>', '<@'],
  ...['between', 'in', 'any'],
])

/** BETWEEN is `>=` and `<=`, NOT BETWEEN `<` or `>`, SYMMETRIC all of these (gram.y, transformAExprBetween). */
const bounds: readonly (readonly string[])[] = [['<='], ['>='], ['<'], ['>']]

function operation(found: A_Expr, scope: Scope): Value {
  const left = found.lexpr === undefined ? null : walk(found.lexpr, scope)
  const right = walk(found.rexpr, scope)
  const name = texts(found.name)
  const user = pairsOf(found, left, right).reduce((any, [one, other]) => {
    const names = found.kind?.includes('BETWEEN') === true ? bounds : [name]
    return names.map((written) => resolveOperator(written, one, other, scope)).includes(true) || any
  }, false)
  const operands = left === null ? [right] : [left, right]
  if (!user) notePin(scope.env.draft.order, found, left, right)
  if (found.kind === 'AEXPR_NULLIF' && left !== null) return nullIf(left, right)
  const yieldsBoolean = found.kind !== 'AEXPR_OP'
  if (!user && (yieldsBoolean || comparisons.has(name.at(-1) ?? ''))) return derived(operands, boolean)
  const part = user || left === null ? null : documentPart(left, name.at(-1) ?? '', found.rexpr, scope.env.draft)
  if (part !== null) return part
  const isJoin = !user && sure.isJoin(found, operands)
  const value = derived(operands, user ? null : computedType(operands))
  const made = sure.marked(isJoin ? { ...value, type: 'pg_catalog.text' } : value, operands, scope, isJoin)
  if (!user && left !== null) noteOperator(made, name.at(-1) ?? '', [left, right], found.rexpr, scope.env.draft)
  return made
}

/** What the operator compares: IN and BETWEEN each item of a list, rows field by field. */
function pairsOf(found: A_Expr, left: Value | null, right: Value): readonly (readonly [Value | null, Value])[] {
  if (left === null) return [[null, right]]
  const list = payload(found.rexpr, 'List') !== undefined ? (right.fields ?? []) : null
  if (list !== null) return list.flatMap((item) => byField(left, item.value))
  return byField(left, right)
}

function byField(left: Value, right: Value): readonly (readonly [Value, Value])[] {
  const { fields } = left
  const others = right.fields
  if (fields === null || others === null || fields.length !== others.length || left.type !== null)
    return [[left, right]]
  return fields.map((field, at) => [field.value, others[at]?.value ?? right] as const)
}

function cast(value: Value, type: TypeName | undefined, scope: Scope): Value {
  const name = typeNameOf(type, scope.env)
  const kind = scope.env.index.types.get((name ?? '').replace('._', '.'))
  // What reads the text of an extension's type is its own code.
  if (kind === 'base' && !isMember(scope.env.index, `type ${elementType(name ?? '')}`))
    scope.env.draft.opaque.add(`a cast to the type "${name ?? ''}"`)
  return value.constant !== undefined && value.sources.size === 0
    ? literal(name, value.constant)
    : derived([value], name)
}

/** The conditions decide which arm is shown. */
function cases(found: CaseExpr, scope: Scope): Value {
  const values: Value[] = []
  const results: Value[] = []
  const subject = found.arg === undefined ? null : walk(found.arg, scope)
  if (subject !== null) addControlOf(scope.env.draft, subject, 'CASE')
  for (const node of found.args ?? []) {
    const when = payload(node, 'CaseWhen')
    const test = walk(when?.expr, scope)
    addControlOf(scope.env.draft, test, 'CASE')
    // `CASE x WHEN y` looks up the operator as `x = y` does (parse_expr.c, transformCaseExpr).
    if (subject !== null) resolveOperator(['='], subject, test, scope)
    const result = walk(when?.result, scope)
    values.push(test, result)
    results.push(result)
  }
  if (found.defresult !== undefined) results.push(walk(found.defresult, scope))
  values.push(...results)
  const shown = results.length > 0 ? commonType(results) : null
  const made = { ...derived(subject === null ? values : [subject, ...values]), type: shown }
  // Arms that are columns as they are, all of one type, or literals: whichever it is, nothing is computed of it.
  const isChoice =
    shown !== null && results.every((arm) => isUncomputed(arm) && (arm.type === shown || arm.type === 'unknown'))
  return isChoice ? { ...made, total: true } : made
}

const isUncomputed = ({ kind, total, constant, sources }: Value): boolean =>
  kind === 'direct' || total === true || (constant !== undefined && sources.size === 0)

/** A subquery in an expression gives its output's sources; its control uses are in the draft already. */
function subquery(found: SubLink, scope: Scope): Value {
  const { draft } = scope.env
  const test = found.testexpr === undefined ? null : walk(found.testexpr, scope)
  const { subselect, subLinkType } = found
  const [columns, readings] = readingsApart(draft, () =>
    subselect === undefined ? [] : queryColumns(subselect, { ...scope, nested: true }),
  )
  // EXISTS, IN and their like say yes or no.
  if (subLinkType === 'EXPR_SUBLINK' || subLinkType === 'ARRAY_SUBLINK')
    for (const [name, times] of readings) addReadings(draft, name, times)
  const values = columns.map(({ value }) => value)
  const [only] = values
  switch (found.subLinkType) {
    case 'EXISTS_SUBLINK':
      // Whether rows exist is decided by the control positions alone; the select list may be run all the same.
      addComputed(draft, columns, 'EXISTS')
      return plain(boolean)
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK':
      if (test !== null)
        for (const [one, other] of byField(test, values.length === 1 && only !== undefined ? only : rowOf(columns)))
          resolveOperator(found.operName === undefined ? ['='] : texts(found.operName), one, other, scope)
      return derived(test === null ? values : [test, ...values], boolean)
    case 'EXPR_SUBLINK':
      // Of a row that it gives, one field may be taken: the others are computed all the same.
      for (const { fields } of values) if (fields !== null) addComputed(draft, fields, 'a subquery')
      return only !== undefined && values.length === 1 ? only : rowOf(columns)
    case 'ARRAY_SUBLINK':
      draft.packs.add('ARRAY (SELECT …)')
      return derived(values, arrayType(values))
    default:
      unknown(scope.env, `${found.subLinkType ?? 'SubLink'} in an expression`)
      return derived(values)
  }
}

/** The row that a subquery of several columns is compared as. */
const rowOf = (columns: readonly Column[]): Value => row(columns)

/** `(x).field`, `x[1]`: fields of a whole row find their column again. */
function indirection(found: A_Indirection, scope: Scope): Value {
  let value = walk(found.arg, scope)
  for (const step of found.indirection ?? []) value = stepInto(value, step, scope)
  return value
}

/** One step of an indirection, also in the target of an assignment. */
export function stepInto(value: Value, step: Node, scope: Scope): Value {
  scope.env.draft.seen.add(step)
  const name = payload(step, 'String')?.sval
  if (name !== undefined) {
    const field = value.fields?.find((one) => one.name === name)
    field?.read?.()
    if (field !== undefined) return field.value
    return functionByNotation(name, value, scope)
  }
  const indices = payload(step, 'A_Indices')
  if (indices !== undefined) {
    const bounds = [walk(indices.lidx, scope), walk(indices.uidx, scope)]
    // `profile['plan']`: as #> (jsonb_subscript_fetch); json cannot be subscripted.
    const isPlace = indices.is_slice !== true && value.type === 'pg_catalog.jsonb' && isDocument(value)
    if (isPlace && isConstant(indices.uidx)) return partOf(value, [stepOf(indices.uidx)], value.type, scope.env.draft)
    const isElement = indices.is_slice !== true && value.type?.startsWith('pg_catalog._') === true
    return derived([value, ...bounds], isElement ? elementType(value.type ?? '') : null)
  }
  // Stars that make columns are expanded where lists are (output.ts).
  unknown(scope.env, `${tagOf(step)} in an indirection`)
  return value
}

/** Sort keys, partition keys: an expression that also decides an order. */
export function ordering(list: readonly Node[] | undefined, scope: Scope, where: string): Value[] {
  return (list ?? []).map((node) => {
    const sort = payload(node, 'SortBy')
    if (sort?.useOp !== undefined) resolveOperator(texts(sort.useOp), null, null, scope)
    const value = walk(sort?.node ?? node, scope)
    addControlOf(scope.env.draft, value, where)
    return value
  })
}
