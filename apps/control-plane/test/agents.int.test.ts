// Agents over HTTP: a join token for the console or CLI, the list, a revocation, each in the audit log.
import { parseJoinToken } from '@sallyport/proto/join-token'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyHashOf } from '../src/agents/ca.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeAgent, makeDocuments, makeRole, roleDocuments, type SignedIn, targetDocument } from './make.ts'
import { stopServer } from './stack.ts'

const revoked: string[] = []
let app: TestApp
let admin: SignedIn
beforeAll(async () => {
  app = await buildTestApp({}, { agentRevoked: (agentId) => void revoked.push(agentId) })
  await makeDocuments(app, [...roleDocuments, targetDocument('orders', { agents: ['eu-1', 'eu-2'] })])
  admin = await makeRole(app, 'admin')
})
afterAll(async () => {
  await app.close()
  await stopServer()
})

const send = async (method: 'GET' | 'POST', url: string, payload?: object) =>
  await app.app.inject({ method, url, headers: admin.headers, ...(payload === undefined ? {} : { payload }) })
const actions = async () =>
  (await app.deps.db.adminAction.findMany({ orderBy: { at: 'asc' } })).map(
    ({ action, object }) => `${action} ${object}`,
  )

test('a join token says where to go, whom to trust and who joins, and is audited without its secret', async () => {
  const response = await send('POST', '/api/v1/agents/join-tokens', { agentName: 'eu-9', expiresInSeconds: 120 })
  expect(response.statusCode).toBe(201)
  const { token, agentName, expiresAt } = response.json()
  expect(agentName).toBe('eu-9')
  expect(Date.parse(expiresAt)).toBe(app.clock.nowMs() + 120_000)
  const parsed = parseJoinToken(token)
  expect(parsed).toMatchObject({
    address: 'localhost:8443',
    caKeyHash: keyHashOf(app.deps.authorityPem),
    agentName: 'eu-9',
  })
  expect(await actions()).toContain('join-token Agent/eu-9')
  const stored = JSON.stringify([await app.deps.db.adminAction.findMany(), await app.deps.db.joinToken.findMany()])
  for (const text of [stored, app.logged()]) expect(text).not.toContain(parsed.secret.reveal())
})

test('agents are listed in pages, with what they serve', async () => {
  for (const name of ['eu-1', 'eu-2', 'us-1']) await makeAgent(app, name)
  const first = (await send('GET', '/api/v1/agents?limit=2')).json()
  expect(first.items.map(({ name }: { name: string }) => name)).toEqual(['eu-1', 'eu-2'])
  expect(first.items[0]).toMatchObject({ state: 'offline', targets: ['orders'] })
  const second = (await send('GET', `/api/v1/agents?limit=2&cursor=${first.next}`)).json()
  expect(second).toMatchObject({ next: null, items: [{ name: 'us-1', targets: [] }] })
})

test('a revocation cuts, is audited once, and cannot be repeated into anything', async () => {
  const row = await app.deps.db.agent.findUniqueOrThrow({ where: { name: 'us-1' } })
  for (let time = 0; time < 2; time++) {
    const response = await send('POST', `/api/v1/agents/${row.id}/revoke`)
    expect(response.statusCode).toBe(204)
  }
  expect(revoked).toEqual([row.id, row.id])
  expect((await actions()).filter((action) => action === 'revoke-agent Agent/us-1')).toHaveLength(1)
  const { items } = (await send('GET', '/api/v1/agents')).json()
  expect(items.find(({ name }: { name: string }) => name === 'us-1')).toMatchObject({ state: 'revoked' })
})

test('a revocation keeps its reason in the audit, and takes nothing else', async () => {
  await makeAgent(app, 'us-2')
  const row = await app.deps.db.agent.findUniqueOrThrow({ where: { name: 'us-2' } })
  const url = `/api/v1/agents/${row.id}/revoke`
  expect((await send('POST', url, { reason: 'host was replaced', state: 'online' })).statusCode).toBe(400)
  expect((await send('POST', url, { reason: '' })).statusCode).toBe(400)
  expect((await send('POST', url, { reason: 'host was replaced' })).statusCode).toBe(204)
  const action = await app.deps.db.adminAction.findFirstOrThrow({ where: { object: 'Agent/us-2' } })
  expect(action).toMatchObject({ action: 'revoke-agent', detail: { id: row.id, reason: 'host was replaced' } })
})

test.each(['0'.repeat(32), 'us-1', '%2e%2e'])('there is no agent %j to revoke', async (id) => {
  const response = await send('POST', `/api/v1/agents/${id}/revoke`)
  expect([response.statusCode, response.json().code]).toEqual([404, 'NOT_FOUND'])
})

test('a name that an agent has gets no second token', async () => {
  const response = await send('POST', '/api/v1/agents/join-tokens', { agentName: 'eu-1' })
  expect([response.statusCode, response.json().code]).toEqual([409, 'CONFLICT'])
})
