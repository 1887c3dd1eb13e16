// The first page: numbers that come from real rows, and nothing that the person's roles do not permit.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildTestApp, type TestApp } from './build.ts'
import { allowPolicy, makeAgent, makeDocuments, makeRole, roleDocuments, targetDocument } from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
beforeAll(async () => {
  test = await buildTestApp()
  await makeDocuments(test, roleDocuments)
})
afterAll(async () => {
  await test.close()
  await stopServer()
})
const hex = () => randomBytes(16).toString('hex')
const overview = async (role: Parameters<typeof makeRole>[1]) => {
  const { headers } = await makeRole(test, role)
  const response = await test.app.inject({ url: '/api/v1/overview', headers })
  expect(response.statusCode).toBe(200)
  return response.json()
}

it('shows an administrator of a new installation the first steps, until all are done', async () => {
  const empty = await overview('admin')
  expect(empty.firstSteps).toEqual({
    agentJoined: false,
    targetApplied: false,
    policyApplied: false,
    sessionSeen: false,
  })
  expect(empty).toMatchObject({
    agents: { online: 0, offline: 0, revoked: 0 },
    targets: 0,
    policies: 0,
    sessions: { live: 0, today: 0, statements: 0, topDenied: [] },
    approvals: { waitingForMe: 0, pending: 0, medianWaitMs: null },
  })
  await makeAgent(test, 'eu-1')
  await makeDocuments(test, [targetDocument('orders'), allowPolicy('orders', 'orders', 'the-member')])
  expect((await overview('admin')).firstSteps).toMatchObject({
    agentJoined: true,
    policyApplied: true,
    sessionSeen: false,
  })
})

async function putSession(ageMs: number, changes: object): Promise<void> {
  const agent = await test.deps.db.agent.findFirstOrThrow()
  await test.deps.db.recordedSession.create({
    data: {
      id: hex(),
      agentId: agent.id,
      agentName: agent.name,
      target: 'orders',
      upstreamRole: 'r',
      initiator: {},
      actors: [],
      initiatorKey: 'i ann',
      initiatorName: 'Ann',
      clientAddress: '192.0.2.1',
      applicationName: '',
      openedAt: new Date(test.clock.nowMs() - ageMs),
      tipSeq: 1,
      tipHash: '',
      ...changes,
    },
  })
}

it('counts the last 24 hours', async () => {
  const now = new Date(test.clock.nowMs())
  await test.deps.db.agent.updateMany({ data: { lastSeenAt: now } })
  await putSession(0, { statements: 5, denied: 2, held: 1, maskedValues: 9 })
  await putSession(3_600_000, { statements: 7, denied: 1, closedAt: now })
  await putSession(3_600_000, {
    statements: 1,
    denied: 4,
    target: 'ledger',
    initiatorName: 'Bo',
    initiatorKey: 'i bo',
    closedAt: now,
  })
  await putSession(90_000_000, { statements: 100, denied: 100, closedAt: now })
  await putSession(90_000_000, { alarm: 'entries 2 to 3 are missing' })
  const { sessions, agents, firstSteps } = await overview('auditor')
  expect(firstSteps).toBeNull()
  expect(agents).toEqual({ online: 1, offline: 0, revoked: 0 })
  expect(sessions).toMatchObject({ live: 1, today: 3, statements: 13, denied: 7, held: 1, maskedValues: 9, alarms: 1 })
  expect(sessions.topDenied).toEqual([
    { caller: 'Bo', target: 'ledger', denied: 4 },
    { caller: 'Ann', target: 'orders', denied: 3 },
  ])
  expect(sessions.hours).toHaveLength(24)
  expect(sessions.hours.at(-1)).toMatchObject({ statements: 5, denied: 2 })
  expect(sessions.hours.at(-2)).toMatchObject({ statements: 8, denied: 5 })
  expect(Date.parse(sessions.hours[1].at) - Date.parse(sessions.hours[0].at)).toBe(3_600_000)
  expect((await overview('admin')).firstSteps).toBeNull()
})

async function putRequest(changes: object): Promise<void> {
  const nowMs = test.clock.nowMs()
  const principal = { kind: 'user', issuer: 'i', subject: 'ann', display: 'Ann', groups: [], assurance: 'verified' }
  await test.deps.db.holdRequest.create({
    data: {
      id: hex(),
      state: 'pending',
      agentId: hex(),
      agentName: 'eu-1',
      sessionId: hex(),
      target: 'orders',
      initiatorKey: 'i ann',
      initiatorName: 'Ann',
      fingerprint: 'f',
      verbs: ['delete'],
      objects: ['public.orders'],
      policy: 'p',
      policyVersion: 1,
      rule: 'r',
      reasonMode: 'optional',
      quorum: [{ group: 'the-reviewer', count: 1 }],
      reviewers: ['the-reviewer'],
      facts: {
        initiator: principal,
        actors: [],
        targetLabels: {},
        database: 'shop',
        upstreamRole: 'r',
        clientAddress: '192.0.2.1',
        applicationName: '',
        objectsInAll: 1,
        statements: 1,
        filtered: true,
        message: '',
        estimate: { kind: 'unavailable', reason: 'none' },
      },
      statementDigest: '0'.repeat(64),
      evidenceDigest: '0'.repeat(64),
      approvalDigest: '0'.repeat(64),
      createdAt: new Date(nowMs - 10_000),
      expiresAt: new Date(nowMs + 900_000),
      ...changes,
    },
  })
}

it('tells a reviewer what waits for them and how long people take, and nothing else', async () => {
  const now = test.clock.nowMs()
  await putRequest({})
  await putRequest({ quorum: [{ group: 'others', count: 1 }], reviewers: ['others'] })
  await putRequest({ expiresAt: new Date(now - 1) })
  for (const waitMs of [2_000, 4_000, 60_000])
    await putRequest({
      state: 'approved',
      createdAt: new Date(now - 100_000),
      decidedAt: new Date(now - 100_000 + waitMs),
      settledAt: new Date(now - 100_000 + waitMs),
    })
  const seen = await overview('reviewer')
  expect(seen.approvals).toEqual({ waitingForMe: 1, pending: 1, medianWaitMs: 4_000 })
  expect({ ...seen, approvals: null }).toEqual({
    approvals: null,
    grants: { waitingForMe: 0, pending: 0, live: 0 },
    sessions: null,
    agents: null,
    targets: null,
    policies: null,
    firstSteps: null,
  })
  expect((await overview('auditor')).approvals).toEqual({ waitingForMe: 0, pending: 2, medianWaitMs: 4_000 })
  expect((await overview('member')).approvals).toBeNull()
})
