// An agent of several processes: what is counted is counted over all of them, and what one of them loses is lost by it alone.
import { readFileSync } from 'node:fs'
import { limits } from '@sallyport/base/limits'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type RealTarget, startRealTarget, targetDocument } from './real-target.ts'
import { resumed } from './tls-sessions.ts'
import { type LoggedLine, startWorkerAgent, type WorkerAgent } from './worker-agent.ts'

let real: RealTarget
let agent: WorkerAgent
const clients: pg.Client[] = []

const schema = `
  create table people (id int primary key, name text, ssn text);
  insert into people select n, 'Person ' || n, '900-' || n from generate_series(1, 20) n;
  grant create on schema public to app;
`
const documents = (more = '', limits = '[]'): string => `${targetDocument(real.server.port, more)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
    - { name: sleep, effect: allow, callers: { any: true }, operations: [call], objects: ["pg_catalog.pg_sleep()", "pg_catalog.pg_advisory_lock_shared()"] }
    - { name: held, effect: hold, callers: { any: true }, operations: [delete], approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 20s, reason: optional } }
  masks:
    - { columns: [public.people.ssn], method: redact }
  limits: ${limits}
`

beforeAll(async () => {
  real = await startRealTarget({ schema, settings: { fsync: 'off' } })
  agent = await startWorkerAgent({ yaml: documents(), workers: 2 })
}, 120_000)
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => {})
})
afterAll(async () => {
  await agent?.stop()
  await real?.stop()
})

const connect = async (...of: Parameters<WorkerAgent['connect']>): Promise<pg.Client> => {
  const client = await agent.connect(...of)
  clients.push(client)
  return client
}
const connectMany = async (count: number, subject?: string): Promise<pg.Client[]> =>
  await Promise.all(Array.from({ length: count }, () => connect(subject)))
const settledBy = (promises: readonly Promise<unknown>[]) => Promise.allSettled(promises)

it('spreads connections over its workers, and each judges and masks', async () => {
  const from = agent.lines.length
  const all = await connectMany(6)
  const rows = await Promise.all(all.map((client) => client.query('select name, ssn from people where id = 1')))
  for (const { rows: found } of rows) expect(found[0].ssn).not.toContain('900')
  const openings = () => agent.lines.slice(from).filter(({ msg }) => msg === 'session-opened')
  const opened = await agent.until(() => openings().length === 6 && openings())
  expect(new Set(opened.map(({ worker }) => worker))).toEqual(new Set([0, 1]))
})

it('has nothing of its settings and secrets in the environment or the arguments of a worker', () => {
  expect(agent.workers()).toHaveLength(2)
  for (const id of agent.workers()) {
    const environment = readFileSync(`/proc/${id}/environ`, 'utf8')
    expect(environment).not.toMatch(/SALLYPORT|APP_PASSWORD|spj1/)
    expect(readFileSync(`/proc/${id}/cmdline`, 'utf8')).not.toMatch(/run|spj1/)
  }
})

it('a cancel request reaches the session wherever it comes in', async () => {
  const [client] = await connectMany(1)
  for (let round = 0; round < 4; round++) {
    const running = client!.query('select pg_sleep(60)')
    await untilActive('pg_sleep')
    await cancel(client!)
    await expect(running).rejects.toMatchObject({ code: '57014' })
  }
})

it('a limit of statements is exact over all workers, whoever asks at once', async () => {
  await published(documents('', '[{ name: forty, per: initiator, requests: 40, every: 1h }]'))
  const all = await connectMany(8, 'limited')
  const results = await settledBy(
    all.flatMap((client) => Array.from({ length: 8 }, () => client.query('select id from people where id = 1'))),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(40)
  await published(documents())
})

it('a limit of rows over time is exact as well', async () => {
  await published(documents('', '[{ name: rows, per: initiator, rows: 50, every: 1h }]'))
  const all = await connectMany(6, 'counted')
  const results = await settledBy(all.map((client) => client.query('select id from people')))
  const whole = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value as pg.QueryResult] : []))
  expect(whole.length).toBeLessThanOrEqual(2)
  const isOurs = (session: string): boolean =>
    agent.entries.some((one) => one.session === session && JSON.stringify(one['initiator'] ?? '').includes('counted'))
  const outcomes = () => agent.entries.filter(({ kind, session }) => kind === 'outcome' && isOurs(session))
  const denials = () => agent.entries.filter(({ kind, session }) => kind === 'denied' && isOurs(session))
  await agent.until(() => outcomes().length + denials().length === 6)
  expect(outcomes().reduce((sum, { rows }) => sum + Number(rows), 0)).toBe(50)
  await published(documents())
})

it('connections to a target are as many as it may have, over all workers', async () => {
  await published(documents('  pool: { mode: transaction, connections: 3, wait: 30s }'))
  const all = await connectMany(8)
  const seen = { most: 0 }
  const work = all.map(async (client) => {
    for (let round = 0; round < 10; round++) await client.query(`select pg_sleep(0.005), ${round}`)
  })
  const watching = { isOn: true }
  const watch = (async () => {
    while (watching.isOn) {
      const [{ count }] = await real.rows(
        `select count(*)::int from pg_stat_activity where usename = 'app' and query like '%pg_sleep(0.005)%' and state = 'active'`,
      )
      seen.most = Math.max(seen.most, count)
    }
  })()
  await Promise.all(work)
  watching.isOn = false
  await watch
  expect(seen.most).toBeGreaterThan(0)
  expect(seen.most).toBeLessThanOrEqual(3)
  await published(documents())
})

it('what a person approves runs in the session that waits for it, and what came of it is told', async () => {
  const all = await connectMany(4)
  const results = await Promise.all(all.map((client, n) => client.query(`delete from people where id = ${-1 - n}`)))
  expect(results.map(({ command }) => command)).toEqual(['DELETE', 'DELETE', 'DELETE', 'DELETE'])
  await agent.until(() => agent.ran.length === 4)
  expect(agent.ran.map(({ result }) => result)).toEqual(['done', 'done', 'done', 'done'])
})

it('a token for one use is used once, whichever worker it comes to', async () => {
  const once = { sp_once: true, jti: 'only-once' }
  const results = await settledBy(Array.from({ length: 4 }, () => connect('ann', {}, once)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

it('a session of TLS that began at one worker goes on at the other', async () => {
  const to = { host: '127.0.0.1', port: agent.port, servername: 'localhost', ca: agent.ca }
  expect(await resumed({ ...to, ALPNProtocols: ['postgresql'] }, 2)).toEqual([true, true])
})

it('refused logins of one address wait past so many over all workers, and those that are good do not (R-1.5)', async () => {
  const from = agent.lines.length
  const refusals = (): LoggedLine[] => agent.lines.slice(from).filter(({ code }) => code === 'TOKEN_INVALID')
  const wrong = async (): Promise<string> =>
    await connect('ann', { password: 'no-token' }).then(
      () => 'let in',
      (error: { code: string }) => error.code,
    )
  const most = limits.refusedLoginsPerMinuteMax
  const codes: string[] = []
  for (let begun = 0; begun < most; begun += 10) codes.push(...(await Promise.all(Array.from({ length: 10 }, wrong))))
  await agent.until(() => refusals().length === most)
  const atOnce = refusals().filter(({ waitMs }) => waitMs === undefined).length
  expect(new Set(refusals().map(({ worker }) => worker))).toEqual(new Set([0, 1]))
  const late = [wrong(), wrong()]
  expect((await (await connect()).query('select 1 as one')).rows).toEqual([{ one: 1 }])
  codes.push(...(await Promise.all(late)))
  await agent.until(() => refusals().length === most + 2)
  // Other tests may have had some within the same minute.
  const others = agent.lines.filter(({ msg }) => msg === 'connection-refused').length - refusals().length
  expect(atOnce).toBeLessThanOrEqual(most)
  expect(atOnce).toBeGreaterThanOrEqual(most - others)
  expect(refusals().flatMap(({ waitMs }) => waitMs ?? [])).toEqual(
    Array(most + 2 - atOnce).fill(limits.refusedLoginMsMin),
  )
  expect(new Set(codes)).toEqual(new Set(['28P01']))
})

it('what one worker changes of objects counts at the others before its client hears of it', async () => {
  const all = await connectMany(4)
  for (let round = 0; round < 6; round++) {
    const at = all[round % all.length]!
    await at.query(`create table made_${round} (id int)`)
    for (const client of all) await client.query(`select id from made_${round}`)
  }
})

it('an ended worker takes its sessions alone: they are closed in the record, and its connections are free again', async () => {
  await published(documents('  pool: { mode: session, connections: 4, wait: 20s }'))
  const from = agent.lines.length
  const all = await connectMany(4, 'crashed')
  const openings = () => agent.lines.slice(from).filter(({ msg }) => msg === 'session-opened')
  const opened = await agent.until(() => openings().length === 4 && openings())
  const lost = opened.filter(({ worker }) => worker === 0).map(({ session }) => session)
  expect(lost.length).toBeGreaterThan(0)
  const before = agent.workers()
  process.kill(agent.processOf(0) ?? 0, 'SIGKILL')
  await agent.until(() =>
    lost.every((id) => agent.entries.some(({ session, kind }) => session === id && kind === 'session-closed')),
  )
  const closings = agent.entries.filter(({ session, kind }) => kind === 'session-closed' && lost.includes(session))
  expect(new Set(closings.map(({ reason }) => reason))).toEqual(new Set(['agent worker ended']))
  const answers = await settledBy(all.map((client) => client.query('select 1')))
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(4 - lost.length)
  // The connections that the worker had are free: as many new sessions as it had come in.
  const more = await Promise.all(lost.map(() => connect('crashed')))
  for (const client of more) await client.query('select 1')
  await agent.until(() => agent.workers().length === 2)
  expect(agent.workers()).not.toEqual(before)
  await published(documents())
})

it('sums the metrics of its processes', async () => {
  const text = await agent.metrics()
  const count = /^sallyport_statements_total\{target="shop",outcome="done"\} (\d+)$/m.exec(text)?.[1]
  expect(Number(count)).toBeGreaterThan(50)
  expect(text).toMatch(/^sallyport_spool_bytes /m)
})

it('ends well on SIGTERM: what runs is finished, and all is recorded', async () => {
  const other = await startWorkerAgent({ yaml: documents(), workers: 3, env: { SALLYPORT_DRAIN_SECONDS: '30' } })
  const busy = await Promise.all([other.connect(), other.connect(), other.connect()])
  await real.rows('select pg_advisory_lock(7)')
  const running = busy.map((client) => client.query('select pg_advisory_lock_shared(7), 7 as seven'))
  await untilActive('as seven', 3)
  other.child.kill('SIGTERM')
  await other.until(() => other.lines.some(({ msg }) => msg === 'stopping'))
  await real.rows('select pg_advisory_unlock(7)')
  const results = await Promise.all(running)
  expect(results.map(({ rows }) => rows[0].seven)).toEqual([7, 7, 7])
  expect(await other.ended).toEqual({ code: 0 })
  await other.stop()
  expect(other.entries.filter(({ kind }) => kind === 'session-closed')).toHaveLength(3)
}, 120_000)

it('workers end with their primary', async () => {
  const other = await startWorkerAgent({ yaml: documents(), workers: 2 })
  const workers = other.workers()
  const client = await other.connect()
  const over = new Promise((resolve) => client.once('end', resolve))
  other.child.kill('SIGKILL')
  await over
  await other.stop()
  expect(workers).toHaveLength(2)
  for (const id of workers) while (isAlive(id)) await new Promise(setImmediate)
}, 120_000)

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}

async function published(yaml: string): Promise<void> {
  const version = agent.publish(yaml)
  const taken = () => agent.lines.filter((line) => line.msg === 'snapshot-taken' && line['version'] === version)
  await agent.until(() => new Set(taken().map(({ worker }) => worker)).size === 2)
}

async function untilActive(text: string, times = 1): Promise<void> {
  for (;;) {
    const found = await real.rows(
      `select 1 from pg_stat_activity where state = 'active' and usename = 'app' and query like '%${text}%'`,
    )
    if (found.length >= times) return
  }
}

async function cancel(client: pg.Client): Promise<void> {
  const asking = new pg.Client({ host: '127.0.0.1', port: agent.port, ssl: false })
  await new Promise<void>((resolve) => {
    const { connection } = asking as unknown as { connection: any }
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    connection.on('connect', () => connection.cancel(processID, secretKey))
    connection.on('end', () => resolve())
    connection.on('error', () => {})
    connection.connect(agent.port, '127.0.0.1')
  })
}
