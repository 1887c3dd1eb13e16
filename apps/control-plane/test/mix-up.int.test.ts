// Two providers side by side, one of them hostile: it sends the browser of whoever signs in with it on to the other one, with what a
// login of its own was begun with, and waits for what the other one answers (RFC 9700, 4.4: mix-up; THREATS ).
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { OidcProvider } from '../src/provider-config.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { stopServer } from './stack.ts'

type Answer = (path: string, form: URLSearchParams) => Promise<object | null>

/** A provider as HTTP. It does not name itself in its answers (RFC 9207), as many do not. */
async function startProvider(name: string, answer: (issuer: string) => Promise<Answer>) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answered = await answer(issuer)
  const discovery = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
  server.on('request', async (request: IncomingMessage, response) => {
    const path = request.url ?? ''
    const found = path.startsWith('/.well-known/')
      ? discovery
      : await answered(path, new URLSearchParams(await text(request)))
    response.writeHead(found === null ? 400 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? { error: 'invalid_grant' }))
  })
  const provider: OidcProvider = {
    kind: 'oidc',
    name,
    display: name,
    issuer,
    clientId: 'console',
    clientSecret: null,
    cliClientId: 'cli',
    scopes: 'openid',
    groupsClaim: 'groups',
    signOutAtProvider: false,
    provisionedSubject: 'externalId',
    provisionedOnly: false,
  }
  return { server, provider }
}

const asked = new Map<string, URLSearchParams>()
/** The page of the honest provider, where the browser has a session: back to where it registered that it may go back to. */
function signedInAt(authorization: URL, registered: string): URL {
  const { searchParams: query } = authorization
  expect(query.get('redirect_uri')).toBe(registered)
  const code = randomBytes(16).toString('hex')
  asked.set(code, query)
  const back = new URL(registered)
  back.search = new URLSearchParams({ code, state: query.get('state') ?? '' }).toString()
  return back
}

const stolen: string[] = []
const servers: Server[] = []
let test: TestApp
beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const honest = await startProvider('honest', async (issuer) => async (path, form) => {
    if (path === '/jwks') return { keys: [jwk] }
    const query = asked.get(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (query?.get('code_challenge') !== challenge || query.get('redirect_uri') !== form.get('redirect_uri'))
      return null
    const token = new SignJWT({ nonce: query.get('nonce') ?? '' }).setProtectedHeader({ alg: 'RS256', kid: 'one' })
    const named = token
      .setIssuer(issuer)
      .setAudience('console')
      .setSubject('victim')
      .setIssuedAt()
      .setExpirationTime('5m')
    return { access_token: 'x', token_type: 'Bearer', id_token: await named.sign(privateKey) }
  })
  const hostile = await startProvider('hostile', async () => async (_path, form) => {
    stolen.push(form.get('code') ?? '')
    return null
  })
  servers.push(honest.server, hostile.server)
  test = await buildTestApp({ providers: [honest.provider, hostile.provider], allowInsecureLoopback: true })
})
afterAll(async () => {
  await test.close()
  for (const server of servers) server.close()
  await stopServer()
})

/** A browser that begins a login: where it is sent, and the cookie that it holds. */
async function begin(provider: string) {
  const started = await test.app.inject({ url: `/auth/login?provider=${provider}` })
  const cookie = started.cookies.find(({ name }) => name === '__Host-sallyport-login')
  return { to: new URL(String(started.headers.location)), cookie: `${cookie?.name}=${cookie?.value}` }
}
const comeBack = async (to: URL, cookie: string) =>
  await test.app.inject({ url: `${to.pathname}${to.search}`, headers: { cookie } })
const registeredOf = ({ to }: { to: URL }): string => to.searchParams.get('redirect_uri') ?? ''

it('R-6.2: a provider is never given what another one answers, and nobody signs in as somebody of the other by it', async () => {
  const thief = await begin('honest')
  const victim = await begin('hostile')
  const passedOn = new URL(thief.to)
  passedOn.searchParams.set('state', victim.to.searchParams.get('state') ?? '')
  const answered = await comeBack(signedInAt(passedOn, registeredOf(thief)), victim.cookie)
  expect(answered.json()).toMatchObject({ code: 'LOGIN_FAILED' })
  expect(stolen).toEqual([])
  // With a code that was had in another way the thief would be in: state, nonce and challenge are all the thief's own.
  const [code = ''] = stolen
  const back = new URL(registeredOf(thief))
  back.search = new URLSearchParams({ code, state: thief.to.searchParams.get('state') ?? '' }).toString()
  expect((await comeBack(back, thief.cookie)).json()).toMatchObject({ code: 'LOGIN_FAILED' })
})

it('each of several comes back to a place of its own', async () => {
  const person = await begin('honest')
  expect(registeredOf(person)).toBe('https://sallyport.test/auth/callback/honest')
  const finished = await comeBack(signedInAt(person.to, registeredOf(person)), person.cookie)
  expect(finished.statusCode).toBe(302)
  expect(finished.cookies.map(({ name }) => name)).toContain('__Host-sallyport')
})
