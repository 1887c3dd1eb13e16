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
  relations: { 'public.people': ['id int4!', 'ssn text'], 'lab.people': ['id int4!', 'word text'] },
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
    ['dropped', 'create table a (x int); drop table a; select x from a'],
    ['made again', 'drop table people; create table people (ssn text); select ssn from people'],
    ['not made if it is there', 'create table if not exists people (x int); select x from people'],
    ['altered', 'create table a (x int); alter table a add column y int; select x from a'],
    ['renamed', 'create table a (x int); alter table a rename to b; select x from b'],
    ['made like another', 'create table a (like people); select * from a'],
    ['made as a query', 'create table a as select 1 as x; select x from a'],
    [
      'filled by code of the target',
      'create table a (x text default f()); insert into a default values; select x from a',
    ],
    ['checked by code of the target', 'create table a (x int check (f() is null)); insert into a values (1)'],
    ['a child', 'create table a () inherits (people); select id from people'],
    ['one whose rows now cascade', 'create table a (p int references people on delete cascade); delete from people'],
    ['one whose rows are now checked', 'create table a (x int); create index on a ((x + 1)); insert into a values (1)'],
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
    ['an operator after a new schema', `create schema s; select 1 + 1`],
  ])('refuses one that is %s', (_, sql) => {
    expect(unknowns(sql)).toContain(changed)
  })
})
