// Sessions through the whole data path, to a real PostgreSQL, with the driver that most Node programs use.
import { SallyportError } from '@sallyport/base/errors'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorOf, using } from './asking.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let target: RealTarget
let path: DataPath

const schema = `
  create role app_ro login password 'app-secret-2';
  create table people (id int primary key, name text, ssn text unique, born date, score int check (score < 1000));
  create table orders (id int primary key, person int references people, total numeric(10,2));
  create view contacts as select id, name as who, ssn as number from people;
  insert into people select n, 'Person ' || n, '900-' || n, date '1980-01-01' + n, n from generate_series(1, 20) n;
  insert into orders select n, 1 + n % 20, n * 1.5 from generate_series(1, 50) n;
  grant all on all tables in schema public to app;
  grant select on all tables in schema public to app_ro;
  create schema side;
  create table side.people (id int, ssn text);
  insert into side.people values (1, 'public knowledge');
  grant usage on schema side to app;
  grant select on side.people to app;
  create schema lab authorization app;
`

const roles = { app: 'APP_PASSWORD', app_ro: 'APP_RO_PASSWORD' }
const documents = (port: number, masks = ''): string => `${targetDocument(port, '', 'shop', roles)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: read, effect: allow, callers: { groups: [engineering] }, operations: [select], objects: ["public.*"] }
    - { name: write-orders, effect: allow, callers: { groups: [engineering] }, operations: [insert, update], objects: [public.orders, public.people] }
    - { name: schema, effect: allow, callers: { groups: [dba] } }
${
  masks === ''
    ? `  masks:
    - { columns: ["public.people.ssn", "public.people.born", "public.people.score"], method: redact, unless: { groups: [dba] } }`
    : masks
}
`

beforeAll(async () => {
  target = await startRealTarget({ schema })
  path = await startDataPath({
    yaml: documents(target.server.port),
    environment: { ...targetEnvironment, APP_RO_PASSWORD: 'app-secret-2' },
  })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await target?.stop()
})

const withClient = <T>(run: (client: pg.Client) => Promise<T>, shown = {}, more: pg.ClientConfig = {}): Promise<T> =>
  using(path, run, shown, more)
const count = async (sql: string): Promise<number> => Number((await target.admin.query(sql)).rows[0]?.n)

describe('a masked select', () => {
  const masked = { id: 1, name: 'Person 1', ssn: '[redacted]' }
  it('comes masked by the simple protocol', async () => {
    const rows = await withClient(
      async (client) => (await client.query('select id, name, ssn from people where id = 1')).rows,
    )
    expect(rows).toEqual([masked])
  })

  it('comes masked by the extended protocol', async () => {
    const rows = await withClient(
      async (client) => (await client.query('select id, name, ssn from people where id = $1', [1])).rows,
    )
    expect(rows).toEqual([masked])
  })

  it('comes masked through a named statement, twice', async () => {
    const query = { name: 'by-id', text: 'select ssn from people where id = $1', values: [1] }
    await withClient(async (client) => {
      expect((await client.query(query)).rows).toEqual([{ ssn: '[redacted]' }])
      expect((await client.query(query)).rows).toEqual([{ ssn: '[redacted]' }])
    })
  })

  it('comes masked in binary, valid in its type', async () => {
    const { rows } = await withClient(
      async (client) =>
        await client.query({
          text: 'select id, ssn, born, score from people where id = 1',
          binary: true,
        } as pg.QueryConfig),
    )
    expect(rows[0].id).toBe(1)
    expect(String(rows[0].ssn)).toBe('[redacted]')
    expect(rows[0].score === null || typeof rows[0].score === 'number').toBe(true)
    expect(rows[0].score).not.toBe(1)
  })

  it.each([
    ['an alias', 'select p.ssn as harmless from people p'],
    ['a subquery', 'select x from (select ssn as x from people) as s'],
    ['a view', 'select number from contacts'],
    ['a union', 'select ssn from people union all select ssn from people'],
    ['returning', 'update people set name = name where id = 1 returning ssn'],
  ])('comes masked through %s', async (_, text) => {
    const { rows } = await withClient(async (client) => await client.query({ text, rowMode: 'array' }))
    expect(rows.length).toBeGreaterThan(0)
    expect(new Set(rows.flat())).toEqual(new Set(['[redacted]']))
  })

  it('comes plain for the group that is exempt', async () => {
    const rows = await withClient(async (client) => (await client.query('select ssn from people where id = 1')).rows, {
      groups: ['dba'],
    })
    expect(rows).toEqual([{ ssn: '900-1' }])
  })

  it('is denied where the lineage is no column', async () => {
    const error = await withClient((client) => errorOf(client.query('select upper(ssn) from people')))
    expect(error).toMatchObject({ code: '42501', severity: 'ERROR' })
    expect(error.hint).toContain('MASK_UNPROVABLE')
  })
})

describe('a denied write', () => {
  const denied = 'delete from orders where id = 1'
  it('changes nothing in autocommit, and the session goes on', async () => {
    const before = await count('select count(*) n from orders')
    await withClient(async (client) => {
      const error = await errorOf(client.query(denied))
      expect(error).toMatchObject({ code: '42501' })
      expect(error.hint).toContain('POLICY_UNCOVERED')
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
    expect(await count('select count(*) n from orders')).toBe(before)
  })

  it('R-1.20: fails the transaction that it stands in', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('insert into orders values (1001, 1, 1)')
      expect(await errorOf(client.query(denied))).toMatchObject({ code: '42501' })
      expect(await errorOf(client.query('select total from orders'))).toMatchObject({ code: '25P02' })
      expect((await client.query('commit')).command).toBe('ROLLBACK')
    })
    expect(await count('select count(*) n from orders where id = 1001')).toBe(0)
  })

  it('R-1.20: the same by the extended protocol, and a savepoint brings the transaction back', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('insert into orders values ($1, 1, 1)', [1002])
      await client.query('savepoint s')
      expect(await errorOf(client.query('delete from orders where id = $1', [1]))).toMatchObject({ code: '42501' })
      expect(await errorOf(client.query('select $1::int', [1]))).toMatchObject({ code: '25P02' })
      await client.query('rollback to s')
      await client.query('commit')
    })
    expect(await count('select count(*) n from orders where id = 1002')).toBe(1)
    await target.admin.query('delete from orders where id = 1002')
  })

  it('R-1.22: stops the whole text, although the first statement is allowed', async () => {
    await withClient(async (client) => {
      const text = `insert into orders values (1003, 1, 1); ${denied}; insert into orders values (1004, 1, 1)`
      expect(await errorOf(client.query(text))).toMatchObject({ code: '42501' })
    })
    expect(await count('select count(*) n from orders where id in (1003, 1004)')).toBe(0)
  })

  it('R-1.19: in a pipeline nothing of the batch commits, and the next batch does', async () => {
    await withClient(async (client) => {
      const { connection } = client as unknown as { connection: PipelineConnection }
      const seen = watch(connection)
      const say = (text: string) => {
        connection.parse({ name: '', text, types: [] })
        connection.bind({ portal: '', statement: '', values: [], binary: false })
        connection.execute({ portal: '', rows: 0 })
      }
      say('insert into orders values (1005, 1, 1)')
      say(denied)
      say('insert into orders values (1006, 1, 1)')
      connection.sync()
      say('insert into orders values (1007, 1, 1)')
      connection.sync()
      await seen.ready(2)
      expect(seen.tags).toEqual(['INSERT 0 1', 'INSERT 0 1'])
      expect(seen.errors).toEqual(['42501'])
    })
    expect((await target.admin.query('select id from orders where id > 1000')).rows).toEqual([{ id: 1007 }])
    await target.admin.query('delete from orders where id = 1007')
  })

  it('is recorded with its rule, and without an intent', async () => {
    const from = path.recorder.entries.length
    await withClient(async (client) => errorOf(client.query('delete from orders where id = 4711')))
    const bodies = path.recorder.entries.slice(from).map(({ body }) => body)
    expect(bodies.map(({ kind }) => kind)).toEqual(['session-opened', 'denied', 'session-closed'])
    expect(bodies[1]).toMatchObject({
      verb: 'delete',
      code: 'POLICY_UNCOVERED',
      text: 'delete from orders where id = 4711',
    })
  })
})

/** What of pg's internal connection a test needs to build its own pipelines. */
interface PipelineConnection extends NodeJS.EventEmitter {
  parse(query: { name: string; text: string; types: number[] }): void
  bind(config: { portal: string; statement: string; values: unknown[]; binary: boolean }): void
  execute(config: { portal: string; rows: number }): void
  query(text: string): void
  sync(): void
}
function watch(connection: PipelineConnection) {
  const tags: string[] = []
  const errors: string[] = []
  let count = 0
  let wake = () => {}
  connection.removeAllListeners('errorMessage')
  connection.removeAllListeners('commandComplete')
  connection.removeAllListeners('readyForQuery')
  connection.on('commandComplete', (message: { text: string }) => tags.push(message.text))
  connection.on('errorMessage', (message: pg.DatabaseError) => errors.push(message.code ?? ''))
  connection.on('readyForQuery', () => {
    count += 1
    wake()
  })
  return {
    tags,
    errors,
    async ready(times: number) {
      while (count < times) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

describe('a policy that changes', () => {
  it('R-1.21: bites on a statement that was prepared before', async () => {
    await withClient(async (client) => {
      const query = { name: 'total', text: 'select total from orders where id = $1', values: [1] }
      expect((await client.query(query)).rows).toHaveLength(1)
      const closed = documents(target.server.port).replace('objects: ["public.*"]', 'objects: ["public.people"]')
      path.snapshots.publish(path.snapshot(closed, { version: 2 }))
      expect(await errorOf(client.query(query))).toMatchObject({ code: '42501' })
      path.snapshots.publish(path.snapshot(documents(target.server.port), { version: 3 }))
      expect((await client.query(query)).rows).toHaveLength(1)
    })
  })

  it('masks at once what a new rule names', async () => {
    await withClient(async (client) => {
      const query = { name: 'name', text: 'select name from people where id = $1', values: [1] }
      expect((await client.query(query)).rows).toEqual([{ name: 'Person 1' }])
      const masks = `  masks:\n    - { columns: ["public.people.*"], method: redact, predicates: any }`
      path.snapshots.publish(path.snapshot(documents(target.server.port, masks), { version: 4 }))
      expect((await client.query(query)).rows).toEqual([{ name: '[redacted]' }])
      path.snapshots.publish(path.snapshot(documents(target.server.port), { version: 5 }))
    })
  })

  it.each([
    ['a revoked token', { revocations: [{ jti: 'bad', issuer: '', subject: '', beforeMs: 0 }] }, undefined],
    ['a target that is gone', {}, 'kind: TargetGone'],
  ])('ends an open session for %s', async (_, rest, gone) => {
    const client = await path.connect({ jti: 'bad' })
    const ended = new Promise<string>((resolve) =>
      client.on('error', (error: Error) => resolve((error as pg.DatabaseError).code ?? '')),
    )
    const { targets } = path.snapshot(documents(target.server.port))
    path.snapshots.publish(
      path.snapshot(documents(target.server.port), { ...rest, targets: gone === undefined ? targets : new Map() }),
    )
    expect(await ended).toBe('57P01')
    path.snapshots.publish(path.snapshot(documents(target.server.port)))
  })

  it('ends an open session when the owner of the target no longer trusts what it was judged by', async () => {
    const spec = '  roles: [{ name: app,'
    const trusting = documents(target.server.port).replace(
      spec,
      `  trusted: { functions: ["public.audit()"] }\n${spec}`,
    )
    path.snapshots.publish(path.snapshot(trusting))
    const client = await path.connect()
    const ended = new Promise<string>((resolve) =>
      client.on('error', (error: Error) => resolve((error as pg.DatabaseError).code ?? '')),
    )
    path.snapshots.publish(path.snapshot(trusting, { version: 2 }))
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    path.snapshots.publish(path.snapshot(documents(target.server.port), { version: 3 }))
    expect(await ended).toBe('57P01')
  })

  it('denies each statement when the snapshot has expired, and the session stays', async () => {
    await withClient(async (client) => {
      path.snapshots.fail(new SallyportError('SNAPSHOT_EXPIRED', 'the policies have expired'))
      expect(await errorOf(client.query('select 1'))).toMatchObject({ code: '57P03' })
      path.snapshots.fail(null)
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })
})

describe('names and settings', () => {
  it('follows search_path, and knows when a rollback takes it back', async () => {
    const yaml = documents(target.server.port).replace('objects: ["public.*"]', 'objects: ["public.*", "side.*"]')
    path.snapshots.publish(path.snapshot(yaml))
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('set search_path to side')
      expect((await client.query('select ssn from people')).rows).toEqual([{ ssn: 'public knowledge' }])
      await client.query('rollback')
      expect((await client.query('select ssn from people where id = 1')).rows).toEqual([{ ssn: '[redacted]' }])
      await client.query('set search_path to side')
      expect((await client.query('select ssn from people where id = $1', [1])).rows).toEqual([
        { ssn: 'public knowledge' },
      ])
      await client.query('set search_path to public')
      expect((await client.query('select ssn from people where id = $1', [1])).rows).toEqual([{ ssn: '[redacted]' }])
    })
    path.snapshots.publish(path.snapshot(documents(target.server.port)))
  })

  it.each([
    ['set standard_conforming_strings to off', '42501'],
    ["select set_config('standard_conforming_strings', 'off', false)", '42501'],
    ["select set_config('search_path', 'pg_temp', false)", '42501'],
    ['set role postgres', '42501'],
    ["copy orders to '/tmp/x'", '42501'],
  ])('refuses %s', async (text, code) => {
    expect(await withClient((client) => errorOf(client.query(text)))).toMatchObject({ code })
  })

  it('R-1.21: masks through PREPARE and EXECUTE, DECLARE and FETCH', async () => {
    await withClient(async (client) => {
      await client.query('prepare p as select ssn from people where id < 3')
      expect((await client.query('execute p')).rows).toEqual([{ ssn: '[redacted]' }, { ssn: '[redacted]' }])
      await client.query('begin')
      await client.query('declare c cursor for select ssn, name from people order by id')
      expect((await client.query('fetch 1 from c')).rows).toEqual([{ ssn: '[redacted]', name: 'Person 1' }])
      expect((await client.query({ text: 'fetch 1 from c', values: [] })).rows).toEqual([
        { ssn: '[redacted]', name: 'Person 2' },
      ])
      await client.query('commit')
    })
  })

  it('R-1.27: scrubs what the target says about protected columns', async () => {
    await withClient(async (client) => {
      const error = await errorOf(client.query("insert into people (id, ssn) values (100, '900-1')"))
      expect(error).toMatchObject({ code: '23505' })
      expect(JSON.stringify({ ...error, message: error.message })).not.toMatch(/900-1|people_ssn_key/)
    })
  })

  it('sees schema changes of its own at once', async () => {
    await withClient(
      async (client) => {
        await client.query('create table lab.fresh (a int)')
        await client.query('insert into lab.fresh values (1)')
        expect((await client.query('select a from lab.fresh')).rows).toEqual([{ a: 1 }])
        await client.query('drop table lab.fresh')
        expect(await errorOf(client.query('select a from lab.fresh'))).toMatchObject({ code: '42P01' })
        await client.query('begin')
        await client.query('create table lab.fresh (a int)')
        // R-3.14: nobody but this transaction sees it, the catalog reader neither; the session's own connection is asked.
        await client.query('insert into lab.fresh values (1)')
        await client.query('rollback')
      },
      { groups: ['dba'] },
    )
  })
})
