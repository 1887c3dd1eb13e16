// What depends on more than the text: server version and encoding, presets, prepared statements and cursors of the session,
// limits, offsets, and what happens to texts that do not parse.
// THREATS.
import { limits } from '@sallyport/base/limits'
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import type { AnalysisContext, SqlParser, StatementFacts } from './facts.ts'
import { buildCatalog, type CatalogSpec } from './testing-catalog.ts'
import { factLines } from './testing-facts.ts'

const parser: SqlParser = {
  parse: (text) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
}
const spec: CatalogSpec = {
  relations: {
    'public.people': ['id int4!', 'name text', 'secret text'],
    'hr.people': ['id int4!', 'salary int4'],
    'pg_temp_3.notes': { columns: ['id int4', 'text text'], temporary: true },
    'public.notes': ['id int4', 'body text'],
  },
}
const plain: AnalysisContext = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' }

beforeAll(() => loadModule())

function facts(sql: string, more: Partial<AnalysisContext> = {}, catalog: Partial<CatalogSpec> = {}): StatementFacts[] {
  const analysis = analyse(sql, buildCatalog({ ...spec, ...catalog }), { ...plain, ...more }, parser)
  if (analysis.kind === 'syntax') throw new Error(analysis.message)
  return [...analysis.statements]
}
const one = (sql: string, more: Partial<AnalysisContext> = {}, catalog: Partial<CatalogSpec> = {}): StatementFacts =>
  facts(sql, more, catalog)[0]!
const unknowns = (sql: string, more: Partial<AnalysisContext> = {}, catalog: Partial<CatalogSpec> = {}) =>
  facts(sql, more, catalog).flatMap((each) => each.unknowns)

describe('texts', () => {
  it.each(['', '   \n', ';;', '-- only a comment', '/* only */ ;'])('has no statements in %j', (sql) => {
    expect(facts(sql)).toEqual([])
  })

  it('tells where a text stops being SQL, in characters', () => {
    const analysis = analyse("SELECT 'é€😀' FROM FROM", buildCatalog(spec), plain, parser)
    expect(analysis).toEqual({ kind: 'syntax', message: expect.stringContaining('FROM'), position: 19 })
  })

  it('tells no position where the parser has none', () => {
    const broken: SqlParser = {
      parse: () => {
        throw new Error('out of memory')
      },
      fingerprint: fingerprintSync,
    }
    expect(analyse('SELECT 1', buildCatalog(spec), plain, broken)).toEqual({
      kind: 'syntax',
      message: 'out of memory',
      position: null,
    })
  })

  it.each(['SELECT 1\0; DROP TABLE people', "SELECT '\ud83d'", "SELECT '\ude00\ud83d'"])('refuses %j', (sql) => {
    expect(analyse(sql, buildCatalog(spec), plain, parser)).toMatchObject({ kind: 'syntax', position: null })
  })

  it('refuses a tree that is not the parser’s', () => {
    const broken: SqlParser = { parse: () => ({ version: 1, stmts: ['x'] }), fingerprint: fingerprintSync }
    expect(analyse('SELECT 1', buildCatalog(spec), plain, broken).kind).toBe('syntax')
  })

  it('cuts statements by bytes', () => {
    const texts = facts("SELECT 'é€😀'; /* ü */ SELECT 2;\n\nSELECT 3").map((each) => each.text)
    expect(texts).toEqual(["SELECT 'é€😀'", 'SELECT 2', 'SELECT 3'])
  })

  it('gives literals no part in the fingerprint', () => {
    expect(one("SELECT name FROM people WHERE id = 1 AND name = 'a'").fingerprint).toBe(
      one("SELECT name FROM people WHERE id = 2 AND name = 'b'").fingerprint,
    )
    expect(one('SELECT name FROM people').fingerprint).not.toBe(one('SELECT id FROM people').fingerprint)
  })
})

describe('limits (R-1.37)', () => {
  const nested = (depth: number): string => `SELECT ${'NOT '.repeat(depth)}true`

  it('takes nesting at the limit and refuses one past it', () => {
    // RawStmt's SelectStmt, ResTarget and the constant stand around the operators.
    const depth = limits.treeDepthMax - 4
    expect(unknowns(nested(depth))).toEqual([])
    expect(unknowns(nested(depth + 8))).toEqual([`more than ${limits.treeDepthMax} levels of nesting`])
  })

  it('refuses long chains of operators and set operations without running out of stack', () => {
    expect(unknowns(`SELECT ${'1 + '.repeat(3_000)}1`)).toEqual([`more than ${limits.treeDepthMax} levels of nesting`])
    expect(unknowns(`SELECT 1${' UNION ALL SELECT 1'.repeat(1_500)}`)).toEqual([
      `more than ${limits.treeDepthMax} levels of nesting`,
    ])
  })

  it('takes a long list', () => {
    const list = Array.from({ length: 20_000 }, (_, at) => at).join(', ')
    const found = one(`SELECT name FROM people WHERE id IN (${list})`)
    expect(found.unknowns).toEqual([])
    expect(factLines(found).control).toEqual(['public.people.id other WHERE'])
  })

  it('refuses a text over the limit without parsing it', () => {
    const never: SqlParser = {
      parse: () => {
        throw new Error('parsed')
      },
      fingerprint: fingerprintSync,
    }
    const text = ' '.repeat(limits.statementBytesMax + 1)
    expect(analyse(text, buildCatalog(spec), plain, never)).toMatchObject({ kind: 'syntax', position: null })
    expect(analyse(text.slice(1), buildCatalog(spec), plain, never)).toEqual({ kind: 'facts', statements: [] })
  })

  it('refuses views that nest without end', () => {
    const relations = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [
        `public.v${at}`,
        { columns: ['id int4'], view: `SELECT id FROM public.v${at + 1}` },
      ]),
    )
    expect(unknowns('SELECT id FROM v0', {}, { relations: { ...relations, 'public.v40': ['id int4'] } })).toEqual([
      'the view "public.v32", which is nested too deep',
    ])
  })

  it('refuses a view that reads itself', () => {
    const relations = { 'public.v': { columns: ['id int4'], view: 'SELECT id FROM public.v' } }
    expect(unknowns('SELECT id FROM v', {}, { relations })).toEqual(['the view "public.v", which is nested too deep'])
  })
})

describe('server versions (R-1.33, R-1.34)', () => {
  it.each([
    ["SELECT json_value('{}', '$')", 170_000],
    ['SELECT json_scalar(1)', 170_000],
    ["SELECT json_serialize('1')", 170_000],
    ["SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a int)) j", 170_000],
    ["SELECT json_object('a': 1)", 160_000],
    ['SELECT json_array(1)', 160_000],
    ["SELECT '1' IS JSON", 160_000],
    ['SELECT 1_000', 160_000],
    ['SELECT 0x1F', 160_000],
  ])('%s is what it says from %i on', (sql, since) => {
    expect(unknowns(sql, {}, { serverVersion: since })).toEqual([])
    expect(unknowns(sql, {}, { serverVersion: since - 1 })).not.toEqual([])
  })

  const names = (count: number): string => Array.from({ length: count }, (_, at) => `a${at}`).join(', ')

  it.each([
    ['SELECT * FROM pg_constraint'],
    ['SELECT (c).* FROM pg_constraint c'],
    ['SELECT ROW(c.*) = ROW(c.*) FROM pg_constraint c'],
    [`SELECT j.a27 FROM (pg_constraint CROSS JOIN people) AS j(${names(28)})`],
    [`SELECT p.a9 FROM pg_attribute AS p(${names(20)})`],
    ['SELECT 1 FROM pg_class NATURAL JOIN pg_constraint'],
    ['INSERT INTO notes SELECT * FROM pg_range'],
  ])('counts the columns of %s only on the version that they are listed for', (sql) => {
    expect(unknowns(sql, {}, { serverVersion: 150_010 })).not.toEqual([])
    expect(unknowns(sql, {}, { serverVersion: 190_000 })).not.toEqual([])
    if (!sql.startsWith('INSERT')) expect(unknowns(sql)).toEqual([])
  })

  it('counts the columns of pg_get_keywords() from the version on that has all of them', () => {
    const sql = 'SELECT * FROM pg_get_keywords()'
    expect(unknowns(sql, {}, { serverVersion: 130_000 })).not.toEqual([])
    for (const serverVersion of [140_000, 150_010, 180_004]) expect(unknowns(sql, {}, { serverVersion })).toEqual([])
  })

  it.each([
    ['SELECT c.conname, (c).contype, row_to_json(c) FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid'],
    ['SELECT * FROM information_schema.tables'],
    ['SELECT t.a FROM pg_catalog.pg_tables AS t(s, a)'],
    ["SELECT e.k FROM jsonb_each('{}') AS e(k, v)"],
    ['SELECT attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE attnum > 0'],
  ])('reads %s on every version', (sql) => {
    for (const serverVersion of [130_000, 150_010, 180_004]) expect(unknowns(sql, {}, { serverVersion })).toEqual([])
  })

  it('finds the column of the query around it where the server has none of that name yet', () => {
    const sql =
      'SELECT (SELECT conperiod FROM pg_constraint LIMIT 1) AS x FROM (SELECT secret AS conperiod FROM people) c'
    expect(factLines(one(sql, {}, { serverVersion: 170_000 })).output).toEqual(['x = public.people.secret'])
    expect(factLines(one(sql, {}, { serverVersion: 180_000 })).output).toEqual(['x'])
  })

  it('does not know a system relation before it came', () => {
    expect(unknowns('SELECT oid FROM pg_publication_namespace', {}, { serverVersion: 140_000 })).not.toEqual([])
    expect(unknowns('SELECT oid FROM pg_publication_namespace', {}, { serverVersion: 150_000 })).toEqual([])
  })

  it('takes plain numbers on every version', () => {
    expect(unknowns('SELECT 1, 1.5, .5, 1e5, 1.5e-3, 2.', {}, { serverVersion: 130_000 })).toEqual([])
  })
})

describe('names (R-1.32, R-1.35)', () => {
  it('keeps columns apart that look alike with dots in their names', () => {
    const relations = { 'public.a.b': ['id int4', 'c text'], 'public.a': ['id int4', 'b.c text'] }
    const sql = 'SELECT 1 FROM "a.b" x, a y WHERE x.c < $1 AND y."b.c" < $1'
    expect(one(sql, {}, { relations }).control.map(({ column }) => column.relationOid)).toHaveLength(2)
  })

  it('takes characters beyond ASCII only where the server is UTF8', () => {
    expect(unknowns("SELECT 'é'", {}, { serverEncoding: 'UTF8' })).toEqual([])
    expect(unknowns("SELECT 'é'", {}, { serverEncoding: 'SQL_ASCII' })).not.toEqual([])
    expect(unknowns("SELECT 'e'", {}, { serverEncoding: 'SQL_ASCII' })).toEqual([])
  })

  it('takes a quoted name of 63 bytes and refuses one of 64', () => {
    const name = 'a'.repeat(63)
    const relations = { [`public.${name}`]: ['id int4'] }
    expect(unknowns(`SELECT id FROM "${name}"`, {}, { relations })).toEqual([])
    expect(unknowns(`SELECT id FROM "${name}b"`, {}, { relations })).toEqual(['a name of more than 63 bytes'])
    expect(unknowns(`SELECT id FROM ${name}b`, {}, { relations })).toEqual(['a name of more than 63 bytes'])
  })

  it('finds temporary relations before all others, unless the path says otherwise', () => {
    expect(factLines(one('SELECT text FROM notes')).effects).toEqual(['select pg_temp_3.notes'])
    expect(factLines(one('SELECT body FROM public.notes')).effects).toEqual(['select public.notes'])
    expect(factLines(one('SELECT text FROM pg_temp.notes')).effects).toEqual(['select pg_temp_3.notes'])
    expect(factLines(one('SELECT body FROM notes', { searchPath: ['public', 'pg_temp'] })).effects).toEqual([
      'select public.notes',
    ])
  })

  it('follows the order of the search_path', () => {
    expect(factLines(one('SELECT * FROM people', { searchPath: ['hr', 'public'] })).effects).toEqual([
      'select hr.people',
    ])
    expect(factLines(one('SELECT * FROM people', { searchPath: ['public', 'hr'] })).effects).toEqual([
      'select public.people',
    ])
    expect(unknowns('SELECT * FROM people', { searchPath: [] })).toEqual([
      'the relation "people", which the catalog does not have',
    ])
  })

  it('lets a relation stand before a system relation only where pg_catalog is placed behind it', () => {
    const relations = { 'public.pg_class': ['secret text'] }
    expect(factLines(one('SELECT * FROM pg_class', {}, { relations })).effects).toEqual([
      'select pg_catalog.pg_class (baseline)',
    ])
    const searchPath = ['public', 'pg_catalog']
    expect(factLines(one('SELECT * FROM pg_class', { searchPath }, { relations })).effects).toEqual([
      'select public.pg_class',
    ])
  })
})

describe('catalogs that share relations', () => {
  it('keep what they found out apart', () => {
    const relations = {
      'public.t': { columns: ['id int4', 'a text', 'b text', 'c text := upper(b)'], checks: ['(a <> b)'] },
    }
    const first = buildCatalog({ relations })
    // The session's own temporary relations beside the same objects.
    const second = { ...first, version: 'test-2', relations: [...first.relations] }
    for (const catalog of [first, second]) {
      const analysis = analyse("UPDATE t SET a = 'x' WHERE id = 1 RETURNING c", catalog, plain, parser)
      const [facts] = analysis.kind === 'facts' ? analysis.statements : []
      expect(factLines(facts!)).toMatchObject({
        control: ['public.t.b other a constraint on what is written', 'public.t.id equality WHERE'],
        output: ['c ~ public.t.b, public.t.c'],
      })
      const refs = new Set(facts!.control.map(({ column }) => column))
      expect(facts!.output![0]!.sources.some((source) => refs.has(source))).toBe(true)
    }
  })
})

describe('objects of a role', () => {
  it('may be any of them: DROP OWNED and REASSIGN OWNED reach all', () => {
    const functions: CatalogSpec['functions'] = { 'public.f()': { returns: 'int4', body: 'SELECT 1' } }
    const reached = (sql: string) => factLines(one(sql, {}, { functions })).effects
    const all = ['hr.people', 'pg_temp_3.notes', 'public.f()', 'public.notes', 'public.people']
    expect(reached('DROP OWNED BY app CASCADE')).toEqual(['admin role:app', ...all.map((name) => `~ drop ${name}`)])
    expect(reached('REASSIGN OWNED BY app TO other')).toEqual([
      'admin role:app',
      ...all.map((name) => `~ alter ${name}`),
    ])
  })
})

describe('definitions', () => {
  it('takes an unqualified name for the only relation of that name', () => {
    const relations = { 'a.base': ['x text'], 'b.v': { columns: ['x text'], view: 'SELECT x FROM base' } }
    expect(factLines(one('SELECT x FROM b.v', {}, { relations })).output).toEqual(['x = a.base.x, b.v.x'])
  })

  it('refuses an unqualified name that may be several relations', () => {
    const relations = {
      'a.base': ['x text'],
      'c.base': ['x text'],
      'b.v': { columns: ['x text'], view: 'SELECT x FROM base' },
    }
    expect(unknowns('SELECT x FROM b.v', {}, { relations })).toContain('the relation "base" in a definition')
  })

  it('refuses a definition that gives other columns than the catalog', () => {
    const relations = { 'public.v': { columns: ['a int4', 'b int4'], view: 'SELECT 1 AS a' } }
    expect(unknowns('SELECT a FROM v', {}, { relations })).toEqual(['the definition of the view "public.v"'])
  })

  it('does not let a view lend the caller its coverage of system relations', () => {
    const relations = {
      'public.v': { columns: ['q text'], view: 'SELECT query AS q FROM pg_catalog.pg_stat_activity' },
    }
    expect(factLines(one('SELECT q FROM v', {}, { relations })).effects).toEqual(
      ['select public.v', '~ select pg_catalog.pg_stat_activity'].sort(),
    )
  })
})

describe('prepared statements and cursors of the session', () => {
  const body = () => one('DELETE FROM people')
  const shown = () => one('SELECT secret FROM people WHERE id = 1')

  it('judges EXECUTE as the body', () => {
    const found = one('EXECUTE p (1)', { prepared: new Map([['p', body()]]) })
    expect(factLines(found)).toEqual({
      verb: 'execute',
      filtered: false,
      effects: ['delete public.people'],
      session: ['execute p'],
    })
  })

  it('gives the rows of a cursor their lineage', () => {
    const found = one('FETCH ALL FROM c', { cursors: new Map([['c', shown()]]) })
    expect(factLines(found).output).toEqual(['secret = public.people.secret'])
    expect(found.relations).toEqual(shown().relations)
  })

  it('runs the body under EXPLAIN ANALYZE and only plans it under EXPLAIN', () => {
    const prepared = new Map([['p', body()]])
    expect(factLines(one('EXPLAIN ANALYZE EXECUTE p', { prepared })).effects).toEqual(['delete public.people'])
    expect(factLines(one('EXPLAIN EXECUTE p', { prepared })).effects).toEqual(['select public.people'])
  })

  it('R-2.2: does under EXPLAIN what functions do that the planner calls', () => {
    const functions = [{ name: 'public.sly()', volatility: 'stable', pure: false }] as const
    const prepared = new Map([['p', { ...body(), functions }]])
    expect(factLines(one('EXPLAIN EXECUTE p', { prepared })).effects).toEqual(['delete public.people'])
  })

  it('forgets cursors with CLOSE ALL and prepared statements with DEALLOCATE ALL', () => {
    const prepared = new Map([['p', shown()]])
    const cursors = new Map([['c', shown()]])
    expect(unknowns('CLOSE ALL; FETCH c', { cursors })).toEqual(['the cursor "c"'])
    expect(unknowns('DEALLOCATE ALL; EXECUTE p', { prepared })).toEqual(['the prepared statement "p"'])
    expect(unknowns('DISCARD ALL; EXECUTE p', { prepared })).toContain('the prepared statement "p"')
  })

  it('lets an update of a known cursor’s row through as filtered', () => {
    const cursors = new Map([['c', shown()]])
    expect(one('DELETE FROM people WHERE CURRENT OF c', { cursors })).toMatchObject({ filtered: true, unknowns: [] })
  })
})

describe('the tooling preset', () => {
  it.each([
    ['SELECT definition FROM pg_views', 'select pg_catalog.pg_views'],
    ["SELECT pg_get_viewdef('v'::regclass)", 'call pg_catalog.pg_get_viewdef()'],
    ['LOCK TABLE public.people IN ACCESS SHARE MODE', 'lock public.people'],
    ['SET row_security = off', 'set setting:row_security'],
  ])('%s', (sql, effect) => {
    expect(factLines(one(sql)).effects).toEqual([effect])
    expect(factLines(one(sql, { preset: 'tooling' })).effects).toEqual([`${effect} (baseline)`])
  })

  it.each([
    'SELECT rolpassword FROM pg_authid',
    'SELECT * FROM pg_stats',
    'LOCK TABLE people IN SHARE MODE',
    'SET role x',
  ])('%s stays outside the baseline', (sql) => {
    expect(one(sql, { preset: 'tooling' }).effects.map(({ baseline }) => baseline)).toEqual([false])
  })
})

describe('columns that double with every level', () => {
  const levels = Array.from({ length: 30 }, (_, at) => at + 1)

  it('are cut, and an unknown, behind stars', () => {
    const tables = levels.map((at) => `c${at} AS (SELECT a.*, b.* FROM c${at - 1} a, c${at - 1} b)`)
    const sql = `WITH c0 AS (SELECT id FROM people), ${tables.join(', ')} SELECT 1 FROM c30`
    expect(unknowns(sql)).toEqual(['more than 1664 columns'])
  })

  it('are cut, and an unknown, behind joins', () => {
    const tables = levels.map((at) => `c${at} AS (SELECT * FROM c${at - 1} a CROSS JOIN c${at - 1} b)`)
    const sql = `WITH c0 AS (SELECT id FROM people), ${tables.join(', ')} SELECT 1 FROM c30`
    expect(unknowns(sql)).toEqual(['more than 1664 columns'])
  })

  it('are not followed in rows of rows', () => {
    const tables = levels.map((at) => `c${at} AS (SELECT ROW(r, r) AS r FROM c${at - 1})`)
    const sql = `WITH c0 AS (SELECT ROW(id, id) AS r FROM people), ${tables.join(', ')} SELECT r IS NULL FROM c30`
    expect(one(sql).output).toMatchObject([{ kind: 'derived', sources: [{ name: 'public.people.id' }] }])
  })
})

describe('a search_path in a text', () => {
  it.each([
    'SET search_path = hr; SELECT salary FROM people',
    'BEGIN; SET LOCAL search_path = hr; SELECT salary FROM people',
  ])('%s', (sql) => {
    expect(unknowns(sql)).toEqual([])
    expect(factLines(facts(sql).at(-1)!).output).toEqual(['salary = hr.people.salary'])
  })

  it.each([
    'SET search_path = hr; RESET search_path; SELECT id FROM people',
    'BEGIN; SET search_path = hr; COMMIT; SELECT id FROM people',
    'SET ROLE x; SELECT id FROM people',
    'RESET ALL; SELECT id FROM people',
  ])('%s cannot be followed', (sql) => {
    expect(unknowns(sql)).not.toEqual([])
  })
})
