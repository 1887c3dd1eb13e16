// A scan of a real PostgreSQL: what is counted, what is left alone, and that no value is in anything that leaves the agent,
// in answers and in errors alike (issue 5; THREATS for what detectors cannot see).
import { randomBytes } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { manualClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { proposalsOf, type ScanReport } from '@sallyport/mask/scan'
import { type ScanDone, ScanRequestedSchema } from '@sallyport/proto/gen/sallyport/v1/scan_pb'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { openScans, type Scan } from '../src/link/scans.ts'
import { type ScanDeps, scanTarget } from '../src/postgres/scan.ts'
import { connectUpstream } from '../src/postgres/upstream.ts'

const planted = 'planted.value.7391@example.test'

const schema = `
  CREATE ROLE scanner LOGIN PASSWORD 'scanner-word';
  CREATE DOMAIN address AS text CHECK (VALUE LIKE '%@%');
  CREATE TABLE customers (id int, name text, contact address, ssn varchar(11), card bigint, joined date, secret_note text);
  INSERT INTO customers SELECT n, 'Customer ' || n, 'c' || n || '@example.test', '219-09-' || (1000 + n), 4111111111111111,
    '2024-01-01', 'hidden ' || n FROM generate_series(1, 50) n;
  INSERT INTO customers (contact) VALUES ('${planted}');
  CREATE TABLE notes (body text, extra jsonb, tags text[]);
  INSERT INTO notes SELECT CASE WHEN n = 1 THEN 'ask ${planted}' ELSE 'nothing to see in note ' || n END,
    jsonb_build_object('mail', 'x' || n || '@example.test'), ARRAY['a', '+4930123456' || n % 10] FROM generate_series(1, 100) n;
  CREATE TABLE empty (work_email text, phone_number text);
  CREATE TABLE parts (day date, token text) PARTITION BY RANGE (day);
  CREATE TABLE parts_2024 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  INSERT INTO parts VALUES ('2024-05-05', 'ghp_${'a1B2'.repeat(9)}');
  CREATE TABLE closed (email text); INSERT INTO closed VALUES ('${planted}');
  CREATE TABLE big (email text); INSERT INTO big SELECT 'b' || n || '@example.test' FROM generate_series(1, 60000) n; ANALYZE big;
  CREATE FUNCTION boom() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''the value is ${planted}''; END';
  CREATE TABLE trapped (email text); INSERT INTO trapped VALUES ('${planted}');
  ALTER TABLE trapped ENABLE ROW LEVEL SECURITY; CREATE POLICY trap ON trapped USING (boom());
  CREATE VIEW shown AS SELECT contact, boom() AS trap FROM customers;
  CREATE TABLE "Odd ""Name" ("e.Mail" text); INSERT INTO "Odd ""Name" VALUES ('a@b.io');
  GRANT SELECT ON ALL TABLES IN SCHEMA public TO scanner;
  REVOKE SELECT ON closed, customers FROM scanner;
  GRANT SELECT (id, name, contact, ssn, card, joined) ON customers TO scanner`

let server: PostgresServer
let report: ScanReport
const logged: unknown[] = []

const deps = (): ScanDeps => ({
  target: 'shop',
  role: 'scanner',
  clock: manualClock(1),
  connect: async (parameters, signal) =>
    await connectUpstream({
      host: '127.0.0.1',
      port: server.port,
      tls: { mode: 'disable' },
      user: 'scanner',
      password: new Secret('scanner-word'),
      database: 'postgres',
      parameters,
      signal,
      random: randomBytes,
    }),
})

beforeAll(async () => {
  server = await startPostgres()
  const admin = new pg.Client({ connectionString: server.url('postgres') })
  await admin.connect()
  await admin.query(schema)
  await admin.end()
  report = await scanTarget(deps(), 200, new AbortController().signal)
})
afterAll(async () => await server.stop())

const found = (relation: string, column: string) =>
  report.found.find((one) => one.relation === relation && one.column === column)

describe('counts', () => {
  test('texts of every kind: domains, numbers, JSON, arrays, odd names', () => {
    expect(found('customers', 'contact')).toMatchObject({ values: 51, hits: { email: 51 } })
    expect(found('customers', 'ssn')).toMatchObject({ values: 50, hits: { 'us-ssn': 50 } })
    expect(found('customers', 'card')).toMatchObject({ values: 50, hits: { card: 50 } })
    expect(found('notes', 'extra')?.hits).toEqual({ email: 100 })
    expect(found('notes', 'tags')?.hits).toEqual({ phone: 100 })
    expect(found('Odd "Name', 'e.Mail')?.hits).toEqual({ email: 1 })
    expect(found('customers', 'name')).toBeUndefined()
    expect(report.found.filter(({ relation }) => relation.startsWith('parts')).map(({ relation }) => relation)).toEqual(
      ['parts'],
    )
  })

  test('are proposals for what is telling, by value or by name, and none for a text that mentions one', () => {
    const proposed = proposalsOf(report).map(
      ({ column, label, evidence }) => `${column.relation}.${column.column} ${label} ${evidence}`,
    )
    expect(proposed.sort()).toEqual([
      'Odd "Name.e.Mail pii.email values',
      'big.email pii.email values',
      'customers.card pii.card values',
      'customers.contact pii.email values',
      'customers.ssn pii.us-ssn values',
      'empty.phone_number pii.phone name',
      'empty.work_email pii.email name',
      'notes.extra pii.email values',
      'notes.tags pii.phone values',
      'parts.token secret.token values',
    ])
    expect(found('notes', 'body')?.hits).toEqual({ email: 1 })
  })

  test('of a large table are of a drawn sample', () => {
    expect(found('big', 'email')?.values).toBeGreaterThan(0)
    expect(found('big', 'email')?.values).toBeLessThanOrEqual(200)
  })

  test('leave out what the role may not read, and say so; views are not read', () => {
    expect(report.unread.map(({ relation }) => relation).sort()).toEqual(['closed', 'customers', 'trapped'])
    expect(report.found.some(({ relation }) => relation === 'shown' || relation === 'trapped')).toBe(false)
    expect(report.isCut).toBe(false)
  })
})

describe('nothing that leaves', () => {
  /** What the link would send, and what the log has. */
  const sent = async (scan: Scan): Promise<ScanDone> =>
    await new Promise((send) => {
      const note = (fields: unknown, message: string) => void logged.push([fields, message])
      const log = { debug: note, info: note, warn: note, error: note }
      openScans({ scan, log, send }).requested(create(ScanRequestedSchema, { scan: 'a', target: 'shop', rows: 200 }))
    })
  const textOf = (done: ScanDone): string =>
    `${new TextDecoder().decode(done.report)} ${done.errorCode} ${done.errorMessage} ${JSON.stringify(logged)}`

  test('holds a value of the target, and the search would find one', async () => {
    const done = await sent(async ({ rows }, signal) => await scanTarget(deps(), rows, signal))
    expect(done.errorCode).toBe('')
    expect(textOf(done)).toContain('contact')
    for (const part of [planted, 'planted', '7391', 'example.test', '4111', '219-09', 'ghp_'])
      expect(textOf(done)).not.toContain(part)
    expect(`${textOf(done)}${planted}`).toContain('planted')
  })

  test.each([
    ['an error that quotes a value', () => Promise.reject(new Error(`invalid input: "${planted}"`))],
    ['a report with a value in it', async () => ({ ...report, sample: [planted] })],
    ['a count that is a value', async () => ({ ...report, found: [{ ...report.found[0], hits: { [planted]: 1 } }] })],
  ])('%s is replaced by a neutral error', async (_, scan) => {
    const done = await sent(scan as Scan)
    expect(done).toMatchObject({ errorCode: 'UPSTREAM_UNREACHABLE' })
    expect(done.report).toHaveLength(0)
    expect(textOf(done)).not.toContain('planted')
  })

  test('one scan runs at a time, and asks for no more rows than the limit', async () => {
    const asked: number[] = []
    const done: ScanDone[] = []
    let finish = (_: ScanReport): void => undefined
    const scan: Scan = async ({ rows }) => {
      asked.push(rows)
      return await new Promise((resolve) => {
        finish = resolve
      })
    }
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const answered = new Promise<void>((resolve) => {
      const scans = openScans({ scan, log, send: (one) => (done.push(one) === 2 ? resolve() : undefined) })
      const request = (id: string) => create(ScanRequestedSchema, { scan: id, target: 'shop', rows: 9_999_999 })
      scans.requested(request('a'))
      scans.requested(request('a'))
      scans.requested(request('b'))
    })
    finish(report)
    await answered
    expect(asked).toEqual([limits.scanRowsMax])
    expect(done.map((one) => [one.scan, one.errorCode])).toEqual([
      ['b', 'CONFLICT'],
      ['a', ''],
    ])
  })
})
