// Triggers beside the corpus: functions that the owner vouches for, trees that are not what the parser gives, and that what one
// session finds holds for no other search_path.
// THREATS.
import { loadModule, parsePlPgSQLSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import type { AnalysisContext, SqlParser, StatementFacts } from './facts.ts'
import { type PlBody, PlRefusal, readPlpgsql } from './plpgsql-tree.ts'
import { testParser } from './test/corpus.ts'
import { buildCatalog } from './testing-catalog.ts'
import { factLines } from './testing-facts.ts'

beforeAll(() => loadModule())

const columns = ['id int4!', 'name text', 'secret text']
const fires = (name: string) => [{ name, function: `public.${name}`, events: ['update' as const] }]
const catalog = buildCatalog({
  relations: {
    'public.people': { columns, triggers: fires('runs') },
    'public.staff': { columns, triggers: fires('keeps') },
    'public.kept': columns,
    'other.kept': columns,
  },
  functions: {
    'public.runs()': { returns: 'trigger', language: 'plpgsql', body: "BEGIN EXECUTE 'x'; RETURN NEW; END" },
    'public.keeps()': {
      returns: 'trigger',
      language: 'plpgsql',
      body: 'BEGIN INSERT INTO kept SELECT NEW.*; RETURN NEW; END',
    },
    'public.scores(text)': { returns: 'int4', language: 'plpgsql', body: "BEGIN EXECUTE 'x'; RETURN 1; END" },
  },
})

function factsOf(sql: string, more: Partial<AnalysisContext> = {}, parser: SqlParser = testParser): StatementFacts {
  const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' as const, ...more }
  const analysis = analyse(sql, catalog, context, parser)
  const [facts] = analysis.kind === 'facts' ? analysis.statements : []
  if (facts === undefined) throw new Error('no facts')
  return facts
}

describe('functions that are vouched for', () => {
  const trusted = new Set(['public.runs()', 'public.scores()'])
  const update = "UPDATE people SET name = 'x' WHERE id = 1"

  it('run unseen where nobody vouches for them', () => {
    expect(factsOf(update).opaque).toEqual([
      'the trigger "runs" of "public.people", which runs "public.runs()": EXECUTE',
    ])
    expect(factsOf('SELECT scores(name) FROM people').unknowns).toHaveLength(2)
  })

  it('are named in the facts, and still called', () => {
    const facts = factsOf(update, { trusted })
    expect(facts).toMatchObject({ opaque: [], trusted: ['public.runs()'] })
    expect(factLines(facts).effects).toContain('~ call public.runs()')
  })

  it('give what their arguments are', () => {
    const facts = factsOf('SELECT scores(secret) FROM people', { trusted })
    expect(facts).toMatchObject({ unknowns: [], trusted: ['public.scores()'] })
    expect(factLines(facts).output).toEqual(['scores ~ public.people.secret'])
    expect(factsOf('SELECT s FROM people, scores(secret) s', { trusted }).unknowns).toEqual([])
  })
})

describe('names in a body', () => {
  it('mean what the search_path of the session says', () => {
    const update = "UPDATE public.staff SET name = 'x' WHERE id = 1"
    const flowsTo = (searchPath: readonly string[]) => factsOf(update, { searchPath }).flows.map(({ to }) => to)
    expect(flowsTo(['public'])).toContain('public.kept.secret')
    expect(flowsTo(['other'])).toContain('other.kept.secret')
    expect(factsOf(update, { searchPath: [] }).opaque).toHaveLength(1)
  })

  it('are not looked for without a parser of the language', () => {
    const { parsePlpgsql: _, ...plain } = testParser
    const other = buildCatalog({
      relations: { 'public.t': { columns, triggers: fires('runs') } },
      functions: { 'public.runs()': { returns: 'trigger', language: 'plpgsql', body: 'BEGIN RETURN NEW; END' } },
    })
    const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' as const }
    const analysis = analyse("UPDATE t SET name = 'x'", other, context, plain)
    expect(analysis.kind === 'facts' ? analysis.statements[0]?.opaque : []).toHaveLength(1)
  })
})

describe('trees', () => {
  const source = (body: string): string => `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $b$${body}$b$`
  function read(body: string, change?: (text: string) => string): PlBody {
    const text = JSON.stringify(parsePlPgSQLSync(source(body)))
    return readPlpgsql(JSON.parse(change === undefined ? text : change(text)), body)
  }

  it('of the parser are read', () => {
    expect(read('BEGIN NEW.a := f(1); RETURN NEW; END').body).toHaveLength(1)
  })

  it.each([
    ['no functions', (_: string): string => '{"plpgsql_funcs":[]}'],
    ['nothing at all', (_: string): string => '7'],
    ['another statement', (text: string) => text.replace('PLpgSQL_stmt_return', 'PLpgSQL_stmt_later')],
    ['another field of a statement', (text: string) => text.replace('"retvarno":0', '"retvarno":0,"later":1')],
    ['another kind of variable', (text: string) => text.replace('"PLpgSQL_var"', '"PLpgSQL_later"')],
    ['another field of a variable', (text: string) => text.replace('"refname":"tg_name"', '"refname":"tg_name","x":1')],
    ['a name that is left out', (text: string) => text.replace('f(1)', '1')],
    ['an expression that is left out', (text: string) => text.replace(/"expr":\{[^}]*\}\}/, '"expr":7')],
  ] as const)('with %s are refused', (_, change) => {
    expect(() => read('BEGIN NEW.a := f(1); RETURN NEW; END', change)).toThrow(PlRefusal)
  })

  it.each([
    ['a record that begins with a value', 'DECLARE r record := NEW; BEGIN NEW.a := r.b; RETURN NEW; END'],
    ['by DEFAULT', 'DECLARE r t%rowtype; s record DEFAULT OLD; BEGIN NEW.a := s.b; RETURN NEW; END'],
    ['behind a label', '<<l>> DECLARE "r" public.t = NEW; BEGIN NEW.a := r.b; RETURN NEW; END'],
    ['in a block inside', 'BEGIN DECLARE r record := (SELECT NEW); BEGIN NULL; END; RETURN NEW; END'],
  ])('do not show %s', (_, body) => {
    expect(() => read(body)).toThrow(PlRefusal)
  })
})
