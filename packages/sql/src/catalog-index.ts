// A catalog arranged for look-ups: by name, by OID, by family. Made once for a catalog and kept beside it.
// Column references are interned here: the same column is the same object, so that sets of them work by identity.
import type { Catalog, CatalogColumn, CatalogFunction, CatalogRelation } from './catalog.ts'
import type { Draft } from './draft.ts'
import type { ColumnRef } from './facts.ts'
import type { Column } from './values.ts'

/** An operator outside pg_catalog; null types: any. */
export interface UserOperator {
  readonly schema: string
  readonly name: string
  readonly left: string | null
  readonly right: string | null
}

export interface CatalogIndex {
  readonly catalog: Catalog
  readonly byOid: ReadonlyMap<number, CatalogRelation>
  /** Relations by bare name, in all schemas. */
  readonly named: ReadonlyMap<string, readonly CatalogRelation[]>
  readonly functions: ReadonlyMap<string, readonly CatalogFunction[]>
  readonly functionByOid: ReadonlyMap<number, CatalogFunction>
  readonly operators: ReadonlyMap<string, readonly UserOperator[]>
  /** `schema.name` of user-defined types and of relations, which are types as well. */
  readonly types: ReadonlyMap<string, string>
  /** Types that are, or hold, another one: domains and ranges. */
  readonly contents: ReadonlyMap<string, { readonly kind: string; readonly of: string }>
  /** `schema.name` of types whose values run code of the target when they are made. */
  readonly codeTypes: ReadonlySet<string>
  /** Those of them whose code may change something. */
  readonly volatileTypes: ReadonlySet<string>
  readonly schemas: ReadonlyMap<string, boolean>
  /** Views that the text itself has made, by number: what their columns are made of, and what reading them does. */
  readonly madeViews?: ReadonlyMap<number, { readonly columns: readonly Column[]; readonly draft: Draft }>
  readonly children: ReadonlyMap<number, readonly CatalogRelation[]>
  /** By what they depend on (catalog.ts); null when the catalog does not say. */
  readonly dependents: ReadonlyMap<string, readonly string[]> | null
  readonly columns: Map<number, readonly ColumnRef[]>
  /** Names of the columns of PostgreSQL's own relations, in order, as the target has them. */
  readonly systemColumns: ReadonlyMap<string, readonly string[]>
}

const indexes = new WeakMap<Catalog, CatalogIndex>()

/** The index of a catalog; the same object for the same catalog. */
export function indexOf(catalog: Catalog): CatalogIndex {
  const known = indexes.get(catalog)
  if (known !== undefined) return known
  const made = build(catalog)
  indexes.set(catalog, made)
  return made
}

function build(catalog: Catalog): CatalogIndex {
  const types = new Map<string, string>(catalog.types.map((type) => [`${type.schema}.${type.name}`, type.kind]))
  for (const relation of catalog.relations)
    if (relation.kind !== 'sequence') types.set(`${relation.schema}.${relation.name}`, 'composite')
  return {
    catalog,
    byOid: new Map(catalog.relations.map((relation) => [relation.oid, relation])),
    named: grouped(catalog.relations, (relation) => [relation.name]),
    functions: grouped(catalog.functions, (one) => [one.name]),
    functionByOid: new Map(catalog.functions.map((one) => [one.oid, one])),
    operators: grouped(catalog.operators.map(parseOperator), (operator) => [operator.name]),
    types,
    contents: new Map(
      catalog.types.flatMap(({ schema, name, kind, of }) =>
        of == null ? [] : [[`${schema}.${name}`, { kind, of }] as const],
      ),
    ),
    codeTypes: codeTypesOf(catalog, ({ code }) => code !== false),
    volatileTypes: codeTypesOf(catalog, ({ code, volatile }) => code !== false && volatile !== false),
    schemas: new Map(catalog.schemas.map(({ name, writable }) => [name, writable])),
    children: grouped(catalog.relations, (relation) => relation.parents),
    dependents: catalog.dependents === undefined ? null : dependentsOf(catalog.dependents),
    columns: new Map(),
    systemColumns: new Map(
      (catalog.systemColumns ?? []).map((line) => {
        const [name = '', columns = ''] = line.split(' ')
        return [name, columns.split(',')]
      }),
    ),
  }
}

function dependentsOf(pairs: NonNullable<Catalog['dependents']>): ReadonlyMap<string, readonly string[]> {
  const groups = grouped(pairs, ([on]) => [on])
  return new Map([...groups].map(([on, group]) => [on, group.map(([, what]) => what)]))
}

/** Domains and ranges by what the catalog says, and every composite that holds one, near or far. */
function codeTypesOf(catalog: Catalog, isMeant: (type: Catalog['types'][number]) => boolean): ReadonlySet<string> {
  const found = new Set<string>()
  for (const type of catalog.types)
    if (['domain', 'range', 'multirange'].includes(type.kind) && isMeant(type)) found.add(`${type.schema}.${type.name}`)
  const holders = catalog.relations.filter(({ kind }) => kind !== 'sequence')
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const one of holders)
      if (one.columns.some(({ type }) => found.has(elementType(type)))) found.add(relationName(one))
  }
  return found
}

/** `schema.name` for an array's `schema._name`, and for any other type itself. */
export const elementType = (type: string): string => type.replace(/^(.*)\._(?=[^.]*$)/, '$1.')

function grouped<T, K>(items: readonly T[], keysOf: (item: T) => readonly K[]): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items)
    for (const key of keysOf(item)) {
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [item])
      else group.push(item)
    }
  return groups
}

/** `public.~=~=` or `public.=(public.citext,public.citext)`. */
function parseOperator(text: string): UserOperator {
  const match = /^(.*?)\.(.+?)(?:\(([^,()]+),([^,()]+)\))?$/.exec(text)
  const side = (type: string | undefined): string | null => (type === undefined ? null : type.trim())
  return { schema: match?.[1] ?? '', name: match?.[2] ?? text, left: side(match?.[3]), right: side(match?.[4]) }
}

/**
 * Keeps what was found out about a part of a catalog beside the index. INVARIANT: never beside the part alone: catalogs share
 * relations, and what was found holds the references of one index, which another index does not know.
 */
export function keptBy<K extends object, T>(
  store: WeakMap<CatalogIndex, WeakMap<K, T>>,
  index: CatalogIndex,
  key: K,
  make: () => T,
): T {
  const map = store.get(index) ?? new WeakMap<K, T>()
  store.set(index, map)
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

export const relationName = (relation: CatalogRelation): string => `${relation.schema}.${relation.name}`
export const functionName = (one: CatalogFunction): string => `${one.schema}.${one.name}()`

/** The references of a relation's columns, in the order of its columns. */
export function columnRefs(index: CatalogIndex, relation: CatalogRelation): readonly ColumnRef[] {
  const known = index.columns.get(relation.oid)
  if (known !== undefined) return known
  const made = relation.columns.map((column) => ({
    relationOid: relation.oid,
    name: `${relationName(relation)}.${column.name}`,
    number: column.number,
  }))
  index.columns.set(relation.oid, made)
  return made
}

/** The reference of one column; undefined when the relation has none of that name. */
export function columnRef(index: CatalogIndex, relation: CatalogRelation, name: string): ColumnRef | undefined {
  const at = relation.columns.findIndex((column) => column.name === name)
  return columnRefs(index, relation)[at]
}

export const columnNamed = (relation: CatalogRelation, name: string): CatalogColumn | undefined =>
  relation.columns.find((column) => column.name === name)

/** Names of all parents, near and far, by inheritance or partitioning. */
export function ancestors(index: CatalogIndex, relation: CatalogRelation): readonly CatalogRelation[] {
  return closure(relation, (one) => one.parents.flatMap((oid) => index.byOid.get(oid) ?? []))
}

/**
 * What a foreign table reads by the name that it has at its server, if that name is one of this database: the server can be
 * this very one, and what cannot be told apart is protected alike. Null: nothing here has that name.
 */
export function behindServer(index: CatalogIndex, relation: CatalogRelation): CatalogRelation | null {
  const { remote } = relation
  if (remote == null) return null
  const found = (index.named.get(remote.name) ?? []).find((one) => one.schema === remote.schema)
  return found === undefined || found === relation ? null : found
}

/** All children, near and far. */
export function descendants(index: CatalogIndex, relation: CatalogRelation): readonly CatalogRelation[] {
  return closure(relation, (one) => index.children.get(one.oid) ?? [])
}

function closure(
  start: CatalogRelation,
  next: (relation: CatalogRelation) => readonly CatalogRelation[],
): readonly CatalogRelation[] {
  const found = new Set<CatalogRelation>()
  const pending = [start]
  for (let one = pending.pop(); one !== undefined; one = pending.pop())
    for (const near of next(one))
      if (!found.has(near) && near !== start) {
        found.add(near)
        pending.push(near)
      }
  return [...found]
}
