// Names of the objects that DDL works on, as effects show them: `schema.relation`, `schema.function()`, `kind:name`.
import type { Node, ObjectType, RangeVar } from '@pgsql/types'
import { systemRelation } from './builtins.ts'
import { addDirect } from './draft.ts'
import type { SqlOperation } from './facts.ts'
import { noteMissing, relationEffect, resolveRelation } from './relations.ts'
import { type Environment, unknown } from './scope.ts'
import { payload, texts } from './tree.ts'

/** Where an unqualified new object comes to be: the first schema of the path that exists. */
export function creationSchema(env: Environment): string {
  const schema = env.searchPath?.find((one) => env.index.schemas.has(one))
  if (schema === undefined) unknown(env, 'the schema of a new object')
  return schema ?? 'public'
}

/** `schema.name` of a relation that is to be created; temporary ones are in `pg_temp`. */
export function createdRelation(range: RangeVar | undefined, env: Environment): string {
  if (range === undefined) {
    unknown(env, 'a new relation without a name')
    return 'public.'
  }
  env.draft.seen.add(range)
  if (range.catalogname !== undefined && range.catalogname !== env.index.catalog.database)
    unknown(env, `the database "${range.catalogname}"`)
  if (range.relpersistence === 't' || range.schemaname === 'pg_temp') return temporaryName(range.relname ?? '', env)
  return `${range.schemaname ?? creationSchema(env)}.${range.relname ?? ''}`
}

/** A temporary relation is found before all others: one that hides a relation would be taken for it. */
export function temporaryName(name: string, env: Environment): string {
  if (env.index.named.has(name) || systemRelation(`pg_catalog.${name}`) !== undefined)
    unknown(env, `a temporary relation that hides "${name}"`)
  return `pg_temp.${name}`
}

/** `schema.name` of another new object from the parts of its written name. */
export function createdName(parts: readonly string[], env: Environment): string {
  const [name = '', schema] = [...parts].reverse()
  return `${schema ?? creationSchema(env)}.${name}`
}

/** The same of a type. In pg_temp types are found before PostgreSQL's own: a domain "text" there tests what is cast to text. */
export function createdType(parts: readonly string[], env: Environment): string {
  const name = createdName(parts, env)
  if (name.startsWith('pg_temp.')) unknown(env, `the type "${name}", which is found before all others of its name`)
  return name
}

/** An effect on an existing relation; one that the catalog does not have is an unknown. */
export function effectOnRelation(
  env: Environment,
  operation: SqlOperation,
  range: RangeVar | undefined,
): ReturnType<typeof resolveRelation> | null {
  if (range === undefined) {
    unknown(env, 'a relation without a name')
    return null
  }
  env.draft.seen.add(range)
  const resolved = resolveRelation(env, range)
  if (resolved.kind === 'catalog') relationEffect(env, operation, resolved.relation, 'direct', range.inh === true)
  else {
    addDirect(env.draft, operation, resolved.kind === 'system' ? resolved.relation.name : resolved.object)
    if (resolved.kind === 'missing') noteMissing(env, resolved)
    else unknown(env, `DDL on "${resolved.relation.name}"`)
  }
  return resolved
}

const relationTypes = new Set<ObjectType>([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
])
const functionTypes = new Set<ObjectType>(['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE', 'OBJECT_AGGREGATE'])
/** Objects that belong to a relation: working on them alters it. */
const ofRelation = new Set<ObjectType>([
  'OBJECT_COLUMN',
  'OBJECT_TABCONSTRAINT',
  'OBJECT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
])
const inSchema = new Set<ObjectType>([
  'OBJECT_TYPE',
  'OBJECT_DOMAIN',
  'OBJECT_INDEX',
  'OBJECT_COLLATION',
  'OBJECT_CONVERSION',
  'OBJECT_OPERATOR',
  'OBJECT_OPCLASS',
  'OBJECT_OPFAMILY',
  'OBJECT_STATISTIC_EXT',
  'OBJECT_TSCONFIGURATION',
  'OBJECT_TSDICTIONARY',
  'OBJECT_TSPARSER',
  'OBJECT_TSTEMPLATE',
])

/** Parts of a written name in whichever node the grammar holds it. */
export function nameParts(node: Node | undefined): readonly string[] {
  const list = payload(node, 'List')?.items
  if (list !== undefined) {
    // Operator classes: method first. Types of casts and transforms: TypeName inside.
    const inner = list.map((item) => payload(item, 'TypeName')).find((type) => type !== undefined)
    return inner === undefined ? texts(list) : texts(inner.names)
  }
  const type = payload(node, 'TypeName')
  if (type !== undefined) return texts(type.names)
  const withArguments = payload(node, 'ObjectWithArgs')
  if (withArguments !== undefined) return texts(withArguments.objname)
  const text = payload(node, 'String')?.sval
  return text === undefined ? [] : [text]
}

export const rangeOf = (parts: readonly string[]): RangeVar => {
  const [relname = '', schemaname, catalogname] = [...parts].reverse()
  return {
    relname,
    ...(schemaname === undefined ? {} : { schemaname }),
    ...(catalogname === undefined ? {} : { catalogname }),
    inh: true,
    relpersistence: 'p',
  }
}

/** `role`, `foreign_server` … for `kind:name`. */
export const kindOf = (type: ObjectType | undefined): string => (type ?? '').replace(/^OBJECT_/, '').toLowerCase()

/** An effect on whatever object a DDL statement names by type and name. */
export function effectOnObject(
  env: Environment,
  operation: SqlOperation,
  type: ObjectType | undefined,
  node: Node | undefined,
  missingOk = false,
): void {
  const parts = nameParts(node)
  if (type === undefined || parts.length === 0) {
    unknown(env, `an object of DDL`)
    return
  }
  // With IF EXISTS the server does nothing where there is none; should one be there by then, the effect has its name.
  if (missingOk && relationTypes.has(type) && resolveRelation(env, rangeOf(parts)).kind === 'missing')
    for (const name of placed(parts, env)) addDirect(env.draft, operation, name)
  else if (relationTypes.has(type)) effectOnRelation(env, operation, rangeOf(parts))
  else if (ofRelation.has(type)) effectOnRelation(env, 'alter', rangeOf(parts.slice(0, -1)))
  else if (functionTypes.has(type)) for (const name of placed(parts, env)) addDirect(env.draft, operation, `${name}()`)
  else if (inSchema.has(type)) for (const name of placed(parts, env)) addDirect(env.draft, operation, name)
  else addDirect(env.draft, operation, `${kindOf(type)}:${parts.join('.')}`)
}

/** An unqualified name outside the catalog may be in any schema of the path: all of them count. */
export function placed(parts: readonly string[], env: Environment): readonly string[] {
  const [name = '', schema] = [...parts].reverse()
  if (schema !== undefined) return [`${schema}.${name}`]
  if (env.searchPath === null) unknown(env, `"${name}" without its schema after the search_path has changed`)
  const path = (env.searchPath ?? []).filter((one) => !one.startsWith('pg_'))
  return (path.length > 0 ? path : ['public']).map((one) => `${one}.${name}`)
}
