// Table: extensions of PostgreSQL whose functions in C compute something of their arguments and do nothing else: no relation is
// read, no text run, no setting changed. Whoever may put a function in C into a database may do everything there, so what these
// extensions brought is taken for what it is; everything else in a schema of the target stays code that nobody sees,
// but for aggregates that are put together from PostgreSQL's own functions.
import { builtin, runsText } from './builtins.ts'
import type { Catalog, CatalogFunction } from './catalog.ts'
import type { CatalogIndex } from './catalog-index.ts'

/** With the functions that do more. */
const computing: Readonly<Record<string, readonly string[]>> = {
  btree_gin: [],
  btree_gist: [],
  citext: [],
  cube: [],
  earthdistance: [],
  fuzzystrmatch: [],
  hstore: [],
  intarray: [],
  isn: ['isn_weak'],
  ltree: [],
  pg_trgm: ['set_limit', 'show_limit'],
  pgcrypto: [],
  seg: [],
  unaccent: [],
  'uuid-ossp': [],
  vector: [],
}

const isComputing = (extension: string): boolean => Object.hasOwn(computing, extension)

const ofExtension = ({ extension, language, kind, name }: CatalogFunction): boolean =>
  typeof extension === 'string' &&
  isComputing(extension) &&
  language === 'c' &&
  kind === 'function' &&
  computing[extension]?.includes(name) === false

/** An aggregate of the target that calls nothing but functions of PostgreSQL that compute. */
const ofBuiltins = ({ kind, parts }: CatalogFunction): boolean =>
  kind === 'aggregate' &&
  parts != null &&
  parts.length > 0 &&
  parts.every((part) => {
    const one = builtin(part.replace(/\(\)$/, ''))
    return one?.class === 'pure' && one.kind === 'function' && !runsText.test(one.name)
  })

/** Its result is made of its arguments, and that is all that it does. */
export const onlyComputes = (one: CatalogFunction): boolean => ofExtension(one) || ofBuiltins(one)

/** `operator public.%(…)` or `type public.hstore` of one of these extensions. */
export const isMember = ({ catalog }: CatalogIndex, what: string): boolean => membersOf(catalog).has(what)

const kept = new WeakMap<Catalog, ReadonlySet<string>>()

function membersOf(catalog: Catalog): ReadonlySet<string> {
  const known = kept.get(catalog)
  if (known !== undefined) return known
  const found = (catalog.members ?? []).flatMap((member) => {
    const at = member.indexOf(' ')
    return isComputing(member.slice(0, at)) ? [member.slice(at + 1)] : []
  })
  const made = new Set(found)
  kept.set(catalog, made)
  return made
}
