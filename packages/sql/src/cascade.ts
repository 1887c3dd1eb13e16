// What CASCADE takes along: everything that depends on what a statement drops or truncates, near and far, as derived effects.
// The target's own notes on dependencies say what that is; a kind of object that nobody knows here is an unknown.
import type { DropStmt, Node, ObjectType } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { functionName } from './catalog-index.ts'
import { writeEffects } from './closure.ts'
import { addEffect } from './draft.ts'
import { isMade } from './made.ts'
import { nameParts, placed, rangeOf } from './objects.ts'
import { relationEffect, resolveRelation } from './relations.ts'
import { type Environment, unknown } from './scope.ts'

/** `relation 16385`, `function 16390`, `type 16400`, `schema lab`, as the catalog writes them. */
type Thing = string

const why = 'DROP … CASCADE'

/** Adds what goes with the objects of the statement. */
export function dropCascade(found: DropStmt, env: Environment): void {
  const { dependents } = env.index
  const starts = (found.objects ?? []).map((node) => thingsOf(found.removeType, node, found.missing_ok === true, env))
  if (dependents === null || starts.includes(null)) {
    unknown(env, why)
    return
  }
  const pending = starts.flatMap((things) => things ?? [])
  const seen = new Set(pending)
  for (let thing = pending.pop(); thing !== undefined; thing = pending.pop())
    for (const next of dependents.get(thing) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      if (goes(next, env)) pending.push(next)
    }
}

/** Notes that it goes; true when what depends on it goes as well. */
function goes(thing: Thing, env: Environment): boolean {
  const [kind = '', id = ''] = thing.split(' ')
  const relation = env.index.byOid.get(Number(id))
  switch (kind) {
    case 'relation':
      if (relation === undefined) return left(env, kind)
      relationEffect(env, 'drop', relation, 'derived', false)
      return true
    case 'key':
    case 'part':
      if (relation === undefined) left(env, `a part of a ${kind}`)
      else relationEffect(env, 'alter', relation, 'derived', false)
      return false
    case 'function': {
      const one = env.index.functionByOid.get(Number(id))
      return one !== undefined ? dropped(env, functionName(one)) : left(env, kind)
    }
    case 'type': {
      const one = env.index.catalog.types.find(({ oid }) => oid === Number(id))
      return one !== undefined ? dropped(env, `${one.schema}.${one.name}`) : left(env, kind)
    }
    default:
      return left(env, `an object of ${id}`)
  }
}

function dropped(env: Environment, object: string): true {
  addEffect(env.draft, { operation: 'drop', object, via: 'derived', parents: [], baseline: false })
  return true
}

function left(env: Environment, what: string): false {
  unknown(env, `${why}: it takes ${what} along that is not known here`)
  return false
}

const relationTypes = new Set<ObjectType>([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
])
const functionTypes = new Set<ObjectType>(['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE'])

/** What one name of the statement stands for; empty: nothing is there. Null: it cannot be told. */
function thingsOf(
  type: ObjectType | undefined,
  node: Node,
  missingOk: boolean,
  env: Environment,
): readonly Thing[] | null {
  const parts = nameParts(node)
  if (type === undefined) return null
  if (relationTypes.has(type)) {
    const found = resolveRelation(env, rangeOf(parts))
    if (found.kind === 'missing') return missingOk ? [] : null
    return found.kind === 'catalog' && isFollowed(found.relation) ? [`relation ${found.relation.oid}`] : null
  }
  if (type === 'OBJECT_SCHEMA') return ofSchema(parts.at(-1) ?? '', env)
  const names = new Set(placed(parts, env))
  if (functionTypes.has(type)) {
    const [name = ''] = [...parts].reverse()
    const all = (env.index.functions.get(name) ?? []).filter((one) => names.has(`${one.schema}.${one.name}`))
    return all.map(({ oid }) => `function ${oid}`)
  }
  if (type !== 'OBJECT_TYPE' && type !== 'OBJECT_DOMAIN') return null
  const composites = env.index.catalog.relations.filter((one) => names.has(`${one.schema}.${one.name}`))
  const types = env.index.catalog.types.filter((one) => names.has(`${one.schema}.${one.name}`))
  return [...composites.map(({ oid }) => `relation ${oid}`), ...types.map(({ oid }) => `type ${oid}`)]
}

/** What depends on something temporary, or on what the same text has made, stands in no notes. */
const isFollowed = (relation: CatalogRelation): boolean => !relation.temporary && !isMade(relation)

/** Everything in it. */
function ofSchema(name: string, env: Environment): readonly Thing[] | null {
  const relations = [...env.index.byOid.values()].filter(({ schema }) => schema === name)
  if (!relations.every(isFollowed)) return null
  const inside = [
    ...relations.map(({ oid }) => `relation ${oid}`),
    ...env.index.catalog.functions.filter(({ schema }) => schema === name).map(({ oid }) => `function ${oid}`),
    ...env.index.catalog.types.filter(({ schema }) => schema === name).map(({ oid }) => `type ${oid}`),
  ]
  for (const thing of inside) goes(thing, env)
  return [`schema ${name}`, ...inside]
}

/** TRUNCATE … CASCADE empties whatever refers to the relations by a foreign key, and so on. */
export function truncateCascade(relations: readonly CatalogRelation[], env: Environment): void {
  const { dependents } = env.index
  if (dependents === null || !relations.every(isFollowed)) {
    unknown(env, 'TRUNCATE … CASCADE')
    return
  }
  const seen = new Set(relations.map(({ oid }) => oid))
  const pending = [...seen]
  for (let oid = pending.pop(); oid !== undefined; oid = pending.pop())
    for (const thing of dependents.get(`relation ${oid}`) ?? []) {
      const next = thing.startsWith('key ') ? Number(thing.slice(4)) : null
      if (next === null || seen.has(next)) continue
      seen.add(next)
      pending.push(next)
      const relation = env.index.byOid.get(next)
      if (relation === undefined) unknown(env, 'TRUNCATE … CASCADE')
      else writeEffects(env, 'truncate', relation, true, 'derived')
    }
}
