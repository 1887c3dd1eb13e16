// DDL on tables, views, indexes, sequences and types. What is renamed, detached or generated flows to its new place; what is
// constrained or indexed is tested on the rows that are there (R-3.6, R-3.9).
import type { CreateStmt, IndexStmt, Node, RenameStmt, ViewStmt } from '@pgsql/types'
import { alterTable } from './alter-table.ts'
import { columnRefs, descendants, relationName } from './catalog-index.ts'
import { filledAnew } from './constraints.ts'
import { changed, understood } from './ddl.ts'
import { scopeOfRelation } from './ddl-code.ts'
import { boundsTested, columnElement, constraintElement, partitionBound } from './ddl-elements.ts'
import { addControlOf, addDirect, addEffect, addFlow } from './draft.ts'
import { condition, walk } from './expressions.ts'
import { noteHidingName } from './hiding.ts'
import { moved, movedObject } from './moves.ts'
import { createdName, createdRelation, effectOnObject, effectOnRelation, temporaryName } from './objects.ts'
import type { Outcome } from './outcome.ts'
import { relationColumns, resolveRelation } from './relations.ts'
import { type Environment, emptyScope, entryOf, inside, type Scope, unknown } from './scope.ts'
import { queryColumns } from './select.ts'
import { createAs } from './statements.ts'
import { type Handlers, payload, texts } from './tree.ts'
import { typeNameOf } from './types.ts'
import { plain } from './values.ts'

export const ddlOfTables: Handlers<[env: Environment], Outcome> = {
  CreateStmt: (found, env) => {
    createTable(found, env)
    return changed('create', env)
  },
  CreateForeignTableStmt: (found, env) => {
    if (found.base !== undefined) createTable(found.base, env)
    unknown(env, 'a foreign table: where its rows come from')
    return changed('create', env)
  },
  ViewStmt: createView,
  IndexStmt: createIndex,
  AlterTableStmt: (found, env) => {
    alterTable(found, env)
    return changed('alter', env)
  },
  RenameStmt: (found, env) => {
    rename(found, env)
    return changed('alter', env)
  },
  AlterObjectSchemaStmt: (found, env) => {
    if (found.relation === undefined) {
      effectOnObject(env, 'alter', found.objectType, found.object)
      movedObject(env, found.objectType, found.object, { schema: found.newschema ?? '' })
    } else
      moveRelation(
        effectOnRelation(env, 'alter', found.relation),
        `${found.newschema ?? ''}.${found.relation.relname ?? ''}`,
        env,
      )
    understood(env, found.object)
    return changed('alter', env)
  },
  RefreshMatViewStmt: (found, env) => {
    const resolved = effectOnRelation(env, 'insert', found.relation)
    if (resolved?.kind === 'catalog') {
      filledAnew(env, resolved.relation)
      // Which rows it finds changed, they themselves tell from then on.
      if (found.concurrent === true)
        for (const { value } of relationColumns(env, resolved.relation)) addControlOf(env.draft, value, 'REFRESH')
    }
    return { verb: 'refresh', output: null }
  },
  CreateSeqStmt: (found, env) => {
    addDirect(env.draft, 'create', createdRelation(found.sequence, env))
    understood(env, found.options)
    return changed('create', env)
  },
  AlterSeqStmt: (found, env) => {
    effectOnRelation(env, 'alter', found.sequence)
    understood(env, found.options)
    return changed('alter', env)
  },
  CompositeTypeStmt: (found, env) => {
    addDirect(env.draft, 'create', createdRelation(found.typevar, env))
    for (const node of found.coldeflist ?? []) typeNameOf(payload(node, 'ColumnDef')?.typeName, env)
    return changed('create', env)
  },
  CreateStatsStmt: (found, env) => {
    addDirect(env.draft, 'create', createdName(texts(found.defnames), env))
    for (const node of found.relations ?? []) {
      const scope = scopeOfRelation(effectOnRelation(env, 'alter', payload(node, 'RangeVar')), env)
      for (const element of found.exprs ?? []) {
        // What ANALYZE samples of it stands in the statistics.
        const value = walk(payload(element, 'StatsElem')?.expr, scope)
        addControlOf(env.draft, value, 'CREATE STATISTICS')
        addFlow(env.draft, createdName(texts(found.defnames), env), null, value.sources)
      }
    }
    return changed('create', env)
  },
  AlterStatsStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.defnames), env))
    return changed('alter', env)
  },
  AlterCollationStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.collname), env))
    return changed('alter', env)
  },
  AlterTSDictionaryStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.dictname), env))
    understood(env, found.options)
    return changed('alter', env)
  },
  AlterTSConfigurationStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.cfgname), env))
    understood(env, found)
    return changed('alter', env)
  },
}

function createTable(found: CreateStmt, env: Environment): void {
  const object = createdRelation(found.relation, env)
  addDirect(env.draft, 'create', object)
  const elements = [...(found.tableElts ?? []), ...(found.constraints ?? [])]
  const columns = elements.flatMap((node) => {
    const name = payload(node, 'ColumnDef')?.colname
    return name === undefined ? [] : [{ name, value: plain() }]
  })
  for (const node of found.inhRelations ?? []) {
    const parent = effectOnRelation(env, 'alter', payload(node, 'RangeVar'))
    if (parent?.kind === 'catalog' && found.partbound !== undefined) boundsTested(env, parent.relation)
    if (parent?.kind === 'catalog')
      columns.push(...parent.relation.columns.map((column) => ({ name: column.name, value: plain(column.type) })))
  }
  for (const node of elements) columns.push(...likeColumns(node, env))
  const scope = inside({ ...emptyScope(env), nested: true }, [entryOf(found.relation?.relname ?? null, columns)])
  for (const node of elements) tableElement(node, object, scope)
  if (found.ofTypename !== undefined) typeNameOf(found.ofTypename, env)
  partitioning(found, scope)
}

function likeColumns(node: Node, env: Environment): { name: string; value: ReturnType<typeof plain> }[] {
  const like = payload(node, 'TableLikeClause')
  if (like === undefined) return []
  const resolved = effectOnRelation(env, 'select', like.relation)
  return resolved?.kind === 'catalog'
    ? resolved.relation.columns.map((column) => ({ name: column.name, value: plain(column.type) }))
    : []
}

function tableElement(node: Node, object: string, scope: Scope): void {
  const column = payload(node, 'ColumnDef')
  const constraint = payload(node, 'Constraint')
  if (column !== undefined) columnElement(column, object, scope)
  else if (constraint !== undefined) constraintElement(constraint, object, scope)
  else if (payload(node, 'TableLikeClause') === undefined) unknown(scope.env, 'an element of CREATE TABLE')
}

/** PARTITION BY expressions and the bounds of PARTITION OF. */
function partitioning(found: CreateStmt, scope: Scope): void {
  for (const node of found.partspec?.partParams ?? []) walk(payload(node, 'PartitionElem')?.expr, scope)
  partitionBound(found.partbound, scope)
}

function createView(found: ViewStmt, env: Environment): Outcome {
  if (found.replace === true && found.view !== undefined && resolveRelation(env, found.view).kind === 'catalog')
    effectOnRelation(env, 'alter', found.view)
  const columns = found.query === undefined ? [] : queryColumns(found.query, emptyScope(env))
  understood(env, found.options)
  createAs(found.view, texts(found.aliases), columns, env)
  return changed('create', env)
}

/**
 * A unique index fails on equal values, an index on an expression computes it for every row, and rows that are found by an
 * index come in its order: `WHERE ssn IS NOT NULL` would show who stands before whom (R-3.1).
 */
function createIndex(found: IndexStmt, env: Environment): Outcome {
  const resolved = effectOnRelation(env, 'alter', found.relation)
  const schema = resolved?.kind === 'catalog' ? resolved.relation.schema : (found.relation?.schemaname ?? 'public')
  addDirect(env.draft, 'create', `${schema}.${found.idxname ?? `${found.relation?.relname ?? ''}_idx`}`)
  const scope = scopeOfRelation(resolved, env)
  const elements = [...(found.indexParams ?? []), ...(found.indexIncludingParams ?? [])]
  for (const node of elements) {
    const element = payload(node, 'IndexElem')
    const named = scope.entries.flatMap((entry) => entry.columns.filter(({ name }) => name === element?.name))
    for (const { value } of named) addControlOf(env.draft, value, found.unique === true ? 'UNIQUE' : 'CREATE INDEX')
    addControlOf(env.draft, walk(element?.expr, scope), 'CREATE INDEX')
    understood(env, element?.opclassopts)
  }
  condition(found.whereClause, scope, 'CREATE INDEX')
  understood(env, found.options)
  return changed('create', env)
}

const routines: ReadonlySet<string> = new Set([
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_ROUTINE',
  'OBJECT_AGGREGATE',
])

function rename(found: RenameStmt, env: Environment): void {
  understood(env, found.object)
  const { relation, renameType } = found
  if (relation === undefined) {
    if (renameType !== undefined && routines.has(renameType)) noteHidingName(found.newname ?? '', env)
    effectOnObject(env, 'alter', renameType, found.object)
    movedObject(env, renameType, found.object, { name: found.newname ?? '' })
    return
  }
  if (renameType === 'OBJECT_INDEX') {
    const parts = relation.schemaname === undefined ? [] : [relation.schemaname]
    const name = { List: { items: [...parts, relation.relname ?? ''].map((sval) => ({ String: { sval } })) } }
    env.draft.seen.add(relation)
    effectOnObject(env, 'alter', 'OBJECT_INDEX', name)
    return
  }
  const resolved = effectOnRelation(env, 'alter', relation)
  if (resolved?.kind !== 'catalog') return
  if (renameType === 'OBJECT_ATTRIBUTE' && found.behavior === 'DROP_CASCADE') unknown(env, 'ALTER TYPE … CASCADE')
  if (renameType === 'OBJECT_COLUMN' || renameType === 'OBJECT_ATTRIBUTE') renameColumn(found, resolved.relation, env)
  else if (found.subname === undefined) {
    if (resolved.relation.temporary) temporaryName(found.newname ?? '', env)
    moveRelation(resolved, `${resolved.relation.schema}.${found.newname ?? ''}`, env)
  }
}

/** Rules and labels may go by name: under another name the column would be another one (launder.rename). */
function renameColumn(
  found: RenameStmt,
  relation: Extract<ReturnType<typeof effectOnRelation>, { kind: 'catalog' }>['relation'],
  env: Environment,
): void {
  for (const one of [relation, ...descendants(env.index, relation)])
    for (const { name, value } of relationColumns(env, one))
      if (name === found.subname) addFlow(env.draft, `${relationName(one)}.${found.newname ?? ''}`, null, value.sources)
}

/** A relation comes to be under another name, where it may stand for what had that name. */
function moveRelation(resolved: ReturnType<typeof effectOnRelation>, to: string, env: Environment): void {
  addEffect(env.draft, { operation: 'create', object: to, via: 'derived', parents: [], baseline: false })
  if (resolved?.kind === 'catalog') moved(env, resolved.relation, to)
  moveColumns(resolved, to, env)
}

/** All columns of a relation come to be under another name. */
export function moveColumns(resolved: ReturnType<typeof effectOnRelation>, to: string, env: Environment): void {
  if (resolved?.kind !== 'catalog') return
  const refs = columnRefs(env.index, resolved.relation)
  const columns = relationColumns(env, resolved.relation)
  resolved.relation.columns.forEach((column, at) => {
    const ref = refs[at]
    const sources = columns[at]?.value.sources ?? []
    addFlow(env.draft, `${to}.${column.name}`, null, ref === undefined ? sources : [ref, ...sources])
  })
}
