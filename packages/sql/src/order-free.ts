// What an aggregate makes of rows, whatever their order: a part of finding statements in which order shows nothing (index-order.ts).
import { builtin } from './builtins.ts'
import type { CatalogRelation } from './catalog.ts'
import { relationName } from './catalog-index.ts'
import type { Draft } from './draft.ts'
import type { Environment } from './scope.ts'

/** Of any rows, in whatever order, these make one and the same row. `sum` and `avg` do for numbers that are exact. */
const orderFree = new Set(['count', 'min', 'max', 'bool_and', 'bool_or', 'every', 'bit_and', 'bit_or'])

/** How many aggregates of these names are in it, if all others are free of order; null if one is not. */
export function onlyFree(tree: unknown, draft: Draft, env: Environment, others: ReadonlySet<string>): number | null {
  let isFree = true
  let seen = 0
  everyNode(tree, (tag, found) => {
    if (tag !== 'FuncCall') return
    const name = calledName(found)
    // Of equal numbers DISTINCT keeps the first, with as many digits as it has.
    if (others.has(name) && found['agg_distinct'] === true) isFree = false
    else if (others.has(name)) seen += 1
    else if (builtin(`pg_catalog.${name}`)?.kind !== 'function' && !orderFree.has(name)) isFree = false
    else if ((name === 'min' || name === 'max') && mayLookUnlike(found['args'], tree, draft, env)) isFree = false
  })
  return isFree ? seen : null
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
const typed = new Set(['TypeCast', 'FuncCall', 'SubLink', 'CaseExpr', 'Float'])

/** What is written may be of such a type: by its column's name, or made here. */
function mayLookUnlike(parameters: unknown, tree: unknown, draft: Draft, env: Environment): boolean {
  const names = new Set<string | null>()
  let isMade = false
  everyNode(parameters, (tag, found) => {
    if (typed.has(tag) || (tag === 'A_Const' && found['fval'] !== undefined)) isMade = true
    if (tag === 'ColumnRef') names.add(Array.isArray(found['fields']) ? stringOf(found['fields'].at(-1)) : null)
  })
  if (isMade || names.has(null)) return true
  return ![...names].every((name) => isNamedOfType(name, tree, sameTypes, draft, env))
}

/** A column of one of these types, and of the relations that the statement names no other of that name. */
export function isOfType(
  node: unknown,
  tree: unknown,
  types: ReadonlySet<string>,
  draft: Draft,
  env: Environment,
): boolean {
  const column = isRecord(node) && isRecord(node['ColumnRef']) ? node['ColumnRef'] : null
  const name = column !== null && Array.isArray(column['fields']) ? stringOf(column['fields'].at(-1)) : null
  return name !== null && isNamedOfType(name, tree, types, draft, env)
}

function isNamedOfType(
  name: string | null,
  tree: unknown,
  types: ReadonlySet<string>,
  draft: Draft,
  env: Environment,
): boolean {
  const found = name === null ? null : typesOfNamed(name, tree, draft, env)
  return found?.every((type) => types.has(type)) === true
}

/** Types of the columns of this name in the relations that the statement names; null: it may be another column. */
export function typesOfNamed(name: string, tree: unknown, draft: Draft, env: Environment): readonly string[] | null {
  const relations = [...draft.effects.values()].flatMap(({ object }) => relationCalled(object, env) ?? [])
  const found = relations.flatMap(({ columns }) => columns.filter((column) => column.name === name))
  const given = namesGiven(tree)
  return found.length === 0 || given.has(null) || given.has(name) ? null : found.map(({ type }) => plainName(type, env))
}

/** Equal values of an enum look alike, and it becomes no other type. */
const plainName = (type: string, { index }: Environment): string =>
  index.types.get(type) === 'enum' ? 'pg_catalog.anyenum' : type

/** Names that queries in FROM give to what they show; null among them: any. */
function namesGiven(tree: unknown): ReadonlySet<string | null> {
  const given = new Set<string | null>()
  everyNode(tree, (tag, found) => {
    if (made.has(tag)) given.add(null)
    if (tag === 'RangeSubselect' || tag === 'CommonTableExpr')
      everyNode(found, (inner, { name, val }) => {
        if (inner === 'ResTarget') given.add(typeof name === 'string' ? name : figured(val))
      })
    for (const part of ['colnames', 'aliascolnames']) {
      const listed = found[part]
      if (Array.isArray(listed)) for (const one of listed) given.add(stringOf(one))
    }
  })
  return given
}

/** What makes columns of its own in FROM. */
const made = new Set(['JsonTable', 'RangeTableFunc', 'RangeFunction'])

/** The name that PostgreSQL gives to what is shown without one; null: nobody knows (parse_target.c, FigureColname). */
function figured(value: unknown): string | null {
  if (!isRecord(value)) return null
  const call = value['FuncCall']
  if (isRecord(call)) return calledName(call)
  const isPlain = ['ColumnRef', 'A_Const', 'A_Expr', 'ParamRef'].some((tag) => value[tag] !== undefined)
  return isPlain ? '?column?' : null
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

export function calledName(call: Record<string, unknown>): string {
  const parts = Array.isArray(call['funcname']) ? call['funcname'] : []
  return stringOf(parts.at(-1)) ?? ''
}

export function stringOf(node: unknown): string | null {
  if (!isRecord(node) || !isRecord(node['String'])) return null
  const { sval } = node['String']
  return typeof sval === 'string' ? sval : null
}
