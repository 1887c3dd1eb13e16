// A control plane in hostile hands signs a snapshot that opens everything: what the agent's own floor forbids stays forbidden, and without a
// floor the snapshot is obeyed (DESIGN §2, "Floor"; THREATS ).
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { type ApprovalSubject, approvalDigest, approvalMessage, evidenceDigest } from '@sallyport/ledger/hold'
import { parseDocuments, parseFloor } from '@sallyport/policy/parse'
import { SnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compileSnapshot } from '../src/link/compile.ts'
import { errorOf } from './asking.ts'
import { audience, type DataPath, issuer, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const evil = 'https://evil.test'
const opened = (port: number): string => `${targetDocument(port)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  targets: { any: true }
  rules: [{ name: everything, effect: allow, callers: { any: true } }]
---
apiVersion: sallyport.dev/v1
kind: TrustedIssuer
metadata: { name: evil }
spec: { issuer: "${evil}", principals: user, audiences: ["${audience}"], algorithms: [ES256] }
`
const floorText = (issuers: readonly string[]): string => `
apiVersion: sallyport.dev/v1
kind: Floor
spec:
  issuers: ${JSON.stringify(issuers)}
  rules: [{ name: no-deletes, effect: deny, operations: [delete] }]
  masks: [{ columns: [public.customers.email], method: "null" }]
`

let real: RealTarget
let path: DataPath
let keys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }
let version = 1n

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  real = await startRealTarget({
    schema: "create table customers (id int, email text); insert into customers values (1, 'ann@example.test')",
  })
  path = await startDataPath({ yaml: opened(real.server.port).split('---')[0] ?? '', environment: targetEnvironment })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await real?.stop()
})
beforeEach(async () => {
  await real.rows("truncate customers; insert into customers values (1, 'ann@example.test')")
})

/** What the hostile control plane sends, as this agent takes it. */
async function take(floor: string | null): Promise<void> {
  const { documents } = parseDocuments(opened(real.server.port))
  const stored = (kind: string) =>
    documents
      .filter((document) => document.kind === kind)
      .map((document) => ({ name: document.metadata.name, version: 1, json: JSON.stringify(document) }))
  const own = path.snapshots.current().issuers.get(issuer)
  const ownKeys = { json: JSON.stringify(own?.document), jwks: JSON.stringify(own?.jwks) }
  const evilKeys = { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }] }
  const snapshot = create(SnapshotSchema, {
    installation: 'test',
    agentId: '0'.repeat(32),
    version: version++,
    notAfterMs: BigInt(Date.now() + 900_000),
    targets: stored('Target'),
    policies: stored('Policy'),
    issuers: [
      ownKeys,
      ...stored('TrustedIssuer').map(({ json }) => ({ json, jwks: JSON.stringify(evilKeys), fetchedAtMs: 1n })),
    ],
    audience,
  })
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const compiled = compileSnapshot(snapshot, floor === null ? null : parseFloor(floor).floor, sha256)
  expect(compiled.problems).toEqual([])
  issuers = compiled.snapshot.issuers.size
  path.snapshots.publish({ ...path.snapshots.current(), ...compiled.snapshot, issuers: compiled.snapshot.issuers })
}
let issuers = 0

const evilToken = async (): Promise<string> =>
  await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(evil)
    .setAudience(audience)
    .setSubject('mallory')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(keys.privateKey)
const asMallory = async () => await path.connect({ password: await evilToken() })

it('R-6.18: without a floor, who signs snapshots permits what the credential can do', async () => {
  await take(null)
  const client = await asMallory()
  expect((await client.query('select email from customers')).rows).toEqual([{ email: 'ann@example.test' }])
  expect((await client.query('delete from customers')).rowCount).toBe(1)
  await client.end()
})

it('R-6.18: with one, its issuers, its deny rules and its masks hold whatever the snapshot says', async () => {
  await take(floorText([issuer]))
  expect(issuers).toBe(1)
  expect((await errorOf(asMallory())).hint).toContain('TOKEN_ISSUER_UNKNOWN')
  const client = await path.connect()
  expect((await client.query('select id, email from customers')).rows).toEqual([{ id: 1, email: null }])
  expect((await errorOf(client.query("select id from customers where email = 'ann@example.test'"))).code).toBe('42501')
  expect((await errorOf(client.query('delete from customers'))).message).toMatch(/no-deletes/)
  await client.end()
  expect(await real.rows('select count(*)::int as n from customers')).toEqual([{ n: 1 }])
})

describe('R-6.18: a floor that names the keys of reviewers', () => {
  const reviewers = ['bo', 'cy'].map((name) => ({ name, ...generateKeyPairSync('ed25519') }))
  const textOf = (key: KeyObject): string => `ed25519:${key.export({ format: 'jwk' }).x}`
  const floor = (count: number): string => `
apiVersion: sallyport.dev/v1
kind: Floor
spec:
  rules:
    - name: deletes
      effect: hold
      operations: [delete]
      approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 60s }
  reviewers:
    count: ${count}
    keys: [${reviewers.map(({ name, publicKey }) => `{ name: ${name}, key: "${textOf(publicKey)}" }`).join(', ')}]
`
  const signed = (index: number, digest: string) => {
    const { publicKey, privateKey } = reviewers[index]!
    return { key: textOf(publicKey), signature: new Uint8Array(sign(null, approvalMessage(digest), privateKey)) }
  }
  const remove = "delete from customers where email = 'ann@example.test'"
  const left = async (): Promise<unknown> => (await real.rows('select count(*)::int as n from customers'))[0]
  afterEach(() => path.control.forget())

  it('holds what its rules say, though the snapshot permits everything, and lets nobody in by itself', async () => {
    await take(floor(1))
    const client = await path.connect()
    const running = client.query(remove)
    const request = await path.control.next('delete')
    expect(request.evidence).toMatchObject({
      rule: { policy: 'floor', rule: 'deletes' },
      signers: { count: 1, keys: [{ name: 'bo' }, { name: 'cy' }] },
    })
    request.signatures = [signed(0, request.approvalDigest)]
    path.control.decide(request, 'approved')
    expect((await running).rowCount).toBe(1)
    await client.end()
  })

  it.each([
    ['without a signature', () => []],
    ['with one of another request', () => [signed(0, '0'.repeat(64)), signed(1, '0'.repeat(64))]],
    ['with one key, twice', (digest: string) => [signed(0, digest), signed(0, digest)]],
    [
      'with a key that the floor does not name',
      (digest: string) => {
        const { publicKey, privateKey } = generateKeyPairSync('ed25519')
        const signature = new Uint8Array(sign(null, approvalMessage(digest), privateKey))
        return [signed(0, digest), { key: textOf(publicKey), signature }]
      },
    ],
  ])('uses no approval %s', async (_, signatures) => {
    await take(floor(2))
    const client = await path.connect()
    const running = errorOf(client.query(remove))
    const request = await path.control.next('delete')
    request.signatures = signatures(request.approvalDigest)
    path.control.decide(request, 'approved')
    const error = await running
    expect([error.code, error.message]).toEqual(['42501', expect.stringMatching(/lacks signatures/)])
    expect(await left()).toEqual({ n: 1 })
    await client.end()
  })

  it('uses no approval whose reviewers were shown something else: they are asked anew', async () => {
    await take(floor(1))
    const client = await path.connect()
    const running = errorOf(client.query(remove))
    const request = await path.control.next('delete')
    const { id, expiresAtMs, evidence } = request
    const { statementDigest, quorum } = evidence
    request.evidenceDigest = evidenceDigest(hash, { ...evidence, text: 'delete from nothing_that_matters' })
    const subject = { v: 1, request: id, statementDigest, expiresAtMs, quorum, evidenceDigest: request.evidenceDigest }
    request.approvalDigest = approvalDigest(hash, subject as ApprovalSubject)
    request.signatures = [signed(0, request.approvalDigest)]
    path.control.decide(request, 'approved')
    const anew = await path.control.next('delete')
    expect(request.ran).toMatchObject([{ result: 'cancelled' }])
    path.control.decide(anew, 'denied', 'no')
    expect((await running).code).toBe('SPH03')
    expect(await left()).toEqual({ n: 1 })
    await client.end()
  })

  it('wants them for what policies hold as well', async () => {
    await take(`apiVersion: sallyport.dev/v1
kind: Floor
spec: { reviewers: { keys: [{ name: bo, key: "${textOf(reviewers[0]!.publicKey)}" }] } }`)
    const { snapshots } = path
    expect(snapshots.current().reviewers?.signers.count).toBe(1)
  })
})

it('R-6.18: one that leaves out the control plane takes no token that it makes either', async () => {
  const token = await path.token()
  await take(floorText(['https://idp.example']))
  expect(issuers).toBe(0)
  expect((await errorOf(path.connect({ password: token }))).hint).toContain('TOKEN_ISSUER_UNKNOWN')
  expect((await errorOf(asMallory())).hint).toContain('TOKEN_ISSUER_UNKNOWN')
})
