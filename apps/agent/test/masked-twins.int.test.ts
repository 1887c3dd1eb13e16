// Two databases that differ in masked values alone: what tells them apart directly tells nobody anything through the agent, whose
// answers are the same bytes for both (THREATS §3). One statement or more each, in one session, on a real PostgreSQL.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTwins, type Twin, type Twins } from './twins.ts'

let sides: Twins

const policy = `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: twins }
spec:
  targets: { names: [left, right] }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
  masks:
    - { name: hidden, columns: [public.customers.ssn, public.customers.notes, public.customers_known.ssn, public.referred.code, public.bookings.during], method: redact }
    - { name: parts, columns: [public.docs.doc], path: $.ssn, method: redact }
    - { name: pseudonym, columns: [public.customers.score, public.people.mail], method: hash }
    - { name: found, detect: [email], method: hash }
`

/** By row: of the second twin values are of other lengths, and belong to other rows. */
const valuesOf = (twin: Twin): string => {
  const isLeft = twin === 'left'
  const rows = Array.from({ length: 12 }, (_, at) => {
    const id = at + 1
    const notes = `repeat('n', ${isLeft ? 20 : 20 + ((id * 97) % 1_500)})`
    const score = isLeft ? `1000.0${id}` : `${id}000.01`
    return `(${id}, 'name ${id}', '${isLeft ? 1 : 2}${900 - id}-${id}', ${notes}, ${score}, ${id})`
  })
  return `
    insert into customers values ${rows.join(', ')};
    insert into customers_known select id, ssn from customers;
    insert into cards values (1, (select ssn from customers_known where id = ${isLeft ? 1 : 2}));
    insert into rows_kept select id, customers, array[customers], array[customers] from customers;
    insert into docs values (1, '{"city": "Oslo", "plan": {"n": 1}, "ssn": ${isLeft ? '{"a": 1}' : '["2-1"]'}}'), (2, '["x"]'), (3, '1'), (4, null);
    insert into referrals values ('K1'), ('K2'), ('K3');
    insert into referred select n, 'K' || ${isLeft ? 'n % 3 + 1' : '(n + 1) % 3 + 1'} from generate_series(1, 9) n;
    insert into bookings values (1, '${isLeft ? '[2024-01-01,2024-01-05)' : '[2024-02-01,2024-02-05)'}')`
}

const schema = `
  create table customers (id int primary key, name text, ssn text, notes text, score float8, n int);
  create unique index on customers (name) where ssn like '1%';
  create domain customer_row as customers;
  create domain customer_list as customers[];
  create table rows_kept (id int primary key, who customer_row, several customer_row[], listed customer_list);
  create table docs (id int primary key, doc jsonb);
  create table referrals (code text primary key);
  create table referred (id int primary key, code text references referrals on update no action on delete cascade);
  create table spread (a text) partition by list (a);
  create table customers_known (id int primary key, ssn text unique);
  create table cards (id int primary key, ssn text references customers_known (ssn));
  create table people (mail text);
  insert into people values ('user4@example.org');
  create function ssn_of(n int) returns text language sql as $$ select ssn from customers where id = n $$;
  create table bookings (id int primary key, during tstzrange, exclude using gist (during with &&));
`

beforeAll(async () => {
  sides = await startTwins(policy, async (admin, twin) => {
    await admin.query(
      schema + valuesOf(twin).replaceAll('array[customers], array', 'array[customers]::customer_row[], array'),
    )
    await admin.query(
      'grant all on all tables in schema public to app; alter table referrals owner to app; alter table spread owner to app; grant create on schema public to app',
    )
  })
}, 120_000)
afterAll(async () => {
  await sides?.stop()
})

const directly = async (twin: Twin, texts: readonly string[]) => await sides.directly(twin, texts)
const through = async (twin: Twin, texts: readonly string[]) => await sides.through(twin, texts)

const explained = (text: string, ...options: readonly string[]): string =>
  `explain (analyze, costs off, timing off, summary off, ${options.join(', ')}) ${text}`

const cases: readonly (readonly [what: string, ...texts: readonly string[]])[] = [
  ['a sample by the places of rows', 'select id from customers tablesample bernoulli (50) repeatable (1)'],
  ['bytes of the log', 'begin', explained("update customers set name = 'z', n = 7 where id = 3", 'wal', 'buffers off')],
  ['pages', explained('select id from customers order by id', 'buffers')],
  ['a domain over rows', 'select who from rows_kept where id = 1'],
  ['a field of a domain over rows', 'select (who).ssn from rows_kept where id = 1'],
  ['a domain over rows as a document', 'select to_jsonb(who) from rows_kept where id = 1'],
  ['an array of domains', 'select (several[1]).ssn from rows_kept where id = 1'],
  ['a domain over an array', 'select (listed[1]).ssn from rows_kept where id = 1'],
  [
    'rows that go with others',
    'begin',
    "delete from referrals where code = 'K1'",
    'select id from referred order by id',
  ],
  [
    'rows that forbid a change',
    'begin',
    'delete from referred where id in (3, 6, 9)',
    "update referrals set code = 'K9' where code = 'K1'",
  ],
  ['times that overlap', 'begin', "insert into bookings values (50, '[2024-01-02,2024-01-03)')"],
  [
    'bounds of a partition',
    'begin',
    'create table zz1 partition of spread for values in (ssn_of(1))',
    "select pg_get_expr(relpartbound, oid) as bound from pg_class where relname = 'zz1'",
  ],
  ['a key that somebody refers to', 'begin', 'delete from customers_known where id = 1'],
  ['below a part that is hidden', 'begin', "update docs set doc = jsonb_set(doc, '{ssn,a}', '2') where id = 1"],
  ['what is taken out below it', 'begin', "update docs set doc = doc #- '{ssn,a,b}' where id = 1"],
  [
    'a part that is copied beside',
    'begin',
    "update docs set doc = doc || jsonb_build_object('copy', doc -> 'ssn') where id = 1",
    'select doc from docs where id = 1',
  ],
  [
    'a part of a part that is copied',
    'begin',
    "update docs set doc = jsonb_set(doc, '{copy}', doc) where id = 1",
    'select doc from docs where id = 1',
  ],
  [
    'a default of a new column',
    'begin',
    'alter table referrals add column z text default ssn_of(1)',
    'select z from referrals',
  ],
  [
    'a name that is taken under a condition',
    'begin',
    "insert into customers (id, name, ssn) values (50, 'name 1', '1')",
  ],
]

describe('what tells masked values apart', () => {
  it.each(cases)('%s', async (_, ...texts) => {
    expect(await directly('left', texts)).not.toEqual(await directly('right', texts))
    expect(await through('left', texts)).toEqual(await through('right', texts))
  })
})

it('what a detector makes of a constant is no pseudonym of a column', async () => {
  const texts = ["select 'user4@example.org' as tried", 'select mail from people']
  const [tried = '', shown = ''] = await through('left', texts)
  expect(shown).toMatch(/"mail":"[0-9a-f]{32}"/)
  expect(tried).toMatch(/"tried":"[0-9a-f]{32}"/)
  expect(shown).not.toContain(/[0-9a-f]{32}/.exec(tried)?.[0] ?? 'nothing')
})

it.each(['-15', '0'])('nor does a connection that starts with fewer digits: %s', async (digits) => {
  const options = `-c extra_float_digits=${digits}`
  await expect(sides.path.connect({ target: 'left' }, { options })).rejects.toMatchObject({ code: '42501' })
})

it('masked values do not come back by what was prepared', async () => {
  const texts = ["prepare u as update customers set notes = '[redacted]' where id = 1", 'execute u']
  const [prepared = ''] = await through('left', texts)
  expect(prepared).toMatch(/masked one/)
})

// A pseudonym is of a whole number: of its first digits it would answer guesses one digit at a time.
it.each([
  'set extra_float_digits = -15',
  'set extra_float_digits = 0',
  'set local extra_float_digits to default; set extra_float_digits to -1',
  "select set_config('extra_float_digits', '-14', false)",
])('numbers are rounded by nobody: %s', async (text) => {
  const [set = '', shown = ''] = await through('left', [text, 'select score from customers'])
  expect(set).toMatch(/^\["42501"/)
  const [exact = ''] = await through('left', ['select score from customers'])
  expect(shown).toEqual(exact)
})

// What is left of a document stays at its path, whatever the document is.
it.each([
  'doc || \'{"n": 1}\'',
  "doc || '[1]'",
  '\'{"ssn": 1}\' || doc',
  "coalesce(doc, '{}') || jsonb_build_object('n', id)",
  "jsonb_set(doc, '{city}', '\"Bergen\"')",
  "jsonb_set(jsonb_set(doc, '{plan,n}', '2'), '{ssn}', '\"3-3\"')",
  "jsonb_set(doc || '{\"a\": {}}', '{a,b}', to_jsonb(id), true)",
  "doc - 'city' - 'ssn'",
  "doc #- '{plan,n}'",
])('documents go back with another part: %s', async (what) => {
  const texts = [
    'begin',
    `update docs set doc = ${what} where id = 1 returning id, doc`,
    'select doc from docs order by id',
  ]
  const left = await through('left', texts)
  expect(await through('right', texts)).toEqual(left)
  if (!what.startsWith("'")) {
    expect(left[1]).toMatch(/^\["UPDATE",1,/)
    expect(left[2]).toMatch(/^\["SELECT",4,/)
  } else expect(left[1]).toMatch(/^\["42501"/)
})

describe('what is beside masked values', () => {
  it.each([
    ['a plan of what is read', explained('select name from customers where id = 3', 'buffers off')],
    ['a plan of what is read, by pages', explained('select code from referrals', 'buffers')],
    ['more digits', 'set extra_float_digits = 3'],
    ['a row to which others could refer', "insert into referrals values ('K7')"],
    ['another column', 'update customers set n = 8 where id = 4 returning n'],
  ])('%s', async (_, text) => {
    const answers = await through('left', ['begin', text])
    expect(answers.filter((answer) => answer.startsWith('["42501"'))).toEqual([])
    expect(await directly('left', ['begin', text])).toEqual(answers)
  })
})
