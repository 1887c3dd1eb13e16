// What `npm run leak` stands on: two whole stacks that differ in nothing that an answer may quote. A few attacks of our own, in
// the shape of a suite's cases: neither leg shows a secret, and both say the same to the byte.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverFolder } from './clients/tools.ts'
import { type Legs, startLegs } from './leak/legs.ts'

interface Case {
  readonly id: string
  readonly policy: string
  readonly role: string
  readonly steps: readonly { readonly q: string }[]
  readonly must_be_denied?: boolean
  /** Rows that a legitimate use must return. */
  readonly rows?: number
}

const asRw = (policy: string, id: string, ...texts: readonly string[]): Case => ({
  id,
  policy,
  role: 'app_rw',
  steps: texts.map((q) => ({ q })),
})
const denied = (one: Case): Case => ({ ...one, must_be_denied: true })

const cases: readonly Case[] = [
  { ...asRw('mask-strict', 'a-masked-column', 'SELECT id, email, ssn FROM customers ORDER BY id'), rows: 2 },
  { ...asRw('mask-strict', 'no-protected-column', 'SELECT id, name FROM customers ORDER BY id'), rows: 2 },
  denied(asRw('mask-strict', 'an-expression', 'SELECT md5(ssn) FROM customers')),
  denied(asRw('mask-strict', 'an-oracle', "SELECT id FROM customers WHERE ssn LIKE '9%'")),
  denied(asRw('mask-strict', 'a-copy', 'CREATE TEMP TABLE t AS SELECT ssn FROM customers')),
  asRw('mask-strict', 'an-error-that-quotes', 'INSERT INTO customers SELECT id, name, email, ssn FROM customers'),
  denied(asRw('read-only', 'a-write', 'UPDATE customers SET name = name')),
  denied(asRw('deny-table', 'another-schema', 'SELECT token FROM vault.api_tokens')),
  denied(asRw('no-admin', 'a-file', "SELECT pg_read_file('/etc/passwd')")),
  asRw('approval', 'a-held-statement', 'DELETE FROM orders'),
  denied(asRw('no-session-change', 'a-role', 'SET ROLE app_owner')),
]

const databases = ['demo_a', 'demo_b'] as const
const bin = serverFolder()
let legs: Legs
let login: (asked: { role: string; policy: string; database: string }) => Promise<pg.ClientConfig & { tls: object }>
const secrets = databases.map(() => ({
  email: `${randomBytes(6).toString('hex')}@example.org`,
  ssn: `9${randomBytes(5).toString('hex')}`,
}))

const schema = (own: { readonly email: string; readonly ssn: string }): string => `
CREATE TABLE customers (id integer PRIMARY KEY, name text, email text, ssn text UNIQUE);
CREATE TABLE orders (id integer PRIMARY KEY);
CREATE SCHEMA vault; CREATE TABLE vault.api_tokens (token text);
INSERT INTO customers VALUES (1, 'Ann', '${own.email}', '${own.ssn}'), (2, 'Bo', NULL, NULL);
INSERT INTO orders VALUES (1);
INSERT INTO vault.api_tokens VALUES ('${own.ssn}');
GRANT USAGE ON SCHEMA vault TO app_rw;
GRANT ALL ON ALL TABLES IN SCHEMA public, vault TO app_rw;
`

describe.runIf(bin !== undefined)('two legs of whole stacks', () => {
  beforeAll(async () => {
    legs = await startLegs({ bin: bin ?? '', databases: [...databases], preset: 'none' })
    const administer = async (database: string, text: string) => {
      const admin = new pg.Client({ connectionString: legs.target.url(database) })
      await admin.connect()
      await admin.query(text).finally(() => admin.end())
    }
    await administer('postgres', 'CREATE ROLE app_owner LOGIN; CREATE ROLE app_rw LOGIN; CREATE ROLE gw_admin LOGIN')
    for (const [at, database] of databases.entries()) {
      await administer('postgres', `CREATE DATABASE ${database}`)
      await administer(database, schema(secrets[at]!))
    }
    login = (await import(legs.loginFile)).default
  }, 180_000)
  afterAll(async () => {
    await legs?.stop()
  }, 60_000)

  /** All that a caller of this leg gets to see, and whether it was refused. */
  async function played({ policy, role, steps }: Case, database: string) {
    const { tls, ...asked } = await login({ role, policy, database })
    const [host = '', port] = legs.gateway.split(':')
    const client = new pg.Client({ ...asked, host, port: Number(port), ssl: tls })
    const seen: unknown[] = []
    let isRefused = false
    client.on('error', () => {}).on('notice', (notice) => seen.push({ ...notice }))
    await client.connect()
    try {
      for (const { q } of steps) {
        const { rows, fields } = await client.query({ text: q, rowMode: 'array' })
        seen.push(
          fields?.map(({ name }) => name),
          rows,
        )
      }
    } catch (thrown: any) {
      isRefused = true
      seen.push({ ...thrown, message: thrown.message })
    } finally {
      await client.end()
    }
    // Number and end of a request are others each time.
    const text = JSON.stringify(seen).replaceAll(/[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}/g, 'ID')
    return { isRefused, seen: text.replaceAll(/\d\d:\d\d:\d\dZ/g, 'TIME') }
  }

  test.each(cases)('$id', async (one) => {
    const [left, right] = [await played(one, databases[0]), await played(one, databases[1])]
    expect(left.seen).toBe(right.seen)
    for (const { email, ssn } of secrets) {
      expect(left.seen).not.toContain(email)
      expect(left.seen).not.toContain(ssn)
    }
    if (one.must_be_denied === true) expect(left.isRefused, left.seen).toBe(true)
    if (one.rows !== undefined) expect(JSON.parse(left.seen)[1]).toHaveLength(one.rows)
  })
})
