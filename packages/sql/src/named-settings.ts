// Queries of pg_settings that name the settings which they see, as drivers, ORMs and pg_dump ask: they show no more than SHOW does.
import type { A_Expr, Node, RangeVar, SelectStmt } from '@pgsql/types'
import type { Scope } from './scope.ts'
import { constantText, payload, texts } from './tree.ts'

/** `FROM pg_settings WHERE name = 'a constant'` or `name IN ('a', 'b')`: those names; undefined for any other query. */
export function namedSettingsOf(
  { fromClause, whereClause }: SelectStmt,
  { tables }: Pick<Scope, 'tables'>,
): readonly string[] | undefined {
  const [item, ...more] = fromClause ?? []
  const relation = payload(item, 'RangeVar')
  // A name without a schema is the catalog's own, which comes first; a WITH could still shadow it.
  const isSettings = relation?.relname === 'pg_settings' && (relation.schemaname ?? 'pg_catalog') === 'pg_catalog'
  if (!isSettings || tables !== null || more.length > 0) return undefined
  const comparison = payload(whereClause, 'A_Expr')
  if (comparison === undefined || texts(comparison.name).join('.') !== '=') return undefined
  if (!isNameOf(relation, comparison.lexpr)) return undefined
  const names = constantsOf(comparison)
  return names.length > 0 && names.every((name) => name !== null) ? names : undefined
}

function constantsOf({ kind, rexpr }: A_Expr): readonly (string | null)[] {
  if (kind === 'AEXPR_OP') return [constantText(rexpr)]
  return kind === 'AEXPR_IN' ? (payload(rexpr, 'List')?.items ?? []).map((node) => constantText(node)) : []
}

/** `name`, or by the relation's own name or alias; an alias that renames columns is none of it. */
function isNameOf({ alias }: RangeVar, node: Node | undefined): boolean {
  if ((alias?.colnames ?? []).length > 0) return false
  const fields = texts(payload(node, 'ColumnRef')?.fields)
  return fields.join('.') === 'name' || fields.join('.') === `${alias?.aliasname ?? 'pg_settings'}.name`
}
