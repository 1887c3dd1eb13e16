// node-postgres with its cursors, its COPY streams and its pipelines.
import assert from 'node:assert'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import type { Place } from '../differential/driver.ts'
import { type Client, refused, reportOf } from './report.ts'

export const nodePostgres: Client = async (place) => {
  const client = await open(place)
  try {
    return await reportOf({
      'types in text': () => typed(client, false),
      'types in binary': () => typed(client, true),
      transactions: () => transactions(client),
      errors: () => errors(client),
      COPY: () => copy(client),
      cursors: () => cursors(client),
      cancel: () => cancel(client, place),
      notifications: () => notifications(client, place),
      'large results': () => large(client),
      '1,000 pipelined statements': () => pipelined(place),
      masks: () => masks(client),
      'the deny rule': () => denied(client),
    })
  } finally {
    await client.end().catch(() => {})
  }
}

async function open(place: Place, more: object = {}): Promise<pg.Client> {
  const { host, port, database, user, password, ca } = place
  const client = new pg.Client({ host, port, database, user, password, ssl: { ca }, ...more })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function typed(client: pg.Client, binary: boolean): Promise<void> {
  // What node-postgres decodes in both formats.
  const text = 'SELECT i2, i4, i8, f8, n, t, b, bo FROM typed WHERE id = $1'
  const { rows } = await client.query({ text, values: [1], binary } as pg.QueryConfig)
  const { n, b, ...rest } = rows[0]
  assert.deepEqual(rest, { i2: 1, i4: 2, i8: '3', f8: 2.5, t: 'text', bo: true })
  // In binary it reads bytea as a text, and numeric not exactly.
  if (binary) return
  assert.equal(n, '123.4500')
  assert.deepEqual(b, Buffer.from([0, 255, 16]))
  const { rows: more } = await client.query('SELECT d, tz, u, j, jb, ia, ta FROM typed WHERE id = 1')
  assert.equal(more[0].tz.toISOString(), '2024-02-29T10:34:56.789Z')
  assert.deepEqual([more[0].jb, more[0].ia, more[0].ta], [{ b: [1, 2] }, [1, null, 3], ['a b', null, '']])
}

async function transactions(client: pg.Client): Promise<void> {
  await client.query('BEGIN')
  await client.query("INSERT INTO notes VALUES (600, 1, 'undone', NULL, NULL)")
  await client.query('ROLLBACK')
  await client.query('BEGIN')
  await client.query("INSERT INTO notes VALUES (601, 1, 'kept', NULL, NULL)")
  await client.query('SAVEPOINT s')
  await refused('23505', () => client.query("INSERT INTO notes VALUES (601, 1, 'twice', NULL, NULL)"))
  await refused('25P02', () => client.query('SELECT 1'))
  await client.query('ROLLBACK TO s')
  await client.query('COMMIT')
  const { rows } = await client.query('SELECT id FROM notes WHERE id IN (600, 601)')
  assert.deepEqual(rows, [{ id: 601 }])
}

async function errors(client: pg.Client): Promise<void> {
  const twice = await refused('23505', () => client.query("INSERT INTO items (name, price) VALUES ('pen', 1)"))
  assert.equal(twice.constraint, 'items_name_key')
  assert.match(twice.detail, /pen/)
  assert.equal((await refused('42601', () => client.query('SELEC 1'))).position, '1')
  await refused('22012', () => client.query('SELECT 1/$1::int4', [0]))
}

async function copy(client: pg.Client): Promise<void> {
  const into = client.query(copyStreams.from('COPY notes (id, person, body) FROM STDIN'))
  await pipeline(Readable.from(['610\t1\ta\n611\t1\tb\n']), into)
  const from = client.query(copyStreams.to('COPY (SELECT id FROM notes WHERE id IN (610, 611) ORDER BY id) TO STDOUT'))
  let text = ''
  for await (const piece of from) text += piece
  assert.equal(text, '610\n611\n')
}

async function cursors(client: pg.Client): Promise<void> {
  const cursor = client.query(new Cursor('SELECT id FROM big ORDER BY id'))
  let sum = 0
  for (;;) {
    const rows = await cursor.read(100)
    if (rows.length === 0) break
    sum += rows.reduce((total: number, row: { id: number }) => total + row.id, 0)
  }
  await cursor.close()
  assert.equal(sum, 4_501_500)
}

async function cancel(client: pg.Client, place: Place): Promise<void> {
  const running = refused('57014', () => client.query('SELECT pg_sleep(60)'))
  await place.running('SELECT pg_sleep(60)')
  const { connection } = new pg.Client() as any
  const { processID, secretKey } = client as any
  connection.on('error', () => {})
  connection.once('connect', () => connection.cancel(processID, secretKey))
  connection.connect(place.port, place.host)
  await running
}

async function notifications(client: pg.Client, place: Place): Promise<void> {
  await client.query('LISTEN nodepg')
  const heard = once(client, 'notification')
  const other = await open(place)
  await other.query("SELECT pg_notify('nodepg', $1)", ['heard'])
  await other.end()
  const [message] = await heard
  assert.equal(message.payload, 'heard')
}

async function large(client: pg.Client): Promise<void> {
  const { rows } = await client.query('SELECT id, pad FROM big ORDER BY id')
  assert.equal(rows.length, 3_000)
  assert(rows.every(({ pad }) => pad.length === 256))
  const { rows: long } = await client.query("SELECT repeat('x', $1::int4) AS x", [2_000_000])
  assert.equal(long[0].x.length, 2_000_000)
}

async function pipelined(place: Place): Promise<void> {
  const client = await open(place, { pipeline: true })
  try {
    const sent = Array.from({ length: 1_000 }, (_, index) => client.query('SELECT $1::int4 AS v', [index]))
    const results = await Promise.all(sent)
    assert.deepEqual(
      results.map(({ rows }) => rows[0].v),
      Array.from({ length: 1_000 }, (_, index) => index),
    )
  } finally {
    await client.end()
  }
}

async function masks(client: pg.Client): Promise<void> {
  for (const binary of [false, true]) {
    const text = 'SELECT id, email FROM people WHERE id < $1 ORDER BY id'
    const { rows } = await client.query({ text, values: [4], binary } as pg.QueryConfig)
    assert.deepEqual(
      rows.map(({ email }) => email),
      ['***@example.test', '***@example.test', null],
    )
  }
}

async function denied(client: pg.Client): Promise<void> {
  const refusal = await refused('42501', () => client.query('SELECT * FROM vault'))
  assert.match(refusal.hint, /POLICY_DENIED/)
  await client.query('BEGIN')
  await client.query("INSERT INTO notes VALUES (620, 1, 'undone', NULL, NULL)")
  await refused('42501', () => client.query('SELECT secret FROM vault WHERE id = $1', [1]))
  await refused('25P02', () => client.query('SELECT 1'))
  await client.query('COMMIT')
  const { rows } = await client.query('SELECT id FROM notes WHERE id = 620')
  assert.deepEqual(rows, [])
}
