// postgres.js: tagged templates, prepared by itself, pipelined by itself.
import assert from 'node:assert'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import type { Place } from '../differential/driver.ts'
import { type Client, cannot, refused, reportOf } from './report.ts'

export const postgresJs: Client = async (place) => {
  const sql = open(place)
  try {
    return await reportOf({
      'types in text': () => typed(sql),
      'types in binary': cannot('it reads results as text only'),
      transactions: () => transactions(sql),
      errors: () => errors(sql),
      COPY: () => copy(sql),
      cursors: () => cursors(sql),
      cancel: () => cancel(sql, place),
      notifications: () => notifications(sql),
      'large results': () => large(sql),
      '1,000 pipelined statements': () => pipelined(sql),
      masks: () => masks(sql),
      'the deny rule': () => denied(sql),
    })
  } finally {
    await sql.end({ timeout: 5 })
  }
}

const open = ({ host, port, database, user, password, ca }: Place): postgres.Sql =>
  postgres({
    host,
    port,
    database,
    username: user,
    password,
    ssl: { ca, servername: 'localhost' },
    max: 2,
    onnotice: () => {},
  })

async function typed(sql: postgres.Sql): Promise<void> {
  const [row] = await sql`SELECT i4, i8, f8, n, t, b, bo, tz, jb FROM typed WHERE id = ${1}`
  assert(row !== undefined)
  assert.deepEqual(
    [row['i4'], row['i8'], row['f8'], row['n'], row['t'], row['bo']],
    [2, '3', 2.5, '123.4500', 'text', true],
  )
  assert.equal(row['tz'].toISOString(), '2024-02-29T10:34:56.789Z')
  assert.deepEqual(row['jb'], { b: [1, 2] })
  assert.deepEqual([...row['b']], [0, 255, 16])
  const [given] =
    await sql`SELECT ${sql.json({ a: [1] })}::jsonb AS j, ${[1, 2]}::int[] AS a, ${Buffer.from([1])}::bytea AS b`
  assert.deepEqual([given?.['j'], given?.['a']], [{ a: [1] }, [1, 2]])
}

async function transactions(sql: postgres.Sql): Promise<void> {
  await assert.rejects(
    sql.begin(async (tx) => {
      await tx`INSERT INTO notes VALUES (630, 1, 'undone', NULL, NULL)`
      throw new Error('given up')
    }),
    /given up/,
  )
  await sql.begin(async (tx) => {
    await tx`INSERT INTO notes VALUES (631, 1, 'kept', NULL, NULL)`
    await refused('23505', () => tx.savepoint((inner) => inner`INSERT INTO notes VALUES (631, 1, 'twice', NULL, NULL)`))
  })
  const rows = await sql`SELECT id FROM notes WHERE id IN (630, 631)`
  assert.deepEqual([...rows], [{ id: 631 }])
}

async function errors(sql: postgres.Sql): Promise<void> {
  const twice = await refused('23505', () => sql`INSERT INTO items (name, price) VALUES ('pen', 1)`.execute())
  assert.equal(twice.constraint_name, 'items_name_key')
  assert.match(twice.detail, /pen/)
  assert.equal((await refused('42601', () => sql.unsafe('SELEC 1').execute())).position, '1')
  await refused('22012', () => sql`SELECT 1/${0}::int4`.execute())
}

async function copy(sql: postgres.Sql): Promise<void> {
  const into = await sql`COPY notes (id, person, body) FROM STDIN`.writable()
  await pipeline(Readable.from(['640\t1\ta\n641\t1\tb\n']), into)
  const from = await sql`COPY (SELECT id FROM notes WHERE id IN (640, 641) ORDER BY id) TO STDOUT`.readable()
  let text = ''
  for await (const piece of from) text += piece
  assert.equal(text, '640\n641\n')
}

async function cursors(sql: postgres.Sql): Promise<void> {
  let sum = 0
  for await (const rows of sql`SELECT id FROM big ORDER BY id`.cursor(100)) for (const row of rows) sum += row['id']
  assert.equal(sum, 4_501_500)
}

async function cancel(sql: postgres.Sql, place: Place): Promise<void> {
  const query = sql`SELECT pg_sleep(60)`
  const running = refused('57014', () => query.execute())
  await place.running('SELECT pg_sleep(60)')
  query.cancel()
  await running
}

async function notifications(sql: postgres.Sql): Promise<void> {
  let hear: (payload: string) => void = () => {}
  const heard = new Promise<string>((resolve) => {
    hear = resolve
  })
  const listening = await sql.listen('postgresjs', (payload) => hear(payload))
  await sql.notify('postgresjs', 'heard')
  assert.equal(await heard, 'heard')
  await listening.unlisten()
}

async function large(sql: postgres.Sql): Promise<void> {
  const rows = await sql`SELECT id, pad FROM big ORDER BY id`
  assert.equal(rows.length, 3_000)
  assert(rows.every((row) => row['pad'].length === 256))
  const [long] = await sql`SELECT repeat('x', ${2_000_000}::int4) AS x`
  assert.equal(long?.['x'].length, 2_000_000)
}

async function pipelined(sql: postgres.Sql): Promise<void> {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index)
  const results = await Promise.all(numbers.map((number) => sql`SELECT ${number}::int4 AS v`.execute()))
  assert.deepEqual(
    results.map((rows) => rows[0]?.['v']),
    numbers,
  )
}

async function masks(sql: postgres.Sql): Promise<void> {
  const rows = await sql`SELECT id, email FROM people WHERE id < ${4} ORDER BY id`
  assert.deepEqual(
    rows.map((row) => row['email']),
    ['***@example.test', '***@example.test', null],
  )
}

async function denied(sql: postgres.Sql): Promise<void> {
  const refusal = await refused('42501', () => sql`SELECT * FROM vault`.execute())
  assert.match(refusal.hint, /POLICY_DENIED/)
  await refused('42501', () =>
    sql.begin(async (tx) => {
      await tx`INSERT INTO notes VALUES (650, 1, 'undone', NULL, NULL)`
      await tx`SELECT * FROM vault`
    }),
  )
  const rows = await sql`SELECT id FROM notes WHERE id = 650`
  assert.deepEqual([...rows], [])
}
