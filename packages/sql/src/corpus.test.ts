// The golden corpus: statements with everything that they do, in files named after behaviours. Facts are compared as lines.
import { readdirSync, readFileSync } from 'node:fs'
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Analysis, analyse } from './analyse.ts'
import type { AnalysisContext, SqlParser } from './facts.ts'
import { buildCatalog, type CatalogSpec } from './testing-catalog.ts'
import { type FactLines, factLines } from './testing-facts.ts'

interface Case {
  readonly name: string
  readonly sql: string
  readonly expect: FactLines | readonly (FactLines & { readonly text: string })[]
}

const folder = new URL('../testdata/', import.meta.url)
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
const catalog = buildCatalog(read('catalog.json') as CatalogSpec)
const context: AnalysisContext = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' }
const parser: SqlParser = {
  parse: (text) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
}

beforeAll(() => loadModule())

function shown(analysis: Analysis): unknown {
  if (analysis.kind === 'syntax') return { syntax: analysis.message, position: analysis.position }
  const [only] = analysis.statements
  return only !== undefined && analysis.statements.length === 1
    ? factLines(only)
    : analysis.statements.map((facts) => ({ text: facts.text, ...factLines(facts) }))
}

const files = readdirSync(folder).filter((file) => file !== 'catalog.json')

it('has at least 400 statements', () => {
  const cases = files.flatMap((file) => read(file) as Case[])
  const statements = cases.reduce((sum, one) => sum + (Array.isArray(one.expect) ? one.expect.length : 1), 0)
  expect(statements).toBeGreaterThanOrEqual(400)
})

for (const file of files) {
  describe(file.replace('.json', '').replaceAll('-', ' '), () => {
    for (const { name, sql, expect: expected } of read(file) as Case[])
      it(name, () => expect(shown(analyse(sql, catalog, context, parser))).toEqual(expected))
  })
}
