// Enrolment at the agent: nothing is told to anyone but the control plane whose key the join token pins, and nothing
// secret is told at all (DESIGN §2, THREATS ).
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readIdentity } from '../src/link/identity.ts'
import { type JoinOptions, join } from '../src/link/join.ts'
import { agentId, type FakeControl, type FakeOptions, makeFakeAuthority, startFakeControl } from './fake-control.ts'

let directory: string
const stops: (() => void)[] = []
beforeEach(() => {
  directory = mkdtempSync(joinPath(tmpdir(), 'sallyport-join-'))
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
  rmSync(directory, { recursive: true, force: true })
})

async function startFake(options: FakeOptions = {}): Promise<FakeControl> {
  const fake = await startFakeControl(options)
  stops.push(fake.stop)
  return fake
}

const joining = (fake: FakeControl, changes: Partial<JoinOptions> = {}) =>
  join({
    directory: joinPath(directory, 'agent'),
    token: fake.token(),
    advertise: 'localhost:6432',
    serverNames: ['localhost'],
    version: '0.1.0',
    nowMs: Date.now,
    ...changes,
  })

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => 'joined',
    (thrown: unknown) => (thrown instanceof SallyportError ? thrown.code : String(thrown)),
  )

/** Every spelling in which a secret could leave. */
function spellings(pem: string): Buffer[] {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  const base64 = pem.replace(/-----[^-]+-----|\s/g, '')
  return [Buffer.from(pem), der, Buffer.from(base64), Buffer.from(der.toString('hex'))]
}

test('a join keeps an identity that nobody else can read, and sends no private key', async () => {
  const fake = await startFake()
  const identity = await joining(fake)
  expect(identity).toMatchObject({ agentId, agentName: 'eu-1', installation: 'test', address: fake.address })
  const agent = joinPath(directory, 'agent')
  expect(readIdentity(agent)).toEqual(identity)
  expect(statSync(agent).mode & 0o777).toBe(0o700)
  for (const name of ['identity.json', 'record-key.pem'])
    expect(statSync(joinPath(agent, name)).mode & 0o777).toBe(0o600)
  expect(readdirSync(agent).sort()).toEqual(['ca.pem', 'identity.json', 'record-key.pem'])
  const wire = Buffer.concat(fake.sent)
  const recordKey = readFileSync(joinPath(agent, 'record-key.pem'), 'utf8')
  for (const pem of [identity.clientKey.reveal(), identity.serverKey.reveal(), recordKey])
    for (const spelling of spellings(pem)) expect(wire.includes(spelling)).toBe(false)
  // The search would find one: the request itself is there.
  expect(wire.includes(Buffer.from('BEGIN CERTIFICATE REQUEST'))).toBe(true)
  expect(JSON.stringify(identity)).not.toContain('PRIVATE')
})

test('a control plane whose authority is another one is refused before anything is sent to it', async () => {
  const fake = await startFake()
  const other = await makeFakeAuthority()
  expect(await codeOf(joining(fake, { token: fake.token({ caKeyHash: other.keyHash }) }))).toBe('CA_MISMATCH')
  expect(fake.sent).toHaveLength(0)
})

test('a certificate of the authority that is not that of the control plane is refused before anything is sent', async () => {
  const fake = await startFake({
    names: [
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ],
  })
  expect(await codeOf(joining(fake))).toBe('CONTROL_PLANE_UNREACHABLE')
  expect(fake.sent).toHaveLength(0)
})

test('a control plane under another name than its certificate says is refused before anything is sent', async () => {
  const fake = await startFake({
    names: [
      { type: 'dns', value: 'elsewhere.example' },
      { type: 'url', value: 'spiffe://sallyport/test/control-plane' },
    ],
  })
  expect(await codeOf(joining(fake))).toBe('CONTROL_PLANE_UNREACHABLE')
  expect(fake.sent).toHaveLength(0)
})

test.each([
  ['for another key', { clientCertificate: 'server' }],
  ['for another agent', { agentId: '2'.repeat(32) }],
  ['for another installation', { installation: 'other' }],
  ['without a mask key', { maskKey: new Uint8Array(3) }],
  ['that are none', { serverCertificate: 'garbage' }],
] as const)('certificates %s are refused, and nothing is kept', async (_, changes) => {
  const fake = await startFake()
  const honest = fake.behaviour.join
  fake.behaviour.join = async (request) => {
    const answer = await honest(request)
    const isSwapped = 'clientCertificate' in changes
    return { ...answer, ...changes, ...(isSwapped ? { clientCertificate: answer.serverCertificate } : {}) }
  }
  expect(await codeOf(joining(fake))).toBe('CA_MISMATCH')
  expect(readIdentity(joinPath(directory, 'agent'))).toBeUndefined()
})

test('what the control plane refuses with comes through, with the next step', async () => {
  const fake = await startFake()
  fake.behaviour.join = () =>
    Promise.reject(new SallyportError('JOIN_TOKEN_USED', 'this join token was used already', { hint: 'make another' }))
  const thrown = await joining(fake).catch((error: unknown) => error)
  expect(thrown).toMatchObject({
    code: 'JOIN_TOKEN_USED',
    message: 'this join token was used already',
    hint: 'make another',
  })
})

test('an agent that has joined does not join again', async () => {
  const fake = await startFake()
  await joining(fake)
  expect(await codeOf(joining(fake))).toBe('CONFLICT')
  expect(fake.sent).toHaveLength(1)
})

test('nobody at the address is an error with a next step', async () => {
  const fake = await startFake()
  fake.stop()
  const thrown = await joining(fake).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'CONTROL_PLANE_UNREACHABLE', hint: expect.stringContaining('firewall') })
})

test('a text that is no join token is refused without repeating it', async () => {
  const fake = await startFake()
  const thrown = await joining(fake, { token: new Secret('spj1.secret-text') }).catch((error: Error) => error)
  expect(thrown).toMatchObject({ code: 'JOIN_TOKEN_INVALID' })
  expect(String(thrown)).not.toContain('secret-text')
})
