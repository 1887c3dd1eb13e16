// Held statements through the whole data path, to a real PostgreSQL: what the caller sees, what reaches the target and
// when, what the record says. The control plane's side is made of its messages (DESIGN §5, THREATS ).
import { once } from 'node:events'
import { manualClock } from '@sallyport/base/clock'
import type { EntryBody } from '@sallyport/ledger/entry'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import type { FakeRequest } from './fake-holds.ts'
import { type RawClient, rawClient } from './raw-client.ts'

let server: PostgresServer
let path: DataPath
let admin: pg.Client
const logged: string[] = []
const logWaiting = new Set<() => void>()

const schema = `
  create role app login password 'app-secret-1';
  create table orders (id int primary key, note text, at date);
  create table people (id int primary key, ssn text);
  create table audited (id int primary key);
  insert into orders select n, 'note ' || n, date '2026-01-01' + n from generate_series(1, 400) n;
  insert into people select n, '900-' || n from generate_series(1, 20) n;
  insert into audited select n from generate_series(1, 20) n;
  grant all on all tables in schema public to app;
  create function spy(int) returns int language sql stable as 'select $1';
  analyze;
`

const documents = (options: { wait?: string; hold?: string; extra?: string } = {}): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop, labels: { env: test } }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${server.port}
  database: shop
  tls: { mode: disable }
  roles: [{ name: app, password: { env: APP_PASSWORD } }]
---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: strict, labels: { env: test } }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${server.port}
  database: shop
  recording: strict
  tls: { mode: disable }
  roles: [{ name: app, password: { env: APP_PASSWORD } }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: orders }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] }, operations: [select, insert, update, set] }
    - { name: calls, effect: allow, callers: { groups: [engineering] }, operations: [call], objects: ["public.spy()"] }
    - name: deletes-need-a-human
      effect: hold
      callers: { groups: [engineering] }
      operations: [delete, truncate]
      objects: ["public.*"]
      approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: ${options.wait ?? '60s'} }
${options.hold ?? ''}${options.extra ?? ''}  masks:
    - { columns: [public.people.ssn], method: redact, predicates: equality }
`

beforeAll(async () => {
  server = await startPostgres({
    settings: { fsync: 'off', log_statement: 'all' },
    log: (line) => {
      logged.push(line)
      for (const wake of [...logWaiting]) wake()
    },
  })
  admin = new pg.Client(server.url('postgres'))
  await admin.connect()
  await admin.query('create database shop')
  await admin.end()
  admin = new pg.Client(server.url('shop'))
  admin.on('error', () => {})
  await admin.connect()
  await admin.query(schema)
  path = await startDataPath({ yaml: documents(), environment: { APP_PASSWORD: 'app-secret-1' } })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await admin?.end()
  await server?.stop()
})

afterEach(() => {
  path.recorder.full = false
  path.control.forget()
  Object.assign(path.control.behaviour, {
    isUp: true,
    isSilent: false,
    keepsClaims: false,
    refusal: null,
    wrongDigest: null,
  })
  path.snapshots.publish(path.snapshot(documents()))
})

const publish = (options: Parameters<typeof documents>[0]) => path.snapshots.publish(path.snapshot(documents(options)))

async function withClient<T>(run: (client: pg.Client, notices: any[]) => Promise<T>, shown = {}): Promise<T> {
  const client = await path.connect(shown)
  const notices: any[] = []
  client.on('notice', (notice) => {
    notices.push(notice)
    path.control.wake()
  })
  try {
    return await run(client, notices)
  } finally {
    await client.end().catch(() => {})
  }
}
const errorOf = async (promise: Promise<unknown>): Promise<pg.DatabaseError> => {
  try {
    await promise
  } catch (error) {
    return error as pg.DatabaseError
  }
  throw new Error('it did not fail')
}
/** Tokens are dated by the real clock, a moment after the one of the test stands still. */
const clockSkewMs = 5_000
const left = async (id: number): Promise<number> =>
  Number((await admin.query('select count(*) n from orders where id = $1', [id])).rows[0]?.n)

/** Everything that the target was told to run before this moment, in the order of its log. */
let markers = 0
async function targetLog(): Promise<string[]> {
  const marker = `marker-${++markers}`
  await admin.query(`select '${marker}'`)
  while (!logged.some((line) => line.includes(`statement: select '${marker}'`)))
    await new Promise<void>((resolve) => {
      const wake = () => {
        logWaiting.delete(wake)
        resolve()
      }
      logWaiting.add(wake)
    })
  return logged.filter((line) => /(statement|execute [^:]*): /.test(line)).map((line) => line.replace(/^.*?LOG: */, ''))
}
const ranAtTarget = async (text: string): Promise<number> =>
  (await targetLog())
    .filter((line) => line.startsWith('execute') || line.startsWith('statement'))
    .filter((line) => line.includes(text) && !line.includes('EXPLAIN')).length

/** Sessions of the agent's callers at the target, by state. */
const states = async (): Promise<string[]> =>
  (
    await admin.query(
      `select state from pg_stat_activity where usename = 'app' and application_name not like 'sallyport%'`,
    )
  ).rows.map(({ state }) => state)

/** What the record of the session says that asked for it. */
const entriesOf = ({ evidence }: FakeRequest): EntryBody[] =>
  path.recorder.entries.filter(({ session }) => session === evidence.session).map(({ body }) => body)
/** The same, once the session is over. */
async function closedEntriesOf(request: FakeRequest): Promise<EntryBody[]> {
  await path.recorder.seen(() => entriesOf(request).some(({ kind }) => kind === 'session-closed'))
  return entriesOf(request)
}
const parse = (text: string, name = '') => ({ type: 'parse', name, text, parameterTypes: [] }) as const
const bind = (values: readonly string[] = [], portal = '', statement = '') =>
  ({
    type: 'bind',
    portal,
    statement,
    parameterFormats: [],
    parameters: values.map((value) => Buffer.from(value)),
    resultFormats: [],
  }) as const
const execute = (portal = '', rowsMax = 0) => ({ type: 'execute', portal, rowsMax }) as const
const describePortal = { type: 'describe', what: 'portal', name: '' } as const
const sync = { type: 'sync' } as const
const fieldOf = (fields: readonly (readonly [string, string])[], code: string): string =>
  fields.find(([name]) => name === code)?.[1] ?? ''

async function withRaw<T>(run: (client: RawClient) => Promise<T>, shown = {}): Promise<T> {
  const client = await rawClient(path, shown)
  try {
    return await run(client)
  } finally {
    client.destroy()
  }
}

describe('a held statement by the simple protocol', () => {
  it('waits with a notice, reaches the target only once approved, and is recorded in order', async () => {
    const request = await withClient(async (client, notices) => {
      const running = client.query('delete from orders where id = 1')
      const request = await path.control.next()
      const notice = await path.control.until(() => notices[0])
      expect(notice.severity).toBe('NOTICE')
      expect(notice.code).toBe('00000')
      expect(notice.message).toMatch(
        /^held for approval: DELETE on public\.orders needs 1 of group "dba" \(rule "orders\/deletes-need-a-human"\), expires \d\d:\d\d:\d\dZ$/,
      )
      expect(notice.hint).toBe(`https://console.test/approvals/${request.id}`)
      expect(await ranAtTarget('delete from orders where id = 1')).toBe(0)
      expect(await left(1)).toBe(1)
      path.control.decide(request, 'approved', 'fine')
      expect((await running).rowCount).toBe(1)
      expect(await left(1)).toBe(0)
      const ran = await path.control.until(() => request.ran[0])
      expect(ran).toMatchObject({ result: 'done', tag: 'DELETE 1', sqlstate: '', rows: 0n })
      return request
    })
    const [, held, ended, intent, outcome] = entriesOf(request)
    expect(held).toMatchObject({
      kind: 'held',
      statement: 1,
      protocol: 'simple',
      text: 'delete from orders where id = 1',
      verb: 'delete',
      rule: { policy: 'orders', rule: 'deletes-need-a-human' },
      request: request?.id,
      statementDigest: request?.opened.statementDigest,
      evidenceDigest: request?.evidenceDigest,
      waits: true,
    })
    expect(ended).toEqual({
      kind: 'hold-ended',
      statement: 1,
      request: request?.id,
      result: 'approved',
      by: ['Bob'],
      reason: 'fine',
      approvalDigest: request?.approvalDigest,
    })
    expect(intent).toMatchObject({ kind: 'intent', statement: 1, decision: 'approved' })
    expect(outcome).toMatchObject({ kind: 'outcome', statement: 1, result: 'done', tag: 'DELETE 1' })
  })

  it('shows reviewers the whole statement, its colours, its facts and an estimate', async () => {
    await withClient(async (client) => {
      const running = client.query("delete from orders /* é */ where note = 'note 2' -- bye")
      const { evidence, ...request } = await path.control.next()
      expect(evidence).toMatchObject({
        statement: 1,
        agentName: 'test',
        target: 'shop',
        targetLabels: { env: 'test' },
        database: 'shop',
        upstreamRole: 'app',
        initiator: { subject: 'ann', assurance: 'verified' },
        protocol: 'simple',
        text: "delete from orders /* é */ where note = 'note 2' -- bye",
        parameters: [],
        parts: [{ verb: 'delete', filtered: true, maskedColumns: 0 }],
        quorum: [{ group: 'dba', count: 1 }],
        expiresInMs: 900_000,
        estimate: { kind: 'rows', rows: 1, ofRows: expect.any(Number), scan: 'Seq Scan on orders' },
      })
      const shown = evidence.spans.map(({ start, end, kind }) => `${kind} ${evidence.text.slice(start, end)}`)
      expect(shown).toEqual([
        'keyword delete',
        'keyword from',
        'name orders',
        'comment /* é */',
        'keyword where',
        'name note',
        'operator =',
        "string 'note 2'",
        'comment -- bye',
      ])
      path.control.decide(path.control.requests.find(({ id }) => id === request.id)!, 'denied', 'no')
      await errorOf(running)
    })
  })

  it('is refused with the name and the reason of the reviewer, control characters made visible', async () => {
    const request = await withClient(async (client) => {
      const running = errorOf(client.query('delete from orders where id = 2'))
      const request = await path.control.next()
      path.control.decide(request, 'denied', 'not \u001b[31mtoday\nreally', 'Bob')
      expect(await running).toMatchObject({
        code: 'SPH03',
        severity: 'ERROR',
        message: 'denied by "Bob": not ?[31mtoday?really',
        hint: expect.stringContaining('HOLD_DENIED'),
      })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      return request
    })
    const entries = await closedEntriesOf(request)
    expect(entries.map(({ kind }) => kind)).toEqual([
      'session-opened',
      'held',
      'hold-ended',
      'intent',
      'outcome',
      'session-closed',
    ])
    expect(entries[2]).toMatchObject({ result: 'denied', by: ['Bob'] })
    expect(await left(2)).toBe(1)
  })

  it('expires with SPH01', async () => {
    await withClient(async (client) => {
      const running = errorOf(client.query('delete from orders where id = 2'))
      path.control.expire(await path.control.next())
      expect(await running).toMatchObject({ code: 'SPH01', hint: expect.stringContaining('HOLD_EXPIRED') })
    })
  })

  it('answers SPH02 with the URL when the wait is over; the same statement attaches, and runs once approved', async () => {
    publish({ wait: '1s' })
    await withClient(async (client) => {
      const text = 'delete from orders where id = 3'
      const error = await errorOf(client.query(text))
      const request = await path.control.next()
      expect(error).toMatchObject({ code: 'SPH02' })
      expect(error.message).toContain(`request ${request.id} at https://console.test/approvals/${request.id}`)
      expect(error.hint).toContain('the same statement sent again')
      expect(await path.control.until(() => request.released[0])).toMatchObject({ why: 'pending' })
      expect((await client.query('select count(*)::int as n from orders')).rows[0].n).toBeGreaterThan(0)
      expect((await errorOf(client.query(text))).message).toContain(request.id)
      path.control.decide(request, 'approved')
      expect((await client.query(text)).rowCount).toBe(1)
      // One approval, one run.
      expect((await errorOf(client.query(text))).message).not.toContain(request.id)
      await path.control.next()
    })
    expect(await left(3)).toBe(0)
  })

  it('attaches from another connection, but not as another person, with another value or another path', async () => {
    const digestOf = async (text: string, shown = {}, before = ''): Promise<string> => {
      const from = path.control.messages.length
      await withClient(async (client) => {
        if (before !== '') await client.query(before)
        // In a transaction nobody waits.
        await client.query('begin')
        await errorOf(client.query(text))
      }, shown)
      const opened = path.control.messages.slice(from).find((body) => body.case === 'holdOpened')
      return opened?.case === 'holdOpened' ? opened.value.statementDigest : ''
    }
    const text = 'delete from orders where id = 4'
    const first = await digestOf(text)
    expect(await digestOf(text)).toBe(first)
    const others = [
      await digestOf(text, { subject: 'eve' }),
      await digestOf('delete from orders where id = 5'),
      await digestOf(text, {}, 'set search_path to public, information_schema'),
    ]
    expect(new Set([first, ...others]).size).toBe(4)
  })

  it('is denied once the session has changed a setting that changes what texts mean (R-6.7)', async () => {
    for (const setting of ["datestyle to 'German'", "intervalstyle to 'iso_8601'", "lc_monetary to 'C'"]) {
      const from = path.control.messages.length
      await withClient(async (client) => {
        await client.query(`set ${setting}`)
        const error = await errorOf(client.query('delete from orders where id = 4'))
        expect(error).toMatchObject({ code: '42501', message: expect.stringContaining('was changed in the session') })
      })
      expect(path.control.messages.slice(from).some((body) => body.case === 'holdOpened')).toBe(false)
    }
    await withClient(async (client) => {
      await client.query("set statement_timeout to '10s'")
      await client.query('begin')
      expect(await errorOf(client.query('delete from orders where id = 4'))).toMatchObject({ code: 'SPH02' })
    })
  })
})

describe('a held statement by the extended protocol', () => {
  it('waits outside a transaction, and gives node-postgres its rows after the approval', async () => {
    await withClient(async (client, notices) => {
      const running = client.query('delete from orders where id = $1 and note = $2 returning id, note, at', [
        10,
        'note 10',
      ])
      const request = await path.control.next()
      await path.control.until(() => notices[0])
      expect(request.evidence).toMatchObject({ protocol: 'extended', parameters: ['10', 'note 10'] })
      expect(request.evidence.estimate).toMatchObject({ kind: 'rows', rows: 1 })
      // Answered with the hidden ReadyForQuery by now, or soon: the target says so itself.
      await expect.poll(states).toEqual(['idle'])
      expect(await ranAtTarget('returning id, note, at')).toBe(0)
      path.control.decide(request, 'approved')
      const { rows, fields } = await running
      expect(rows).toEqual([{ id: 10, note: 'note 10', at: expect.any(Date) }])
      expect(fields.map(({ name }) => name)).toEqual(['id', 'note', 'at'])
      expect(await path.control.until(() => request.ran[0])).toMatchObject({ result: 'done', rows: 1n })
      expect(await ranAtTarget('returning id, note, at')).toBe(1)
    })
  })

  it('waits again with a named statement, and keeps it', async () => {
    await withClient(async (client) => {
      const query = (id: number) =>
        client.query({ name: 'del', text: 'delete from orders where id = $1 returning id', values: [id] })
      for (const id of [11, 12]) {
        const running = query(id)
        const request = await path.control.next()
        expect(request.evidence.parameters).toEqual([String(id)])
        path.control.decide(request, 'approved')
        expect((await running).rows).toEqual([{ id }])
      }
    })
  })

  it('shows the client exactly the messages that it would get without a hold', async () => {
    const messages = [parse('delete from orders where id = $1 returning id'), bind(['13']), describePortal, execute()]
    const plain = await withRaw(async (client) => {
      client.send(parse('update orders set id = id where id = $1 returning id'), ...messages.slice(1), sync)
      await client.next('readyForQuery')
      return client.taken()
    })
    await withRaw(async (client) => {
      client.send(...messages, sync)
      const request = await path.control.next()
      await client.next('noticeResponse')
      path.control.decide(request, 'approved')
      await client.next('readyForQuery')
      const taken = client.taken()
      expect(taken.filter((one) => one !== 'noticeResponse')).toEqual(
        plain.map((one) => one.replace('UPDATE', 'DELETE')),
      )
      // The unnamed statement is still there, as without a hold.
      client.send(bind(['14']), execute(), sync)
      path.control.decide(await path.control.next(), 'approved')
      await client.next('readyForQuery')
      expect(client.taken().filter((one) => one !== 'noticeResponse')).toEqual([
        'bindComplete',
        'row 14',
        'DELETE 1',
        'ready I',
      ])
    })
  })

  it('binds a named portal and binary values again', async () => {
    await withRaw(async (client) => {
      const id = Buffer.alloc(4)
      id.writeInt32BE(15)
      client.send(
        { type: 'parse', name: 's', text: 'delete from orders where id = $1 returning id', parameterTypes: [23] },
        {
          type: 'bind',
          portal: 'p',
          statement: 's',
          parameterFormats: [1],
          parameters: [id],
          resultFormats: [0],
        },
        execute('p'),
        sync,
      )
      const request = await path.control.next()
      expect(request.evidence.parameters).toEqual(['15'])
      await client.next('noticeResponse')
      path.control.decide(request, 'approved')
      await client.next('readyForQuery')
      expect(client.taken().filter((one) => one !== 'noticeResponse')).toEqual([
        'parseComplete',
        'bindComplete',
        'row 15',
        'DELETE 1',
        'ready I',
      ])
    })
  })

  it('fails as the target fails it, when the portal cannot be bound again', async () => {
    await withRaw(async (client) => {
      client.send(parse('delete from orders where id = $1'), bind(['no number']), execute(), sync)
      await client.next('readyForQuery')
      // The target refused the Bind before anybody was asked.
      expect(client.taken()).toEqual(['parseComplete', 'error 22P02', 'ready I'])
      expect(path.control.messages.at(-1)?.case).not.toBe('holdOpened')
    })
  })

  it('is prepared and described without anybody being asked', async () => {
    const before = path.control.messages.length
    await withRaw(async (client) => {
      client.send(
        parse('delete from orders where id = $1 returning id', 's'),
        { type: 'describe', what: 'statement', name: 's' },
        bind(['1'], '', 's'),
        sync,
      )
      await client.next('readyForQuery')
      expect(client.taken()).toEqual([
        'parseComplete',
        'parameterDescription',
        'rowDescription',
        'bindComplete',
        'ready I',
      ])
    })
    expect(path.control.messages.length).toBe(before)
  })

  it('refuses to approve a part of a result', async () => {
    await withRaw(async (client) => {
      client.send(parse('delete from orders where id < 5 returning id'), bind(), execute('', 1), sync)
      expect(fieldOf((await client.next('errorResponse')).fields, 'M')).toContain('a part of a result')
      await client.next('readyForQuery')
    })
  })
})

describe('where the caller cannot wait', () => {
  it('answers SPH02 at once inside a transaction block, which fails as usual, and runs in the next one once approved', async () => {
    await withClient(async (client, notices) => {
      const text = 'delete from orders where id = 20'
      await client.query('begin')
      await client.query("update orders set note = 'changed' where id = 21")
      expect(await errorOf(client.query(text))).toMatchObject({ code: 'SPH02' })
      const request = await path.control.next()
      expect(request.opened.waits).toBe(false)
      expect(notices).toEqual([])
      expect(await errorOf(client.query('select 1'))).toMatchObject({ code: '25P02' })
      await client.query('rollback')
      path.control.decide(request, 'approved')
      await client.query('begin')
      expect((await client.query(text)).rowCount).toBe(1)
      await client.query('commit')
      expect(await left(20)).toBe(0)
    })
  })

  it('answers SPH02 after an earlier Execute of the same pipeline, and nothing of it commits', async () => {
    await withRaw(async (client) => {
      client.send(
        parse("update orders set note = 'piped' where id = 22"),
        bind(),
        execute(),
        parse('delete from orders where id = 22'),
        bind(),
        execute(),
        parse("update orders set note = 'after' where id = 22"),
        bind(),
        execute(),
        sync,
      )
      await client.next('readyForQuery')
      expect(client.taken()).toEqual([
        'parseComplete',
        'bindComplete',
        'UPDATE 1',
        'parseComplete',
        'bindComplete',
        'error SPH02',
        'ready I',
      ])
    })
    await path.control.next()
    expect((await admin.query('select note from orders where id = 22')).rows).toEqual([{ note: 'note 22' }])
  })

  it('waits for each of two pipelined batches in turn', async () => {
    await withRaw(async (client) => {
      const batch = (id: number) => [parse(`delete from orders where id = ${id}`), bind(), execute(), sync] as const
      client.send(...batch(23), ...batch(24))
      path.control.decide(await path.control.next(), 'approved')
      path.control.decide(await path.control.next(), 'approved')
      await client.next('readyForQuery')
      await client.next('readyForQuery')
      expect(client.taken().filter((one) => one.startsWith('DELETE'))).toEqual(['DELETE 1', 'DELETE 1'])
    })
  })

  it('does not wait while another portal would be lost', async () => {
    await withRaw(async (client) => {
      client.send(
        parse('select id from orders', 'read'),
        bind([], 'rows', 'read'),
        parse('delete from orders where id = 25'),
        bind(),
        execute(),
        sync,
      )
      await client.next('readyForQuery')
      expect(client.taken().at(-2)).toBe('error SPH02')
    })
    await path.control.next()
  })

  it.each([
    ['EXECUTE', ['prepare p as delete from orders where id = 26', 'execute p'], 'PREPARE|EXECUTE'],
    ['COPY FROM', ['copy people from stdin'], 'COPY FROM STDIN'],
    [
      'EXPLAIN of EXECUTE',
      ['deallocate all', 'prepare p as select id from audited', 'explain (analyze) execute p'],
      'PREPARE|EXECUTE: what it runs',
    ],
    ['a setting', ["select id from audited where id = current_setting('application_name')::int"], 'current_setting'],
    ['a sequence', ['select id from audited where id = lastval()'], 'lastval'],
    ['a seed', ['select id from audited where random() < 0.5'], 'random'],
    ['a cursor', ['begin', 'declare c cursor for select id from audited'], 'DECLARE'],
  ])('refuses to approve %s, whose content is somewhere else', async (_, texts, expected) => {
    publish({
      hold: `    - { name: watched, effect: hold, callers: { groups: [engineering] }, operations: [select, insert], objects: [public.audited, public.people], approval: { reviewers: [{ group: dba, count: 1 }], expires: 1m, wait: 1s } }\n`,
    })
    await withClient(async (client) => {
      let failed: pg.DatabaseError | null = null
      for (const text of texts)
        failed = await client.query(text).then(
          () => failed,
          (error) => error,
        )
      expect(failed).toMatchObject({ code: '42501' })
      expect(failed?.message).toMatch(new RegExp(expected))
    })
  })
})

describe('a text of several statements', () => {
  it('is held as a whole under one number, and its intents count on', async () => {
    const request = await withClient(async (client, notices) => {
      const running = client.query(
        "insert into orders (id, note) values (1001, 'x'); delete from orders where id = 1001; select 7 as seven",
      )
      const request = await path.control.next()
      await path.control.until(() => notices[0])
      expect(notices[0].message).toContain('DELETE on public.orders and 2 more statements need 1 of group "dba"')
      expect(request.evidence.parts.map(({ verb }) => verb)).toEqual(['insert', 'delete', 'select'])
      expect(request.evidence.estimate).toEqual({ kind: 'unavailable', reason: 'the text has several statements' })
      path.control.decide(request, 'approved')
      const results = (await running) as unknown as pg.QueryResult[]
      expect(results.map(({ command }) => command)).toEqual(['INSERT', 'DELETE', 'SELECT'])
      const [ran] = await path.control.until(() => request.ran.length > 0 && request.ran)
      expect(ran).toMatchObject({ result: 'done', tag: 'SELECT 1', rows: 1n })
      await client.query('select 8')
      return request
    })
    const numbered = (await closedEntriesOf(request)).map((body) =>
      'statement' in body ? `${body.kind} ${body.statement}` : body.kind,
    )
    expect(numbered).toEqual([
      'session-opened',
      'held 1',
      'hold-ended 1',
      'intent 1',
      'intent 2',
      'intent 3',
      'outcome 1',
      'outcome 2',
      'outcome 3',
      'intent 4',
      'outcome 4',
      'session-closed',
    ])
  })

  it('R-1.22: is denied as a whole when one of them is denied', async () => {
    const before = path.control.messages.length
    await withClient(async (client) => {
      expect(await errorOf(client.query('delete from orders where id = 30; drop table orders'))).toMatchObject({
        code: '42501',
      })
    })
    expect(path.control.messages.length).toBe(before)
  })

  it('says upward how it failed', async () => {
    await withClient(async (client) => {
      const running = errorOf(client.query('delete from orders where id = 31; insert into orders (id) values (32)'))
      const request = await path.control.next()
      path.control.decide(request, 'approved')
      expect(await running).toMatchObject({ code: '23505' })
      expect(await path.control.until(() => request.ran[0])).toMatchObject({ result: 'failed', sqlstate: '23505' })
    })
    expect(await left(31)).toBe(1)
  })
})

describe('who gives up', () => {
  it('by cancel gets 57014; the request stays, and nothing runs', async () => {
    const request = await withRaw(async (client) => {
      client.send({ type: 'query', text: 'delete from orders where id = 40' })
      const request = await path.control.next()
      await client.next('noticeResponse')
      await client.cancel()
      expect(fieldOf((await client.next('errorResponse')).fields, 'C')).toBe('57014')
      await client.next('readyForQuery')
      expect(await path.control.until(() => request.released[0])).toMatchObject({ why: 'cancelled' })
      path.control.decide(request, 'approved')
      client.send({ type: 'query', text: 'select 1' })
      await client.next('readyForQuery')
      return request
    })
    expect(entriesOf(request)[2]).toMatchObject({ kind: 'hold-ended', result: 'cancelled' })
    expect(await left(40)).toBe(1)
  })

  it.each<[string, (client: RawClient) => void]>([
    ['by vanishing', (client) => client.destroy()],
    ['by saying goodbye', (client) => client.send({ type: 'terminate' })],
  ])('%s runs nothing ever', async (_, leave) => {
    const client = await rawClient(path)
    client.send(parse('delete from orders where id = 41'), bind(), execute(), sync)
    const request = await path.control.next()
    await client.next('noticeResponse')
    leave(client)
    expect(await path.control.until(() => request.released[0])).toMatchObject({ why: 'vanished' })
    path.control.decide(request, 'approved')
    await client.closed
    expect((await closedEntriesOf(request)).map(({ kind }) => kind)).toEqual([
      'session-opened',
      'held',
      'hold-ended',
      'session-closed',
    ])
    expect(await left(41)).toBe(1)
  })

  it('because an administrator ends the session', async () => {
    const client = await rawClient(path)
    client.send({ type: 'query', text: 'delete from orders where id = 42' })
    const request = await path.control.next()
    await client.next('noticeResponse')
    path.listener.sessions.closeAll('a test')
    expect(fieldOf((await client.next('errorResponse')).fields, 'C')).toBe('57P01')
    expect(await path.control.until(() => request.released[0])).toMatchObject({ why: 'vanished' })
    await client.closed
    expect(await left(42)).toBe(1)
  })

  it('because the agent stops', async () => {
    const own = await startDataPath({ yaml: documents(), environment: { APP_PASSWORD: 'app-secret-1' } })
    const client = await rawClient(own)
    client.send({ type: 'query', text: 'delete from orders where id = 43' })
    const request = await own.control.next()
    await client.next('noticeResponse')
    const stopped = own.listener.close(60_000)
    const first = await client.next('errorResponse')
    expect(fieldOf(first.fields, 'C')).toBe('SPH02')
    expect(fieldOf((await client.next('errorResponse')).fields, 'C')).toBe('57P01')
    expect(await own.control.until(() => request.released[0])).toMatchObject({ why: 'pending' })
    await stopped
    expect(await left(43)).toBe(1)
  })
})

describe('when the control plane', () => {
  const refused = async (id: number): Promise<pg.DatabaseError> =>
    await withClient((client) => errorOf(client.query(`delete from orders where id = ${id}`)))

  it('is away, a held statement is refused, and others go on', async () => {
    path.control.behaviour.isUp = false
    await withClient(async (client) => {
      const error = await errorOf(client.query('delete from orders where id = 50'))
      expect(error).toMatchObject({ code: '57P03', hint: expect.stringContaining('HOLD_UNAVAILABLE') })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
    expect(await left(50)).toBe(1)
  })

  it('goes away while somebody waits, the wait ends and nothing runs', async () => {
    const request = await withClient(async (client, notices) => {
      const running = errorOf(client.query('delete from orders where id = 51'))
      const request = await path.control.next()
      await path.control.until(() => notices[0])
      path.control.linkDown()
      expect(await running).toMatchObject({ code: '57P03', hint: expect.stringContaining('HOLD_UNAVAILABLE') })
      return request
    })
    expect(entriesOf(request)[2]).toMatchObject({ kind: 'hold-ended', result: 'lost' })
    expect(await left(51)).toBe(1)
  })

  it('refuses the request, its reason is told', async () => {
    path.control.behaviour.refusal = { errorCode: 'HOLD_UNAVAILABLE', errorMessage: 'too many of yours wait' }
    expect(await refused(52)).toMatchObject({
      code: '57P03',
      message: expect.stringContaining('too many of yours wait'),
    })
  })

  it('R-6.7: speaks of another approval than this one, nothing is believed', async () => {
    path.control.behaviour.wrongDigest = 'a'.repeat(64)
    expect(await refused(53)).toMatchObject({ code: '57P03' })
    expect(await left(53)).toBe(1)
  })
})

describe('one approval', () => {
  it('R-6.8: runs one of many executions that race for it', async () => {
    const racers = 8
    const text = "update audited set id = id where id = (select 1); delete from orders where note = 'note 60'"
    const clients = await Promise.all(Array.from({ length: racers }, () => rawClient(path)))
    try {
      for (const client of clients) client.send({ type: 'query', text })
      const request = await path.control.next()
      await path.control.until(() => request.calls.size === racers)
      path.control.decide(request, 'approved')
      // The losers ask anew, together.
      const second = await path.control.next()
      await path.control.until(() => second.calls.size === racers - 1)
      path.control.decide(second, 'denied', 'once is enough')
      await Promise.all(clients.map((client) => client.next('readyForQuery')))
      const taken = clients.map((client) =>
        client
          .taken()
          .filter((one) => /^(DELETE|error)/.test(one))
          .join(),
      )
      expect(taken.toSorted()).toEqual(['DELETE 1', ...Array.from({ length: racers - 1 }, () => 'error SPH03')])
      expect(request.ran).toMatchObject([{ result: 'done' }])
    } finally {
      for (const client of clients) client.destroy()
    }
  })

  it('is not used when the policy has changed before the run: a new deny rule wins', async () => {
    await withClient(async (client, notices) => {
      const running = errorOf(client.query('delete from orders where id = 61'))
      const request = await path.control.next()
      await path.control.until(() => notices[0])
      publish({ extra: '    - { name: stop, effect: deny, operations: [delete], message: no deletes today }\n' })
      path.control.decide(request, 'approved')
      expect(await running).toMatchObject({ code: '42501', message: expect.stringContaining('no deletes today') })
      expect(request.claimedBy).toBe('')
    })
    expect(await left(61)).toBe(1)
  })

  it('is asked for anew when the policy or the schema has changed meanwhile', async () => {
    const clock = manualClock(Date.now())
    const own = await startDataPath({ yaml: documents(), environment: { APP_PASSWORD: 'app-secret-1' }, clock })
    try {
      const client = await own.connect()
      const running = client.query('delete from orders where id = 62')
      const waits = async () => {
        const request = await own.control.next()
        await own.control.until(() => request.calls.size === 1)
        return request
      }
      const first = await waits()
      own.snapshots.publish(own.snapshot(documents({ wait: '50s' })))
      own.control.decide(first, 'approved')
      const second = await waits()
      await admin.query('alter table orders add column more int')
      // The schema is looked at again after limits.catalogAgeMsMax.
      clock.advance(2_000)
      own.control.decide(second, 'approved')
      const third = await waits()
      const digests = [first, second, third].map(({ opened }) => opened.statementDigest)
      expect(new Set(digests).size).toBe(3)
      own.control.decide(third, 'approved')
      expect((await running).rowCount).toBe(1)
      expect([first, second, third].map(({ state }) => state)).toEqual(['approved', 'approved', 'run'])
      expect(own.recorder.of('hold-ended').map(({ result }) => result)).toEqual(['lost', 'lost', 'approved'])
      await client.end()
    } finally {
      await own.stop()
    }
    expect(await left(62)).toBe(0)
  })

  it('that comes after the caller has cancelled is given back as never run', async () => {
    path.control.behaviour.keepsClaims = true
    await withRaw(async (client) => {
      client.send({ type: 'query', text: 'delete from orders where id = 63' })
      const request = await path.control.next()
      path.control.decide(request, 'approved')
      await path.control.until(() =>
        path.control.messages.some((body) => body.case === 'holdClaim' && body.value.request === request.id),
      )
      await client.cancel()
      expect(fieldOf((await client.next('errorResponse')).fields, 'C')).toBe('57014')
      path.control.answerClaims()
      expect(await path.control.until(() => request.ran[0])).toMatchObject({ result: 'cancelled' })
    })
    expect(await left(63)).toBe(1)
  })

  it('needs the record: when that takes no more, nothing runs', async () => {
    await withClient(async (client, notices) => {
      const running = errorOf(client.query('delete from orders where id = 64'))
      const request = await path.control.next()
      await path.control.until(() => notices[0])
      path.recorder.full = true
      path.control.decide(request, 'approved')
      expect(await running).toMatchObject({ code: '53100' })
      expect(await path.control.until(() => request.ran[0])).toMatchObject({ result: 'cancelled' })
      path.recorder.full = false
    })
    expect(await left(64)).toBe(1)
  })

  it('runs under strict recording as well', async () => {
    await withClient(
      async (client) => {
        const running = client.query('delete from orders where id = $1', [65])
        path.control.decide(await path.control.next(), 'approved')
        expect((await running).rowCount).toBe(1)
      },
      { target: 'strict' },
    )
  })
})

describe('an estimate', () => {
  it.each([
    ['a function of the target', 'delete from orders where id = spy(70)', 'functions'],
    ['a statement without a plan', 'truncate audited', 'no plan'],
    ['a probe of a masked column', "delete from people where ssn = '900-1'", 'masked columns'],
  ])('is not made for %s', async (_, text, reason) => {
    await withClient(async (client) => {
      const running = errorOf(client.query(text))
      const request = await path.control.next()
      expect(request.evidence.estimate).toEqual({ kind: 'unavailable', reason: expect.stringContaining(reason) })
      path.control.decide(request, 'denied')
      await running
    })
    expect((await targetLog()).filter((line) => line.includes('EXPLAIN') && line.includes(text))).toEqual([])
  })
})

describe('the record of a held statement on protected columns', () => {
  it('keeps literals and parameters out (R-6.15)', async () => {
    const request = await withClient(async (client) => {
      let last: FakeRequest | null = null
      for (const running of [
        errorOf(client.query("delete from people where ssn = '900-7'")),
        errorOf(client.query('delete from people where ssn = $1', ['900-7'])),
      ]) {
        const request = await path.control.next()
        expect(JSON.stringify(request.evidence)).toContain('900-7')
        path.control.decide(request, 'denied')
        await running
        last = request
      }
      return last!
    })
    expect(entriesOf(request).filter(({ kind }) => kind === 'held')).toHaveLength(2)
    expect(JSON.stringify(entriesOf(request))).not.toContain('900-7')
  })
})

describe('a token that expires', () => {
  it('ends an idle session at its next message, and never a transaction (issue 2)', async () => {
    const clock = manualClock(Date.now())
    const own = await startDataPath({ yaml: documents(), environment: { APP_PASSWORD: 'app-secret-1' }, clock })
    try {
      const client = await own.connect({ seconds: 600 })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      await client.query('begin')
      // Past the expiry and the leeway that logins have, too.
      clock.advance(600_000 + 60_000 + clockSkewMs)
      own.snapshots.publish(own.snapshot(documents(), { notAfterMs: clock.nowMs() + 900_000 }))
      expect((await client.query('select 2 as two')).rows).toEqual([{ two: 2 }])
      await client.query('commit')
      const ended = errorOf(client.query('select 3'))
      expect(await ended).toMatchObject({
        code: '28P01',
        severity: 'FATAL',
        hint: expect.stringContaining('connect again with a new token (TOKEN_EXPIRED'),
      })
      expect(own.recorder.of('intent').map(({ text }) => text)).toEqual([
        'select 1 as one',
        'begin',
        'select 2 as two',
        'commit',
      ])
    } finally {
      await own.stop()
    }
  })

  it('does not run what was held meanwhile', async () => {
    const clock = manualClock(Date.now())
    const own = await startDataPath({ yaml: documents(), environment: { APP_PASSWORD: 'app-secret-1' }, clock })
    try {
      const client = await own.connect({ seconds: 600 })
      // Not before it waits: the clock also says how long the request is good for.
      const waits = once(client, 'notice')
      const running = errorOf(client.query('delete from orders where id = 90'))
      const request = await own.control.next()
      await waits
      clock.advance(600_000 + 60_000 + clockSkewMs)
      own.control.decide(request, 'approved')
      expect(await running).toMatchObject({ code: '28P01', severity: 'FATAL' })
      expect(request.claimedBy).toBe('')
      expect(own.recorder.of('hold-ended')).toMatchObject([{ result: 'pending' }])
      expect(await left(90)).toBe(1)
    } finally {
      await own.stop()
    }
  })
})
