// The link at the agent: snapshots that do not verify are refused, good ones outlive restarts until they end, and what is
// lost comes back by itself (DESIGN §2, §9; THREATS ).
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { manualClock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import type { FloorDocument } from '@sallyport/policy/document'
import { IngestRequestSchema, type IngestResponse } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { AgentMessage, SnapshotApplied } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { SignedSnapshot, SnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import type { Catalog } from '@sallyport/sql/catalog'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Identity } from '../src/link/identity.ts'
import { join } from '../src/link/join.ts'
import { type Link, type LinkDeps, startLink } from '../src/link/link.ts'
import { openSnapshots, type SnapshotKeeper, snapshotPath, versionPath } from '../src/link/snapshot.ts'
import { silentLog } from '../src/session/log.ts'
import { type FakeControl, type FakeOptions, type OpenLink, signSnapshot, startFakeControl } from './fake-control.ts'

let directory: string
let fake: FakeControl
let identity: Identity
const clock = manualClock(Date.now())
const stops: (() => unknown)[] = []

const startFake = async (options: FakeOptions = {}): Promise<FakeControl> => {
  const started = await startFakeControl(options)
  stops.push(started.stop)
  return started
}

beforeEach(async () => {
  clock.set(Date.now())
  directory = mkdtempSync(joinPath(tmpdir(), 'sallyport-link-'))
  fake = await startFake()
  identity = await join({
    directory,
    token: fake.token(),
    advertise: 'localhost:6432',
    serverNames: ['localhost'],
    version: '0.1.0',
    nowMs: Date.now,
  })
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  rmSync(directory, { recursive: true, force: true })
})

const openKeeper = (floor: FloorDocument | null = null): SnapshotKeeper =>
  openSnapshots({ directory, identity, floor, clock, log: silentLog })

interface Started {
  readonly link: Link
  readonly snapshots: SnapshotKeeper
  readonly revoked: string[]
  readonly killed: string[]
  readonly renewed: Identity[]
}

function start(changes: Partial<LinkDeps> = {}): Started {
  const snapshots = changes.snapshots ?? openKeeper()
  const kept = { snapshots, revoked: [] as string[], killed: [] as string[], renewed: [] as Identity[] }
  const link = startLink({
    directory,
    identity,
    renewFirst: false,
    snapshots,
    clock,
    random: () => 0.5,
    randomBytes,
    log: silentLog,
    version: '0.1.0',
    load: () => ({ sessions: 3, spoolBytes: 42 }),
    scan: () => Promise.reject(new Error('no scan in this test')),
    onKillSession: (session) => void kept.killed.push(session),
    onRevoked: (reason) => void kept.revoked.push(reason),
    onRenewed: (next) => void kept.renewed.push(next),
    timing: { heartbeatMs: 20, silenceMsMax: 20_000, backoff: { firstMs: 5, lastMs: 50 } },
    ...changes,
  })
  stops.push(() => link.stop())
  return { link, ...kept }
}

const isCase = (name: AgentMessage['body']['case']) => (message: AgentMessage) => message.body.case === name

async function nthLink(number: number): Promise<OpenLink> {
  return await fake.until(() => fake.links[number])
}
const reports = (link: OpenLink): SnapshotApplied[] =>
  link.messages.flatMap(({ body }) => (body.case === 'snapshotApplied' ? [body.value] : []))

/** Sends the snapshot and waits for what the agent says of it. */
async function offer(link: OpenLink, signed: SignedSnapshot): Promise<SnapshotApplied> {
  const before = reports(link).length
  link.send({ case: 'snapshot', value: signed })
  return await fake.until(() => reports(link)[before])
}

const target = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'Target',
  metadata: { name, labels },
  spec: {
    protocol: 'postgres',
    agents: ['eu-1'],
    host: 'db.internal',
    database: name,
    roles: [{ name: 'app', password: { env: 'PASSWORD' } }],
  },
})
const policy = (name: string, spec: Record<string, unknown>) => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'Policy',
  metadata: { name },
  spec: { targets: { any: true }, ...spec },
})
const allowAll = { rules: [{ name: 'all', effect: 'allow', callers: { any: true } }] }
const document = (value: { metadata: { name: string } }, version = 1) => ({
  name: value.metadata.name,
  version,
  json: JSON.stringify(value),
})

test('the agent greets with its name and version, says what it applied, and beats', async () => {
  const { snapshots } = start()
  const link = await nthLink(0)
  const report = await offer(link, fake.snapshot({ version: 7n, targets: [document(target('shop'))] }))
  expect(report).toMatchObject({ version: 7n, errorCode: '' })
  expect(link.messages[0]?.body).toMatchObject({
    case: 'hello',
    value: { agentName: 'eu-1', version: '0.1.0', snapshotVersion: 0n, advertise: 'localhost:6432' },
  })
  const beat = await fake.until(() => link.messages.find(isCase('heartbeat')))
  expect(beat.body.value).toMatchObject({ sessions: 3, spoolBytes: 42n })
  const current = snapshots.current()
  expect(current.version).toBe(7)
  expect([...current.targets.keys()]).toEqual(['shop'])
  expect(current.audience).toBe('sallyport:test')
})

const foreignKey = generateKeyPairSync('ed25519')
const flipped = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}

test.each<[string, string, () => SignedSnapshot]>([
  [
    'with a changed payload',
    'SNAPSHOT_SIGNATURE',
    () => ({ ...fake.snapshot({ version: 9n }), payload: flipped(fake.snapshot({ version: 9n }).payload) }),
  ],
  [
    'with a changed signature',
    'SNAPSHOT_SIGNATURE',
    () => ({ ...fake.snapshot({ version: 9n }), signature: flipped(fake.snapshot({ version: 9n }).signature) }),
  ],
  [
    'without a signature',
    'SNAPSHOT_SIGNATURE',
    () => ({ ...fake.snapshot({ version: 9n }), signature: new Uint8Array() }),
  ],
  ['of another key', 'SNAPSHOT_SIGNATURE', () => signSnapshot(foreignKey, { version: 9n })],
  ['under another key id', 'SNAPSHOT_SIGNATURE', () => ({ ...fake.snapshot({ version: 9n }), keyId: 'key-2' })],
  ['of another agent', 'SNAPSHOT_SIGNATURE', () => fake.snapshot({ version: 9n, agentId: '2'.repeat(32) })],
  ['of another installation', 'SNAPSHOT_SIGNATURE', () => fake.snapshot({ version: 9n, installation: 'other' })],
  ['with a lower version', 'SNAPSHOT_ROLLBACK', () => fake.snapshot({ version: 4n })],
  ['that has expired', 'SNAPSHOT_EXPIRED', () => fake.snapshot({ version: 9n, notAfterMs: BigInt(clock.nowMs()) })],
])('a snapshot %s is refused, and the last good one stays', async (_, code, make) => {
  const { snapshots } = start()
  const link = await nthLink(0)
  await offer(link, fake.snapshot({ version: 5n }))
  expect(await offer(link, make())).toMatchObject({ version: 5n, errorCode: code })
  expect(snapshots.current().version).toBe(5)
  expect(openKeeper().current().version).toBe(5)
})

test('without a snapshot, and past its end, there is none', async () => {
  const { snapshots } = start()
  expect(() => snapshots.current()).toThrow(expect.objectContaining({ code: 'SNAPSHOT_MISSING' }))
  const link = await nthLink(0)
  const notAfterMs = BigInt(clock.nowMs() + 1_000)
  await offer(link, fake.snapshot({ notAfterMs }))
  clock.advance(999)
  expect(snapshots.current().version).toBe(1)
  clock.advance(1)
  expect(() => snapshots.current()).toThrow(expect.objectContaining({ code: 'SNAPSHOT_EXPIRED' }))
})

test('after a restart the agent goes on from disk until the end of the snapshot, and never back', async () => {
  const first = openKeeper()
  const old = fake.snapshot({ version: 5n })
  first.apply(old)
  first.apply(fake.snapshot({ version: 6n }))
  const second = openKeeper()
  expect(second.current().version).toBe(6)
  expect(() => second.apply(old)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_ROLLBACK' }))
  clock.advance(1_000_000)
  const third = openKeeper()
  expect(() => third.current()).toThrow(expect.objectContaining({ code: 'SNAPSHOT_MISSING' }))
  expect(third.highestVersion).toBe(6n)
})

test('an older snapshot put back on the disk is not used', async () => {
  const keeper = openKeeper()
  keeper.apply(fake.snapshot({ version: 5n }))
  const old = readFileSync(snapshotPath(directory))
  keeper.apply(fake.snapshot({ version: 6n }))
  writeFileSync(snapshotPath(directory), old)
  const restarted = openKeeper()
  expect(() => restarted.current()).toThrow(expect.objectContaining({ code: 'SNAPSHOT_MISSING' }))
  expect(restarted.highestVersion).toBe(6n)
})

test('a damaged snapshot on the disk is not used; a damaged version stops the start', async () => {
  openKeeper().apply(fake.snapshot({ version: 5n }))
  const good = readFileSync(snapshotPath(directory))
  writeFileSync(snapshotPath(directory), flipped(good))
  expect(() => openKeeper().current()).toThrow(expect.objectContaining({ code: 'SNAPSHOT_MISSING' }))
  writeFileSync(snapshotPath(directory), good.subarray(0, 10))
  expect(() => openKeeper().current()).toThrow(expect.objectContaining({ code: 'SNAPSHOT_MISSING' }))
  writeFileSync(versionPath(directory), 'five')
  expect(() => openKeeper()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

/** Rules and masks that are in force at each target. */
const inForce = (keeper: SnapshotKeeper) =>
  Object.fromEntries([...keeper.current().targets].map(([name, { policies }]) => [name, policies.rules]))

const two = [document(target('shop', { env: 'prod' })), document(target('blog', { env: 'dev' }))]
const group = { name: 'dba', version: 1, json: '{"kind":"Group"}' }
const label = { name: 'pii.email', version: 1, json: '{"kind":"Label"}' }
const labelled = policy('labelled', {
  targets: { names: ['blog'] },
  masks: [{ label: 'pii.email', method: 'redact' }],
})
const grouped = policy('grouped', {
  targets: { names: ['shop'] },
  rules: [{ name: 'no', effect: 'deny', callers: { groups: ['dba'] } }],
})

test.each<[string, MessageInitShape<typeof SnapshotSchema>, Record<string, number>, string]>([
  ['whose documents are good', { targets: two, policies: [document(policy('p', allowAll))] }, { shop: 1, blog: 1 }, ''],
  [
    'with a policy for one target that cannot be read',
    {
      targets: two,
      policies: [
        document(policy('good', allowAll)),
        document(policy('torn', { targets: { labels: { env: 'prod' } }, rules: [{ effect: 'from the future' }] })),
      ],
    },
    { shop: 0, blog: 1 },
    'Policy/torn',
  ],
  [
    'with a policy of which not even the selector can be read',
    { targets: two, policies: [document(policy('good', allowAll)), { name: 'torn', version: 1, json: '{' }] },
    { shop: 0, blog: 0 },
    'Policy/torn',
  ],
  [
    'with a target that cannot be read',
    { targets: [...two, { name: 'odd', version: 1, json: '{}' }], policies: [document(policy('p', allowAll))] },
    { shop: 1, blog: 1 },
    'Target/odd',
  ],
  [
    'with a label that a mask needs and that cannot be read',
    { targets: two, policies: [document(policy('good', allowAll)), document(labelled)], labels: [label] },
    { shop: 0, blog: 0 },
    'Label/pii.email',
  ],
  [
    'with a group that a rule names and that cannot be read',
    { targets: two, policies: [document(policy('good', allowAll)), document(grouped)], groups: [group] },
    { shop: 0, blog: 0 },
    'Group/dba',
  ],
  [
    'with a group that no rule names and that cannot be read',
    { targets: two, policies: [document(policy('good', allowAll))], groups: [group] },
    { shop: 1, blog: 1 },
    'Group/dba',
  ],
])('a snapshot %s denies where it must, and says so', async (_, content, rules, problem) => {
  const keeper = openKeeper()
  const { problems } = keeper.apply(fake.snapshot({ version: 3n, ...content }))
  expect(inForce(keeper)).toEqual(rules)
  if (problem === '') expect(problems).toEqual([])
  else expect(problems.join('\n')).toContain(problem)
})

const issuer = (name: string, url: string) => ({
  json: JSON.stringify({
    apiVersion: 'sallyport.dev/v1',
    kind: 'TrustedIssuer',
    metadata: { name },
    spec: { issuer: url, audiences: ['a'] },
  }),
  jwks: '{"keys":[]}',
})

test('the floor narrows the issuers, and nothing in a snapshot widens them again', async () => {
  const issuers = [
    issuer('one', 'https://one.example'),
    issuer('two', 'https://two.example'),
    issuer('twin', 'https://one.example'),
  ]
  const open = openKeeper()
  open.apply(fake.snapshot({ issuers }))
  expect([...open.current().issuers.values()].map(({ document }) => document.metadata.name)).toEqual(['one', 'two'])
  const floor = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Floor',
    spec: { issuers: ['https://two.example'], rules: [], masks: [] },
  } as const
  const narrowed = openKeeper({
    ...floor,
    spec: { ...floor.spec, issuers: [...floor.spec.issuers], rules: [], masks: [] },
  })
  narrowed.apply(fake.snapshot({ version: 2n, issuers }))
  expect([...narrowed.current().issuers.keys()]).toEqual(['https://two.example'])
})

test('a link that breaks comes back, with the version that the agent has', async () => {
  const { snapshots } = start()
  await offer(await nthLink(0), fake.snapshot({ version: 11n }))
  const { authority, port, snapshotKey } = fake
  fake.stop()
  fake = await startFake({ authority, port, snapshotKey })
  const again = await nthLink(0)
  const hello = await fake.until(() => again.messages.find(isCase('hello')))
  expect(hello.body.value).toMatchObject({ snapshotVersion: 11n })
  await offer(again, fake.snapshot({ version: 12n }))
  expect(snapshots.current().version).toBe(12)
})

test('a server that is not the control plane gets no greeting', async () => {
  const { authority, port, snapshotKey } = fake
  fake.stop()
  const names = [{ type: 'dns', value: 'localhost' }] as const
  const impostor = await startFake({ authority, port, snapshotKey, names })
  const failed = new Promise<unknown>((resolve) => {
    start({ log: { ...silentLog, warn: (fields) => resolve(fields) } })
  })
  expect(await failed).toMatchObject({ code: 'CONTROL_PLANE_UNREACHABLE' })
  expect(impostor.sent).toHaveLength(0)
})

test('a revoked agent denies at once and for good', async () => {
  const started = start()
  const link = await nthLink(0)
  await offer(link, fake.snapshot())
  link.send({ case: 'revoked', value: { $typeName: 'sallyport.v1.Revoked', reason: 'agent "eu-1" was revoked' } })
  await new Promise((resolve) => link.call.on('cancelled', resolve))
  expect(started.revoked).toEqual(['agent "eu-1" was revoked'])
  for (const keeper of [started.snapshots, openKeeper()])
    expect(() => keeper.current()).toThrow(expect.objectContaining({ code: 'AGENT_REVOKED' }))
  expect(() => openKeeper().apply(fake.snapshot({ version: 2n }))).toThrow(
    expect.objectContaining({ code: 'AGENT_REVOKED' }),
  )
})

test('an agent that was revoked while it was away learns it when it comes back', async () => {
  fake.behaviour.linkError = new SallyportError('AGENT_REVOKED', 'agent "eu-1" was revoked')
  const reason = await new Promise<string>((resolve) => {
    start({ onRevoked: resolve })
  })
  expect(reason).toBe('agent "eu-1" was revoked')
})

test('a session is killed when the control plane says so', async () => {
  const killed = new Promise<string>((resolve) => {
    start({ onKillSession: resolve })
  })
  const link = await nthLink(0)
  link.send({ case: 'killSession', value: { $typeName: 'sallyport.v1.KillSession', session: 'abc', reason: 'x' } })
  expect(await killed).toBe('abc')
})

test('at two thirds of their life certificates are renewed, kept, and used for the next connection', async () => {
  const { renewed } = start()
  const before = await nthLink(0)
  await offer(before, fake.snapshot())
  clock.advance(17 * 3_600_000)
  const after = await nthLink(1)
  expect(after.serial).not.toBe(before.serial)
  expect(before.serial).toBeDefined()
  expect(renewed).toHaveLength(1)
  expect(renewed[0]?.clientKey.reveal()).not.toBe(identity.clientKey.reveal())
  const file = readFileSync(joinPath(directory, 'identity.json'), 'utf8')
  expect(JSON.parse(file).clientCertificate).toBe(renewed[0]?.clientCertificate)
  const wire = Buffer.concat(fake.sent)
  for (const key of [renewed[0]!.clientKey, renewed[0]!.serverKey]) {
    const body = key.reveal().replace(/-----[^-]+-----|\s/g, '')
    expect(wire.includes(Buffer.from(body))).toBe(false)
    expect(wire.includes(Buffer.from(body, 'base64'))).toBe(false)
  }
})

test('names that the configuration changed are asked for as soon as the link is up', async () => {
  const renewed = new Promise<Identity>((resolve) => {
    start({ renewFirst: true, identity: { ...identity, serverNames: ['new.example'] }, onRenewed: resolve })
  })
  await offer(await nthLink(0), fake.snapshot())
  expect((await renewed).serverNames).toEqual(['new.example'])
  await nthLink(1)
})

const catalog = (version: string): Catalog => ({
  version,
  database: 'shop',
  serverVersion: 180_004,
  serverEncoding: 'UTF8',
  relations: [],
  functions: [],
  schemas: [],
  types: [],
  operators: [],
})
const catalogs = (link: OpenLink) => link.messages.flatMap(({ body }) => (body.case === 'catalog' ? [body.value] : []))

test('the newest catalog goes up as soon as it can, and again to a control plane that comes back', async () => {
  const { link: running } = start()
  running.uploadCatalog('shop', 'app', catalog('v1'))
  const first = await nthLink(0)
  await offer(first, fake.snapshot())
  const sent = await fake.until(() => catalogs(first)[0])
  expect(sent).toMatchObject({ target: 'shop', upstreamRole: 'app', version: 'v1' })
  expect(JSON.parse(gunzipSync(sent.catalog).toString('utf8'))).toEqual(catalog('v1'))
  running.uploadCatalog('shop', 'app', catalog('v1'))
  running.uploadCatalog('shop', 'app', catalog('v2'))
  await fake.until(() => catalogs(first).find(({ version }) => version === 'v2'))
  expect(catalogs(first).map(({ version }) => version)).toEqual(['v1', 'v2'])
  first.call.end()
  const second = await nthLink(1)
  await offer(second, fake.snapshot({ version: 2n }))
  expect((await fake.until(() => catalogs(second)[0])).version).toBe('v2')
})

test('the ingest stream waits for the link, carries requests and answers, and ends with it', async () => {
  const { link } = start()
  const opening = link.openIngest(new AbortController().signal)
  const control = await nthLink(0)
  await offer(control, fake.snapshot())
  const stream = await opening
  const answered = new Promise<IngestResponse>((resolve) => stream.onResponse(resolve))
  const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  expect(stream.send(create(IngestRequestSchema, { batchId: 4n }))).toBe(true)
  expect((await answered).batchId).toBe(4n)
  fake.stop()
  expect(await ended).toMatchObject({ code: 'CONTROL_PLANE_UNREACHABLE' })
})

test('the ingest stream that we close ends without an error', async () => {
  const { link } = start()
  await offer(await nthLink(0), fake.snapshot())
  const stream = await link.openIngest(new AbortController().signal)
  const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve))
  stream.close()
  expect(await ended).toBeUndefined()
})

test('who waits for the ingest stream when the agent stops is told so', async () => {
  const { authority: _, ...rest } = fake
  rest.stop()
  const { link } = start()
  const stopping = new AbortController()
  const opening = link.openIngest(stopping.signal)
  stopping.abort()
  await expect(opening).rejects.toMatchObject({ code: 'CONTROL_PLANE_UNREACHABLE' })
})
