// Recorded sessions over HTTP: lists, entries that are verified as they are read, exports that verify offline, and what a
// database administrator changed shows in both (THREATS ).
import { createHash, randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { ProblemReason } from '@sallyport/ledger/report'
import { chainEntries, testBody, testPrincipal } from '@sallyport/ledger/testing-record'
import { createExportVerifier, verifyExport } from '@sallyport/ledger/verify'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createIngest, type Ingest } from '../src/ingest/ingest.ts'
import { agentSilentMs } from '../src/recordings/recordings.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeDocuments, makeRole, roleDocuments, type SignedIn } from './make.ts'
import { type RecordingAgent, recordingAgent, sha256, verifySignature } from './record-rows.ts'
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
  await db.$executeRaw`TRUNCATE "Agent", "RecordedSession", "RecordedEntry", "RecordedHead", "ServedInitiator", "AdminAction", "Resource", "ResourceVersion"`
  await makeDocuments(app, roleDocuments)
  auditor = await makeRole(app, 'auditor')
  agent = await recordingAgent(db, 'eu-1', new Date(app.clock.nowMs()))
})
const { opened, intent, outcome, denied, closed } = testBody
const idOf = (number: number) => String(number).padStart(32, '0')
const get = async (url: string, who: SignedIn = auditor) => await app.app.inject({ url, headers: who.headers })

type Bodies = Parameters<typeof chainEntries>[2]
async function put(session: string, bodies: Bodies): Promise<void> {
  const response = await ingest.accept(agent.id, agent.session(session, bodies))
  expect(response.errorCode).toBe('')
}
/** Three sessions of different kinds: a closed one, a live one, one that a restart closed. */
async function putThree(): Promise<void> {
  await put(idOf(1), [opened(agent.id), intent(1), outcome(1, 2), denied(2), closed(2)])
  await put(idOf(2), [opened(agent.id), intent(1), { ...outcome(1), maskedValues: 0 } as Bodies[number]])
  await put(idOf(3), [opened(agent.id), intent(1), closed(1, 'agent restarted')])
}

test('the list shows each session with its numbers and its state, newest first', async () => {
  await putThree()
  const { items, next } = (await get('/api/v1/sessions')).json()
  expect(next).toBeNull()
  expect(
    items.map((item: any) => [item.id, item.state, item.statements, item.denied, item.maskedValues, item.entries]),
  ).toEqual([
    [idOf(3), 'interrupted', 1, 0, 0, 3],
    [idOf(2), 'live', 1, 0, 0, 3],
    [idOf(1), 'closed', 2, 1, 2, 5],
  ])
  expect((await get(`/api/v1/sessions/${idOf(1)}`)).json()).toMatchObject({
    target: 'orders',
    agent: agent.id,
    agentName: 'eu-1',
    openedAt: new Date(startMs).toISOString(),
    closedAt: new Date(startMs + 4).toISOString(),
    initiator: { display: 'Ann', assurance: 'verified' },
  })
})

test.each([
  ['state=live', [2]],
  ['state=closed', [1]],
  ['state=interrupted', [3]],
  ['decision=denied', [1]],
  ['decision=masked', [1]],
  ['target=orders', [3, 2, 1]],
  ['target=order', []],
  ['caller=ANN', [3, 2, 1]],
  ['caller=id.example.com', [3, 2, 1]],
  ['caller=%25', []],
  ['caller=_nn', []],
  ['caller=bob', []],
])('sessions are filtered by %s', async (query, numbers) => {
  await putThree()
  const { items } = (await get(`/api/v1/sessions?${query}`)).json()
  expect(items.map((item: any) => item.id)).toEqual(numbers.map(idOf))
})

const forWhom = (body: Bodies[number], display: string, assurance: 'verified' | 'claimed'): Bodies[number] => {
  if (!('chain' in body || body.kind === 'intent' || body.kind === 'denied' || body.kind === 'held')) return body
  const initiator = { ...testPrincipal, subject: display.toLowerCase(), display, assurance }
  return { ...body, chain: { initiator, actors: [], tokenId: '' } }
}

test('sessions are found by those for whom single statements were, each shown as verified or claimed', async () => {
  await put(idOf(1), [
    opened(agent.id),
    forWhom(intent(1), 'Cleo', 'verified'),
    outcome(1),
    forWhom(denied(2), 'Cleo', 'verified'),
    forWhom(intent(3), 'Dora', 'claimed'),
    intent(4),
  ])
  await put(idOf(2), [opened(agent.id), forWhom(intent(1), 'Dora', 'verified'), closed(1)])
  await put(idOf(3), [opened(agent.id), intent(1)])
  const found = async (query: string): Promise<string[]> =>
    (await get(`/api/v1/sessions?${query}`)).json().items.map((item: any) => item.id)
  expect(await found('initiator=dora')).toEqual([2, 1].map(idOf))
  expect(await found('initiator=CLEO')).toEqual([idOf(1)])
  expect(await found('q=cleo')).toEqual([idOf(1)])
  expect(await found('initiator=ann')).toEqual([3, 2, 1].map(idOf))
  expect(await found('initiator=%25')).toEqual([])
  expect(await found('caller=dora')).toEqual([])
  const { items } = (await get('/api/v1/sessions')).json()
  const shown = items.map(({ initiators, initiatorCount }: any) => [
    initiatorCount,
    ...initiators.map((one: any) => `${one.display} ${one.assurance} ${one.statements}`),
  ])
  expect(shown).toEqual([[0], [1, 'Dora verified 1'], [2, 'Cleo verified 2', 'Dora claimed 1']])
  expect((await get(`/api/v1/sessions/${idOf(2)}`)).json()).toMatchObject({
    initiatorCount: 1,
    initiators: [{ issuer: testPrincipal.issuer, subject: 'dora', assurance: 'verified', statements: 1 }],
  })
})

test('a statement that was held and approved counts once for whom it was, and the first twenty are named', async () => {
  const { held, holdEnded, approved } = testBody
  const many = Array.from({ length: 21 }, (_, at) => forWhom(intent(at + 2), `Many ${at}`, 'verified'))
  await put(idOf(1), [
    opened(agent.id),
    forWhom(held(1), 'Cleo', 'verified'),
    holdEnded(1),
    forWhom(approved(1), 'Cleo', 'verified'),
    ...many,
  ])
  const { initiators, initiatorCount } = (await get(`/api/v1/sessions/${idOf(1)}`)).json()
  expect([initiatorCount, initiators.length]).toEqual([22, 20])
  expect(initiators[0]).toMatchObject({ display: 'Cleo', statements: 1 })
})

test('pages follow each other without a gap or a repetition, also where sessions opened at the same moment', async () => {
  for (let number = 1; number <= 7; number++) await put(idOf(number), [opened(agent.id), closed(0)])
  const seen: string[] = []
  for (let url: string | null = '/api/v1/sessions?limit=3'; url !== null; ) {
    const page: any = (await get(url)).json()
    seen.push(...page.items.map((item: any) => item.id))
    url = page.next === null ? null : `/api/v1/sessions?limit=3&cursor=${encodeURIComponent(page.next)}`
  }
  expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1].map(idOf))
})

test('what a silent or revoked agent left open, and what has an alarm, is interrupted', async () => {
  await putThree()
  const states = async () => (await get('/api/v1/sessions?state=live')).json().items.length
  expect(await states()).toBe(1)
  const { db } = app.deps
  await db.agent.update({
    where: { id: agent.id },
    data: { lastSeenAt: new Date(app.clock.nowMs() - agentSilentMs - 1) },
  })
  expect(await states()).toBe(0)
  expect((await get(`/api/v1/sessions/${idOf(2)}`)).json().state).toBe('interrupted')
  await db.agent.update({ where: { id: agent.id }, data: { lastSeenAt: new Date(app.clock.nowMs() - agentSilentMs) } })
  expect(await states()).toBe(1)
  await db.recordedSession.update({ where: { id: idOf(2) }, data: { alarm: 'entries 2 to 3 are missing' } })
  expect(await states()).toBe(0)
})

test('entries are read in pieces, as they were recorded', async () => {
  await putThree()
  const first = (await get(`/api/v1/sessions/${idOf(1)}/entries?limit=3`)).json()
  expect(first.items.map((entry: any) => [entry.seq, entry.kind])).toEqual([
    [0, 'session-opened'],
    [1, 'intent'],
    [2, 'outcome'],
  ])
  expect(first.next).toBe(3)
  const rest = (await get(`/api/v1/sessions/${idOf(1)}/entries?from=3`)).json()
  expect(rest.items.map((entry: any) => entry.kind)).toEqual(['denied', 'session-closed'])
  expect(rest.items[0]).toMatchObject({ statement: 2, parameters: [null, '7'], rule: { policy: 'orders' } })
  expect(rest.next).toBeNull()
  expect((await get(`/api/v1/sessions/${idOf(1)}/entries?from=5`)).json()).toEqual({ items: [], next: null })
})

test('a session of entries of a megabyte comes in pieces that fit', async () => {
  const bodies = [opened(agent.id), ...[1, 2, 3].map((statement) => intent(statement, 'x'.repeat(1_000_000)))]
  const entries = chainEntries(sha256, idOf(1), bodies)
  for (const seq of [0, 1, 2, 3]) await ingest.accept(agent.id, agent.batch(entries, seq, seq))
  const { db } = app.deps
  for (const seq of [4, 5, 6, 7]) {
    const more = chainEntries(sha256, idOf(1), [
      ...bodies,
      ...[4, 5, 6, 7].map((statement) => intent(statement, 'y'.repeat(1_000_000))),
    ])
    await ingest.accept(agent.id, agent.batch(more, seq, seq))
  }
  expect(await db.recordedEntry.count()).toBe(8)
  const page = (await get(`/api/v1/sessions/${idOf(1)}/entries`)).json()
  expect(page.items).toHaveLength(5)
  expect(page.next).toBe(5)
})

test.each([
  ['a session that is not', `/api/v1/sessions/${idOf(9)}`, 404, 'NOT_FOUND'],
  ['entries of a session that is not', `/api/v1/sessions/${idOf(9)}/entries`, 404, 'NOT_FOUND'],
  ['an export of a session that is not', `/api/v1/sessions/${idOf(9)}/export`, 404, 'NOT_FOUND'],
  ['an id that is none', "/api/v1/sessions/'%20or%201=1", 404, 'NOT_FOUND'],
  ['a cursor of our own making', '/api/v1/sessions?cursor=eyJ4IjoxfQ', 400, 'REQUEST_INVALID'],
  ['a negative place', `/api/v1/sessions/${idOf(1)}/entries?from=-1`, 400, 'REQUEST_INVALID'],
  ['too much at once', `/api/v1/sessions/${idOf(1)}/entries?limit=501`, 400, 'REQUEST_INVALID'],
  ['a span without an end', '/api/v1/export?from=2026-05-28T00:00:00Z', 400, 'REQUEST_INVALID'],
  [
    'a span that ends before it begins',
    '/api/v1/export?from=2026-05-29T00:00:00Z&to=2026-05-28T00:00:00Z',
    400,
    'REQUEST_INVALID',
  ],
])('%s is refused', async (_name, url, status, code) => {
  const response = await get(url)
  expect([response.statusCode, response.json().code]).toEqual([status, code])
})

const isoOf = (ms: number) => encodeURIComponent(new Date(ms).toISOString())
const rangeUrl = (fromMs = startMs - 1_000, toMs = startMs + 1_000_000) =>
  `/api/v1/export?from=${isoOf(fromMs)}&to=${isoOf(toMs)}`
async function exported(url: string): Promise<string[]> {
  const response = await get(url)
  expect(response.statusCode).toBe(200)
  expect(response.headers['content-type']).toContain('application/x-ndjson')
  expect(response.headers['content-disposition']).toContain('attachment')
  expect(response.body.endsWith('\n')).toBe(true)
  return response.body.trimEnd().split('\n')
}
const verified = (lines: string[]) =>
  verifyExport(lines, { sha256, verifySignature, pinnedKeys: [{ fingerprint: agent.fingerprint, agent: agent.id }] })

test('one session is exported, and verifies with the key of its agent', async () => {
  await putThree()
  const report = verified(await exported(`/api/v1/sessions/${idOf(2)}/export`))
  expect(report).toMatchObject({
    ok: true,
    installation: 'test',
    scope: 'session',
    entries: 3,
    heads: 1,
    sessions: [{ session: idOf(2), state: 'open' }],
    agents: [{ id: agent.id, pinned: true }],
  })
})

test('a span of time is exported whole, and verifies', async () => {
  await putThree()
  const report = verified(await exported(rangeUrl()))
  expect(report).toMatchObject({ ok: true, scope: 'range', entries: 11, heads: 3 })
  expect(report.sessions.map(({ session, state }) => [session, state])).toEqual([
    [idOf(1), 'closed'],
    [idOf(2), 'open'],
    [idOf(3), 'interrupted'],
  ])
})

test('a span takes the sessions that were open in it or had a head in it, and no others', async () => {
  // Entries are at startMs + sequence, heads at startMs + 1 s, 2 s, 3 s.
  await putThree()
  const sessionsOf = async (fromMs: number, toMs: number) =>
    verified(await exported(rangeUrl(fromMs, toMs))).sessions.map(({ session }) => session)
  expect(await sessionsOf(startMs + 4, startMs + 5)).toEqual([idOf(1), idOf(2)])
  expect(await sessionsOf(startMs + 5, startMs + 1_000)).toEqual([idOf(2)])
  expect(await sessionsOf(startMs + 3_000, startMs + 3_001)).toEqual([idOf(2), idOf(3)])
  expect(await sessionsOf(startMs + 3_001, startMs + 4_000)).toEqual([idOf(2)])
  expect(await sessionsOf(startMs - 10, startMs)).toEqual([])
})

test('an empty span gives an empty file that verifies', async () => {
  expect(verified(await exported(rangeUrl(0, 1)))).toMatchObject({ ok: true, entries: 0, heads: 0 })
})

/** What somebody with the database's password can do, and what the auditor then sees. */
const attacks: [string, ProblemReason, () => Promise<unknown>][] = [
  [
    'edits a statement',
    'entry-hash',
    async () =>
      await app.deps.db.$executeRaw`
    UPDATE "RecordedEntry" SET bytes = convert_to(replace(convert_from(bytes, 'UTF8'), 'select 1', 'select 2'), 'UTF8') WHERE "sessionId" = ${idOf(1)} AND seq = 1`,
  ],
  [
    'drops a denial',
    'entry-missing',
    async () => await app.deps.db.recordedEntry.deleteMany({ where: { sessionId: idOf(1), seq: 3 } }),
  ],
  [
    'cuts the tail and the summary to fit',
    'truncated-tail',
    async () => {
      await app.deps.db.recordedEntry.deleteMany({ where: { sessionId: idOf(1), seq: { gte: 3 } } })
      await app.deps.db.recordedSession.update({ where: { id: idOf(1) }, data: { tipSeq: 2, closedAt: null } })
    },
  ],
  [
    'deletes a session',
    'session-missing',
    async () => {
      await app.deps.db.recordedEntry.deleteMany({ where: { sessionId: idOf(2) } })
      await app.deps.db.recordedSession.delete({ where: { id: idOf(2) } })
    },
  ],
  [
    'deletes a session with its heads',
    'head-gap',
    async () => {
      await app.deps.db.recordedEntry.deleteMany({ where: { sessionId: idOf(2) } })
      await app.deps.db.recordedSession.delete({ where: { id: idOf(2) } })
      await app.deps.db.recordedHead.deleteMany({ where: { sessionId: idOf(2) } })
    },
  ],
  [
    'computes the chain anew',
    'head-mismatch',
    async () => {
      const forged = chainEntries(sha256, idOf(1), [
        opened(agent.id),
        intent(1, 'select 0'),
        outcome(1, 2),
        denied(2),
        closed(2),
      ])
      for (const { seq, bytes, hash } of forged)
        await app.deps.db.recordedEntry.update({
          where: { sessionId_seq: { sessionId: idOf(1), seq } },
          data: { bytes: new Uint8Array(bytes), hash: Buffer.from(hash).toString('hex') },
        })
      await app.deps.db.recordedSession.update({
        where: { id: idOf(1) },
        data: { tipHash: Buffer.from(forged.at(-1)!.hash).toString('hex') },
      })
    },
  ],
  [
    'changes a head',
    'head-signature',
    async () =>
      await app.deps.db.$executeRaw`
    UPDATE "RecordedHead" SET head = convert_to(replace(convert_from(head, 'UTF8'), '"atMs":1', '"atMs":2'), 'UTF8') WHERE counter = 1`,
  ],
  [
    'gives the agent another key',
    'key-not-pinned',
    async () => {
      const recordKey = randomBytes(44)
      await app.deps.db.agent.update({
        where: { id: agent.id },
        data: { recordKey, recordKeyFingerprint: createHash('sha256').update(recordKey).digest('hex') },
      })
    },
  ],
]
test.each(attacks)(
  'an administrator of the database who %s is found out by the export',
  async (_name, reason, attack) => {
    await putThree()
    await attack()
    const reasons = verified(await exported(rangeUrl())).problems.map((problem) => problem.reason)
    expect(reasons).toContain(reason)
  },
)

test.each([
  [
    'edited',
    1,
    async () =>
      await app.deps.db.$executeRaw`
    UPDATE "RecordedEntry" SET bytes = convert_to(replace(convert_from(bytes, 'UTF8'), 'select 1', 'select 2'), 'UTF8') WHERE "sessionId" = ${idOf(1)} AND seq = 1`,
  ],
  ['missing', 3, async () => await app.deps.db.recordedEntry.deleteMany({ where: { sessionId: idOf(1), seq: 3 } })],
  [
    'cut off',
    3,
    async () => await app.deps.db.recordedEntry.deleteMany({ where: { sessionId: idOf(1), seq: { gte: 3 } } }),
  ],
])('a record with an entry that was %s is not shown as if nothing had happened', async (name, seq, attack) => {
  await putThree()
  await attack()
  const page =
    name === 'cut off'
      ? await get(`/api/v1/sessions/${idOf(1)}/entries?from=3`)
      : await get(`/api/v1/sessions/${idOf(1)}/entries`)
  expect(page.statusCode).toBe(409)
  expect(page.json()).toMatchObject({
    code: 'CHAIN_BROKEN',
    detail: expect.stringContaining(`entry ${seq} of session`),
  })
})

test('whoever looks into a record or takes it away is in the audit log, before anything is shown', async () => {
  await putThree()
  await get(`/api/v1/sessions/${idOf(1)}/entries`)
  await get(`/api/v1/sessions/${idOf(1)}/export`)
  await get(rangeUrl())
  await get(`/api/v1/sessions/${idOf(9)}/export`)
  const actions = await app.deps.db.adminAction.findMany({ orderBy: [{ at: 'asc' }, { action: 'desc' }] })
  const actor = `https://idp.test ${auditor.subject}`
  expect(actions.map((row) => [row.actor, row.action, row.object]).sort()).toEqual([
    [actor, 'export-range', 'Sessions'],
    [actor, 'export-session', `Session/${idOf(1)}`],
    [actor, 'view-session', `Session/${idOf(1)}`],
  ])
  await app.deps.db.$executeRaw`ALTER TABLE "AdminAction" RENAME TO "Gone"`
  const refused = await get(`/api/v1/sessions/${idOf(1)}/export`)
  await app.deps.db.$executeRaw`ALTER TABLE "Gone" RENAME TO "AdminAction"`
  expect(refused.statusCode).toBe(500)
  expect(refused.body).not.toContain('"entry"')
})

test('an export of many sessions is sent piece by piece, and a reader who goes away ends the reading', async () => {
  const statements = Array.from({ length: 150 }, (_, index) => denied(index + 1))
  for (let number = 1; number <= 10; number++) await put(idOf(number), [opened(agent.id), ...statements, closed(150)])
  const url = await app.app.listen({ port: 0, host: '127.0.0.1' })
  expect(url).toContain(String((app.app.server.address() as AddressInfo).port))
  const whole = await fetch(`${url}${rangeUrl()}`, { headers: auditor.headers })
  const verifier = createExportVerifier({ sha256, verifySignature, pinnedKeys: [{ fingerprint: agent.fingerprint }] })
  for (const line of (await whole.text()).trimEnd().split('\n')) verifier.line(line)
  expect(verifier.end()).toMatchObject({ ok: true, entries: 10 * 152 })
  const abort = new AbortController()
  const cut = await fetch(`${url}${rangeUrl()}`, { headers: auditor.headers, signal: abort.signal })
  await cut.body!.getReader().read()
  abort.abort()
  // The pool has five connections: were the reading of a gone reader still to hold one each time, this would hang.
  for (let again = 0; again < 10; again++) {
    const next = new AbortController()
    const response = await fetch(`${url}${rangeUrl()}`, { headers: auditor.headers, signal: next.signal })
    await response.body!.getReader().read()
    next.abort()
  }
  expect((await get(`/api/v1/sessions/${idOf(1)}`)).statusCode).toBe(200)
})
