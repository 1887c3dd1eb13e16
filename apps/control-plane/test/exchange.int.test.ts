// Token exchange (RFC 8693): a person's token and a function's become one that names both; every token and every pair that
// may not is refused. Tokens are signed by stand-ins of two issuers with keys of their own.
import { exchangeGrant, jwtTokenType } from '@sallyport/api/exchange'
import { errorDocsUrl } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { delegatedTokenType } from '@sallyport/identity/delegated'
import { verifyToken } from '@sallyport/identity/verify'
import { apiVersion } from '@sallyport/policy/document'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { type CryptoKey, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerTokens } from '../src/grpc/token.ts'
import { currentTrust } from '../src/identities/trust.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { allowPolicy, groupDocument, makeAgent, makeDocuments, makePerson, targetDocument, testIssuer } from './make.ts'
import { stopServer } from './stack.ts'

const platform = 'https://platform.test'
let test: TestApp
let idpKey: CryptoKey
let platformKey: CryptoKey

const trustedIssuer = (name: string, issuer: string, principals: 'user' | 'workload') => ({
  apiVersion,
  kind: 'TrustedIssuer',
  metadata: { name },
  spec: { issuer, principals, audiences: ['sallyport'], algorithms: ['ES256'], exposeClaims: ['level', 'env'] },
})
const functionGroup = (name: string, subject: string) => ({
  apiVersion,
  kind: 'Group',
  metadata: { name },
  spec: { members: [{ issuer: platform, subject }] },
})
const twoRules = (name: string, target: string) => ({
  apiVersion,
  kind: 'Policy',
  metadata: { name },
  spec: {
    targets: { names: [target] },
    rules: [{ name: 'all', effect: 'allow', callers: { groups: ['customers', 'web', 'mailer', 'clerks'] } }],
  },
})
const mayAct = [{ actors: { groups: ['web', 'mailer'] }, initiators: { groups: ['customers'] } }]

beforeAll(async () => {
  const idp = await generateKeyPair('ES256', { extractable: true })
  const own = await generateKeyPair('ES256', { extractable: true })
  idpKey = idp.privateKey
  platformKey = own.privateKey
  const stored = async (issuer: string, { publicKey }: typeof idp) => ({
    issuer,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] },
    fetchedAt: new Date(),
    error: null,
  })
  const keys = new Map([
    [testIssuer, await stored(testIssuer, idp)],
    [platform, await stored(platform, own)],
  ])
  test = await buildTestApp({}, { issuerKeys: async () => keys })
  await makeDocuments(test, [
    trustedIssuer('idp', testIssuer, 'user'),
    trustedIssuer('platform', platform, 'workload'),
    groupDocument('customers', 'customers'),
    groupDocument('clerks', 'clerks'),
    functionGroup('web', 'web'),
    functionGroup('mailer', 'mailer'),
    targetDocument('orders', { mayAct }),
    targetDocument('payroll', { mayAct }),
    targetDocument('closed'),
    twoRules('orders', 'orders'),
    twoRules('closed', 'closed'),
    allowPolicy('payroll', 'payroll', 'web'),
  ])
  await makeAgent(test, 'eu-1', 'eu-1.example.com:6432')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const now = () => Math.floor(test.clock.nowMs() / 1_000)
interface Made {
  iss?: string
  sub?: string
  aud?: string
  key?: CryptoKey
  typ?: string
  seconds?: number
  iat?: number
  claims?: Record<string, unknown>
}
const made = async (from: Made): Promise<string> =>
  await new SignJWT({ ...from.claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...(from.typ === undefined ? {} : { typ: from.typ }) })
    .setIssuer(from.iss ?? testIssuer)
    .setAudience(from.aud ?? 'sallyport')
    .setSubject(from.sub ?? 'ann')
    .setIssuedAt(from.iat ?? now())
    .setExpirationTime((from.iat ?? now()) + (from.seconds ?? 3_600))
    .sign(from.key ?? idpKey)
const ann = async (from: Made = {}) => await made({ claims: { groups: ['customers'] }, ...from })
const web = async (from: Made = {}) => await made({ iss: platform, sub: 'web', key: platformKey, ...from })

async function ask(changes: Record<string, string | undefined> = {}, type = 'application/x-www-form-urlencoded') {
  const form: Record<string, string | undefined> = {
    grant_type: exchangeGrant,
    subject_token: changes['subject_token'] ?? (await ann()),
    subject_token_type: jwtTokenType,
    actor_token: changes['actor_token'] ?? (await web()),
    actor_token_type: jwtTokenType,
    audience: 'orders',
    ...changes,
  }
  const shown = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return await test.app.inject({
    method: 'POST',
    url: '/oauth2/token',
    headers: { 'content-type': type },
    payload: new URLSearchParams(shown).toString(),
  })
}

describe('a token of the exchange', () => {
  it('names the person, the function and the target, for minutes', async () => {
    const response = await ask()
    expect(response.statusCode).toBe(200)
    expect(response.headers['cache-control']).toBe('no-store')
    const { access_token: token, ...rest } = response.json()
    expect(rest).toEqual({
      issued_token_type: jwtTokenType,
      token_type: 'N_A',
      expires_in: limits.delegatedTokenSeconds,
    })
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'EdDSA', typ: delegatedTokenType })
    const payload = decodeJwt(token)
    expect(payload).toMatchObject({
      sub: 'ann',
      sp_issuer: testIssuer,
      sp_groups: ['customers'],
      sp_target: 'orders',
      act: { iss: platform, sub: 'web', sp_groups: ['web'] },
    })
    expect(payload).not.toHaveProperty('sp_once')
    expect(payload.exp! - payload.iat!).toBe(300)
    expect(test.logged()).not.toContain(token)
    expect(test.logged()).toContain(payload.jti)
  })

  it('verifies by what agents know, to both principals', async () => {
    const token = (await ask({ single_use: 'true' })).json().access_token
    const verified = await verifyToken(token, await currentTrust(test.deps), test.clock.nowMs())
    expect(verified).toMatchObject({
      principal: { kind: 'user', issuer: testIssuer, subject: 'ann', groups: ['customers'] },
      actors: [{ kind: 'workload', issuer: platform, subject: 'web', groups: ['web'] }],
      isOnce: true,
      target: 'orders',
    })
  })

  it('outlives neither of the two', async () => {
    expect((await ask({ subject_token: await ann({ seconds: 40 }) })).json().expires_in).toBe(40)
    expect((await ask({ actor_token: await web({ seconds: 70 }) })).json().expires_in).toBe(70)
  })

  it('is made of the token that the CLI prints, for the same target', async () => {
    await makeDocuments(test, [allowPolicy('all', 'orders', 'customers')])
    const person = await makePerson(test, ['customers'])
    const payload = { target: 'orders' }
    const own = await test.app.inject({ method: 'POST', url: '/api/v1/tokens', headers: person.headers, payload })
    const subject_token = own.json().token
    expect((await ask({ subject_token })).statusCode).toBe(200)
    expect((await ask({ subject_token, audience: 'payroll' })).json().code).toBe('TOKEN_AUDIENCE_WRONG')
  })

  it('can pass through a second function, which stands outside of the first', async () => {
    const subject_token = (await ask()).json().access_token
    const again = await ask({ subject_token, actor_token: await web({ sub: 'mailer' }) })
    const trust = await currentTrust(test.deps)
    const verified = await verifyToken(again.json().access_token, trust, test.clock.nowMs())
    expect(verified.principal.subject).toBe('ann')
    expect(verified.actors.map(({ subject }) => subject)).toEqual(['mailer', 'web'])
    expect((await ask({ subject_token, audience: 'payroll' })).json().code).toBe('TOKEN_AUDIENCE_WRONG')
    const once = (await ask({ single_use: 'true' })).json().access_token
    expect((await ask({ subject_token: once })).json().code).toBe('REQUEST_INVALID')
  })

  it('is as deep as is permitted and no deeper', async () => {
    let subject_token = (await ask()).json().access_token
    for (let depth = 1; depth < limits.actorsMax; depth++)
      subject_token = (await ask({ subject_token })).json().access_token
    expect((await ask({ subject_token })).json()).toMatchObject({ error: 'invalid_request', code: 'REQUEST_INVALID' })
  })

  it('heeds what the person’s own token says of actors', async () => {
    const claims = (may_act: unknown) => ({ claims: { groups: ['customers'], may_act } })
    const asked = async (may_act: unknown) => await ask({ subject_token: await ann(claims(may_act)) })
    expect((await asked({ iss: platform, sub: 'web' })).statusCode).toBe(200)
    for (const other of [{ iss: platform, sub: 'mailer' }, { sub: 'web' }, 'web', {}])
      expect((await asked(other)).json()).toMatchObject({ error: 'invalid_target', code: 'ACTOR_FORBIDDEN' })
  })
})

describe('what a token keeps of those that it is made of', () => {
  it('R-6.2: "may_act" of the person’s own token, through every exchange after it', async () => {
    const claims = { groups: ['customers'], may_act: { iss: platform, sub: 'web' } }
    const first = await ask({ subject_token: await ann({ claims }) })
    const subject_token = first.json().access_token
    const second = await ask({ subject_token, actor_token: await web({ sub: 'mailer' }) })
    expect(second.json()).toMatchObject({ error: 'invalid_target', code: 'ACTOR_FORBIDDEN' })
    const same = (await ask({ subject_token })).json().access_token
    expect(decodeJwt(same)).toMatchObject({ may_act: { iss: platform, sub: 'web' } })
  })

  it('R-6.3: their ids, so that revoking one of them ends it', async () => {
    const subject_token = await ann({ claims: { groups: ['customers'], jti: 'of-ann' } })
    const actor_token = await web({ claims: { jti: 'of-web' } })
    const first = (await ask({ subject_token, actor_token })).json().access_token
    const mailer = await web({ sub: 'mailer', claims: { jti: 'of-mailer' } })
    const second = (await ask({ subject_token: first, actor_token: mailer })).json().access_token
    const trust = await currentTrust(test.deps)
    const codes = async (jti: string) =>
      await Promise.all(
        [first, second].map((token) =>
          verifyToken(
            token,
            { ...trust, revocations: [{ jti, issuer: '', subject: '', beforeMs: 0 }] },
            test.clock.nowMs(),
          ).then(
            () => 'good',
            ({ code }) => code,
          ),
        ),
      )
    expect(await codes('of-ann')).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED'])
    expect(await codes('of-web')).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED'])
    expect(await codes(decodeJwt(first).jti ?? '')).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED'])
    expect(await codes('of-mailer')).toEqual(['good', 'TOKEN_REVOKED'])
    expect(await codes('of-nobody')).toEqual(['good', 'good'])
  })

  it('the claims of each that its issuer lets rules read, and no others', async () => {
    const claims = { groups: ['customers'], level: 'gold', secret: 'no' }
    const token = (
      await ask({ subject_token: await ann({ claims }), actor_token: await web({ claims: { env: 'prod' } }) })
    ).json().access_token
    const verified = await verifyToken(token, await currentTrust(test.deps), test.clock.nowMs())
    expect([verified.principal.claims, verified.actors[0]?.claims]).toEqual([{ level: 'gold' }, { env: 'prod' }])
    const long = 'x'.repeat(7_000)
    const large = await ask({
      subject_token: await ann({ claims: { ...claims, level: long } }),
      actor_token: await web({ claims: { env: long } }),
    })
    expect(large.json().code).toBe('REQUEST_TOO_LARGE')
  })
})

describe('R-6.2: what is not exchanged', () => {
  const forged = async () => (await generateKeyPair('ES256')).privateKey
  it.each<[string, () => Promise<Record<string, string | undefined>>, string, string]>([
    [
      'a forged person',
      async () => ({ subject_token: await ann({ key: await forged() }) }),
      'invalid_request',
      'TOKEN_SIGNATURE_WRONG',
    ],
    [
      'a forged function',
      async () => ({ actor_token: await web({ key: await forged() }) }),
      'invalid_request',
      'TOKEN_SIGNATURE_WRONG',
    ],
    [
      'the key of the other issuer',
      async () => ({ actor_token: await web({ key: idpKey }) }),
      'invalid_request',
      'TOKEN_SIGNATURE_WRONG',
    ],
    [
      'a token that has ended',
      async () => ({ subject_token: await ann({ iat: now() - 700, seconds: 600 }) }),
      'invalid_request',
      'TOKEN_EXPIRED',
    ],
    [
      'one that ended within the leeway',
      async () => ({ subject_token: await ann({ iat: now() - 610, seconds: 600 }) }),
      'invalid_request',
      'TOKEN_EXPIRED',
    ],
    [
      'another audience',
      async () => ({ subject_token: await ann({ aud: 'shop' }) }),
      'invalid_request',
      'TOKEN_AUDIENCE_WRONG',
    ],
    [
      'an unknown issuer',
      async () => ({ actor_token: await web({ iss: 'https://evil.test' }) }),
      'invalid_request',
      'TOKEN_ISSUER_UNKNOWN',
    ],
    [
      'another type',
      async () => ({ subject_token: await ann({ typ: 'logout+jwt' }) }),
      'invalid_request',
      'TOKEN_TYPE_WRONG',
    ],
    [
      'a function in the place of the person',
      async () => ({ subject_token: await web() }),
      'invalid_request',
      'REQUEST_INVALID',
    ],
    [
      'a person in the place of the function',
      async () => ({ actor_token: await ann() }),
      'invalid_request',
      'REQUEST_INVALID',
    ],
    [
      'a person for whom the function may not act',
      async () => ({ subject_token: await ann({ sub: 'carl', claims: { groups: ['clerks'] } }) }),
      'invalid_target',
      'ACTOR_FORBIDDEN',
    ],
    ['a target where nobody may act', async () => ({ audience: 'closed' }), 'invalid_target', 'ACTOR_FORBIDDEN'],
    [
      'a target that is open to one of them only',
      async () => ({ audience: 'payroll' }),
      'invalid_target',
      'TARGET_UNKNOWN',
    ],
    [
      'a function that no rule names',
      async () => ({ actor_token: await web({ sub: 'stranger' }) }),
      'invalid_target',
      'TARGET_UNKNOWN',
    ],
    ['no such target', async () => ({ audience: 'nothing' }), 'invalid_target', 'TARGET_UNKNOWN'],
    [
      'another grant',
      async () => ({ grant_type: 'client_credentials' }),
      'unsupported_grant_type',
      'FEATURE_UNSUPPORTED',
    ],
  ])('%s', async (_, changes, error, code) => {
    const response = await ask(await changes())
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ error, code, error_uri: errorDocsUrl(code as never) })
  })

  it('R-6.10: a target that is not open to both is answered as one that is not there', async () => {
    const answerOf = async (audience: string) => {
      const { statusCode, body } = await ask({ audience })
      const { requestId: _, ...rest } = JSON.parse(body.replaceAll(audience, 'NAME'))
      return { statusCode, ...rest }
    }
    expect(await answerOf('payroll')).toEqual(await answerOf('nothing'))
  })

  it('what was revoked, by its person and by its function', async () => {
    const row = {
      id: 'a'.repeat(32),
      jti: null,
      reason: '',
      by: 'test',
      at: new Date(),
      before: new Date(test.clock.nowMs() + 1_000),
    }
    await test.deps.db.revocation.create({ data: { ...row, issuer: platform, subject: 'web' } as never })
    expect((await ask()).json().code).toBe('TOKEN_REVOKED')
    await test.deps.db.revocation.deleteMany({})
    expect((await ask()).statusCode).toBe(200)
  })

  it.each<[string, Record<string, string | undefined>]>([
    ['no actor', { actor_token: '' }],
    ['a type that is none', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
    ['a token of another type than is made here', { requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
  ])('a form with %s', async (_, changes) => {
    expect((await ask(changes)).statusCode).toBe(400)
  })

  it('a parameter that comes twice, and a body that is no form', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const payload = `grant_type=${encodeURIComponent(exchangeGrant)}&audience=orders&audience=payroll`
    const twice = await test.app.inject({ method: 'POST', url: '/oauth2/token', headers, payload })
    expect(twice.json()).toMatchObject({ code: 'REQUEST_INVALID', detail: '"audience" came twice' })
    expect((await ask({}, 'text/plain')).statusCode).toBe(400)
  })

  it('a form at any other route', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await test.app.inject({ method: 'POST', url: '/api/v1/auth/cli', headers, payload: 'a=b' })
    expect(response.statusCode).toBe(400)
  })
})

describe('R-6.3: a token for one use', () => {
  async function taken(jti: string, expiresAtMs = test.clock.nowMs() + 60_000): Promise<boolean> {
    return await new Promise((resolve, reject) => {
      const shown = answerTokens(
        test.deps as never,
        { agentId: 'a'.repeat(32), name: 'eu-1' } as never,
        (body: ControlMessage['body']) => (body.case === 'tokenTaken' ? resolve(body.value.taken) : reject(body)),
      )
      shown({ $typeName: 'sallyport.v1.TokenShown', call: 'c'.repeat(32), jti, expiresAtMs: BigInt(expiresAtMs) })
    })
  }
  const id = (digit: string) => digit.repeat(32)

  it('is taken by one of many who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => taken(id('1'))))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await taken(id('1'))).toBe(false)
  })

  it('is not taken when it has ended, ends too late, or has no id of ours', async () => {
    expect(await taken(id('2'), test.clock.nowMs() - 61_000)).toBe(false)
    expect(await taken(id('2'), test.clock.nowMs() + 361_000)).toBe(false)
    expect(await taken('x')).toBe(false)
    expect(await taken(id('2'))).toBe(true)
  })
})
