// Connections that outlive their session, against a real PostgreSQL: nothing of the session before is left, what is not proven
// clean is not kept, and the bounds hold (THREATS ).
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { Conversation } from '../src/postgres/conversation.ts'
import { createPool, type Lease, type Pool, type PoolBounds, type PoolRequest } from '../src/postgres/pool.ts'
import { connectUpstream } from '../src/postgres/upstream.ts'

let server: PostgresServer
let admin: pg.Client
let pool: Pool = createPool()
beforeAll(async () => {
  server = await startPostgres()
  admin = new pg.Client({ connectionString: server.url('postgres') })
  await admin.connect()
  await admin.query(`CREATE ROLE app LOGIN PASSWORD 'app'`)
  await admin.query('CREATE TABLE public.jobs (id int); GRANT ALL ON public.jobs TO app')
})
afterEach(() => {
  pool.close()
  pool = createPool()
})
afterAll(async () => {
  await admin?.end()
  await server?.stop()
})

const bounds: PoolBounds = {
  connectionsMax: 3,
  idleMax: 2,
  idleMsMax: 60_000,
  warmMin: 0,
  waitMsMax: 20_000,
  sameMsMax: 0,
}
function request(changes: Partial<PoolRequest> = {}, name = 'ours'): PoolRequest {
  return {
    group: 'shop app',
    kind: 'ann',
    caller: 'ann',
    bounds,
    signal: new AbortController().signal,
    connect: () =>
      connectUpstream({
        host: '127.0.0.1',
        port: server.port,
        tls: { mode: 'disable' },
        user: 'app',
        password: new Secret('app'),
        database: 'postgres',
        parameters: { application_name: name },
        signal: new AbortController().signal,
        random: randomBytes,
      }),
    ...changes,
  }
}

/** First column of each row; throws what the target says. */
async function ask({ upstream: { socket } }: Lease, text: string): Promise<string[]> {
  const conversation = new Conversation(socket, 65_536)
  conversation.write(encodeFrontend({ type: 'query', text }))
  const rows: string[] = []
  let error: Error | undefined
  for (;;) {
    const message = await conversation.next()
    if (message.type === 'dataRow') rows.push(Buffer.from(message.values[0] ?? []).toString())
    if (message.type === 'errorResponse') error = new Error(JSON.stringify(message.fields))
    if (message.type !== 'readyForQuery') continue
    conversation.release()
    if (error !== undefined) throw error
    return rows
  }
}

const pidOf = async (lease: Lease): Promise<string> => (await ask(lease, 'SELECT pg_backend_pid()'))[0] ?? ''
/** Once what was released is idle again, or gone. */
const settled = (idle: number) => expect.poll(() => pool.idleCount, { timeout: 20_000 }).toBe(idle)
const alive = async (pid: string): Promise<boolean> =>
  (await admin.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 1

const leftovers = [
  ['a setting', `SET work_mem = '99MB'`, 'SHOW work_mem', '4MB'],
  ['a setting that is reported', `SET "DateStyle" = 'German'`, 'SHOW "DateStyle"', 'ISO, MDY'],
  ['its name', `SET application_name = 'theirs'`, 'SHOW application_name', 'ours'],
  [
    'a temporary table',
    'CREATE TEMP TABLE secrets (a int)',
    `SELECT count(*) FROM pg_class WHERE relname = 'secrets' AND relnamespace = pg_my_temp_schema()`,
    '0',
  ],
  [
    'a temporary table that shadows',
    'CREATE TEMP TABLE jobs (a text)',
    `SELECT 'jobs'::regclass::oid = 'public.jobs'::regclass::oid`,
    't',
  ],
  ['a prepared statement', 'PREPARE theirs AS SELECT 1', 'SELECT count(*) FROM pg_prepared_statements', '0'],
  ['a cursor', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'SELECT count(*) FROM pg_cursors', '0'],
  [
    'a lock',
    'SELECT pg_advisory_lock(pg_backend_pid())',
    `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
    '0',
  ],
  ['a channel', 'LISTEN jobs', 'SELECT count(*) FROM pg_listening_channels()', '0'],
  [
    'a sequence',
    `CREATE TEMP SEQUENCE s; SELECT nextval('s')`,
    `SELECT count(*) FROM pg_class WHERE relname = 's' AND relnamespace = pg_my_temp_schema()`,
    '0',
  ],
] as const

it('R-2.15: keeps no connection for longer than what a login decides may hold', async () => {
  let ms = 0
  pool = createPool(() => ms)
  const first = await pool.take(request())
  const pid = await pidOf(first)
  ms = limits.pooledAgeMsMax
  first.release(true)
  await settled(1)
  const second = await pool.take(request())
  expect(await pidOf(second)).toBe(pid)
  ms += 1
  second.release(true)
  await expect.poll(() => alive(pid), { timeout: 20_000 }).toBe(false)
  expect(pool.idleCount).toBe(0)
})

describe('the next session of the same kind', () => {
  it('gets the same connection', async () => {
    const first = await pool.take(request())
    const pid = await pidOf(first)
    expect(first.isReused).toBe(false)
    first.release(true)
    await settled(1)
    const second = await pool.take(request())
    expect(second.isReused).toBe(true)
    expect(await pidOf(second)).toBe(pid)
    second.release(false)
  })

  it.each(leftovers)('finds no trace of %s', async (_what, leave, look, expected) => {
    const first = await pool.take(request())
    const pid = await pidOf(first)
    await ask(first, leave)
    first.release(true)
    await settled(1)
    const second = await pool.take(request())
    expect(await pidOf(second)).toBe(pid)
    expect(await ask(second, look)).toEqual([expected])
    second.release(false)
  })

  it('never sees what another one left, however they come and go', async () => {
    const step = fc.record({
      kind: fc.constantFrom('ann', 'bob', 'job'),
      leave: fc.constantFrom(...leftovers.map(([, leave]) => leave)),
      clean: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const owners = new Map<string, string>()
        await Promise.all(
          steps.map(async ({ kind, leave, clean }) => {
            const lease = await pool.take(request({ kind }))
            const pid = await pidOf(lease)
            // One kind only, for all of its life.
            expect(owners.get(pid) ?? kind).toBe(kind)
            owners.set(pid, kind)
            for (const [, , look, expected] of leftovers) expect(await ask(lease, look)).toEqual([expected])
            await ask(lease, leave)
            if (!clean) lease.upstream.socket.destroy()
            lease.release(clean)
          }),
        )
      }),
      { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 60 : 6 },
    )
  }, 120_000)
})

describe('a connection is not kept', () => {
  it('when the session says that it is not clean', async () => {
    const lease = await pool.take(request())
    lease.upstream.socket.destroy()
    lease.release(false)
    expect(pool.idleCount).toBe(0)
    expect((await pool.take(request())).isReused).toBe(false)
  })

  it('when it is in a transaction, whatever the session says', async () => {
    const lease = await pool.take(request())
    const pid = await pidOf(lease)
    await ask(lease, 'BEGIN')
    lease.release(true)
    await expect.poll(() => alive(pid), { timeout: 20_000 }).toBe(false)
    expect(pool.idleCount).toBe(0)
  })

  it('when the target ends it meanwhile', async () => {
    const lease = await pool.take(request())
    const pid = await pidOf(lease)
    lease.release(true)
    await settled(1)
    await admin.query('SELECT pg_terminate_backend($1)', [pid])
    await settled(0)
    const next = await pool.take(request())
    expect(next.isReused).toBe(false)
    next.release(true)
  })

  it('when a byte comes unasked', async () => {
    const lease = await pool.take(request())
    lease.release(true)
    await settled(1)
    lease.upstream.socket.emit('data', Buffer.from('Z'))
    expect(pool.idleCount).toBe(0)
  })

  it('for longer than it may', async () => {
    const lease = await pool.take(request({ bounds: { ...bounds, idleMsMax: 50 } }))
    const closed = once(lease.upstream.socket, 'close')
    lease.release(true)
    await closed
    await settled(0)
  })

  it('beyond the number of idle ones', async () => {
    const leases = await Promise.all([request(), request(), request()].map((one) => pool.take(one)))
    for (const lease of leases) lease.release(true)
    await settled(2)
    await expect.poll(() => leases.filter(({ upstream }) => upstream.socket.destroyed).length).toBe(1)
  })

  it('after the agent has stopped', async () => {
    const [kept, used] = await Promise.all([pool.take(request()), pool.take(request())])
    kept.release(true)
    await settled(1)
    pool.close()
    expect(kept.upstream.socket.destroyed).toBe(true)
    used.release(true)
    await expect.poll(() => used.upstream.socket.destroyed).toBe(true)
    expect(pool.idleCount).toBe(0)
  })
})

describe('connections that are kept warm', () => {
  const warm = { ...bounds, idleMax: 3, warmMin: 3, idleMsMax: 50 }
  let name = ''
  beforeEach(() => {
    name = `warm ${randomBytes(4).toString('hex')}`
  })
  const warmed = (changes: Partial<PoolBounds> = {}) => request({ bounds: { ...warm, ...changes } }, name)
  const openCount = async (): Promise<number> =>
    (await admin.query('SELECT 1 FROM pg_stat_activity WHERE application_name = $1', [name])).rowCount ?? 0

  it('are opened ahead once somebody has come, and are what the next ones get', async () => {
    const first = await pool.take(warmed())
    await settled(2)
    const next = await Promise.all([pool.take(warmed()), pool.take(warmed())])
    expect(next.map(({ isReused }) => isReused)).toEqual([true, true])
    expect(await openCount()).toBe(3)
    for (const lease of [first, ...next]) lease.release(true)
    await settled(3)
  })

  it('stay however long they are idle; more than these do not', async () => {
    const leases = await Promise.all([1, 2, 3].map(() => pool.take(warmed({ warmMin: 2 }))))
    const pids = await Promise.all(leases.map(pidOf))
    const closed = Promise.race(leases.map(({ upstream }) => once(upstream.socket, 'close')))
    for (const lease of leases) lease.release(true)
    await closed
    await settled(2)
    const later = await pool.take(warmed({ warmMin: 2 }))
    expect(later.isReused).toBe(true)
    expect(pids).toContain(await pidOf(later))
    later.release(true)
  })

  it('count as connections: who comes while they are being opened waits for one and opens none', async () => {
    const leases = await Promise.all([1, 2, 3].map(() => pool.take(warmed())))
    expect(await openCount()).toBe(3)
    for (const lease of leases) lease.release(true)
    await settled(3)
  })

  it('are not tried again by themselves where they cannot be opened, and keep nobody out', async () => {
    let tries = 0
    const { connect } = warmed()
    const failing = request({
      bounds: warm,
      connect: async (signal) => {
        tries += 1
        if (tries > 1) throw new Error('refused')
        return await connect(signal)
      },
    })
    const first = await pool.take(failing)
    await expect.poll(() => tries).toBe(3)
    first.release(true)
    await settled(1)
    const others = await Promise.all([1, 2, 3].map(() => pool.take(request({ bounds }))))
    expect(others).toHaveLength(3)
    for (const lease of others) lease.release(true)
  })

  it('are closed with the agent, also those that are still being opened', async () => {
    await pool.take(warmed())
    pool.close()
    await expect.poll(openCount).toBe(1)
    expect(pool.idleCount).toBe(0)
  })
})

describe('when all connections are in use', () => {
  const one = { ...bounds, connectionsMax: 1 }

  it('sessions wait in the order in which they came', async () => {
    const first = await pool.take(request({ bounds: one }))
    const order: string[] = []
    const waiting = ['b', 'c', 'd'].map(async (name) => {
      const lease = await pool.take(request({ bounds: one }))
      order.push(name)
      lease.release(true)
      return lease.isReused
    })
    first.release(true)
    expect(await Promise.all(waiting)).toEqual([true, true, true])
    expect(order).toEqual(['b', 'c', 'd'])
  })

  it('an idle one of another kind makes room', async () => {
    const first = await pool.take(request({ bounds: one }))
    const pid = await pidOf(first)
    first.release(true)
    await settled(1)
    const other = await pool.take(request({ bounds: one, kind: 'bob' }))
    expect(other.isReused).toBe(false)
    await expect.poll(() => alive(pid), { timeout: 20_000 }).toBe(false)
    other.release(true)
  })

  it('one serves those who want just it for a moment, and is closed then for whoever has their turn', async () => {
    let nowMs = 0
    pool = createPool(() => nowMs)
    const wanted = { bounds: { ...one, sameMsMax: 50 } }
    const first = await pool.take(request(wanted))
    const order: string[] = []
    const serve = async (name: string, more: Partial<PoolRequest>, takesMs: number) => {
      const lease = await pool.take(request({ ...wanted, ...more }))
      order.push(`${name} ${lease.isReused ? 'the same' : 'anew'}`)
      nowMs += takesMs
      lease.release(true)
    }
    const bob = { kind: 'bob', caller: 'bob' }
    const all = [
      serve('bob', bob, 1),
      ...['ann 1', 'ann 2', 'ann 3'].map((name) => serve(name, {}, 30)),
      serve('bob again', bob, 1),
    ]
    first.release(true)
    await Promise.all(all)
    expect(order).toEqual(['ann 1 the same', 'ann 2 the same', 'bob anew', 'bob again the same', 'ann 3 anew'])
  })

  it('who waits too long is told so', async () => {
    const first = await pool.take(request({ bounds: one }))
    const late = pool.take(request({ bounds: { ...one, waitMsMax: 30 } }))
    await expect(late).rejects.toMatchObject({ code: 'CONNECTION_LIMIT' })
    first.release(false)
    first.upstream.socket.destroy()
    const next = await pool.take(request({ bounds: one }))
    next.release(true)
  })

  it("who leaves while waiting takes nobody's turn", async () => {
    const first = await pool.take(request({ bounds: one }))
    const leaving = new AbortController()
    const gone = pool.take(request({ bounds: one, signal: leaving.signal }))
    const next = pool.take(request({ bounds: one }))
    leaving.abort()
    await expect(gone).rejects.toMatchObject({ code: 'CONNECTION_LIMIT' })
    first.release(true)
    const lease = await next
    expect(lease.isReused).toBe(true)
    lease.release(true)
  })

  it('a connection that cannot be opened gives its place back', async () => {
    const broken = pool.take(request({ bounds: one, connect: async () => Promise.reject(new Error('no')) }))
    await expect(broken).rejects.toThrow('no')
    const lease = await pool.take(request({ bounds: one }))
    lease.release(true)
  })
})
