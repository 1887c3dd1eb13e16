// Two databases that differ in masked values alone, and what a write tells of a row although it writes none of what is tested (THREATS
// indexes of some rows, constraints that are not valid, columns that nobody stores; and what becomes of unlike types. Directly it
// differs, through the agent the answers are the same bytes. On a real PostgreSQL.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hiding, startTwins, type Twin, type Twins } from './twins.ts'

let sides: Twins

const policy = hiding(
  'users.mail flagged.mail kept.mail scored.score slots.seat shown.ssn stored.ssn doubtful.ssn mixed.num mixed.born refs.code keyed.ssn hot.ssn',
  ['{ name: system, effect: allow, callers: { any: true }, objects: ["pg_catalog.*"] }'],
)

const schemaOf = (twin: Twin): string => {
  const one = (left: string, right: string): string => (twin === 'left' ? left : right)
  return `
  create table users (id int primary key, mail text, deleted_at timestamptz);
  create unique index on users (mail) where deleted_at is null;
  insert into users values (1, 'a', now()), (2, '${one('a', 'b')}', null);
  create table flagged (id int primary key, mail text, active bool);
  create unique index on flagged (lower(mail)) where active;
  insert into flagged values (1, 'a', false), (2, '${one('A', 'b')}', true);
  create table parents (id int primary key);
  insert into parents values (1), (2);
  create table kept (id int primary key, mail text, parent int references parents on delete set null);
  create unique index on kept (mail) where parent is null;
  insert into kept values (1, 'a', 1), (2, '${one('a', 'b')}', null);
  create table scored (id int primary key, score float8, active bool);
  create index on scored ((10 / score)) where active;
  insert into scored values (1, ${one('0', '1')}, false);
  create table slots (id int primary key, seat int4range, open bool, exclude using gist (seat with =) where (open));
  insert into slots values (1, '[5,6)', false), (2, '${one('[5,6)', '[6,7)')}', true);
  create table shown (id int primary key, name text, ssn text, z text generated always as (nullif(ssn, name)) virtual not null);
  insert into shown values (1, 'x', '${one('guess', 'other')}');
  create table stored (id int primary key, n int, ssn text, z text generated always as (nullif(ssn, '111')) stored);
  insert into stored values (1, 1, '${one('111', '222')}');
  alter table stored add constraint there not null z not valid;
  create table doubtful (id int primary key, n int, ssn text);
  insert into doubtful values (1, 1, '${one('111', '222')}');
  alter table doubtful add constraint short check (ssn like '1%') not valid;
  create view doubtful_seen as select id, n from doubtful;
  create table mixed (id int primary key, num numeric, fl float8, born date, seen timestamptz, n int8);
  insert into mixed values (1, ${one('1', '1e400')}, 1, '${one('2000-01-01', '300000-01-01')}', now(), 7);
  create table keys (code text primary key);
  insert into keys values ('K1'), ('K2');
  create table refs (id int primary key, code text references keys);
  insert into refs values (1, '${one('K1', 'K2')}');
  create table keyed (id int, ssn text, z text generated always as (nullif(ssn, '111')) stored);
  insert into keyed values (1, '${one('111', '222')}');
  create unique index keyed_z on keyed (z);
  create table hot (id int primary key, n int, ssn text);
  create index on hot (ssn);
  insert into hot values (1, 1, '${one('guess', 'other')}');
  `
}

beforeAll(async () => {
  sides = await startTwins(policy, async (admin, twin) => {
    await admin.query(schemaOf(twin))
    await admin.query(
      'analyze; grant all on all tables in schema public to app; grant create on schema public to app; alter table keyed owner to app; alter table users owner to app',
    )
  })
}, 120_000)
afterAll(async () => {
  await sides?.stop()
})

const cases: readonly (readonly [what: string, ...texts: readonly string[]])[] = [
  ['a row that comes into an index of some rows', 'update users set deleted_at = null where id = 1'],
  [
    'the same by a parameter',
    'prepare u(timestamptz) as update users set deleted_at = $1 where id = 1',
    'execute u(null)',
  ],
  [
    'the same by a conflict',
    "insert into users values (1, 'n', null) on conflict (id) do update set deleted_at = null",
  ],
  [
    'the same by MERGE',
    'merge into users u using (values (1)) v (id) on u.id = v.id when matched then update set deleted_at = null',
  ],
  ['the same of all rows', 'alter table users alter column deleted_at type date using null'],
  ['the same of an expression', 'update flagged set active = true where id = 1'],
  ['the same by a foreign key', 'delete from parents where id = 1'],
  ['an expression that is computed of some rows', 'update scored set active = true where id = 1'],
  ['a row that an exclusion takes in', 'update slots set open = true where id = 1'],
  ['a virtual column that has to be there', "update shown set name = 'guess' where id = 1"],
  ['the same of a copy', "insert into shown select 9, 'guess', ssn from shown where id = 1"],
  ['a check that is not valid', 'update doubtful set n = 5 where id = 1'],
  ['the same through a view', 'update doubtful_seen set n = 5 where id = 1'],
  ['a computed column that need not have been there', 'update stored set n = 5 where id = 1'],
  ['the same as a key', 'alter table keyed add primary key using index keyed_z'],
  ['numbers that no float can be', 'select num from mixed union all select fl from mixed'],
  ['the same by COALESCE', 'select coalesce(num, fl) from mixed'],
  ['days that no point in time can be', 'select born from mixed union all select seen from mixed'],
  [
    'checks of foreign keys that are counted',
    "explain (analyze, costs off, timing off, summary off, buffers off) update refs set code = 'K1' where id = 1",
  ],
  [
    'updates that leave an index as it is',
    "update hot set ssn = 'guess' where id = 1",
    "select pg_stat_get_xact_tuples_hot_updated('hot'::regclass)",
  ],
]

describe('what a row is tested by', () => {
  it.each(cases)('%s', async (_, ...texts) => {
    const all = ['begin', ...texts]
    expect(await sides.directly('left', all)).not.toEqual(await sides.directly('right', all))
    expect(await sides.through('left', all)).toEqual(await sides.through('right', all))
  })
})

describe('what a row is not tested by', () => {
  it.each([
    "update users set deleted_at = '2024-01-01' where id = 2",
    'update users set deleted_at = now() where id = 2',
    'update users set deleted_at = current_timestamp where id = 2',
    "update users set deleted_at = null, mail = 'c' where id = 1",
    'update users set id = 9 where id = 1',
    'update flagged set active = false where id = 2',
    'update scored set id = 9 where id = 1',
    'update shown set id = 9 where id = 1',
    "update doubtful set n = 5, ssn = '123' where id = 1",
    "insert into doubtful values (9, 1, '123')",
    "update hot set ssn = 'new' where id = 1",
    'explain (analyze, costs off, timing off, summary off, buffers off) update hot set n = 5 where id = 1',
  ])('%s', async (text) => {
    const answers = await sides.through('left', ['begin', text])
    expect(answers.filter((answer) => answer.startsWith('["42501"'))).toEqual([])
    expect((await sides.directly('left', ['begin', text])).map(tagOf)).toEqual(answers.map(tagOf))
  })

  it('columns of like types stand beside each other', async () => {
    const [answer = ''] = await sides.through('left', ['select n from mixed union all select id from mixed'])
    expect(answer).toMatch(/^\["SELECT",2/)
  })
})

/** Without rows: what is masked in them stands in the place of what is there. */
const tagOf = (answer: string): string => answer.replace(/\[\{.*$/s, '')
