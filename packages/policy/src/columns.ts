// Which columns of a catalog are protected for a chain: patterns and labels resolved, inheritance followed, `unless`
// evaluated for every verified principal. A claimed identity never lifts a mask.
import { type Chain, type Principal, principalKey, verifiedPrincipals } from '@sallyport/base/identity'
import { type Detection, detectionOf } from '@sallyport/mask/detect/detection'
import type { ProtectedColumn } from '@sallyport/mask/plan'
import type { Unless } from '@sallyport/mask/rule'
import { strictestColumn } from '@sallyport/mask/strictest'
import type { Catalog, CatalogRelation } from '@sallyport/sql/catalog'
import { type ColumnLookups, type CompiledLimit, columnKey } from './limits.ts'
import { matchesParts } from './match.ts'
import type { CompiledMask, Rulebook } from './rulebook.ts'

/** Columns of one mask in one catalog. */
type Resolved = readonly (Pick<ProtectedColumn, 'relationOid' | 'number' | 'name'> & { readonly isJson: boolean })[]

/** What is hidden from a chain: columns, and what detectors find in all others. */
export interface Masking {
  readonly columns: readonly ProtectedColumn[]
  readonly detection: Detection | null
  /** By columnKey: what bounds `predicates: equality`. */
  readonly lookups: ReadonlyMap<string, ColumnLookups>
  /** The same for what constraints answer to writes. */
  readonly guesses: ReadonlyMap<string, Omit<ColumnLookups, 'isRelaxed'>>
}

interface Resolution {
  /** One a mask, in the order of the rulebook. */
  readonly masks: readonly Resolved[]
  /** What was made so far, by the masks in force. */
  readonly lists: Map<string, Masking>
  /** The same by chain: a chain lives as long as its session and never changes. */
  readonly chains: WeakMap<Chain, Masking>
}

/** Sets of masks in force whose list is kept. */
const listsMax = 256
const resolutions = new WeakMap<Rulebook, WeakMap<Catalog, Resolution>>()

/** Its columns alone. */
export const columnsOf = (book: Rulebook, chain: Chain, catalog: Catalog): readonly ProtectedColumn[] =>
  maskingOf(book, chain, catalog).columns

export function maskingOf(book: Rulebook, chain: Chain, catalog: Catalog): Masking {
  if (book.masks.length === 0 && book.detectors.length === 0) return nothing
  const resolution = resolutionOf(book, catalog)
  const known = resolution.chains.get(chain)
  if (known !== undefined) return known
  const list = listOf(book, chain, resolution)
  resolution.chains.set(chain, list)
  return list
}

function listOf(book: Rulebook, chain: Chain, { masks, lists }: Resolution): Masking {
  const principals = verifiedPrincipals(chain)
  const inForce = book.masks.map((mask) => !lifted(mask.unless, principals))
  const detectors = book.detectors.map((one) => !lifted(one.unless, principals))
  const key = [...inForce, ...detectors].map((applies) => (applies ? '1' : '0')).join('')
  const known = lists.get(key)
  if (known !== undefined) return known
  const columns = mergeColumns(book, masks, inForce)
  const list = {
    columns,
    lookups: lookupsOf(book, masks, inForce, columns),
    guesses: guessesOf(book, masks, inForce, columns),
    detection: detectionOf(book.detectors.filter((_, index) => detectors[index] === true)),
  }
  if (lists.size >= listsMax) lists.clear()
  lists.set(key, list)
  return list
}

const nothing: Masking = { columns: [], detection: null, lookups: new Map(), guesses: new Map() }

/** Columns that may be looked up at all: where another mask permits nothing there is nothing to count. */
function lookupsOf(
  book: Rulebook,
  masks: readonly Resolved[],
  inForce: readonly boolean[],
  columns: readonly ProtectedColumn[],
): ReadonlyMap<string, ColumnLookups> {
  const found = new Map<string, ColumnLookups>()
  for (const column of columns) {
    const isRelaxed = column.relaxed === true
    if (column.predicates !== 'equality' && !(isRelaxed && column.predicates === 'none')) continue
    const limits = limitsOn(book, masks, inForce, column, ({ lookups }) => lookups)
    found.set(columnKey(column), { column: column.name, limits, isRelaxed })
  }
  return found
}

/** Where every predicate is permitted by all masks of a column, nobody has to guess. */
function guessesOf(
  book: Rulebook,
  masks: readonly Resolved[],
  inForce: readonly boolean[],
  columns: readonly ProtectedColumn[],
): Masking['guesses'] {
  const found = new Map<string, Omit<ColumnLookups, 'isRelaxed'>>()
  for (const column of columns) {
    const limits = limitsOn(book, masks, inForce, column, ({ guesses }) => guesses)
    if (limits.length > 0) found.set(columnKey(column), { column: column.name, limits })
  }
  return found
}

/** Of each mask in force on the column. */
const limitsOn = (
  { masks: all }: Rulebook,
  masks: readonly Resolved[],
  inForce: readonly boolean[],
  column: ProtectedColumn,
  limitOf: (mask: CompiledMask) => CompiledLimit | null,
): readonly CompiledLimit[] =>
  all.flatMap((mask, index) => {
    const isOn = inForce[index] === true && masks[index]?.some((one) => columnKey(one) === columnKey(column))
    return isOn === true ? (limitOf(mask) ?? []) : []
  })

/** Every verified principal must match, and there must be one. */
export const lifted = (unless: Unless | null, principals: readonly Principal[]): boolean =>
  unless !== null && principals.length > 0 && principals.every((principal) => matchesUnless(unless, principal))

function matchesUnless(unless: Unless, principal: Principal): boolean {
  const tests: boolean[] = []
  if (unless.groups !== undefined) tests.push(unless.groups.some((group) => principal.groups.includes(group)))
  if (unless.subjects !== undefined) tests.push(unless.subjects.includes(principalKey(principal)))
  return tests.length > 0 && tests.every((passed) => passed)
}

function mergeColumns(book: Rulebook, masks: readonly Resolved[], inForce: readonly boolean[]): ProtectedColumn[] {
  const merged = new Map<string, ProtectedColumn>()
  book.masks.forEach((mask, index) => {
    if (inForce[index] !== true) return
    for (const { isJson, ...column } of masks[index] ?? []) {
      const key = `${column.relationOid}.${column.number}`
      const other = merged.get(key)
      const { method, predicates, paths } = mask
      const order = mask.orderShown ? ({ orderShown: true } as const) : {}
      const shared = { method, predicates, ...order, rule: `${mask.policy}/${mask.name}` }
      const own: ProtectedColumn = {
        ...column,
        ...shared,
        // Other types have no parts, or none that we can tell apart: all of the column is hidden.
        ...(paths === null || !isJson ? {} : { parts: paths.map((path) => ({ ...shared, path })) }),
        ...(mask.relaxed ? { relaxed: true } : {}),
      }
      merged.set(key, other === undefined ? own : strictestColumn(other, own))
    }
  })
  return [...merged.values()].sort((left, right) => left.relationOid - right.relationOid || left.number - right.number)
}

function resolutionOf(book: Rulebook, catalog: Catalog): Resolution {
  const perBook = resolutions.get(book) ?? new WeakMap<Catalog, Resolution>()
  resolutions.set(book, perBook)
  const known = perBook.get(catalog)
  if (known !== undefined) return known
  const families = familiesOf(catalog)
  const resolution: Resolution = {
    masks: book.masks.map((mask) => resolveMask(mask, catalog, families)),
    lists: new Map(),
    chains: new WeakMap(),
  }
  perBook.set(catalog, resolution)
  return resolution
}

/** Every relation with all its ancestors by inheritance and partitioning, itself first. */
type Families = ReadonlyMap<number, readonly CatalogRelation[]>

function familiesOf(catalog: Catalog): Families {
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]))
  const families = new Map<number, readonly CatalogRelation[]>()
  for (const relation of catalog.relations) {
    const family = new Set<CatalogRelation>([relation])
    // A set grows while it is walked, and never holds a relation twice: a loop in the catalog ends.
    for (const member of family) {
      for (const oid of member.parents) {
        const parent = byOid.get(oid)
        if (parent !== undefined) family.add(parent)
      }
    }
    families.set(relation.oid, [...family])
  }
  return families
}

/** A mask on a parent covers its children, and a mask on a child covers its parents, through which it can be read. */
function resolveMask(mask: CompiledMask, catalog: Catalog, families: Families): Resolved {
  const found = new Map<string, Resolved[number]>()
  const add = (relation: CatalogRelation, columnName: string): void => {
    const column = relation.columns.find(({ name }) => name === columnName)
    if (column === undefined) return
    found.set(`${relation.oid}.${column.number}`, {
      relationOid: relation.oid,
      number: column.number,
      name: `${relation.schema}.${relation.name}.${column.name}`,
      isJson: column.type === 'pg_catalog.jsonb' || column.type === 'pg_catalog.json',
    })
  }
  for (const relation of catalog.relations) {
    const family = families.get(relation.oid) ?? [relation]
    for (const column of relation.columns) {
      if (!family.some((member) => matchesColumn(mask, member, column.name))) continue
      for (const member of family) add(member, column.name)
    }
  }
  return [...found.values()]
}

/** Also by the names that it had while the agent looked: whoever renames a column does not unmask it (THREATS ). */
function matchesColumn(mask: CompiledMask, relation: CatalogRelation, column: string): boolean {
  const { formerly = [] } = relation.columns.find(({ name }) => name === column) ?? {}
  const all = [[relation.schema, relation.name, column], ...formerly]
  return mask.columns.some((parts) => parts === null || all.some((names) => matchesParts(parts, names)))
}
