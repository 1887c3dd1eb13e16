// From a text to facts under the catalog and the names of the session, with a cache of facts. Decisions are never cached.
import { type Analysis, analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import type { AnalysisContext, SqlParser, StatementFacts } from '@sallyport/sql/facts'
import { type Learned, learn, recall } from '@sallyport/sql/recall'
import { type Shape, shapeOf } from '@sallyport/sql/shape'

/** What names mean in a session right now; the protocol keeps it. */
export interface SessionNames {
  readonly searchPath: readonly string[]
  /** Texts of prepared statements, protocol and SQL alike. */
  prepared(name: string): string | undefined
  readonly preparedNames: Iterable<string>
  /** The portal or cursor of this name, as an identity: limits count its rows across texts. */
  portal?(name: string): object | undefined
  cursors(): ReadonlyMap<string, StatementFacts>
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

/** Keeps the most recently used entries, up to a number of them. */
class Recent<V> {
  readonly #kept = new Map<string, V>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    const found = this.#kept.get(key)
    if (found === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, found)
    return found
  }

  set(key: string, value: V): void {
    this.#kept.delete(key)
    this.#kept.set(key, value)
    if (this.#kept.size <= this.#most) return
    const oldest = this.#kept.keys().next()
    if (!oldest.done) this.#kept.delete(oldest.value)
  }
}

/** Facts by text, and by shape for texts that differ in literals alone. */
export interface FactsCache {
  readonly texts: Recent<Analysis>
  readonly shapes: Recent<readonly Learned[]>
}

/** Entries of each half of a cache; a long text is not worth one. */
const cacheEntriesMax = 2_000
const cachedTextCharsMax = 16_384
/** Of one shape, for literals that make a difference. */
const learnedPerShapeMax = 4

export const factsCache = (entriesMax = cacheEntriesMax): FactsCache => ({
  texts: new Recent(entriesMax),
  shapes: new Recent(entriesMax),
})

export interface Analyser {
  analyse(text: string, catalog: Catalog, names: SessionNames): Analysis
}

// By the facts themselves: portals and cursors keep them, and nothing else has to know.
const versions = new WeakMap<StatementFacts, string>()

/** Version of the catalog that these facts were found under; undefined for facts that no analyser made. */
export const versionOf = (facts: StatementFacts): string | undefined => versions.get(facts)

function noteVersion(analysis: Analysis, { version }: Catalog): Analysis {
  if (analysis.kind === 'facts')
    for (const facts of analysis.statements) {
      versions.set(facts, version)
      for (const effect of facts.session) if ('body' in effect) versions.set(effect.body, version)
    }
  return analysis
}

/** Words that make a text's meaning depend on the session's prepared statements and cursors. */
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
  if (learned !== null) cache.shapes.set(key, [...list, learned])
  else cache.texts.set(place + text, noteVersion(analysis, catalog))
  return analysis
}

/** `scope` separates targets and roles that share a cache: versions of catalogs are only unique within one. */
export function createAnalyser(
  parser: SqlParser,
  { preset, trusted = new Set() }: Pick<AnalysisContext, 'preset' | 'trusted'>,
  cache: FactsCache,
  scope: string,
): Analyser {
  const empty: ReadonlyMap<string, StatementFacts> = new Map()
  const trustedKey = [...trusted].sort().join('\u0001')
  const plain = (text: string, catalog: Catalog, searchPath: readonly string[]): Analysis => {
    const context = { searchPath, prepared: empty, cursors: empty, preset, trusted }
    if (text.length > cachedTextCharsMax) return noteVersion(analyse(text, catalog, context, parser), catalog)
    const place = [scope, catalog.version, preset, trustedKey, searchPath.join('\u0001'), ''].join('\u0000')
    const known = cache.texts.get(place + text)
    if (known !== undefined) return known
    const shape = shapeOf(text)
    const isShaped = shape !== null && shape.literals.length > 0
    const analysis = isShaped ? byShape(text, shape, { cache, parser, catalog, context, place }) : null
    if (analysis !== null) return noteVersion(analysis, catalog)
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
      const statements = namesStatements.test(text)
      const cursors = namesCursors.test(text)
      if (!statements && !cursors) return plain(text, catalog, names.searchPath)
      const prepared = statements ? preparedFacts(text, catalog, names) : empty
      const context = {
        searchPath: names.searchPath,
        prepared,
        cursors: cursors ? names.cursors() : empty,
        preset,
        trusted,
      }
      return noteVersion(analyse(text, catalog, context, parser), catalog)
    },
  }
}
