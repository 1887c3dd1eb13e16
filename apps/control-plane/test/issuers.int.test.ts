// Key sets of trusted issuers, fetched from a real HTTP server: only what is safe to fetch, only what verifies signatures,
// and the last good one when a fetch fails (THREATS ).
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TrustedIssuerDocument } from '@sallyport/policy/document'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createIssuerFetch, issuerAnswerBytesMax, issuerReachOf } from '../src/identities/issuer-fetch.ts'
import {
  createIssuerKeys,
  issuerAttemptMs,
  issuerKeysFreshMs,
  issuerKeysStaleMsMax,
} from '../src/identities/issuers.ts'
import { fetchKeys, keysOf } from '../src/identities/jwks.ts'
import { createLog } from '../src/log.ts'
import { type GrpcStack, startGrpcStack } from './grpc-stack.ts'
import { stopServer } from './stack.ts'

let server: Server
let origin: string
let answer: RequestListener
const asked: string[] = []

beforeEach(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  asked.length = 0
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const documentOf = (changes: Record<string, unknown> = {}) =>
  TrustedIssuerDocument.parse({
    apiVersion: 'sallyport.dev/v1',
    kind: 'TrustedIssuer',
    metadata: { name: 'ci' },
    spec: { issuer: origin, audiences: ['a'], ...changes },
  })
const asking = (allowInsecureLoopback: boolean, issuerNetworks: readonly string[] = []) =>
  createIssuerFetch(issuerReachOf({ allowInsecureLoopback, issuerNetworks }))
const fetching = (changes: Record<string, unknown> = {}, allowInsecureLoopback = true) =>
  fetchKeys({ ask: asking(allowInsecureLoopback) }, documentOf(changes))
const json =
  (value: unknown): RequestListener =>
  (_, response) =>
    void response.end(JSON.stringify(value))
const good = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'one', use: 'sig', alg: 'ES256' }

/** Discovery that names /jwks, and what /jwks answers. */
const issuer =
  (jwks: RequestListener): RequestListener =>
  (request, response) =>
    request.url === '/jwks'
      ? jwks(request, response)
      : json({ issuer: origin, jwks_uri: `${origin}/jwks` })(request, response)

test('keys are found by discovery, and only what verifies signatures is kept', async () => {
  answer = issuer(
    json({
      keys: [
        { ...good, d: 'private', x5c: ['x'], jku: 'https://evil.example' },
        { kty: 'oct', k: 'shared', kid: 'hmac' },
        { ...good, use: 'enc', kid: 'encryption' },
        { kty: 'RSA', n: 'n', kid: 'incomplete' },
        { kty: 'constructor' },
      ],
    }),
  )
  expect(await fetching()).toEqual([good])
  expect(asked).toEqual(['/.well-known/openid-configuration', '/jwks'])
})

test('a jwksUri is fetched without discovery', async () => {
  answer = json({ keys: [good] })
  expect(await fetching({ jwksUri: `${origin}/keys` })).toEqual([good])
  expect(asked).toEqual(['/keys'])
})

test.each<[string, () => RequestListener, RegExp]>([
  [
    'a redirect',
    () => (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    /no answer/,
  ],
  ['an error', () => (_, response) => void response.writeHead(500).end(), /status 500/],
  [
    'an answer that is too large',
    () => (_, response) => void response.end(Buffer.alloc(issuerAnswerBytesMax + 1, 32)),
    /too large/,
  ],
  ['no JSON', () => (_, response) => void response.end('<html>'), /not JSON/],
  [
    'discovery that speaks for another issuer',
    () => json({ issuer: 'https://other.example', jwks_uri: 'https://x.example' }),
    /another issuer/,
  ],
  ['discovery without keys', () => json({ issuer: origin }), /no jwks_uri/],
  [
    'discovery that points to another scheme',
    () => json({ issuer: origin, jwks_uri: 'file:///etc/passwd' }),
    /not an https address/,
  ],
  [
    'discovery that points to plain http elsewhere',
    () => json({ issuer: origin, jwks_uri: 'http://10.0.0.1/keys' }),
    /not an https address/,
  ],
  ['a key set that is none', () => issuer(json({ keys: 'x' })), /no JWK set/],
  ['a key set with nothing usable', () => issuer(json({ keys: [{ kty: 'oct', k: 'x' }] })), /no public signature key/],
  ['too many keys', () => issuer(json({ keys: Array.from({ length: 101 }, () => good) })), /no JWK set/],
])('%s is refused with a reason', async (_, make, reason) => {
  answer = make()
  await expect(fetching()).rejects.toThrow(reason)
})

test('plain http on loopback needs to be allowed', async () => {
  answer = issuer(json({ keys: [good] }))
  await expect(fetching({}, false)).rejects.toThrow(/not an https address/)
  expect(asked).toEqual([])
})

test.each([
  ['a private address', 'https://10.0.0.1/keys', /not a public one/],
  ['another way to write one', 'https://0x0a000001/keys', /not a public one/],
  ['the metadata of a cloud', 'https://169.254.169.254/keys', /metadata/],
  ['metadata in a mapped address', 'https://[::ffff:169.254.169.254]/keys', /hides another/],
  ['this machine', 'https://127.0.0.1/keys', /not a public one/],
  ['a name of this machine', 'https://localhost/keys', /not a public one/],
])('R-6.2: keys are not fetched from %s', async (_, jwksUri, reason) => {
  await expect(fetchKeys({ ask: asking(false) }, documentOf({ jwksUri }))).rejects.toThrow(reason)
})

test('a network that the operator named is reached, its metadata is not', async () => {
  const ask = asking(false, ['127.0.0.0/8', '169.254.0.0/16'])
  const get = { method: 'GET', headers: {} } as const
  // Nothing speaks TLS there: it was dialled.
  await expect(ask(origin.replace('http:', 'https:'), get)).rejects.toThrow(/no answer/)
  await expect(ask('https://169.254.169.254/', get)).rejects.toThrow(/metadata/)
})

test('pinned keys are used as they are, without what is private, and of AWS there are none', () => {
  const fetched = new Map([[origin, { jwks: { keys: [{ kid: 'fetched' }] } }]])
  expect(keysOf(documentOf(), fetched).keys).toEqual([{ kid: 'fetched' }])
  expect(keysOf(documentOf({ jwks: { keys: [{ ...good, d: 'private' }] } }), fetched).keys).toEqual([good])
  expect(keysOf(documentOf({ preset: 'aws' }), fetched).keys).toEqual([])
})

let stack: GrpcStack
beforeAll(async () => {
  stack = await startGrpcStack()
})
afterAll(async () => {
  await stack.stop()
  await stopServer()
})

test('key sets are refreshed in time, kept when a fetch fails, and dropped when they are too old', async () => {
  await stack.documents(documentOf())
  let changes = 0
  const keys = createIssuerKeys({
    db: stack.db,
    clock: stack.clock,
    log: createLog('silent'),
    ask: asking(true),
    changed: () => changes++,
  })
  const current = async () => (await keys.current()).get(origin)?.jwks.keys.map(({ kid }) => kid)
  answer = issuer(json({ keys: [good] }))
  await keys.refresh()
  expect([await current(), changes]).toEqual([['one'], 1])
  await keys.refresh()
  expect(asked).toHaveLength(2)
  stack.clock.advance(issuerKeysFreshMs)
  await keys.refresh()
  expect([asked.length, changes]).toEqual([4, 1])
  answer = (_, response) => void response.writeHead(503).end()
  stack.clock.advance(issuerKeysFreshMs)
  await keys.refresh()
  await keys.refresh()
  expect([asked.length, await current()]).toEqual([5, ['one']])
  answer = issuer(json({ keys: [{ ...good, kid: 'two' }] }))
  stack.clock.advance(issuerAttemptMs)
  await keys.refresh()
  expect([await current(), changes]).toEqual([['two'], 2])
  stack.clock.advance(issuerKeysStaleMsMax + 1)
  expect(await current()).toBeUndefined()
  keys.stop()
})

test('R-6.2: keys of a place that the document no longer names are believed no more, and those of the new one are fetched at once', async () => {
  const deps = { db: stack.db, clock: stack.clock, log: createLog('silent'), ask: asking(true) }
  let changes = 0
  const keys = createIssuerKeys({ ...deps, changed: () => changes++ })
  const believed = async (document: TrustedIssuerDocument) =>
    keysOf(document, await keys.current()).keys.map(({ kid }) => kid)
  const [former, next] = [documentOf({ jwksUri: `${origin}/former` }), documentOf({ jwksUri: `${origin}/next` })]
  answer = json({ keys: [good] })
  await stack.documents(former)
  await keys.refresh()
  expect(await believed(former)).toEqual(['one'])
  await stack.documents(next)
  expect(await believed(next)).toEqual([])
  answer = (_, response) => void response.writeHead(503).end()
  await keys.refresh()
  expect([asked, await believed(next), changes]).toEqual([['/former', '/next'], [], 1])
  answer = json({ keys: [{ ...good, kid: 'two' }] })
  stack.clock.advance(issuerAttemptMs)
  await keys.refresh()
  expect([await believed(next), await believed(former), changes]).toEqual([['two'], [], 2])
  keys.stop()
})
