// Sessions that share connections by the transaction, through the whole data path and a real PostgreSQL: what each of them has
// goes with it, and nothing of it is found by another (THREATS ).
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DataPath, type Shown, startDataPath } from './data-path.ts'
import { type RawClient, type RawOptions, rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

const environment: Record<string, string> = { ...targetEnvironment }
let real: RealTarget
let path: DataPath
const clients: pg.Client[] = []
const raws: RawClient[] = []

const schema = `
  create table people (id int primary key, name text, ssn text);
  insert into people select i, 'person ' || i, '900-' || i from generate_series(1, 20) i;
  create table jobs (id serial primary key, what text);
`
const target = (name: string, pool: string): string => targetDocument(real.server.port, `  pool: ${pool}`, name)
const yaml = (): string => `${target('one', '{ mode: transaction, connections: 1, share: everyone, wait: 1s }')}
${target('few', '{ mode: transaction, connections: 3, share: everyone, wait: 20s }')}
${target('pins', '{ mode: transaction, connections: 2, share: everyone, sessionState: pin, wait: 1s }')}
${target('owned', '{ mode: transaction, connections: 4 }')}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
    - { name: system, effect: allow, callers: { any: true }, objects: ["pg_catalog.*"] }
    - name: deletes
      effect: hold
      callers: { any: true }
      operations: [delete]
      approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 60s, reason: optional }
  masks:
    - { columns: [public.people.ssn], method: redact, unless: { groups: [dba] } }
`

beforeAll(async () => {
  real = await startRealTarget({ schema })
  path = await startDataPath({ yaml: yaml(), environment })
}, 60_000)
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => {})
  for (const raw of raws.splice(0)) raw.destroy()
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
async function raw(shown: Shown, options: RawOptions = {}): Promise<RawClient> {
  const client = await rawClient(path, shown, options)
  raws.push(client)
  return client
}
const one = async (client: pg.Client, text: string): Promise<any> =>
  Object.values((await client.query(text)).rows[0])[0]
const pidOf = (client: pg.Client): Promise<number> => one(client, 'select pg_backend_pid()')

describe('a connection', () => {
  it('is held only while a transaction runs', async () => {
    const [first, second] = [
      await connect({ target: 'one', subject: 'a' }),
      await connect({ target: 'one', subject: 'b' }),
    ]
    expect(await pidOf(first)).toBe(await pidOf(second))
    await first.query('begin')
    await expect(second.query('select 1')).rejects.toMatchObject({ code: '53300' })
    // The session itself goes on.
    const waiting = pidOf(second)
    const pid = await pidOf(first)
    await first.query('commit')
    expect(await waiting).toBe(pid)
  })

  it('R-1.12: a cancel of a session that waits ends its wait, and nothing else', async () => {
    const holder = await connect({ target: 'one', subject: 'a' })
    const late = await raw({ target: 'one', subject: 'b' })
    await holder.query('begin')
    late.send({ type: 'query', text: 'select 1' })
    await expect.poll(() => path.recorder.of('intent').some(({ text }) => text === 'select 1')).toBe(true)
    await late.cancel()
    expect((await late.next('errorResponse')).fields.find(([code]) => code === 'C')?.[1]).toBe('57014')
    await late.next('readyForQuery')
    expect(await one(holder, 'select 2')).toBe(2)
    await holder.query('commit')
    late.send({ type: 'query', text: 'select 3' })
    await late.next('dataRow')
  })
})

/** Answers up to the next ReadyForQuery, in short. */
async function answers(client: RawClient, ...sent: readonly FrontendMessage[]): Promise<string[]> {
  client.send(...sent)
  await client.next('readyForQuery')
  return client.taken()
}
const parse = (name: string, text: string) => ({ type: 'parse', name, text, parameterTypes: [] }) as const
const bind = (statement: string, ...values: string[]) =>
  ({
    type: 'bind',
    portal: '',
    statement,
    parameterFormats: [],
    parameters: values.map((value) => Buffer.from(value)),
    resultFormats: [],
  }) as const
const execute = { type: 'execute', portal: '', rowsMax: 0 } as const
const sync = { type: 'sync' } as const
const run = [execute, sync] as const
const closeOf = (name: string) => ({ type: 'close', what: 'statement', name }) as const
const query = (text: string) => ({ type: 'query', text }) as const

/** Takes every connection but one, so that the next turn of anybody is there. */
async function crowd(target: string, count: number): Promise<() => Promise<void>> {
  const holders: pg.Client[] = []
  for (let at = 0; at < count; at++) {
    const holder = await connect({ target, subject: `holder${at}` })
    await holder.query('begin')
    holders.push(holder)
  }
  return async () => {
    for (const holder of holders) await holder.query('rollback')
  }
}

describe('prepared statements', () => {
  it('go with their session to whatever connection it gets, with the answers of one connection', async () => {
    const client = await raw({ target: 'few', subject: 'a' })
    expect(await answers(client, parse('s', 'select $1::int + 1'), sync)).toEqual(['parseComplete', 'ready I'])
    const pids = new Set<string>()
    for (const left of [2, 1, 0]) {
      const letGo = await crowd('few', left)
      const rows = await answers(client, bind('s', '41'), ...run)
      expect(rows).toEqual(['bindComplete', 'row 42', 'SELECT 1', 'ready I'])
      const [, pid = ''] = await answers(client, query('select pg_backend_pid()'))
      pids.add(pid)
      await letGo()
    }
    expect(await answers(client, { type: 'describe', what: 'statement', name: 's' }, sync)).toEqual([
      'parameterDescription',
      'rowDescription',
      'ready I',
    ])
    // The same name again is an error of the client's, as in one session.
    expect(await answers(client, parse('s', 'select 2'), sync)).toEqual(['error 42P05', 'ready I'])
    expect(await answers(client, closeOf('s'), parse('s', 'select 2'), bind('s'), ...run)).toEqual([
      'closeComplete',
      'parseComplete',
      'bindComplete',
      'row 2',
      'SELECT 1',
      'ready I',
    ])
    expect(await answers(client, closeOf('s'), sync)).toEqual(['closeComplete', 'ready I'])
    expect(await answers(client, bind('s'), ...run)).toEqual(['error 26000', 'ready I'])
  })

  it('without a name last until the next one, also over Sync and other sessions', async () => {
    const [first, second] = [await raw({ target: 'one', subject: 'a' }), await raw({ target: 'one', subject: 'b' })]
    expect(await answers(first, parse('', "select 'a' || $1"), sync)).toEqual(['parseComplete', 'ready I'])
    expect(await answers(second, parse('', "select 'b' || $1"), sync)).toEqual(['parseComplete', 'ready I'])
    for (const [client, name] of [
      [first, 'a'],
      [second, 'b'],
      [first, 'a'],
    ] as const)
      expect(await answers(client, bind('', '1'), ...run)).toEqual([
        'bindComplete',
        `row ${name}1`,
        'SELECT 1',
        'ready I',
      ])
    expect(await answers(first, query('select 1'))).toEqual(['rowDescription', 'row 1', 'SELECT 1', 'ready I'])
    expect(await answers(first, bind('', '1'), ...run)).toEqual(['error 26000', 'ready I'])
  })

  it('of one text are one at the target, whatever their sessions call them', async () => {
    const [first, second] = [await raw({ target: 'one', subject: 'a' }), await raw({ target: 'one', subject: 'b' })]
    const text = 'select 4711 + $1::int'
    expect(await answers(first, parse('x', text), sync)).toEqual(['parseComplete', 'ready I'])
    expect(await answers(second, parse('y', text), bind('y', '1'), ...run)).toEqual([
      'parseComplete',
      'bindComplete',
      'row 4712',
      'SELECT 1',
      'ready I',
    ])
    // Closed by one, it is still there for the other.
    expect(await answers(second, closeOf('y'), sync)).toEqual(['closeComplete', 'ready I'])
    expect(await answers(first, bind('x', '2'), ...run)).toContain('row 4713')
  })

  it('R-1.19: keep their places in pipelines that fail', async () => {
    const client = await raw({ target: 'one', subject: 'a' })
    client.send(parse('ok', 'select 1'), sync)
    client.send(parse('bad', 'select 1 / 0'), bind('bad'), execute, bind('ok'), execute, sync)
    client.send(bind('ok'), execute, parse('later', 'select 3'), bind('later'), execute, sync)
    for (let at = 0; at < 3; at++) await client.next('readyForQuery')
    expect(client.taken()).toEqual([
      ...['parseComplete', 'ready I'],
      ...['parseComplete', 'error 22012', 'ready I'],
      ...['bindComplete', 'row 1', 'SELECT 1', 'parseComplete', 'bindComplete', 'row 3', 'SELECT 1', 'ready I'],
    ])
  })

  it('in a failed transaction: only the end of it can be prepared and run', async () => {
    const client = await raw({ target: 'one', subject: 'a' })
    await answers(client, parse('end', 'rollback'), parse('one', 'select 1'), sync)
    const letGo = await answers(client, query('discard all'))
    expect(letGo).toEqual(['DISCARD ALL', 'ready I'])
    await answers(client, parse('end', 'rollback'), parse('one', 'select 1'), sync)
    const other = await connect({ target: 'one', subject: 'b' })
    await other.query('discard all')
    expect(await answers(client, query('begin; select 1 / 0'))).toContain('ready E')
    expect(await answers(client, bind('one'), ...run)).toEqual(['error 25P02', 'ready E'])
    expect(await answers(client, parse('two', 'select 2'), sync)).toEqual(['error 25P02', 'ready E'])
    expect(await answers(client, bind('end'), ...run)).toEqual(['bindComplete', 'ROLLBACK', 'ready I'])
  })

  it('R-0.1: mean what they mean under the settings of their session', async () => {
    const british = await raw({ target: 'one', subject: 'a' }, { startup: { DateStyle: 'SQL, DMY' } })
    const american = await raw({ target: 'one', subject: 'b' }, { startup: { DateStyle: 'SQL, MDY' } })
    const text = "select extract(month from '01/02/2024'::date)::int"
    expect(await answers(british, parse('s', text), bind('s'), ...run)).toContain('row 2')
    expect(await answers(american, parse('s', text), bind('s'), ...run)).toContain('row 1')
    expect(await answers(american, query('begin; set local datestyle = dmy'))).toContain('ready T')
    expect(await answers(american, parse('t', text), bind('t'), ...run)).toContain('row 2')
    await answers(american, query('commit'))
    expect(await answers(american, bind('t'), ...run)).toContain('row 1')
    expect(await answers(british, parse('t', text), bind('t'), ...run)).toContain('row 2')
  })

  it('R-2.15: are there for the next session although another one has dropped all of them', async () => {
    const [first, second] = [await raw({ target: 'one', subject: 'a' }), await raw({ target: 'one', subject: 'b' })]
    await answers(first, parse('s', 'select 77'), query('deallocate all'))
    expect(await answers(second, parse('t', 'select 77'), bind('t'), ...run)).toContain('row 77')
  })

  it('R-2.15: of others cannot be looked at, nor closed by the name that they have at the target', async () => {
    const other = await raw({ target: 'one', subject: 'b' })
    const closed = await answers(other, closeOf('_sallyport_s0'), sync)
    expect(closed).toEqual([expect.stringMatching(/^error /), 'ready I'])
    const client = await connect({ target: 'one' })
    await expect(client.query('select statement from pg_prepared_statements')).rejects.toMatchObject({ code: '0A000' })
  })
})

describe('what outlasts its transaction', () => {
  const refused = [
    ['LISTEN', 'listen jobs'],
    ['PREPARE', 'prepare s as select 1'],
    ['a temporary table', 'create temporary table t (a int)'],
    ['a cursor WITH HOLD', 'declare c cursor with hold for select 1'],
    ['one WITH HOLD that has a comment in it', 'declare c cursor with /* */ hold for select 1'],
    ['an advisory lock', 'select pg_advisory_lock(1)'],
    ['a setting of the application', "set app.tenant = '1'"],
    ['LOAD', "load 'auto_explain'"],
  ] as const

  it.each(refused)('is refused, with what to do instead: %s', async (_what, text) => {
    const open = await connect({ target: 'one', subject: 'a' })
    const error: any = await open.query(text).catch((thrown) => thrown)
    expect([error.code, error.hint]).toEqual(['0A000', expect.stringMatching(/pool: \{ mode: session \}/)])
    expect(await one(open, 'select 1')).toBe(1)
  })

  it('takes the connection to itself where the target says so', async () => {
    const first = await connect({ target: 'pins', subject: 'a' })
    await first.query('prepare s as select 1 as a')
    await first.query('create temporary table mine (a int)')
    const pid = await pidOf(first)
    const second = await connect({ target: 'pins', subject: 'b' })
    expect(await pidOf(second)).not.toBe(pid)
    expect((await first.query('execute s')).rows).toEqual([{ a: 1 }])
    expect((await first.query('select * from mine')).rows).toEqual([])
    await second.query('begin')
    await expect(connect({ target: 'pins', subject: 'c' })).rejects.toMatchObject({ code: '53300' })
    await first.end()
    const third = await connect({ target: 'pins', subject: 'c' })
    await second.query('rollback')
    expect(await one(third, "select count(*)::int from pg_class where relname = 'mine'")).toBe(0)
  })

  it('but a temporary table that ends with its transaction does not', async () => {
    const client = await connect({ target: 'one', subject: 'a' })
    await client.query('begin; create temporary table brief (a int) on commit drop; insert into brief values (1)')
    expect(await one(client, 'select a from brief')).toBe(1)
    await client.query('commit')
    expect(await one(client, "select count(*)::int from pg_class where relname = 'brief'")).toBe(0)
  })
})

it('R-1.29: settings of the start-up packet are the session’s own', async () => {
  const tokyo = await connect(
    { target: 'one', subject: 'a' },
    { application_name: 'tokyo', options: '-c TimeZone=Asia/Tokyo' },
  )
  const lima = await connect(
    { target: 'one', subject: 'b' },
    { application_name: 'lima', options: '-c TimeZone=America/Lima' },
  )
  for (const [client, name, zone] of [
    [tokyo, 'tokyo', 'Asia/Tokyo'],
    [lima, 'lima', 'America/Lima'],
    [tokyo, 'tokyo', 'Asia/Tokyo'],
  ] as const)
    expect([await one(client, 'show application_name'), await one(client, 'show timezone')]).toEqual([name, zone])
  await expect(connect({ target: 'one' }, { options: '-c TimeZone=Nowhere/At/All' })).rejects.toThrow()
  const late = await connect({ target: 'one', subject: 'a' }, { options: '-c statement_timeout=4711' })
  for (const [client, time] of [
    [late, '4711ms'],
    [tokyo, '0'],
    [late, '4711ms'],
  ] as const)
    expect(await one(client, 'show statement_timeout')).toBe(time)
  await expect(connect({ target: 'one' }, { options: '-c app.tenant=7' })).rejects.toThrow(/outlasts its transaction/)
})

it('R-2.15: settings of a session that says goodbye at once stay with it', async () => {
  const leaving = await raw({ target: 'one', subject: 'a' })
  const waiting = await raw({ target: 'one', subject: 'b' })
  await real.admin.query('select pg_advisory_lock(7)')
  leaving.send(query("set lc_monetary = 'C'; set statement_timeout = 4711; select pg_advisory_xact_lock(7)"))
  await expect
    .poll(() => real.rows("select 1 from pg_locks where locktype = 'advisory' and not granted"))
    .toHaveLength(1)
  waiting.send(query('select 4711'))
  await expect.poll(() => path.recorder.of('intent').some(({ text }) => text === 'select 4711')).toBe(true)
  // It is read once the connection was given back, or nobody waits for it any more.
  leaving.send({ type: 'terminate' })
  await waiting.cancel()
  await waiting.next('readyForQuery')
  await real.admin.query('select pg_advisory_unlock(7)')
  await leaving.closed
  expect(await answers(waiting, query('show statement_timeout'))).not.toContain('row 4711ms')
})

it('a held statement waits without a connection', async () => {
  const holder = await connect({ target: 'one', subject: 'a' })
  const held = holder.query('delete from jobs where id = 1')
  const asked = await path.control.next()
  const other = await connect({ target: 'one', subject: 'b' })
  expect(await one(other, 'select 1')).toBe(1)
  path.control.decide(asked, 'approved')
  expect((await held).rowCount).toBe(0)
})

it('callers take turns, however much one of them asks', async () => {
  const holder = await connect({ target: 'one', subject: 'holder' })
  const busy = await Promise.all([1, 2, 3, 4, 5].map(() => connect({ target: 'one', subject: 'busy' })))
  const quiet = await connect({ target: 'one', subject: 'quiet' })
  await holder.query('begin')
  const order: string[] = []
  const asked = busy.map((client) => client.query('select 1').then(() => order.push('busy')))
  const alsoAsked = quiet.query('select 1').then(() => order.push('quiet'))
  await expect
    .poll(() => path.recorder.of('intent').filter(({ text }) => text === 'select 1').length)
    .toBeGreaterThan(5)
  await holder.query('commit')
  await Promise.all([...asked, alsoAsked])
  expect(order.indexOf('quiet')).toBeLessThan(2)
})

it('sessions outlive their target, and fail with its code while it is away', async () => {
  const client = await connect({ target: 'owned', subject: 'a' })
  const pid = await pidOf(client)
  await real.admin.query('select pg_terminate_backend($1)', [pid])
  await expect.poll(async () => (await real.rows(`select 1 from pg_stat_activity where pid = ${pid}`)).length).toBe(0)
  expect(await pidOf(client)).not.toBe(pid)
})

it('R-2.12: a credential is rotated while sessions go on: what the old one opened is not lent again', async () => {
  const client = await connect({ target: 'one', subject: 'a' })
  const pid = await pidOf(client)
  await real.admin.query("alter role app password 'rotated'")
  environment.APP_PASSWORD = 'rotated'
  await expect.poll(() => pidOf(client), { timeout: 20_000 }).not.toBe(pid)
  expect(await one(client, 'select 1')).toBe(1)
})
