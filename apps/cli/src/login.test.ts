// Which way `sallyport login` takes, and how it asks for a login that is confirmed in the console.
import { manualClock } from '@sallyport/base/clock'
import { expect, it } from 'vitest'
import { loginFile, makeWorld, nowMs, runIn } from '../test/world.ts'

const saml = { kind: 'saml', name: 'corp', display: 'Corp', issuer: 'https://corp', cliClientId: '', scopes: '' }
const oidc = { kind: 'oidc', name: 'idp', display: 'IdP', issuer: 'https://idp.test', cliClientId: 'cli', scopes: 'x' }
const me = { issuer: 'https://corp', subject: 'ann', display: 'Ann\u001b', groups: [], roles: ['member'] }
const expiresAt = '2026-06-01T18:00:00.000Z'
const started = {
  deviceCode: 'secret-of-the-cli',
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://sp.test/device',
  verificationUriComplete: 'https://sp.test/device?code=WDJB-MJHT',
  expiresInSeconds: 600,
  intervalSeconds: 5,
}
const pending = { state: 'pending', intervalSeconds: 5 }
const confirmed = {
  state: 'confirmed',
  provider: 'corp',
  login: { accessToken: 'bearer', expiresAt, me: { ...me, expiresAt, csrfToken: null } },
}
const refused = { type: 'x', title: 'x', status: 401, code: 'LOGIN_FAILED', detail: 'refused there', requestId: 'r' }

/** A control plane that answers polls in turn; `away` is no answer at all. */
function control(config: object, polls: readonly unknown[] = []) {
  const clock = manualClock(nowMs)
  const asked: string[] = []
  const pauses: number[] = []
  const left = [...polls]
  const answer = (body: unknown) => {
    const isProblem = typeof body === 'object' && body !== null && 'status' in body
    return new Response(JSON.stringify(body), { status: isProblem ? 401 : 200 })
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const path = new URL(String(input)).pathname
    asked.push(`${path} ${init?.body ?? ''}`.trim())
    if (path === '/api/v1/auth/config') return answer({ installation: 'x', ...config })
    if (path === '/api/v1/auth/device') return answer(started)
    const next = left.length === 0 ? pending : left.shift()
    if (path !== '/api/v1/auth/device/poll' || next === 'away') throw new TypeError('fetch failed')
    return answer(next)
  }
  const pause = async (ms: number) => {
    pauses.push(ms)
    clock.advance(ms)
  }
  return { asked, pauses, world: makeWorld({ fetch, pause, clock }) }
}

const url = ['--url', 'https://sp.test']

it('is confirmed in the console where only SAML is, at the pace that it is told', async () => {
  const slower = { state: 'pending', intervalSeconds: 10 }
  const { world, asked, pauses } = control({ deviceLogin: true, providers: [saml] }, [
    pending,
    'away',
    slower,
    confirmed,
  ])
  const ran = await runIn(world, 'login', ...url)
  expect(ran.status).toBe(0)
  expect(ran.stderr).toContain('open  https://sp.test/device?code=WDJB-MJHT\ncode  WDJB-MJHT\n')
  expect(ran.stderr).not.toContain('secret-of-the-cli')
  expect(ran.stderr).not.toContain('\u001b')
  expect(pauses).toEqual([5_000, 5_000, 5_000, 10_000])
  expect(asked[1]).toBe('/api/v1/auth/device {"host":"ann-laptop"}')
  expect(asked.at(-1)).toBe('/api/v1/auth/device/poll {"deviceCode":"secret-of-the-cli"}')
  expect(JSON.parse(world.stored.get(loginFile) ?? '')).toMatchObject({ provider: 'corp', accessToken: 'bearer' })
})

it.each([
  ['several providers', [saml, oidc], []],
  ['a provider of SAML by name', [saml, oidc], ['--provider', 'corp']],
  ['the option', [oidc], ['--console']],
])('is confirmed in the console with %s', async (_name, providers, options) => {
  const { world } = control({ deviceLogin: true, providers }, [confirmed])
  expect((await runIn(world, 'login', ...url, ...options)).status).toBe(0)
})

it('says so when the person refuses, or does nothing', async () => {
  const no = control({ deviceLogin: true, providers: [saml] }, [pending, refused])
  expect(await runIn(no.world, 'login', ...url)).toMatchObject({ status: 4, stderr: expect.stringMatching(/refused/) })
  const late = control({ deviceLogin: true, providers: [saml] })
  const ran = await runIn(late.world, 'login', ...url)
  expect(ran).toMatchObject({ status: 4, stderr: expect.stringMatching(/not confirmed in time/) })
  expect(late.pauses.length).toBe(120)
  expect(late.world.stored.has(loginFile)).toBe(false)
})

it.each([
  ['no provider', { deviceLogin: true, providers: [] }, [], 4, /no identity provider/],
  ['a name of none', { deviceLogin: true, providers: [saml] }, ['--provider', 'x'], 2, /no identity provider "x"/],
  ['SAML at a control plane of before', { providers: [saml] }, [], 4, /confirms no logins/],
  ['several at a control plane of before', { providers: [saml, oidc] }, [], 2, /several/],
])('refuses %s', async (_name, config, options, status, message) => {
  const ran = await runIn(control(config).world, 'login', ...url, ...options)
  expect(ran).toMatchObject({ status, stderr: expect.stringMatching(message) })
})
