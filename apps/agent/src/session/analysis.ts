// From a text to facts under the catalog and the names of the session, with a cache of facts. Decisions are never cached.
import { type Analysis, analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import type { AnalysisContext, SqlParser, StatementFacts } from '@sallyport/sql/facts'
import { type Learned, learn, recall } from '@sallyport/sql/recall'
import { type Shape, shapeOf } from '@sallyport/sql/shape'

/** What names mean in a session right now; the protocol keeps it. */
export interface SessionNames {
  readonly searchPath: readonly string[]
  /** What the setting names beside what is in effect: schemas that are not there, or not for this role. Absent: nobody asked. */
  readonly pathNames?: readonly string[]
  /** Texts of prepared statements, protocol and SQL alike. */
  prepared(name: string): string | undefined
  readonly preparedNames: Iterable<string>
  /** The portal or cursor of this name, as an identity: limits count its rows across texts. */
  portal?(name: string): object | undefined
  cursors(): ReadonlyMap<string, StatementFacts>
  /** It was made, by SQL, in a text that said for whom: nothing of it runs until that is said again. */
  needsWord?(kind: 'execute' | 'fetch', name: string): boolean
  /** OIDs that the client declared for the parameters of a prepared statement, where its protocol can. */
  declaredTypes?(name: string): readonly number[] | undefined
  /**
   * Which catalog shows what names mean. `shared`: everybody's. `temporary`: the same, and temporary objects that only the
   * session's own connection sees. `own`: only that connection sees it, because objects were changed in a transaction that
   * is open. `none`: nothing can be asked right now.
   */
  readonly catalog: 'shared' | 'temporary' | 'own' | 'none'
  /** Another number: the session has changed objects since, so that a catalog of its own no longer counts. */
  readonly objectsVersion: number
  /** The search_path was changed in a transaction that is still open: its end may change it back. */
  readonly pathTouched: boolean
  /** The session keeps as many prepared statements, cursors or bytes of them as it may. */
  readonly isFull: boolean
}

/** Of a text that stands for itself. */
export const noNames: SessionNames = {
  searchPath: [],
  prepared: () => undefined,
  preparedNames: [],
  cursors: () => new Map(),
  catalog: 'shared',
  objectsVersion: 0,
  pathTouched: false,
  isFull: false,
}

/** Keeps the entries that were used last, up to a number of them: in two halves, of which the older one is dropped when the
 * younger one is full. To find an entry moves nothing, but once in each half. */
class Recent<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  readonly #half: number

  constructor(most: number) {
    this.#half = Math.max(1, Math.floor(most / 2))
  }

  get(key: string): V | undefined {
    const found = this.#young.get(key)
    if (found !== undefined) return found
    const older = this.#old.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}

/** Facts by text, and by shape for texts that differ in literals alone. */
export interface FactsCache {
  readonly texts: Recent<Analysis>
  readonly shapes: Recent<readonly Learned[]>
  /** Short names for all else that keys are made of. */
  readonly places: Recent<string>
  placesNamed: number
}

/** Entries of each half of a cache; a long text is not worth one. */
const cacheEntriesMax = 2_000
const cachedTextCharsMax = 16_384
/** Of one shape, for literals that make a difference. */
const learnedPerShapeMax = 4

export const factsCache = (entriesMax = cacheEntriesMax): FactsCache => ({
  texts: new Recent(entriesMax),
  shapes: new Recent(entriesMax),
  places: new Recent(entriesMax),
  placesNamed: 0,
})

/** Never given to another place, also when it was forgotten. */
function placeName(cache: FactsCache, parts: readonly string[]): string {
  const key = parts.join('\u0000')
  const known = cache.places.get(key)
  if (known !== undefined) return known
  cache.placesNamed += 1
  const name = `${cache.placesNamed}\u0000`
  cache.places.set(key, name)
  return name
}

export interface Analyser {
  analyse(text: string, catalog: Catalog, names: SessionNames): Analysis
}

// By the facts themselves: portals and cursors keep them, and nothing else has to know.
const versions = new WeakMap<StatementFacts, string>()

/** Version of the catalog that these facts were found under; undefined for facts that no analyser made. */
export const versionOf = (facts: StatementFacts): string | undefined =>
  // What was recalled was found where its shape was learned: the key says so.
  versions.get(facts) ?? (facts.shape === undefined ? undefined : versions.get(facts.shape))

function noteVersion(analysis: Analysis, { version }: Catalog): Analysis {
  if (analysis.kind === 'facts')
    for (const facts of analysis.statements) {
      versions.set(facts, version)
      for (const effect of facts.session) if ('body' in effect) versions.set(effect.body, version)
    }
  return analysis
}

/** Words that make a text's meaning depend on the session's prepared statements and cursors. */
const namesEither = /\b(?:execute|fetch|move|current\s+of|close)\b/i
const namesStatements = /\bexecute\b/i
const namesCursors = /\b(fetch|move|current\s+of|close)\b/i

interface Place {
  readonly cache: FactsCache
  readonly parser: SqlParser
  readonly catalog: Catalog
  readonly context: AnalysisContext
  /** Of the keys of everything that is found under this catalog and context. */
  readonly place: string
}

/** By what was learned from texts of this shape. Null: the text is to be analysed and kept by itself. */
function byShape(text: string, shape: Shape, { cache, parser, catalog, context, place }: Place): Analysis | null {
  const key = place + shape.key
  const list = cache.shapes.get(key) ?? []
  const recalled = recall(list, text, shape)
  if (recalled !== undefined) return { kind: 'facts', statements: [recalled] }
  if (list.length >= learnedPerShapeMax) return null
  const { analysis, learned } = learn(text, shape, catalog, context, parser)
  noteVersion(analysis, catalog)
  if (learned !== null) cache.shapes.set(key, [...list, learned])
  else cache.texts.set(place + text, analysis)
  return analysis
}

/** `scope` separates targets and roles that share a cache: versions of catalogs are only unique within one. */
export function createAnalyser(
  parser: SqlParser,
  { preset, trusted = new Set(), isMasked = false }: Pick<AnalysisContext, 'preset' | 'trusted' | 'isMasked'>,
  cache: FactsCache,
  scope: string,
): Analyser {
  const empty: ReadonlyMap<string, StatementFacts> = new Map()
  const always = { preset, trusted, isMasked }
  const fixed = [scope, preset, String(isMasked), [...trusted].sort().join('\u0001')]
  let last: Place | null = null
  /** A session asks from one place again and again. */
  const placeOf = (catalog: Catalog, searchPath: readonly string[]): Place => {
    if (last !== null && last.catalog === catalog && last.context.searchPath === searchPath) return last
    const context = { searchPath, prepared: empty, cursors: empty, ...always }
    const place = placeName(cache, [...fixed, catalog.version, searchPath.join('\u0001')])
    last = { cache, parser, catalog, context, place }
    return last
  }
  const plain = (text: string, catalog: Catalog, searchPath: readonly string[]): Analysis => {
    const where = placeOf(catalog, searchPath)
    const { context, place } = where
    if (text.length > cachedTextCharsMax) return noteVersion(analyse(text, catalog, context, parser), catalog)
    const known = cache.texts.get(place + text)
    if (known !== undefined) return known
    const shape = shapeOf(text)
    const analysis = shape !== null && shape.literals.length > 0 ? byShape(text, shape, where) : null
    if (analysis !== null) return analysis
    const found = noteVersion(analyse(text, catalog, context, parser), catalog)
    cache.texts.set(place + text, found)
    return found
  }
  /** Bodies are analysed anew, since the target plans them anew under the current catalog and search_path. */
  const preparedFacts = (text: string, catalog: Catalog, names: SessionNames): ReadonlyMap<string, StatementFacts> => {
    const bodies = new Map<string, StatementFacts>()
    const folded = text.toLowerCase()
    for (const name of names.preparedNames) {
      const body = folded.includes(name.toLowerCase()) ? names.prepared(name) : undefined
      if (name === '' || body === undefined) continue
      const analysis = plain(body, catalog, names.searchPath)
      const only = analysis.kind === 'facts' && analysis.statements.length === 1 ? analysis.statements[0] : undefined
      if (only !== undefined) bodies.set(name, only)
    }
    return bodies
  }
  return {
    analyse(text, catalog, names) {
      if (!namesEither.test(text)) return plain(text, catalog, names.searchPath)
      const statements = namesStatements.test(text)
      const cursors = namesCursors.test(text)
      const prepared = statements ? preparedFacts(text, catalog, names) : empty
      const { searchPath } = names
      const context = { searchPath, prepared, cursors: cursors ? names.cursors() : empty, ...always }
      return noteVersion(analyse(text, catalog, context, parser), catalog)
    },
  }
}
