// Relations: which one a written name means under the search_path, what reading it does, and what its columns are made of.
// Views are expanded to their base columns; a relation that the catalog does not have is an unknown.
import type { RangeVar } from '@pgsql/types'
import { hiddenColumn, isListKnown, type SystemAccess, type SystemRelation, systemRelation } from './builtins.ts'
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { ancestors, behindServer, type CatalogIndex, columnRefs, descendants, relationName } from './catalog-index.ts'
import { addEffect, addReadings, merge, newDraft } from './draft.ts'
import type { ColumnRef, SqlOperation } from './facts.ts'
import { isMade } from './made.ts'
import { noteTable, type ReadTable } from './order-facts.ts'
import { secureRows } from './row-security.ts'
import { ofRowType } from './row-types.ts'
import { type Entry, type Environment, entryOf, unknown, unknownName } from './scope.ts'
import { writtenName } from './tree.ts'
import { alsoKnownAs, type Column, direct, either, plain, recast, type Value } from './values.ts'
import { generatedColumn, insideDefinition, viewColumns } from './views.ts'

export type Resolved =
  | { readonly kind: 'catalog'; readonly relation: CatalogRelation }
  | { readonly kind: 'system'; readonly relation: SystemRelation }
  | { readonly kind: 'missing'; readonly object: string; readonly why: string; readonly isRelation?: true }

const systemSchemas = new Set(['pg_catalog', 'information_schema'])

/** Which relation a name means: temporary ones first, then pg_catalog, then the path (namespace.c, RangeVarGetRelid). */
export function resolveRelation(env: Environment, range: RangeVar): Resolved {
  const name = range.relname ?? ''
  const written = writtenName(range)
  if (range.catalogname !== undefined && range.catalogname !== env.index.catalog.database)
    return { kind: 'missing', object: written, why: `the database "${range.catalogname}"` }
  if (range.schemaname !== undefined) return qualified(env, range.schemaname, name)
  if (env.naming === 'definition') return inDefinition(env, name)
  if (env.searchPath === null)
    return { kind: 'missing', object: written, why: `"${name}" without its schema after the search_path has changed` }
  const path = effectivePath(env.searchPath)
  for (const schema of path) {
    const found = qualified(env, schema, name)
    if (found.kind !== 'missing') return found
    // Another server version, or an extension, may have a system relation here that would be found first.
    const isForeign = env.index.catalog.systemRelations?.includes(name) !== false
    if (schema === 'pg_catalog' && name.startsWith('pg_') && isForeign)
      return { ...found, why: `the system relation "${name}", which is not known` }
  }
  return {
    kind: 'missing',
    object: `${path.find((one) => !/^pg_/.test(one)) ?? 'public'}.${name}`,
    why: `the relation "${name}", which the catalog does not have`,
    isRelation: true,
  }
}

/** Notes that a relation is not there, or cannot be told. */
export function noteMissing(env: Environment, { why, isRelation }: Extract<Resolved, { kind: 'missing' }>): void {
  if (isRelation === true) unknownName(env, 'relation', why)
  else unknown(env, why)
}

/** pg_temp and pg_catalog are searched first unless the path places them. */
export function effectivePath(searchPath: readonly string[]): readonly string[] {
  const implied = ['pg_temp', 'pg_catalog'].filter((schema) => !searchPath.includes(schema))
  return [...implied, ...searchPath]
}

function qualified(env: Environment, schema: string, name: string): Resolved {
  const object = `${schema}.${name}`
  if (systemSchemas.has(schema)) {
    const relation = systemRelation(object)
    const exists = relation !== undefined && relation.since <= env.index.catalog.serverVersion
    if (exists) return { kind: 'system', relation }
    return { kind: 'missing', object, why: `the system relation "${object}", which is not known` }
  }
  const temporary = schema === 'pg_temp'
  const found = (env.index.named.get(name) ?? []).filter((one) => (temporary ? one.temporary : one.schema === schema))
  const [relation] = found
  if (relation === undefined || found.length > 1)
    return {
      kind: 'missing',
      object,
      why: `the relation "${object}", which the catalog does not have`,
      isRelation: true,
    }
  return { kind: 'catalog', relation }
}

/** A bare name in a definition is visible to whoever read the catalog: it can only mean the one relation of that name. */
function inDefinition(env: Environment, name: string): Resolved {
  const system = systemRelation(`pg_catalog.${name}`)
  if (system !== undefined) return { kind: 'system', relation: system }
  const found = env.index.named.get(name) ?? []
  const [relation] = found
  if (relation === undefined || found.length > 1)
    return { kind: 'missing', object: name, why: `the relation "${name}" in a definition` }
  return { kind: 'catalog', relation }
}

/** An effect on a relation, its children (unless ONLY) and what a foreign table reads included as derived ones. */
export function relationEffect(
  env: Environment,
  operation: SqlOperation,
  relation: CatalogRelation,
  via: 'direct' | 'derived',
  children: boolean,
): void {
  const { draft, index } = env
  const seen = new Set<CatalogRelation>()
  const one = (target: CatalogRelation, how: 'direct' | 'derived', below: boolean): void => {
    if (seen.has(target)) return
    seen.add(target)
    draft.relations.add(target.oid)
    secureRows(env, target)
    addEffect(draft, {
      operation,
      object: relationName(target),
      via: how,
      parents: ancestors(index, target).map(relationName),
      baseline: false,
    })
    if (below) for (const child of descendants(index, target)) one(child, 'derived', false)
    const behind = behindServer(index, target)
    if (behind !== null) one(behind, 'derived', true)
  }
  one(relation, via, children)
}

/** Of the others their definitions read what is stored. */
const stored: ReadonlySet<CatalogRelation['kind']> = new Set(['table', 'partitioned', 'foreign'])

/** Reads a relation named in FROM. `isShown`: it is pg_settings, and of that only what SHOW shows everybody. */
export function readRelation(env: Environment, range: RangeVar, isShown = false): Entry {
  const resolved = resolveRelation(env, range)
  switch (resolved.kind) {
    case 'missing':
      noteMissing(env, resolved)
      addEffect(env.draft, {
        operation: 'select',
        object: resolved.object,
        via: 'direct',
        parents: [],
        baseline: false,
      })
      return entryOf(range.relname ?? null, [])
    case 'system':
      return systemEntry(env, resolved.relation, range.relname ?? null, isShown)
    case 'catalog':
      relationEffect(env, 'select', resolved.relation, 'direct', range.inh === true)
      if (stored.has(resolved.relation.kind)) addReadings(env.draft, relationName(resolved.relation))
      return placeOf(env, range, relationEntry(env, resolved.relation, range.relname ?? null), resolved.relation)
  }
}

/** The entry, as that of this place in the tree. */
export function placeOf(env: Environment, range: object, entry: Entry, relation: CatalogRelation): Entry {
  env.draft.order.named.add(relation.oid)
  if (entry.table !== undefined) noteTable(env.draft.order, range, entry.table)
  return entry
}

/** The columns of a relation without the effect of reading it. */
export function relationEntry(env: Environment, relation: CatalogRelation, name: string | null): Entry {
  const physical = relation.kind === 'table' || relation.kind === 'partitioned' || relation.kind === 'materialized'
  const isStored = relation.kind === 'table' || relation.kind === 'partitioned'
  const table: ReadTable = { relation }
  const columns = relationColumns(env, relation).map((found, at): Column => {
    const column = isStored ? relation.columns[at] : undefined
    return column === undefined ? found : { ...found, stored: { table, column } }
  })
  return entryOf(name, columns, {
    ...(isStored ? { table } : {}),
    schema: relation.schema,
    rowType: relationName(relation),
    physical: physical || relation.kind === 'foreign',
    placedBy: placedBy(env.index, relation),
  })
}

/**
 * Names of the columns that choose where among its partitions a row lies; null: any of them may. A child is chosen by whoever
 * inserts, and by what its checks say of its rows.
 */
export function placedBy(index: CatalogIndex, relation: CatalogRelation): ReadonlySet<string> | null {
  const names = new Set<string>()
  for (const one of [relation, ...descendants(index, relation)]) {
    const isParent = (index.children.get(one.oid) ?? []).length > 0
    if (!isParent && one.kind !== 'partitioned') continue
    if (one.kind === 'partitioned') {
      const numbers = one.partitionedBy
      if (numbers === undefined || numbers.includes(0)) return null
      for (const { name, number } of one.columns) if (numbers.includes(number)) names.add(name)
    } else {
      const shared = new Set(one.checks)
      const checks = descendants(index, one).flatMap((child) =>
        (child.checks ?? []).filter((text) => !shared.has(text)),
      )
      const words = new Set(checks.flatMap((text) => text.split(/[^\p{L}\p{N}_$]+/u)))
      for (const { name } of one.columns)
        if (words.has(name) || checks.some((text) => text.includes(`"${name}"`))) names.add(name)
    }
  }
  return names
}

/** What a foreign table reads: its columns hold what those behind the server do, under whatever names. */
function columnsBehind(env: Environment, relation: CatalogRelation): ReadonlyMap<string, Value> | null {
  const behind = behindServer(env.index, relation)
  if (behind === null || env.expanding.includes(relation.oid)) return null
  const draft = newDraft()
  const columns = relationColumns(insideDefinition(env, relation, draft, 0), behind)
  merge(env.draft, draft, 'derived')
  const renamed = new Map(relation.remote?.columns)
  const found = new Map(columns.map(({ name, value }) => [name, value]))
  return new Map(
    relation.columns.flatMap(({ name }) => {
      const value = found.get(renamed.get(name) ?? name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

/** What the columns are made of: themselves, what a view computes, what a generated column is generated from. */
export function relationColumns(env: Environment, relation: CatalogRelation): readonly Column[] {
  if (relation.kind === 'view' || relation.kind === 'materialized') return viewColumns(env, relation)
  const refs = columnRefs(env.index, relation)
  const remote = columnsBehind(env, relation)
  const below = columnsBelow(env, relation)
  return relation.columns.map((column, at) => {
    const found = ownColumn(env, relation, column, { ref: refs[at], behind: remote?.get(column.name) })
    const value = below.reduce((sum, columns) => orBehind(sum, columns.get(column.name)), found.value)
    return { ...found, value }
  })
}

/** What the foreign tables read that are parts of it. */
function columnsBelow(env: Environment, relation: CatalogRelation): readonly ReadonlyMap<string, Value>[] {
  const foreign = descendants(env.index, relation).filter(({ kind }) => kind === 'foreign')
  return foreign.flatMap((child) => columnsBehind(env, child) ?? [])
}

const orBehind = (value: Value, behind: Value | undefined): Value =>
  behind === undefined ? value : either(value, recast(behind, value.type))

interface Known {
  readonly ref: ColumnRef | undefined
  /** Of a foreign table: what the column holds at its server. */
  readonly behind: Value | undefined
}

function ownColumn(env: Environment, relation: CatalogRelation, column: CatalogColumn, { ref, behind }: Known): Column {
  if (ref !== undefined && behind !== undefined)
    return { name: column.name, value: alsoKnownAs(recast(behind, column.type), ref) }
  // No rule can mean a column that does not exist yet, and no result says which one it is.
  const isNew = isMade(relation) || column.number < 0
  const own = ref === undefined || isNew ? plain(column.type) : ofRowType(env, column.type, direct(ref, column.type))
  return column.generated === 'no' ? { name: column.name, value: own } : generatedColumn(env, relation, column, own)
}

/** A system relation: its columns hold no protected values, but only some may be read without coverage. */
function systemEntry(env: Environment, relation: SystemRelation, name: string | null, isShown: boolean): Entry {
  const isTooling = env.context.preset === 'tooling'
  const allowed = ({ access }: Pick<PresentColumn, 'access'>): boolean =>
    access === 'baseline' || access === 'hidden' || (access === 'tooling' && (isTooling || isShown))
  const read = (baseline: boolean) =>
    addEffect(env.draft, { operation: 'select', object: relation.name, via: 'direct', parents: [], baseline })
  read(relation.columns.some(allowed))
  const { isExact, columns } = presentColumns(env, relation)
  const [schema = null] = relation.name.split('.')
  return entryOf(
    name,
    columns.map((column) => systemColumn(column, allowed(column) ? null : () => read(false), env)),
    {
      schema,
      rowType: relation.name,
      physical: schema === 'pg_catalog',
      open: !isExact,
    },
  )
}

function systemColumn({ name, type, access }: PresentColumn, read: (() => void) | null, env: Environment): Column {
  if (access !== 'hidden') return { name, value: plain(type), ...(read === null ? {} : { read }) }
  return { name, value: direct(hiddenColumn, type), read: () => void env.draft.reads.add(hiddenColumn) }
}

interface PresentColumn {
  readonly name: string
  readonly type: string | null
  readonly access: SystemAccess
}

/** The columns that the target has, as it says itself. One of a version that we do not know is nobody's to read. */
function presentColumns(
  env: Environment,
  relation: SystemRelation,
): { isExact: boolean; columns: readonly PresentColumn[] } {
  const told = env.index.systemColumns.get(relation.name)
  if (told !== undefined) {
    const known = new Map(relation.columns.map((column) => [column.name, column]))
    return { isExact: true, columns: told.map((name) => known.get(name) ?? { name, type: null, access: 'covered' }) }
  }
  const { serverVersion } = env.index.catalog
  const columns = relation.columns.filter(
    ({ since, goneIn }) => since <= serverVersion && (goneIn === null || serverVersion < goneIn),
  )
  return { isExact: isListKnown(relation.name, serverVersion), columns }
}
