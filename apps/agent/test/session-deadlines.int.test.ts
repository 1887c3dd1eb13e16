// What ends a session that holds on to things and does not go on: a client that never reads, one that sends a byte now and
// then, one that leaves a transaction open (THREATS ). The target's own view says that all is let go.
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let target: RealTarget
let path: DataPath

const bounds = { messageMsMax: 400, stalledMsMax: 400 }
const policy = `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
`

const startPath = async (some: typeof bounds): Promise<DataPath> => {
  const yaml = targetDocument(target.server.port, '  idleInTransaction: 1s') + policy
  return await startDataPath({ yaml, environment: targetEnvironment, bounds: some })
}

beforeAll(async () => {
  target = await startRealTarget({
    schema:
      "create table log (id int); create table keyed (id int primary key, pad text); create table wide as select n, repeat('x', 1000) as pad from generate_series(1, 1000) n",
  })
  path = await startPath(bounds)
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await target?.stop()
})

/** Neither a backend of a session nor a lock of one is left. */
async function expectLetGo(): Promise<void> {
  const left = `select pid from pg_stat_activity where usename = 'app' and application_name <> 'sallyport catalog'`
  await expect.poll(() => target.rows(left), { timeout: 20_000 }).toEqual([])
}

const closedFor = (reason: string) =>
  path.recorder.seen((body) => body.kind === 'session-closed' && body.reason === reason)

describe('R-1.17: a client that never reads', () => {
  it('is cut off when its time is over, and what runs for it is cancelled', async () => {
    const client = await rawClient(path)
    client.pause()
    // Far more than the sockets of both sides hold.
    client.send({ type: 'query', text: 'select a.pad from wide a, wide b' })
    await closedFor('the client does not read')
    await expectLetGo()
    const outcome = path.recorder.of('outcome').at(-1)
    expect(outcome).toMatchObject({ result: 'unknown' })
    client.destroy()
  })

  it('keeps its session when it goes on before that', async () => {
    const client = await rawClient(path)
    client.pause()
    client.send({ type: 'query', text: 'select a.pad from wide a, wide b limit 30000' })
    await new Promise((done) => setTimeout(done, bounds.stalledMsMax / 4))
    client.resume()
    await client.next('readyForQuery')
    expect(client.taken().at(-1)).toBe('ready I')
    client.destroy()
    await expectLetGo()
  })
})

describe('R-1.17: a target that never reads', () => {
  it('stops the client of a COPY in, which is neither kept in memory nor idle, and gets every row in the end', async () => {
    // A part of a message may be on its way for longer where the machine has much to do.
    const patient = await startPath({ messageMsMax: 60_000, stalledMsMax: 60_000 })
    const [client, other] = [await rawClient(patient), await rawClient(patient)]
    const select = { type: 'query', text: 'select 1' } as const
    await target.admin.query("begin; insert into keyed values (0, 'of somebody else')")
    client.send({ type: 'query', text: 'copy keyed from stdin' })
    await client.next('copyInResponse')
    client.taken()
    // Far more than the sockets of both sides hold; the target waits for the first row's key.
    const pads = Array.from({ length: 640 }, (_, id) => Buffer.from(`${id}\t${'x'.repeat(50_000)}\n`))
    client.send(...pads.map((bytes) => ({ type: 'copyData', bytes }) as const))
    const blocked = "select 1 from pg_stat_activity where query like 'copy keyed%' and wait_event_type = 'Lock'"
    await expect.poll(async () => (await target.admin.query(blocked)).rowCount, { timeout: 30_000 }).toBe(1)
    // Longer than a transaction may be idle; the agent has had many turns to read what it should not.
    const endMs = performance.now() + 1_500
    for (let turns = 0; turns < 300 || performance.now() < endMs; turns++) {
      other.send(select)
      await other.next('readyForQuery')
    }
    expect(client.taken()).toEqual([])
    expect(client.unsent).toBeGreaterThan(16 * 1024 * 1024)
    await target.admin.query('rollback')
    client.send({ type: 'copyDone' })
    await client.next('readyForQuery')
    expect(client.taken().slice(-2)).toEqual(['COPY 640', 'ready I'])
    for (const one of [client, other]) one.destroy()
    await expectLetGo()
    await patient.stop()
  })
})

describe('R-1.16: a client that sends a byte now and then', () => {
  it('is cut off when the message has taken too long, and held no connection of others meanwhile', async () => {
    const client = await rawClient(path)
    const message = encodeFrontend({ type: 'query', text: `insert into log values (1) ${' '.repeat(1_000)}` })
    let sent = 0
    const timer = setInterval(() => client.write(message.subarray(sent, ++sent)), bounds.messageMsMax / 20)
    await client.closed
    clearInterval(timer)
    expect(sent).toBeGreaterThan(1)
    expect(client.taken()).toEqual(['error 08P01'])
    await expectLetGo()
    expect(await target.rows('select * from log')).toEqual([])
  })
})

describe('R-2.14: a transaction that is left open', () => {
  it.each<[string, readonly FrontendMessage[], string]>([
    ['by a client that says nothing more', [{ type: 'query', text: 'begin; lock table log' }], 'error 25P03'],
    [
      'after an error in it',
      [
        { type: 'query', text: 'begin' },
        { type: 'query', text: 'select 1 / 0' },
      ],
      'error 25P03',
    ],
    [
      'by an Execute without a Sync',
      [
        { type: 'parse', name: '', text: 'insert into log values (2)', parameterTypes: [] },
        { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
        { type: 'execute', portal: '', rowsMax: 0 },
        { type: 'flush' },
      ],
      'error 25P03',
    ],
    [
      'by an Execute with neither Sync nor Flush',
      [
        { type: 'parse', name: '', text: 'insert into log values (3)', parameterTypes: [] },
        { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
        { type: 'execute', portal: '', rowsMax: 0 },
      ],
      'error 25P03',
    ],
    ['by a Parse alone', [{ type: 'parse', name: '', text: 'select * from log', parameterTypes: [] }], 'error 25P03'],
    ['by a COPY whose rows do not come', [{ type: 'query', text: 'copy log from stdin' }], 'error 25P03'],
  ])('%s is ended with 25P03, and rolled back', async (_, sent, error) => {
    const client = await rawClient(path)
    client.send(...sent)
    await client.closed
    expect(client.taken().at(-1)).toBe(error)
    await closedFor('idle in a transaction')
    await expectLetGo()
    expect(await target.rows('select * from log')).toEqual([])
  })

  it('lasts for as long as its client goes on with it', async () => {
    const client = await rawClient(path)
    const say = async (text: string) => {
      client.send({ type: 'query', text })
      return await client.next('readyForQuery')
    }
    await say('begin')
    for (let times = 0; times < 4; times++) {
      await new Promise((done) => setTimeout(done, 400))
      await say('select 1')
    }
    expect((await say('commit')).status).toBe('I')
    client.destroy()
  })
})
