// Objects that only their own session sees: changed in a transaction that is open, or temporary. They are judged by what the
// session's own connection says, and masks and rules hold on them as on any other (THREATS ).
import { manualClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorOf, using } from './asking.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let target: RealTarget
let path: DataPath

const schema = `
  create schema lab authorization app;
  create table people (id int primary key, name text, ssn text unique);
  insert into people select n, 'Person ' || n, '900-' || n from generate_series(1, 5) n;
  create table hidden (id int);
  alter table people owner to app;
  alter table hidden owner to app;
  grant create on schema public to app;
`
const yaml = (port: number): string => `${targetDocument(port)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
    - { name: not-hidden, effect: deny, callers: { any: true }, objects: [public.hidden] }
  masks:
    - { columns: [public.people.ssn], method: redact, unless: { groups: [dba] } }
`

beforeAll(async () => {
  target = await startRealTarget({ schema })
  path = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await target?.stop()
})

const withClient = <T>(run: (client: pg.Client) => Promise<T>): Promise<T> => using(path, run)
const rowsOf = async (client: pg.Client, text: string, values?: unknown[]) => (await client.query(text, values)).rows

describe('objects changed in an open transaction', () => {
  it('are there for the next statements, by both protocols, and gone after a rollback', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('create table lab.fresh (a int primary key)')
      await client.query('insert into lab.fresh values (1)')
      await client.query('insert into lab.fresh values ($1)', [2])
      await client.query('alter table lab.fresh add column b text')
      expect(await rowsOf(client, 'select a, b from lab.fresh order by a')).toEqual([
        { a: 1, b: null },
        { a: 2, b: null },
      ])
      await client.query('create index on lab.fresh (b)')
      await client.query('create view lab.seen as select a from lab.fresh')
      expect(await rowsOf(client, 'select * from lab.seen where a = $1', [2])).toEqual([{ a: 2 }])
      await client.query('rollback')
      expect(await errorOf(client.query('select a from lab.fresh'))).toMatchObject({ code: '42P01' })
    })
  })

  it('are followed over savepoints', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('savepoint one')
      await client.query('create table lab.fresh (a int)')
      expect(await rowsOf(client, 'select a from lab.fresh')).toEqual([])
      await client.query('rollback to one')
      await client.query('create table lab.fresh (b int)')
      expect(await rowsOf(client, 'select b from lab.fresh')).toEqual([])
      await client.query('release one')
      await client.query('commit')
      expect(await rowsOf(client, 'select b from lab.fresh')).toEqual([])
      await client.query('drop table lab.fresh')
    })
  })

  it('are masked and denied as ever: a view over a masked column, a renamed table, a denied one', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('create view lab.contacts as select id, name as who from people')
      expect(await rowsOf(client, 'select * from lab.contacts where id = 1')).toEqual([{ id: 1, who: 'Person 1' }])
      expect(await rowsOf(client, 'select ssn from people where id = 1')).toEqual([{ ssn: '[redacted]' }])
      await client.query('savepoint one')
      expect(await errorOf(client.query('alter table people rename column ssn to harmless'))).toMatchObject({
        code: '42501',
      })
      await client.query('rollback to one')
      expect(await errorOf(client.query('create table lab.copy as select ssn from people'))).toMatchObject({
        code: '42501',
      })
      await client.query('rollback to one')
      expect(await errorOf(client.query('select id from hidden'))).toMatchObject({ code: '42501' })
      await client.query('rollback')
    })
  })

  it('R-3.14: a function or operator of the session takes the place of a built-in one, and rules see it', async () => {
    const client = await path.connect({ groups: ['engineering', 'dba'] })
    try {
      await client.query('begin')
      await client.query(
        `create function public.upper(varchar) returns text language sql as 'select id::text from hidden limit 1'`,
      )
      await client.query(
        `create function public.both(varchar, varchar) returns text language sql as 'select id::text from hidden limit 1'`,
      )
      await client.query('create operator public.|| (leftarg = varchar, rightarg = varchar, function = public.both)')
      await client.query('savepoint one')
      const texts = [
        `select upper('a'::varchar)`,
        `select 'a'::varchar || 'b'::varchar`,
        `values (upper('a'::varchar))`,
        `copy (select upper('a'::varchar)) to stdout`,
        `declare c cursor for select upper('a'::varchar)`,
        `prepare p as select upper('a'::varchar); execute p`,
        `create table lab.copied as select upper('a'::varchar) as x`,
      ]
      for (const text of texts) {
        expect(await errorOf(client.query(text)), text).toMatchObject({ code: '42501' })
        await client.query('rollback to one')
      }
      expect(await errorOf(client.query(`select upper($1::varchar)`, ['a']))).toMatchObject({ code: '42501' })
      await client.query('rollback')
      expect(await rowsOf(client, `select upper('a'::varchar) as x`)).toEqual([{ x: 'A' }])
    } finally {
      await client.end()
    }
  })

  it('R-3.14: nothing comes to be called in the place of another while masks apply', async () => {
    await withClient(async (client) => {
      const body = `returns text language sql as 'select ssn from people limit 1'`
      for (const text of [
        `create function public.upper(varchar) ${body}`,
        `create function lab.upper(varchar) ${body}`,
      ])
        expect(await errorOf(client.query(text)), text).toMatchObject({ code: '42501' })
    })
  })

  it('a column that is added under a masked name is masked in the same transaction', async () => {
    await target.admin.query('alter table people drop column ssn')
    try {
      await withClient(async (client) => {
        await client.query('begin')
        await client.query("alter table people add column ssn text default 'new secret'")
        expect(await rowsOf(client, 'select ssn from people where id = 1')).toEqual([{ ssn: '[redacted]' }])
        await client.query('rollback')
      })
    } finally {
      await target.admin.query("alter table people add column ssn text; update people set ssn = '900-' || id")
    }
  })

  it('leaves nothing of the question behind: settings, locks, prepared statements, cursors, the unnamed statement', async () => {
    const client = await rawClient(path)
    const query = async (text: string) => {
      client.send({ type: 'query', text })
      await client.next('readyForQuery')
      return client.taken()
    }
    await query("begin; set local statement_timeout = '7s'; set local search_path = lab, public")
    await query('create table fresh (a int); ')
    await query('declare c cursor for select generate_series(1, 3)')
    client.send({ type: 'parse', name: '', text: 'select 42', parameterTypes: [] }, { type: 'sync' })
    await client.next('readyForQuery')
    client.taken()
    client.send({ type: 'parse', name: 'named', text: 'insert into fresh values (1)', parameterTypes: [] })
    client.send({ type: 'sync' })
    await client.next('readyForQuery')
    expect(client.taken()).toEqual(['parseComplete', 'ready T'])
    const bind = { type: 'bind', portal: '', parameterFormats: [], parameters: [], resultFormats: [] } as const
    client.send({ ...bind, statement: '' }, { type: 'execute', portal: '', rowsMax: 0 }, { type: 'sync' })
    await client.next('readyForQuery')
    expect(client.taken()).toEqual(['bindComplete', 'row 42', 'SELECT 1', 'ready T'])
    expect(await query('fetch 1 from c')).toEqual(['rowDescription', 'row 1', 'FETCH 1', 'ready T'])
    expect(await query('show statement_timeout')).toContain('row 7s')
    expect(await query('show search_path')).toContain('row lab, public')
    const locked = `select count(*) from pg_locks l join pg_class c on c.oid = l.relation
      where c.relname in ('people', 'hidden')`
    expect((await target.admin.query(locked)).rows).toEqual([{ count: '0' }])
    await query('rollback')
    client.send({ type: 'terminate' })
    await client.closed
  })

  it('sees what others have committed meanwhile, once the catalog has its age', async () => {
    const clock = manualClock(Date.now())
    const own = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment, clock })
    const client = await own.connect()
    try {
      await client.query('begin')
      await client.query('create table lab.fresh (a int)')
      expect(await rowsOf(client, 'select a from lab.fresh')).toEqual([])
      await target.admin.query('create table lab.theirs (b int); grant all on lab.theirs to app')
      clock.advance(limits.catalogAgeMsMax + 1)
      expect(await rowsOf(client, 'select b from lab.theirs')).toEqual([])
      await client.query('rollback')
    } finally {
      await client.end()
      await own.stop()
      await target.admin.query('drop table lab.theirs')
    }
  })

  it('under REPEATABLE READ they cannot be judged, and the caller is told why', async () => {
    await withClient(async (client) => {
      await client.query('begin isolation level repeatable read')
      await client.query('create table lab.fresh (a int)')
      const error = await errorOf(client.query('insert into lab.fresh values (1)'))
      expect(error).toMatchObject({ code: '57P03', hint: expect.stringMatching(/READ COMMITTED/) })
      expect(await errorOf(client.query('select 1 from lab.fresh'))).toMatchObject({ code: '25P02' })
      await client.query('rollback')
    })
  })

  it('a batch may change and use objects, each in its own segment', async () => {
    const client = await rawClient(path)
    const run = (text: string) =>
      [
        { type: 'parse', name: '', text, parameterTypes: [] },
        { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
        { type: 'execute', portal: '', rowsMax: 0 },
        { type: 'sync' },
      ] as const
    client.send(...run('begin'), ...run('create table lab.fresh (a int)'), ...run('insert into lab.fresh values (1)'))
    client.send(...run('select a from lab.fresh'), ...run('rollback'))
    for (let ready = 0; ready < 5; ready++) await client.next('readyForQuery')
    expect(client.taken().filter((one) => !/Complete$/.test(one))).toEqual([
      'BEGIN',
      'ready T',
      'CREATE TABLE',
      'ready T',
      'INSERT 0 1',
      'ready T',
      'row 1',
      'SELECT 1',
      'ready T',
      'ROLLBACK',
      'ready I',
    ])
    client.destroy()
  })

  it('a session that is cut in the middle of the question ends, and leaves nothing behind', async () => {
    const client = await rawClient(path)
    client.send({ type: 'query', text: 'begin; create table lab.cut (a int)' })
    await client.next('readyForQuery')
    client.send({ type: 'query', text: 'select a from lab.cut' })
    client.destroy()
    const left = async () =>
      (await target.admin.query("select 1 from pg_stat_activity where usename = 'app' and state like 'idle in%'"))
        .rowCount
    await expect.poll(left, { timeout: 5_000 }).toBe(0)
  })
})

describe('temporary tables', () => {
  it('are used by name, by both protocols, by COPY, and dropped', async () => {
    await withClient(async (client) => {
      await client.query('create temp table mine (i int)')
      await client.query('insert into mine values (1)')
      await client.query('insert into mine values ($1)', [2])
      expect(await rowsOf(client, 'select i from mine order by i')).toEqual([{ i: 1 }, { i: 2 }])
      expect(await rowsOf(client, 'select i from pg_temp.mine where i = $1', [2])).toEqual([{ i: 2 }])
      await client.query('begin')
      await client.query('create temp table gone (j int) on commit drop')
      expect(await rowsOf(client, 'select j from gone')).toEqual([])
      await client.query('commit')
      expect(await errorOf(client.query('select j from gone'))).toMatchObject({ code: '42P01' })
      await client.query('drop table mine')
      expect(await errorOf(client.query('select i from mine'))).toMatchObject({ code: '42P01' })
    })
  })

  it('are used under REPEATABLE READ as well, beside other tables, and for as long as the session lasts', async () => {
    const clock = manualClock(Date.now())
    const own = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment, clock })
    const client = await own.connect()
    try {
      await client.query('create temp table mine (i int)')
      await client.query('begin isolation level repeatable read')
      await client.query('insert into mine values (1)')
      clock.advance(limits.catalogAgeMsMax + 1)
      const joined = 'select i, p.ssn from mine join people p on p.id = i'
      expect(await rowsOf(client, joined)).toEqual([{ i: 1, ssn: '[redacted]' }])
      await client.query('commit')
      clock.advance(limits.catalogAgeMsMax + 1)
      expect(await rowsOf(client, `${joined} where i = $1`, [1])).toEqual([{ i: 1, ssn: '[redacted]' }])
    } finally {
      await client.end()
      await own.stop()
    }
  })

  it('are of one session: another one neither sees them nor is told', async () => {
    await withClient(async (one) => {
      await one.query('create temp table mine (i int)')
      await withClient(async (other) => {
        expect(await errorOf(other.query('select i from mine'))).toMatchObject({ code: '42P01' })
        await other.query('create temp table mine (t text)')
        expect(await rowsOf(other, 'select t from mine')).toEqual([])
      })
      expect(await rowsOf(one, 'select i from mine')).toEqual([])
    })
  })

  it('R-2.9: none takes the place of a table, and none takes masked values in', async () => {
    await withClient(async (client) => {
      await client.query('create temp table mine (i int, t text)')
      expect(await errorOf(client.query('create temp table people (ssn text)'))).toMatchObject({ code: '42501' })
      expect(await errorOf(client.query('insert into mine select id, ssn from people'))).toMatchObject({
        code: '42501',
      })
      expect(await errorOf(client.query('alter table mine rename to people'))).toMatchObject({ code: '42501' })
      expect(await rowsOf(client, 'select ssn from people where id = 1')).toEqual([{ ssn: '[redacted]' }])
    })
  })

  it('R-1.25: COPY takes rows into one', async () => {
    const client = await rawClient(path)
    client.send({ type: 'query', text: 'create temp table mine (i int)' })
    await client.next('readyForQuery')
    client.send({ type: 'query', text: 'copy mine from stdin' })
    await client.next('copyInResponse')
    client.send({ type: 'copyData', bytes: Buffer.from('1\n2\n') }, { type: 'copyDone' })
    await client.next('readyForQuery')
    client.taken()
    client.send({ type: 'query', text: 'select count(*) from mine' })
    await client.next('readyForQuery')
    expect(client.taken()).toContain('row 2')
    client.destroy()
  })
})
