// The console's own device login: a CLI gets in where only SAML is, by a code that is good once, for whoever confirmed it –
// and every way to get another person's (THREATS; RFC 8628, 5).
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildTestApp, type TestApp } from './build.ts'
import { makePerson, type SignedIn } from './make.ts'
import { readRequest, type SamlIdp, startSamlIdp } from './saml-idp.ts'
import { stopServer } from './stack.ts'

let idp: SamlIdp
let test: TestApp
let ana: SignedIn
beforeAll(async () => {
  idp = await startSamlIdp()
  test = await buildTestApp({ providers: [idp.provider] })
})
beforeEach(async () => {
  test.clock.set(Date.now())
  ana = await makePerson(test, [], 'browser')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const post = async (path: string, payload: object, headers: Record<string, string> = {}, from = '192.0.2.7') =>
  await test.app.inject({ method: 'POST', url: `/api/v1/auth/device${path}`, payload, headers, remoteAddress: from })

const start = async (host = 'build-7', from?: string) =>
  (await post('', { host }, { 'user-agent': 'sallyport-cli/1' }, from)).json()
const find = async (person: SignedIn, userCode: string, from?: string) =>
  await post('/find', { userCode }, person.headers, from)
const decide = async (person: SignedIn, id: string, decision: string) =>
  await post(`/${id}/decide`, { decision }, person.headers)
const confirm = async (person: SignedIn, userCode: string) => {
  const { id } = (await find(person, userCode)).json()
  expect((await decide(person, id, 'confirm')).statusCode).toBe(200)
}
/** As a CLI does: no sooner than it was told. */
const poll = async (deviceCode: string) => {
  test.clock.advance(5_000)
  return await post('/poll', { deviceCode })
}
const meOf = async (token: string) =>
  await test.app.inject({ url: '/api/v1/me', headers: { authorization: `Bearer ${token}` } })

/** Signs in by the stand-in of SAML, as a browser does, to the path that the CLI printed. */
async function signInBySaml(returnTo: string): Promise<SignedIn> {
  const query = new URLSearchParams({ provider: 'saml', returnTo })
  const started = await test.app.inject({ url: `/auth/login?${query}` })
  const attempt = started.cookies.find(({ name }) => name === '__Host-sallyport-login')?.value
  const answered = await test.app.inject({
    method: 'POST',
    url: '/auth/saml/saml/acs',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({
      SAMLResponse: idp.answer(readRequest(String(started.headers.location)), {
        session: ` SessionNotOnOrAfter="${new Date(Date.now() + 3_600_000).toISOString()}"`,
      }),
    }).toString(),
  })
  const finished = await test.app.inject({
    url: String(answered.headers.location),
    headers: { cookie: `__Host-sallyport-login=${attempt}` },
  })
  expect(finished.headers.location).toBe(returnTo)
  const token = finished.cookies.find(({ name }) => name === '__Host-sallyport')?.value ?? ''
  const cookie = `__Host-sallyport=${token}`
  const { csrfToken, subject } = (await test.app.inject({ url: '/api/v1/me', headers: { cookie } })).json()
  const headers = { cookie, 'x-sallyport-csrf': csrfToken, origin: 'https://sallyport.test' }
  return { personId: '', subject, token, csrfToken, headers }
}

describe('a CLI where only SAML is', () => {
  it('gets a login of the person who confirmed, which ends when the provider says', async () => {
    const config = (await test.app.inject({ url: '/api/v1/auth/config' })).json()
    expect(config).toMatchObject({ deviceLogin: true, providers: [{ kind: 'saml', cliClientId: '' }] })
    const started = await start('build-7.example')
    expect(started.userCode).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
    expect(started.verificationUri).toBe('https://sallyport.test/device')
    expect((await poll(started.deviceCode)).json()).toEqual({ state: 'pending', intervalSeconds: 5 })
    const { pathname, search } = new URL(started.verificationUriComplete)
    const person = await signInBySaml(`${pathname}${search}`)
    const found = (await find(person, started.userCode.toLowerCase().replace('-', ' '))).json()
    expect(found).toMatchObject({
      userCode: started.userCode,
      host: 'build-7.example',
      address: '192.0.2.7',
      client: 'sallyport-cli/1',
      isSameAddress: true,
    })
    expect((await find(person, started.userCode, '198.51.100.1')).json().isSameAddress).toBe(false)
    expect((await decide(person, found.id, 'confirm')).statusCode).toBe(200)
    const done = (await poll(started.deviceCode)).json()
    expect(done).toMatchObject({ state: 'confirmed', provider: 'saml', login: { me: { subject: 'ana-7' } } })
    expect((await meOf(done.login.accessToken)).json()).toMatchObject({
      subject: 'ana-7',
      login: 'cli',
      csrfToken: null,
    })
    expect(Date.parse(done.login.expiresAt)).toBeLessThanOrEqual(Date.now() + 3_600_000)
    const action = await test.deps.db.adminAction.findFirst({ where: { action: 'confirm-login' } })
    expect(action).toMatchObject({
      object: `Person/${idp.provider.issuer} ana-7`,
      detail: { host: 'build-7.example', address: '192.0.2.7' },
    })
    const logins = await test.app.inject({ url: '/api/v1/me/logins', headers: person.headers })
    expect(logins.json().items).toContainEqual(
      expect.objectContaining({ kind: 'cli', provider: 'saml', address: '192.0.2.7', client: 'sallyport-cli/1' }),
    )
  })

  it('is told when the person refuses, once', async () => {
    const { deviceCode, userCode } = await start()
    const { id } = (await find(ana, userCode)).json()
    expect((await decide(ana, id, 'refuse')).statusCode).toBe(200)
    expect((await poll(deviceCode)).json()).toMatchObject({ code: 'LOGIN_FAILED', detail: /refused/ })
    expect((await poll(deviceCode)).json()).toMatchObject({ code: 'LOGIN_FAILED', detail: /used before/ })
  })
})

describe('a code', () => {
  it('is good once, also for two that ask at the same moment', async () => {
    const { deviceCode, userCode } = await start()
    await confirm(ana, userCode)
    test.clock.advance(5_000)
    const answers = await Promise.all([1, 2, 3].map(async () => await post('/poll', { deviceCode })))
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 401, 401])
    expect((await poll(deviceCode)).statusCode).toBe(401)
    expect((await find(ana, userCode)).statusCode).toBe(404)
  })

  it('is decided once, by whoever is first', async () => {
    const bob = await makePerson(test, [], 'browser')
    const { deviceCode, userCode } = await start()
    const { id } = (await find(ana, userCode)).json()
    const answers = await Promise.all([decide(ana, id, 'confirm'), decide(bob, id, 'confirm')])
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 404])
    const winner = answers[0].statusCode === 200 ? ana : bob
    expect((await poll(deviceCode)).json().login.me.subject).toBe(winner.subject)
  })

  it('ends after ten minutes, confirmed or not', async () => {
    const open = await start()
    const confirmed = await start()
    await confirm(ana, confirmed.userCode)
    test.clock.advance(600_000)
    expect((await find(ana, open.userCode)).statusCode).toBe(404)
    expect((await post('/poll', { deviceCode: open.deviceCode })).statusCode).toBe(401)
    expect((await post('/poll', { deviceCode: confirmed.deviceCode })).statusCode).toBe(401)
    await start()
    expect(await test.deps.db.deviceLogin.count({ where: { expiresAt: { lte: new Date(test.clock.nowMs()) } } })).toBe(
      0,
    )
  })

  it('stands nowhere: digests alone are in the store, and a short code is no plain hash of it', async () => {
    const { deviceCode, userCode } = await start()
    const plain = userCode.replace('-', '')
    const rows = JSON.stringify(await test.deps.db.deviceLogin.findMany())
    const said = `${rows}${test.logged()}`
    for (const secret of [deviceCode, userCode, plain]) {
      expect(said).not.toContain(secret)
      if (secret !== deviceCode) expect(rows).not.toContain(createHash('sha256').update(secret).digest('hex'))
    }
  })

  it('that nobody has is like one that was used', async () => {
    for (const userCode of ['BCDF-GHJK', 'AAAA-AAAA', 'x', '%'])
      expect((await find(ana, userCode)).json()).toMatchObject({ code: 'NOT_FOUND', detail: /no login waits/ })
    expect((await decide(ana, '0'.repeat(32), 'confirm')).json()).toMatchObject({ code: 'NOT_FOUND' })
    expect((await poll('nothing')).json()).toMatchObject({ code: 'LOGIN_FAILED' })
  })
})

describe('who may not', () => {
  it('a CLI confirms no other CLI, and a page of another site confirms nothing', async () => {
    const cli = await makePerson(test, [], 'cli')
    const { userCode } = await start()
    expect((await find(cli, userCode)).json()).toMatchObject({ code: 'LOGIN_REQUIRED' })
    const { id } = (await find(ana, userCode)).json()
    expect((await decide(cli, id, 'confirm')).json()).toMatchObject({ code: 'LOGIN_REQUIRED' })
    const foreign = { ...ana, headers: { ...ana.headers, origin: 'https://evil.test' } }
    expect((await decide(foreign, id, 'confirm')).json()).toMatchObject({ code: 'CSRF_MISMATCH' })
    const bare = { ...ana, headers: { cookie: ana.headers['cookie'] ?? '' } }
    expect((await decide(bare, id, 'confirm')).json()).toMatchObject({ code: 'CSRF_MISMATCH' })
  })

  it('nothing comes of a login whose confirmer signed out, signed out elsewhere, or was disabled before it was fetched', async () => {
    const endings = [
      async () => await test.app.inject({ method: 'POST', url: '/api/v1/auth/logout', headers: ana.headers }),
      async () => await test.app.inject({ method: 'POST', url: '/api/v1/me/end-sessions', headers: ana.headers }),
      async () =>
        await test.deps.db.person.update({
          where: { id: ana.personId },
          data: { disabledAt: new Date(test.clock.nowMs()) },
        }),
    ]
    for (const end of endings) {
      ana = await makePerson(test, [], 'browser')
      const { deviceCode, userCode } = await start()
      await confirm(ana, userCode)
      await end()
      expect((await poll(deviceCode)).json()).toMatchObject({ code: 'LOGIN_FAILED' })
      expect(await test.deps.db.login.count({ where: { personId: ana.personId, kind: 'cli' } })).toBe(0)
    }
  })

  it('a login is no longer than the one that confirmed it', async () => {
    const { deviceCode, userCode } = await start()
    const ends = new Date(test.clock.nowMs() + 900_000)
    await test.deps.db.login.updateMany({ where: { personId: ana.personId }, data: { expiresAt: ends } })
    await confirm(ana, userCode)
    const { login } = (await poll(deviceCode)).json()
    expect(login.expiresAt).toBe(ends.toISOString())
    expect(login.me.expiresAt).toBe(ends.toISOString())
  })
})

describe('how often', () => {
  it('a CLI that asks too soon is told to wait longer, and gets nothing meanwhile', async () => {
    const { deviceCode, userCode } = await start()
    await post('/poll', { deviceCode })
    await confirm(ana, userCode)
    test.clock.advance(3_000)
    expect((await post('/poll', { deviceCode })).json()).toEqual({ state: 'pending', intervalSeconds: 10 })
    test.clock.advance(5_000)
    expect((await post('/poll', { deviceCode })).json()).toEqual({ state: 'pending', intervalSeconds: 15 })
    test.clock.advance(15_000)
    expect((await post('/poll', { deviceCode })).json().state).toBe('confirmed')
  })

  it('codes are asked for, tried and fetched only so often from one address', async () => {
    const slow = await buildTestApp({
      providers: [idp.provider],
      http: { ...test.deps.config.http, loginsPerMinute: 3 },
    })
    const person = await makePerson(slow, [], 'browser')
    const ask = async (path: string, payload: object, headers: Record<string, string> = {}) =>
      (await slow.app.inject({ method: 'POST', url: `/api/v1/auth/device${path}`, payload, headers })).json()
    const past = async (times: number, path: string, payload: object, headers: Record<string, string> = {}) => {
      for (let at = 0; at < times; at++)
        expect(await ask(path, payload, headers)).not.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
      expect(await ask(path, payload, headers)).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    }
    await past(3, '', { host: 'x' })
    await past(3, '/find', { userCode: 'BCDF-GHJK' }, person.headers)
    await past(3, '/nothing/decide', { decision: 'confirm' }, person.headers)
    await past(36, '/poll', { deviceCode: 'x' })
    await slow.close()
  })
})
