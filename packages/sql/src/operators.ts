// Operators: PostgreSQL's own are pure; one of another schema is a call of a function that we cannot see.
import { isSystemOperator } from './builtins.ts'
import type { UserOperator } from './catalog-index.ts'
import { addEffect } from './draft.ts'
import { isMember } from './extensions.ts'
import { type Scope, unknown, unknownName } from './scope.ts'
import { isPolymorphic } from './types.ts'
import { isSystemTypeName, type Value } from './values.ts'

/** Notes what using the operator does; true when it is, or may be, a user-defined one. */
export function resolveOperator(
  name: readonly string[],
  left: Value | null,
  right: Value | null,
  scope: Scope,
): boolean {
  const bare = name.at(-1) ?? ''
  const schema = name.length > 1 ? (name[0] ?? null) : null
  scope.env.draft.operators.add(bare)
  if (schema === 'pg_catalog') {
    if (!isSystemOperator(bare)) unknown(scope.env, `the operator "${name.join('.')}"`)
    return false
  }
  const candidates = (scope.env.index.operators.get(bare) ?? []).filter(
    (one) => reachable(one, schema, scope) && applies(one, left, right, schema),
  )
  for (const one of candidates) {
    const object = `${one.schema}.${one.name}()`
    const computes = isMember(scope.env.index, writtenOf(one))
    const use = { name: object, volatility: 'volatile', pure: false } as const
    scope.env.draft.functions.set(object, computes ? { ...use, computes } : use)
    addEffect(scope.env.draft, { operation: 'call', object, via: 'direct', parents: [], baseline: false })
    if (!computes) unknown(scope.env, `the user-defined operator "${one.schema}.${one.name}"`)
  }
  if (candidates.length === 0 && (schema !== null || !isSystemOperator(bare)))
    unknownName(scope.env, 'function', `the operator "${name.join('.')}"`)
  return candidates.length > 0
}

/** As the catalog lists members of extensions. */
const writtenOf = ({ schema, name, left, right }: UserOperator): string =>
  `operator ${schema}.${name}(${left ?? ''},${right ?? ''})`

function reachable(one: UserOperator, schema: string | null, scope: Scope): boolean {
  if (schema !== null) return one.schema === schema
  const { naming, searchPath } = scope.env
  return naming === 'definition' || searchPath === null || searchPath.includes(one.schema)
}

/** Could these operands choose this operator? A built-in with exactly their types wins over it (parse_oper.c, oper). */
function applies(one: UserOperator, left: Value | null, right: Value | null, schema: string | null): boolean {
  const types = [left?.type ?? null, right?.type ?? null]
  if (schema === null && exactBuiltin(one.name, types)) return false
  const fits = (declared: string | null, type: string | null): boolean =>
    declared === null ||
    declared === 'none' ||
    type === null ||
    type === 'unknown' ||
    type === declared ||
    isPolymorphic(declared) ||
    !(isSystemTypeName(type) && !isSystemTypeName(declared))
  return fits(one.left, types[0] ?? null) && fits(one.right, types[1] ?? null)
}

/** Both of one built-in type, or one of them and a literal, and PostgreSQL has an operator for just that. */
function exactBuiltin(name: string, types: readonly (string | null)[]): boolean {
  const known = new Set(types.filter((type) => type !== 'unknown'))
  const [only] = known
  return known.size === 1 && only !== null && only !== undefined && isSystemOperator(name, only, only)
}
