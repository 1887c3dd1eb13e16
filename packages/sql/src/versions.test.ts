// Words that our grammar takes for PostgreSQL's own and an older server takes for a name, and types that a session puts
// in front of PostgreSQL's own.
import { loadModule } from 'libpg-query'
import { beforeAll, expect, test } from 'vitest'
import { analyse } from './analyse.ts'
import { testParser } from './test/corpus.ts'
import { buildCatalog } from './testing-catalog.ts'
import { factLines } from './testing-facts.ts'

beforeAll(async () => await loadModule())

const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const

function linesOf(text: string, serverVersion = 150_018) {
  const catalog = buildCatalog({
    serverVersion,
    relations: {
      'public.people': ['id int4', 'secret text'],
      'pg_temp.json': { columns: ['x int4'], temporary: true },
    },
    functions: { 'public.json_object(int4)': { returns: 'text', body: 'SELECT max(secret) FROM people' } },
  })
  const analysis = analyse(text, catalog, context, testParser)
  if (analysis.kind === 'syntax') throw new Error(analysis.message)
  const [facts] = analysis.statements
  if (facts === undefined) throw new Error('no statement')
  return factLines(facts)
}

test('R-1.33 JSON_OBJECT is a function of the target before PostgreSQL 16', () => {
  expect(linesOf('SELECT json_object(1)')).toMatchObject({
    output: ['json_object ~ public.people.secret'],
    effects: ['call public.json_object()', '~ select public.people'],
  })
  expect(linesOf('SELECT json_object(1)', 160_000).output).toEqual(['json_object'])
  expect(linesOf("SELECT json_object('{a,b}')").unknowns ?? []).toEqual([])
})

test('R-1.33 JSON is the name of a type before PostgreSQL 17', () => {
  const columns = (serverVersion: number) =>
    linesOf("SELECT * FROM json_populate_record(NULL::json, '{}')", serverVersion).output
  expect(columns(160_000)).toEqual(['x'])
  expect(columns(170_000)).not.toEqual(['x'])
})

test.each([
  "CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (VALUE <> 'guess')",
  "CREATE TYPE pg_temp.date AS ENUM ('a')",
  'CREATE TYPE pg_temp.span AS RANGE (subtype = int4)',
  'CREATE TYPE pg_temp.text',
])('R-2.9 a type that would be found before PostgreSQL’s own is refused: %s', (text) => {
  expect(linesOf(text).unknowns).toHaveLength(1)
})
