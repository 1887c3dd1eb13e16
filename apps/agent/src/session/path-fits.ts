// Is the search_path still what the session was told? Schemas are made, dropped and opened by others: one that the path names ahead of
// the rest gives every bare name another meaning (DESIGN §4, "Catalog freshness").
import type { Catalog } from '@sallyport/sql/catalog'
import type { SessionNames } from './analysis.ts'

const usable = new WeakMap<Catalog, ReadonlySet<string>>()

/** Of these every database has its own, and nobody makes or drops them. */
const isSystem = (name: string): boolean => name.startsWith('pg_') || name === 'information_schema'

/** What is in effect is what the setting names and this catalog has for the role, no more and no less. */
export function pathFits({ searchPath, pathNames }: SessionNames, catalog: Catalog): boolean {
  if (pathNames === undefined) return true
  const there = usableOf(catalog)
  return (
    searchPath.every((name) => there.has(name) || isSystem(name)) &&
    pathNames.every((name) => searchPath.includes(name) || !there.has(name) || isSystem(name))
  )
}

function usableOf(catalog: Catalog): ReadonlySet<string> {
  const known = usable.get(catalog)
  if (known !== undefined) return known
  const made = new Set(catalog.schemas.filter((schema) => schema.usable !== false).map(({ name }) => name))
  usable.set(catalog, made)
  return made
}
