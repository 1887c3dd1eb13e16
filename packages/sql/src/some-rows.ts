// What a row that is written is tested by although none of it was written: an index of some rows alone, which it comes into, and
// constraints that are not valid, which it may not have passed before.
import type { Node } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { columnRefs } from './catalog-index.ts'
import { conditionOf, madeOf, understand, type Written } from './constraints.ts'
import type { ColumnRef } from './facts.ts'
import type { Environment } from './scope.ts'
import { payload, texts } from './tree.ts'
import type { Value } from './values.ts'
import { parseQuery } from './views.ts'

/** By index: which columns say whether a row comes into it, and by which it is tested there. `written`: null, not known. */
export function comesInto(
  env: Environment,
  relation: CatalogRelation,
  written: Written | null,
): (readonly ColumnRef[])[] {
  const refs = columnRefs(env.index, relation)
  return (relation.partial ?? []).flatMap(({ columns, condition }) => {
    if (written !== null && staysOut(env, condition, written)) return []
    const read = conditionOf(env, relation, condition).map(({ column }) => column)
    return [madeOf(env, relation, [...refs.filter(({ number }) => columns.includes(number)), ...read])]
  })
}

/** By constraint: columns of those that rows were not tested by. */
export const untestedIn = (env: Environment, relation: CatalogRelation): readonly (readonly ColumnRef[])[] =>
  (relation.untested ?? []).map((text) => madeOf(env, relation, understand(env, relation, text).reads))

/** Does what is written say that the condition does not hold? `deleted_at IS NULL`, `active` and `NOT deleted`, also between ANDs. */
function staysOut(env: Environment, condition: string, written: Written): boolean {
  const where = payload(parseQuery(env, `SELECT WHERE ${condition}`)?.query, 'SelectStmt')?.whereClause
  const and = payload(where, 'BoolExpr')
  return (and?.boolop === 'AND_EXPR' ? (and.args ?? []) : [where]).some((arm) => {
    const test = payload(arm, 'NullTest')
    if (test?.nulltesttype === 'IS_NULL') return knownOf(test.arg, written) !== undefined
    const not = payload(arm, 'BoolExpr')
    return not?.boolop === 'NOT_EXPR' ? knownOf(not.args?.[0], written) === true : knownOf(arm, written) === false
  })
}

function knownOf(node: Node | undefined, written: Written): Value['known'] {
  const [name, ...more] = texts(payload(node, 'ColumnRef')?.fields)
  const value = name === undefined || more.length > 0 ? undefined : written.get(name)
  return value === undefined || value === 'part' ? undefined : value.known
}

const clocks: ReadonlySet<string> = new Set(['now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp'])

/** What an expression is by how it is written: true, false, or something else that is not NULL. */
export function knownAs(node: Node | undefined, env: Environment): Value['known'] {
  const constant = payload(node, 'A_Const')
  if (constant !== undefined) {
    if (constant.isnull === true) return undefined
    return constant.boolval === undefined ? 'value' : constant.boolval.boolval === true
  }
  const cast = payload(node, 'TypeCast')
  // A type of PostgreSQL's own reads no text as NULL.
  if (
    cast !== undefined &&
    /^(pg_catalog\.)?(timestamptz|timestamp|date|text)$/.test(texts(cast.typeName?.names).join('.'))
  )
    return knownAs(cast.arg, env) === undefined ? undefined : 'value'
  if (/^SVFOP_(CURRENT|LOCAL)_?(TIME|TIMESTAMP|DATE)/.test(payload(node, 'SQLValueFunction')?.op ?? '')) return 'value'
  const call = payload(node, 'FuncCall')
  const [name = '', schema = 'pg_catalog'] = texts(call?.funcname).reverse()
  const isClock = call !== undefined && call.args === undefined && schema === 'pg_catalog' && clocks.has(name)
  return isClock && !env.index.functions.has(name) ? 'value' : undefined
}
