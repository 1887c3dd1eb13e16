// How the agent proves itself to an HTTP API: tokens by OAuth, signatures of AWS, certificates. None of it comes from a caller, and
// none of it comes back (THREATS ).
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isHttpTarget } from '@sallyport/policy/document'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { oauthEndpoints, oauthTokens } from '../src/http/oauth.ts'
import { openUpstreams } from '../src/http/upstream.ts'
import { makeCertificate } from './certificates.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let issuer: TestApi
let guarded: Server
let path: DataPath
let ports: Ports
let ca = ''
const { send } = httpClient(() => path)
const clientSecret = 'client secret/0815+4711'
const awsSecret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
let tokens = 0
let tests = 0

interface Ports {
  readonly api: number
  readonly issuer: number
  readonly guarded: number
}
const documents = (scope = 'orders.read orders.write'): string => `
${httpTarget('crm', ports.api)}
  credential:
    oauth:
      tokenUrl: http://127.0.0.1:${ports.issuer}/oauth2/token?tenant=a%20b
      clientId: "agent:1"
      clientSecret: { env: CLIENT_SECRET }
      scope: ${scope}
---
${httpTarget('bucket', ports.api, '/base')}
  credential:
    sigv4: { region: eu-central-1, service: s3, accessKeyId: { env: AWS_ID }, secretAccessKey: { env: AWS_SECRET }, sessionToken: { env: AWS_SESSION } }
---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: guarded }
spec:
  protocol: http
  agents: [test]
  url: https://127.0.0.1:${ports.guarded}
  network: loopback
  tls:
    serverName: localhost
    ca: |
${ca.trim().replace(/^/gm, '      ')}
    client: { certificate: { env: CLIENT_CERTIFICATE }, key: { env: CLIENT_KEY } }
  credential: none
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
`

beforeAll(async () => {
  api = await startApi()
  issuer = await startApi()
  const server = await makeCertificate()
  const client = await makeCertificate()
  guarded = createServer(
    { cert: server.certificate, key: server.key, ca: client.ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN),
  )
  guarded.listen(0, '127.0.0.1')
  await once(guarded, 'listening')
  const { port } = guarded.address() as AddressInfo
  ports = { api: api.port, issuer: issuer.port, guarded: port }
  ca = server.ca
  path = await startDataPath({
    yaml: documents(),
    environment: {
      CLIENT_SECRET: clientSecret,
      AWS_ID: 'AKIDEXAMPLE',
      AWS_SECRET: awsSecret,
      AWS_SESSION: 'session-token-of-the-role',
      CLIENT_CERTIFICATE: client.certificate,
      CLIENT_KEY: client.key,
    },
  })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
  await issuer.stop()
  guarded.closeAllConnections()
  await new Promise((resolve) => guarded.close(resolve))
})
beforeEach(() => {
  api.seen.length = 0
  issuer.seen.length = 0
  path.recorder.entries.length = 0
  api.answer = (_request, response) => response.end('ok')
  issuer.answer = (_request, response) => {
    tokens += 1
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: `token-number-${tokens}`, token_type: 'Bearer', expires_in: 600 }))
  }
  // Another document is another token.
  tests += 1
  path.snapshots.publish(path.snapshot(documents(`scope-${tests}`)))
})

describe('a token by OAuth', () => {
  it('is asked for once, however many requests need it, and used while it is good', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => send('/crm/x')))
    expect(replies.every(({ status }) => status === 200)).toBe(true)
    expect(issuer.seen).toHaveLength(1)
    expect(issuer.seen[0]).toMatchObject({ method: 'POST', url: '/oauth2/token?tenant=a%20b' })
    expect(Object.fromEntries(new URLSearchParams(issuer.seen[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: `scope-${tests}`,
    })
    const pair = `${encodeURIComponent('agent:1')}:${new URLSearchParams({ x: clientSecret }).toString().slice(2)}`
    expect(issuer.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from(pair).toString('base64')}`)
    expect(new Set(api.seen.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer token-number-${tokens}`]),
    )
  })
  it('is asked for again before its life ends, and when the API refuses it, but not with every request', async () => {
    let nowMs = 1_000_000
    const upstreams = openUpstreams()
    const [document] = path.snapshot(documents()).targets.values()
    if (document === undefined || !isHttpTarget(document.document)) throw new Error('no target')
    const target = document.document
    const oauth = {
      tokenUrl: `http://127.0.0.1:${issuer.port}/oauth2/token`,
      clientId: 'agent',
      clientSecret: { env: 'CLIENT_SECRET' },
      audience: 'https://api.example',
      sendAs: 'form',
    } as const
    const clock = { nowMs: () => nowMs }
    const environment = { CLIENT_SECRET: clientSecret }
    const all = oauthTokens({ clock, source: oauthEndpoints({ upstreams, environment, clock }) })
    const first = (await all.of(target, oauth)).secret.reveal()
    expect(Object.fromEntries(new URLSearchParams(issuer.seen[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      audience: 'https://api.example',
      client_id: 'agent',
      client_secret: clientSecret,
    })
    expect(issuer.seen[0]?.headers.authorization).toBeUndefined()
    nowMs += 569_999
    expect((await all.of(target, oauth)).secret.reveal()).toBe(first)
    nowMs += 1
    const second = (await all.of(target, oauth)).secret.reveal()
    expect(second).not.toBe(first)
    all.refused(target)
    expect((await all.of(target, oauth)).secret.reveal()).toBe(second)
    nowMs += 10_000
    all.refused(target)
    const third = (await all.of(target, oauth)).secret.reveal()
    expect(third).not.toBe(second)
    expect(issuer.seen).toHaveLength(3)
    await upstreams.close()
  })
  it('never comes back, nor does the secret of the client leave for the API', async () => {
    api.answer = (request, response) => response.end(`you sent ${request.headers.authorization}`)
    const reply = await send('/crm/x')
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'ANSWER_REFUSED' })
    expect(JSON.stringify([reply, path.recorder.entries, path.lines])).not.toMatch(/token-number|client secret/)
    expect(JSON.stringify(api.seen)).not.toContain('client secret')
  })
  it.each<[string, TestApi['answer']]>([
    [
      'refuses',
      (_request, response) =>
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}'),
    ],
    [
      'sends another kind of token',
      (_request, response) => response.end('{"access_token":"token-of-another-kind","token_type":"mac"}'),
    ],
    ['sends what is no JSON', (_request, response) => response.end('token-in-plain-text-4711')],
    [
      'sends a token that no field can hold',
      (_request, response) => response.end('{"access_token":"token\\r\\nx: y","token_type":"bearer"}'),
    ],
    ['never stops', (_request, response) => response.end('x'.repeat(100_000))],
    [
      'leads elsewhere',
      (_request, response) => response.writeHead(302, { location: `http://127.0.0.1:${api.port}/` }).end(),
    ],
    ['is gone', (request) => request.socket.destroy()],
  ])('where its server %s: a neutral refusal, and nothing of it in the log', async (_, answer) => {
    issuer.answer = answer
    const reply = await send('/crm/x')
    expect(JSON.parse(reply.body)).toMatchObject({ status: 502, code: 'CREDENTIAL_UNAVAILABLE' })
    expect(api.seen).toEqual([])
    expect(JSON.stringify([reply, path.lines])).not.toMatch(/client secret|token-of-another|token-in-plain/)
    // What failed is not kept.
    issuer.answer = (_request, response) =>
      response.end('{"access_token":"token-of-a-later-try","token_type":"bearer"}')
    expect((await send('/crm/x')).status).toBe(200)
  })
})

describe('a signature of AWS', () => {
  it('is about what is sent, with the keys of the agent alone', async () => {
    await send('/bucket/a,b?list-type=2&X-Amz-Signature=theirs', {
      method: 'PUT',
      body: 'content',
      headers: { 'x-amz-acl': 'private', 'x-amz-date': '20000101T000000Z', 'x-amz-security-token': 'theirs' },
    })
    expect(api.seen[0]).toMatchObject({ method: 'PUT', url: '/base/a,b?list-type=2', body: 'content' })
    const { headers = {} } = api.seen[0] ?? {}
    expect(headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/[0-9]{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
    )
    expect(headers['x-amz-date']).toMatch(/^20[0-9]{6}T[0-9]{6}Z$/)
    expect(headers['x-amz-security-token']).toBe('session-token-of-the-role')
    expect(headers['x-amz-content-sha256']).toBe('ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73')
    expect(JSON.stringify(api.seen)).not.toContain(awsSecret)
  })
})

describe('a certificate', () => {
  it('is shown to an API that asks for one', async () => {
    expect(await send('/guarded/x')).toMatchObject({ status: 200, body: 'agent' })
  })

  it('that is no certificate, or not that of the key, ends the request and not the agent (R-6.20)', async () => {
    const target = path.snapshots.current().targets.get('guarded')?.document
    if (target === undefined || !isHttpTarget(target)) throw new Error('no such target')
    const [one, other] = [await makeCertificate(), await makeCertificate()]
    for (const key of [other.key, 'half of a ke']) {
      const upstreams = openUpstreams({ CLIENT_CERTIFICATE: one.certificate, CLIENT_KEY: key })
      const request = { method: 'GET', path: '/', fields: [], body: null, signal: AbortSignal.timeout(10_000) }
      await expect(upstreams.send(target, request)).rejects.toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE' })
      await upstreams.close()
    }
  })
})

it('a signed request carries no credential outward in a body that is read to be signed (R-4.12)', async () => {
  const body = `${'x'.repeat(70_000)}${awsSecret}`
  const headers = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }
  const reply = await send('/bucket/mine', { method: 'PUT', body, headers })
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'OUTWARD_SECRET' })
  expect(api.seen).toEqual([])
})

describe('a second object of a request to an object store', () => {
  it('is refused, since no rule about routes sees it, unless the target lets it pass', async () => {
    const copy = { method: 'PUT', headers: { 'x-amz-copy-source': '/other-bucket/secret' } }
    const refused = await send('/bucket/mine', copy)
    expect(JSON.parse(refused.body)).toMatchObject({ status: 403, code: 'POLICY_UNCOVERED' })
    expect(path.recorder.of('denied')[0]).toMatchObject({ code: 'POLICY_UNCOVERED' })
    expect(api.seen).toEqual([])
    const yaml = documents().replace(/(metadata: \{ name: bucket \}\nspec:\n)/, '$1  passFields: [x-amz-copy-source]\n')
    path.snapshots.publish(path.snapshot(yaml))
    expect((await send('/bucket/mine', copy)).status).toBe(200)
    expect(api.seen[0]?.headers['x-amz-copy-source']).toBe('/other-bucket/secret')
  })
})
