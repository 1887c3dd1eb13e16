// Queries of pg_settings that name the settings which they see, as drivers, ORMs, psql and pg_dump ask: they show no more than
// SHOW does.
import type { A_Expr, JoinExpr, Node, RangeVar, SelectStmt } from '@pgsql/types'
import type { Scope } from './scope.ts'
import { constantText, payload, texts } from './tree.ts'

/** What a query sees of pg_settings. */
export interface SeenSettings {
  /** Their names; null: any of them. */
  readonly names: readonly string[] | null
  /** How the query calls the relation. */
  readonly as: string
  /** A bare `name` can be nothing else. */
  readonly alone: boolean
}

/**
 * `FROM pg_settings`, with the names of `WHERE name = 'a constant'`, `name IN ('a', 'b')` and what psql makes of a name; or joined
 * with another relation behind it. Undefined for any other query.
 */
export function seenSettingsOf(
  { fromClause, whereClause }: SelectStmt,
  { tables }: Pick<Scope, 'tables'>,
): SeenSettings | undefined {
  const [item, ...more] = fromClause ?? []
  if (item === undefined || more.length > 0 || tables !== null) return undefined
  const join = payload(item, 'JoinExpr')
  const relation = payload(join === undefined ? item : firstOf(join), 'RangeVar')
  // A name without a schema is the catalog's own, which comes first; a WITH could still shadow it.
  const isSettings = relation?.relname === 'pg_settings' && (relation.schemaname ?? 'pg_catalog') === 'pg_catalog'
  if (!isSettings || (relation.alias?.colnames ?? []).length > 0) return undefined
  const as = aliasOf(relation)
  if (join !== undefined) return { names: null, as, alone: false }
  const names = namesOf(relation, payload(whereClause, 'A_Expr'))
  return { names: names.length > 0 && names.every((name) => name !== null) ? names : null, as, alone: true }
}

/** The relation before another one of another name; a join that renames both is none. */
function firstOf({ larg, rarg, alias, usingClause, isNatural }: JoinExpr): Node | undefined {
  const [first, second] = [payload(larg, 'RangeVar'), payload(rarg, 'RangeVar')]
  if (first === undefined || second === undefined || aliasOf(first) === aliasOf(second)) return undefined
  return alias === undefined && usingClause === undefined && isNatural !== true ? larg : undefined
}

const aliasOf = ({ alias, relname }: RangeVar): string => alias?.aliasname ?? relname ?? ''

function namesOf(relation: RangeVar, comparison: A_Expr | undefined): readonly (string | null)[] {
  const operator = texts(comparison?.name).join('.')
  if (comparison === undefined) return []
  if (operator === 'pg_catalog.~') return patternOf(relation, comparison)
  return operator === '=' && isNameOf(relation, comparison.lexpr) ? constantsOf(comparison) : []
}

function constantsOf({ kind, rexpr }: A_Expr): readonly (string | null)[] {
  if (kind === 'AEXPR_OP') return [constantText(rexpr)]
  return kind === 'AEXPR_IN' ? (payload(rexpr, 'List')?.items ?? []).map((node) => constantText(node)) : []
}

/** `pg_catalog.lower(s.name) OPERATOR(pg_catalog.~) '^(work_mem)$' COLLATE pg_catalog.default`: a name in a command of psql. */
function patternOf(relation: RangeVar, { kind, lexpr, rexpr }: A_Expr): readonly string[] {
  const call = payload(lexpr, 'FuncCall')
  const [argument, ...more] = call?.args ?? []
  const isLower = texts(call?.funcname).join('.') === 'pg_catalog.lower' && more.length === 0
  if (kind !== 'AEXPR_OP' || !isLower || !isNameOf(relation, argument)) return []
  const pattern = constantText(payload(rexpr, 'CollateClause')?.arg ?? rexpr)
  const names = /^\^\(([a-z0-9_]+(?:\|[a-z0-9_]+)*)\)\$$/.exec(pattern ?? '')?.[1]
  return names?.split('|') ?? []
}

/** `name`, or by the relation's own name or alias. */
function isNameOf(relation: RangeVar, node: Node | undefined): boolean {
  const fields = texts(payload(node, 'ColumnRef')?.fields)
  return fields.join('.') === 'name' || fields.join('.') === `${aliasOf(relation)}.name`
}
