// Facts by shape are the facts of the text itself: over the corpus and over generated statements, with other literals of the
// same classes, and over texts that fool a reader of literals.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import type { SqlParser } from './facts.ts'
import { type Learned, learn, recall } from './recall.ts'
import { shapeOf } from './shape.ts'
import { buildCatalog, type CatalogSpec } from './testing-catalog.ts'

const isFull = process.env['SALLYPORT_TEST'] === 'full'
const folder = new URL('../testdata/', import.meta.url)
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
const catalog = buildCatalog(read('catalog.json') as CatalogSpec)
const corpus = readdirSync(folder)
  .filter((file) => file !== 'catalog.json' && file.endsWith('.json'))
  .flatMap((file) => (read(file) as { sql?: string }[]).map(({ sql }) => sql ?? ''))
const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const
const parser: SqlParser = {
  parse: (text) => {
    const { version = 0, stmts = [] } = parseSync(text)
    return { version, stmts }
  },
  fingerprint: fingerprintSync,
}
beforeAll(() => loadModule())

/** What a literal of each class may become; words and settings among them that mean something to the analysis. */
const others = {
  string: [
    '',
    'x',
    'search_path',
    'public.patients',
    'patients',
    'email',
    '1',
    'pg_catalog',
    'epoch',
    "it''s",
    '$.a',
    'ALL',
  ],
  int: ['0', '1', '2', '3', '7', '99', '2147483647'],
  big: ['3000000000', '9223372036854775807'],
  decimal: ['0.5', '2.0', '100.25'],
}

function otherSpelling(spelling: string, pick: number): string {
  const among = spelling.startsWith("'")
    ? others.string.map((text) => `'${text}'`)
    : spelling.includes('.')
      ? others.decimal
      : BigInt(spelling) > 2147483647n
        ? others.big
        : others.int
  return among[pick % among.length] ?? spelling
}

function withOthers(text: string, picks: readonly number[]): string {
  const shape = shapeOf(text)
  let made = ''
  let from = 0
  shape?.literals.forEach(({ start, end }, index) => {
    const pick = picks[index % picks.length] ?? 0
    const spelling = text.slice(start, end)
    made += text.slice(from, start) + (pick % 3 === 0 ? spelling : otherSpelling(spelling, pick))
    from = end
  })
  return made + text.slice(from)
}

/**
 * Learns from one text and recalls the other; whatever is recalled has to be what an analysis of its own finds. `recalled`
 * only where the texts differ.
 */
function compare(one: string, other: string): 'recalled' | 'own' {
  const [shape, next] = [shapeOf(one), shapeOf(other)]
  if (shape === null || next === null || shape.key !== next.key) return 'own'
  const { analysis, learned } = learn(one, shape, catalog, context, parser)
  expect(analysis).toEqual(analyse(one, catalog, context, parser))
  const list: Learned[] = learned === null ? [] : [learned]
  const recalled = recall(list, other, next)
  if (recalled === undefined) return 'own'
  const { shape: first, ...facts } = recalled
  expect(first).toBe(learned?.facts)
  expect({ kind: 'facts', statements: [facts] }).toEqual(analyse(other, catalog, context, parser))
  return one === other ? 'own' : 'recalled'
}

it.each([
  [
    'a column by its number',
    'SELECT name, email FROM patients ORDER BY 1',
    'SELECT name, email FROM patients ORDER BY 2',
  ],
  ['a setting', "SELECT set_config('x.y', 'a', false)", "SELECT set_config('search_path', 'a', false)"],
])('%s is looked at, so another one is a case of its own', (_what, one, other) => {
  const [shape, next] = [shapeOf(one)!, shapeOf(other)!]
  expect(next.key).toBe(shape.key)
  const { learned } = learn(one, shape, catalog, context, parser)
  expect(recall(learned === null ? [] : [learned], other, next)).toBeUndefined()
})

it('what nobody looked at makes no difference', () => {
  const one = "SELECT name FROM patients WHERE id = 1 AND city = 'a' AND id > -5"
  const other = "SELECT name FROM patients WHERE id = 2 AND city = 'drop table' AND id > -600"
  const { learned } = learn(one, shapeOf(one)!, catalog, context, parser)
  expect(learned?.pinned).toEqual([])
  expect(recall([learned!], other, shapeOf(other)!)).toMatchObject({ text: other, shape: learned!.facts })
})

describe('what is recalled is what would be found', () => {
  it('for the corpus with other literals', () => {
    const counts = { recalled: 0, own: 0 }
    for (const sql of corpus) {
      if (shapeOf(sql) === null) continue
      for (let pick = 1; pick <= (isFull ? 12 : 2); pick++)
        counts[compare(sql, withOthers(sql, [pick, pick + 5, pick * 7]))] += 1
    }
    expect(counts.recalled).toBeGreaterThan(isFull ? 600 : 100)
  }, 120_000)

  it('for generated statements with other literals', () => {
    const value = fc.constantFrom(
      '1',
      '2',
      '-3',
      '3000000000',
      '0.5',
      "'x'",
      "'email'",
      "'public.patients'",
      'NULL',
      '$1',
    )
    const place = fc.constantFrom(
      (v: string, w: string) => `SELECT name FROM patients WHERE id = ${v} AND city = ${w}`,
      (v: string, w: string) => `SELECT name, email FROM patients ORDER BY ${v}, ${w}`,
      (v: string, w: string) => `SELECT name, count(*) FROM patients GROUP BY ${v} HAVING count(*) > ${w}`,
      (v: string, w: string) => `SELECT set_config('search_path', ${v}, ${w} = '1')`,
      (v: string, w: string) => `SELECT current_setting(${v}), ${w}`,
      (v: string, w: string) => `SELECT ${v}::regclass, ${w}::text FROM patients`,
      (v: string, w: string) => `SELECT nextval(${v}), ${w}`,
      (v: string, w: string) => `SELECT upper(${v}), coalesce(email, ${w}) FROM patients`,
      (v: string, w: string) => `SELECT name FROM patients LIMIT ${v} OFFSET ${w}`,
      (v: string, w: string) => `INSERT INTO patients (id, name) VALUES (${v}, ${w}) RETURNING email`,
      (v: string, w: string) => `UPDATE patients SET name = ${v} WHERE id = ${w}`,
      (v: string, w: string) => `UPDATE patients SET id = id + ${v} WHERE id - ${w} > 0`,
      (v: string, w: string) => `DELETE FROM patients WHERE id IN (${v}, ${w})`,
      (v: string, w: string) => `SELECT to_jsonb(p) ->> ${v}, (p).name FROM patients p WHERE ${w} = name`,
      (v: string, w: string) => `SELECT CASE WHEN ${v} = ${w} THEN email ELSE name END FROM patients`,
      (v: string, w: string) => `SELECT name FROM patients WHERE email = ${v} OR ssn LIKE ${w}`,
      (v: string, w: string) => `SELECT extract(${v} FROM now()), date_trunc(${w}, now())`,
      (v: string, w: string) => `SELECT interval ${v}, ${w} || email FROM patients`,
      (v: string, w: string) => `SELECT * FROM generate_series(${v}, ${w}) AS g(n)`,
      (v: string, w: string) => `SELECT json_build_object(${v}, email, ${w}, name) FROM patients`,
      (v: string, w: string) => `SELECT pg_sleep(${v}), pg_read_file(${w})`,
      (v: string, w: string) => `SELECT pg_notify(${v}, ${w})`,
      (v: string, w: string) => `SELECT 'a' IS DISTINCT FROM ${v}, query_to_xml(${w}, true, true, '')`,
    )
    const text = fc.tuple(place, value, value).map(([make, v, w]) => make(v, w))
    let recalled = 0
    fc.assert(
      fc.property(text, fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }), (sql, picks) => {
        if (compare(sql, withOthers(sql, picks)) === 'recalled') recalled += 1
      }),
      { numRuns: isFull ? 20_000 : 800 },
    )
    expect(recalled).toBeGreaterThan(isFull ? 4_000 : 150)
  }, 120_000)

  it('for any pair of texts whose shapes are equal, whatever they hold', () => {
    const piece = fc.constantFrom(
      'SELECT ',
      'name',
      ' FROM patients',
      ' WHERE ',
      'id',
      ' = ',
      '1',
      '23',
      "'a'",
      "''",
      "'",
      '"',
      '--',
      '/*',
      '*/',
      '\n',
      ' ',
      ';',
      '$1',
      '$$',
      '\\',
      '-',
      '.',
      ',',
      '(',
      ')',
      'E',
      'U&',
      ' OR ',
      '::int',
      ' AS ',
      'é',
      '0x1',
      '1e3',
      '_',
      ' UNION ',
    )
    const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, fc.nat(40), (sql, pick) => {
        compare(`SELECT ${sql}`, withOthers(`SELECT ${sql}`, [pick]))
      }),
      { numRuns: isFull ? 50_000 : 3_000 },
    )
  })

  it('for literals only: another name or operator is another shape, or the same text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...corpus),
        fc.nat(),
        fc.constantFrom('1', "'", 'x', ' ', '"', '-', '$', '.', '(', '\\'),
        (sql, at, put) => {
          const place = at % (sql.length + 1)
          compare(sql, sql.slice(0, place) + put + sql.slice(place))
          compare(sql, sql.slice(0, place) + put + sql.slice(place + 1))
        },
      ),
      { numRuns: isFull ? 20_000 : 1_500 },
    )
  })
})
