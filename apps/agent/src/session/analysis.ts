// From a text to facts under the catalog and the names of the session, with a cache of facts. Decisions are never cached.
import { type Analysis, analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import type { SqlParser, StatementFacts } from '@sallyport/sql/facts'

/** What names mean in a session right now; the protocol keeps it. */
export interface SessionNames {
  readonly searchPath: readonly string[]
  /** Texts of prepared statements, protocol and SQL alike. */
  prepared(name: string): string | undefined
  readonly preparedNames: Iterable<string>
  cursors(): ReadonlyMap<string, StatementFacts>
  /** Objects were changed in a transaction that is still open: the catalog does not show them. */
  readonly catalogTouched: boolean
  /** The search_path was changed in a transaction that is still open: its end may change it back. */
  readonly pathTouched: boolean
  /** The session keeps as many prepared statements, cursors or bytes of them as it may. */
  readonly isFull: boolean
}

export interface FactsCache {
  get(key: string): Analysis | undefined
  set(key: string, analysis: Analysis): void
}

/** Entries of one cache; a long text is not worth one. */
const cacheEntriesMax = 2_000
const cachedTextCharsMax = 16_384

/** Keeps the most recently used. */
export function factsCache(entriesMax = cacheEntriesMax): FactsCache {
  const kept = new Map<string, Analysis>()
  return {
    get(key) {
      const found = kept.get(key)
      if (found === undefined) return undefined
      kept.delete(key)
      kept.set(key, found)
      return found
    },
    set(key, analysis) {
      kept.set(key, analysis)
      if (kept.size <= entriesMax) return
      const oldest = kept.keys().next()
      if (!oldest.done) kept.delete(oldest.value)
    },
  }
}

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

/** `scope` separates targets and roles that share a cache: versions of catalogs are only unique within one. */
export function createAnalyser(
  parser: SqlParser,
  preset: 'none' | 'tooling',
  cache: FactsCache,
  scope: string,
): Analyser {
  const empty: ReadonlyMap<string, StatementFacts> = new Map()
  const plain = (text: string, catalog: Catalog, searchPath: readonly string[]): Analysis => {
    const cacheable = text.length <= cachedTextCharsMax
    const key = cacheable ? [scope, catalog.version, preset, searchPath.join('\u0001'), text].join('\u0000') : ''
    const known = cacheable ? cache.get(key) : undefined
    if (known !== undefined) return known
    const context = { searchPath, prepared: empty, cursors: empty, preset }
    const analysis = noteVersion(analyse(text, catalog, context, parser), catalog)
    if (cacheable) cache.set(key, analysis)
    return analysis
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
      const context = { searchPath: names.searchPath, prepared, cursors: cursors ? names.cursors() : empty, preset }
      return noteVersion(analyse(text, catalog, context, parser), catalog)
    },
  }
}
