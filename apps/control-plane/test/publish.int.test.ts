// Snapshots as agents get them: signed over their exact bytes, only what concerns the agent, after every change
// (DESIGN §2, THREATS ).
import { createPublicKey, verify } from 'node:crypto'
import { fromBinary } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { agentCapabilities } from '@sallyport/policy/capabilities'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { type Snapshot, SnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoredKeys } from '../src/identities/issuer-store.ts'
import { type GrpcStack, joinAgent, openLink, startGrpcStack } from './grpc-stack.ts'
import { allowPolicy, groupDocument, targetDocument } from './make.ts'
import { stopServer } from './stack.ts'

const issuerKeys = new Map<string, StoredKeys>()
let stack: GrpcStack
beforeAll(async () => {
  stack = await startGrpcStack({ issuerKeys: () => issuerKeys })
})
afterAll(async () => {
  await stack.stop()
  await stopServer()
})

/** Verified with the public key over domain and payload; then decoded. */
function read(message: ControlMessage): Snapshot {
  if (message.body.case !== 'snapshot') throw new Error('no snapshot')
  const { payload, signature, keyId } = message.body.value
  const { snapshotSigner } = stack.keys
  const key = createPublicKey({ key: Buffer.from(snapshotSigner.publicKey), format: 'der', type: 'spki' })
  const bytes = Buffer.concat([Buffer.from('sallyport-snapshot-v1\0'), payload])
  expect(keyId).toBe(snapshotSigner.keyId)
  expect(verify(null, bytes, key, signature)).toBe(true)
  return fromBinary(SnapshotSchema, payload)
}

const after = (version: bigint) => (message: ControlMessage) =>
  message.body.case === 'snapshot' && fromBinary(SnapshotSchema, message.body.value.payload).version > version

const names = (documents: readonly { readonly name: string }[]) => documents.map(({ name }) => name)

const issuerDocument = (name: string) => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'TrustedIssuer',
  metadata: { name },
  spec: { issuer: `https://${name}.example`, audiences: ['sallyport:test'] },
})

test('an agent gets its own targets, the policies and labels that meet them, and the rest that it needs', async () => {
  await stack.documents(
    targetDocument('orders', { agents: ['eu-1'] }),
    targetDocument('payroll', { agents: ['us-1'] }),
    allowPolicy('read-orders', 'orders', 'engineering'),
    allowPolicy('read-payroll', 'payroll', 'hr'),
    {
      ...allowPolicy('by-label', 'x', 'dba'),
      spec: { targets: { labels: { env: 'test' } }, rules: [], masks: [], limits: [] },
    },
    {
      ...allowPolicy('other-label', 'x', 'dba'),
      spec: { targets: { labels: { env: 'prod' } }, rules: [], masks: [], limits: [] },
    },
    groupDocument('engineering', 'eng'),
    issuerDocument('ci'),
    issuerDocument('unreachable'),
    {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Label',
      metadata: { name: 'pii.salary' },
      spec: { columns: [{ targets: ['payroll'], pattern: 'public.people.salary' }] },
    },
  )
  const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'BB' }] }
  issuerKeys.set('https://ci.example', { issuer: 'https://ci.example', jwks, fetchedAt: new Date(5), error: null })
  const agent = await joinAgent(stack, 'eu-1')
  const link = openLink(stack, agent)
  const snapshot = read(await link.until(after(0n)))
  expect(snapshot).toMatchObject({ installation: 'test', agentId: agent.id, audience: 'sallyport:test' })
  expect(snapshot.notAfterMs - snapshot.issuedAtMs).toBe(BigInt(limits.snapshotLifeMs))
  expect(names(snapshot.targets)).toEqual(['orders'])
  expect(names(snapshot.policies)).toEqual(['by-label', 'read-orders'])
  expect(names(snapshot.labels)).toEqual([])
  expect(names(snapshot.groups)).toEqual(['engineering'])
  expect(
    snapshot.issuers.map(({ json, jwks }) => [JSON.parse(json).metadata.name, JSON.parse(jwks).keys.length]),
  ).toEqual([
    ['sallyport', 1],
    ['ci', 1],
    ['unreachable', 0],
  ])
  expect(JSON.stringify(snapshot, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
    'payroll',
  )
  link.close()
})

test('a change is pushed to whom it concerns, with a higher version, and comes on reconnection too', async () => {
  const agent = await joinAgent(stack, 'eu-2')
  const link = openLink(stack, agent)
  const first = read(await link.until(after(0n)))
  expect(first.targets).toEqual([])
  await stack.documents(targetDocument('stock', { agents: ['eu-2'] }))
  await stack.publisher.publish()
  const second = read(await link.until(after(first.version)))
  expect(names(second.targets)).toEqual(['stock'])
  link.close()
  await link.ended
  const again = openLink(stack, agent, { snapshotVersion: second.version })
  const third = read(await again.until(after(0n)))
  expect(third.version).toBeGreaterThan(second.version)
  expect(names(third.targets)).toEqual(['stock'])
  again.close()
})

test('changes that come together go out together', async () => {
  const agent = await joinAgent(stack, 'eu-3')
  const link = openLink(stack, agent)
  const first = read(await link.until(after(0n)))
  await Promise.all(Array.from({ length: 20 }, () => stack.publisher.publish()))
  const second = read(await link.until(after(first.version)))
  expect(second.version).toBe(first.version + 1n)
  link.close()
})

test('an agent that has seen a higher version than the store gets one above it', async () => {
  const agent = await joinAgent(stack, 'restored')
  const link = openLink(stack, agent, { snapshotVersion: 5_000n })
  expect(read(await link.until(after(0n))).version).toBe(5_001n)
  link.close()
})

test('revocations come along while a token that they meet could be alive', async () => {
  const nowMs = stack.clock.nowMs()
  const lifeMs = (limits.tokenLifeSecondsMax + limits.clockLeewaySeconds) * 1_000
  const revocation = { at: new Date(), by: 'admin', reason: 'test' }
  await stack.db.revocation.createMany({
    data: [
      { id: 'a', jti: 'token-1', before: new Date(nowMs), ...revocation },
      { id: 'b', issuer: 'https://ci.example', subject: 'job', before: new Date(nowMs - lifeMs), ...revocation },
      { id: 'c', jti: 'ancient', before: new Date(nowMs - lifeMs - 1), ...revocation },
    ],
  })
  const agent = await joinAgent(stack, 'eu-4')
  const link = openLink(stack, agent)
  const { revocations } = read(await link.until(after(0n)))
  expect(revocations.map(({ jti, subject, beforeMs }) => [jti, subject, Number(beforeMs)])).toEqual([
    ['token-1', '', nowMs],
    ['', 'job', nowMs - lifeMs],
  ])
  link.close()
})

test('a store whose documents cannot be read sends nothing, and the next publish does', async () => {
  const agent = await joinAgent(stack, 'eu-5')
  const link = openLink(stack, agent)
  const first = read(await link.until(after(0n)))
  const row = { kind: 'Policy', name: 'torn', version: 1, document: { kind: 'Policy' }, updatedBy: 'test' }
  await stack.db.resource.create({ data: row })
  await stack.publisher.publish()
  expect(link.received).toHaveLength(1)
  expect(stack.logged()).toContain('snapshot-failed')
  await stack.db.resource.delete({ where: { kind_name: { kind: 'Policy', name: 'torn' } } })
  // By itself: the failed try is repeated.
  expect(read(await link.until(after(first.version))).version).toBeGreaterThan(first.version)
  link.close()
})

test('an agent whose row is gone keeps no other from its snapshots', async () => {
  const gone = await joinAgent(stack, 'a-gone')
  const agent = await joinAgent(stack, 'b-stays')
  const links = [openLink(stack, gone), openLink(stack, agent)] as const
  const [, first] = await Promise.all(links.map((link) => link.until(after(0n))))
  await stack.db.agent.delete({ where: { id: gone.id } })
  await stack.publisher.publish()
  await links[1].until(after(read(first!).version))
  expect(links[0].received).toHaveLength(1)
  for (const link of links) link.close()
})

test('agents that come back together are each served, with versions above what they report', async () => {
  const agents = []
  for (const name of ['many-1', 'many-2', 'many-3', 'many-4']) agents.push(await joinAgent(stack, name))
  const links = agents.map((agent, at) => openLink(stack, agent, { snapshotVersion: BigInt(at * 10) }))
  const snapshots = await Promise.all(links.map(async (link) => read(await link.until(after(0n)))))
  expect(snapshots.map(({ agentId }) => agentId)).toEqual(agents.map(({ id }) => id))
  expect(snapshots.map(({ version }) => version)).toEqual([1n, 11n, 21n, 31n])
  for (const link of links) link.close()
})

test('an agent of the release before serves what it understands, and gets the rest once it says that it can', async () => {
  const role = { name: 'app', password: { rdsIam: { region: 'eu-central-1' } } }
  const strong = allowPolicy('skew-strong', 'skew-strong', 'engineering')
  const [rule] = strong.spec.rules
  await stack.documents(
    targetDocument('skew-plain', { agents: ['skewed'] }),
    targetDocument('skew-rds', { agents: ['skewed'], roles: [role] }),
    targetDocument('skew-strong', { agents: ['skewed'] }),
    allowPolicy('skew-plain', 'skew-plain', 'engineering'),
    // Left out, it would deny nothing any more: so its target goes with it.
    { ...strong, spec: { ...strong.spec, rules: [{ ...rule, effect: 'deny', when: 'session.strength < 3' }] } },
  )
  const agent = await joinAgent(stack, 'skewed')
  const served = async (capabilities: string[]) => {
    const link = openLink(stack, agent, { capabilities })
    const snapshot = read(await link.until(after(0n)))
    link.close()
    await link.ended
    return [names(snapshot.targets), names(snapshot.policies).filter((name) => name.startsWith('skew'))]
  }
  expect(await served([])).toEqual([['skew-plain'], ['skew-plain']])
  expect(await served(['credential-aws', 'of-the-next-release'])).toEqual([['skew-plain', 'skew-rds'], ['skew-plain']])
  const all = ['skew-plain', 'skew-rds', 'skew-strong']
  expect(await served([...agentCapabilities])).toEqual([all, ['skew-plain', 'skew-strong']])
})
