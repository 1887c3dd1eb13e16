// Statements whose reach is a list of objects or a whole schema and not one name: GRANT, publications, DROP OWNED. All that
// may be meant is a derived effect: it can deny or hold, and never allow.
import type { GrantStmt, Node } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { columnRefs, functionName } from './catalog-index.ts'
import { addEffect, addFlow } from './draft.ts'
import type { SqlOperation } from './facts.ts'
import { relationEffect, resolveRelation } from './relations.ts'
import type { Environment } from './scope.ts'
import { payload, texts } from './tree.ts'

/** Every relation and function of a schema, or of all (null): the catalog does not say who owns what. */
export function everything(env: Environment, operation: SqlOperation, schema: string | null): void {
  for (const relation of relationsOf(env, schema)) relationEffect(env, operation, relation, 'derived', false)
  for (const one of env.index.catalog.functions)
    if (schema === null || one.schema === schema) derivedEffect(env, operation, functionName(one))
}

const relationsOf = (env: Environment, schema: string | null): readonly CatalogRelation[] =>
  [...env.index.byOid.values()].filter((one) => schema === null || one.schema === schema)

const derivedEffect = (env: Environment, operation: SqlOperation, object: string): void =>
  addEffect(env.draft, { operation, object, via: 'derived', parents: [], baseline: false })

/** Rights on relations and schemas: whoever gets them reaches the same rows by another way. */
export function noteGranted(found: GrantStmt, env: Environment): void {
  for (const node of found.objects ?? []) {
    const range = payload(node, 'RangeVar')
    const [schema = ''] = range === undefined ? texts([node]) : []
    if (range !== undefined) {
      const resolved = resolveRelation(env, range)
      if (resolved.kind === 'catalog') relationEffect(env, 'admin', resolved.relation, 'derived', false)
      else if (resolved.kind === 'missing') derivedEffect(env, 'admin', resolved.object)
    } else if (found.targtype === 'ACL_TARGET_ALL_IN_SCHEMA' || found.objtype === 'OBJECT_SCHEMA') {
      derivedEffect(env, 'admin', `schema:${schema}`)
      if (found.targtype === 'ACL_TARGET_ALL_IN_SCHEMA') everything(env, 'admin', schema)
    }
  }
}

/** Rows of published tables go to whoever subscribes, past every mask: a copy of their columns. */
export function published(objects: readonly Node[] | undefined, all: boolean, to: string, env: Environment): void {
  if (all) carried(relationsOf(env, null), to, env)
  for (const node of objects ?? []) {
    const found = payload(node, 'PublicationObjSpec')
    const range = found?.pubtable?.relation
    if (range === undefined) {
      // The schema of the path that comes first is not told: it may be any.
      carried(relationsOf(env, found?.name ?? null), to, env)
      continue
    }
    const resolved = resolveRelation(env, range)
    if (resolved.kind === 'catalog') carried([resolved.relation], to, env)
    else if (resolved.kind === 'missing') derivedEffect(env, 'select', resolved.object)
  }
}

function carried(relations: readonly CatalogRelation[], to: string, env: Environment): void {
  for (const relation of relations) {
    relationEffect(env, 'select', relation, 'derived', true)
    addFlow(env.draft, to, null, columnRefs(env.index, relation))
  }
}
