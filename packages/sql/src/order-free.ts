// What an aggregate makes of rows, whatever their order: a part of finding statements in which order shows nothing (index-order.ts).
// Which function it is and what it is given was found by the resolver (order-facts.ts).
import type { CatalogRelation } from './catalog.ts'
import { relationName } from './catalog-index.ts'
import type { Draft } from './draft.ts'
import type { Environment } from './scope.ts'

/** Of any rows, in whatever order, these make one and the same row. */
const orderFree = new Set(['count', 'bool_and', 'bool_or', 'every', 'bit_and', 'bit_or'])
/** These do of types whose equal values look alike. */
const extremes = new Set(['min', 'max'])
/** These do of numbers that are exact, and of such that stand once: of equal ones DISTINCT keeps the first, with as many digits as it has. */
export const exactSums: ReadonlySet<string> = new Set(['sum', 'avg'])
/** A sum of these is never too large on the way to one that is not. */
const wholeTypes = new Set(['int2', 'int4', 'int8'].map((type) => `pg_catalog.${type}`))
/** Of these, 1.0 or 1.00 may stand for both, and a sum has as many digits as that. */
const numeric = 'pg_catalog.numeric'

/** PostgreSQL's own function by its bare name; null for any other, and for what was not found. */
export function nameOfCall(call: object, { order }: Draft): string | null {
  const called = order.calls.get(call)
  return called == null || !called.builtin.name.startsWith('pg_catalog.')
    ? null
    : called.builtin.name.slice('pg_catalog.'.length)
}

/** Is this call something else than a function of each row? */
export const isAggregate = (call: object, { order }: Draft): boolean =>
  order.calls.get(call)?.builtin.kind !== 'function'

/** All aggregates in it are free of order. `isWhole`: no row stands for several in what they are made of. */
export function onlyFree(tree: unknown, draft: Draft, env: Environment, isWhole: boolean): boolean {
  let isFree = true
  everyNode(tree, (tag, found) => {
    if (tag === 'FuncCall' && isAggregate(found, draft) && !isFreeCall(found, draft, env, isWhole)) isFree = false
  })
  return isFree
}

function isFreeCall(call: Record<string, unknown>, draft: Draft, env: Environment, isWhole: boolean): boolean {
  const name = nameOfCall(call, draft)
  const types = (draft.order.calls.get(call)?.types ?? []).map((type) => plainType(type, env))
  if (name === null || types.length > 1) return false
  if (orderFree.has(name)) return true
  const [type = ''] = types
  if (extremes.has(name)) return sameTypes.has(type)
  const isExact = wholeTypes.has(type) || (isWhole && type === numeric)
  return exactSums.has(name) && isExact && call['agg_distinct'] !== true
}

/**
 * Types whose equal values look alike. Of all others, as 1.0 and 1.00, which one is the greatest, or stands for its group, is a matter
 * of order; so it is of texts under a collation of the target's own that takes unlike ones for equal (docs/masking.md).
 */
export const sameTypes: ReadonlySet<string> = new Set(
  `int2 int4 int8 oid uuid bool date time timestamp timestamptz text varchar name char bytea inet cidr macaddr anyenum`
    .split(' ')
    .map((type) => `pg_catalog.${type}`),
)

/** Equal values of an enum look alike, and it becomes no other type. What is not known has no name. */
export const plainType = (type: string | null, { index }: Pick<Environment, 'index'>): string =>
  type === null ? '' : index.types.get(type) === 'enum' ? 'pg_catalog.anyenum' : type

/** The type of the column that stands there by itself; '' for anything else. */
export function typeOfColumn(reference: object, { order }: Draft, env: Environment): string {
  return plainType(order.columns.get(reference)?.type ?? null, env)
}

export const relationCalled = (object: string, { index }: Environment): CatalogRelation | undefined =>
  index.named.get(object.slice(object.lastIndexOf('.') + 1))?.find((one) => relationName(one) === object)

type Visit = (tag: string, found: Record<string, unknown>) => void

/** Every node with its tag, and every bare object under its member's name. */
export function everyNode(root: unknown, visit: Visit): void {
  // However deep: what is not seen would count as harmless.
  const stack: unknown[] = [root]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value === null) continue
    for (const [tag, inner] of Object.entries(value)) {
      if (isRecord(inner)) visit(tag, inner)
      // What a literal is makes a difference to nobody who does not ask for it (recall.ts).
      if (tag === 'A_Const') continue
      stack.push(inner)
    }
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function memberOf(node: unknown, name: string): Record<string, unknown> | null {
  const member = isRecord(node) ? node[name] : undefined
  return isRecord(member) ? member : null
}

export function stringOf(node: unknown): string | null {
  if (!isRecord(node) || !isRecord(node['String'])) return null
  const { sval } = node['String']
  return typeof sval === 'string' ? sval : null
}
