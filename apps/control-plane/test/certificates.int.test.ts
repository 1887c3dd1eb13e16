// Certificates of callers: who gets one, for what, and what it says to an agent (THREATS ).
import 'reflect-metadata'
import { createHash, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { readCallerNames } from '@sallyport/base/certificate'
import { errorDocsUrl, type SallyportErrorCode } from '@sallyport/base/errors'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPeer } from '../src/grpc/peer.ts'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  groupDocument,
  makeAgent,
  makeDocuments,
  makePerson,
  makeRole,
  roleDocuments,
  type SignedIn,
  targetDocument,
  testIssuer,
} from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
let ana: SignedIn
let admin: SignedIn
beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto as any)
  test = await buildTestApp()
  await makeDocuments(test, [
    ...roleDocuments,
    groupDocument('engineering', 'eng'),
    targetDocument('orders'),
    targetDocument('payroll'),
    targetDocument('skewed', { agents: ['old', 'older'] }),
    allowPolicy('skewed', 'skewed', 'engineering'),
    allowPolicy('orders', 'orders', 'engineering'),
    allowPolicy('payroll', 'payroll', 'the-auditor'),
  ])
  await makeAgent(test, 'eu-1', 'eu-1.example.com:6432')
  ana = await makePerson(test, ['eng'], 'cli', 'ana')
  admin = await makeRole(test, 'admin')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

async function requestOf(curve = 'P-256'): Promise<{ csr: string; keyHash: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    // Names of a request mean nothing.
    name: 'CN=postgres',
    keys: keys as any,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://sallyport/test/agent/a' }])],
  })
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey))
  return { csr: csr.toString('pem'), keyHash: createHash('sha256').update(spki).digest('hex') }
}
const ask = async (payload: object, who = ana) =>
  await test.app.inject({ method: 'POST', url: '/api/v1/certificates', headers: who.headers, payload })
type Response = Awaited<ReturnType<typeof ask>>
const expectProblem = (response: Response, code: SallyportErrorCode) =>
  expect(response.json()).toMatchObject({ code, type: errorDocsUrl(code), status: response.statusCode })

it('is not issued while no agent of its target takes it, and then leads to the one that does', async () => {
  const { csr } = await requestOf()
  await makeAgent(test, 'old', 'old.example.com:6432', ['login-ticket'])
  expectProblem(await ask({ target: 'skewed', csr }), 'AGENT_OUTDATED')
  await makeAgent(test, 'older', 'newer.example.com:6432')
  expect((await ask({ target: 'skewed', csr })).json().connection.host).toBe('newer.example.com')
})

describe('a certificate', () => {
  it('R-6.2: is for one person, target, role and key, for clients alone, and for an hour', async () => {
    const { csr, keyHash } = await requestOf()
    const response = await ask({ target: 'orders', role: 'app_ro', csr })
    expect(response.statusCode, response.body).toBe(201)
    const { id, certificate, role, expiresAt, connection } = response.json()
    expect(role).toBe('app_ro')
    expect(connection).toEqual({
      host: 'eu-1.example.com',
      port: 6432,
      database: 'orders',
      user: 'app_ro',
      ca: test.deps.authorityPem,
    })
    const read = new X509Certificate(certificate)
    const authority = new X509Certificate(test.deps.authorityPem)
    expect(read.checkIssued(authority) && read.verify(authority.publicKey) && !read.ca).toBe(true)
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(read.subject).toBe(`O=Sallyport\nCN=${id}`)
    const leftMs = Date.parse(read.validTo) - test.clock.nowMs()
    expect(leftMs > 3_590_000 && leftMs <= 3_600_000).toBe(true)
    expect(Date.parse(expiresAt) - Date.parse(read.validTo)).toBeLessThan(1_000)
    const names = readCallerNames(read.subjectAltName, 'test')
    expect(names?.id).toBe(id)
    const keys = createLocalJWKSet((await test.app.inject({ url: '/.well-known/jwks.json' })).json())
    const { payload } = await jwtVerify(names?.record ?? '', keys, {
      issuer: 'https://sallyport.test',
      audience: 'sallyport:test',
      typ: 'sallyport-certificate+jwt',
      currentDate: new Date(test.clock.nowMs()),
    })
    const said = { jti: id, sub: 'ana', sp_issuer: testIssuer, sp_target: 'orders', sp_role: 'app_ro', sp_key: keyHash }
    expect(payload).toMatchObject(said)
    const { items } = (await test.app.inject({ url: '/api/v1/audit', headers: admin.headers })).json()
    // Two of one millisecond may stand either way.
    expect(items.find(({ object }: { object: string }) => object === `Certificate/${id}`)).toMatchObject({
      action: 'issue-certificate',
      object: `Certificate/${id}`,
      detail: { target: 'orders', role: 'app_ro' },
    })
  })

  it('R-6.1: is no certificate of an agent', async () => {
    const { certificate } = (await ask({ target: 'orders', csr: (await requestOf()).csr })).json()
    const { clock, authorityPem } = test.deps
    const peer = { clock, installation: 'test', authority: { certificate: new X509Certificate(authorityPem) } }
    expect(() => readPeer(peer, new X509Certificate(certificate).raw)).toThrow(/names no agent/)
  })

  it.each<[string, object, SallyportErrorCode]>([
    ['a target that is not open', { target: 'payroll' }, 'TARGET_UNKNOWN'],
    ['a target that does not exist', { target: 'nowhere' }, 'TARGET_UNKNOWN'],
    ['a role that the target does not permit', { target: 'orders', role: 'postgres' }, 'UPSTREAM_ROLE_FORBIDDEN'],
    ['what is no request', { target: 'orders', csr: 'none' }, 'REQUEST_INVALID'],
  ])('R-6.10: is not issued for %s', async (_, asked, code) => {
    expectProblem(await ask({ csr: (await requestOf()).csr, ...asked }), code)
  })

  it('is not issued for a key of another kind, nor without a signature by it', async () => {
    expectProblem(await ask({ target: 'orders', csr: (await requestOf('P-384')).csr }), 'REQUEST_INVALID')
    const { csr } = await requestOf()
    const bytes = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    const forged = x509.PemConverter.encode(bytes, 'CERTIFICATE REQUEST')
    expectProblem(await ask({ target: 'orders', csr: forged }), 'REQUEST_INVALID')
  })
})
