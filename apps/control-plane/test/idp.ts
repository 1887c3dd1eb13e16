// A real identity provider (oidc-provider) in this process: code flow for the browser, device flow for the CLI, groups in
// the ID token. Who signs in is chosen by `login_hint`-free setting: `signInAs`.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { OidcProvider } from '../src/provider-config.ts'

export interface TestPerson {
  readonly sub: string
  readonly name?: string
  readonly groups?: unknown
  readonly [claim: string]: unknown
}

export interface TestIdp {
  readonly issuer: string
  readonly provider: OidcProvider
  /** The person whom the next login is for. */
  signInAs(person: TestPerson): void
  /** Whoever left: the provider knows them no more. */
  dismiss(sub: string): void
  /** An ID token for the CLI's client, with the provider's own key; claims and header can be changed. */
  idToken(person: TestPerson, changes?: JWTPayload, header?: Record<string, unknown>): Promise<string>
  stop(): Promise<void>
}

const cliClientId = 'cli'

// oidc-provider is a dependency of e2e alone.
async function loadProvider() {
  const require = createRequire(new URL('../../../e2e/package.json', import.meta.url))
  const folder = dirname(require.resolve('oidc-provider/package.json'))
  return (await import(pathToFileURL(join(folder, 'lib/index.js')).href)).default
}

export async function startTestIdp(redirectUri: string): Promise<TestIdp> {
  const Provider = await loadProvider()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const keys = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(keys.privateKey)), kid: 'one', use: 'sig', alg: 'RS256' }
  let person: TestPerson = { sub: 'nobody' }
  const dismissed = new Set<string>()
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'console',
        client_secret: 'a-secret-of-the-test',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        post_logout_redirect_uris: [new URL('/sign-in', redirectUri).href],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [jwk] },
    claims: { openid: ['sub'], profile: ['name'], groups: ['groups', '_claim_names'] },
    scopes: ['openid', 'profile', 'groups', 'offline_access'],
    issueRefreshToken: async () => true,
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_context: unknown, id: string) =>
      dismissed.has(id) ? undefined : { accountId: id, claims: async () => ({ ...person, sub: id }) },
    interactions: { url: (_context: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
  })
  const answer = provider.callback()
  server.on('request', async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return answer(request, response)
    const { params, session } = await provider.interactionDetails(request, response)
    const accountId = session?.accountId ?? person.sub
    const grant = new provider.Grant({ accountId, clientId: params.client_id })
    grant.addOIDCScope('openid profile groups')
    const result = { login: { accountId }, consent: { grantId: await grant.save() } }
    return await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  })
  return {
    issuer,
    provider: {
      kind: 'oidc',
      provisionedSubject: 'externalId',
      provisionedOnly: false,
      name: 'test',
      display: 'Test',
      issuer,
      clientId: 'console',
      clientSecret: null,
      cliClientId,
      scopes: 'openid profile groups',
      groupsClaim: 'groups',
      signOutAtProvider: true,
    },
    signInAs(next) {
      person = next
    },
    dismiss: (sub) => void dismissed.add(sub),
    async idToken(who, changes = {}, header = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const claims = { iss: issuer, aud: cliClientId, iat: now, exp: now + 600, jti: randomBytes(8).toString('hex') }
      return await new SignJWT({ ...claims, ...who, ...changes })
        .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
        .sign(keys.privateKey)
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A browser: follows redirects of the provider with its cookies, up to our callback, which it returns. */
export async function browse(url: string, until: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let next = url
  for (let hops = 0; hops < 10; hops++) {
    if (next.startsWith(until)) return new URL(next)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(next, { redirect: 'manual', headers: cookie === '' ? {} : { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${next} answered ${response.status}: ${await response.text()}`)
    next = new URL(location, next).href
  }
  throw new Error('too many redirects')
}
