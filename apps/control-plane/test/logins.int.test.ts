// What happens to logins while they last: tokens that turn over, a provider that is asked again, ending one and ending all,
// people who are disabled, and the link of the first administrator.

import { Secret } from '@sallyport/base/secret'
import { verifyToken } from '@sallyport/identity/verify'
import { afterAll, assert, beforeAll, describe, expect, it } from 'vitest'
import { readRevocations } from '../src/agents/store.ts'
import { issueToken } from '../src/identities/tokens.ts'
import { currentTrust } from '../src/identities/trust.ts'
import { endLoginAndIssued } from '../src/people/end.ts'
import { decideDevice, findDevice, pollDevice, startDeviceLogin } from '../src/signin/device.ts'
import { createProviders } from '../src/signin/providers.ts'
import { findActor, openLogin } from '../src/signin/session.ts'
import { makeSetupLink } from '../src/signin/setup.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { browse, startTestIdp, type TestIdp } from './idp.ts'
import { groupDocument, makeDocuments, makePerson, makeRole, roleDocuments, testIssuer } from './make.ts'
import { stopServer } from './stack.ts'

const callback = 'https://sallyport.test/auth/callback'
let idp: TestIdp
let test: TestApp
beforeAll(async () => {
  idp = await startTestIdp(callback)
  const provider = { ...idp.provider, clientSecret: new Secret('a-secret-of-the-test') }
  test = await buildTestApp({ providers: [provider], allowInsecureLoopback: true })
  await makeDocuments(test, roleDocuments)
})
afterAll(async () => {
  await test.close()
  await idp.stop()
  await stopServer()
})

type Response = Awaited<ReturnType<TestApp['app']['inject']>>
const tokenIn = (response: Response) => response.cookies.find(({ name }) => name === '__Host-sallyport')?.value
const me = async (token: string | undefined, on = test) =>
  await on.app.inject({ url: '/api/v1/me', headers: { cookie: `__Host-sallyport=${token}` } })

async function signIn(sub: string, groups: string[] = [], on = test, cookies = ''): Promise<string> {
  idp.signInAs({ sub, name: sub, groups })
  const started = await on.app.inject({ url: '/auth/login' })
  const back = await browse(String(started.headers.location), callback)
  const attempt = started.cookies.find(({ name }) => name === '__Host-sallyport-login')?.value
  const cookie = `__Host-sallyport-login=${attempt}${cookies}`
  const finished = await on.app.inject({ url: `/auth/callback${back.search}`, headers: { cookie } })
  expect(finished.statusCode).toBe(302)
  return tokenIn(finished) ?? ''
}

/** A token for a target, by whoever has this login. */
async function issuedBy(kind: 'browser' | 'cli', token: string): Promise<string> {
  const actor = await findActor(test.deps, kind, token)
  assert(actor !== null)
  return (await issueToken(test.deps, actor, 'orders', undefined)).token
}
const stands = async (token: string): Promise<string> =>
  await verifyToken(token, await currentTrust(test.deps), Date.now()).then(
    () => 'good',
    ({ code }: { code: string }) => code,
  )

/** Statements on the store of this test that wait for a row. */
const waitingForLocks = async (): Promise<number> => {
  const [row] = await test.deps.db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS "count" FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  return row?.count ?? 0
}

/** The login of a command line that this browser has confirmed. */
async function confirmed(browser: string): Promise<string> {
  const actor = await findActor(test.deps, 'browser', browser)
  assert(actor !== null)
  const { deviceCode, userCode } = await startDeviceLogin(test.deps, 'build-7', { address: '192.0.2.7' })
  const { id } = await findDevice(test.deps, actor, userCode, '192.0.2.7')
  await decideDevice(test.deps, actor, id, 'confirm')
  const polled = await pollDevice(test.deps, deviceCode)
  assert(polled.kind === 'login')
  return polled.token
}

describe('the token of a browser', () => {
  it('turns over while it is used, and the one before is good for another minute', async () => {
    const first = (await makePerson(test, [], 'browser')).token
    expect(tokenIn(await me(first))).toBeUndefined()
    test.clock.advance(900_001)
    const second = tokenIn(await me(first))
    expect(second).toMatch(/^[\w-]{43}$/)
    // The answer may have been lost: the first one goes on, and no other is offered at once.
    const again = await me(first)
    expect([again.statusCode, tokenIn(again)]).toEqual([200, undefined])
    expect((await me(second)).statusCode).toBe(200)
    expect((await me(first)).statusCode).toBe(200)
    test.clock.advance(59_000)
    expect((await me(first)).statusCode).toBe(200)
    test.clock.set(Date.now())
  })

  it('R-6.3: that was turned over and is shown later was copied: the login ends, for the thief and for the person', async () => {
    const { token: first, personId } = await makePerson(test, [], 'browser')
    const issued = await issuedBy('browser', first)
    test.clock.advance(900_001)
    const second = tokenIn(await me(first))
    await me(second)
    test.clock.advance(60_001)
    expect((await me(first)).statusCode).toBe(401)
    expect(await stands(issued)).toBe('TOKEN_REVOKED')
    expect((await me(second)).statusCode).toBe(401)
    expect(test.logged()).toContain('login-token-copied')
    expect(test.logged()).toContain(personId)
    test.clock.set(Date.now())
  })

  it('is offered anew when the next one was never shown', async () => {
    const { token: first } = await makePerson(test, [], 'browser')
    test.clock.advance(900_001)
    const lost = tokenIn(await me(first))
    test.clock.advance(60_001)
    const third = tokenIn(await me(first))
    expect(third).not.toBe(lost)
    expect((await me(lost)).statusCode).toBe(401)
    expect((await me(third)).statusCode).toBe(200)
    test.clock.set(Date.now())
  })

  it('of a CLI stays what it is', async () => {
    const person = await makePerson(test, [], 'cli')
    test.clock.advance(900_001)
    const response = await test.app.inject({ url: '/api/v1/me', headers: person.headers })
    expect([response.statusCode, response.cookies]).toEqual([200, []])
    test.clock.set(Date.now())
  })
})

describe('a provider that gave a refresh token', () => {
  it('is asked again after ten minutes, and what it says then counts', async () => {
    const token = await signIn('rae', ['old'])
    const stored = await test.deps.db.login.findFirst({ where: { person: { subject: 'rae' } } })
    expect(stored?.refreshToken).not.toBeNull()
    idp.signInAs({ sub: 'rae', groups: ['new'] })
    expect((await me(token)).statusCode).toBe(200)
    const groups = async () => (await test.deps.db.person.findFirst({ where: { subject: 'rae' } }))?.groupClaims
    expect(await groups()).toEqual(['old'])
    test.clock.advance(600_001)
    expect((await me(token)).statusCode).toBe(200)
    expect(await groups()).toEqual(['new'])
    test.clock.set(Date.now())
  })

  it.each<[string, (token: string) => Promise<unknown>]>([
    [
      'asked again',
      async (token) => {
        test.clock.advance(600_001)
        return await me(token)
      },
    ],
    ['at another login', async () => await signIn('nia', ['night-watch'])],
  ])('R-6.3: ends what was issued with a group that it says no more, %s', async (_when, hear) => {
    test.clock.set(Date.now())
    const member = (name: string) => ({
      ...groupDocument(name, name),
      spec: { members: [{ issuer: idp.issuer, claim: name }] },
    })
    await makeDocuments(test, [member('night'), member('night-watch')])
    const ended = async () =>
      (await readRevocations(test.deps.db, new Date(0))).filter(({ subject }) => subject === 'nia').length
    const token = await signIn('nia', ['night', 'night-watch', 'of no document'])
    const before = { ended: await ended(), published: test.published() }
    idp.signInAs({ sub: 'nia', groups: ['night', 'night-watch'] })
    test.clock.advance(600_001)
    expect((await me(token)).statusCode).toBe(200)
    expect([await ended(), test.published()]).toEqual([before.ended, before.published])
    idp.signInAs({ sub: 'nia', groups: ['night-watch'] })
    await hear(token)
    expect([await ended(), test.published()]).toEqual([before.ended + 1, before.published + 1])
    expect((await me(token)).json().groups).toEqual(['night-watch'])
    test.clock.set(Date.now())
  })

  it('ends the login when it knows the person no more', async () => {
    const token = await signIn('leaver')
    idp.dismiss('leaver')
    test.clock.advance(600_001)
    expect((await me(token)).statusCode).toBe(401)
    test.clock.set(Date.now())
    expect((await me(token)).statusCode).toBe(401)
  })

  it('ends what came of a login that it refuses: command lines, tokens, tickets, and nothing of another login', async () => {
    const token = await signIn('vera')
    const browser = await issuedBy('browser', token)
    const cli = await confirmed(token)
    const byCli = await issuedBy('cli', cli)
    const person = await test.deps.db.person.findFirstOrThrow({ where: { subject: 'vera' } })
    const other = (await openLogin(test.deps, person.id, 'cli')).token
    const byOther = await issuedBy('cli', other)
    const published = test.published()
    idp.dismiss('vera')
    test.clock.advance(600_001)
    expect((await me(token)).statusCode).toBe(401)
    expect(await Promise.all([browser, byCli, byOther].map(stands))).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED', 'good'])
    const asCli = { headers: { authorization: `Bearer ${cli}` } }
    expect((await test.app.inject({ url: '/api/v1/me', ...asCli })).statusCode).toBe(401)
    const asOther = { headers: { authorization: `Bearer ${other}` } }
    expect((await test.app.inject({ url: '/api/v1/me', ...asOther })).statusCode).toBe(200)
    expect(test.published()).toBe(published + 1)
    const object = `Person/${idp.issuer} vera`
    const action = await test.deps.db.adminAction.findFirst({ where: { action: 'end-login', object } })
    expect(action?.detail).toMatchObject({ logins: 2 })
    test.clock.set(Date.now())
  })

  it('ends a command line that fetches, at this very moment, what the login has confirmed', async () => {
    const { token, personId } = await makePerson(test, [], 'browser')
    const actor = await findActor(test.deps, 'browser', token)
    assert(actor !== null)
    const { deviceCode, userCode } = await startDeviceLogin(test.deps, 'build-7', { address: '192.0.2.7' })
    const { id } = await findDevice(test.deps, actor, userCode, '192.0.2.7')
    await decideDevice(test.deps, actor, id, 'confirm')
    const { db } = test.deps
    // It has looked at the login and cannot write its own for the moment, since its person is locked.
    const [fetching, ending] = await db.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM "Person" WHERE "id" = ${personId} FOR UPDATE`
      const fetched = pollDevice(test.deps, deviceCode)
      await expect.poll(waitingForLocks).toBe(1)
      let isOver = false
      const login = { id: actor.login.id, person: actor }
      const ended = endLoginAndIssued(test.deps, login, { by: 'test', reason: 'its token was copied' })
      void ended.finally(() => (isOver = true))
      await expect.poll(async () => isOver || (await waitingForLocks()) === 2).toBe(true)
      return [fetched, ended]
    })
    await Promise.allSettled([fetching, ending])
    const logins = await db.login.findMany({ where: { personId } })
    expect(logins.map(({ kind, revokedAt }) => [kind, revokedAt !== null])).toEqual(
      expect.arrayContaining([
        ['browser', true],
        ['cli', true],
      ]),
    )
  })

  it('ends nobody by refusing us: a secret of ours that it takes no more is as if it were silent', async () => {
    const token = await signIn('wes')
    const [provider] = test.deps.config.providers
    const config = { ...test.deps.config, providers: [{ ...provider, clientSecret: new Secret('another-secret') }] }
    const { refresh } = test.deps.providers
    const providers = test.deps.providers as { refresh: typeof refresh }
    providers.refresh = createProviders(config as typeof test.deps.config).refresh
    test.clock.advance(600_001)
    expect((await me(token)).statusCode).toBe(200)
    providers.refresh = refresh
    test.clock.advance(60_001)
    expect((await me(token)).statusCode).toBe(200)
    test.clock.set(Date.now())
  })

  it('may be silent for an hour and no longer', async () => {
    const token = await signIn('sil')
    const { refresh } = test.deps.providers
    const providers = test.deps.providers as { refresh: typeof refresh }
    let asked = 0
    providers.refresh = async () => {
      asked++
      const { SallyportError } = await import('@sallyport/base/errors')
      throw new SallyportError('UPSTREAM_UNREACHABLE', 'gone')
    }
    test.clock.advance(600_001)
    expect((await me(token)).statusCode).toBe(200)
    expect((await me(token)).statusCode).toBe(200)
    expect(asked).toBe(1)
    test.clock.advance(3_000_000)
    expect((await me(token)).statusCode).toBe(401)
    providers.refresh = refresh
    expect((await me(token)).statusCode).toBe(401)
    test.clock.advance(60_001)
    expect((await me(token)).statusCode).toBe(200)
    test.clock.set(Date.now())
  })

  it('keeps its tokens where nobody reads them, and is told of a logout', async () => {
    const token = await signIn('lou')
    const { csrfToken } = (await me(token)).json()
    const headers = {
      cookie: `__Host-sallyport=${token}`,
      'x-sallyport-csrf': csrfToken,
      origin: 'https://sallyport.test',
    }
    const out = await test.app.inject({ method: 'POST', url: '/api/v1/auth/logout', headers })
    const url = new URL(out.json().endSession)
    expect(url.origin).toBe(idp.issuer)
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe('https://sallyport.test/sign-in')
    expect(url.searchParams.get('id_token_hint')?.split('.')).toHaveLength(3)
    const stored = await test.deps.db.login.findFirst({ where: { person: { subject: 'lou' } } })
    expect(Buffer.from(stored?.idToken ?? []).toString('latin1')).not.toContain('eyJ')
    expect(test.logged()).not.toContain('eyJ')
    expect((await me(token)).statusCode).toBe(401)
  })
})

describe('what a person has open', () => {
  const post = async (url: string, headers: Record<string, string>, payload?: object) =>
    await test.app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) })

  it('is listed, and ended one by one', async () => {
    const first = await makePerson(test, [], 'browser', 'pat')
    const second = await makePerson(test, [], 'cli', 'pat')
    const { items } = (await test.app.inject({ url: '/api/v1/me/logins', headers: first.headers })).json()
    expect(items.map(({ kind, isCurrent }: Record<string, unknown>) => [kind, isCurrent]).sort()).toEqual([
      ['browser', true],
      ['cli', false],
    ])
    const other = items.find(({ isCurrent }: Record<string, unknown>) => !isCurrent)
    const stranger = await makePerson(test, [], 'cli', 'stranger')
    expect((await post(`/api/v1/me/logins/${other.id}/end`, stranger.headers)).json().code).toBe('NOT_FOUND')
    expect((await post(`/api/v1/me/logins/${other.id}/end`, first.headers)).statusCode).toBe(204)
    expect((await test.app.inject({ url: '/api/v1/me', headers: second.headers })).statusCode).toBe(401)
  })

  it('ends all at once: other logins, and everything issued before', async () => {
    const here = await makePerson(test, [], 'browser', 'quinn')
    const there = await makePerson(test, [], 'cli', 'quinn')
    const before = test.published()
    expect((await post('/api/v1/me/end-sessions', here.headers)).statusCode).toBe(204)
    expect(test.published()).toBe(before + 1)
    expect((await test.app.inject({ url: '/api/v1/me', headers: there.headers })).statusCode).toBe(401)
    expect((await test.app.inject({ url: '/api/v1/me', headers: here.headers })).statusCode).toBe(200)
    const revocations = await readRevocations(test.deps.db, new Date(0))
    expect(revocations).toContainEqual(expect.objectContaining({ issuer: testIssuer, subject: 'quinn', jti: null }))
  })

  it('is ended by an administrator, who also says who may not come back, and who may again', async () => {
    const admin = await makeRole(test, 'admin')
    const person = await makePerson(test, [], 'cli', 'robin')
    const reason = { reason: 'left the company' }
    const of = (verb: string) => `/api/v1/people/${person.personId}/${verb}`
    expect((await post(of('end-sessions'), admin.headers, {})).json().code).toBe('REQUEST_INVALID')
    expect((await post(of('end-sessions'), admin.headers, reason)).statusCode).toBe(204)
    expect((await test.app.inject({ url: '/api/v1/me', headers: person.headers })).statusCode).toBe(401)
    expect((await post(of('disable'), admin.headers, reason)).statusCode).toBe(204)
    expect((await post(of('disable'), admin.headers, reason)).json().code).toBe('CONFLICT')
    expect((await post(`/api/v1/people/${admin.personId}/disable`, admin.headers, reason)).json().code).toBe('CONFLICT')
    const shown = async () =>
      (await test.app.inject({ url: '/api/v1/people?limit=100', headers: admin.headers }))
        .json()
        .items.find(({ subject }: { subject: string }) => subject === 'robin')
    expect(await shown()).toMatchObject({ logins: 0, disabledBy: `${testIssuer} ${admin.subject}` })
    expect((await post(of('enable'), admin.headers, reason)).statusCode).toBe(204)
    expect(await shown()).toMatchObject({ disabledAt: null })
    const actions = await test.deps.db.adminAction.findMany({ where: { object: `Person/${testIssuer} robin` } })
    expect(new Set(actions.map(({ action }) => action))).toEqual(
      new Set(['end-sessions', 'disable-person', 'enable-person']),
    )
    expect((await post('/api/v1/people/nobody/disable', admin.headers, reason)).json().code).toBe('NOT_FOUND')
  })

  it('stays ended for agents while somebody is disabled whom a trusted issuer could give another token', async () => {
    const trusted = {
      apiVersion: 'sallyport.dev/v1',
      kind: 'TrustedIssuer',
      metadata: { name: 'people' },
      spec: { issuer: testIssuer, principals: 'user', audiences: ['x'] },
    }
    const person = await makePerson(test, [], 'cli', 'sam')
    await test.deps.db.person.update({ where: { id: person.personId }, data: { disabledAt: new Date() } })
    const named = async () =>
      (await readRevocations(test.deps.db, new Date())).filter(({ subject }) => subject === 'sam')
    expect(await named()).toEqual([])
    await makeDocuments(test, [trusted])
    const [revocation] = await named()
    expect(revocation?.before.getUTCFullYear()).toBeGreaterThan(200_000)
  })
})

describe('the first administrator', () => {
  it('comes in by a link that is good once, and only while there is none', async () => {
    const fresh = await buildTestApp({ providers: test.deps.config.providers, allowInsecureLoopback: true })
    try {
      const link = await makeSetupLink(fresh.deps)
      const second = await makeSetupLink(fresh.deps)
      const open = async (url = link) => {
        const { pathname, search } = new URL(url?.reveal() ?? '')
        return await fresh.app.inject({ url: `${pathname}${search}` })
      }
      const opened = await open()
      expect(opened.headers.location).toBe('/sign-in')
      const cookie = `; __Host-sallyport-setup=${opened.cookies[0]?.value}`
      const outsider = await signIn('early', [], fresh)
      expect((await me(outsider, fresh)).json().roles).toEqual(['member'])
      const token = await signIn('first', [], fresh, cookie)
      expect((await me(token, fresh)).json().roles).toEqual(['admin', 'auditor', 'member'])
      const late = await signIn('second', [], fresh, cookie)
      expect((await me(late, fresh)).json().roles).toEqual(['member'])
      for (const url of [link, second]) expect((await open(url)).json().code).toBe('LOGIN_FAILED')
      expect(await makeSetupLink(fresh.deps)).toBeNull()
      expect(fresh.logged()).not.toContain(new URL(link?.reveal() ?? '').searchParams.get('code'))
    } finally {
      await fresh.close()
    }
  })

  it('cannot come in with a code that is made up, or a day old', async () => {
    const fresh = await buildTestApp({ providers: test.deps.config.providers, allowInsecureLoopback: true })
    try {
      const link = await makeSetupLink(fresh.deps)
      const made = await signIn('liar', [], fresh, '; __Host-sallyport-setup=made-up')
      expect((await me(made, fresh)).json().roles).toEqual(['member'])
      fresh.clock.advance(86_400_001)
      const { pathname, search } = new URL(link?.reveal() ?? '')
      expect((await fresh.app.inject({ url: `${pathname}${search}` })).json().code).toBe('LOGIN_FAILED')
    } finally {
      await fresh.close()
    }
  })
})
