// Ingest over a real store: committed before it is acknowledged, each entry once, and what does not verify is kept out
// with an alarm (THREATS ).
import { randomBytes } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import { EntryBatchSchema } from '@sallyport/proto/gen/sallyport/v1/entry_pb'
import { type IngestRequest, IngestRequestSchema } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createIngest, type Ingest } from '../src/ingest/ingest.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { type RecordingAgent, recordingAgent, sha256 } from './record-rows.ts'
import { stopServer } from './stack.ts'

let app: TestApp
let ingest: Ingest
let agent: RecordingAgent
beforeAll(async () => {
  app = await buildTestApp()
  ingest = createIngest(app.deps)
})
afterAll(async () => {
  await app.close()
  await stopServer()
})
beforeEach(async () => {
  await app.deps.db.$executeRaw`TRUNCATE "Agent", "RecordedSession", "RecordedEntry", "RecordedHead", "AdminAction"`
  agent = await recordingAgent(app.deps.db, 'eu-1')
})
const { opened, intent, outcome, denied, closed } = testBody
const newSession = () => randomBytes(16).toString('hex')
const accept = async (request: IngestRequest, by = agent.id) => {
  const { acknowledgedSeq, errorCode } = await ingest.accept(by, request)
  return { acknowledged: Number(acknowledgedSeq), errorCode }
}
const stored = async () => ({
  entries: await app.deps.db.recordedEntry.count(),
  heads: await app.deps.db.recordedHead.count(),
  alarms: await app.deps.db.adminAction.count({ where: { action: 'record-refused' } }),
})
const chained = (session: string, bodies = [opened(agent.id), intent(1), outcome(1, 3), denied(2), closed(2)]) =>
  chainEntries(sha256, session, bodies)

test('the batches of a session are committed with a summary that grows', async () => {
  const session = newSession()
  const entries = chained(session)
  expect(await accept(agent.batch(entries, 0, 1))).toEqual({ acknowledged: 1, errorCode: '' })
  expect(await app.deps.db.recordedSession.findUnique({ where: { id: session } })).toMatchObject({
    agentId: agent.id,
    target: 'orders',
    initiatorName: 'Ann',
    statements: 1,
    denied: 0,
    closedAt: null,
    tipSeq: 1,
    alarm: null,
  })
  expect(await accept(agent.batch(entries, 2, 4))).toEqual({ acknowledged: 4, errorCode: '' })
  expect(await app.deps.db.recordedSession.findUnique({ where: { id: session } })).toMatchObject({
    statements: 2,
    denied: 1,
    maskedValues: 3,
    closeReason: 'client disconnected',
    tipSeq: 4,
  })
  const rows = await app.deps.db.recordedEntry.findMany({ where: { sessionId: session }, orderBy: { seq: 'asc' } })
  expect(rows.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
    entries.map(({ bytes }) => Buffer.from(bytes).toString()),
  )
  expect(await app.deps.db.agent.findUnique({ where: { id: agent.id } })).toMatchObject({ headCounter: 2n })
})

test('a batch that comes again is acknowledged and stored once', async () => {
  const first = agent.batch(chained(newSession()), 0, 2)
  expect(await accept(first)).toEqual({ acknowledged: 2, errorCode: '' })
  expect(await accept(first)).toEqual({ acknowledged: 2, errorCode: '' })
  expect(await stored()).toEqual({ entries: 3, heads: 1, alarms: 0 })
})

test('batches sent at once are stored in their order', async () => {
  const requests = Array.from({ length: 30 }, () => agent.session(newSession(), [opened(agent.id), closed(0)]))
  const answers = await Promise.all(requests.map(async (request) => await accept(request)))
  expect(answers).toEqual(requests.map(() => ({ acknowledged: 1, errorCode: '' })))
  expect(await stored()).toEqual({ entries: 60, heads: 30, alarms: 0 })
})

test('two replicas that take batches of one agent do not undo each other', async () => {
  const other = createIngest(app.deps)
  const requests = Array.from({ length: 6 }, () => agent.session(newSession(), [opened(agent.id), closed(0)]))
  for (const request of requests) {
    const [one, two] = await Promise.all([ingest.accept(agent.id, request), other.accept(agent.id, request)])
    expect([one.errorCode, two.errorCode]).toEqual(['', ''])
  }
  expect(await stored()).toEqual({ entries: 12, heads: 6, alarms: 0 })
})

test('a missing head stops the agent: nothing is stored until it comes, and the audit knows', async () => {
  const missing = agent.session(newSession(), [opened(agent.id), closed(0)])
  const next = agent.session(newSession(), [opened(agent.id), closed(0)])
  expect(await accept(next)).toMatchObject({ errorCode: 'CHAIN_BROKEN' })
  expect(await stored()).toEqual({ entries: 0, heads: 0, alarms: 1 })
  expect((await accept(missing)).errorCode).toBe('')
  expect((await accept(next)).errorCode).toBe('')
})

test('a second head with a counter that was used is a fork', async () => {
  expect((await accept(agent.session(newSession(), [opened(agent.id)]))).errorCode).toBe('')
  agent.forget()
  expect((await accept(agent.session(newSession(), [opened(agent.id)]))).errorCode).toBe('CHAIN_BROKEN')
  expect(await stored()).toEqual({ entries: 1, heads: 1, alarms: 1 })
})

test('entries that do not fit are kept out, their head is kept, the session has an alarm, and other sessions go on', async () => {
  const session = newSession()
  const entries = chained(session)
  expect((await accept(agent.batch(entries, 0, 1))).errorCode).toBe('')
  const gap = agent.batch(entries, 3, 4)
  expect(await accept(gap)).toEqual({ acknowledged: 1, errorCode: 'CHAIN_BROKEN' })
  expect(await accept(gap)).toEqual({ acknowledged: 1, errorCode: 'CHAIN_BROKEN' })
  expect((await accept(agent.session(newSession(), [opened(agent.id), closed(0)]))).errorCode).toBe('')
  expect(await stored()).toEqual({ entries: 4, heads: 3, alarms: 1 })
  expect(await app.deps.db.recordedSession.findUnique({ where: { id: session } })).toMatchObject({
    alarm: 'entries 2 to 2 of this session are missing',
    tipSeq: 1,
  })
})

test('an agent cannot write under another agent, nor into its session', async () => {
  const session = newSession()
  const entries = chained(session)
  expect((await accept(agent.batch(entries, 0, 1))).errorCode).toBe('')
  const thief = await recordingAgent(app.deps.db, 'eu-2')
  expect((await accept(agent.batch(entries, 2, 2), thief.id)).errorCode).toBe('CHAIN_BROKEN')
  agent.forget()
  expect((await accept(thief.batch(entries, 2, 2), thief.id)).errorCode).toBe('CHAIN_BROKEN')
  expect(await app.deps.db.recordedSession.findUnique({ where: { id: session } })).toMatchObject({
    alarm: null,
    tipSeq: 1,
  })
  expect((await accept(agent.batch(entries, 2, 4))).errorCode).toBe('')
})

test('strings that PostgreSQL does not take do not keep a record out', async () => {
  const body = opened(agent.id)
  const hostile = { ...body, applicationName: 'a\0b', target: '\u{1f600}'.repeat(2_000) } as typeof body
  expect((await accept(agent.session(newSession(), [hostile, closed(0)]))).errorCode).toBe('')
})

test.each<[string, (request: IngestRequest) => IngestRequest]>([
  ['no batch', () => create(IngestRequestSchema, { batchId: 1n })],
  [
    'no head',
    (request) => ({ ...request, batch: create(EntryBatchSchema, { session: 'x', entries: [new Uint8Array(1)] }) }),
  ],
  ['no entries', (request) => ({ ...request, batch: { ...request.batch!, entries: [] } })],
  [
    'too many entries',
    (request) => ({
      ...request,
      batch: {
        ...request.batch!,
        entries: Array.from({ length: limits.batchEntriesMax + 1 }, () => new Uint8Array(1)),
      },
    }),
  ],
  [
    'too many bytes',
    (request) => ({ ...request, batch: { ...request.batch!, entries: [new Uint8Array(limits.batchBytesMax + 1)] } }),
  ],
])('a message with %s is refused as not valid', async (_name, change) => {
  expect(await accept(change(agent.session(newSession(), [opened(agent.id)])))).toMatchObject({
    errorCode: 'REQUEST_INVALID',
  })
  expect(await stored()).toEqual({ entries: 0, heads: 0, alarms: 0 })
})

test('a batch of exactly the limit is taken', async () => {
  const bodies = [
    opened(agent.id),
    ...Array.from({ length: limits.batchEntriesMax - 1 }, (_, index) => denied(index + 1)),
  ]
  expect(await accept(agent.session(newSession(), bodies))).toEqual({
    acknowledged: limits.batchEntriesMax - 1,
    errorCode: '',
  })
})

test('a revoked or unknown agent gets no answer but the end of its stream', async () => {
  const request = agent.session(newSession(), [opened(agent.id)])
  await expect(ingest.accept('00'.repeat(16), request)).rejects.toMatchObject({ code: 'AGENT_NOT_ENROLLED' })
  await app.deps.db.agent.update({ where: { id: agent.id }, data: { revokedAt: new Date() } })
  await expect(ingest.accept(agent.id, request)).rejects.toMatchObject({ code: 'AGENT_REVOKED' })
})

test('when the store fails in the middle, nothing is acknowledged, nothing is stored, and the same batches do well later', async () => {
  const requests = [1, 2].map(() => agent.session(newSession(), [opened(agent.id), closed(0)]))
  await app.deps.db.$executeRaw`ALTER TABLE "RecordedHead" RENAME TO "Gone"`
  const failed = await Promise.allSettled(requests.map((request) => ingest.accept(agent.id, request)))
  await app.deps.db.$executeRaw`ALTER TABLE "Gone" RENAME TO "RecordedHead"`
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await stored()).toEqual({ entries: 0, heads: 0, alarms: 0 })
  for (const request of requests) expect((await accept(request)).errorCode).toBe('')
})

test('no message of the largest kind is past the gRPC limit', () => {
  const entries = [new Uint8Array(limits.batchBytesMax - 100), ...Array.from({ length: 20 }, () => new Uint8Array(5))]
  const request = create(IngestRequestSchema, { batch: create(EntryBatchSchema, { session: 'x'.repeat(32), entries }) })
  expect(toBinary(IngestRequestSchema, request).length).toBeLessThan(limits.grpcMessageBytesMax)
})
