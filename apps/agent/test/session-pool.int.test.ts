// Sessions that take over connections of earlier ones, through the whole data path: who gets whose, what they find, and that
// what policy says holds on a connection that somebody else has used (THREATS ).
import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DataPath, type Shown, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

/** Of the packet that a CancelRequest is (PostgreSQL manual, Message Formats). */
const cancelRequestCode = 80_877_102

let real: RealTarget
let path: DataPath
const clients: pg.Client[] = []

const schema = `
  create table people (id int primary key, name text, ssn text);
  insert into people values (1, 'Ann', '900-1');
  grant select on people to app;
`
const target = (name: string, port: number, pool: string): string => targetDocument(port, `  pool: ${pool}`, name)
const yaml = (port: number): string =>
  `${target('pooled', port, '{ mode: session }')}${target('shared', port, '{ mode: session, share: everyone }')}${target('small', port, '{ mode: session, connections: 1, wait: 1s }')}${target('plain', port, '{}')}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules:
    - { name: read, effect: allow, callers: { any: true }, operations: [select, lock] }
  masks:
    - { columns: [public.people.ssn], method: redact, unless: { groups: [dba] } }
`

beforeAll(async () => {
  real = await startRealTarget({ schema })
  path = await startDataPath({ yaml: yaml(real.server.port), environment: targetEnvironment })
}, 60_000)
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => {})
})
afterAll(async () => {
  await path?.stop()
  await real?.stop()
})

async function connect(shown: Shown, settings: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = await path.connect(shown, settings)
  clients.push(client)
  return client
}
/** The target's process behind a session. */
const pidOf = async (client: pg.Client): Promise<number> =>
  (await client.query('select pg_backend_pid() as pid')).rows[0].pid
const stateOf = async (pid: number): Promise<string> =>
  (await real.admin.query('select query, state from pg_stat_activity where pid = $1', [pid])).rows
    .map(({ query, state }) => `${state}: ${query}`)
    .join()
/** Until the connection is clean and waits for somebody, or is gone. */
const until = (pid: number, expected: string) => expect.poll(() => stateOf(pid), { timeout: 20_000 }).toBe(expected)
const cleaned = 'idle: DISCARD ALL'

async function endOf(client: pg.Client): Promise<number> {
  const pid = await pidOf(client)
  await client.end()
  return pid
}

describe('a function that connects anew', () => {
  it('gets the connection that its last session had, and nothing of what that session had made', async () => {
    const first = await connect({ target: 'pooled' })
    await first.query("set application_name = 'left behind'")
    await first.query({ name: 'kept', text: 'select id from people' })
    await first.query('select pg_advisory_lock_shared(1)').catch(() => {})
    const pid = await endOf(first)
    await until(pid, cleaned)
    const second = await connect({ target: 'pooled' })
    expect(await pidOf(second)).toBe(pid)
    expect((await second.query('show application_name')).rows[0].application_name).not.toBe('left behind')
    await expect(second.query('execute kept')).rejects.toMatchObject({ code: expect.stringMatching(/^(26000|42501)$/) })
    expect((await second.query('select ssn from people')).rows).toEqual([{ ssn: '[redacted]' }])
  })

  it('gets it too when its last session vanished without a goodbye', async () => {
    const first = await connect({ target: 'pooled', subject: 'frozen' })
    const pid = await pidOf(first)
    ;(first as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    await until(pid, cleaned)
    expect(await pidOf(await connect({ target: 'pooled', subject: 'frozen' }))).toBe(pid)
  })

  it.each([
    ['a transaction was open', 'begin'],
    ['a transaction had failed', 'begin; select 1/0'],
  ])('gets a new one when %s', async (_what, text) => {
    const first = await connect({ target: 'pooled', subject: 'careless' })
    const pid = await pidOf(first)
    await first.query(text).catch(() => {})
    await first.end()
    await until(pid, '')
    expect(await pidOf(await connect({ target: 'pooled', subject: 'careless' }))).not.toBe(pid)
  })

  it('gets a new one for other settings at the start', async () => {
    const pid = await endOf(await connect({ target: 'pooled', subject: 'other' }))
    await until(pid, cleaned)
    const other = await connect({ target: 'pooled', subject: 'other' }, { application_name: 'another one' })
    expect(await pidOf(other)).not.toBe(pid)
  })
})

/** In front of the target: lets logins through, and keeps cancel requests until they may go on. */
async function openDelay(): Promise<{ port: number; cancelled: Promise<unknown>; letGo(): void; close(): void }> {
  const arrived = new EventEmitter()
  const cancelled = once(arrived, 'cancel')
  const kept: (() => void)[] = []
  const sockets: Socket[] = []
  const delay = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket
      .on('error', () => {})
      .once('data', (first: Buffer) => {
        const goOn = () => {
          const target = connectTcp(real.server.port, '127.0.0.1')
          target.on('error', () => {}).on('close', () => socket.destroy())
          target.write(first)
          socket.pipe(target).pipe(socket)
        }
        if (first.readInt32BE(4) !== cancelRequestCode) return goOn()
        kept.push(goOn)
        arrived.emit('cancel')
      })
  }).listen(0, '127.0.0.1')
  await once(delay, 'listening')
  return {
    port: (delay.address() as AddressInfo).port,
    cancelled,
    letGo() {
      for (const goOn of kept.splice(0)) goOn()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      delay.close()
    },
  }
}

it('R-1.12: a cancel that comes late does not hit the next session', async () => {
  const delay = await openDelay()
  const slow = await startDataPath({ yaml: yaml(delay.port), environment: targetEnvironment })
  try {
    const locker = new pg.Client(real.server.url('shop'))
    await locker.connect()
    await locker.query('begin; lock table people in access exclusive mode')
    const first = await rawClient(slow, { target: 'pooled' })
    first.send({ type: 'query', text: 'select pg_backend_pid()' })
    const pid = Number(Buffer.from((await first.next('dataRow')).values[0] ?? []).toString())
    await first.next('readyForQuery')
    first.send({ type: 'query', text: 'select id from people' })
    await expect.poll(() => stateOf(pid), { timeout: 20_000 }).toContain('select id from people')
    await first.cancel()
    await delay.cancelled
    await locker.query('rollback')
    await locker.end()
    await first.next('dataRow')
    await first.next('readyForQuery')
    first.send({ type: 'terminate' })
    // The cancel is still under way: the connection it is meant for is nobody else's.
    await until(pid, '')
    delay.letGo()
  } finally {
    await slow.stop()
    delay.close()
  }
})

describe('another caller', () => {
  it('never gets it by default', async () => {
    const pid = await endOf(await connect({ target: 'pooled', subject: 'one' }))
    await until(pid, cleaned)
    expect(await pidOf(await connect({ target: 'pooled', subject: 'two' }))).not.toBe(pid)
  })

  it('gets it where the target is shared, with masks of its own', async () => {
    const first = await connect({ target: 'shared', subject: 'doc', groups: ['dba'] })
    expect((await first.query('select ssn from people')).rows).toEqual([{ ssn: '900-1' }])
    const pid = await endOf(first)
    await until(pid, cleaned)
    const second = await connect({ target: 'shared', subject: 'clerk' })
    expect(await pidOf(second)).toBe(pid)
    expect((await second.query('select ssn from people')).rows).toEqual([{ ssn: '[redacted]' }])
  })
})

it('a target with as many connections as it may have lets sessions wait, and says so when none comes free', async () => {
  const first = await connect({ target: 'small' })
  await expect(connect({ target: 'small' })).rejects.toMatchObject({ code: '53300' })
  const waiting = connect({ target: 'small' })
  const pid = await endOf(first)
  expect(await pidOf(await waiting)).toBe(pid)
})

it('a target without a pool closes the connection with the session', async () => {
  const pid = await endOf(await connect({ target: 'plain' }))
  await until(pid, '')
})
