// One port, real mTLS: who may call what, how fast a revocation cuts, what an agent may write (THREATS ).
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { create } from '@bufbuild/protobuf'
import * as x509 from '@peculiar/x509'
import { manualClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { TargetDocument } from '@sallyport/policy/document'
import { CatalogUploadSchema } from '@sallyport/proto/gen/sallyport/v1/catalog_pb'
import { EntryBatchSchema } from '@sallyport/proto/gen/sallyport/v1/entry_pb'
import {
  type IngestRequest,
  IngestRequestSchema,
  type IngestResponse,
  IngestResponseSchema,
} from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { HeartbeatSchema } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listAgents, revoke } from '../src/agents/agents.ts'
import { agentUri, makeAuthority, openAuthority } from '../src/agents/ca.ts'
import { revokeAgent } from '../src/agents/store.ts'
import { connectionOf } from '../src/targets/open.ts'
import {
  codeOf,
  type GrpcStack,
  installation,
  isSnapshot,
  joinAgent,
  makeCsr,
  openIngest,
  openLink,
  p256,
  renewAgent,
  say,
  startGrpcStack,
  within,
} from './grpc-stack.ts'
import { targetDocument } from './make.ts'
import { stopServer } from './stack.ts'

/** The seam to ingest/: keeps who wrote what, and answers when the test says so. */
const written: { agentId: string; request: IngestRequest; answer: (response: IngestResponse) => void }[] = []
let onWritten: () => void = () => undefined
const ingest = {
  accept: (agentId: string, request: IngestRequest) =>
    new Promise<IngestResponse>((answer) => {
      written.push({ agentId, request, answer })
      onWritten()
    }),
}
const writtenCount = async (count: number): Promise<void> => {
  while (written.length < count) await new Promise<void>((resolve) => (onWritten = resolve))
}
const batch = (id: bigint, session = 'a'.repeat(32)) =>
  create(IngestRequestSchema, { batchId: id, batch: create(EntryBatchSchema, { session }) })

let stack: GrpcStack
beforeAll(async () => {
  stack = await startGrpcStack({ ingest })
})
afterAll(async () => {
  await stack.stop()
  await stopServer()
})

const open = { name: 'nobody' }
const refused = 'AGENT_NOT_ENROLLED'

test('without a certificate there is Join and nothing else', async () => {
  const link = openLink(stack, open)
  const ingesting = openIngest(stack)
  expect(await link.ended).toBe(refused)
  expect(await ingesting.ended).toBe(refused)
  expect(await codeOf(renewAgent(stack, undefined as never))).toBe(refused)
  link.close()
  ingesting.close()
})

/** A certificate that names this agent, signed by an authority that calls itself like ours. */
async function foreignCertificate(agentId: string) {
  const clock = manualClock(Date.now())
  const foreign = await openAuthority({ installation, ...(await makeAuthority(installation, clock)), clock })
  const { csr, key } = await makeCsr()
  return { certificate: (await foreign.issueAgent(csr, agentId)).pem, key }
}

test('a certificate of a foreign authority is refused, though it names an enrolled agent', async () => {
  const agent = await joinAgent(stack, 'copied')
  const foreign = await foreignCertificate(agent.id)
  const link = openLink(stack, { name: 'copied', certificate: foreign })
  expect(await link.ended).toBe(refused)
  expect(await codeOf(renewAgent(stack, foreign))).toBe(refused)
  link.close()
})

/** Our own authority, as it was or will be at another moment. */
async function ownAuthorityAt(nowMs: number) {
  const read = async (name: string) => await readFile(`${stack.directory}/installation-keys/${name}`, 'utf8')
  return await openAuthority({
    installation,
    keyPem: await read('authority-key.pem'),
    certificatePem: await read('authority.pem'),
    clock: manualClock(nowMs),
  })
}

test('a certificate that has expired is refused', async () => {
  const agent = await joinAgent(stack, 'expired')
  const authority = await ownAuthorityAt(Date.now() - 2 * 86_400_000)
  const { csr, key } = await makeCsr()
  const old = { certificate: (await authority.issueAgent(csr, agent.id)).pem, key }
  const link = openLink(stack, { name: 'expired', certificate: old })
  expect(await link.ended).toBe(refused)
  expect(await codeOf(renewAgent(stack, old))).toBe(refused)
  link.close()
})

test('a certificate that runs out while its connection is open ends its calls', async () => {
  const agent = await joinAgent(stack, 'running-out')
  const link = openLink(stack, agent)
  await link.until(isSnapshot)
  stack.clock.advance(25 * 3_600_000)
  expect(await link.ended).toBe(refused)
  expect(await codeOf(renewAgent(stack, agent.certificate))).toBe(refused)
  stack.clock.advance(-25 * 3_600_000)
  link.close()
})

test('the certificate of a listener does not open the link', async () => {
  const agent = await joinAgent(stack, 'listener-only')
  const link = openLink(stack, { name: 'listener-only', certificate: agent.listener })
  expect(await link.ended).toBe(refused)
  link.close()
})

test.each([
  ['two names', (id: string) => [agentUri(installation, id), agentUri(installation, 'b'.repeat(32))]],
  ['another installation', (id: string) => [agentUri('other', id)]],
  ['no name', () => []],
])('a certificate of our authority with %s is refused', async (name, uris) => {
  const agent = await joinAgent(stack, `odd-${name.replaceAll(' ', '-')}`)
  const directory = `${stack.directory}/installation-keys`
  const own = new x509.X509Certificate(await readFile(`${directory}/authority.pem`, 'utf8'))
  const pkcs8 = x509.PemConverter.decodeFirst(await readFile(`${directory}/authority-key.pem`, 'utf8'))
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, p256, false, ['sign'])
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const names = uris(agent.id).map((value) => ({ type: 'url' as const, value }))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '07',
    subject: `CN=${agent.id}`,
    issuer: own.subject,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingKey,
    publicKey: keys.publicKey,
    signingAlgorithm: p256,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  })
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const link = openLink(stack, { name: agent.name, certificate: { certificate: certificate.toString('pem'), key } })
  expect(await link.ended).toBe(refused)
  link.close()
})

test('an agent whose row is gone is refused', async () => {
  const agent = await joinAgent(stack, 'forgotten')
  await stack.db.agent.delete({ where: { id: agent.id } })
  const link = openLink(stack, agent)
  expect(await link.ended).toBe(refused)
  link.close()
})

test('a revocation says so and cuts all streams of the agent within two seconds, and those of no other', async () => {
  const agent = await joinAgent(stack, 'revoked')
  const other = await joinAgent(stack, 'bystander')
  const streams = [openLink(stack, agent), openLink(stack, other)] as const
  await Promise.all(streams.map((stream) => stream.until(isSnapshot)))
  const ingesting = openIngest(stack, agent.certificate)
  const before = written.length
  ingesting.call.write(batch(1n))
  await writtenCount(before + 1)
  await revoke(stack.deps, 'admin', agent.id)
  stack.grpc.links.revoke(agent.id)
  expect(await within(2_000, streams[0].ended)).toBe('AGENT_REVOKED')
  expect(await within(2_000, ingesting.ended)).toBe('AGENT_REVOKED')
  expect(streams[0].received.at(-1)?.body.case).toBe('revoked')
  const again = openLink(stack, agent)
  expect(await again.ended).toBe('AGENT_REVOKED')
  expect(await codeOf(renewAgent(stack, agent.certificate))).toBe('AGENT_REVOKED')
  say(streams[1], { case: 'heartbeat', value: create(HeartbeatSchema, { atMs: 5n }) })
  await streams[1].until((message) => message.body.case === 'pong')
  for (const stream of [...streams, again]) stream.close()
  ingesting.close()
})

test('a revocation that another process made cuts within two seconds too', async () => {
  const agent = await joinAgent(stack, 'revoked-elsewhere')
  const link = openLink(stack, agent)
  await link.until(isSnapshot)
  await stack.db.$transaction(async (tx) => await revokeAgent(tx, agent.id, new Date()))
  expect(await within(2_000, link.ended)).toBe('AGENT_REVOKED')
  link.close()
})

test('a second link of an agent ends the first', async () => {
  const agent = await joinAgent(stack, 'doubled')
  const first = openLink(stack, agent)
  await first.until(isSnapshot)
  const second = openLink(stack, agent)
  await second.until(isSnapshot)
  expect(await first.ended).toBe('CONFLICT')
  first.close()
  second.close()
})

test.each([
  ['what comes before Hello', null, 'REQUEST_INVALID'],
  ['Hello of another agent', { agentName: 'somebody-else' }, 'REQUEST_INVALID'],
  ['a version that nobody made', { snapshotVersion: 2n ** 63n }, 'REQUEST_INVALID'],
  ['an address that is none', { advertise: 'nowhere' }, 'REQUEST_INVALID'],
] as const)('%s is refused', async (name, hello, code) => {
  const agent = await joinAgent(stack, `greets-${name.toLowerCase().replaceAll(' ', '-')}`.slice(0, 63))
  const link = openLink(stack, agent, hello)
  if (hello === null) say(link, { case: 'heartbeat', value: create(HeartbeatSchema, {}) })
  expect(await link.ended).toBe(code)
  link.close()
})

test('entries are taken in order, under the identity of the certificate, a few at a time', async () => {
  const agent = await joinAgent(stack, 'writer')
  const ingesting = openIngest(stack, agent.certificate)
  const first = written.length
  const count = limits.batchesInFlightMax + 3
  for (let id = 1; id <= count; id++) ingesting.call.write(batch(BigInt(id)))
  await writtenCount(first + limits.batchesInFlightMax)
  const mine = () => written.slice(first)
  expect(mine()).toHaveLength(limits.batchesInFlightMax)
  for (let id = 1; id <= count; id++) {
    await writtenCount(first + id)
    const { agentId, request, answer } = mine()[id - 1]!
    expect(agentId).toBe(agent.id)
    expect(request.batchId).toBe(BigInt(id))
    answer(create(IngestResponseSchema, { batchId: request.batchId }))
    await ingesting.until((response) => response.batchId === BigInt(id))
  }
  expect(ingesting.received.map(({ batchId }) => Number(batchId))).toEqual(
    Array.from({ length: count }, (_, at) => at + 1),
  )
  ingesting.close()
})

test('a message over the limit ends the stream', async () => {
  const agent = await joinAgent(stack, 'shouter')
  const link = openLink(stack, agent)
  await link.until(isSnapshot)
  const catalog = new Uint8Array(limits.grpcMessageBytesMax)
  say(link, { case: 'catalog', value: create(CatalogUploadSchema, { target: 'shop', catalog }) })
  expect(await link.ended).not.toBe('ended')
  link.close()
})

test('a catalog is kept for a target that the agent serves, and for no other', async () => {
  const agent = await joinAgent(stack, 'cataloguer')
  await stack.documents(targetDocument('mine', { agents: ['cataloguer'] }), targetDocument('theirs', { agents: ['x'] }))
  const link = openLink(stack, agent)
  const pack = (version: string) => new Uint8Array(gzipSync(JSON.stringify({ version, database: 'mine' })))
  const upload = { upstreamRole: 'app_rw', version: 'v1', catalog: pack('v1') }
  const send = (value: object) =>
    say(link, { case: 'catalog', value: create(CatalogUploadSchema, { ...upload, ...value }) })
  send({ target: 'theirs' })
  send({ target: 'mine', upstreamRole: 'superuser' })
  send({ target: 'mine', catalog: pack('another') })
  send({ target: 'mine', catalog: new Uint8Array([1, 2, 3]) })
  send({ target: 'mine' })
  say(link, { case: 'heartbeat', value: create(HeartbeatSchema, { atMs: 9n }) })
  await link.until((message) => message.body.case === 'pong')
  const rows = await stack.db.catalog.findMany()
  expect(rows.map(({ target, upstreamRole, version }) => [target, upstreamRole, version])).toEqual([
    ['mine', 'app_rw', 'v1'],
  ])
  expect(rows[0]?.agentId).toBe(agent.id)
  link.close()
})

test('renewal gives a new key its certificate, and the link goes on with it', async () => {
  const agent = await joinAgent(stack, 'renewer')
  const renewed = await renewAgent(stack, agent.certificate)
  expect(renewed.certificate).not.toBe(agent.certificate.certificate)
  const link = openLink(stack, { name: agent.name, certificate: renewed })
  await link.until(isSnapshot)
  link.close()
})

test('an agent that is linked is shown online, with its version and address', async () => {
  const agent = await joinAgent(stack, 'shown')
  const link = openLink(stack, agent, { version: '9.9.9', advertise: 'moved.example:7000' })
  await link.until(isSnapshot)
  const { items } = await listAgents(stack, '', 500)
  expect(items.find(({ id }) => id === agent.id)).toMatchObject({
    state: 'online',
    version: '9.9.9',
    advertise: 'moved.example:7000',
  })
  link.close()
})

test('of two agents of a target, the one that stops is named to nobody any more while the other one goes on', async () => {
  await stack.documents(targetDocument('both', { agents: ['both-a', 'both-b'] }))
  const target = TargetDocument.parse(targetDocument('both', { agents: ['both-a', 'both-b'] }))
  const beat = (atMs: bigint, draining: boolean) =>
    ({ case: 'heartbeat', value: create(HeartbeatSchema, { atMs, draining }) }) as const
  const linkOf = async (name: string) => {
    const link = openLink(stack, await joinAgent(stack, name), { advertise: `${name}.example:6432` })
    await link.until(isSnapshot)
    return link
  }
  const b = await linkOf('both-b')
  stack.clock.advance(1_000)
  const a = await linkOf('both-a')
  expect(await connectionOf(stack.deps, target)).toMatchObject({ host: 'both-a.example' })
  say(a, beat(1n, false))
  say(a, beat(2n, true))
  await a.until((message) => message.body.case === 'pong' && message.body.value.atMs === 2n)
  expect(await connectionOf(stack.deps, target)).toMatchObject({ host: 'both-b.example' })
  a.close()
  b.close()
})
