// `sallyport login` at a provider of OpenID Connect that has no device flow: the console takes its place.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loginFile, makeWorld, runIn } from './world.ts'

let server: Server
let url = ''
const asked: string[] = []
let isOld = false
const answers: Record<string, () => object> = {
  '/.well-known/openid-configuration': () => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
  }),
  '/api/v1/auth/config': () => ({
    installation: 'x',
    ...(isOld ? {} : { deviceLogin: true }),
    providers: [{ kind: 'oidc', name: 'plain', display: 'Plain', issuer: url, cliClientId: 'cli', scopes: 'openid' }],
  }),
  '/api/v1/auth/device': () => ({
    deviceCode: 'secret',
    userCode: 'WDJB-MJHT',
    verificationUri: `${url}/device`,
    verificationUriComplete: `${url}/device?code=WDJB-MJHT`,
    expiresInSeconds: 600,
    intervalSeconds: 5,
  }),
  '/api/v1/auth/device/poll': () => ({
    state: 'confirmed',
    provider: 'plain',
    login: {
      accessToken: 'bearer',
      expiresAt: '2026-06-01T18:00:00.000Z',
      me: {
        issuer: url,
        subject: 'ann',
        display: 'Ann',
        groups: [],
        roles: ['member'],
        expiresAt: '2026-06-01T18:00:00.000Z',
        csrfToken: null,
      },
    },
  }),
}
beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = answers[request.url ?? '']
    asked.push(request.url ?? '')
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(answer === undefined ? '{}' : JSON.stringify(answer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

it('is confirmed in the console', async () => {
  const world = makeWorld({ fetch: globalThis.fetch })
  expect(await runIn(world, 'login', '--url', url)).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/as Ann/),
  })
  expect(JSON.parse(world.stored.get(loginFile) ?? '')).toMatchObject({ provider: 'plain', accessToken: 'bearer' })
  expect(asked).toContain('/.well-known/openid-configuration')
})

it('fails as before at a control plane of before', async () => {
  isOld = true
  const ran = await runIn(makeWorld({ fetch: globalThis.fetch }), 'login', '--url', url)
  expect(ran.status).not.toBe(0)
  expect(ran.stderr).toContain('"plain"')
})
