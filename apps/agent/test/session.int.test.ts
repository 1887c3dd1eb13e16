// Sessions through the whole data path, to a real PostgreSQL, with the driver that most Node programs use.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'

let server: PostgresServer
let path: DataPath
let admin: pg.Client

const schema = `
  create role app login password 'app-secret-1';
  create role app_ro login password 'app-secret-2';
  create table people (id int primary key, name text, ssn text unique, born date, score int check (score < 1000));
  create table orders (id int primary key, person int references people, total numeric(10,2));
  create view contacts as select id, name as who, ssn as number from people;
  insert into people select n, 'Person ' || n, '900-' || n, date '1980-01-01' + n, n from generate_series(1, 20) n;
  insert into orders select n, 1 + n % 20, n * 1.5 from generate_series(1, 50) n;
  grant all on all tables in schema public to app;
  grant select on all tables in schema public to app_ro;
`

const documents = (port: number, masks = ''): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${port}
  database: shop
  tls: { mode: disable }
  roles:
    - { name: app, password: { env: APP_PASSWORD } }
    - { name: app_ro, password: { env: APP_RO_PASSWORD } }
---
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
  server = await startPostgres({ settings: { fsync: 'off' } })
  admin = new pg.Client(server.url('postgres'))
  await admin.connect()
  await admin.query('create database shop')
  await admin.end()
  admin = new pg.Client(server.url('shop'))
  admin.on('error', () => {})
  await admin.connect()
  await admin.query(schema)
  path = await startDataPath({
    yaml: documents(server.port),
    environment: { APP_PASSWORD: 'app-secret-1', APP_RO_PASSWORD: 'app-secret-2' },
  })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await admin?.end()
  await server?.stop()
})

/** Runs with a client and closes it, whatever happens. */
async function withClient<T>(
  run: (client: pg.Client) => Promise<T>,
  shown = {},
  more: pg.ClientConfig = {},
): Promise<T> {
  const client = await path.connect(shown, more)
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}
const errorOf = async (promise: Promise<unknown>): Promise<pg.DatabaseError> => {
  try {
    await promise
  } catch (error) {
    return error as pg.DatabaseError
  }
  throw new Error('it did not fail')
}
const count = async (sql: string): Promise<number> => Number((await admin.query(sql)).rows[0]?.n)

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
