// Limits through the whole data path, to a real PostgreSQL: what callers get, what both sides think of the transaction
// afterwards, and what the record says. The clock that budgets follow is set by the tests.
import type { EntryBody } from '@sallyport/ledger/entry'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'

let server: PostgresServer
let admin: pg.Client
let path: DataPath
let aheadMs = 0

const documents = (limits: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec: { protocol: postgres, agents: [test], host: 127.0.0.1, port: ${server.port}, database: shop, tls: { mode: disable }, roles: [{ name: app, password: { env: APP_PASSWORD } }] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
    - { name: never-other, effect: deny, objects: [public.secret] }
  limits: ${limits}
`
const fiveRows = '[{ name: five, per: statement, rows: 5, objects: [public.customers] }]'

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } })
  const first = new pg.Client(server.url('postgres'))
  await first.connect()
  await first.query('create database shop')
  await first.end()
  admin = new pg.Client(server.url('shop'))
  await admin.connect()
  await admin.query(`
    create role app login password 'app-secret-1';
    create table customers (id int primary key, name text);
    create table notes (id serial primary key, what text);
    create table secret (id int);
    create view v_customers as select id, name from customers;
    create aggregate glue (text) (sfunc = textcat, stype = text, initcond = '');
    insert into customers select n, 'Customer ' || n from generate_series(1, 12) n;
    grant all on all tables in schema public to app;
    grant all on all sequences in schema public to app`)
  path = await startDataPath({
    yaml: documents(fiveRows),
    environment: { APP_PASSWORD: 'app-secret-1' },
    clock: { nowMs: () => Date.now() + aheadMs },
  })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await admin?.end()
  await server?.stop()
})

/** New sessions and those that are open judge by these limits from now on. */
const publish = (limits: string): void => path.snapshots.publish(path.snapshot(documents(limits)))

async function withClient<T>(run: (client: pg.Client) => Promise<T>, shown = {}): Promise<T> {
  const client = await path.connect({ seconds: 3_600, ...shown })
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}
const errorOf = async (promise: Promise<unknown>): Promise<pg.DatabaseError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown as pg.DatabaseError,
  )
  if (error === null) throw new Error('it did not fail')
  return error
}
/** Rows that came before the error, and the error. */
function stream(client: pg.Client, query: pg.QueryConfig & { rows?: number }) {
  const rows: unknown[] = []
  const asked = new pg.Query(query as never)
  asked.on('row', (row) => rows.push(row))
  return new Promise<{ rows: unknown[]; error: pg.DatabaseError | null }>((settle) => {
    asked.on('error', (error) => settle({ rows, error: error as pg.DatabaseError }))
    asked.on('end', () => settle({ rows, error: null }))
    client.query(asked)
  })
}
const ended = (body: EntryBody) => body.kind === 'outcome' && body.tag === 'LIMIT shop/five'

describe('R-2.12: at most five rows', () => {
  beforeAll(() => publish(fiveRows))

  it.each([
    ['no LIMIT', 'select id from customers', 5],
    ['LIMIT ALL', 'select id from customers limit all', 5],
    ['through a view', 'select id, name from v_customers', 5],
    ['WITH TIES', 'select 1 as one from customers order by 1 fetch first 2 rows with ties', 5],
    ['arms of a UNION', '(select id from customers limit 5) union all (select id from customers limit 5)', 5],
    ['one of several statements', 'select id from customers limit 3; select id from customers limit 3', 5],
    ['a join with another table', 'select c.id from customers c, generate_series(1, 2) n', 5],
    ['rows that an UPDATE returns', 'update customers set name = name where id > 0 returning id', 5],
  ])('%s', async (_, text, most) => {
    await withClient(async (client) => {
      const { rows, error } = await stream(client, { text })
      expect(rows).toHaveLength(most)
      expect(error).toMatchObject({
        code: '53400',
        message: 'limit "shop/five" ends the result: 5 rows for a statement',
      })
      if (!text.startsWith('update')) expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
    expect(await path.recorder.seen(ended)).toMatchObject({ result: 'failed', sqlstate: '53400', rows: 5 })
  })

  it.each([
    'select id from customers order by id limit 5',
    'select count(*), max(id) from customers',
    'select generate_series(1, 100)',
    "insert into notes (what) select 'x' from generate_series(1, 20)",
    'select name from customers where id in (select id from customers where id < 4)',
  ])('%s is within it', async (text) => {
    await withClient((client) => client.query(text))
  })

  it.each([
    "select string_agg(name, ',') from customers",
    'select array_agg(id) from customers',
    'select json_agg(c) from customers c',
    'select jsonb_object_agg(id, name) from customers',
    'select array(select id from customers)',
    'select glue(name) from customers',
    'select a.name, b.name from customers a, customers b where a.id = 1 and b.id = 2',
    'select (select name from customers where id = 1), (select name from customers where id = 2)',
    'insert into notes (what) select name from customers',
    'create temp table copied as select name from customers',
    'select json_arrayagg(name) from customers',
    'select lead(name, 1) over (order by id) from customers limit 1',
    "with recursive r (n, all_names) as (select 0, '' union all select n + 1, all_names || c.name from r join customers c on c.id = n + 1) select all_names from r order by n desc limit 1",
  ])('%s is refused', async (text) => {
    const error = await withClient((client) => errorOf(client.query(text)))
    expect(error.code).toMatch(/^(42501|42601|42883)$/)
    expect(error.message).not.toContain('Customer')
  })

  it('counts a cursor over all of its FETCHes', async () => {
    await withClient(async (client) => {
      await client.query('begin; declare c cursor for select id from customers')
      expect((await client.query('fetch 3 from c')).rows).toHaveLength(3)
      const { rows, error } = await stream(client, { text: 'fetch 3 from c' })
      expect(rows).toHaveLength(2)
      expect(error?.code).toBe('53400')
      expect((await errorOf(client.query('fetch 1 from c'))).code).toMatch(/25P02|42501/)
      await client.query('rollback')
    })
  })

  it('counts a cursor that is declared and fetched in one text, and goes on counting', async () => {
    await withClient(async (client) => {
      await client.query('begin; declare c cursor for select id from customers; fetch 4 from c')
      const { rows, error } = await stream(client, { text: 'fetch 4 from c' })
      expect([rows.length, error?.code]).toEqual([1, '53400'])
      await client.query('rollback')
    })
  })

  it('counts a portal over all of its Executes', async () => {
    await withClient(async (client) => {
      const { rows, error } = await stream(client, {
        text: 'select id from customers where id > $1',
        values: [0],
        rows: 3,
      })
      expect([rows.length, error?.code]).toEqual([5, '53400'])
    })
  })

  it('ends COPY', async () => {
    await withClient(async (client) => {
      const error = await errorOf(client.query('copy customers (id, name) to stdout'))
      expect(error.code).toBe('53400')
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
    await withClient((client) => client.query('copy (select id from customers limit 5) to stdout (format binary)'))
  })

  it('R-1.20: fails the transaction on both sides', async () => {
    await withClient(async (client) => {
      await client.query("begin; insert into notes (what) values ('in a transaction')")
      expect((await errorOf(client.query('select id from customers'))).code).toBe('53400')
      expect((await errorOf(client.query('select 1'))).code).toBe('25P02')
      await client.query('commit')
    })
    const { rows } = await admin.query("select count(*)::int as n from notes where what = 'in a transaction'")
    expect(rows).toEqual([{ n: 0 }])
  })

  it('asks the target to stop a result that is long, and the session goes on', async () => {
    const { rows, error } = await withClient(async (client) => {
      const text = "select c.id, repeat('x', 1000) from customers c, generate_series(1, 10000000)"
      const ended = await stream(client, { text })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      return ended
    })
    expect([rows.length, error?.code]).toEqual([5, '53400'])
  }, 60_000)
})

describe('a limit over time', () => {
  it('of statements is exact under fifty callers at once, over all sessions of a caller', async () => {
    publish('[{ name: minute, per: initiator, requests: 60, every: 1m }]')
    const clients = await Promise.all(Array.from({ length: 10 }, () => path.connect({ seconds: 3_600 })))
    const sent = clients.flatMap((client) => Array.from({ length: 10 }, () => client.query('select id from customers')))
    const all = await Promise.allSettled(sent)
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(60)
    const error = await errorOf(clients[0]!.query('select id from customers'))
    expect(error).toMatchObject({ code: '53400', hint: expect.stringMatching(/retry after (60|5[0-9]) s/) })
    expect(error.message).toBe('limit "shop/minute" is used up: 60 statements in 1m for each initiator')
    // A transaction can be ended, and others are not concerned.
    await clients[0]!.query('rollback')
    await withClient((client) => client.query('select id from customers'), { subject: 'bob' })
    aheadMs += 60_000
    await clients[0]!.query('select id from customers')
    await Promise.all(clients.map((client) => client.end()))
  })

  it('R-2.13: counts what is denied too', async () => {
    publish('[{ name: three, per: initiator, requests: 3, every: 1h }]')
    await withClient(async (client) => {
      for (let n = 0; n < 3; n++) expect((await errorOf(client.query('select * from secret'))).code).toBe('42501')
      expect((await errorOf(client.query('select id from customers'))).code).toBe('53400')
    })
  })

  it('of rows ends the result that would pass it, and refuses the next before it starts', async () => {
    publish('[{ name: r, per: initiator, rows: 20, every: 1h }]')
    await withClient(async (client) => {
      expect((await client.query('select id from customers')).rows).toHaveLength(12)
      const { rows, error } = await stream(client, { text: 'select id from customers' })
      expect([rows.length, error?.code]).toEqual([8, '53400'])
      expect((await errorOf(client.query('select id from customers'))).message).toContain('is used up: 20 rows in 1h')
      await client.query("insert into notes (what) values ('no rows')")
    })
    const denied = path.recorder.of('denied').at(-1)
    expect(denied).toMatchObject({ code: 'LIMIT_REACHED', rule: { policy: 'shop', version: 1, rule: 'r' } })
  })

  it('of bytes counts what goes to the caller', async () => {
    publish('[{ per: target, bytes: 1000, every: 1h }]')
    await withClient(async (client) => {
      const { rows, error } = await stream(client, { text: "select repeat('x', 94) from customers" })
      expect([rows.length, error?.code]).toEqual([10, '53400'])
    })
  })

  it('tells the message of the policy', async () => {
    publish('[{ name: m, per: initiator, requests: 1, every: 1h, message: Ask the data team for more. }]')
    await withClient(async (client) => {
      await client.query('select id from customers')
      const error = await errorOf(client.query('select id from customers'))
      expect(error).toMatchObject({ message: 'Ask the data team for more.', hint: expect.stringContaining('shop/m') })
    })
  })

  it('in shadow mode stops nothing, and is recorded where it would have', async () => {
    publish(
      '[{ name: quiet, per: initiator, requests: 1, every: 1h, mode: shadow }, { name: few, per: statement, rows: 2, mode: shadow }]',
    )
    await withClient(async (client) => {
      await client.query('select id from customers')
      expect((await client.query('select id from customers')).rows).toHaveLength(12)
    })
    const quiet = [{ policy: 'shop', version: 1, rule: 'quiet', effect: 'limit' }]
    expect(path.recorder.of('intent').at(-1)).toMatchObject({ shadow: quiet })
    const few = { policy: 'shop', version: 1, rule: 'few', effect: 'limit' }
    expect(await path.recorder.seen((body) => body.kind === 'outcome' && body.shadow !== undefined)).toMatchObject({
      result: 'done',
      shadow: [few],
    })
  })
})
