// Cases and trials over HTTP: cases as their callers, recorded statements under a draft, and what a record cannot decide.
import { gzipSync } from 'node:zlib'
import type { EntryBody } from '@sallyport/ledger/entry'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  groupDocument,
  makeDocuments,
  makeRole,
  roleDocuments,
  type SignedIn,
  targetDocument,
} from './make.ts'
import { sha256 } from './record-rows.ts'
import { stopServer } from './stack.ts'

const catalog = buildCatalog({
  database: 'orders',
  relations: {
    'public.customers': ['id int4!', 'name text', 'email text'],
    'public.orders': ['id int4!', 'total int4'],
  },
})
const policy = (extra: object = {}) => {
  const base = allowPolicy('orders', 'orders', 'engineering')
  const masks = [{ name: 'mail', columns: ['public.customers.email'], method: 'redact' }]
  const limits = [{ name: 'rows', per: 'statement', rows: 10, objects: ['public.customers'] }]
  return { ...base, spec: { ...base.spec, masks, limits, ...extra } }
}

let test: TestApp
let admin: SignedIn
beforeAll(async () => {
  test = await buildTestApp()
  await makeDocuments(test, [...roleDocuments, groupDocument('engineering', 'eng'), targetDocument('orders'), policy()])
  const row = { upstreamRole: 'app_rw', version: catalog.version, agentId: 'a' }
  await test.deps.db.catalog.create({ data: { ...row, target: 'orders', catalog: gzipSync(JSON.stringify(catalog)) } })
  admin = await makeRole(test, 'admin')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const post = async (path: string, payload: object) =>
  await test.app.inject({ method: 'POST', url: `/api/v1/policies/${path}`, headers: admin.headers, payload })

describe('cases', () => {
  const callers = {
    eng: { groups: ['engineering'] },
    nobody: {},
    job: { kind: 'workload', groups: ['engineering'], claims: { team: 'data' } },
  }
  const run = async (cases: object[], yaml?: string) => {
    const response = await post('test', { target: 'orders', callers, cases, ...(yaml === undefined ? {} : { yaml }) })
    expect(response.statusCode, response.body).toBe(200)
    return response.json()
  }

  it('pass where everything is as expected', async () => {
    const result = await run([
      {
        name: 'reads',
        caller: 'eng',
        sql: 'select id, email from customers',
        expect: {
          decision: 'allow',
          rule: 'orders/read',
          masked: { id: null, email: 'redact' },
          limits: ['orders/rows'],
        },
      },
      {
        name: 'strangers',
        caller: 'nobody',
        sql: 'select id from customers',
        expect: { decision: 'deny', code: 'POLICY_UNCOVERED', message: 'no rule of target' },
      },
      {
        name: 'the strictest counts',
        caller: 'eng',
        sql: 'select 1; drop table customers',
        expect: { decision: 'deny' },
      },
      {
        name: 'no mask is written back',
        caller: 'eng',
        sql: "insert into customers (id, email) values (1, '[redacted]')",
        expect: { decision: 'deny' },
      },
    ])
    expect(result).toMatchObject({ passed: 4, failed: 0 })
  })

  it('say what came out another way', async () => {
    const { cases, failed } = await run([
      {
        name: 'wrong',
        caller: 'eng',
        sql: 'select email from customers',
        expect: { decision: 'deny', rule: 'orders/x', masked: { email: null, ssn: null } },
      },
      { name: 'no SQL', caller: 'eng', sql: 'selekt', expect: { decision: 'allow' } },
    ])
    expect(failed).toBe(2)
    expect(cases[0].problems).toEqual([
      'decision: expected "deny", got "allow"',
      'rule: expected "orders/x", got "orders/read"',
      'mask of "email": expected null, got "redact"',
      'masked: there is no result column "ssn"',
    ])
    expect(cases[1].problems).toEqual([expect.stringContaining('cannot be read')])
  })

  it('are run under a draft, at their own time, and as a caller with claims', async () => {
    const rules = [
      {
        name: 'team',
        effect: 'allow',
        callers: { any: true },
        when: 'has(caller.claims.team) && caller.claims.team == "data"',
        during: [{ days: ['mon'], from: '08:00', to: '09:00', zone: 'UTC' }],
      },
    ]
    const at = (hour: string) => ({ caller: 'job', sql: 'select id from orders', at: `2026-06-01T${hour}:30:00Z` })
    const result = await run(
      [
        { name: 'in time', ...at('08'), expect: { decision: 'allow' } },
        { name: 'too late', ...at('09'), expect: { decision: 'deny' } },
      ],
      stringify(policy({ rules })),
    )
    expect(result).toMatchObject({ passed: 2 })
  })

  it('with an unknown caller are refused', async () => {
    const payload = {
      target: 'orders',
      callers,
      cases: [{ name: 'x', caller: 'who', sql: 'select 1', expect: { decision: 'allow' } }],
    }
    expect((await post('test', payload)).json()).toMatchObject({ code: 'REQUEST_INVALID' })
  })
})

describe('a trial', () => {
  const nowMs = () => test.deps.clock.nowMs()
  const opened = (): EntryBody => ({
    ...(testBody.opened() as Extract<EntryBody, { kind: 'session-opened' }>),
    target: 'orders',
    upstreamRole: 'app_rw',
    initiator: {
      kind: 'user',
      issuer: 'https://idp',
      subject: 'ann',
      display: 'Ann',
      groups: ['engineering'],
      assurance: 'verified',
    },
    actors: [],
  })
  const intent = (statement: number, text: string, more: object = {}): EntryBody => ({
    ...(testBody.intent(statement) as Extract<EntryBody, { kind: 'intent' }>),
    text,
    verb: 'select',
    fingerprint: text.slice(0, 16),
    ...more,
  })
  const record = async (id: string, bodies: EntryBody[]): Promise<void> => {
    const openedAt = new Date(nowMs() - 60_000)
    const entries = chainEntries(sha256, id, bodies)
    await test.deps.db.recordedSession.create({
      data: {
        id,
        agentId: 'a',
        agentName: 'a',
        target: 'orders',
        upstreamRole: 'app_rw',
        initiator: {},
        actors: [],
        initiatorKey: '',
        initiatorName: '',
        clientAddress: '',
        applicationName: '',
        openedAt,
        tipSeq: entries.length - 1,
        tipHash: '',
      },
    })
    await test.deps.db.recordedEntry.createMany({
      data: entries.map((entry, seq) => ({
        sessionId: id,
        seq,
        kind: bodies[seq]!.kind,
        atMs: BigInt(nowMs() - 30_000),
        hash: '',
        bytes: new Uint8Array(entry.bytes),
      })),
    })
  }
  const stop = (extra: object = {}) =>
    stringify(
      policy({
        rules: [...policy().spec.rules, { name: 'stop', effect: 'deny', objects: ['public.orders'], ...extra }],
      }),
    )
  const run = async (yaml: string) => {
    const response = await post('trial', { yaml, since: new Date(nowMs() - 3_600_000).toISOString() })
    expect(response.statusCode, response.body).toBe(200)
    return response.json()
  }

  beforeAll(async () => {
    await record('c'.repeat(32), [
      opened(),
      intent(1, 'select total from orders where id = ‹const›'),
      intent(2, 'select total from orders where id = ‹const›'),
      intent(3, 'select id from customers'),
      intent(4, 'select id from gone'),
      intent(5, 'select to', { textTruncated: true }),
      testBody.outcome(3),
      intent(6, 'fetch 10 from c'),
    ])
  })

  it('lists what a draft changes, grouped, and counts the rest', async () => {
    const result = await run(stop())
    expect(result).toMatchObject({ statements: 6, changed: 2, unchanged: 1, truncated: false })
    expect(result.changes).toEqual([
      expect.objectContaining({
        statements: 2,
        target: 'orders',
        initiator: 'Ann',
        from: expect.objectContaining({ decision: 'allow', rule: 'orders/read' }),
        to: expect.objectContaining({ decision: 'deny', rule: 'orders/stop' }),
        session: 'c'.repeat(32),
        statement: 1,
      }),
    ])
    expect(
      result.undecided.map((one: { statements: number }) => one.statements).reduce((a: number, b: number) => a + b),
    ).toBe(3)
  })

  it.each([
    ['literals that the record does not keep', 'statement.text.contains("7")', 'literals or parameters'],
    ['claims, which no record keeps', 'has(caller.claims.x)', 'claims of the caller'],
  ])('decides nothing by %s', async (_, when, reason) => {
    const result = await run(stop({ when }))
    expect(result.changed).toBe(0)
    expect(result.undecided).toContainEqual({ reason: expect.stringContaining(reason), statements: 2 })
  })

  it('changes nothing under the applied documents', async () => {
    expect(await run(stringify(policy()))).toMatchObject({ changed: 0, changes: [] })
  })

  it('refuses a draft with problems, and a time that is none', async () => {
    const since = new Date(nowMs()).toISOString()
    expect((await post('trial', { yaml: 'a: [', since })).json()).toMatchObject({ code: 'YAML_INVALID' })
    expect((await post('trial', { yaml: stop(), since: 'yesterday' })).json()).toMatchObject({
      code: 'REQUEST_INVALID',
    })
  })
})
