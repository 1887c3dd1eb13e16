// Workloads of AWS: a request to STS that they have signed becomes a token for one target, and everything that was signed for
// somebody else, by nobody, too early, too late or twice is refused, each with its own error (THREATS ).
import { readFileSync } from 'node:fs'
import { awsTokenType, exchangeGrant } from '@sallyport/api/exchange'
import { limits } from '@sallyport/base/limits'
import { verifyToken } from '@sallyport/identity/verify'
import { apiVersion } from '@sallyport/policy/document'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createIssuerFetch, type IssuerFetch, issuerReachOf } from '../src/identities/issuer-fetch.ts'
import { currentTrust } from '../src/identities/trust.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeAgent, makeDocuments, targetDocument } from './make.ts'
import { stopServer } from './stack.ts'
import { type Caller, type SigningOptions, signedRequest, startSts } from './sts.ts'

const issuer = 'https://sts.eu-central-1.amazonaws.com'
const account = '111122223333'
const lambda: Caller = {
  keyId: 'ASIAEXAMPLEEXAMPLE00',
  secret: 'a-secret-of-the-role',
  identity: { Account: account, Arn: `arn:aws:sts::${account}:assumed-role/orders/fn-1`, UserId: 'AROA1:fn-1' },
}
const other = (name: string, identity: Partial<Caller['identity']>): Caller => ({
  keyId: `ASIAEXAMPLE${name.padEnd(9, '0')}`.toUpperCase(),
  secret: name,
  identity: { ...lambda.identity, ...identity },
})
const stranger = other('stranger', { Account: '999999999999', Arn: 'arn:aws:sts::999999999999:assumed-role/orders/x' })
const root = other('root', { Arn: `arn:aws:iam::${account}:root` })
const uncovered = other('nobody', { Arn: `arn:aws:sts::${account}:assumed-role/other/x` })
const mixed = other('mixed', { Arn: 'arn:aws:sts::999999999999:assumed-role/orders/x' })
const user = other('user', { Arn: `arn:aws:iam::${account}:user/ci/deploy`, UserId: 'AIDA1' })
let sts: Awaited<ReturnType<typeof startSts>>
let test: TestApp

beforeAll(async () => {
  sts = await startSts([lambda, stranger, root, uncovered, mixed, user])
  const dialled = createIssuerFetch(issuerReachOf({ allowInsecureLoopback: true, issuerNetworks: [] }))
  // STS is elsewhere; what is sent, and over what, is the real thing.
  const askIssuer: IssuerFetch = async (address, request) => await dialled(address.replace(issuer, sts.origin), request)
  test = await buildTestApp({}, { askIssuer })
  await makeDocuments(test, [
    {
      apiVersion,
      kind: 'TrustedIssuer',
      metadata: { name: 'aws' },
      spec: { preset: 'aws', issuer, audiences: ['https://sallyport.example.com'], requiredClaims: { account } },
    },
    {
      apiVersion,
      kind: 'Group',
      metadata: { name: 'orders-functions' },
      spec: {
        members: ['role/orders', 'user/ci/deploy'].map((name) => ({
          issuer,
          subject: `arn:aws:iam::${account}:${name}`,
        })),
      },
    },
    targetDocument('orders'),
    targetDocument('payroll'),
    {
      apiVersion,
      kind: 'Policy',
      metadata: { name: 'orders' },
      spec: {
        targets: { names: ['orders'] },
        rules: [{ name: 'all', effect: 'allow', callers: { groups: ['orders-functions'] } }],
      },
    },
  ])
  await makeAgent(test, 'eu-1', 'eu-1.example.com:6432')
})
afterAll(async () => {
  await test.close()
  await sts.stop()
  await stopServer()
})

type Made = ReturnType<typeof signedRequest>
const made = (changes: Partial<SigningOptions> = {}, caller = lambda): Made =>
  signedRequest(caller, { atMs: test.clock.nowMs(), ...changes })
async function ask(shown: unknown, audience = 'orders') {
  const form = {
    grant_type: exchangeGrant,
    subject_token: typeof shown === 'string' ? shown : JSON.stringify(shown),
    subject_token_type: awsTokenType,
    audience,
  }
  return await test.app.inject({
    method: 'POST',
    url: '/oauth2/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString(),
  })
}
const header = (request: Made, key: string, value: string): Made => ({
  ...request,
  headers: [...request.headers.filter((one) => one.key !== key), { key, value }],
})

describe('a signed request', () => {
  it('becomes a token of its role for one target', async () => {
    const response = await ask(made({ session: 'session-token' }))
    expect(response.statusCode).toBe(200)
    const { access_token: token, expires_in: seconds } = response.json()
    expect(seconds).toBe(limits.workloadTokenSeconds)
    const verified = await verifyToken(token, await currentTrust(test.deps), test.clock.nowMs())
    expect(verified).toMatchObject({
      principal: {
        kind: 'workload',
        issuer,
        subject: `arn:aws:iam::${account}:role/orders`,
        groups: ['orders-functions'],
        claims: { account, role: 'orders', session: 'fn-1', id: 'AROA1' },
      },
      target: 'orders',
    })
    expect(sts.seen.at(-1)).toMatchObject({ accept: 'application/json', 'x-amz-security-token': 'session-token' })
    expect(test.logged()).not.toContain(token)
    expect(test.logged()).not.toContain('session-token')
  })

  it('is made by the program of the guide, as it stands, and opens what the guide says', async () => {
    const guide = readFileSync(new URL('../../../docs/guides/aws-lambda.md', import.meta.url), 'utf8')
    const program = /^```js\n(.*?)^```/ms.exec(guide)?.[1] ?? ''
    const { tokenFor } = await import(`data:text/javascript,${encodeURIComponent(program)}`)
    test.clock.set(Date.now())
    vi.stubEnv('AWS_ACCESS_KEY_ID', lambda.keyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', lambda.secret)
    vi.stubEnv('AWS_SESSION_TOKEN', 'a-session')
    vi.stubGlobal('fetch', async (url: string, { body }: { body: URLSearchParams }) => {
      expect(url).toBe('https://sallyport.example.com/oauth2/token')
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await test.app.inject({ method: 'POST', url: '/oauth2/token', headers, payload: body.toString() })
      return { ok: answer.statusCode === 200, json: async () => answer.json() }
    })
    try {
      const verified = await verifyToken(await tokenFor('orders'), await currentTrust(test.deps), test.clock.nowMs())
      expect(verified).toMatchObject({
        principal: { kind: 'workload', issuer, subject: `arn:aws:iam::${account}:role/orders` },
        target: 'orders',
      })
      await expect(tokenFor('payroll')).rejects.toThrow(/^TARGET_UNKNOWN: /)
    } finally {
      vi.unstubAllGlobals()
      vi.unstubAllEnvs()
    }
  })

  it('is taken percent-encoded too, as libraries for Google’s token service write it, and of a user', async () => {
    const response = await ask(encodeURIComponent(JSON.stringify(made({}, user))))
    expect(response.json()).toMatchObject({ token_type: 'N_A' })
  })

  it('R-6.3: is used once', async () => {
    const request = made({ atMs: test.clock.nowMs() - 1_000 })
    expect((await ask(request)).statusCode).toBe(200)
    expect((await ask(request)).json()).toMatchObject({ error: 'invalid_request', code: 'TOKEN_REPLAYED' })
  })

  it('R-6.3: is used once, however its header is spaced', async () => {
    const request = made({ atMs: test.clock.nowMs() - 2_000 })
    expect((await ask(request)).statusCode).toBe(200)
    const authorization = request.headers.at(-1)?.value.replaceAll(', ', ',') ?? ''
    expect((await ask(header(request, 'authorization', authorization))).json()).toMatchObject({
      code: 'TOKEN_REPLAYED',
    })
  })

  it('R-6.2: is revoked with its role', async () => {
    const row = {
      id: 'b'.repeat(32),
      jti: null,
      reason: '',
      by: 'test',
      issuer,
      subject: `arn:aws:iam::${account}:role/orders`,
    }
    const before = new Date(test.clock.nowMs() + 1_000)
    await test.deps.db.revocation.create({ data: { ...row, before, at: new Date() } })
    expect((await ask(made())).json().code).toBe('TOKEN_REVOKED')
    await test.deps.db.revocation.deleteMany({})
  })
})

describe('R-6.2: a signed request that', () => {
  const minutes = (count: number) => () => made({ atMs: test.clock.nowMs() + count * 60_000 })
  const host = 'sts.amazonaws.com.evil.example'
  it.each<[string, () => unknown, string]>([
    ['cannot be read', () => '{}', 'TOKEN_INVALID'],
    ['is no JSON', () => 'aaa.bbb.ccc', 'TOKEN_INVALID'],
    ['is encoded wrongly', () => '%7B%', 'TOKEN_INVALID'],
    ['is a GET', () => ({ ...made(), method: 'GET' }), 'TOKEN_INVALID'],
    ['has a body', () => ({ ...made(), body: 'Action=AssumeRole' }), 'TOKEN_INVALID'],
    ['has a header more', () => header(made(), 'x-forwarded-host', 'a'), 'TOKEN_INVALID'],
    ['has a header twice', () => ({ ...made(), headers: [...made().headers, ...made().headers] }), 'TOKEN_INVALID'],
    ['has a header in two lines', () => header(made(), 'x-amz-date', 'a\r\nx: y'), 'TOKEN_INVALID'],
    [
      'is for another action',
      () => ({ ...made(), url: `${issuer}/?Action=AssumeRole&Version=2011-06-15` }),
      'TOKEN_ISSUER_UNKNOWN',
    ],
    ['is for a host that is not listed', () => made({ host }), 'TOKEN_ISSUER_UNKNOWN'],
    ['is for a region that is not listed', () => made({ host: 'sts.us-east-1.amazonaws.com' }), 'TOKEN_ISSUER_UNKNOWN'],
    [
      'hides a host behind a user',
      () => ({ ...made(), url: `https://sts.eu-central-1.amazonaws.com@${host}/` }),
      'TOKEN_ISSUER_UNKNOWN',
    ],
    ['names one host and signs another', () => ({ ...made({ host }), url: made().url }), 'TOKEN_ISSUER_UNKNOWN'],
    ['is for another audience', () => made({ audience: 'https://vault.example.com' }), 'TOKEN_AUDIENCE_WRONG'],
    ['names no audience', () => made({ audience: null }), 'TOKEN_SIGNATURE_WRONG'],
    ['leaves the audience unsigned', () => made({ unsigned: ['x-sallyport-audience'] }), 'TOKEN_SIGNATURE_WRONG'],
    ['leaves the date unsigned', () => made({ unsigned: ['x-amz-date'] }), 'TOKEN_SIGNATURE_WRONG'],
    ['leaves the host unsigned', () => made({ unsigned: ['host'] }), 'TOKEN_SIGNATURE_WRONG'],
    ['is signed by nobody', () => header(made(), 'authorization', 'Bearer a'), 'TOKEN_ALGORITHM_WRONG'],
    [
      'is signed for another service',
      () => header(made(), 'authorization', made().headers.at(-1)!.value.replace('/sts/', '/s3/')),
      'TOKEN_ALGORITHM_WRONG',
    ],
    ['is signed with another secret', () => made({}, { ...lambda, secret: 'guessed' }), 'TOKEN_SIGNATURE_WRONG'],
    [
      'was changed after it was signed',
      () => header(made({ session: 'a' }), 'x-amz-security-token', 'b'),
      'TOKEN_SIGNATURE_WRONG',
    ],
    ['has no date', () => header(made(), 'x-amz-date', 'today'), 'TOKEN_CLAIM_MISSING'],
    ['was signed five minutes ago', minutes(-5), 'TOKEN_EXPIRED'],
    ['is signed for later', minutes(1.1), 'TOKEN_NOT_YET_VALID'],
    ['is of another account', () => made({}, stranger), 'TOKEN_CLAIM_WRONG'],
    ['is of the root user', () => made({}, root), 'TOKEN_CLAIM_WRONG'],
    ['is of two accounts', () => made({}, mixed), 'TOKEN_CLAIM_WRONG'],
    ['is of a role that no rule names', () => made({}, uncovered), 'TARGET_UNKNOWN'],
  ])('%s is refused', async (_, request, code) => {
    const response = await ask(request())
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code })
  })

  it('is for another target than is open to it, is refused as for none', async () => {
    expect((await ask(made(), 'payroll')).json()).toMatchObject({ error: 'invalid_target', code: 'TARGET_UNKNOWN' })
    expect((await ask(made(), 'nothing')).json()).toMatchObject({ error: 'invalid_target', code: 'TARGET_UNKNOWN' })
  })

  it('cannot be asked about while AWS is away', async () => {
    const broken = await buildTestApp({}, { askIssuer: async () => ({ status: 503, text: '' }) })
    try {
      await makeDocuments(broken, [
        {
          apiVersion,
          kind: 'TrustedIssuer',
          metadata: { name: 'aws' },
          spec: { preset: 'aws', issuer, audiences: ['https://sallyport.example.com'], requiredClaims: { account } },
        },
      ])
      const form = {
        grant_type: exchangeGrant,
        subject_token: JSON.stringify(signedRequest(lambda, { atMs: broken.clock.nowMs() })),
        subject_token_type: awsTokenType,
        audience: 'orders',
      }
      const response = await broken.app.inject({
        method: 'POST',
        url: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams(form).toString(),
      })
      expect([response.statusCode, response.json().code]).toEqual([502, 'UPSTREAM_UNREACHABLE'])
    } finally {
      await broken.close()
    }
  })
})
