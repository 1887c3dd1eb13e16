// Names that columns had before, kept from one reading of a catalog to the next: a column is the same by its relation's number and
// its own, and a mask that names it holds whoever renames it, its table or its schema past the agent (THREATS ). A partition
// or child that was detached from its parent past the agent keeps the parent's names, too: the parent's masks hid its rows.
// In memory: an agent that is started anew knows the names of that moment.
import { createHash } from 'node:crypto'
import type { Catalog, CatalogColumn, CatalogRelation } from '@sallyport/sql/catalog'

type Name = NonNullable<CatalogColumn['formerly']>[number]

/** Names of one column that are remembered: its first one and the last ones. */
const namesMax = 8

/** `next` with the names that the same columns have in `before`, or had there; itself where there are none. */
export function withFormerNames(before: Catalog | undefined, next: Catalog): Catalog {
  if (before === undefined) return next
  const known = byOid(before)
  const present = byOid(next)
  const named: (readonly Name[])[] = []
  const relations = next.relations.map((relation): CatalogRelation => {
    const earlier = known.get(relation.oid)
    if (earlier === undefined) return relation
    const left = leftParents(earlier, known, relation, present)
    let isNew = false
    const columns = relation.columns.map((column): CatalogColumn => {
      const formerly = formerNames(earlier, relation, column, left)
      if (formerly.length === 0) return column
      isNew = true
      named.push(formerly)
      return { ...column, formerly }
    })
    return isNew ? { ...relation, columns } : relation
  })
  if (named.length === 0) return next
  const version = createHash('sha256')
    .update(JSON.stringify([next.version, named]))
    .digest('hex')
    .slice(0, 32)
  return { ...next, version, relations }
}

type Relations = ReadonlyMap<number, CatalogRelation>

const byOid = ({ relations }: Catalog): Relations => new Map(relations.map((relation) => [relation.oid, relation]))

function ancestorsOf(relation: CatalogRelation, among: Relations): ReadonlySet<number> {
  const found = new Set<number>()
  const pending = [...relation.parents]
  for (let oid = pending.pop(); oid !== undefined; oid = pending.pop()) {
    if (found.has(oid)) continue
    found.add(oid)
    pending.push(...(among.get(oid)?.parents ?? []))
  }
  return found
}

/** What the relation was a part of, near and far, and is no more; as it was. */
function leftParents(
  earlier: CatalogRelation,
  known: Relations,
  relation: CatalogRelation,
  present: Relations,
): readonly CatalogRelation[] {
  if (earlier.parents.length === 0) return []
  const still = ancestorsOf(relation, present)
  return [...ancestorsOf(earlier, known)].filter((oid) => !still.has(oid)).flatMap((oid) => known.get(oid) ?? [])
}

/** Parents and children have the same columns by name. */
const namesAt = (parents: readonly CatalogRelation[], name: string): readonly Name[] =>
  parents.flatMap(({ schema, name: parent, columns }) =>
    columns
      .filter((column) => column.name === name)
      .flatMap(({ formerly = [] }): Name[] => [...formerly, [schema, parent, name]]),
  )

function formerNames(
  earlier: CatalogRelation,
  relation: CatalogRelation,
  column: CatalogColumn,
  left: readonly CatalogRelation[],
): readonly Name[] {
  const same = earlier.columns.find(({ number }) => number === column.number)
  if (same === undefined) return []
  const now = JSON.stringify([relation.schema, relation.name, column.name])
  const all: Name[] = [...(same.formerly ?? []), [earlier.schema, earlier.name, same.name]]
  // Renamed back: what it was called in between says nothing any more. So does a database that was made anew with its numbers.
  const back = all.findIndex((name) => JSON.stringify(name) === now)
  const names = [...(back < 0 ? all : all.slice(0, back)), ...namesAt(left, same.name)]
  // The first name is the one that a policy was most likely written for.
  return names.length <= namesMax ? names : [...names.slice(0, 1), ...names.slice(1 - namesMax)]
}
