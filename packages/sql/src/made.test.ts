// Texts that make objects and use them at once, as migrations do: what CREATE describes wholly is there for the statements
// behind it, and whatever may be another object by then is refused.
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import type { SqlParser } from './facts.ts'
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
  functions: { 'public.f()': { returns: 'text' } },
  relations: {
    'public.people': ['id int4!', 'ssn text'],
    'lab.people': ['id int4!', 'word text'],
    'public.seen': ['x int4'],
    'public.sees': { columns: ['x int4'], view: 'SELECT seen.x FROM seen' },
  },
  dependents: [['relation public.seen', 'relation public.sees']],
}
beforeAll(() => loadModule())

function linesOf(sql: string) {
  const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const
  const analysis = analyse(sql, buildCatalog(spec), context, parser)
  if (analysis.kind === 'syntax') throw new Error(analysis.message)
  return analysis.statements.map(factLines)
}
const last = (sql: string) => linesOf(sql).at(-1)!
const unknowns = (sql: string) => linesOf(sql).flatMap(({ unknowns: all = [] }) => all)
const changed = 'a name that the same text has changed before'

describe('a text that makes a table', () => {
  it.each([
    'create temp table ct (i int); copy ct from stdin; select count(*) from ct',
    'create table a (id serial primary key, b text not null default 1); insert into a (b) values (2) returning id, b',
    `create type mood as enum ('good'); create table a (id bigserial, m mood not null default 'good', primary key (id));
     create unique index on a (m); create index a_id on a (id, m); comment on table a is 'x'; select a.*, a from a`,
    `create table a (id int primary key); create table b (id int, a int references a on delete restrict);
     alter table b add constraint b_a foreign key (a) references a (id) on delete cascade on update cascade;
     alter table b add constraint b_b foreign key (id) references a (id); create index on b (a)`,
    'create table a (p int references people); alter table a add check (p > 0); select ssn from people',
    'begin; create table a (x int); savepoint s; insert into a values (1); release s; commit',
    'create table a (x int); drop table a',
    'create table a (x int check (x > 0), at timestamptz default now()); insert into a (x) values (1)',
    'drop table if exists a, public.b; create table c (x int)',
    'drop table if exists a; create table a (x int); insert into a values (1); select x from a',
    'create table a (id int primary key, up int references a, other int, foreign key (other) references public.a (id))',
    'alter table people add column nick text not null default 1, alter id set default 2; update people set nick = 3',
    'alter table people rename column ssn to code; select code from people; create index on people (code)',
    'alter table people rename to persons; select id from persons; create table people (x int); select x from people',
    'alter table people alter column ssn type varchar(9); select ssn from people; alter table people drop column ssn',
    'create table a as select id, ssn as s from people; select s from a; drop table a',
    'select id, 1 as one into a from people; select one from a',
    'create view v as select id from people; select id from v; drop view v; create table v (x int); select x from v',
    "create sequence s; select nextval('s'), last_value from s; alter sequence s owned by people.id; select 1 from s",
    'create schema if not exists made; create table made.a (x int); create index on made.a (x); select x from made.a',
    "create type mood as enum ('good'); alter type mood add value 'bad'; create table a (m mood)",
    'drop index if exists i; create index i on people (id); alter index i rename to j; select ssn from people',
  ])('uses it: %s', (sql) => {
    expect(unknowns(sql)).toEqual([])
  })

  it('knows its columns, and calls none of them a column of the catalog', () => {
    expect(last('create table a (x int, y text); select y, x + 1 as z from a')).toEqual({
      verb: 'select',
      output: ['y', 'z'],
      effects: ['select public.a'],
    })
    expect(unknowns('create table a (x int); select y from a')).not.toEqual([])
    expect(unknowns('create table a (x int); drop table a; select x from a')).not.toEqual([])
  })

  it('knows what was added to a table, and what is left of it', () => {
    expect(last('alter table people add column nick text; select * from people').output).toEqual([
      'id = public.people.id',
      'ssn = public.people.ssn',
      'nick',
    ])
    expect(last('alter table people drop column ssn, add column ssn text; select ssn from people').output).toEqual([
      'ssn',
    ])
    expect(last('alter table people rename ssn to code; select code from people').output).toEqual([
      'code = public.people.code',
    ])
    expect(last('drop table people; create table people (ssn text); select ssn from people').output).toEqual(['ssn'])
  })

  it('knows what a view that it has made reads', () => {
    expect(last('create view v as select ssn as s from people where id > 1; select s from v')).toEqual({
      verb: 'select',
      effects: ['select public.v', '~ select public.people'],
      control: ['public.people.id other WHERE'],
      output: ['s ~ public.people.ssn'],
    })
  })

  it('knows what its keys to itself do', () => {
    const text = 'create table a (id int primary key, up int references a on delete set null)'
    expect(last(`${text}; delete from a`).effects).toEqual(['delete public.a', '~ update public.a'])
  })

  it('drops what is not there under every name that it may have', () => {
    expect(last('drop table if exists gone')).toEqual({
      verb: 'drop',
      effects: ['drop public.gone'],
      session: ['ddl'],
    })
    expect(unknowns('drop table gone')).not.toEqual([])
  })

  it('sees what flows into it', () => {
    expect(last('create table a (x text); insert into a select ssn from people').flows).toEqual([
      expect.stringMatching(/^public\.a\.x.* <- public\.people\.ssn$/),
    ])
  })

  it.each([
    ['rolled back, so that it may be another one', 'begin; create table lab.a (x int); rollback; select x from lab.a'],
    ['rolled back in part', 'begin; savepoint s; create table a (x int); rollback to s; select x from a'],
    ['gone at commit', 'begin; create temp table a (x int) on commit drop; commit; select x from a'],
    ['not made if it is there', 'create table if not exists people (x int); select x from people'],
    ['altered by code', 'create table a (x int); alter table a add column y text default f(); select x from a'],
    ['altered back', 'begin; alter table people add column y int; rollback; select ssn from people'],
    [
      'dropped and rolled back',
      'begin; drop table people; create table people (x int); rollback; select x from people',
    ],
    ['renamed under a view', 'alter table seen rename x to y; select x from seen'],
    ['made like another', 'create table a (like people); select * from a'],
    ['made as a query of an unknown type', 'create table a as select $1 as x; select x from a'],
    [
      'filled by code of the target',
      'create table a (x text default f()); insert into a default values; select x from a',
    ],
    ['checked by code of the target', 'create table a (x int check (f() is null)); insert into a values (1)'],
    ['a child', 'create table a () inherits (people); select id from people'],
    ['one whose rows now cascade', 'create table a (p int references people on delete cascade); delete from people'],
    ['one whose rows are now checked', 'create table a (x int); create index on a ((x + 1)); insert into a values (1)'],
    ['one with a new check', 'alter table people add check (id > 0); update people set id = 1'],
    ['one with a generated column', 'create table a (x int, y int generated always as (x) stored); select y from a'],
    [
      'an operator that fits better than the one of the same name',
      `create function f(varchar, varchar) returns text language sql as 'select ssn from people';
       create operator public.|| (leftarg = varchar, rightarg = varchar, function = f); select 'a'::varchar || 'b'::varchar`,
    ],
    [
      'an operator behind LIKE',
      `create operator public.~~ (leftarg = varchar, rightarg = varchar, function = f); select 'a'::varchar like 'b'::varchar`,
    ],
    ['an operator that is no longer there', `drop operator public.=(varchar, varchar); select 1 in (1, 2)`],
  ])('refuses one that is %s', (_, sql) => {
    expect(unknowns(sql)).toContain(changed)
  })
})
