// Two databases that differ in masked values alone, and what a write tells of the values that it leaves beside what it writes (THREATS
// in keys of several columns, in generated ones, in arrays. Directly it differs, through the agent the answers are the same
// bytes. On a real PostgreSQL.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hiding, startTwins, type Twin, type Twins } from './twins.ts'

let sides: Twins

const policy = hiding(
  'pairs.ssn lowered.ssn spans.ssn refs.code made.ssn shown.ssn keyed.ssn sized.parts checked.parts sums.ssn local.ssn goes.code',
)

const schemaOf = (twin: Twin): string => {
  const one = (left: string, right: string): string => (twin === 'left' ? left : right)
  const guess = one('guess', 'other')
  return `
  create table pairs (tenant int, id int primary key, note text, ssn text, unique (tenant, ssn));
  insert into pairs values (1, 1, 'n', 'A'), (2, 2, 'n', '${one('A', 'B')}');
  create view pairs_seen as select id, tenant from pairs;
  create table lowered (tenant int, id int primary key, ssn text);
  create unique index on lowered (tenant, lower(ssn));
  insert into lowered values (1, 1, 'A'), (2, 2, '${one('a', 'b')}');
  create table spans (tenant int, id int primary key, ssn text, exclude using btree (tenant with =, ssn with =));
  insert into spans values (1, 1, 'A'), (2, 2, '${one('A', 'B')}');
  create table keys (tenant int, code text, primary key (tenant, code));
  insert into keys values (1, 'A'), (1, 'B'), (2, 'A');
  create table refs (id int primary key, tenant int, code text, foreign key (tenant, code) references keys);
  insert into refs values (1, 1, '${one('A', 'B')}');
  create table made (id int primary key, name text, ssn text, z text generated always as (upper(ssn)) stored, check (z <> name));
  insert into made values (1, 'x', '${guess}');
  create table shown (id int primary key, name text, ssn text, z text generated always as (upper(ssn)) virtual, check (z <> name));
  insert into shown values (1, 'x', '${guess}');
  create table keyed (id int primary key, name text, ssn text, z text generated always as (upper(ssn)) stored, unique (name, z));
  insert into keyed values (1, 'a', '${one('k', 'm')}'), (2, 'b', '${one('k', 'n')}');
  create table sized (id int primary key, n int, parts text[]);
  insert into sized values (1, 1, '${one('{a,b}', '{{a},{b}}')}');
  create domain two as text[] check (value[1] is distinct from value[2]);
  create table checked (id int primary key, parts two);
  insert into checked values (1, '{x,${guess}}');
  create table sums (id int, amount numeric, ssn text);
  insert into sums select n, 5 + n, n::text from generate_series(1, 20000) n;
  insert into sums values (-1, 1.0, '${one('A', 'B')}'), (-2, 1.00, '${one('B', 'A')}');
  create index on sums (amount, ssn);
  create aggregate least_of(numeric) (sfunc = numeric_smaller, stype = numeric, sortop = <);
  create table local (id int, region text, ssn text) partition by list (region);
  create table local_a partition of local for values in ('a');
  create table local_b partition of local (unique (ssn)) for values in ('b');
  insert into local values (1, 'a', '${guess}'), (2, 'b', 'guess');
  create table moves (id int primary key, tenant int unique);
  insert into moves values (1, 1), (2, 2);
  create table goes (id int primary key, tenant int references moves (tenant) on update cascade, code text, unique (tenant, code));
  insert into goes values (1, 1, '${one('A', 'B')}'), (2, null, 'A');
  create table free (id int primary key, tenant int, mail text unique, a text[]);
  insert into free values (1, 1, 'm', '{a}');
  `
}

beforeAll(async () => {
  sides = await startTwins(policy, async (admin, twin) => {
    await admin.query(schemaOf(twin))
    await admin.query('analyze; grant all on all tables in schema public to app')
  })
}, 120_000)
afterAll(async () => {
  await sides?.stop()
})

const cases: readonly (readonly [what: string, ...texts: readonly string[]])[] = [
  ['the other column of a key', 'update pairs set tenant = 2 where id = 1'],
  ['the same through a view', 'update pairs_seen set tenant = 2 where id = 1'],
  [
    'the same by a conflict',
    "insert into pairs values (1, 2, 'n', 'z') on conflict (id) do update set tenant = excluded.tenant",
  ],
  [
    'the same by MERGE',
    'merge into pairs p using (values (1, 2)) v (id, t) on p.id = v.id when matched then update set tenant = v.t',
  ],
  ['the other column of an index that computes', 'update lowered set tenant = 2 where id = 1'],
  ['the other column of an exclusion', 'update spans set tenant = 2 where id = 1'],
  ['the other column of a foreign key', 'update refs set tenant = 2 where id = 1'],
  ['a check of a generated column', "update made set name = 'GUESS' where id = 1"],
  ['a check of one that nobody stores', "update shown set name = 'GUESS' where id = 1"],
  ['a copy of a row that is checked so', "insert into shown select 9, 'GUESS', ssn from shown where id = 1"],
  ['a key with a generated column', "update keyed set name = 'a' where id = 2"],
  ['an element of an array', "update sized set parts[1] = 'q' where id = 1"],
  ['an element of two dimensions', "update sized set parts[1][1] = 'q' where id = 1"],
  ['an element of an array that is checked', "update checked set parts[1] = 'guess' where id = 1"],
  ['the least by another name', 'select least_of(amount) from sums'],
  ['a key of the partition that a row goes to', "update local set region = 'b' where id = 1"],
]

describe('what is written beside masked values', () => {
  it.each(cases)('%s', async (_, ...texts) => {
    const all = ['begin', ...texts]
    expect(await sides.directly('left', all)).not.toEqual(await sides.directly('right', all))
    expect(await sides.through('left', all)).toEqual(await sides.through('right', all))
  })
})

it('a key that an action writes is no other', async () => {
  const texts = ['begin', 'update goes set tenant = 2 where id = 2', 'update moves set tenant = 3 where id = 1']
  expect(await sides.through('left', texts)).toEqual(await sides.through('right', texts))
})

describe('what is beside nothing masked', () => {
  it.each([
    "update pairs set note = 'm' where id = 1",
    "update pairs set ssn = 'new' where id = 1",
    "update made set ssn = 'new', name = 'q' where id = 1",
    "update shown set ssn = 'new', name = 'q' where id = 1",
    'update keyed set id = 7 where id = 1',
    "update sized set parts = '{a}' where id = 1",
    'update sized set n = 3 where id = 1',
    "update free set tenant = 2, a[2] = 'b' where id = 1",
    "insert into made (id, name, ssn) values (8, 'a', 'b')",
    "insert into local values (5, 'a', 'c')",
  ])('%s', async (text) => {
    const answers = await sides.through('left', ['begin', text])
    expect(answers.filter((answer) => answer.startsWith('["42501"'))).toEqual([])
    expect(await sides.directly('left', ['begin', text])).toEqual(answers)
  })
})
