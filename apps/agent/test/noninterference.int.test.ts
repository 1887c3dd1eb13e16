// Noninterference (DESIGN §4): the same statement through the agent to two databases that differ only in protected values
// gives the caller the same bytes. Statements are made at random (query-grammar.ts); nothing is known of what they mean.
// THREATS R-3.13.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { encodeFrontend, encodeStartup } from '@sallyport/wire/postgres/encode'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { type Generated, grammar, randomOf } from './query-grammar.ts'

const isFull = process.env['SALLYPORT_TEST'] === 'full'
const statements = Number(process.env['SALLYPORT_STATEMENTS'] ?? (isFull ? 20_000 : 2_000))
const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
/**
 * Every other run is on a target that walks an index wherever one serves, as it would in a large table, and on tables whose indexes
 * hold protected values beside others: rows come in the order of those (THREATS R-3.2).
 */
const walks = seed % 2 === 1
const walking = { enable_seqscan: 'off', enable_bitmapscan: 'off', enable_hashjoin: 'off' }
const indexes = `
  CREATE INDEX ON customers (ssn) INCLUDE (id, name);
  CREATE INDEX ON customers (phone) INCLUDE (id, city);
  CREATE INDEX ON customers (lower(notes), profile);
  CREATE INDEX ON customers (dob) INCLUDE (name, city, vip);
  CREATE INDEX ON orders (qty, ship_phone);
  CREATE INDEX ON orders (ship_phone) INCLUDE (id, customer_id);
  CREATE INDEX ON payments (cvv) INCLUDE (id, order_id);
  CREATE INDEX ON payments (pan) WHERE amount > 7;
  CREATE INDEX ON person (tax_id) INCLUDE (id, full_name);
  CREATE INDEX ON contractor (tax_id, day_rate);
  CREATE INDEX ON hr.employees (salary) INCLUDE (id, team);
  CREATE INDEX ON hr.employees (national_id) INCLUDE (id, full_name)`
/**
 * Writes that are taken back leave as much behind as values are long, and where rows go then, and plans, follow what is free and the
 * sizes of tables (masking.md, "What is left"). So that both sides stay alike, what they left is taken away; what it has made of
 * indexes once in so many statements, since that takes longer.
 */
const tidyIndexesEvery = 100
const tidy = async (how: string): Promise<void> => {
  await Promise.all(tidiers.map((client) => client.query(`VACUUM (${how}) ${ownTables}`)))
}
const tidiers: pg.Client[] = []
/** The catalog is the same on both sides. */
let ownTables = ''
const ownTablesOf = `SELECT c.oid::regclass::text AS name FROM pg_class c
  WHERE relkind IN ('r', 'm') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'`
/** Of the statements that return rows at all; fewer would mean that the generator mostly tests refusals. */
const withRowsMin = 0.6
/** A sample ends after, in milliseconds, on a machine that is busy. */
const sampleMsMax = 60_000
/** Differences that are shown before the run ends. */
const shownMax = 5

const people = ['Ada Marsh', 'Boris Klein', 'Chloe Tran', 'Dmitri Olsen', 'Esther Pope', 'Farid Nolan', 'Greta Ibsen']
const cities = ['Oslo', 'Lyon', 'Porto', null]

/** What a pair may agree on is what a mask declares to release: nullness, the domain of an address, the end of a card. */
interface Secrets {
  readonly text: (at: number) => string
  readonly number: (at: number) => number
}
const left: Secrets = { text: (at) => `${(at * 7_919 + 13) % 1_000}left${at}`, number: (at) => 3_000 + at * 997 }
const right: Secrets = { text: (at) => `${(at * 6_007 + 99) % 1_000}righty${9 - at}`, number: (at) => 9_000 - at * 811 }

const quoted = (text: string | null): string => (text === null ? 'NULL' : `'${text}'`)
const orNull = (at: number, value: string): string => (at % 5 === 4 ? 'NULL' : `'${value}'`)

/** Tables whose triggers would carry a protected value somewhere (query-schema.sql). */
const triggerTables = ['plain', 'tests', 'variable', 'fails', 'once', 'raises', 'when', 'record'].map(
  (name) => `trg_${name}`,
)

/** Rows of one database. Numbers and names are the same in both, in the same places. */
function rows({ text, number }: Secrets): string {
  const list = people.map((name, at) => {
    const profile = `{"lang":"en","ids":{"ssn":"${text(at)}"}}`
    const prefs = `{"lang":"${at % 2 ? 'en' : 'de'}","size":${at},"contact":{"city":"Oslo","email":"${text(at)}@example.org"},
      "cards":[{"kind":"main","number":${number(at)}},{"kind":"old","number":"${text(at)}"}],"id":${number(at) % 3 === 0 ? `{"no":"${text(at)}"}` : `"${text(at)}"`}}`
    const dob = `${1950 + (number(at) % 50)}-0${1 + (number(at) % 9)}-1${number(at) % 9}`
    return `(${at + 1}, '${name}', ${orNull(at, `${text(at)}@example.org`)}, '${text(at + 10)}', ${orNull(at, `40000000${number(at)}1234`)},
      '+${number(at)}', '${dob}', ${quoted(cities[at % 4] ?? null)}, ${at % 2 === 0}, ${orNull(at, `note ${text(at)}`)}, '${profile}', '${prefs}')`
  })
  const staff = people.map(
    (name, at) => `(${at + 1}, '${name}', '${at % 2 ? 'sales' : 'lab'}', ${number(at)}, '${text(at + 40)}')`,
  )
  return `
    INSERT INTO customers VALUES ${list.join(', ')};
    INSERT INTO products SELECT n, 'sku' || n, 'Thing ' || n, n * 9.5 FROM generate_series(1, 5) n;
    INSERT INTO orders SELECT n, 1 + n % 7, 1 + n % 5, date '2024-06-01' + n * 40, 1 + n % 3, n * 10,
      CASE WHEN n % 2 = 0 THEN 'new' ELSE 'paid' END FROM generate_series(1, 14) n;
    UPDATE orders SET ship_phone = '${text(3)}' || id WHERE id % 3 <> 0;
    INSERT INTO payments SELECT n, n, '4111${number(2)}' || n || '99', ${number(1) % 900} + n, n * 5 FROM generate_series(1, 8) n;
    INSERT INTO person VALUES (1, 'Ada', '${text(20)}'), (2, 'Bo', NULL);
    INSERT INTO contractor VALUES (3, 'Cy', '${text(21)}', 80);
    INSERT INTO hr.employees (id, full_name, team, salary, national_id) VALUES ${staff.join(', ')};
    INSERT INTO scratch VALUES (1, 'a', 1), (2, 'b', 2.5), (3, NULL, NULL), (20, 'Oslo', 0);
    ${triggerTables.map((name) => `INSERT INTO ${name} VALUES (1, '${text(1)}', 'a', 0), (2, '${text(2)}', 'b', 0);`).join(' ')}
    INSERT INTO rls_tests VALUES (1, '${text(1)}', 'a'), (2, '${text(2)}', 'b');
    INSERT INTO rls_joined VALUES (1, 'a'), (2, 'b');
    INSERT INTO seen_once VALUES ('${left.text(1)}');
    INSERT INTO kept_rows SELECT id, c FROM customers c WHERE id < 4;`
}

const documents = (port: number, database: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${port}
  database: ${database}
  tls: { mode: disable }
  roles: [{ name: app, password: { env: APP_PASSWORD } }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: masks }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
  masks:
    - { columns: [public.customers.email], method: email }
    - { columns: [public.customers.card, public.payments.pan], method: "null" }
    - { columns: [public.customers.prefs], path: $.contact.email, method: email }
    - { columns: [public.customers.prefs], path: ["$.cards[*].number", $.id], method: redact }
    - columns:
        - public.customers.ssn
        - public.customers.phone
        - public.customers.dob
        - public.customers.notes
        - public.customers.profile
        - public.orders.ship_phone
        - public.payments.cvv
        - public.person.tax_id
        - hr.employees.salary
        - hr.employees.national_id
        - public.kept_log.what
        - public.seen_once.what
        - public.trg_*.secret
        - public.rls_tests.secret
      method: redact
`

let server: PostgresServer
/** One agent for each database, so that nothing tells them apart but what is in them. */
let paths: readonly DataPath[] = []

async function administer(database: string, text: string): Promise<void> {
  const client = new pg.Client(server.url(database))
  await client.connect()
  await client.query(text)
  await client.end()
}

beforeAll(async () => {
  // In which order rows come that an ORDER BY leaves equal is, with parallel workers, a matter of which of them is quicker: one
  // database gives several answers to one statement then (docs/masking.md). Timing is outside the guarantee.
  server = await startPostgres({
    settings: { fsync: 'off', autovacuum: 'off', max_parallel_workers_per_gather: '0', ...(walks ? walking : {}) },
  })
  await administer('postgres', "CREATE ROLE app LOGIN PASSWORD 'app-secret-1'")
  await administer('postgres', 'CREATE DATABASE side_left')
  await administer('side_left', readFileSync(new URL('query-schema.sql', import.meta.url), 'utf8'))
  if (walks) await administer('side_left', indexes)
  await administer('postgres', 'CREATE DATABASE side_right TEMPLATE side_left')
  await administer('side_left', rows(left))
  await administer('side_right', rows(right))
  for (const database of ['side_left', 'side_right']) {
    const client = new pg.Client(server.url(database))
    await client.connect()
    tidiers.push(client)
    const { rows: own } = await client.query<{ name: string }>(ownTablesOf)
    ownTables = own.map(({ name }) => name).join(', ')
  }
  const environment = { APP_PASSWORD: 'app-secret-1' }
  for (const database of ['side_left', 'side_right'])
    paths = [...paths, await startDataPath({ yaml: documents(server.port, database), environment })]
}, 120_000)

afterAll(async () => {
  for (const client of tidiers) await client.end()
  for (const path of paths) await path.stop()
  await server?.stop()
}, 60_000)

/** A session that keeps the bytes of every answer. */
interface Side {
  readonly isOpen: boolean
  run(texts: readonly string[]): Promise<Buffer>
  end(): void
}

async function openSide(path: DataPath): Promise<Side> {
  const plain = connect({ host: '127.0.0.1', port: path.port, noDelay: true })
  await once(plain, 'connect')
  plain.write(encodeStartup({ type: 'sslRequest' }))
  await once(plain, 'readable')
  if (plain.read(1)?.toString() !== 'S') throw new Error('no TLS')
  const socket = connectTls({ socket: plain, ca: path.ca, servername: 'localhost' })
  const state = { bytes: Buffer.alloc(0), closed: false, wake: () => {} }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    state.bytes = Buffer.concat([state.bytes, chunk])
    state.wake()
  })
  socket.on('close', () => {
    state.closed = true
    state.wake()
  })
  const answer = async (count: number): Promise<Buffer> => {
    while (!state.closed && readies(state.bytes) < count) await new Promise<void>((wake) => (state.wake = wake))
    const bytes = state.bytes
    state.bytes = Buffer.alloc(0)
    return bytes
  }
  const parameters = { user: 'sallyport', database: 'shop' }
  socket.write(encodeStartup({ type: 'startup', major: 3, minor: 0, parameters: Object.entries(parameters) }))
  socket.write(encodeFrontend({ type: 'password', bytes: Buffer.from(`${await path.token()}\0`) }))
  await answer(1)
  return {
    get isOpen() {
      return !state.closed
    },
    async run(texts) {
      const answers: Buffer[] = []
      for (const text of texts) {
        socket.write(encodeFrontend({ type: 'query', text }))
        answers.push(await answer(1))
        // As a client would: after an error only the end of it all.
        if (messages(answers.at(-1) ?? Buffer.alloc(0)).includes('E')) {
          socket.write(encodeFrontend({ type: 'query', text: 'ROLLBACK' }))
          answers.push(await answer(1))
          break
        }
      }
      return Buffer.concat(answers)
    },
    end: () => (socket as TLSSocket).destroy(),
  }
}

/** Whole messages by type, as far as they have come. */
function messages(bytes: Buffer): string[] {
  const types: string[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) break
    types.push(String.fromCharCode(bytes[at]!))
    at = end
  }
  return types
}
const readies = (bytes: Buffer): number => messages(bytes).filter((type) => type === 'Z').length

/** A write is taken back, so that every statement meets the same rows. */
function textsOf({ sql, kind }: Generated): readonly string[] {
  if (kind === 'read') return [sql]
  return kind === 'write' ? ['BEGIN', sql, 'ROLLBACK'] : sql.split('; ')
}

const readable = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, '.')
    .slice(0, 600)

/**
 * Writes that are taken back leave pages behind where they change what an index holds, and how many depends on how long values are:
 * a residual that masking.md names, and that EXPLAIN counts costs from.
 */
const withoutCosts = (bytes: Buffer): Buffer =>
  walks ? Buffer.from(bytes.toString('latin1').replace(/cost=[0-9.]+ rows=[0-9]+/g, 'cost'), 'latin1') : bytes

/** That a unique value is taken tells that somebody has it: a residual of plain writes that policy.md names. */
const isTaken = (bytes: Buffer): boolean => bytes.includes('\0C23505\0')
/** Our own failure: a statement that it cannot judge is refused, and for a reason. */
const isInternal = (bytes: Buffer): boolean => bytes.includes('INTERNAL, see')

interface Tally {
  ran: number
  withRows: number
  taken: number
  readonly codes: Map<string, number>
  readonly failures: string[]
}

function compare(made: Generated, one: Buffer, other: Buffer, tally: Tally): void {
  const types = messages(one)
  tally.ran += 1
  if (types.includes('D') || types.includes('d')) tally.withRows += 1
  const code = /\0C([0-9A-Z]{5})\0/.exec(one.toString('latin1'))?.[1]
  if (code !== undefined) tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1)
  const taken = made.kind === 'write' && isTaken(one) !== isTaken(other)
  if (taken) tally.taken += 1
  const isSame = one.equals(other) || (made.sql.startsWith('EXPLAIN') && withoutCosts(one).equals(withoutCosts(other)))
  if ((isSame || taken) && !isInternal(one)) return
  tally.failures.push(`${tally.ran}: ${made.sql}\n  left  ${readable(one)}\n  right ${readable(other)}`)
}

// R-3.6, R-2.10
it('gives the same bytes for what triggers do, and lets those be that carry nothing', async () => {
  const sides = await Promise.all(paths.map(openSide))
  const run = async (texts: readonly string[]) => await Promise.all(sides.map((side) => side.run(texts)))
  const code = (bytes: Buffer | undefined) => /\0C([0-9A-Z]{5})\0/.exec(bytes?.toString('latin1') ?? '')?.[1] ?? ''
  const outcomes: [string, string, boolean][] = []
  for (const table of [...triggerTables, 'customers', 'scratch']) {
    const set = table === 'customers' ? "city = 'Oslo'" : "note = 'Q'"
    const seen = table === 'scratch' ? 'scratch' : table === 'customers' ? 'kept_log' : table
    const [one, other] = await run([
      'BEGIN',
      `UPDATE ${table} SET ${set} WHERE id < 3`,
      `SELECT * FROM ${seen} ORDER BY id`,
      'ROLLBACK',
    ])
    outcomes.push([table, code(one), one?.equals(other ?? Buffer.of()) === true])
  }
  for (const side of sides) side.end()
  expect(outcomes).toEqual([
    ...triggerTables.map((name) => [name, name === 'trg_raises' ? '' : '42501', true]),
    ['customers', '', true],
    ['scratch', '', true],
  ])
}, 120_000)

it(
  `gives the same bytes for statements of seed ${seed}`,
  async () => {
    const guesses = [left.text(10), left.text(11), left.text(40), 'Ada Marsh', `${left.text(0)}@example.org`]
    const next = grammar(randomOf(seed), guesses)
    const open = () => Promise.all(paths.map(openSide))
    let sides = await open()
    const tally: Tally = { ran: 0, withRows: 0, taken: 0, codes: new Map(), failures: [] }
    const until = performance.now() + sampleMsMax
    while (tally.ran < statements && tally.failures.length < shownMax && (isFull || performance.now() < until)) {
      if (walks && tally.ran % tidyIndexesEvery === tidyIndexesEvery - 1) await tidy('FULL')
      const made = next()
      const texts = textsOf(made)
      const [one = Buffer.alloc(0), other = Buffer.alloc(0)] = await Promise.all(sides.map((side) => side.run(texts)))
      compare(made, one, other, tally)
      if (made.kind !== 'read') await tidy('INDEX_CLEANUP, TRUNCATE')
      if (sides.every((side) => side.isOpen)) continue
      for (const side of sides) side.end()
      sides = await open()
    }
    for (const side of sides) side.end()
    const { ran, withRows, taken, codes, failures } = tally
    console.log(`seed ${seed}: ${withRows} of ${ran} return rows, ${taken} taken; ${JSON.stringify([...codes])}`)
    expect(failures.join('\n\n'), `SALLYPORT_SEED=${seed}`).toBe('')
    expect(withRows / ran, `statements that return rows (SALLYPORT_SEED=${seed})`).toBeGreaterThanOrEqual(withRowsMin)
  },
  isFull ? 3_600_000 : 240_000,
)
