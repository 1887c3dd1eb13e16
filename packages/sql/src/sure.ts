// Which expressions cannot fail, whatever the values of columns are. Asked inside of triggers alone: what they compute from a
// protected column must not show by an error. Sizes count: a text that the caller fills up could make another one too long.
import type { A_Expr, CoalesceExpr, FuncCall, TypeCast } from '@pgsql/types'
import type { Scope } from './scope.ts'
import { payload, texts } from './tree.ts'
import type { Value } from './values.ts'

/** Types of one size, more or less, whose values all print and compare. */
const smallTypes = new Set(
  ['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'oid', 'date', 'time', 'timestamp', 'timestamptz', 'uuid'].map(
    (name) => `pg_catalog.${name}`,
  ),
)
const isText = (type: string | null): boolean => type === 'pg_catalog.text' || type === 'pg_catalog.varchar'

/** Computing the value cannot fail by what is in a column. */
export const isSure = (value: Value): boolean =>
  value.sources.size === 0 || value.kind === 'direct' || value.total === true || value.sure !== undefined

/** How long its text can be; null where it is not known to have one. */
function sizeOf(value: Value): 'small' | 'large' | null {
  if (value.sure !== undefined) return value.sure
  if (value.type !== null && smallTypes.has(value.type) && isSure(value)) return 'small'
  return value.kind === 'direct' && isText(value.type) ? 'large' : null
}

/** The value, marked if it is one of few kinds of computation that never fail. */
export function marked(value: Value, operands: readonly Value[], scope: Scope, isTotal: boolean): Value {
  if (scope.env.firing === undefined || !isTotal) return value
  const sizes = operands.map(sizeOf)
  if (sizes.includes(null)) return value
  const large = sizes.filter((size) => size === 'large').length
  return large > 1 ? value : { ...value, sure: large === 1 ? 'large' : 'small' }
}

/** A constant is as long as the definition that it stands in. */
export const constant = (value: Value, scope: Scope): Value =>
  scope.env.firing === undefined ? value : { ...value, sure: 'small' }

/** `a || b` of texts. */
export const isJoin = (found: A_Expr, operands: readonly Value[]): boolean =>
  found.kind === 'AEXPR_OP' &&
  texts(found.name).at(-1) === '||' &&
  operands.some(({ type }) => isText(type) || type === 'unknown') &&
  operands.every(({ type }) => isText(type) || type === 'unknown' || (type !== null && smallTypes.has(type)))

/** `coalesce(a, b)` of one type. */
export function isChoice(_: CoalesceExpr, values: readonly Value[]): boolean {
  const types = new Set(values.map(({ type }) => type).filter((type) => type !== 'unknown'))
  return types.size === 1 && !types.has(null)
}

/** `x::text`. */
export const isShown = ({ typeName }: TypeCast): boolean =>
  texts(typeName?.names).at(-1) === 'text' && (typeName?.arrayBounds ?? []).length === 0

const functions = new Set(['lower', 'upper', 'btrim', 'ltrim', 'rtrim', 'md5', 'concat'])

/** Functions of texts that take any text and give one. */
export const isTotalCall = (call: FuncCall, values: readonly Value[]): boolean =>
  functions.has(texts(call.funcname).at(-1) ?? '') &&
  call.func_variadic !== true &&
  call.args?.every((node) => payload(node, 'NamedArgExpr') === undefined) === true &&
  values.every(({ type }) => isText(type) || type === 'unknown' || (type !== null && smallTypes.has(type)))

/** A value of this type goes into a place of that type as it is. Lengths and precisions are not in the catalog. */
export function fits(value: Value, type: string | null): boolean {
  if (type === 'pg_catalog.text') return isText(value.type)
  return (
    type !== null && value.type === type && (smallTypes.has(type) || /^pg_catalog\.(bytea|jsonb?|inet)$/.test(type))
  )
}
