// A real OpenID Connect provider in this process, for the demo and the tests: people with one shared password on its own
// login page, device flow, and a workload that gets JWT access tokens. Listens on loopback only; keeps nothing.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { SallyportError } from '@sallyport/base/errors'
import { SignJWT } from 'jose'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { Browser } from './browser.ts'
import { codePage, confirmPage, donePage, loginPage } from './idp-pages.ts'
import { demoPassword, type Person, people, workloadId } from './people.ts'

export interface IdpOptions {
  /** Without it a free one. */
  readonly port?: number
  /** Where the control plane's browser login comes back to. */
  readonly redirectUris?: readonly string[]
  /** `aud` of the workload's tokens. */
  readonly audience?: string
  /** `aud` of access tokens that people may get by the command line's client; without it they get none that are JWTs. */
  readonly peopleAudience?: string
  /** Life of the workload's tokens, in seconds. */
  readonly workloadTokenSeconds?: number
  readonly people?: readonly Person[]
  /** Where it listens; 127.0.0.1 unless a container's network stands before it. */
  readonly host?: string
  /** Of the two clients that have one; without them random ones. */
  readonly secrets?: { readonly console: string; readonly workload: string }
}

export interface Idp {
  readonly issuer: string
  readonly port: number
  readonly consoleClient: { readonly id: string; readonly secret: string }
  readonly cliClientId: string
  readonly workloadSecret: string
  /** Confirms a device's code as this person, by the same pages that a browser shows. */
  approveDevice(userCode: string, login: string): Promise<void>
  /** The whole device flow as this person: an ID token for the CLI's client. */
  deviceIdToken(login: string): Promise<string>
  /** A JWT access token of the workload, by client credentials. */
  workloadToken(): Promise<string>
  /** A token with any claims, signed by this provider's key or by one that only claims its key id. For tests. */
  sign(claims: Readonly<Record<string, unknown>>, options?: { readonly foreignKey?: boolean }): Promise<string>
  stop(): Promise<void>
}

const scopes = 'openid profile email groups'
const cliClientId = 'sallyport-cli'
const consoleClientId = 'sallyport-console'
/** A login form is small, in bytes. */
const formBytesMax = 4_096

export async function startIdp(options: IdpOptions = {}): Promise<Idp> {
  const server = createServer()
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new SallyportError('PORT_TAKEN', `port ${options.port} of 127.0.0.1 is taken`, {
      cause,
      hint: 'choose another',
    })
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a numeric address')
  return await quietly(async () => open(await import('oidc-provider'), server, address.port, options))
}

type Library = typeof import('oidc-provider')

/** The library warns on stderr about what is on purpose here: keys and logins are gone when it stops, and Node 20 works. */
async function quietly<T>(run: () => Promise<T>): Promise<T> {
  const { warn } = console
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('oidc-provider WARNING')) warn(...words)
  }
  try {
    return await run()
  } finally {
    console.warn = warn
  }
}

function open(library: Library, server: Server, port: number, options: IdpOptions): Idp {
  const issuer = `http://localhost:${port}`
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const jwk = { ...key.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex'), alg: 'ES256', use: 'sig' }
  const randomSecret = () => randomBytes(24).toString('base64url')
  const secrets = options.secrets ?? { console: randomSecret(), workload: randomSecret() }
  const everyone = options.people ?? people
  const provider = new library.Provider(issuer, configure(library, options, everyone, jwk, secrets))
  listen(library, provider, everyone, server)
  const approveDevice = (userCode: string, login: string) => approve(issuer, userCode, login)
  return {
    issuer,
    port,
    consoleClient: { id: consoleClientId, secret: secrets.console },
    cliClientId,
    workloadSecret: secrets.workload,
    approveDevice,
    deviceIdToken: (login) => deviceIdTokenOf(issuer, login),
    workloadToken: () => workloadTokenOf(issuer, options.audience ?? 'sallyport:demo', secrets.workload),
    async sign(claims, { foreignKey = false } = {}) {
      const signer = foreignKey ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : key
      const header = { alg: 'ES256', kid: jwk.kid, typ: 'at+jwt' }
      return await new SignJWT({ ...claims }).setProtectedHeader(header).sign(signer)
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function listen(library: Library, provider: Provider, everyone: readonly Person[], server: Server): void {
  // RFC 8628 §3.2: how often a device may ask. The provider leaves it out, and clients then wait five seconds.
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next()
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200)
      ctx.body = { ...Object(ctx.body), interval: 1 }
  })
  const answer = provider.callback()
  server.on('request', (request, response) => {
    if (request.url?.startsWith('/interaction/') === true) void interact(library, provider, everyone, request, response)
    else void answer(request, response)
  })
}

function configure(
  library: Library,
  options: IdpOptions,
  everyone: readonly Person[],
  jwk: Readonly<Record<string, unknown>>,
  secrets: { readonly console: string; readonly workload: string },
): Configuration {
  const audience = options.audience ?? 'sallyport:demo'
  return {
    jwks: { keys: [jwk] },
    cookies: { keys: [randomBytes(24).toString('base64url')] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: consoleClientId,
        client_name: 'Sallyport console',
        client_secret: secrets.console,
        grant_types: ['authorization_code'],
        redirect_uris: [...(options.redirectUris ?? ['http://localhost/auth/callback'])],
      },
      {
        client_id: cliClientId,
        client_name: 'Sallyport command line',
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
        response_types: [],
        redirect_uris: [],
      },
      {
        client_id: workloadId,
        client_secret: secrets.workload,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => accountOf(everyone, id),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: grantEverything,
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      ClientCredentials: options.workloadTokenSeconds ?? 600,
      DeviceCode: 600,
      Grant: 3_600,
      IdToken: 600,
      Interaction: 600,
      Session: 3_600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, _out, error) => {
          ctx.body = codePage(form, error === undefined ? '' : 'This code is not known, or was used or is too old.')
        },
        userCodeConfirmSource: (ctx, form, client, _device, userCode) => {
          ctx.body = confirmPage(form, client.clientName ?? client.clientId, userCode)
        },
        successSource: (ctx) => {
          ctx.body = donePage(ctx.oidc.client?.clientName ?? 'the device')
        },
      },
      resourceIndicators: {
        enabled: true,
        // Without `peopleAudience` only the workload gets tokens for the installation: a person's login never gives one
        // (THREATS, confused audience).
        getResourceServerInfo: (_ctx, resource, client) => {
          const wanted = client.clientId === workloadId ? audience : options.peopleAudience
          if (resource !== wanted) throw new library.errors.InvalidTarget()
          return { scope: '', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }
        },
      },
    },
  }
}

function accountOf(everyone: readonly Person[], id: string) {
  const person = everyone.find((candidate) => candidate.login === id)
  if (person === undefined) return undefined
  const { login, name, email, groups } = person
  return {
    accountId: login,
    claims: () => ({ sub: login, name, preferred_username: login, email, groups: [...groups] }),
  }
}

/** Our own clients: nobody is asked what they may know. */
async function grantEverything(ctx: KoaContextWithOIDC) {
  const clientId = ctx.oidc.client?.clientId
  const accountId = ctx.oidc.session?.accountId
  if (clientId === undefined || accountId === undefined) return undefined
  const grant = new ctx.oidc.provider.Grant({ clientId, accountId })
  grant.addOIDCScope(scopes)
  await grant.save()
  return grant
}

/** The login page: shown on GET, checked on POST. */
async function interact(
  library: Library,
  provider: Provider,
  everyone: readonly Person[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const show = (status: number, error: string) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    response.end(loginPage(request.url ?? '', everyone, demoPassword, error))
  }
  try {
    await provider.interactionDetails(request, response)
    if (request.method !== 'POST') return show(200, '')
    const form = new URLSearchParams(await readForm(request))
    const person = everyone.find((candidate) => candidate.login === form.get('login'))
    if (person === undefined || form.get('password') !== demoPassword) return show(403, 'That is not right. Try again.')
    await provider.interactionFinished(request, response, { login: { accountId: person.login } })
  } catch (thrown) {
    const isOver = thrown instanceof library.errors.SessionNotFound
    response.writeHead(isOver ? 404 : 500, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(isOver ? 'This login is over. Start it again.\n' : 'The login failed.\n')
  }
}

async function readForm(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > formBytesMax) throw new Error('the form is too long')
  }
  return text
}

async function approve(issuer: string, userCode: string, login: string): Promise<void> {
  const browser = new Browser()
  const start = await browser.get(`${issuer}/device?user_code=${encodeURIComponent(userCode)}`)
  const confirm = await browser.submit(start)
  const signin = await browser.submit(confirm, { confirm: 'yes' })
  const done = await browser.submit(signin, { login, password: demoPassword })
  if (done.status !== 200 || !done.body.includes('You are logged in'))
    throw new SallyportError(
      'LOGIN_FAILED',
      `the device was not confirmed as "${login}" (${done.status} at ${done.url})`,
    )
}

async function form(url: string, fields: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) })
  const answer: Record<string, unknown> = Object(await response.json())
  if (!response.ok)
    throw new SallyportError(
      'LOGIN_FAILED',
      `${url}: ${String(answer['error'])} ${String(answer['error_description'])}`,
    )
  return answer
}

/** The whole device flow at a provider of ours that runs anywhere: an ID token for the CLI's client. */
export async function deviceIdTokenOf(issuer: string, login: string): Promise<string> {
  const started = await form(`${issuer}/device/auth`, { client_id: cliClientId, scope: scopes })
  await approve(issuer, String(started['user_code']), login)
  const tokens = await form(`${issuer}/token`, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: String(started['device_code']),
    client_id: cliClientId,
  })
  return String(tokens['id_token'])
}

/** A JWT access token of the workload, by client credentials. */
export async function workloadTokenOf(issuer: string, audience: string, secret: string): Promise<string> {
  const tokens = await form(`${issuer}/token`, {
    grant_type: 'client_credentials',
    client_id: workloadId,
    client_secret: secret,
    resource: audience,
  })
  return String(tokens['access_token'])
}
