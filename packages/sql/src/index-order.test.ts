// Rows in the order of an index: which columns that tells of, and where order shows nothing.
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import type { SqlParser } from './facts.ts'
import { byBounds, byIndex, byPartition } from './index-order.ts'
import { buildCatalog } from './testing-catalog.ts'

beforeAll(async () => await loadModule())
const parser: SqlParser = {
  parse(text) {
    const { version, stmts } = parseSync(text)
    return { version: version ?? 0, stmts: stmts ?? [] }
  },
  fingerprint: (text) => fingerprintSync(text),
}

const catalog = buildCatalog({
  types: { 'public.loose': 'domain', 'public.mood': 'enum' },
  codeless: ['public.loose'],
  relations: {
    'public.people': {
      columns: [
        'id int4!',
        'city text!',
        'ssn text',
        'email text',
        'paid numeric',
        'weight float8',
        'phone text',
        'rank int4',
      ],
      keys: [['id'], ['ssn']],
      compared: ['id', 'ssn'],
      indexes: [
        ['city', 'email'],
        ['email', 'rank'],
      ],
    },
    'public.held': {
      columns: ['id int4!', 'ssn text', 'pad text!'],
      keys: [['id']],
      indexes: [['ssn', 'id']],
    },
    'public.orders': { columns: ['id int4!', 'person int4', 'note text'], keys: [['id']] },
    'public.v_part': { columns: ['id int4', 'ssn text'], view: 'SELECT id, ssn FROM public.parts_1' },
    'public.v': { columns: ['id int4', 'ssn text'], view: 'SELECT id, ssn FROM public.people' },
    'public.cut': { columns: ['id int4', 'ssn text'], view: 'SELECT id, ssn FROM public.people LIMIT 3' },
    'public.whole': { columns: ['id int4', 'ssn text'] },
    'public.part': { columns: ['id int4', 'ssn text'], parents: ['public.whole'], indexes: [['ssn']] },
    'public.s': { columns: [], kind: 'sequence' },
    'public.calls': {
      columns: ['id int4!', 'city text', 'ssn text', 'area text'],
      keys: [['id']],
      indexes: [
        ['city', '(ssn)'],
        ['(area)', 'ssn'],
      ],
    },
    'public.base': { columns: ['id int4', 'city text'] },
    'public.kid': {
      columns: ['id int4', 'city text', 'secret text'],
      parents: ['public.base'],
      indexes: [['city', 'secret']],
    },
    'public.years': { columns: ['id int4', 'ssn text', 'year int4'] },
    'public.years_1': {
      columns: ['id int4', 'ssn text', 'year int4'],
      parents: ['public.years'],
      checks: [`(ssn < '5'::text)`],
    },
    'public.made_of': {
      columns: ['id int4!', 'tenant int4', 'email text', 'low text := lower(email)'],
      indexes: [['tenant', 'low']],
    },
    'public.users': { columns: ['id int4!', 'email text'], indexes: [['(email)', '?email']] },
    'public.docs': { columns: ['id int4!', 'prefs jsonb'], indexes: [['(prefs)', '(prefs)']] },
    'public.moods': { columns: ['id int4!', 'ssn text', 'mood public.mood!'], keys: [['id'], ['ssn']] },
    'public.soft': { columns: ['id int4!', 'email text', 'gone date', 'note text'], indexes: [['email', '?gone']] },
    'public.made': { columns: ['id int4!', 'ssn text', 'made public.loose'], keys: [['id'], ['ssn']] },
    'public.parts': {
      columns: ['id int4', 'ssn text'],
      kind: 'partitioned',
      partitionedBy: ['ssn'],
      keys: [['id', 'ssn']],
    },
    'public.parts_1': { columns: ['id int4', 'ssn text'], parents: ['public.parts'], keys: [['id', 'ssn']] },
    'public.codes': {
      columns: ['code varchar!', 'at timestamp!', 'ssn text', 'note text'],
      keys: [['code'], ['at']],
      indexes: [['ssn']],
    },
    'public.pairs': {
      columns: ['tenant int4!', 'id int4!', 'ssn text'],
      keys: [['tenant', 'id']],
      indexes: [['ssn']],
    },
    'public.virtual': {
      columns: ['id int4!', 'ssn text', 'rank int4', 'share int4 :~ 100 / rank'],
      keys: [['id']],
      indexes: [['ssn']],
    },
    'public.referred': {
      columns: ['id int4!', 'ssn text'],
      parents: ['public.years'],
      checks: [`(ssn < '9'::text)`],
      cascades: [{ from: 'public.refers' }],
    },
    'public.refers': { columns: ['id int4!', 'year int4'] },
    'public.spread': {
      columns: ['id int4!', 'ssn text'],
      kind: 'partitioned',
      partitionedBy: ['ssn'],
      cascades: [{ from: 'public.far_refers' }],
    },
    'public.spread_1': {
      columns: ['id int4!', 'ssn text'],
      parents: ['public.spread'],
      cascades: [{ from: 'public.far_refers' }],
    },
    'public.far_refers': { columns: ['id int4!'] },
    'public.lax': {
      columns: ['id int4!', 'ssn text', 'code text!'],
      keys: [['id']],
      indexes: [['ssn']],
      loose: ['code'],
    },
    'public.tv': { columns: ['key int4', 'town text', 'hidden text'], view: 'SELECT id, city, ssn FROM public.calls' },
    'public.tvv': { columns: ['key int4', 'hidden text'], view: 'SELECT key, hidden FROM public.tv' },
    'public.far': { columns: ['id int4', 'ssn text'], kind: 'foreign' },
  },
})
const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const

/** Columns that order the rows, by name. */
function ordered(text: string): readonly string[] {
  const found = analyse(text, catalog, context, parser)
  if (found.kind !== 'facts') throw new Error(found.message)
  expect(found.statements.flatMap(({ unknowns }) => unknowns)).toEqual([])
  return found.statements
    .flatMap(({ control }) => control)
    .filter(({ where }) => [byIndex, byPartition, byBounds].includes(where))
    .map(({ column }) => column.name)
}
const ssn = ['public.people.ssn']

describe('what an index orders by', () => {
  it.each([
    ['SELECT id FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1', ssn],
    ['SELECT array_agg(id) FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT row_number() OVER () FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT id FROM people WHERE NOT (ssn IS NULL)', ssn],
    ['SELECT id FROM people WHERE (ssn IS NULL) = false', ssn],
    ['SELECT id FROM people WHERE (ssn IS NULL) IS NOT TRUE', ssn],
    ['SELECT p.id FROM people p JOIN orders o ON o.person = p.id AND p.ssn IS NOT NULL', ssn],
    ['SELECT (SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1)', ssn],
    ['SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM people p WHERE p.id = person AND ssn IS NOT NULL)', ssn],
    ['SELECT id FROM people WHERE ssn IS NOT NULL ORDER BY city', ['public.people.email', ...ssn]],
    ['SELECT phone AS id FROM people WHERE ssn IS NOT NULL ORDER BY id', ssn],
    ['SELECT count(*) FROM (SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 3) s WHERE id > 4', ssn],
    ['SELECT sum(weight) FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT max(id) FROM ((SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1) UNION ALL SELECT 0) s', ssn],
    ['DELETE FROM orders WHERE id IN ((SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1) UNION ALL SELECT 0)', ssn],
    ['SELECT count(*), max(id) FROM (SELECT id FROM people WHERE ssn IS NOT NULL OFFSET $1) s', ssn],
    ['SELECT count(*) FILTER (WHERE id > 3) FROM (SELECT id FROM people WHERE ssn IS NOT NULL OFFSET $1) s', ssn],
    [
      'SELECT count(*) FROM (SELECT (SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1) AS x OFFSET 0) s WHERE x = 3',
      ssn,
    ],
    ['UPDATE people SET paid = 1 WHERE ssn IS NOT NULL RETURNING id', ssn],
    [`UPDATE people SET paid = nextval('s') WHERE ssn IS NOT NULL`, ssn],
    ['UPDATE people SET paid = DEFAULT WHERE ssn IS NOT NULL', ssn],
    ['UPDATE orders SET person = (SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1)', ssn],
    ['UPDATE orders SET note = (SELECT string_agg(id::text, note) FROM people WHERE ssn IS NOT NULL)', ssn],
    ['UPDATE orders o SET person = p.id FROM people p WHERE p.ssn IS NOT NULL', ssn],
    ['DELETE FROM orders WHERE id IN (SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 1)', ssn],
    ['UPDATE orders SET person = (SELECT max(weight)::int FROM people WHERE ssn IS NOT NULL)', ssn],
    ['SELECT count(*), JSON_ARRAY(SELECT id FROM people WHERE ssn IS NOT NULL) FROM orders', ssn],
    ['SELECT max(paid) FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT min(id * 1.0) FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT max(id) FROM (SELECT paid AS id FROM people WHERE ssn IS NOT NULL) s', ssn],
    ['INSERT INTO orders (id) SELECT id FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT id FROM people WHERE email IS NULL', ['public.people.rank', 'public.people.city', 'public.people.email']],
    ['SELECT id FROM whole WHERE ssn IS NOT NULL', ['public.whole.ssn']],
    ['SELECT id FROM far WHERE ssn IS NOT NULL', ['public.far.ssn']],
    ['SELECT id FROM people WHERE ssn IS NOT NULL ORDER BY 1 / (id - 3), id', ssn],
    ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND phone::int > 3', ssn],
    [
      'SELECT count(*) FROM people WHERE ssn IS NOT NULL AND (rank + 1 > 3 OR phone LIKE phone)',
      ['public.people.email', ...ssn],
    ],
    ['SELECT count(*) FROM (SELECT id - 5 FROM people WHERE ssn IS NOT NULL LIMIT 3) s', ssn],
    ['SELECT count(*) FROM orders WHERE EXISTS (SELECT 1 FROM people WHERE ssn IS NOT NULL AND id + 1 = 2)', ssn],
    ['SELECT count(*) FROM orders WHERE 3 IN (SELECT id - 1 FROM people WHERE ssn IS NOT NULL)', ssn],
    ['SELECT 1 FROM people WHERE ssn IS NOT NULL AND id - 1 > 3 LIMIT 1', ssn],
    ['UPDATE people SET paid = 1 / rank WHERE ssn IS NOT NULL', ssn],
    ['UPDATE people SET id = id + 1 WHERE ssn IS NOT NULL', ssn],
    ['SELECT id, city FROM people WHERE ssn IS NOT NULL FOR UPDATE', ssn],
    ['SELECT p.id FROM people p, orders o WHERE p.id = 3 AND ssn IS NOT NULL', ssn],
    ['DELETE FROM people WHERE city = $1 AND ssn IS NOT NULL RETURNING id', ['public.people.email', ...ssn]],
    ['SELECT max(weight) FROM people WHERE ssn IS NOT NULL', ssn],
    ['SELECT max(made) FROM made WHERE ssn IS NOT NULL', ['public.made.ssn']],
    ['SELECT city, count(*) FROM people WHERE ssn IS NOT NULL GROUP BY city', ['public.people.email', ...ssn]],
    ['SELECT weight, count(*) FROM people WHERE ssn IS NOT NULL GROUP BY weight ORDER BY weight', ssn],
    [
      'SELECT rank, sum(weight) FROM people WHERE ssn IS NOT NULL GROUP BY rank ORDER BY rank',
      ['public.people.email', ...ssn],
    ],
    [
      'SELECT rank, id FROM people WHERE ssn IS NOT NULL GROUP BY rank, id ORDER BY rank',
      ['public.people.email', ...ssn],
    ],
    [
      'SELECT rank AS city, count(*) FROM people WHERE ssn IS NOT NULL GROUP BY rank, people.city ORDER BY rank, city',
      ['public.people.email', ...ssn],
    ],
    ['SELECT id FROM soft WHERE gone IS NULL', ['public.soft.email']],
    [`SELECT id FROM soft WHERE gone > '2024-01-01' LIMIT 1`, ['public.soft.email']],
    ['UPDATE people SET paid = 1 WHERE ssn IS NOT NULL', ssn],
    ['DELETE FROM people WHERE ssn IS NOT NULL', ssn],
    ['DELETE FROM orders USING people p WHERE p.id = person AND p.ssn IS NOT NULL', ssn],
    ['DELETE FROM orders WHERE person IN (SELECT id FROM people WHERE ssn IS NOT NULL)', ssn],
    ['DELETE FROM parts', ['public.parts.ssn']],
    ['SELECT EXISTS (SELECT 1 WHERE p.id = 3) FROM people p WHERE ssn IS NOT NULL', ssn],
    ['DECLARE c CURSOR FOR SELECT 1 FROM people WHERE ssn IS NOT NULL', ssn],
    ['WITH x AS (UPDATE people SET paid = 1 WHERE id = 1) SELECT id FROM people WHERE ssn IS NOT NULL', ssn],
    ['WITH x AS (DELETE FROM people WHERE id = 1) UPDATE people SET paid = 1 WHERE ssn IS NOT NULL RETURNING id', ssn],
    ['SELECT count(*) FROM people p JOIN orders o ON o.person = p.id WHERE p.ssn IS NOT NULL AND o.id + 1 > 3', ssn],
    ['SELECT (SELECT 1 AS id), max(rank) FROM people WHERE ssn IS NOT NULL GROUP BY id ORDER BY id', ssn],
    ['SELECT (SELECT 1 AS id), city FROM people WHERE ssn IS NOT NULL ORDER BY id', ssn],
    ['SELECT sum(DISTINCT paid) FROM people WHERE ssn IS NOT NULL', ssn],
    [
      `SELECT p.id FROM people p, JSON_TABLE('[1]'::jsonb, '$[*]' COLUMNS (id int PATH '$')) g WHERE ssn IS NOT NULL ORDER BY g.id`,
      ssn,
    ],
    ['SELECT (NULL::orders).id, city FROM people WHERE ssn IS NOT NULL ORDER BY id', ssn],
    ['SELECT id FROM users WHERE email IS NOT NULL', ['public.users.email']],
    ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND id + $1 > 3', ssn],
    ['SELECT id FROM people WHERE $1::float8 IS NOT NULL AND id = $1 AND ssn IS NOT NULL', ssn],
    ['SELECT id FROM people WHERE id = $1::float8 AND ssn IS NOT NULL', ssn],
    ['UPDATE people SET weight = $1 WHERE id = $1 AND ssn IS NOT NULL', ssn],
    ['SELECT id FROM people WHERE id = $1 AND rank = $1::numeric AND ssn IS NOT NULL', ['public.people.email', ...ssn]],
    [`SELECT count(*) FROM people WHERE ssn IS NOT NULL AND paid > float8('1')`, ssn],
    ['SELECT p.*, rank FROM people p WHERE ssn IS NOT NULL GROUP BY id ORDER BY 2', ['public.people.email', ...ssn]],
    ['SELECT count(*) FROM v_part v, parts p WHERE v.id = 8 AND p.id = 8', ['public.parts_1.ssn', 'public.v_part.ssn']],
    [
      `SELECT max(g.id) FROM people t, JSON_TABLE('[1]'::jsonb, '$[*]' COLUMNS (id numeric PATH '$')) g WHERE t.ssn IS NOT NULL`,
      ssn,
    ],
    [`SELECT count(*) FROM people WHERE ssn IS NOT NULL AND (id <> 4 OR ('x'::text)::timestamptz IS NULL)`, ssn],
    [`SELECT 1 FROM people WHERE ssn IS NOT NULL AND (id <> 3 OR current_date + 2147483647 IS NULL) LIMIT 1`, ssn],
    [`SELECT 1 FROM people WHERE ssn IS NOT NULL AND (id <> 3 OR current_user LIKE $1) LIMIT 1`, ssn],
    [
      'SELECT 1 FROM people WHERE ssn IS NOT NULL AND (id <> 3 OR city = phone) LIMIT 1',
      ['public.people.email', ...ssn],
    ],
    ['SELECT count(*) FROM parts_1', ['public.parts_1.ssn']],
    ['SELECT count(*) FROM parts, parts_1', ['public.parts_1.ssn']],
    ['SELECT id FROM years_1 ORDER BY id', ['public.years_1.ssn']],
    ['SELECT min(rank) FROM people WHERE ssn IS NOT NULL AND id + 1 > 3', ssn],
    [
      'SELECT rank, count(*) FROM people WHERE ssn IS NOT NULL AND id + 1 > 3 GROUP BY rank ORDER BY rank',
      ['public.people.email', ...ssn],
    ],
    ['SELECT id FROM people WHERE ssn IS NOT NULL AND id + 1 > 3 ORDER BY phone, id', ssn],
    ['SELECT id FROM people WHERE id = 3 AND ssn IS NOT NULL AND id + 1 > 3', ssn],
    ['UPDATE people SET paid = 1 WHERE id = 3 AND ssn IS NOT NULL AND id + 1 > 3', ssn],
    [`SELECT count(*) FROM people WHERE ssn IS NOT NULL AND paid > '1'::float8`, ssn],
    ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND coalesce(paid, weight) > 1', ssn],
    [
      'SELECT phone FROM people AS p(city, id, ssn, email) WHERE email IS NOT NULL ORDER BY id',
      ['public.people.rank', 'public.people.email', 'public.people.city'],
    ],
    // A key is asked for by a constant alone.
    ['SELECT city FROM people WHERE ssn IS NOT NULL AND id = id', ssn],
    ['SELECT city FROM people WHERE ssn IS NOT NULL AND id = rank', ['public.people.email', ...ssn]],
    ['SELECT city FROM people WHERE ssn IS NOT NULL AND id = rank - rank FOR UPDATE', ['public.people.email', ...ssn]],
    ['UPDATE people SET paid = 1 WHERE ssn IS NOT NULL AND id = id RETURNING id', ssn],
    // In which part a row lies, by a key that points at the part.
    ['INSERT INTO refers VALUES (7, 1)', ['public.referred.ssn']],
    ['UPDATE refers SET id = 7', ['public.referred.ssn']],
    // Unlike texts that are equal.
    ['SELECT code FROM lax WHERE ssn IS NOT NULL GROUP BY code ORDER BY code', ['public.lax.ssn']],
    ['SELECT min(code) FROM lax WHERE ssn IS NOT NULL', ['public.lax.ssn']],
    [`SELECT 1 FROM lax WHERE ssn IS NOT NULL AND (id <> 3 OR code LIKE 'a%') LIMIT 1`, ['public.lax.ssn']],
    // A parameter has the type of its first cast.
    ['SELECT 1 FROM people WHERE ssn IS NOT NULL AND ($1::text IS NULL OR id <> 3 OR $1::int IS NULL) LIMIT 1', ssn],
    // A rule may name a view's column.
    [`SELECT key FROM tv WHERE town = 'Oslo' LIMIT 3`, ['public.calls.ssn', 'public.tv.hidden']],
    ['SELECT key FROM tv ORDER BY town', ['public.calls.ssn', 'public.tv.hidden']],
    [
      `SELECT key FROM tvv, calls c WHERE c.city = 'Oslo'`,
      ['public.calls.ssn', 'public.tv.hidden', 'public.tvv.hidden'],
    ],
    ['SELECT count(*) FROM cut WHERE ssn IS NOT NULL', ['public.cut.ssn', ...ssn]],
    ['SELECT count(*) FROM v_part', ['public.parts_1.ssn', 'public.v_part.ssn']],
    // Names that mean something else than they say.
    ['SELECT nullif(id, 1.5) AS rank FROM people WHERE ssn IS NOT NULL ORDER BY rank', ssn],
    ['SELECT max(id) FROM (SELECT nullif(id, 1.5) AS id FROM people WHERE ssn IS NOT NULL) s', ssn],
    ['SELECT max(coalesce) FROM (SELECT coalesce(id, 1.0) FROM people WHERE ssn IS NOT NULL) s', ssn],
    ['SELECT max(id) FROM (SELECT greatest(id, paid) AS id FROM people WHERE ssn IS NOT NULL) s', ssn],
    ['SELECT max(column1) FROM (VALUES (1), (1.0)) AS v, people WHERE ssn IS NOT NULL', ssn],
    ['SELECT sum(paid) FROM (SELECT DISTINCT paid FROM people WHERE ssn IS NOT NULL) s', ssn],
    ['SELECT sum(paid) FROM (SELECT paid FROM people WHERE ssn IS NOT NULL GROUP BY paid) s', ssn],
    ['SELECT sum(p) FROM (SELECT paid AS p FROM people WHERE ssn IS NOT NULL UNION SELECT 1.0) s', ssn],
    ['SELECT p.id FROM people p JOIN orders o ON o.person = p.id WHERE p.ssn IS NOT NULL ORDER BY p.id', ssn],
    [
      'SELECT p.id FROM people p, people q WHERE p.ssn IS NOT NULL ORDER BY q.id, q.city',
      ['public.people.email', ...ssn],
    ],
    [
      'SELECT id FROM people p WHERE ssn IS NOT NULL AND EXISTS (SELECT 1 FROM orders WHERE id = 3) ORDER BY city',
      ['public.people.email', ...ssn],
    ],
    ['SELECT p.city FROM people p, orders o WHERE ssn IS NOT NULL AND o.id = 3', ssn],
    ['SELECT city FROM people p LEFT JOIN orders o ON o.id = 3 AND p.id = 3 WHERE p.ssn IS NOT NULL', ssn],
    ['SELECT city FROM people WHERE ssn IS NOT NULL AND (id = 3 OR rank = 1)', ['public.people.email', ...ssn]],
    ['SELECT city FROM people WHERE ssn IS NOT NULL AND NOT id = 3', ssn],
    [`SELECT note FROM codes WHERE code = 'a'::char(3) AND ssn IS NOT NULL`, ['public.codes.ssn']],
    ['SELECT note FROM codes WHERE at = $1 AND ssn IS NOT NULL', ['public.codes.ssn']],
    [`SELECT note FROM codes WHERE at = '2024-01-01'::timestamptz AND ssn IS NOT NULL`, ['public.codes.ssn']],
    ['SELECT 1 FROM virtual WHERE ssn IS NOT NULL AND (id <> 3 OR share > 2) LIMIT 1', ['public.virtual.ssn']],
    ['SELECT sum(share) FROM virtual WHERE ssn IS NOT NULL ORDER BY 1', ['public.virtual.ssn']],
    ['PREPARE p (float8) AS SELECT city FROM people WHERE id = $1 AND ssn IS NOT NULL; EXECUTE p (1)', ssn],
    [
      `PREPARE p (text) AS SELECT 1 FROM people WHERE ssn IS NOT NULL AND (id <> 3 OR $1::int = id) LIMIT 1; EXECUTE p ('x')`,
      ssn,
    ],
    ['SELECT id FROM made_of WHERE tenant = 7', ['public.made_of.low', 'public.made_of.email']],
    [`SELECT id FROM docs WHERE prefs->>'lang' = 'x'`, ['public.docs.prefs']],
    ['SELECT id FROM parts', ['public.parts.ssn']],
    ['SELECT id FROM parts LIMIT 1', ['public.parts.ssn']],
    ['SELECT id FROM years', ['public.years.ssn']],
    [`SELECT id FROM people WHERE city = 'Oslo'`, ['public.people.email']],
    ['SELECT id FROM people ORDER BY city', ['public.people.email']],
    [`SELECT id FROM calls WHERE city = 'Oslo'`, ['public.calls.ssn']],
    [`SELECT id FROM calls WHERE lower(area) = 'x'`, ['public.calls.ssn', 'public.calls.area']],
    [`SELECT id FROM base WHERE city = 'Oslo'`, ['public.kid.secret']],
  ])('%s', (text, columns) => {
    expect([...ordered(text)].filter((name) => name !== 'public.people.id').sort()).toEqual(
      columns.filter((name) => name !== 'public.people.id').sort(),
    )
  })
})

it.each([
  [
    'NOT',
    `SELECT count(*) FROM people WHERE ssn IS NOT NULL AND ${'NOT ('.repeat(400)}1 / (id - 3) > 7${')'.repeat(400)}`,
  ],
  [
    'queries',
    `SELECT max(city) FROM ${'(SELECT * FROM '.repeat(220)}(SELECT string_agg(city, ',') AS city FROM people WHERE ssn IS NOT NULL) s${') s'.repeat(220)}`,
  ],
])('is seen however deep it stands in %s', (_, text) => {
  expect(ordered(text)).toContain('public.people.ssn')
})

describe('shows nothing', () => {
  it.each([
    'SELECT count(*) FROM people WHERE ssn IS NOT NULL',
    'SELECT count(DISTINCT city), max(id), min(city), bool_or(paid > 3), max(rank) FROM people WHERE ssn IS NOT NULL',
    'SELECT sum(paid), avg(paid) FROM people WHERE ssn IS NOT NULL',
    'SELECT count(*) FROM people p JOIN orders o ON o.person = p.id WHERE p.ssn IS NOT NULL',
    'SELECT count(*) FROM v WHERE ssn IS NOT NULL',
    'SELECT COUNT(*) AS n FROM (SELECT id FROM people WHERE ssn IS NOT NULL OFFSET $1) AS sub',
    'SELECT count(*), count(*) FROM (SELECT id FROM people WHERE ssn IS NOT NULL LIMIT 3) s',
    'SELECT id, city FROM people WHERE ssn IS NOT NULL ORDER BY id',
    'SELECT id, city FROM people WHERE ssn IS NOT NULL ORDER BY city, id DESC LIMIT 3 OFFSET 1',
    `SELECT id FROM people WHERE id = 7 AND ssn IS NOT NULL AND city = 'Oslo'`,
    'SELECT id FROM people WHERE ssn IS NULL',
    'SELECT id FROM people WHERE phone IS NOT NULL',
    'SELECT id, ssn FROM held',
    'SELECT id FROM held LIMIT 1',
    'SELECT array_agg(id) FROM held',
    'SELECT 1 FROM people WHERE ssn IS NOT NULL LIMIT 1',
    `SELECT 1 AS one FROM people WHERE ssn IS NOT NULL AND city = 'Oslo' AND lower(phone) = 'x' LIMIT 1`,
    'SELECT EXISTS (SELECT 1 FROM people WHERE ssn IS NOT NULL)',
    'SELECT 1::int AS one FROM people WHERE ssn IS NOT NULL AND paid > 3',
    'SELECT sum(paid) FROM people WHERE ssn IS NOT NULL AND id + 1 > 3',
    'SELECT city FROM people WHERE ssn IS NOT NULL AND id + 1 > 3 ORDER BY id',
    'DECLARE c CURSOR FOR SELECT id FROM people WHERE ssn IS NOT NULL ORDER BY id',
    'SELECT mood, count(*) FROM moods WHERE ssn IS NOT NULL GROUP BY mood ORDER BY mood',
    'SELECT id FROM ONLY parts',
    'SELECT id FROM people WHERE id = $1::INTEGER AND ssn IS NOT NULL LIMIT $2',
    'UPDATE people SET paid = $2, city = $3 WHERE id = $1 AND ssn IS NOT NULL RETURNING id',
    `SELECT count(*) FROM people WHERE ssn IS NOT NULL AND city = $1::VARCHAR AND id IN ($2, $3) AND phone LIKE 'a%'`,
    'SELECT id FROM users WHERE email = $1',
    'SELECT p.id, lower(p.city) FROM people p WHERE ssn IS NOT NULL ORDER BY p.id',
    'SELECT rank + 1, city FROM people p WHERE ssn IS NOT NULL ORDER BY p.id',
    `SELECT count(*) FROM people WHERE ssn IS NOT NULL AND rank > 2 + 1 AND phone LIKE $1 AND city = ANY($2)`,
    'SELECT id, city FROM people WHERE id = 3 AND ssn IS NOT NULL FOR UPDATE',
    'UPDATE people SET paid = paid + 1 WHERE id = $1 AND ssn IS NOT NULL RETURNING id, paid',
    `DELETE FROM people WHERE id = $1 AND city = 'Oslo' RETURNING *`,
    'SELECT city, count(*), max(rank), sum(paid) FROM people WHERE ssn IS NOT NULL GROUP BY city ORDER BY city',
    'SELECT p.rank AS r, count(*) AS n FROM people p WHERE ssn IS NOT NULL GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 3',
    'SELECT rank, city FROM people WHERE ssn IS NOT NULL GROUP BY rank, city ORDER BY city, rank DESC',
    `SELECT id FROM soft WHERE note = 'x'`,
    'SELECT id FROM whole',
    'SELECT count(*) FROM years',
    'SELECT count(*) FROM soft WHERE gone IS NULL',
    'SELECT count(*) FROM parts',
    'SELECT id FROM parts WHERE id = 3 AND ssn = $1',
    'INSERT INTO parts (id, ssn) VALUES (1, $1) RETURNING id',
    'SELECT id, pad FROM held',
    'SELECT length(pad) FROM held',
    'SELECT id FROM held ORDER BY id',
    'SELECT count(id) FROM held',
    'SELECT id, ssn IS NULL FROM people',
    'SELECT ssn IS NULL, count(*) FROM people GROUP BY 1',
    `SELECT id FROM calls WHERE city = 'Oslo' ORDER BY id`,
    'SELECT max(id), min(p.city) FROM people p WHERE ssn IS NOT NULL',
    'COPY (SELECT id FROM people WHERE ssn IS NOT NULL ORDER BY id) TO STDOUT',
    'SELECT id, city FROM people WHERE ssn IS NOT NULL ORDER BY 1',
    'SELECT id AS key FROM people WHERE ssn IS NOT NULL ORDER BY key',
    'SELECT * FROM people WHERE ssn IS NOT NULL ORDER BY 1',
    'SELECT p.id, o.note FROM people p JOIN orders o ON o.person = p.id WHERE p.ssn IS NOT NULL ORDER BY p.id, o.id',
    'SELECT o.id FROM people p LEFT JOIN orders o ON o.person = p.id WHERE p.ssn IS NOT NULL ORDER BY o.id, p.id LIMIT 2',
    'SELECT o.note FROM people p JOIN orders o ON o.id = p.rank WHERE p.phone IS NOT NULL AND p.ssn IS NOT NULL AND p.id = $1 ORDER BY o.id',
    'SELECT id FROM people p WHERE ssn IS NOT NULL AND EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id) ORDER BY id',
    'SELECT id FROM pairs WHERE ssn IS NOT NULL AND tenant = $1 ORDER BY id',
    'SELECT city FROM people AS p(key) WHERE ssn IS NOT NULL ORDER BY key',
    'SELECT nullif(id, 3) FROM people WHERE ssn IS NOT NULL ORDER BY id',
    'SELECT max(id) FROM (SELECT id FROM people WHERE ssn IS NOT NULL UNION SELECT 0) s',
    'SELECT sum(rank) FROM (SELECT DISTINCT rank FROM people WHERE ssn IS NOT NULL) s',
    'SELECT area, count(*) FROM (SELECT city AS area FROM people WHERE ssn IS NOT NULL) s GROUP BY area ORDER BY area',
    `SELECT note FROM codes WHERE code = 'a' AND ssn IS NOT NULL`,
    `SELECT note FROM codes WHERE at = '2024-01-01' AND ssn IS NOT NULL`,
    'INSERT INTO far_refers VALUES (7)',
    'DELETE FROM refers WHERE id = 7',
    'SELECT id FROM lax WHERE ssn IS NOT NULL ORDER BY id',
    'SELECT id FROM people WHERE ssn IS NOT NULL AND ($1::text IS NULL OR city = $1) ORDER BY id',
    'PREPARE p AS SELECT city FROM people WHERE id = $1 AND ssn IS NOT NULL; EXECUTE p (1)',
  ])('%s', (text) => {
    expect(ordered(text)).toEqual([])
  })
})
