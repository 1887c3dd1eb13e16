// The index of the player and the search over sessions, on a real store: each statement once, with what came of it however
// much later, and words that are data and never patterns or SQL.
import { type Lane, lanes } from '@sallyport/api/recordings'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createIngest, type Ingest } from '../src/ingest/ingest.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeDocuments, makeRole, roleDocuments, type SignedIn } from './make.ts'
import { type RecordingAgent, recordingAgent, sha256 } from './record-rows.ts'
import { stopServer } from './stack.ts'

let app: TestApp
let ingest: Ingest
let agent: RecordingAgent
let auditor: SignedIn
const startMs = 1_780_000_000_000
beforeAll(async () => {
  app = await buildTestApp()
  ingest = createIngest(app.deps)
})
afterAll(async () => {
  await app.close()
  await stopServer()
})
beforeEach(async () => {
  const { db } = app.deps
  await db.$executeRaw`TRUNCATE "Agent", "RecordedSession", "RecordedEntry", "RecordedHead", "AdminAction", "Resource", "ResourceVersion"`
  await makeDocuments(app, roleDocuments)
  auditor = await makeRole(app, 'auditor')
  agent = await recordingAgent(db, 'eu-1', new Date(app.clock.nowMs()))
})
const { opened, intent, outcome, denied, held, holdEnded, approved, closed } = testBody
type Bodies = Parameters<typeof chainEntries>[2]
type Body = Bodies[number]
const idOf = (number: number) => String(number).padStart(32, '0')
const get = async (url: string) => await app.app.inject({ url, headers: auditor.headers })

/** Stores a session in batches that end after these sequences. */
async function put(session: string, bodies: Bodies, endsAfter: readonly number[] = []): Promise<void> {
  const entries = chainEntries(sha256, session, bodies)
  let first = 0
  for (const last of [...endsAfter, entries.length - 1]) {
    const { errorCode } = await ingest.accept(agent.id, agent.batch(entries, first, last))
    expect(errorCode).toBe('')
    first = last + 1
  }
}

interface Row {
  seq: number
  statement: number
  lane: Lane
  verb: string
  object: string
  rows: number
}
async function index(session: string, query = ''): Promise<{ rows: Row[]; next: number | null; tipSeq: number }> {
  const response = await get(`/api/v1/sessions/${session}/index${query}`)
  expect(response.statusCode).toBe(200)
  const page = response.json()
  const rows = page.seq.map((seq: number, at: number) => ({
    seq,
    statement: page.statement[at],
    lane: lanes[page.lane[at]],
    verb: page.verbs[page.verb[at]],
    object: page.objects[page.object[at]],
    rows: page.rows[at],
  }))
  return { rows, next: page.next, tipSeq: page.tipSeq }
}
const failed = (statement: number, result: 'failed' | 'cancelled' | 'unknown') =>
  ({ ...outcome(statement, 0), result, sqlstate: '57014' }) as Body
const masked = (statement: number) => ({ ...intent(statement), masks: ['orders/email'], maskedColumns: 1 }) as Body

test('each statement stands once, in the order in which it began, with its lane and its outcome', async () => {
  await put(idOf(1), [
    opened(agent.id),
    intent(1),
    outcome(1, 5),
    masked(2),
    outcome(2, 7),
    denied(3),
    intent(4),
    failed(4, 'failed'),
    masked(5),
    failed(5, 'cancelled'),
    held(6),
    holdEnded(6, 'denied'),
    held(7),
    intent(8),
    closed(8),
  ])
  const { rows, next, tipSeq } = await index(idOf(1))
  expect(rows.map(({ seq, statement, lane, rows }) => [seq, statement, lane, rows])).toEqual([
    [1, 1, 'allowed', 5],
    [3, 2, 'masked', 7],
    [5, 3, 'denied', -1],
    [6, 4, 'failed', 0],
    [8, 5, 'failed', 0],
    [10, 6, 'held', -1],
    [12, 7, 'held', -1],
    [13, 8, 'allowed', -1],
  ])
  expect(rows[0]).toMatchObject({ verb: 'select', object: 'public.orders' })
  expect(rows[2]).toMatchObject({ verb: 'delete', object: 'public.orders' })
  expect({ next, tipSeq }).toEqual({ next: null, tipSeq: 14 })
})

test('a held statement that ran shows as approved under its number, whatever batch its run came in', async () => {
  const bodies = [
    opened(agent.id),
    held(1),
    holdEnded(1),
    approved(1),
    approved(2),
    outcome(1, 1),
    outcome(2, 2),
    held(3),
    holdEnded(3),
    approved(3),
    failed(3, 'failed'),
    closed(3),
  ]
  const expected = [
    [1, 1, 'approved', 1],
    [4, 2, 'approved', 2],
    [7, 3, 'failed', 0],
  ]
  await put(idOf(1), bodies)
  await put(idOf(2), bodies, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  for (const session of [idOf(1), idOf(2)]) {
    const { rows } = await index(session)
    expect(rows.map(({ seq, statement, lane, rows }) => [seq, statement, lane, rows])).toEqual(expected)
    expect((await get(`/api/v1/sessions/${session}`)).json()).toMatchObject({ statements: 3, held: 2 })
  }
})

test('pages follow each other, and an outcome on a later page reaches the statement', async () => {
  // Every statement begins before any ends.
  const numbers = Array.from({ length: 250 }, (_, at) => at + 1)
  await put(idOf(1), [opened(agent.id), ...numbers.map((n) => intent(n)), ...numbers.map((n) => outcome(n, n))])
  const seen: Row[] = []
  let from: number | null = 0
  while (from !== null) {
    const page: Awaited<ReturnType<typeof index>> = await index(idOf(1), `?from=${from}&limit=100`)
    seen.push(...page.rows)
    from = page.next
    expect(page.rows.length).toBeLessThanOrEqual(100)
  }
  expect(seen.map(({ statement, rows }) => [statement, rows])).toEqual(numbers.map((n) => [n, n]))
})

test('an outcome far behind the page reaches its statement, and a hold that is over is not looked for', async () => {
  const quick = Array.from({ length: 700 }, (_, at) => [intent(at + 4), outcome(at + 4)]).flat()
  const bodies = [opened(agent.id), held(1), holdEnded(1, 'denied'), intent(2), held(3), ...quick]
  const rest = [outcome(2, 42), holdEnded(3), approved(3), failed(3, 'failed'), closed(703)]
  await put(idOf(1), [...bodies, ...rest], [511, 1_022])
  const { rows, next } = await index(idOf(1), '?limit=3')
  expect(rows.map(({ statement, lane, rows }) => [statement, lane, rows])).toEqual([
    [1, 'held', -1],
    [2, 'allowed', 42],
    [3, 'failed', 0],
  ])
  expect(next).toBe(5)
})

test('a session that goes on has more later', async () => {
  const bodies = [opened(agent.id), intent(1), outcome(1), intent(2), outcome(2, 9)]
  const entries = chainEntries(sha256, idOf(1), bodies)
  await ingest.accept(agent.id, agent.batch(entries, 0, 0))
  expect(await index(idOf(1))).toEqual({ rows: [], next: null, tipSeq: 0 })
  await ingest.accept(agent.id, agent.batch(entries, 1, 3))
  expect((await index(idOf(1), '?from=3')).rows).toMatchObject([{ statement: 2, rows: -1 }])
  await ingest.accept(agent.id, agent.batch(entries, 4, 4))
  expect((await index(idOf(1), '?from=3')).rows).toMatchObject([{ statement: 2, rows: 9 }])
})

test('looking is in the audit once for a while, not once for each page', async () => {
  await put(idOf(1), [opened(agent.id), intent(1), outcome(1)])
  const views = async () => await app.deps.db.adminAction.count({ where: { action: 'view-session' } })
  await index(idOf(1), '?from=1')
  await index(idOf(1))
  expect(await views()).toBe(1)
  app.clock.advance(601_000)
  await index(idOf(1), '?from=2')
  expect(await views()).toBe(2)
})

test.each(['?from=-1', '?limit=0', '?limit=50001', '?from=x'])('%s is refused', async (query) => {
  await put(idOf(1), [opened(agent.id)])
  const response = await get(`/api/v1/sessions/${idOf(1)}/index${query}`)
  expect([response.statusCode, response.json().code]).toEqual([400, 'REQUEST_INVALID'])
})

test('verbs and objects of an agent that sends what it likes are stored, and found', async () => {
  const hostile = {
    ...intent(1),
    verb: 'SELECT\0\x1e\x1f',
    effects: [{ operation: 'select', object: `a\0${'x'.repeat(900)}`, via: 'direct' }],
  }
  await put(idOf(1), [opened(agent.id), hostile as Body])
  const { rows } = await index(idOf(1))
  expect(rows[0]?.verb).toBe('SELECT\ufffd\ufffd\ufffd')
  expect(rows[0]?.object).toHaveLength(500)
})

async function putForSearch(): Promise<void> {
  const open = (changes: object) => ({ ...opened(agent.id), ...changes }) as Body
  const touches = (verb: string, object: string) =>
    ({ ...intent(1), verb, effects: [{ operation: 'x', object, via: 'derived' }] }) as Body
  await put(idOf(1), [open({ applicationName: '100%_sure' }), touches('SELECT', 'public.orders'), closed(1)])
  await put(idOf(2), [open({ clientAddress: '198.51.100.9' }), touches('create table', 'Sales.Orders_2026'), closed(1)])
  await put(idOf(3), [open({ target: 'ledger' }), held(1), holdEnded(1, 'expired')])
}

test.each([
  ['q=orders', [3, 2, 1]],
  ['q=sales', [2]],
  ['q=ledger', [3]],
  ['q=ANN%20198.51', [2]],
  ['q=ann%20delete', [3]],
  ['q=100%25_sure', [1]],
  ['q=%25', [1]],
  ['q=_', [2, 1]],
  ['q=nothing', []],
  [`q=${encodeURIComponent("' OR 1=1 --")}`, []],
  ['q=%20%20', [3, 2, 1]],
  ['verb=select', [1]],
  ['verb=CREATE%20TABLE', [2]],
  ['verb=create', []],
  ['object=public.orders', [3, 1]],
  ['object=orders', [3, 2, 1]],
  ['object=orders_', [2]],
  ['object=%25', []],
  ['decision=held', [3]],
  ['decision=held&verb=delete&q=ledger', [3]],
  [`from=${new Date(startMs + 3).toISOString()}`, [3]],
  [`to=${new Date(startMs).toISOString()}`, []],
  [`from=${new Date(startMs).toISOString()}&to=${new Date(startMs + 1).toISOString()}`, [3, 2, 1]],
])('sessions are found by %s', async (query, numbers) => {
  await putForSearch()
  const response = await get(`/api/v1/sessions?${query}`)
  expect(response.statusCode).toBe(200)
  expect(response.json().items.map((item: { id: string }) => item.id)).toEqual(numbers.map(idOf))
})

test('a search has a bounded number of words', async () => {
  expect((await get('/api/v1/sessions?q=a%20b%20c%20d%20e%20f%20g%20h')).statusCode).toBe(200)
  const refused = await get('/api/v1/sessions?q=a%20b%20c%20d%20e%20f%20g%20h%20i')
  expect([refused.statusCode, refused.json().code]).toEqual([400, 'REQUEST_INVALID'])
  expect((await get(`/api/v1/sessions?q=${'x'.repeat(201)}`)).statusCode).toBe(400)
})
