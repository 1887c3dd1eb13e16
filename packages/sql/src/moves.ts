// What goes by another name, or without its parents, from a statement on. Rules name objects as these were: one that denies or holds
// anything on the old name must not be left by a rename (policy/examine.ts). Masks need none of it: they go by numbers of columns.
import type { Node, ObjectType } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { ancestors, functionName, relationName } from './catalog-index.ts'
import { addEffect } from './draft.ts'
import { nameParts, placed } from './objects.ts'
import type { Environment } from './scope.ts'

const routines: ReadonlySet<ObjectType> = new Set([
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_ROUTINE',
  'OBJECT_AGGREGATE',
])

/** The relation has this name afterwards; its parents stay. */
export function moved(env: Environment, relation: CatalogRelation, to: string): void {
  const parents = ancestors(env.index, relation).map(relationName)
  note(env, relationName(relation), parents, to, parents)
}

/** Nothing is known of its parents any more. */
export const left = (env: Environment, relation: CatalogRelation): void =>
  note(env, relationName(relation), ancestors(env.index, relation).map(relationName), relationName(relation), [])

/** RENAME TO and SET SCHEMA of what is no relation: a routine, or the functions of an extension. A schema is renamed by nobody (ddl.ts). */
export function movedObject(
  env: Environment,
  type: ObjectType | undefined,
  object: Node | undefined,
  to: { readonly name?: string; readonly schema?: string },
): void {
  const [name = '', ...rest] = [...nameParts(object)].reverse()
  if (type === 'OBJECT_EXTENSION' && to.schema !== undefined) movedExtension(env, name, to.schema)
  if (type === undefined || !routines.has(type)) return
  for (const found of placed([...rest.reverse(), name], env)) {
    const schema = found.slice(0, found.length - name.length - 1)
    note(env, `${found}()`, [], `${to.schema ?? schema}.${to.name ?? name}()`, [])
  }
}

function movedExtension(env: Environment, extension: string, to: string): void {
  for (const one of env.index.catalog.functions)
    if (one.extension === extension) note(env, functionName(one), [], `${to}.${one.name}()`, [])
}

function note(
  env: Environment,
  object: string,
  parents: readonly string[],
  to: string,
  later: readonly string[],
): void {
  const becomes = [{ object: to, parents: later }]
  addEffect(env.draft, { operation: 'alter', object, via: 'derived', parents, baseline: false, becomes })
}
