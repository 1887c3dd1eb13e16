// Enrolment over real TLS and a real store: a join token makes one agent, under one name, once (THREATS ).
import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJoinToken, listAgents, revoke } from '../src/agents/agents.ts'
import {
  codeOf,
  type GrpcStack,
  joinAgent,
  joinRequest,
  makeCsr,
  renewAgent,
  sendJoin,
  startGrpcStack,
} from './grpc-stack.ts'
import { stopServer } from './stack.ts'

let stack: GrpcStack
beforeAll(async () => {
  stack = await startGrpcStack()
})
afterAll(async () => {
  await stack.stop()
  await stopServer()
})

test('a token enrols an agent, whose certificates say what they are for and nothing more', async () => {
  const agent = await joinAgent(stack, 'first', {
    serverNames: ['DB.example.com', '10.0.0.7'],
    advertise: 'db.example.com:6432',
  })
  const authority = new X509Certificate(agent.joined.caCertificate)
  const client = new X509Certificate(agent.joined.clientCertificate)
  const server = new X509Certificate(agent.joined.serverCertificate)
  expect(client.subjectAltName).toBe(`URI:spiffe://sallyport/test/agent/${agent.id}`)
  expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(server.subjectAltName).toBe('DNS:db.example.com, IP Address:10.0.0.7')
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  for (const certificate of [client, server]) {
    expect(certificate.verify(authority.publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
  }
  const dayMs = 86_400_000
  const nowMs = stack.clock.nowMs()
  expect(Date.parse(client.validTo) - nowMs).toBeLessThanOrEqual(dayMs)
  expect(Date.parse(server.validTo) - nowMs).toBeLessThanOrEqual(30 * dayMs)
  expect(agent.joined.maskKey).toHaveLength(32)
  const { items } = await listAgents(stack, '', 50)
  expect(items.find(({ name }) => name === 'first')).toMatchObject({
    state: 'offline',
    advertise: 'db.example.com:6432',
  })
})

test('a token used twice is refused the second time', async () => {
  const token = await stack.token('twice')
  await sendJoin(stack, (await joinRequest(token)).request)
  expect(await codeOf(sendJoin(stack, (await joinRequest(token)).request))).toBe('JOIN_TOKEN_USED')
})

test('of many who use one token at once exactly one wins', async () => {
  const token = await stack.token('racers')
  const requests = await Promise.all([1, 2, 3, 4, 5, 6].map(async () => (await joinRequest(token)).request))
  const codes = await Promise.all(requests.map(async (request) => await codeOf(sendJoin(stack, request))))
  expect(codes.filter((code) => code === 'accepted')).toHaveLength(1)
  expect(new Set(codes)).toEqual(new Set(['accepted', 'JOIN_TOKEN_USED']))
  expect(await stack.db.agent.count({ where: { name: 'racers' } })).toBe(1)
})

test('of two tokens for one name, used at once, one makes the agent and the other stays unused', async () => {
  const tokens = [await stack.token('one-name'), await stack.token('one-name')]
  const requests = await Promise.all(tokens.map(async (token) => (await joinRequest(token)).request))
  const codes = await Promise.all(requests.map(async (request) => await codeOf(sendJoin(stack, request))))
  expect([...codes].sort()).toEqual(['CONFLICT', 'accepted'])
  const unused = await stack.db.joinToken.count({ where: { agentName: 'one-name', usedAt: null } })
  expect(unused).toBe(1)
})

test('an expired token is refused', async () => {
  const token = await stack.token('late', 60)
  stack.clock.advance(60_000)
  expect(await codeOf(sendJoin(stack, (await joinRequest(token)).request))).toBe('JOIN_TOKEN_EXPIRED')
})

test('a token is good for its own name only, and a wrong name does not use it up', async () => {
  const token = await stack.token('right-name')
  const wrong = await joinRequest(token, { agentName: 'wrong-name' })
  expect(await codeOf(sendJoin(stack, wrong.request))).toBe('JOIN_TOKEN_INVALID')
  expect(await codeOf(sendJoin(stack, (await joinRequest(token)).request))).toBe('accepted')
})

test('a wrong secret and an unknown token get the same answer', async () => {
  const token = await stack.token('guessed')
  const messages = []
  for (const changes of [{ tokenSecret: 'A'.repeat(43) }, { tokenId: '0'.repeat(32) }, { tokenId: '' }]) {
    const { request } = await joinRequest(token, changes)
    messages.push(await sendJoin(stack, request).catch((thrown: Error) => thrown.message))
  }
  expect(new Set(messages)).toEqual(new Set(['the join token is unknown here']))
})

test('the store keeps no secret of a token', async () => {
  const token = await stack.token('hashed')
  const row = await stack.db.joinToken.findUnique({ where: { id: token.id } })
  expect(JSON.stringify(row)).not.toContain(token.secret.reveal())
  expect(stack.logged()).not.toContain(token.secret.reveal())
})

test('a name that is taken is not given again until its agent is revoked', async () => {
  const { id } = await joinAgent(stack, 'rebuilt')
  const asked = { agentName: 'rebuilt', expiresInSeconds: 600 }
  expect(await codeOf(createJoinToken(stack.deps, 'admin', asked))).toBe('CONFLICT')
  await revoke(stack.deps, 'admin', id)
  const again = await joinAgent(stack, 'rebuilt')
  expect(again.id).not.toBe(id)
  const { items } = await listAgents(stack, '', 50)
  expect(
    items
      .filter(({ name }) => name === 'rebuilt')
      .map(({ state }) => state)
      .sort(),
  ).toEqual(['offline', 'revoked'])
})

/** The signature of another request, so that it does not fit. */
async function tornCsr(): Promise<string> {
  const pems = [await makeCsr(), await makeCsr()].map(({ csr }) => csr.trim().split('\n'))
  const [one = [], other = []] = pems
  return [...one.slice(0, -3), ...other.slice(-3)].join('\n')
}

test.each([
  ['a request whose signature does not fit', async () => ({ clientCsr: await tornCsr() })],
  [
    'a request with a P-384 key',
    async () => ({ clientCsr: (await makeCsr({ name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' })).csr }),
  ],
  [
    'a request that is garbage',
    async () => ({ serverCsr: '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----' }),
  ],
  ['a request that is too long', async () => ({ clientCsr: 'A'.repeat(8_193) })],
  ['a record key of another kind', async () => ({ recordKey: new Uint8Array(44) })],
  ['a wildcard', async () => ({ serverNames: ['*.example.com'] })],
  ['no server name', async () => ({ serverNames: [] })],
  ['an address without a port', async () => ({ advertise: 'localhost' })],
])('%s is refused, and the token stays good', async (_, changes) => {
  const token = await stack.token(`bad-${Math.random().toString(36).slice(2, 10)}`)
  expect(await codeOf(sendJoin(stack, (await joinRequest(token, await changes())).request))).toBe('REQUEST_INVALID')
  expect(await codeOf(sendJoin(stack, (await joinRequest(token)).request))).toBe('accepted')
})

test('no agent gets a certificate for a name of the control plane or of another agent', async () => {
  await joinAgent(stack, 'owner', { advertise: 'owner.example:6432', serverNames: ['owner.example', 'api.example'] })
  const thief = await joinAgent(stack, 'thief', { serverNames: ['thief.example'] })
  for (const name of ['control.example', 'CONTROL.example', 'owner.example', 'API.example']) {
    const token = await stack.token(`thief-${Math.random().toString(36).slice(2, 10)}`)
    const { request } = await joinRequest(token, { serverNames: [name] })
    expect(await codeOf(sendJoin(stack, request))).toBe('CONFLICT')
    expect(await codeOf(renewAgent(stack, thief.certificate, ['thief.example', name]))).toBe('CONFLICT')
  }
  expect(await codeOf(renewAgent(stack, thief.certificate, ['thief.example', 'new.example']))).toBe('accepted')
})

test('R-6.1: an agent that says it is reached where another one is takes no name from it', async () => {
  const quiet = await joinAgent(stack, 'quiet', { advertise: 'quiet.example:6432', serverNames: ['quiet.example'] })
  await joinAgent(stack, 'loud', { advertise: 'quiet.example:6432', serverNames: ['loud.example'] })
  expect(await codeOf(renewAgent(stack, quiet.certificate, ['quiet.example']))).toBe('accepted')
  const loud = await stack.db.agent.findUniqueOrThrow({ where: { name: 'loud' } })
  await stack.db.agent.update({
    where: { id: loud.id },
    data: { advertise: 'next.example:1', advertiseHttp: 'next.example:2' },
  })
  await joinAgent(stack, 'next', { advertise: 'next.example:6432', serverNames: ['next.example'] })
})

test('of many who ask for one name at once exactly one gets it', async () => {
  const requests = await Promise.all(
    [1, 2, 3, 4].map(async (at) => {
      const token = await stack.token(`racer-${at}`)
      return (await joinRequest(token, { serverNames: ['raced.example'] })).request
    }),
  )
  const codes = await Promise.all(requests.map(async (request) => await codeOf(sendJoin(stack, request))))
  expect([...codes].sort()).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT', 'accepted'])
})
