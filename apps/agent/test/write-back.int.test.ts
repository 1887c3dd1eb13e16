// Masked values that are sent back, through the whole data path to a real PostgreSQL: refused in every way in which
// applications write, while honest values are written (issue 5, write-back safety).
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'

let server: PostgresServer
let admin: pg.Client
let path: DataPath

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
    create table customers (id int primary key, name text, email text, card text, key uuid, mail varchar(60));
    create view contacts as select id, email as address from customers;
    insert into customers values (1, 'Ann', 'ann@example.com', '4111111111111111', '6a1b3c5d-7e8f-4a0b-9c1d-2e3f4a5b6c7d', 'ann@mail.example');
    grant all on all tables in schema public to app`)
  path = await startDataPath({
    yaml: `
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
  rules: [{ name: all, effect: allow, callers: { any: true } }]
  masks:
    - { name: mail, columns: [public.customers.email], method: redact, unless: { groups: [dba] } }
    - { name: cards, columns: [public.customers.card], method: { partial: { keepLast: 4 } }, unless: { groups: [dba] } }
    - { name: keys, columns: [public.customers.key], method: hash, unless: { groups: [dba] } }
    - { name: box, columns: [public.customers.mail], method: email, unless: { groups: [dba] } }
`,
    environment: { APP_PASSWORD: 'app-secret-1' },
  })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await admin?.end()
  await server?.stop()
})

async function withClient<T>(run: (client: pg.Client) => Promise<T>, shown = {}): Promise<T> {
  const client = await path.connect(shown)
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}
const outcomeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: pg.DatabaseError) => `${error.code} ${error.message}`,
  )
const real = async () => (await admin.query('select * from customers where id = 1')).rows[0]
const refusedFor = (column: string) =>
  expect.stringMatching(new RegExp(`^42501 refused: the value sent for "public.customers.${column}"`))

describe('a masked value that is sent back', () => {
  it.each([
    ['a constant', "update customers set email = '[redacted]' where id = 1", [], 'email'],
    ['a constant with a cast', "update customers set email = '[redacted]'::text where id = 1", [], 'email'],
    ['a parameter', 'update customers set email = $1 where id = $2', ['[redacted]', 1], 'email'],
    [
      'a parameter in an expression',
      "update customers set email = coalesce($1, 'x') where id = $2",
      ['[redacted]', 1],
      'email',
    ],
    ['a row that is inserted', "insert into customers (id, name, email) values (2, 'Bob', '[redacted]')", [], 'email'],
    [
      'one of several rows',
      "insert into customers (id, email) values (3, 'c@example.com'), (4, $1)",
      ['[redacted]'],
      'email',
    ],
    [
      'an upsert',
      'insert into customers (id, card) values (1, $1) on conflict (id) do update set card = excluded.card',
      ['****1111'],
      'card',
    ],
    [
      'an array',
      'insert into customers (id, card) select n, c from unnest($1::int[], $2::text[]) as u (n, c)',
      ['{8,9}', '{x,****1111}'],
      'card',
    ],
    ['a view', "update contacts set address = '[redacted]' where id = 1", [], 'email'],
    ['an address', 'update customers set mail = $1 where id = 1', ['***@mail.example'], 'mail'],
    ['a dollar-quoted constant', 'update customers set email = $$[redacted]$$ where id = 1', [], 'email'],
  ])('%s', async (_, text, values, column) => {
    const before = await real()
    expect(await withClient((client) => outcomeOf(client.query(text, values)))).toEqual(refusedFor(column))
    expect(await real()).toEqual(before)
  })

  it('by an application that reads a row and stores it whole', async () => {
    const before = await real()
    await withClient(async (client) => {
      const [row] = (await client.query('select * from customers where id = 1')).rows
      expect(row.key).not.toBe(before.key)
      for (const column of ['email', 'card', 'key', 'mail'])
        expect(
          await outcomeOf(client.query(`update customers set ${column} = $1 where id = 1`, [row[column]])),
        ).toEqual(refusedFor(column))
    })
    expect(await real()).toEqual(before)
  })

  it('as a parameter in binary format', async () => {
    const before = await real()
    await withClient(async (client) => {
      const query = { text: 'update customers set email = $1 where id = 1', values: [Buffer.from('[redacted]')] }
      expect(await outcomeOf(client.query(query))).toEqual(refusedFor('email'))
    })
    expect(await real()).toEqual(before)
  })

  it('is not confused with an honest one', async () => {
    await withClient(async (client) => {
      await client.query(
        "update customers set email = 'ann@new.example', card = '4000000000000002', name = '[redacted]', key = gen_random_uuid() where id = $1",
        [1],
      )
    }).catch((error: pg.DatabaseError) => {
      // The name is no masked column, but stands in the same statement as one: the price of not following each value.
      expect(error.message).toContain('public.customers.email')
    })
    await withClient((client) =>
      client.query("update customers set email = 'ann@new.example', card = '4000000000000002' where id = $1", [1]),
    )
    await withClient((client) => client.query("update customers set name = '[redacted]' where id = 1"))
    expect(await real()).toMatchObject({ email: 'ann@new.example', name: '[redacted]' })
  })

  it('may be written by whom the mask does not concern', async () => {
    await withClient((client) => client.query("update customers set email = '[redacted]' where id = 1"), {
      groups: ['dba'],
    })
    await admin.query("update customers set email = 'ann@example.com' where id = 1")
  })

  it('fails a COPY, of which nothing is stored', async () => {
    const { rows } = await admin.query('select count(*)::int as n from customers')
    const client = await rawClient(path)
    const copy = (...parts: string[]) =>
      client.send(...parts.map((part) => ({ type: 'copyData', bytes: Buffer.from(part) }) as const), {
        type: 'copyDone',
      })
    client.send({ type: 'query', text: 'copy customers (id, email) from stdin' })
    await client.next('copyInResponse')
    copy('20\tdora@example.com\n21\t[reda', 'cted]\n22\te@example.com\n')
    const { fields } = await client.next('errorResponse')
    expect(fields.find(([code]) => code === 'M')?.[1]).toContain('public.customers.email')
    await client.next('readyForQuery')
    client.send({ type: 'query', text: 'copy customers (id, email) from stdin' })
    await client.next('copyInResponse')
    copy('20\tdora@example.com\n')
    expect(await client.next('commandComplete')).toMatchObject({ tag: 'COPY 1' })
    client.destroy()
    expect((await admin.query('select count(*)::int as n from customers')).rows[0].n).toBe(rows[0].n + 1)
  })
})
