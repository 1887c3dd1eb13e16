// Names that columns had before, kept from one reading of a catalog to the next: a column is the same by its relation's number and
// its own, and a mask that names it holds whoever renames it, its table or its schema past the agent (THREATS ).
// In memory: an agent that is started anew knows the names of that moment.
import { createHash } from 'node:crypto'
import type { Catalog, CatalogColumn, CatalogRelation } from '@sallyport/sql/catalog'

type Name = NonNullable<CatalogColumn['formerly']>[number]

/** Names of one column that are remembered: its first one and the last ones. */
const namesMax = 8

/** `next` with the names that the same columns have in `before`, or had there; itself where there are none. */
export function withFormerNames(before: Catalog | undefined, next: Catalog): Catalog {
  if (before === undefined) return next
  const known = new Map(before.relations.map((relation) => [relation.oid, relation]))
  const named: (readonly Name[])[] = []
  const relations = next.relations.map((relation): CatalogRelation => {
    const earlier = known.get(relation.oid)
    if (earlier === undefined) return relation
    let isNew = false
    const columns = relation.columns.map((column): CatalogColumn => {
      const formerly = formerNames(earlier, relation, column)
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

function formerNames(earlier: CatalogRelation, relation: CatalogRelation, column: CatalogColumn): readonly Name[] {
  const same = earlier.columns.find(({ number }) => number === column.number)
  if (same === undefined) return []
  const now = JSON.stringify([relation.schema, relation.name, column.name])
  const all: Name[] = [...(same.formerly ?? []), [earlier.schema, earlier.name, same.name]]
  // Renamed back: what it was called in between says nothing any more. So does a database that was made anew with its numbers.
  const back = all.findIndex((name) => JSON.stringify(name) === now)
  const names = back < 0 ? all : all.slice(0, back)
  // The first name is the one that a policy was most likely written for.
  return names.length <= namesMax ? names : [...names.slice(0, 1), ...names.slice(1 - namesMax)]
}
