// Two databases that differ in masked values alone, and what constraints, changes of the schema and maintenance tell of the rows that
// are there (THREATS ): directly it differs, through the agent the answers are the same bytes. On a real PostgreSQL.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hiding, startTwins, type Twin, type Twins } from './twins.ts'

let sides: Twins

const policy =
  hiding(`refs.code cust.ssn sized.ssn later.code rest.ssn drawer_refs.code base.score kept.ssn twice.ssn folded.ssn made.ssn worn.code
  stays.during areas.ssn rooms.ssn sums.ssn people.ssn badges.ssn pairs.ssn halls.ssn lofts.ssn`)

const schemaOf = (twin: Twin): string => {
  const one = (left: string, right: string): string => (twin === 'left' ? left : right)
  const ssn = one('111', '222')
  return `
  create table keys (code text primary key);
  insert into keys values ('K1'), ('K2'), ('K3');
  create table refs (id int primary key, code text references keys);
  insert into refs values (1, '${one('K1', 'K2')}');
  create table cust (id int primary key, name text, ssn text);
  create unique index on cust (name) where ssn like '1%';
  insert into cust select n, 'name ' || n, '${one('1', '2')}' || n from generate_series(1, 12) n;
  create table sized (id int primary key, n int, ssn text, check (n <> length(ssn)));
  insert into sized values (1, 0, '${one('abc', 'abcd')}');
  create table later (id int primary key, code text references keys not enforced);
  insert into later values (1, '${one('K1', 'Z9')}');
  create table rest (ssn text, id int) partition by list (ssn);
  create table rest_all partition of rest default;
  insert into rest values ('${ssn}', 1);
  create table rest_new (ssn text, id int);
  create table drawers (code text primary key) partition by list (code);
  create table drawers_1 partition of drawers for values in ('K1');
  create table drawers_2 partition of drawers for values in ('K2');
  insert into drawers values ('K1'), ('K2');
  create table drawer_refs (id int primary key, code text references drawers);
  insert into drawer_refs values (1, '${one('K1', 'K2')}');
  create table base (id int primary key, score float8);
  insert into base values (1, 5);
  create materialized view shares as select id, (100 / score)::int as share from base;
  update base set score = ${one('0', '1')};
  create table kept (id int primary key, ssn text);
  insert into kept values (1, '${one('A', 'B')}'), (2, 'C'), (3, 'D');
  create materialized view copies as select id, ssn from kept;
  create unique index on copies (id);
  create table twice (id int, ssn text);
  insert into twice values (1, '${ssn}'), (2, '${ssn}');
  create function folded(t text) returns text immutable language sql as 'select lower(t)';
  create table folded (id int primary key, n int, ssn text);
  insert into folded values (1, 1, '${ssn}');
  create index on folded (folded(ssn));
  create table made (
    id int primary key, ssn text, z text generated always as (nullif(ssn, '111')) stored, y text generated always as (nullif(ssn, '111')) virtual);
  insert into made values (1, '${ssn}');
  create domain worn_code as text;
  create table worn (id int primary key, code worn_code);
  insert into worn values (1, '${ssn}');
  alter domain worn_code add constraint short check (value like '1%') not valid;
  create table stays (room int4range, during tstzrange, unique (room, during without overlaps));
  insert into stays values ('[1,2)', '${one('[2024-01-01,2024-01-05)', '[2024-02-01,2024-02-05)')}');
  create table visits (id int primary key, room int4range, during tstzrange,
    foreign key (room, period during) references stays (room, period during));
  create table areas (id int, region text, ssn text) partition by list (region);
  create table areas_a partition of areas for values in ('a');
  create table areas_b partition of areas (check (ssn like '1%')) for values in ('b');
  insert into areas values (1, 'a', '${ssn}');
  create table rooms (id int, region text, ssn text) partition by list (region);
  create table rooms_a partition of rooms for values in ('a');
  create table rooms_b partition of rooms for values in ('b');
  insert into rooms values (1, 'a', '${ssn}');
  create table moves (note text);
  create function note_move() returns trigger language plpgsql as 'begin insert into moves values (new.ssn); return new; end';
  create trigger note_move before insert on rooms_b for each row execute function note_move();
  create view rooms_seen as select id, region from rooms;
  create table zones (region text primary key);
  insert into zones values ('a');
  create table halls (id int, region text references zones on update cascade on delete set null, ssn text) partition by list (region);
  create table halls_a partition of halls for values in ('a');
  create table halls_b partition of halls for values in ('b');
  create table halls_none partition of halls for values in (null);
  insert into halls values (1, 'a', '${ssn}');
  create trigger note_move before insert on halls_b for each row execute function note_move();
  create trigger note_move before insert on halls_none for each row execute function note_move();
  create table lofts (id int, region text, ssn text) partition by list (region);
  create table lofts_a partition of lofts for values in ('a');
  create table lofts_b partition of lofts for values in ('b');
  insert into lofts values (1, 'a', '${ssn}');
  create trigger note_move before insert on lofts_b for each row execute function note_move();
  create function to_b() returns trigger language plpgsql as $$ begin new.region := 'b'; return new; end $$;
  create trigger to_b before update on lofts for each row execute function to_b();
  create table sums (id int, amount numeric, ssn text);
  insert into sums select n, 5 + n, n::text from generate_series(1, 20000) n;
  insert into sums values (-1, 1.0, '${one('A', 'B')}'), (-2, 1.00, '${one('B', 'A')}');
  create index on sums (amount, ssn);
  create view amounts as select amount from sums;
  create table people_kept (id int not null, who kept);
  insert into people_kept select 1, kept from kept where id = 1;
  create type person as (id int, ssn text);
  create table people of person;
  insert into people values (1, '${one('111', '111111')}');
  create table badges (id int primary key, name text, ssn text, check (name <> ssn));
  insert into badges values (1, 'x', '${one('guess', 'other')}'), (2, 'y', 'z');
  create table pairs (tenant int, id int primary key, ssn text, unique (tenant, ssn));
  insert into pairs values (1, 1, 'A'), (2, 2, '${one('A', 'B')}');
  create function ssn_of(n int) returns text language sql as $$ select ssn from cust where id = n $$;
  create table plain (id int primary key, z text, amount numeric);
  create index on plain (amount);
  insert into plain values (1, 'a', 1);
  create materialized view plain_copies as select id, z from plain;
  create schema other;
  create function other.eq(text, text) returns bool language sql as $$ select exists (select from public.cust where ssn like '1%') $$;
  create operator other.= (leftarg = text, rightarg = text, function = other.eq);
  `
}

/** Of all that app is to change; an index that could not be made unique stays behind and is not valid. */
const owned = `
  grant create on schema public to app;
  grant usage on schema other to app;
  do $$ declare found record; begin
    for found in select oid::regclass as name, relkind from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') loop
      execute format('alter %s %s owner to app', case found.relkind when 'm' then 'materialized view' when 'v' then 'view' else 'table' end, found.name);
    end loop; end $$;
  alter domain worn_code owner to app; alter type person owner to app; alter function folded owner to app`

beforeAll(async () => {
  sides = await startTwins(policy, async (admin, twin) => {
    await admin.query(schemaOf(twin))
    await expect(admin.query('create unique index concurrently twice_ssn on twice (ssn)')).rejects.toThrow()
    await admin.query('analyze')
    await admin.query(owned)
  })
}, 120_000)
afterAll(async () => {
  await sides?.stop()
})

const directly = async (twin: Twin, texts: readonly string[]) => await sides.directly(twin, texts)
const through = async (twin: Twin, texts: readonly string[]) => await sides.through(twin, texts)

/** Under the name of the function that the index calls. */
const failing = `create or replace function folded(t text) returns text immutable language sql as $$
  select case when t like '1%' then (1 / (length(t) - length(t)))::text else t end $$`

const cases: readonly (readonly [what: string, ...texts: readonly string[]])[] = [
  ['a value that is written as it is', "update badges set ssn = ssn, name = 'guess' where id = 1"],
  [
    'a value of another row',
    "update badges set name = 'guess', ssn = (select ssn from badges where id = 1) where id = 2",
  ],
  ['a copy of a row', "insert into badges select 9, 'guess', ssn from badges where id = 1"],
  ['a copy that collides', 'insert into pairs select 2, 9, ssn from pairs where id = 1'],
  ['a row that goes to another partition', "update areas set region = 'b' where id = 1"],
  [
    'a trigger of the partition that it goes to',
    "update rooms set region = 'b' where id = 1",
    'select note from moves',
  ],
  ['the same through a view', "update rooms_seen set region = 'b' where id = 1", 'select note from moves'],
  ['the same with its key', "update zones set region = 'b' where region = 'a'", 'select note from moves'],
  ['the same without its key', "delete from zones where region = 'a'", 'select note from moves'],
  ['the same by a trigger', 'update lofts set id = 2 where id = 1', 'select note from moves'],
  ['an error that quotes a row of another table', 'update people_kept set id = null where id = 1'],
  [
    'a key of another type',
    "alter table keys alter column code type text using case code when 'K1' then 'X' else code end",
  ],
  ['a check of a column of another type', 'alter table sized alter column n type int using 3'],
  ['a condition of an index', 'alter table cust alter column name type text using left(name, 4)'],
  ['a foreign key that counts from now on', 'alter table later alter constraint later_code_fkey enforced'],
  ['bounds beside those of all other rows', "create table rest_1 partition of rest for values in ('111')"],
  ['the same of a table that is there', "alter table rest attach partition rest_new for values in ('111')"],
  ['a part that somebody refers to', 'alter table drawers detach partition drawers_1'],
  ['what a view keeps, computed anew', 'refresh materialized view shares'],
  [
    'rows that a view finds changed',
    "update kept set ssn = 'A' where id = 1",
    'refresh materialized view concurrently copies',
    'select id from copies',
  ],
  ['an index that is not valid', 'drop table folded', 'reindex index twice_ssn'],
  ['an index by another function', failing, 'reindex table folded'],
  ['statistics by another function', failing, 'analyze folded'],
  ['a table that is written anew', failing, 'alter table folded alter column n type int8'],
  ['whether what is computed is there', 'alter table made alter column z set not null'],
  ['the same of what nobody stores', 'alter table made alter column y set not null'],
  ['the same by a constraint', 'alter table made add constraint there not null z'],
  ['a check of a domain', 'alter domain worn_code validate constraint short'],
  ['times that overlap', "insert into stays values ('[1,2)', '[2024-01-02,2024-01-03)')"],
  ['times that are covered', "insert into visits values (1, '[1,2)', '[2024-01-02,2024-01-03)')"],
  ['which of equal numbers is the least', 'select min(amount) from sums'],
  ['the same through a view', 'select min(amount) from amounts'],
  ['attributes of a type', 'alter type person alter attribute ssn type varchar(4) cascade'],
  ['an operator in front', "set search_path = other, pg_catalog; select code from public.keys where code = 'none'"],
  [
    'a default for others',
    'alter table plain alter column z set default ssn_of(1)',
    'insert into plain (id) values (9) returning z',
  ],
]

describe('what tests rows tells of masked values', () => {
  it.each(cases)('%s', async (_, ...texts) => {
    const all = ['begin', ...texts]
    expect(await directly('left', all)).not.toEqual(await directly('right', all))
    expect(await through('left', all)).toEqual(await through('right', all))
  })
})

it('a default that reads a masked column is a copy to whoever inserts', async () => {
  const texts = ['begin', 'alter table plain alter column z set default ssn_of(1)']
  expect((await through('left', texts)).at(-1)).toMatch(/^\["42501"/)
})

describe('what is beside masked values', () => {
  it.each([
    "insert into keys values ('K9')",
    "insert into badges values (7, 'a', 'b')",
    "update badges set ssn = 'new', name = 'n' where id = 1",
    "insert into badges values (1, 'a', 'b') on conflict (id) do update set name = excluded.name, ssn = excluded.ssn",
    'insert into pairs (tenant, id) select 5, id + 50 from plain',
    "update pairs set ssn = 'R' where id = 2",
    'refresh materialized view plain_copies',
    'refresh materialized view copies',
    'reindex table pairs',
    'analyze pairs',
    'alter table plain alter column z type text using upper(z)',
    "alter table plain alter column z set default 'x'",
    'alter table pairs add column n int default 5',
    'alter table made alter column ssn set not null',
    "create table areas_c partition of areas for values in ('c')",
    'update rooms_seen set id = 2 where id = 1',
    'update halls set id = 3 where id = 1',
    'select max(amount) from plain',
    'select max(id), min(id) from sums',
    "alter domain worn_code set default 'x'",
  ])('%s', async (text) => {
    const answers = await through('left', ['begin', text])
    expect(answers.filter((answer) => answer.startsWith('["42501"'))).toEqual([])
    expect(await directly('left', ['begin', text])).toEqual(answers)
  })
})
