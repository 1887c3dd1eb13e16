// Types and constraints that run code of the target unseen: wherever one is named, or a row with one is written, the
// statement says so (THREATS ), and masks refuse it.
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, test } from 'vitest'
import { analyse } from './analyse.ts'
import type { Catalog } from './catalog.ts'
import type { SqlParser, StatementFacts } from './facts.ts'
import { buildCatalog } from './testing-catalog.ts'

const parser: SqlParser = {
  parse: (text) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
}
beforeAll(() => loadModule())
const catalog = buildCatalog({
  relations: {
    'public.customers': ['id int4!', 'ssn text'],
    'public.checked': { columns: ['v text'], checks: ['(NOT public.known(v))'] },
    'public.plain': { columns: ['v text'], checks: ['(length(v) > 3)', 'lower(v), upper(v)'] },
    'public.indexed': { columns: ['v text'], checks: ['public.known(v)'] },
    'work.pt': { columns: ['a work.loud'], kind: 'composite' },
    'public.holds': ['p work.pt', 'q int4'],
  },
  functions: {
    'public.known(text)': { returns: 'bool', language: 'plpgsql' },
    'work.makes()': { returns: 'work.loud', language: 'sql', body: "SELECT 'x'" },
    'work.takes(work.loud)': { returns: 'text', language: 'sql', body: "SELECT 'x'" },
  },
  types: { 'work.loud': 'domain', 'work.quiet': 'domain', 'work.rg': 'range', 'work.mood': 'enum' },
  codeless: ['work.quiet'],
})

function factsUnder(under: Catalog, text: string): StatementFacts {
  const context = { searchPath: ['public', 'work'], prepared: new Map(), cursors: new Map(), preset: 'none' as const }
  const analysis = analyse(text, under, context, parser)
  if (analysis.kind !== 'facts') throw new Error(analysis.message)
  return analysis.statements[0]!
}
const unseen = (text: string): boolean => {
  const { opaque, unknowns } = factsUnder(catalog, text)
  return opaque.length + unknowns.length > 0
}

describe('a type that runs code of the target is seen', () => {
  test.each([
    `SELECT json_value('"x"', '$' RETURNING work.loud ERROR ON ERROR)`,
    "SELECT * FROM json_to_record('{}') AS t(a work.loud)",
    "SELECT pg_input_is_valid('x', 'work.loud')",
    "SELECT * FROM pg_input_error_info('x', 'work.loud')",
    'PREPARE pd(work.loud) AS SELECT 1',
    'PREPARE pd(work.loud[]) AS SELECT 1',
    "SELECT 'x'::loud",
    "SELECT '{x}'::work.loud[]",
    "SELECT ROW('a')::work.pt",
    `SELECT '("x")'::work.pt`,
    "SELECT jsonb_populate_record(NULL::work.pt, '{}')",
    "SELECT jsonb_populate_record(NULL::holds, '{}')",
    "SELECT '[a,b]'::work.rg",
    'SELECT work.makes()',
    "SELECT work.takes('x')",
    "ALTER TABLE plain ADD COLUMN zz work.loud DEFAULT 'x'",
    'CREATE TABLE more (a work.loud)',
    `SELECT a FROM JSON_TABLE('{}', '$' COLUMNS (a work.loud PATH '$'))`,
    `SELECT a FROM XMLTABLE('/x' PASSING '<x/>' COLUMNS a work.loud PATH 'y')`,
    "INSERT INTO holds VALUES (ROW('x'), 1)",
  ])('%s', (text) => {
    expect(unseen(text)).toBe(true)
  })
  test.each(["SELECT 'x'::quiet", "SELECT 'good'::work.mood", 'SELECT q FROM holds', "SELECT 'x'::text"])(
    '%s runs none',
    (text) => {
      expect(unseen(text)).toBe(false)
    },
  )
})

describe('what a written row sets off is seen', () => {
  test.each([
    "INSERT INTO checked VALUES ('x')",
    "UPDATE checked SET v = 'x' WHERE v = 'y'",
    "INSERT INTO indexed VALUES ('x')",
    'CREATE DOMAIN d AS text CHECK (public.known(VALUE))',
    'CLUSTER customers',
    'ALTER TABLE customers CLUSTER ON i',
  ])('%s', (text) => {
    expect(unseen(text)).toBe(true)
  })
  test.each([
    "INSERT INTO plain VALUES ('x')",
    'SELECT v FROM checked',
    'CREATE DOMAIN d AS text CHECK (length(VALUE) > 1)',
  ])('%s sets off nothing of the target', (text) => {
    expect(unseen(text)).toBe(false)
  })
})

describe('casts by functions', () => {
  const cast = {
    source: 'pg_catalog.int4',
    target: 'work.mood',
    function: 'work.to_mood()',
    context: 'explicit',
  } as const
  test('an explicit one is a call of its function, and seen', () => {
    const facts = factsUnder({ ...catalog, version: 'c1', casts: [cast] }, 'SELECT 5::work.mood')
    expect(facts.opaque).toHaveLength(1)
    expect(facts.effects).toContainEqual(expect.objectContaining({ operation: 'call', object: 'work.to_mood()' }))
  })
  test('an explicit one leaves other statements alone', () => {
    expect(factsUnder({ ...catalog, version: 'c2', casts: [cast] }, 'SELECT id FROM customers').opaque).toEqual([])
  })
  test('one that nobody has to write may apply anywhere', () => {
    const casts = [{ ...cast, context: 'implicit' as const }]
    expect(factsUnder({ ...catalog, version: 'c3', casts }, 'SELECT id FROM customers').opaque).toHaveLength(1)
  })
})
