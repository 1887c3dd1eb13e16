// Signing in against a real identity provider, and every way in which it must fail.

import { errorDocsUrl, type SallyportErrorCode } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildTestApp, openReplica, type TestApp } from './build.ts'
import { browse, startTestIdp, type TestIdp } from './idp.ts'
import { makeDocuments, makePerson, roleDocuments } from './make.ts'
import { stopServer } from './stack.ts'

const callback = 'https://sallyport.test/auth/callback'
let idp: TestIdp
let test: TestApp
beforeAll(async () => {
  idp = await startTestIdp(callback)
  const provider = { ...idp.provider, clientSecret: new Secret('a-secret-of-the-test') }
  test = await buildTestApp({ providers: [provider], allowInsecureLoopback: true })
  const ofIdp = roleDocuments.map((document) =>
    JSON.parse(JSON.stringify(document).replaceAll('https://idp.test', idp.issuer)),
  )
  await makeDocuments(test, ofIdp)
})
afterAll(async () => {
  await test.close()
  await idp.stop()
  await stopServer()
})

type Response = Awaited<ReturnType<TestApp['app']['inject']>>
const cookieOf = (response: Response, name: string) => response.cookies.find((cookie) => cookie.name === name)
const expectProblem = (response: Response, code: SallyportErrorCode) => {
  expect(response.headers['content-type']).toContain('application/problem+json')
  expect(response.json()).toMatchObject({ code, type: errorDocsUrl(code), status: response.statusCode })
  expect(response.json().requestId).toBe(response.headers['x-request-id'])
}

/** From /auth/login to the URL of our callback; `cookie` is what the browser then holds. */
async function startBrowser(query = '') {
  const started = await test.app.inject({ url: `/auth/login${query}` })
  expect(started.statusCode).toBe(302)
  const attempt = cookieOf(started, '__Host-sallyport-login')!
  const back = await browse(String(started.headers.location), callback)
  return { started, attempt, back, cookie: `${attempt.name}=${attempt.value}` }
}

const finish = async (back: URL, cookie: string) =>
  await test.app.inject({ url: `/auth/callback${back.search}`, headers: { cookie } })

describe('a browser', () => {
  it('signs in with code, PKCE, nonce and state, and gets a cookie that scripts and other sites cannot use', async () => {
    idp.signInAs({ sub: 'ana', name: 'Ana Example', groups: ['admin', 'unmapped'] })
    const { started, back, cookie } = await startBrowser('?returnTo=/approvals/7%3Ftab%3D1')
    const asked = new URL(String(started.headers.location)).searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect(asked.get('nonce')).toHaveLength(43)
    const response = await finish(back, cookie)
    expect(response.statusCode).toBe(302)
    expect(response.headers.location).toBe('/approvals/7?tab=1')
    const session = cookieOf(response, '__Host-sallyport')!
    expect(session).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
    expect(session.domain).toBeUndefined()
    const headers = { cookie: `__Host-sallyport=${session.value}` }
    const me = await test.app.inject({ url: '/api/v1/me', headers })
    expect(me.json()).toMatchObject({
      issuer: idp.issuer,
      subject: 'ana',
      display: 'Ana Example',
      groups: ['the-admin'],
      roles: ['admin', 'member'],
    })
    const login = await test.deps.db.login.findFirst({ where: { csrfToken: me.json().csrfToken } })
    expect(login?.tokenHash).not.toContain(session.value)
    expect(test.logged()).not.toContain(session.value)
  })

  it('cannot use a callback twice', async () => {
    idp.signInAs({ sub: 'ana' })
    const { back, cookie } = await startBrowser()
    expect((await finish(back, cookie)).statusCode).toBe(302)
    const again = await finish(back, cookie)
    expectProblem(again, 'LOGIN_FAILED')
    expect(cookieOf(again, '__Host-sallyport')).toBeUndefined()
  })

  it('begins at one replica and comes back to another, once at both', async () => {
    const other = await openReplica(test)
    try {
      idp.signInAs({ sub: 'ana' })
      const { back, cookie } = await startBrowser()
      const at = async (app: TestApp['app']) =>
        await app.inject({ url: `/auth/callback${back.search}`, headers: { cookie } })
      expect((await at(other.app)).statusCode).toBe(302)
      expectProblem(await at(test.app), 'LOGIN_FAILED')
    } finally {
      await other.close()
    }
  })

  it('cannot be made to finish a login that another browser started', async () => {
    idp.signInAs({ sub: 'mallory' })
    const { back } = await startBrowser()
    const { cookie } = await startBrowser()
    expectProblem(await finish(back, cookie), 'LOGIN_FAILED')
    expectProblem(await finish(back, ''), 'LOGIN_FAILED')
  })

  it('keeps a login in another tab alive', async () => {
    const first = await startBrowser()
    const second = await test.app.inject({ url: '/auth/login', headers: { cookie: first.cookie } })
    expect(cookieOf(second, '__Host-sallyport-login')?.value).toBe(first.attempt.value)
    expect((await finish(first.back, first.cookie)).statusCode).toBe(302)
  })

  it.each([
    ['an unknown state', (back: URL) => back.searchParams.set('state', 'x.y')],
    ['no state', (back: URL) => back.searchParams.delete('state')],
    ['two states', (back: URL) => back.searchParams.append('state', 'x')],
    ['an unknown code', (back: URL) => back.searchParams.set('code', 'stolen')],
    ['another issuer', (back: URL) => back.searchParams.set('iss', 'https://evil.test')],
    ['an error of the provider', (back: URL) => back.searchParams.set('error', 'access_denied')],
  ])('is refused with %s', async (_what, change) => {
    const { back, cookie } = await startBrowser()
    change(back)
    expectProblem(await finish(back, cookie), 'LOGIN_FAILED')
  })

  it('is refused when it took longer than ten minutes', async () => {
    const { back, cookie } = await startBrowser()
    test.clock.advance(600_001)
    expectProblem(await finish(back, cookie), 'LOGIN_FAILED')
  })

  it('is refused when the provider says that the groups are elsewhere (THREATS R-6.4)', async () => {
    idp.signInAs({ sub: 'overage', _claim_names: { groups: 'src1' } })
    const { back, cookie } = await startBrowser()
    const response = await finish(back, cookie)
    expectProblem(response, 'LOGIN_FAILED')
    expect(response.json().detail).toContain('did not send all groups')
  })

  it.each([
    '//evil.test',
    '/.//evil.test',
    '/a/%2e%2e//evil.test',
    '/\\evil.test',
    'https://evil.test/',
    '/%0d%0aset-cookie:x',
    'javascript:alert(1)',
    '/a b',
  ])('never returns to another site: %s', async (returnTo) => {
    const response = await test.app.inject({ url: `/auth/login?returnTo=${encodeURIComponent(returnTo)}` })
    if (response.statusCode === 302) {
      // Percent signs stay percent signs: still a path of ours.
      expect(returnTo).toBe('/%0d%0aset-cookie:x')
    } else expectProblem(response, 'REQUEST_INVALID')
  })

  it('is told which providers there are when it asks for another one', async () => {
    const response = await test.app.inject({ url: '/auth/login?provider=other' })
    expectProblem(response, 'REQUEST_INVALID')
    expect(response.json().detail).toContain('"test"')
  })

  it('is signed out by logout, by eight idle hours, and by one day in any case', async () => {
    const gone = await makePerson(test, [], 'browser')
    const me = async (headers: Record<string, string>) =>
      (await test.app.inject({ url: '/api/v1/me', headers })).statusCode
    expect(await me(gone.headers)).toBe(200)
    const out = await test.app.inject({ method: 'POST', url: '/api/v1/auth/logout', headers: gone.headers })
    expect(out.statusCode).toBe(200)
    expect(out.json()).toEqual({ endSession: null })
    expect(cookieOf(out, '__Host-sallyport')?.value).toBe('')
    expect(await me(gone.headers)).toBe(401)
    const idle = await makePerson(test, [], 'browser')
    test.clock.advance(28_799_999)
    expect(await me(idle.headers)).toBe(200)
    test.clock.advance(28_800_000)
    expect(await me(idle.headers)).toBe(401)
    const busy = await makePerson(test, [], 'browser')
    for (let hours = 0; hours < 23; hours++) {
      test.clock.advance(3_600_000)
      expect(await me(busy.headers)).toBe(200)
    }
    test.clock.advance(3_600_000)
    expect(await me(busy.headers)).toBe(401)
    test.clock.set(Date.now())
  })

  it('cannot use its cookie as a bearer token, nor a CLI its token as a cookie', async () => {
    const browser = await makePerson(test, [], 'browser')
    const cli = await makePerson(test, [], 'cli')
    for (const headers of [
      { authorization: `Bearer ${browser.token}` },
      { cookie: `__Host-sallyport=${cli.token}` },
      { cookie: `__Host-sallyport=${browser.token}`, authorization: 'Basic YTpi' },
    ] as Record<string, string>[])
      expectProblem(await test.app.inject({ url: '/api/v1/me', headers }), 'LOGIN_REQUIRED')
  })
})

describe('a change with a cookie', () => {
  const change = async (changes: Record<string, string | undefined>) => {
    const person = await makePerson(test, [], 'browser')
    const headers = Object.fromEntries(
      Object.entries({ ...person.headers, ...changes }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>
    return await test.app.inject({ method: 'POST', url: '/api/v1/auth/logout', headers })
  }
  it('goes through with token and origin', async () => {
    expect((await change({})).statusCode).toBe(200)
  })
  it.each<[string, Record<string, string | undefined>]>([
    ['without the token', { 'x-sallyport-csrf': undefined }],
    ['with another token', { 'x-sallyport-csrf': 'x'.repeat(43) }],
    ['with the token of another length', { 'x-sallyport-csrf': 'x' }],
    ['from another origin', { origin: 'https://evil.test' }],
    ['from the null origin', { origin: 'null' }],
    ['from our name over http', { origin: 'http://sallyport.test' }],
    ['without an origin', { origin: undefined }],
  ])('is refused %s (THREATS R-6.9)', async (_what, changes) => {
    expectProblem(await change(changes), 'CSRF_MISMATCH')
  })
})

describe('a CLI', () => {
  // The tokens are made by the real clock, which goes on while others' tests take their time.
  beforeEach(() => test.clock.set(Date.now()))
  const login = async (idToken: string, provider = 'test') =>
    await test.app.inject({ method: 'POST', url: '/api/v1/auth/cli', payload: { provider, idToken } })

  it('exchanges an ID token for a login of ours', async () => {
    const response = await login(await idp.idToken({ sub: 'bo', name: 'Bo', groups: ['auditor'] }))
    expect(response.statusCode).toBe(200)
    expect(response.json().me).toMatchObject({ subject: 'bo', roles: ['auditor', 'member'], csrfToken: null })
    const headers = { authorization: `Bearer ${response.json().accessToken}` }
    expect((await test.app.inject({ url: '/api/v1/me', headers })).json()).toMatchObject({ subject: 'bo' })
    expect(test.logged()).not.toContain(response.json().accessToken)
  })

  it('cannot use an ID token twice (THREATS R-6.3)', async () => {
    const token = await idp.idToken({ sub: 'bo' })
    expect((await login(token)).statusCode).toBe(200)
    const again = await login(token)
    expectProblem(again, 'TOKEN_INVALID')
    expect(again.json().detail).toContain('used')
  })

  it('cannot use an ID token again with its signature written otherwise (THREATS R-6.3)', async () => {
    const token = await idp.idToken({ sub: 'bo' })
    expect((await login(token)).statusCode).toBe(200)
    // 2048 bits in 342 characters: the last four bits of the last one say nothing.
    const idle = { A: 'B', Q: 'R', g: 'h', w: 'x' }[token.at(-1) ?? '']
    const others = [`${token.slice(0, -1)}${idle}`, `${token}==`, `${token.slice(0, -3)} ${token.slice(-3)}`]
    for (const other of others) expectProblem(await login(other), 'TOKEN_INVALID')
  })

  const seconds = () => Math.floor(Date.now() / 1_000)
  it.each<[string, SallyportErrorCode, () => Promise<string>]>([
    ['expired', 'TOKEN_EXPIRED', () => idp.idToken({ sub: 'bo' }, { exp: seconds() - 61 })],
    ['too old although not expired', 'TOKEN_EXPIRED', () => idp.idToken({ sub: 'bo' }, { iat: seconds() - 3_600 })],
    ['not valid yet', 'TOKEN_INVALID', () => idp.idToken({ sub: 'bo' }, { nbf: seconds() + 600 })],
    ['of another issuer', 'TOKEN_ISSUER_UNKNOWN', () => idp.idToken({ sub: 'bo' }, { iss: 'https://evil.test' })],
    ['of the issuer with a slash', 'TOKEN_ISSUER_UNKNOWN', () => idp.idToken({ sub: 'bo' }, { iss: `${idp.issuer}/` })],
    ['for the console', 'TOKEN_AUDIENCE_WRONG', () => idp.idToken({ sub: 'bo' }, { aud: 'console' })],
    ['for several, without azp', 'TOKEN_AUDIENCE_WRONG', () => idp.idToken({ sub: 'bo' }, { aud: ['cli', 'console'] })],
    ['for another party', 'TOKEN_AUDIENCE_WRONG', () => idp.idToken({ sub: 'bo' }, { azp: 'console' })],
    ['without an end', 'TOKEN_INVALID', () => idp.idToken({ sub: 'bo' }, { exp: undefined })],
    ['of nobody', 'TOKEN_INVALID', () => idp.idToken({ sub: '' })],
    ['unsigned', 'TOKEN_INVALID', async () => unsigned()],
    ['signed with a foreign key', 'TOKEN_INVALID', () => foreign('one')],
    ['signed with an unknown key', 'TOKEN_INVALID', () => foreign('two')],
    ['signed with the public key as a secret', 'TOKEN_INVALID', () => symmetric()],
    ['not a token', 'TOKEN_INVALID', async () => 'aaa.bbb.ccc'],
  ])('is refused with an ID token that is %s (THREATS R-6.2)', async (_what, code, token) => {
    expectProblem(await login(await token()), code)
  })

  const claims = () => ({ iss: idp.issuer, aud: 'cli', sub: 'bo', iat: seconds(), exp: seconds() + 600 })
  const unsigned = () => new UnsecuredJWT(claims()).encode()
  const foreign = async (kid: string) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    void publicKey
    return await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)
  }
  const symmetric = async () =>
    await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(new Uint8Array(32))

  it('is refused when the person is disabled', async () => {
    await login(await idp.idToken({ sub: 'cy' }))
    await test.deps.db.person.updateMany({ where: { subject: 'cy' }, data: { disabledAt: new Date() } })
    expectProblem(await login(await idp.idToken({ sub: 'cy' })), 'LOGIN_FAILED')
  })

  it('has other groups as soon as a Group document changes', async () => {
    const response = await login(await idp.idToken({ sub: 'dee', groups: ['new-team'] }))
    const headers = { authorization: `Bearer ${response.json().accessToken}` }
    const groups = async () => (await test.app.inject({ url: '/api/v1/me', headers })).json().groups
    expect(await groups()).toEqual([])
    const members = [{ issuer: idp.issuer, claim: 'new-team' }]
    const group = { apiVersion: 'sallyport.dev/v1', kind: 'Group', metadata: { name: 'team' }, spec: { members } }
    await makeDocuments(test, [group])
    expect(await groups()).toEqual(['team'])
  })

  it('with the same claim of another issuer is in no group (THREATS R-6.4)', async () => {
    const stranger = await makePerson(test, ['admin'])
    const me = await test.app.inject({ url: '/api/v1/me', headers: stranger.headers })
    expect(me.json()).toMatchObject({ groups: [], roles: ['member'] })
  })
})

describe('the doors for logins', () => {
  it('close after too many attempts from one address', async () => {
    const config = test.deps.config
    const limited = await buildTestApp({
      providers: config.providers,
      http: { ...config.http, loginsPerMinute: 3 },
      allowInsecureLoopback: true,
      logLevel: 'silent',
    })
    try {
      const call = async () =>
        await limited.app.inject({
          method: 'POST',
          url: '/api/v1/auth/cli',
          payload: { provider: 'test', idToken: 'x' },
        })
      for (let attempt = 0; attempt < 3; attempt++) expectProblem(await call(), 'TOKEN_INVALID')
      const refused = await call()
      expectProblem(refused, 'TOO_MANY_REQUESTS')
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    } finally {
      await limited.close()
    }
  })

  it('say so when the provider goes away in the middle of a login, and the login can be started again', async () => {
    const shortLived = await startTestIdp(callback)
    const provider = { ...shortLived.provider, clientSecret: new Secret('a-secret-of-the-test') }
    const lost = await buildTestApp({ providers: [provider], allowInsecureLoopback: true })
    try {
      shortLived.signInAs({ sub: 'ana' })
      const started = await lost.app.inject({ url: '/auth/login' })
      const back = await browse(String(started.headers.location), callback)
      await shortLived.stop()
      const cookie = `__Host-sallyport-login=${cookieOf(started, '__Host-sallyport-login')?.value}`
      const response = await lost.app.inject({ url: `/auth/callback${back.search}`, headers: { cookie } })
      expectProblem(response, 'UPSTREAM_UNREACHABLE')
      expect(lost.logged()).toContain('fetch failed')
      expect(lost.logged()).not.toContain(String(back.searchParams.get('code')))
    } finally {
      await lost.close()
    }
  })

  it('say so when the provider is gone', async () => {
    const gone = { ...idp.provider, name: 'gone', issuer: 'http://127.0.0.1:1' }
    const lost = await buildTestApp({ providers: [gone], allowInsecureLoopback: true, logLevel: 'silent' })
    try {
      const response = await lost.app.inject({ url: '/auth/login' })
      expectProblem(response, 'UPSTREAM_UNREACHABLE')
      expect(response.body).not.toContain('ECONNREFUSED')
    } finally {
      await lost.close()
    }
  })
})
