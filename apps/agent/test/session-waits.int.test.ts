// Statements that wait for a lock while somebody past the agent, or exempt from masks, changes what their names mean: the
// target looks names up after the wait, and nothing of the answer may be shown (THREATS ).
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'

let server: PostgresServer
let path: DataPath
let admin: pg.Client
/** Activity as it is now: a transaction sees that of its first look. */
let watch: pg.Client

const schema = `
  create role app login password 'app-secret-1';
  do $$ begin for t in 1..6 loop
    execute format('create table people_%s (id int primary key, name text, ssn text)', t);
    execute format('insert into people_%s select n, ''Person '' || n, ''900-'' || n from generate_series(1, 3) n', t);
    execute format('alter table people_%s owner to app', t);
  end loop; end $$;
  create function tag(text) returns text language sql stable as 'select upper($1)';
`
const yaml = (port: number): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${port}
  database: postgres
  tls: { mode: disable }
  roles: [{ name: app, password: { env: APP_PASSWORD } }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
  masks:
    - { columns: [public.people_*.ssn], method: redact, unless: { groups: [dba] } }
`

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } })
  admin = new pg.Client(server.url('postgres'))
  await admin.connect()
  watch = new pg.Client(server.url('postgres'))
  await watch.connect()
  await admin.query(schema)
  path = await startDataPath({ yaml: yaml(server.port), environment: { APP_PASSWORD: 'app-secret-1' } })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await admin?.end()
  await watch?.end()
  await server?.stop()
})

/** Settles once a statement of the role has waited for a lock for longer than a catalog may be old. */
async function waitsLong(): Promise<void> {
  const waiting = `select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'
    and clock_timestamp() - query_start > interval '1.3 s' and application_name <> 'sallyport catalog'`
  while ((await watch.query(waiting)).rowCount === 0) await watch.query('select pg_sleep(0.05)')
}

let tables = 0
/** Runs `text` on a table of its own behind a lock, does `change` in the transaction that has the lock, and ends that after a
 * while. What was changed for another case a moment ago would be seen up to a second later. */
async function behind(change: string, text: string, values?: unknown[]): Promise<unknown> {
  tables += 1
  const own = (sql: string): string => sql.replaceAll('people', `people_${tables}`)
  const client = await path.connect()
  client.on('error', () => {})
  try {
    await client.query(own('select 1 from people'))
    await admin.query(own(`begin; lock table people in access exclusive mode; ${change}`))
    const outcome = client.query(own(text), values).then(
      ({ rows }) => rows,
      (error: Error) => error.message,
    )
    await waitsLong()
    await admin.query('commit')
    return await outcome
  } finally {
    await client.end().catch(() => {})
  }
}

const swap = 'alter table people rename name to name2; alter table people rename ssn to name'
const ended = expect.stringMatching(/does not fit the judged statement|terminated/)

describe('a statement that waits for a lock', () => {
  it.each([
    ['an expression', 'select upper(name) as v from people', undefined],
    ['a column', 'select name from people', undefined],
    ['a condition', "select id from people where name like '900%'", undefined],
    ['the extended protocol', 'select upper(name) as v from people where id > $1', [0]],
  ])('shows nothing where the names in %s mean others after it', async (_, text, values) => {
    expect(await behind(swap, text, values)).toEqual(ended)
  })

  it('shows nothing where a function reads something else after it', async () => {
    const replaced = `create or replace function tag(text) returns text language sql stable as 'select max(ssn) from people'`
    expect(await behind(replaced, 'select tag(name) from people')).toEqual(ended)
  })

  it('answers where something else was changed meanwhile', async () => {
    expect(await behind('create table other (id int)', 'select upper(name) as v from people order by id')).toEqual([
      { v: 'PERSON 1' },
      { v: 'PERSON 2' },
      { v: 'PERSON 3' },
    ])
  })
})
