// An index gives rows in the order of its values where a statement asks for no order: whoever sees which row is first has read who
// stands before whom (THREATS; sql/index-order.ts).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorOf, using } from './asking.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

// Few rows have a value, and the table is large beside them: PostgreSQL walks the index by itself.
const schema = `
  create table people (id int primary key, city text not null, ssn text, paid numeric, pad text not null);
  insert into people select n, 'Oslo', null, n, repeat('x', 1000) from generate_series(1, 4000) n;
  update people set ssn = '900-' || (9 - id) where id <= 5;
  create table orders (id int primary key, person int, note text);
  insert into orders select n from generate_series(1, 5) n;
  create unique index people_ssn on people (ssn);
  create table visits (id int primary key, city text not null, ssn text not null, pad text not null);
  insert into visits select n, 'Oslo ' || n % 500, '900-' || (10000 - n), repeat('x', 1000) from generate_series(1, 4000) n;
  create index visits_city on visits (city, ssn);
  create table calls (id int primary key, city text not null, ssn text not null, pad text not null);
  insert into calls select * from visits;
  create index calls_city on calls (city, lower(ssn));
  create table base (id int, city text);
  create table kid (ssn text, pad text) inherits (base);
  insert into kid select id, city, ssn, pad from visits;
  create index kid_city on kid (city, ssn);
  create table wide (id int not null, ssn text not null, pad text not null);
  insert into wide select n, '900-' || (10000 - n), repeat('x', 1000) from generate_series(1, 4000) n;
  create unique index wide_ssn on wide (ssn) include (id);
  create table thin (id int not null, ssn text not null, pad text not null);
  insert into thin select * from wide;
  create unique index thin_ssn on thin (ssn);
  create index on thin (lower(ssn));
  create table parts (id int not null, ssn text not null) partition by range (ssn);
  create table parts_low partition of parts for values from ('900-1') to ('900-5');
  create table parts_high partition of parts for values from ('900-5') to ('901');
  insert into parts select id, '900-' || (10 - id) from generate_series(1, 9) id;
  create table members (id int primary key, email text not null, gone date, pad text not null);
  insert into members select n, (9999 - n) || '@example.org', case when n % 500 = 0 then date '2024-01-01' end, repeat('x', 1000)
    from generate_series(1, 4000) n;
  create unique index members_email on members (email) where gone is not null;
  create table guests (like members including all);
  insert into guests select * from members;
  create table accounts (id int primary key, tenant int, email text, pad text,
    low text generated always as (lower(email)) stored);
  insert into accounts select n, n % 500, (10000 - n) || '@x.org', repeat('x', 1000) from generate_series(1, 4000) n;
  create index on accounts (tenant, low);
  create materialized view mailed as select id, pad, case when id % 500 = 0 then email end as email from accounts;
  create index on mailed (email);
  create table docs (id int primary key, prefs jsonb, pad text);
  insert into docs select n, jsonb_build_object('lang', 'l' || n % 500, 'id', (10000 - n)::text), repeat('x', 1000) from generate_series(1, 4000) n;
  create index on docs ((prefs->>'lang'), (prefs->>'id'));
  create index on docs ((prefs->>'id')) where prefs->>'lang' = 'l9';
  create table users (id int primary key, email text, team int, pad text);
  insert into users select n, case when n <= 5 then (9 - n) || '@x.org' end, n % 500, repeat('x', 1000) from generate_series(1, 4000) n;
  create unique index on users (lower(email)) where email is not null;
  create function name_of(users) returns text language sql immutable as $$ select $1.email $$;
  create table teams (like users including all);
  insert into teams select n, (10000 - n) || '@x.org', n % 500, repeat('x', 1000) from generate_series(1, 4000) n;
  create function mail_of(teams) returns text language sql immutable as $$ select $1.email $$;
  create index on teams (mail_of(teams.*)) where team = 2;
  analyze;
`
const yaml = (port: number): string => `${targetDocument(port)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
  masks:
    - { columns: [public.people.ssn, public.visits.ssn, public.calls.ssn, public.kid.ssn, public.wide.ssn, public.parts.ssn], method: redact, unless: { groups: [dba] } }
    - { columns: [public.accounts.email, public.users.email, public.teams.email], method: redact, unless: { groups: [dba] } }
    - { columns: [public.docs.prefs], path: $.id, method: redact, unless: { groups: [dba] } }
    - { columns: [public.guests.email], method: email, order: shown }
    - { columns: [public.thin.ssn, public.members.email], method: hash, unless: { groups: [dba] } }
`

let target: RealTarget
let path: DataPath
beforeAll(async () => {
  target = await startRealTarget({ schema })
  // Read by their index alone are pages that VACUUM has seen.
  await target.admin.query('vacuum wide, thin')
  path = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await target?.stop()
})

const seen = [
  'select id from people where ssn is not null',
  'select id from people where ssn is not null limit 1',
  'select array_agg(id) as id from people where ssn is not null',
  'select row_number() over () as at, id from people where ssn is not null',
  'select (select id from people where ssn is not null limit 1) as id',
  "select id from visits where city = 'Oslo 7' limit 1",
  "select id from calls where city = 'Oslo 7' limit 1",
  "select id from base where city = 'Oslo 7' limit 1",
  'select id from members where gone is not null',
  "select id from docs where prefs->>'lang' = 'l9'",
]

/** An index holds all that these ask for. */
const held = [
  'select id from wide',
  'select id from wide limit 3',
  'select o.id from wide w join orders o on o.id = w.id',
  'select array(select id from wide) as id',
]

describe('rows in the order of values that are hidden', () => {
  it.each(held)('come so directly, and in that of their places here: %s', async (text) => {
    const falling = (await target.rows(text)).flatMap(({ id }) => id)
    expect(falling).toEqual([...falling].sort((one, two) => two - one))
    await using(path, async (client) => {
      const rising = (await client.query(text)).rows.flatMap(({ id }) => id)
      expect(rising).toHaveLength(falling.length)
      expect(rising[0]).toBe(1)
    })
  })

  it('are not those of pseudonyms either', async () => {
    const text = 'select ssn from thin'
    expect((await target.rows(text)).map(({ ssn }) => ssn).slice(0, 2)).toEqual(['900-6000', '900-6001'])
    await using(path, async (client) => {
      const [shown, byPlace] = [await client.query(text), await client.query('select ssn from thin order by id')]
      expect(shown.rows).not.toEqual(byPlace.rows.toReversed())
    })
  })

  it.each([
    'set enable_indexonlyscan = on',
    "select set_config('enable_indexonlyscan', 'on', false)",
    'do $$ begin set local enable_indexonlyscan = true; end $$',
  ])('do not come back by a setting: %s', async (text) => {
    await using(path, async (client) => {
      expect(await errorOf(client.query(text))).toMatchObject({ code: '42501' })
      expect((await client.query('select id from wide limit 1')).rows).toEqual([{ id: 1 }])
      await client.query('reset all')
      expect((await client.query('select id from wide limit 1')).rows).toEqual([{ id: 1 }])
      await client.query('discard all')
      expect((await client.query('select id from wide limit 1')).rows).toEqual([{ id: 1 }])
    })
  })

  it.each(seen)('come so directly, and are refused: %s', async (text) => {
    const direct = (await target.rows(text)).flatMap(({ id }) => id)
    // The values fall as the numbers grow.
    expect(direct).toEqual([...direct].sort((one, two) => two - one))
    if (direct.length === 1) expect(direct[0]).toBeGreaterThan(1)
    await using(path, async (client) => {
      expect(await errorOf(client.query(text))).toMatchObject({
        code: '42501',
        message: expect.stringMatching(/index/),
      })
      expect(await errorOf(client.query(`copy (${text}) to stdout`))).toMatchObject({ code: '42501' })
    })
  })

  it.each([
    'update orders set person = (select id from people where ssn is not null limit 1)',
    "update orders set note = (select string_agg(id::text, ',') from people where ssn is not null)",
    'update orders set person = people.id from people where people.ssn is not null',
    'delete from orders where id in (select id from people where ssn is not null limit 1)',
    'select count(*), json_array(select id from people where ssn is not null) from orders',
    'select max(paid) from people where ssn is not null',
    'select count(*) from (select 1 / (id - 5) from people where ssn is not null limit 1) s',
    'select count(*) from orders where exists (select 1 from people where ssn is not null and 1 / (id - 5) < 0)',
    'select count(*) from people where ssn is not null and case id when 5 then 1 / (id - 5) else sqrt(id - 5) end = 1',
    'update people set id = id + 1 where ssn is not null',
    'select id from parts',
    'select count(*) from parts_low',
    'select id from users where email is not null',
    'select id from teams where team = 2',
    'select id from accounts where tenant = 7',
    "select id from docs where prefs->>'lang' = 'l7'",
    'select exists (select 1 where p.id = 3) from people p where ssn is not null',
    'declare c cursor for select 1 from people where ssn is not null',
    "update people set pad = 'y' where ssn is not null",
    'delete from people where ssn is not null',
    "select min(city) from visits where city >= 'Oslo 2' and 2147483640 + id > 3",
    "select city, count(*) from visits where city in ('Oslo 1', 'Oslo 2') and 2147483640 + id > 3 group by city order by city limit 1",
    "select count(*) from people where ssn is not null and paid > '1'::float8 and pad not like city",
    'select count(*) from people where ssn is not null and coalesce(paid, 1::float8) > 2',
  ])('are refused where one of them is taken, or all become one value: %s', async (text) => {
    await using(path, async (client) => {
      expect(await errorOf(client.query(text))).toMatchObject({
        code: '42501',
        message: expect.stringMatching(/index|partition/),
      })
    })
  })

  it('are refused in what a write gives back', async () => {
    await using(path, async (client) => {
      const text = 'update people set paid = 1 where ssn is not null returning id'
      expect(await errorOf(client.query(text))).toMatchObject({ code: '42501' })
    })
  })

  it.each([
    ['select count(*)::int as n from people where ssn is not null', [{ n: 5 }]],
    ['select sum(paid)::int as n from people where ssn is not null', [{ n: 15 }]],
    [
      'select id, ssn from people where ssn is not null order by id limit 2',
      [1, 2].map((id) => ({ id, ssn: '[redacted]' })),
    ],
    ['select id from people where id = 3 and ssn is not null', [{ id: 3 }]],
    ['select id from people where ssn is null and id < 7', [{ id: 6 }]],
    ['select count(id)::int as n from wide', [{ n: 4000 }]],
    ['select count(*)::int as n from parts', [{ n: 9 }]],
    ["select id from users where pad = 'none'", []],
    ["select id from thin where pad = 'none'", []],
    ['select id from users where team = 499 limit 1', [{ id: 499 }]],
    ['select id from accounts where tenant = 7 order by id limit 1', [{ id: 7 }]],
    ['select 1 as one from people where ssn is not null limit 1', [{ one: 1 }]],
    ['select exists (select 1 from people where ssn is not null) as some', [{ some: true }]],
    [
      "select city, count(*)::int as n from visits where city like 'Oslo 49%' group by city order by city limit 2",
      [
        { city: 'Oslo 49', n: 8 },
        { city: 'Oslo 490', n: 8 },
      ],
    ],
    ['select id from people where id = 3 and ssn is not null for update', [{ id: 3 }]],
    ["update people set pad = 'y' where id = 3 and ssn is not null returning id", [{ id: 3 }]],
    ["select id from visits where city = 'Oslo 7' order by id limit 2", [{ id: 7 }, { id: 507 }]],
  ])('are shown where their order tells nothing: %s', async (text, rows) => {
    await using(path, async (client) => expect((await client.query(text)).rows).toEqual(rows))
  })

  it('show nothing by a parameter of a type that no comparison with a column is safe for', async () => {
    const text = 'select id from people where id = $1 and ssn is not null'
    const [regclass, int8] = [2205, 20]
    const client = await rawClient(path)
    const ask = async (type: number) => {
      client.send(
        { type: 'parse', name: '', text, parameterTypes: [type] },
        {
          type: 'bind',
          portal: '',
          statement: '',
          parameterFormats: [],
          parameters: [Buffer.from('3')],
          resultFormats: [],
        },
        { type: 'execute', portal: '', rowsMax: 0 },
        { type: 'sync' },
      )
      await client.next('readyForQuery')
      return client.taken()
    }
    expect(await ask(int8)).toContain('row 3')
    expect(await ask(regclass)).not.toContain('row 3')
    client.destroy()
  })

  it('are not those that CURRENT OF a portal names one by one', async () => {
    const client = await rawClient(path)
    client.send(
      { type: 'query', text: 'begin' },
      { type: 'parse', name: '', text: 'select 1 from people where ssn is not null', parameterTypes: [] },
      { type: 'bind', portal: 'p1', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
      { type: 'execute', portal: 'p1', rowsMax: 1 },
      { type: 'sync' },
    )
    await client.next('readyForQuery')
    await client.next('readyForQuery')
    expect(client.taken()).toContain('row 1')
    client.send({ type: 'query', text: "update people set city = 'found' where current of p1" })
    await client.next('readyForQuery')
    expect(client.taken().join()).toContain('42501')
    client.destroy()
  })

  it('are shown where the mask says so', async () => {
    await using(path, async (client) => {
      const { rows } = await client.query('select id, email from guests where gone is not null limit 2')
      expect(rows).toEqual([4000, 3500].map((id) => ({ id, email: '***@example.org' })))
      expect(await errorOf(client.query('select id from guests order by email'))).toMatchObject({ code: '42501' })
    })
  })

  it('are nobody’s secret where nothing is hidden', async () => {
    await using(
      path,
      async (client) => expect((await client.query(seen[0] ?? '')).rows.map(({ id }) => id)).toEqual([5, 4, 3, 2, 1]),
      { groups: ['engineering', 'dba'] },
    )
  })
})
