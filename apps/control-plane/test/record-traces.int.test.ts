// One trace across sessions: what its parts did, in order, each below the one that led to it; for those who may look, and never
// from what somebody changed in the store.
import { testBody } from '@sallyport/ledger/testing-record'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createIngest } from '../src/ingest/ingest.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeDocuments, makeRole, roleDocuments, type SignedIn } from './make.ts'
import { type RecordingAgent, recordingAgent } from './record-rows.ts'
import { stopServer } from './stack.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const idOf = (number: number) => String(number).padStart(32, '0')
const { opened, intent, outcome, denied } = testBody
let app: TestApp
let auditor: SignedIn
let agent: RecordingAgent

beforeAll(async () => {
  app = await buildTestApp()
  await makeDocuments(app, roleDocuments)
  auditor = await makeRole(app, 'auditor')
  agent = await recordingAgent(app.deps.db, 'eu-1', new Date(app.clock.nowMs()))
  const ingest = createIngest(app.deps)
  const part = (parent: string, span: string, of = trace) => ({ trace: { trace: of, parent, span } })
  const sql = [
    {
      target: 'shop',
      upstreamRole: 'app',
      verb: 'select',
      fingerprint: '',
      effects: [{ operation: 'select', object: 'public.a', via: 'direct' as const }],
      rule: null,
    },
  ]
  const a = 'a'.repeat(16)
  const b = 'b'.repeat(16)
  const sessions = [
    [
      opened(agent.id),
      { ...intent(1, 'POST /v1/chat'), ...part('', a) },
      outcome(1),
      { ...intent(2, 'other'), ...part('', a, 'f'.repeat(32)) },
    ],
    [opened(agent.id), { ...intent(1, 'tools/call run_sql'), ...part(a, b), sql }, outcome(1)],
    [opened(agent.id), intent(1, 'select 0'), outcome(1), { ...denied(2), ...part(b, '') }],
  ]
  for (const [index, bodies] of sessions.entries())
    expect((await ingest.accept(agent.id, agent.session(idOf(index + 1), bodies as never))).errorCode).toBe('')
})
afterAll(async () => {
  await app.close()
  await stopServer()
})

const get = async (url: string, who: SignedIn = auditor) => await app.app.inject({ url, headers: who.headers })

test('finds the sessions that have a part of it, by its id and as a word', async () => {
  const ids = async (query: string) =>
    (await get(`/api/v1/sessions?${query}`)).json().items.map(({ id }: { id: string }) => id)
  expect((await ids(`trace=${trace}`)).sort()).toEqual([idOf(1), idOf(2), idOf(3)])
  expect(await ids(`trace=${'f'.repeat(32)}`)).toEqual([idOf(1)])
  expect(await ids(`q=${'F'.repeat(32)}`)).toEqual([idOf(1)])
  expect(await ids(`trace=${'e'.repeat(32)}`)).toEqual([])
  expect((await get('/api/v1/sessions?trace=4bf9')).statusCode).toBe(400)
})

test('joins its parts across sessions, in order of time and depth', async () => {
  const { trace: id, items, cut } = (await get(`/api/v1/traces/${trace}`)).json()
  expect([id, cut]).toEqual([trace, false])
  expect(items.map((item: any) => [item.session, item.statement, item.depth, item.kind])).toEqual([
    [idOf(1), 1, 0, 'intent'],
    [idOf(2), 1, 1, 'intent'],
    [idOf(3), 2, 2, 'denied'],
  ])
  expect(items[0]).toMatchObject({ text: 'POST /v1/chat', result: 'done', code: null, initiator: { subject: 'ann' } })
  expect(items[1].objects).toContain('shop: public.a')
  expect(items[2]).toMatchObject({ result: null, code: expect.any(String) })
})

test('looking is recorded, and for auditors and administrators alone', async () => {
  await get(`/api/v1/traces/${trace}`)
  const { items } = (await get('/api/v1/audit')).json()
  expect(items[0]).toMatchObject({ action: 'view-trace', object: `Trace/${trace}` })
  const reviewer = await makeRole(app, 'reviewer')
  expect((await get(`/api/v1/traces/${trace}`, reviewer)).statusCode).toBe(403)
})

test.each([
  ['nobody knows', `${'0'.repeat(31)}1`],
  ['is none', 'abc'],
])('a trace that %s is not found', async (_, id) => {
  expect((await get(`/api/v1/traces/${id}`)).statusCode).toBe(404)
})

test.each([
  ['an entry', 'run_sql', 'run_sqi'],
  ['how a statement ended', '"result":"done"', '"result":"error"'],
])('%s that somebody changed in the store is not shown', async (_, from, to) => {
  const change = async (before: string, after: string) =>
    await app.deps.db.$executeRaw`
    UPDATE "RecordedEntry" SET bytes = convert_to(replace(convert_from(bytes, 'UTF8'), ${before}, ${after}), 'UTF8')
    WHERE "sessionId" = ${idOf(2)}`
  await change(from, to)
  expect((await get(`/api/v1/traces/${trace}`)).json().code).toBe('CHAIN_BROKEN')
  await change(to, from)
  expect((await get(`/api/v1/traces/${trace}`)).json().items).toHaveLength(3)
})
