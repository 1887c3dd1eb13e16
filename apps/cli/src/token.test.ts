// A token for a function that acts for the person: what is exchanged for what, and what is printed.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { errorDocsUrl } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import { loginFile, makeWorld, nowMs, runIn, storedLogin } from '../test/world.ts'

const connection = { host: 'agent.example', port: 6432, database: 'shop', user: 'sallyport', ca: 'PEM', url: null }
const own = { token: 'own-token', expiresAt: '2026-06-01T13:00:00.000Z', connection }

function answering(exchanged: object, status = 200) {
  const asked: { path: string; type: string; body: string }[] = []
  const world = makeWorld({
    fetch: async (input, init) => {
      const path = new URL(String(input)).pathname
      asked.push({ path, type: new Headers(init?.headers).get('content-type') ?? '', body: String(init?.body) })
      const isExchange = path === '/oauth2/token'
      return new Response(JSON.stringify(isExchange ? exchanged : own), { status: isExchange ? status : 200 })
    },
  })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  world.stored.set('/run/function', 'function-token\n')
  return { world, asked }
}
const jwt = 'urn:ietf:params:oauth:token-type:jwt'
const given = { access_token: 'delegated', issued_token_type: jwt, token_type: 'N_A', expires_in: 300 }

test('a token alone is the person’s own', async () => {
  const { world, asked } = answering(given)
  expect(await runIn(world, 'token', 'shop')).toMatchObject({ status: 0, stdout: 'own-token\n' })
  expect(asked).toHaveLength(1)
})

test('with the token of a function, both are exchanged for one', async () => {
  const { world, asked } = answering(given)
  const ran = await runIn(world, 'token', 'shop', '--actor-file', '/run/function', '--single-use', '--json')
  expect(ran.status).toBe(0)
  expect(JSON.parse(ran.stdout).result).toEqual({
    token: 'delegated',
    expiresAt: new Date(nowMs + 300_000).toISOString(),
    target: 'shop',
  })
  expect(asked[1]?.type).toBe('application/x-www-form-urlencoded')
  expect(Object.fromEntries(new URLSearchParams(asked[1]?.body))).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'own-token',
    subject_token_type: jwt,
    actor_token: 'function-token',
    actor_token_type: jwt,
    audience: 'shop',
    single_use: 'true',
  })
})

test('a refusal of the exchange has its code and status', async () => {
  const refusal = {
    type: errorDocsUrl('ACTOR_FORBIDDEN'),
    title: 'actor forbidden',
    status: 400,
    code: 'ACTOR_FORBIDDEN',
    detail: 'nothing lets this actor act',
    requestId: 'r1',
    error: 'invalid_target',
    error_description: 'nothing lets this actor act',
    error_uri: errorDocsUrl('ACTOR_FORBIDDEN'),
  }
  const { world } = answering(refusal, 400)
  const ran = await runIn(world, 'token', 'shop', '--actor-file', '/run/function')
  expect(ran).toMatchObject({ status: 5, stdout: '' })
  expect(ran.stderr).toContain('ACTOR_FORBIDDEN')
})

test.each([
  [['--single-use'], 2],
  [['--actor-file', '/nowhere'], 3],
])('%j is refused before anything is sent to the exchange', async (parameters, status) => {
  const { world, asked } = answering(given)
  expect((await runIn(world, 'token', 'shop', ...parameters)).status).toBe(status)
  expect(asked.some(({ path }) => path === '/oauth2/token')).toBe(false)
})

/** The control plane's side of certificates: it keeps the requests that it got. */
function certifying(host = connection.host) {
  const requests: { path: string; body: Record<string, string> }[] = []
  const id = '5'.repeat(32)
  const { url, ...place } = connection
  const given = { role: 'shop_ro', expiresAt: own.expiresAt, connection: { ...place, host } }
  const issued = { id, certificate: 'CERT\n', ...given }
  const world = makeWorld({
    fetch: async (input, init) => {
      requests.push({ path: new URL(String(input)).pathname, body: JSON.parse(String(init?.body)) })
      return new Response(JSON.stringify(issued), { status: 201 })
    },
    env: { HOME: '/home/ann', PGPASSWORD: 'of another server', PGSSLCERT: '/elsewhere.crt' },
    async run(command, parameters, env) {
      world.started.push({ command, parameters, env })
      seen.push(...[env['PGSSLKEY'], env['PGSSLCERT']].map((path) => world.stored.get(path ?? '') ?? 'nothing'))
      return 7
    },
  })
  const seen: string[] = []
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  return { world, requests, seen }
}

test('connect --certificate sends a request and no key, and takes both files away with the client', async () => {
  const { world, requests, seen } = certifying()
  const ran = await runIn(world, 'connect', 'shop', '--certificate', '--role', 'shop_ro', '--', 'psql', '-X')
  expect(ran.status).toBe(7)
  expect(requests).toEqual([
    { path: '/api/v1/certificates', body: { target: 'shop', role: 'shop_ro', csr: expect.any(String) } },
  ])
  expect(requests[0]?.body['csr']).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----/)
  expect(JSON.stringify(requests)).not.toContain('PRIVATE')
  const [started] = world.started
  expect(started).toMatchObject({ command: 'psql', parameters: ['-X'] })
  expect(started?.env).toMatchObject({ PGDATABASE: 'shop', PGSSLMODE: 'verify-full' })
  expect(started?.env).not.toHaveProperty('PGPASSWORD')
  expect(seen).toEqual([expect.stringMatching(/^-----BEGIN PRIVATE KEY-----/), 'CERT\n'])
  expect([...world.stored.keys()].filter((path) => path.includes('/certificates/'))).toEqual([])
})

test('connect --certificate without a client leaves the files, and says where they are', async () => {
  const { world } = certifying()
  const ran = await runIn(world, 'connect', 'shop', '--certificate', '--json')
  const { result } = JSON.parse(ran.stdout)
  expect(world.stored.get(result.sslcert)).toBe('CERT\n')
  expect(world.stored.get(result.sslkey)).toContain('PRIVATE KEY')
  expect(result.url).toContain(`sslkey=${encodeURIComponent(result.sslkey)}`)
  expect(ran.stdout).not.toContain('PRIVATE KEY')
  // The same key, as Java reads it.
  const jdbc = new URL(result.jdbc.replace(/^jdbc:/, ''))
  expect(jdbc.searchParams.get('user')).toBe('sallyport')
  const der = Buffer.from(world.stored.get(jdbc.searchParams.get('sslkey') ?? '') ?? '', 'base64')
  const keys = [createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), world.stored.get(result.sslkey) ?? '']
  expect(
    new Set(keys.map((key) => createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('hex'))).size,
  ).toBe(1)
})

test('the address of an agent that is IPv6 stands in brackets', async () => {
  const host = '2001:db8::7'
  const byToken = makeWorld({ fetch: async () => Response.json({ ...own, connection: { ...connection, host } }) })
  byToken.stored.set(loginFile, storedLogin('https://sp.example'))
  const shown = async (world: typeof byToken, ...parameters: string[]) =>
    JSON.parse((await runIn(world, 'connect', 'shop', ...parameters, '--json')).stdout).result
  const { url, jdbc } = await shown(certifying(host).world, '--certificate')
  for (const text of [(await shown(byToken)).url, url, jdbc])
    expect(new URL(text.replace(/^jdbc:/, '')).host).toBe(`[${host}]:${connection.port}`)
})

test('how to connect to a server of MCP is a configuration without a token in it', async () => {
  const world = makeWorld({
    fetch: async () => {
      const at = { ...connection, url: 'https://agent.example:6443/tools', mcp: true }
      return new Response(JSON.stringify({ ...own, connection: at }))
    },
  })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  const ran = await runIn(world, 'connect', 'tools')
  expect(ran.stdout).not.toContain('curl')
  expect(ran.stdout).not.toContain(own.token)
  const config = {
    mcpServers: {
      tools: {
        type: 'http',
        url: 'https://agent.example:6443/tools',
        headers: { Authorization: `Bearer \${SALLYPORT_TOKEN}` },
      },
    },
  }
  expect(JSON.parse(/^\{.*^\}/ms.exec(ran.stdout)?.[0] ?? '')).toEqual(config)
  expect(ran.stdout).toContain('sallyport connect tools -- CLIENT')
  expect(JSON.parse((await runIn(world, 'connect', 'tools', '--json')).stdout).result).toMatchObject({ config })
})
