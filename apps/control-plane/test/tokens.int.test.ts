// Tokens for targets: who gets one, what is in it, and that its signature verifies with the published keys alone.
import { errorDocsUrl, type SallyportErrorCode } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { TrustedIssuerDocument } from '@sallyport/policy/document'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInIssuerDocument } from '../src/identities/tokens.ts'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  groupDocument,
  makeAgent,
  makeDocuments,
  makePerson,
  roleDocuments,
  type SignedIn,
  targetDocument,
  testIssuer,
} from './make.ts'
import { stopServer } from './stack.ts'

const toolsDocument = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Target',
  metadata: { name: 'tools' },
  spec: { protocol: 'http', agents: ['eu-1'], url: 'https://tools.example/mcp', credential: 'none', mcp: {} },
}

let test: TestApp
let ana: SignedIn
beforeAll(async () => {
  test = await buildTestApp()
  await makeDocuments(test, [
    ...roleDocuments,
    groupDocument('engineering', 'eng'),
    targetDocument('orders'),
    targetDocument('payroll'),
    toolsDocument,
    allowPolicy('tools', 'tools', 'engineering'),
    targetDocument('homeless', { agents: ['nobody'] }),
    allowPolicy('orders', 'orders', 'engineering'),
    allowPolicy('homeless', 'homeless', 'engineering'),
    allowPolicy('payroll', 'payroll', 'the-auditor'),
  ])
  await makeAgent(test, 'eu-1', 'eu-1.example.com:6432')
  ana = await makePerson(test, ['eng'], 'cli', 'ana')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const ask = async (payload: object, who = ana) =>
  await test.app.inject({ method: 'POST', url: '/api/v1/tokens', headers: who.headers, payload })
type Response = Awaited<ReturnType<typeof ask>>
const expectProblem = (response: Response, code: SallyportErrorCode) =>
  expect(response.json()).toMatchObject({ code, type: errorDocsUrl(code), status: response.statusCode })

describe('a token for a target', () => {
  it('names the person as the provider does, and says how to connect', async () => {
    const response = await ask({ target: 'orders' })
    expect(response.statusCode).toBe(200)
    const body = response.json()
    expect(body.connection).toEqual({
      host: 'eu-1.example.com',
      port: 6432,
      database: 'orders',
      user: 'sallyport',
      ca: test.deps.authorityPem,
      url: null,
      mcp: false,
    })
    const keys = createLocalJWKSet((await test.app.inject({ url: '/.well-known/jwks.json' })).json())
    const { payload, protectedHeader } = await jwtVerify(body.token, keys, {
      issuer: 'https://sallyport.test',
      audience: 'sallyport:test',
      typ: 'sallyport+jwt',
      algorithms: ['EdDSA'],
    })
    expect(protectedHeader.kid).toBe(test.deps.tokenKey.keyId)
    expect(payload).toMatchObject({
      sub: 'ana',
      sp_issuer: testIssuer,
      sp_kind: 'user',
      sp_groups: ['engineering'],
      sp_name: 'Person ana',
      sp_target: 'orders',
    })
    expect(payload).not.toHaveProperty('sp_role')
    expect(payload.exp! - payload.iat!).toBe(limits.targetTokenSeconds)
    expect(payload.jti).toMatch(/^[0-9a-f]{32}$/)
    expect(new Date(body.expiresAt).getTime()).toBe(payload.exp! * 1_000)
    expect(test.logged()).not.toContain(body.token)
  })

  it('is accepted by the document that agents get for it', async () => {
    const document = TrustedIssuerDocument.parse(builtInIssuerDocument(test.deps.config))
    const { token } = (await ask({ target: 'orders' })).json()
    expect(document.spec.algorithms).toContain(decodeProtectedHeader(token).alg)
    expect(document.spec.maxLife).toBe(`${limits.targetTokenSeconds}s`)
    expect(document.spec.issuer).toBe(test.deps.config.publicUrl)
  })

  it('carries a role that the target permits', async () => {
    const body = (await ask({ target: 'orders', role: 'app_ro' })).json()
    expect(body.connection.user).toBe('app_ro')
    expect(JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString())).toMatchObject({
      sp_role: 'app_ro',
    })
    expect((await ask({ target: 'orders', role: 'sallyport' })).json().connection.user).toBe('sallyport')
  })

  it('never lives longer than the login', async () => {
    const login = await test.deps.db.login.findFirst({ where: { personId: ana.personId } })
    await test.deps.db.login.update({
      where: { id: login!.id },
      data: { expiresAt: new Date(test.clock.nowMs() + 60_000) },
    })
    const { expiresAt } = (await ask({ target: 'orders' })).json()
    expect(new Date(expiresAt).getTime()).toBeLessThanOrEqual(test.clock.nowMs() + 60_000)
    await test.deps.db.login.update({ where: { id: login!.id }, data: { expiresAt: login!.expiresAt } })
  })

  it.each<[string, SallyportErrorCode, object]>([
    ['for a target that does not exist', 'TARGET_UNKNOWN', { target: 'nothing' }],
    ['for a target that no policy opens', 'TARGET_UNKNOWN', { target: 'payroll' }],
    ['for a role that the target has not', 'UPSTREAM_ROLE_FORBIDDEN', { target: 'orders', role: 'postgres' }],
    ['for a target without an agent', 'AGENT_NOT_ENROLLED', { target: 'homeless' }],
    ['without a target', 'REQUEST_INVALID', {}],
    ['with an unknown field', 'REQUEST_INVALID', { target: 'orders', groups: ['dba'] }],
  ])('is refused %s', async (_what, code, payload) => {
    expectProblem(await ask(payload), code)
  })

  it('answers a closed target exactly like one that is not there (THREATS R-6.10)', async () => {
    const closed = (await ask({ target: 'payroll' })).json()
    const absent = (await ask({ target: 'nothing' })).json()
    expect({ ...closed, requestId: '' }).toEqual({ ...absent, requestId: '' })
  })
})

describe('my targets', () => {
  it('are those that a policy opens to me', async () => {
    const mine = async (who: SignedIn) =>
      (await test.app.inject({ url: '/api/v1/me/targets', headers: who.headers })).json()
    expect((await mine(ana)).items).toEqual([
      expect.objectContaining({ name: 'homeless', connection: null }),
      {
        name: 'orders',
        description: 'the orders database',
        labels: { env: 'test' },
        protocol: 'postgres',
        mcp: false,
        roles: ['app_rw', 'app_ro'],
        connection: { host: 'eu-1.example.com', port: 6432 },
      },
      expect.objectContaining({ name: 'tools', protocol: 'http', mcp: true, roles: [] }),
    ])
    expect((await mine(await makePerson(test, []))).items).toEqual([])
    const body = JSON.stringify(await mine(ana))
    for (const inside of ['db.internal', 'ORDERS_PASSWORD', '/run/secrets']) expect(body).not.toContain(inside)
  })
})
