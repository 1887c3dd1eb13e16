// What may fail on the way from row to row. Of rows that come in an order which must not show, the first that fails ends the
// statement, and by its SQLSTATE says which one it was; where a query stops at the first row that fits, even that it failed says so.
// A part of finding statements in which order shows nothing (index-order.ts).
import { limits } from '@sallyport/base/limits'
import type { Draft } from './draft.ts'
import {
  everyNode,
  isAggregate,
  isRecord,
  memberOf,
  nameOfCall,
  plainType,
  stringOf,
  typeOfColumn,
} from './order-free.ts'
import type { Environment } from './scope.ts'

/** SQLSTATEs that what is computed from columns may end with; null: nobody knows which. */
export type Failures = ReadonlySet<string> | null

const outOfRange = '22003'
const dateOutOfRange = '22008'
const badPattern = '22025'
const tooLong = '54000'

/** Nodes that compute nothing, or never fail. What is not named here may fail in any way. */
const safe = new Set(
  `SelectStmt UpdateStmt DeleteStmt CopyStmt DeclareCursorStmt PrepareStmt ResTarget RangeVar RangeSubselect ColumnRef A_Const ParamRef
  A_Star String Integer Float Boolean BitString NullTest BooleanTest BoolExpr SortBy List WithClause CommonTableExpr SQLValueFunction
  TypeName LockingClause DefElem Alias`.split(/\s+/),
)
/** PostgreSQL's own functions of one text that take every text. */
const ofText = new Set(['lower', 'upper', 'length', 'btrim', 'ltrim', 'rtrim', 'reverse', 'md5'])
const freeAggregates = new Set(['count', 'sum', 'avg', 'min', 'max', 'bool_and', 'bool_or', 'every'])
const comparisons = new Set(['=', '<>', '!=', '<', '>', '<=', '>='])
const sums = new Set(['+', '-', '*'])
const patterns = new Set(['~~', '!~~', '~~*', '!~~*'])

const named = (types: string): ReadonlySet<string> => new Set(types.split(' ').map((type) => `pg_catalog.${type}`))
const integers = named('int2 int4 int8')
const texts = named('text varchar')
/** Values of these become no other type in a comparison by a way that fails, whatever a literal or a plain parameter is. */
const steady = named('int2 int4 int8 text varchar bool uuid bytea name char anyenum')
const dates = named('date timestamp timestamptz')
const numbers = named('int2 int4 int8 numeric float4 float8')

interface Place {
  readonly draft: Draft
  readonly env: Environment
  /** What is computed of aggregates is computed once, when all rows have been read. */
  readonly isOneRow: boolean
}

/**
 * In all of these trees together, where parameters are plain (StatementFacts.plainParameters). `whole`: the statement, where the trees
 * are parts of it.
 */
export function failuresIn(
  roots: readonly unknown[],
  draft: Draft,
  env: Environment,
  isOneRow = false,
  whole?: unknown,
): Failures {
  const found = new Set<string>()
  const place: Place = { draft, env, isOneRow }
  let isKnown = roots.every((root) => areParametersPlain(whole ?? root, place))
  for (const root of roots) {
    everyNode(root, (tag, node) => {
      const failures = failuresOf(tag, node, place)
      if (failures === null) isKnown = false
      else for (const code of failures) found.add(code)
    })
  }
  return isKnown ? found : null
}

const never: ReadonlySet<string> = new Set()

/**
 * A parameter has the type of the first thing that it stands beside, and a column that it is compared with elsewhere becomes that
 * (parse_param.c). Plain is one that stands, as it is, beside columns of one type, or counts rows, or is stored in such a column.
 */
function areParametersPlain(root: unknown, place: Place): boolean {
  if (memberOf(root, 'PrepareStmt')?.['argtypes'] !== undefined) return false
  const { draft, env } = place
  const all = new Map<unknown, number>()
  const compared = new Set<unknown>()
  const plain = new Map<unknown, string[]>()
  const note = (operand: unknown, type: string | null): void => {
    const number = parameterIn(operand)
    if (number !== null && type !== null) plain.set(number, [...(plain.get(number) ?? []), type])
  }
  everyNode({ root }, (tag, node) => {
    if (tag === 'ParamRef') all.set(node['number'], (all.get(node['number']) ?? 0) + 1)
    if (tag === 'TypeCast') {
      const given = castOf({ TypeCast: node }, place)
      const number = given === null ? parameterIn(node['arg']) : parameterIn(given.of)
      if (number !== null) compared.add(number)
      note(node['arg'], given?.type ?? null)
    }
    if (tag === 'A_Expr') {
      const operands = operandsIn(node)
      const type = onlyType(operands, place)
      everyNode({ operands }, (inner, { number }) => {
        if (inner === 'ParamRef') compared.add(number)
      })
      for (const operand of operands) note(operand, type)
    }
    const written = draft.order.written.get(node)
    if (written != null) note(node['val'], plainType(written, env))
    for (const limit of ['limitCount', 'limitOffset']) note(node[limit], 'pg_catalog.int8')
  })
  return [...compared].every((number) => {
    const types = plain.get(number) ?? []
    return types.length === all.get(number) && new Set(types).size === 1
  })
}

const operandsIn = (node: Record<string, unknown>): readonly unknown[] =>
  [node['lexpr'], node['rexpr']].flatMap((side) => (side === undefined ? [] : [...operandsOf(side)]))

/** A cast, without a length. */
function castOf(operand: unknown, { draft, env }: Place): { readonly of: unknown; readonly type: string } | null {
  const cast = memberOf(operand, 'TypeCast')
  const type = cast === null ? null : draft.order.casts.get(cast)
  if (cast === null || type == null || memberOf(cast, 'typeName')?.['typmods'] !== undefined) return null
  return { of: cast['arg'], type: plainType(type, env) }
}

function parameterIn(operand: unknown): unknown {
  return isRecord(operand) && isRecord(operand['ParamRef']) ? operand['ParamRef']['number'] : null
}

function failuresOf(tag: string, node: Record<string, unknown>, place: Place): Failures {
  // Bare objects stand under their member's name.
  if (!/^[A-Z]/.test(tag)) return never
  if (tag === 'JoinExpr') return node['usingClause'] === undefined && node['isNatural'] !== true ? never : null
  if (tag === 'SubLink') return node['subLinkType'] === 'EXISTS_SUBLINK' ? never : null
  if (safe.has(tag)) return never
  if (place.isOneRow && readsColumns(node, null) && !readsColumns(node, place.draft)) return never
  if (!readsColumns(node, null)) return isSettled(tag, node, place) ? never : null
  if (tag === 'FuncCall') return failuresOfCall(node, place)
  if (tag === 'A_Expr') return failuresOfOperator(node, place)
  return null
}

function failuresOfCall(call: Record<string, unknown>, place: Place): Failures {
  const name = nameOfCall(call, place.draft)
  if (name === null) return null
  if (freeAggregates.has(name)) return never
  const parameters = Array.isArray(call['args']) ? call['args'] : []
  return ofText.has(name) && parameters.length === 1 && isEach(parameters, texts, place) ? never : null
}

function failuresOfOperator(node: Record<string, unknown>, place: Place): Failures {
  const operator = operatorOf(node)
  const operands = operandsIn(node)
  if (patterns.has(operator)) {
    if (!isEach(operands, texts, place)) return null
    return isWholePattern(node['rexpr']) ? never : new Set([badPattern])
  }
  if (operator === '||') return isEach(operands, texts, place) ? new Set([tooLong]) : null
  if (sums.has(operator)) {
    // A parameter may be a day, and the sum one as well.
    if (operands.some(hasParameter)) return null
    if (isEach(operands, numbers, place)) return new Set([outOfRange])
    return isEach(operands, dates, place) ? new Set([dateOutOfRange]) : null
  }
  if (!comparisons.has(operator)) return null
  if (isEach(operands, integers, place)) return never
  // Two columns may have collations that go with each other only where a row reaches them (42P22).
  if (isEach(operands, texts, place)) return columnsIn(operands) > 1 ? null : never
  const one = onlyType(operands, place)
  if (one === null) return null
  if (steady.has(one) || numbers.has(one)) return never
  // A literal is what it is compared with; a parameter may be a point in time where the column is a day.
  return dates.has(one) ? (operands.some(hasParameter) ? new Set([dateOutOfRange]) : never) : null
}

export function hasParameter(root: unknown): boolean {
  let has = false
  everyNode({ root }, (tag) => {
    if (tag === 'ParamRef') has = true
  })
  return has
}

function columnsIn(operands: readonly unknown[]): number {
  let columns = 0
  everyNode({ operands }, (tag) => {
    if (tag === 'ColumnRef') columns += 1
  })
  return columns
}

/** Only an escape at its end makes a pattern fail. */
function isWholePattern(node: unknown): boolean {
  const constant = isRecord(node) && isRecord(node['A_Const']) ? node['A_Const']['sval'] : undefined
  const text = isRecord(constant) ? (constant['sval'] ?? '') : null
  return typeof text === 'string' && !text.includes('\\')
}

/** Lists of IN and BETWEEN, and ARRAY[…], one by one. */
function operandsOf(node: unknown): readonly unknown[] {
  const list = isRecord(node) && isRecord(node['List']) ? node['List']['items'] : undefined
  return Array.isArray(list) ? list : [node]
}

/** IN and BETWEEN compare as well; of `OPERATOR(schema.=)` nobody knows. */
function operatorOf({ name, kind }: Record<string, unknown>): string {
  if (!Array.isArray(name) || name.length !== 1) return ''
  const [only] = name
  if (kind === 'AEXPR_BETWEEN' || kind === 'AEXPR_NOT_BETWEEN') return '='
  return stringOf(only) ?? ''
}

/** Columns of these types, what is computed of such without a cast, literals without one, and parameters. */
const isEach = (operands: readonly unknown[], types: ReadonlySet<string>, place: Place): boolean =>
  operands.every((operand) => {
    const found = typesIn(operand, place)
    return found !== null && [...found].every((type) => types.has(type))
  })

function onlyType(operands: readonly unknown[], place: Place): string | null {
  const all = operands.map((operand) => typesIn(operand, place))
  const found = new Set(all.flatMap((types) => (types === null ? [] : [...types])))
  const [only] = found
  return only !== undefined && found.size === 1 && !all.includes(null) ? only : null
}

/** Types of the columns in it; null: it may become any other. */
function typesIn(operand: unknown, place: Place): ReadonlySet<string> | null {
  const { draft, env } = place
  const cast = castOf(operand, place)
  if (cast !== null) return readsColumns(cast.of, null) ? null : new Set([cast.type])
  const types = new Set<string>()
  let isKnown = true
  const wrapped = { operand }
  everyNode(wrapped, (tag, node) => {
    if (tag === 'ColumnRef') {
      const type = typeOfColumn(node, draft, env)
      // A literal of another query is no literal any more.
      if (type === '' || type === 'unknown') isKnown = false
      else types.add(type)
    } else if (tag === 'FuncCall') {
      // What is computed has another type, which takes the column along.
      const name = nameOfCall(node, draft) ?? ''
      if (ofText.has(name) && name !== 'length') types.add('pg_catalog.text')
      else isKnown = false
    } else if (/^[A-Z]/.test(tag) && !kept.has(tag)) isKnown = false
  })
  return isKnown ? types : null
}

/** What leaves the type of its operands, as far as it matters here. */
const kept = new Set(['ColumnRef', 'A_Const', 'ParamRef', 'String', 'A_Expr', 'A_ArrayExpr'])

/**
 * Of what is computed from constants: it has failed, or not, before there is a row. All else is computed where a row reaches it, which it
 * may not do behind OR: `id <> 4 OR ('x'::text)::timestamptz IS NULL`.
 */
function isSettled(tag: string, node: Record<string, unknown>, place: Place): boolean {
  const isBareHere = (one: unknown): boolean => isBare(one, place)
  if (tag === 'TypeCast') return isBare(node['arg'], place)
  if (tag === 'FuncCall') return settledCalls.has(nameOfCall(node, place.draft) ?? '') && node['args'] === undefined
  if (tag === 'A_ArrayExpr') return Array.isArray(node['elements']) && node['elements'].every(isBareHere)
  if (tag !== 'A_Expr') return false
  // Of numbers that stand there the planner makes one number.
  const operands = operandsIn(node)
  if (sums.has(operatorOf(node))) return operands.every((one) => isRecord(one) && one['A_Const'] !== undefined)
  return comparisons.has(operatorOf(node)) && operands.every(isBareHere)
}

const settledCalls = new Set(['now', 'statement_timestamp', 'transaction_timestamp', 'count'])

const isBare = (node: unknown, place: Place): boolean =>
  isRecord(node) &&
  (node['A_Const'] !== undefined ||
    node['ParamRef'] !== undefined ||
    (isRecord(node['FuncCall']) && isSettled('FuncCall', node['FuncCall'], place)) ||
    (isRecord(node['A_Expr']) && sums.has(operatorOf(node['A_Expr'])) && isSettled('A_Expr', node['A_Expr'], place)))

/** Does a column stand in it, or a query? With a draft: outside of aggregates. */
function readsColumns(value: unknown, draft: Draft | null, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth > limits.treeDepthMax * 2) return true
  return Object.entries(value).some(([tag, inner]) => {
    if (tag === 'ColumnRef' || tag === 'SubLink') return true
    if (tag === 'A_Const') return false
    if (draft !== null && tag === 'FuncCall' && depth > 0 && isRecord(inner) && isKnownAggregate(inner, draft))
      return false
    return readsColumns(inner, draft, depth + 1)
  })
}

const isKnownAggregate = (call: object, draft: Draft): boolean =>
  nameOfCall(call, draft) !== null && isAggregate(call, draft)
