// What must hold for any SQL: nothing is thrown, whitespace and comments change nothing, aliases change no sources, and a
// query around a query keeps kinds and sources. Statements are generated over the corpus catalog, and mutated.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Analysis, analyse } from './analyse.ts'
import type { SqlParser, StatementFacts } from './facts.ts'
import { tokens } from './lexer.ts'
import { buildCatalog, type CatalogSpec } from './testing-catalog.ts'
import { factLines } from './testing-facts.ts'

const runs = { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 3_000 : 200 }
const folder = new URL('../testdata/', import.meta.url)
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
const catalog = buildCatalog(read('catalog.json') as CatalogSpec)
const corpus = readdirSync(folder)
  .filter((file) => file !== 'catalog.json')
  .flatMap((file) => (read(file) as { sql: string }[]).map(({ sql }) => sql))
const parser: SqlParser = {
  parse: (text) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
}

/** Words after which libpg_query wants the next word at once: with a comment between them it refuses the text. */
const looksAhead = /^(with|without|not|nulls|format|uescape|u&.*)$/i

beforeAll(() => loadModule())

const analysed = (sql: string): Analysis =>
  analyse(sql, catalog, { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' }, parser)

function facts(sql: string): StatementFacts {
  const analysis = analysed(sql)
  if (analysis.kind === 'syntax') throw new Error(`${analysis.message}: ${sql}`)
  return analysis.statements[0]!
}

/** The text with more between its tokens, where that changes no token and the parser takes it. */
const spaced = (sql: string, space: () => string): string =>
  tokens(sql)
    .filter(({ kind }) => kind !== 'comment')
    .map(({ kind, start, end }, at, all) => {
      const next = all[at + 1]
      // Between two operator characters a space would make two operators of one.
      const touches = kind === 'other' && next?.kind === 'other' && next.start === end
      const written = sql.slice(start, end)
      if (touches) return written
      return written + (looksAhead.test(written) ? ' ' : space())
    })
    .join('')

const strings = (facts: StatementFacts): string => JSON.stringify({ ...factLines(facts), text: undefined })
const lineage = (facts: StatementFacts) =>
  facts.output?.map(({ kind, sources }) => ({ kind, sources: sources.map(({ name }) => name).sort() }))

const column = fc.constantFrom('p.id', 'p.name', 'p.email', 'p.notes', 'p.city', 'v.fee', 'v.status', 'v.phone')
const expression: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    column,
    fc.constantFrom('1', "'x'", 'NULL', '$1'),
    tie('any').map((inner) => `upper((${inner})::text)`),
    tie('any').map((inner) => `(${inner} IS NULL)`),
    tie('any').map((inner) => `count(${inner}) OVER ()`),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `concat(${a}, ${b})`),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `CASE WHEN ${a} IS NOT NULL THEN ${b} END`),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `coalesce(${a}::text, ${b}::text)`),
    tie('any').map((inner) => `(SELECT ${inner})`),
    fc.constantFrom('(SELECT email FROM patients LIMIT 1)', '(p).email', 'to_jsonb(p)', 'EXISTS (SELECT 1 FROM drugs)'),
  ),
})).any
const clause = fc.constantFrom(
  '',
  ' WHERE p.active',
  " WHERE p.email = 'x' AND v.fee > 3",
  ' WHERE p.notes IS NOT NULL',
  ' WHERE EXISTS (SELECT 1 FROM drugs d WHERE d.id = p.id)',
)
const select = fc
  .tuple(fc.array(expression, { minLength: 1, maxLength: 4 }), clause)
  .map(
    ([list, where]) =>
      `SELECT ${list.map((item, at) => `${item} AS c${at}`).join(', ')} FROM patients p JOIN visits v ON v.patient_id = p.id${where}`,
  )

describe('analyse', () => {
  it('never throws for a text made of other texts', () => {
    const piece = fc
      .constantFrom(...corpus)
      .chain((sql) =>
        fc.tuple(fc.nat(sql.length), fc.nat(sql.length)).map(([a, b]) => sql.slice(Math.min(a, b), Math.max(a, b))),
      )
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), (pieces) => {
        expect(['facts', 'syntax']).toContain(analysed(pieces.join(' ')).kind)
      }),
      runs,
    )
  })

  it('never throws for a statement with tokens dropped, doubled or swapped', () => {
    const change = fc.record({ at: fc.nat(), how: fc.constantFrom('drop', 'double', 'swap') })
    fc.assert(
      fc.property(fc.constantFrom(...corpus), fc.array(change, { minLength: 1, maxLength: 3 }), (sql, changes) => {
        const words = tokens(sql).map(({ start, end }) => sql.slice(start, end))
        for (const { at, how } of changes) {
          const place = at % Math.max(1, words.length)
          if (how === 'drop') words.splice(place, 1)
          else if (how === 'double') words.splice(place, 0, words[place] ?? '')
          else words.push(...words.splice(place, 1))
        }
        expect(['facts', 'syntax']).toContain(analysed(words.join(' ')).kind)
      }),
      runs,
    )
  })

  it('never throws for any characters', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }), (units) => {
        const text = String.fromCharCode(...units)
        expect(['facts', 'syntax']).toContain(analysed(text).kind)
      }),
      runs,
    )
  })

  it('sees the same facts through whitespace and comments', () => {
    const space = fc.constantFrom(' ', '\n\t ', ' /* é /* in */ */ ', ' -- end\n ')
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...corpus), select), fc.infiniteStream(space), (sql, spaces) => {
        const before = analysed(sql)
        fc.pre(before.kind === 'facts' && before.statements.length === 1 && !/PREPARE/i.test(sql))
        const wide = spaced(sql, () => spaces.next().value)
        expect(strings(facts(wide))).toBe(strings(before.statements[0]!))
      }),
      runs,
    )
  })

  // Seed -870372402: the parser takes no comment between UESCAPE and its character; the server does.
  it('sees the same facts through comments around UESCAPE, and refuses one behind it', () => {
    const sql = `SELECT U&"gr!00F6!00DFe" UESCAPE '!' FROM "Übersicht"`
    const comment = ' /* é /* in */ */ '
    expect(strings(facts(spaced(sql, () => comment)))).toBe(strings(facts(sql)))
    expect(analysed(sql.replace('UESCAPE ', `UESCAPE${comment}`)).kind).toBe('syntax')
  })

  it('finds the same sources under other names', () => {
    fc.assert(
      fc.property(select, fc.constantFrom('a', 'patients', '"Ä b"', 'v_all'), (sql, name) => {
        const other = sql
          .replace('patients p JOIN', `patients AS ${name} JOIN`)
          .replace(/\bp\./g, `${name}.`)
          .replace(/\(p\)/g, `(${name})`)
          .replace(/ AS c(\d)/g, ' AS "Column $1"')
        expect(lineage(facts(other))).toEqual(lineage(facts(sql)))
        expect(facts(other).control).toEqual(facts(sql).control)
        expect(facts(other).unknowns).toEqual(facts(sql).unknowns)
      }),
      runs,
    )
  })

  it('keeps kinds and sources through a query around the query', () => {
    fc.assert(
      fc.property(
        select,
        fc.constantFrom<(sql: string) => string>(
          (sql) => `SELECT * FROM (${sql}) s`,
          (sql) => `SELECT s.* FROM (${sql}) AS s`,
          (sql) => `WITH s AS (${sql}) SELECT * FROM s`,
          (sql) => `WITH s AS MATERIALIZED (${sql}) TABLE s`,
          (sql) => `SELECT x.* FROM drugs d CROSS JOIN LATERAL (${sql}) x`,
          (sql) => `SELECT (s).* FROM (${sql}) s`,
          (sql) => `(${sql}) UNION ALL (${sql})`,
        ),
        (sql, around) => {
          expect(lineage(facts(around(sql)))).toEqual(lineage(facts(sql)))
        },
      ),
      runs,
    )
  })

  it('never loses an effect or a control use in a query around the query', () => {
    fc.assert(
      fc.property(select, (sql) => {
        const inner = factLines(facts(sql))
        const outer = factLines(facts(`SELECT EXISTS (${sql}), (SELECT count(*) FROM (${sql}) s)`))
        for (const effect of inner.effects ?? []) expect(outer.effects).toContain(effect)
        const names = (outer.control ?? []).map((use) => use.split(' ')[0])
        for (const use of inner.control ?? []) expect(names).toContain(use.split(' ')[0])
      }),
      runs,
    )
  })
})
