// The golden corpus as tests read it: cases of ../testdata, the catalog that they are about, and the parser itself.
// For tests alone.
import { readdirSync, readFileSync } from 'node:fs'
import { fingerprintSync, parsePlPgSQLSync, parseSync } from 'libpg-query'
import type { Analysis } from '../analyse.ts'
import type { AnalysisContext, SqlParser } from '../facts.ts'
import { buildCatalog, type CatalogSpec } from '../testing-catalog.ts'
import type { FactLines, factLines } from '../testing-facts.ts'

export interface CorpusCase {
  readonly file: string
  readonly name: string
  readonly sql: string
  readonly context: AnalysisContext
  readonly expect: FactLines | readonly (FactLines & { readonly text: string })[]
}

interface Written extends Omit<CorpusCase, 'file' | 'context'> {
  /** The session's search_path, where it is not "public". */
  readonly path?: readonly string[]
}

const folder = new URL('../../testdata/', import.meta.url)
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
const context: AnalysisContext = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' }

export const corpusCatalog = buildCatalog(read('catalog.json') as CatalogSpec)

/** Every case, in the order of the files. */
export const corpusCases = (): readonly CorpusCase[] =>
  readdirSync(folder)
    .filter((file) => file !== 'catalog.json')
    .sort()
    .flatMap((file) =>
      (read(file) as Written[]).map((one) => ({
        ...one,
        file: file.replace('.json', ''),
        context: one.path === undefined ? context : { ...context, searchPath: one.path },
      })),
    )

export const testParser: SqlParser = {
  parse: (text) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
  parsePlpgsql: parsePlPgSQLSync,
}

/** An analysis in the shape of the corpus. */
export function shownAs(analysis: Analysis, lines: typeof factLines): unknown {
  if (analysis.kind === 'syntax') return { syntax: analysis.message, position: analysis.position }
  const [only] = analysis.statements
  return only !== undefined && analysis.statements.length === 1
    ? lines(only)
    : analysis.statements.map((facts) => ({ text: facts.text, ...lines(facts) }))
}
