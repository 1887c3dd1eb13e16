// Against a stand-in of AWS that checks Signature Version 4 as AWS writes it down ("Create a signed AWS API request"), over a real
// connection: Secrets Manager, credentials of containers, roles for tokens of a cluster. None of it was run against AWS.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from '@sallyport/base/clock'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { awsReader } from './aws.ts'
import { AwsSettings } from './aws-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-aws-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const fileWith = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const state = {
  keys: new Map<string, { secret: string; session: string | null }>(),
  value: '',
  reads: 0,
  given: 0,
  expiresMs: 0,
}
const startMs = Date.UTC(2026, 5, 1, 12)
beforeEach(() => {
  state.keys = new Map([['AKIA1', { secret: 'first-secret', session: null }]])
  state.value = JSON.stringify({ username: 'app_rw', password: 'first-password', port: 5432 })
  Object.assign(state, { reads: 0, given: 0, expiresMs: startMs + 3_600_000 })
})

/** Signature of a canonical request: the derived key of date, region and service. */
function proofOf(secret: string, canonical: string, date: string, place: string): string {
  const [day = '', region = '', service = ''] = place.split('/')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (from, part) => hmac(from, part),
    `AWS4${secret}`,
  )
  return hmac(key, ['AWS4-HMAC-SHA256', date, place, sha256(canonical)].join('\n')).toString('hex')
}
const same = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

function isSigned(request: IncomingMessage, body: string): boolean {
  const form = /^AWS4-HMAC-SHA256 Credential=(\w+)\/([\w/-]+), SignedHeaders=([a-z0-9;-]+), Signature=(\w+)$/
  const [, id = '', place = '', names = '', proof = ''] = form.exec(request.headers.authorization ?? '') ?? []
  const known = state.keys.get(id)
  if (known === undefined || !place.endsWith('/eu-central-1/secretsmanager/aws4_request')) return false
  if ((request.headers['x-amz-security-token'] ?? null) !== known.session) return false
  const signed = names.split(';')
  const wanted = ['host', 'x-amz-date', 'x-amz-target', ...(known.session === null ? [] : ['x-amz-security-token'])]
  if (!wanted.every((name) => signed.includes(name))) return false
  const headers = signed.map((name) => `${name}:${String(request.headers[name])}`)
  const canonical = ['POST', '/', '', ...headers, '', names, sha256(body)].join('\n')
  return same(proofOf(known.secret, canonical, String(request.headers['x-amz-date']), place), proof)
}

function given() {
  const id = `ASIA${++state.given}`
  state.keys.set(id, { secret: `secret-${id}`, session: `session-${id}` })
  return { id, secret: `secret-${id}`, session: `session-${id}` }
}

async function answer(request: IncomingMessage): Promise<[number, unknown]> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  if (request.url === '/v1/credentials') {
    if (request.headers.authorization !== 'pod-token') return [401, {}]
    const { id, secret, session } = given()
    const Expiration = new Date(state.expiresMs).toISOString()
    return [200, { AccessKeyId: id, SecretAccessKey: secret, Token: session, Expiration }]
  }
  const form = new URLSearchParams(body)
  if (form.get('Action') === 'AssumeRoleWithWebIdentity') {
    if (form.get('WebIdentityToken') !== 'cluster-token') return [400, { Error: { Code: 'InvalidIdentityToken' } }]
    const { id: AccessKeyId, secret: SecretAccessKey, session: SessionToken } = given()
    const Credentials = { AccessKeyId, SecretAccessKey, SessionToken, Expiration: state.expiresMs / 1_000 }
    return [200, { AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } } }]
  }
  if (!isSigned(request, body)) return [400, { __type: 'InvalidSignatureException', message: 'hunter2' }]
  if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') return [400, { __type: 'UnknownOperation' }]
  if (JSON.parse(body).SecretId !== 'prod/orders')
    return [400, { __type: 'com.amazonaws.secretsmanager#ResourceNotFoundException', message: 'not there' }]
  state.reads++
  return [200, { Name: 'prod/orders', SecretString: state.value, VersionStages: ['AWSCURRENT'] }]
}

const server = createServer((request, response) => {
  void answer(request).then(([status, json]) => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(json))
  })
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const ownKeys = (secret = 'first-secret') => ({
  keys: { accessKeyId: { env: 'KEY_ID' }, secretAccessKey: { file: fileWith('secret', `${secret}\n`) } },
})
function reader(auth: unknown = ownKeys()) {
  const clock = manualClock(startMs)
  const settings = AwsSettings.parse({ auth, secretsManager: origin() })
  return { clock, aws: awsReader({ settings, clock, environment: { KEY_ID: 'AKIA1' } }) }
}
const orders = { region: 'eu-central-1', id: 'prod/orders' }
const unavailable = { code: 'CREDENTIAL_UNAVAILABLE' }

describe('AWS Secrets Manager', () => {
  it('gives the whole text, or a field of it, once for many logins, and what was rotated soon after', async () => {
    const { aws, clock } = reader()
    const once = async () => (await aws.secret({ ...orders, field: 'password' })).reveal()
    expect(await Promise.all([once(), once(), once()])).toEqual(Array(3).fill('first-password'))
    expect((await aws.secret({ ...orders, field: 'port' })).reveal()).toBe('5432')
    expect((await aws.secret(orders)).reveal()).toBe(state.value)
    expect(state.reads).toBe(1)
    state.value = JSON.stringify({ password: 'second-password' })
    expect(await once()).toBe('first-password')
    clock.advance(5_001)
    expect(await once()).toBe('second-password')
  })

  it('is asked with keys of a file that somebody else renews', async () => {
    const { aws, clock } = reader()
    await aws.secret(orders)
    state.keys.set('AKIA1', { secret: 'next-secret', session: null })
    clock.advance(5_001)
    const refused = await aws.secret(orders).catch((thrown: Error) => thrown)
    expect(refused).toMatchObject({ ...unavailable, message: /400 \(InvalidSignatureException\)/ })
    expect(JSON.stringify(refused)).not.toContain('hunter2')
    fileWith('secret', 'next-secret\n')
    expect((await aws.secret(orders)).reveal()).toBe(state.value)
  })

  it.each<[string, () => unknown]>([
    [
      'the keys of its container',
      () => ({ container: { uri: `${origin()}/v1/credentials`, tokenFile: fileWith('pod', 'pod-token') } }),
    ],
    [
      'a role for the token of its cluster',
      () => ({
        webIdentity: {
          roleArn: 'arn:aws:iam::111122223333:role/sallyport-agent',
          tokenFile: fileWith('cluster', 'cluster-token'),
          region: 'eu-central-1',
          sts: origin(),
        },
      }),
    ],
  ])('is asked with %s, which are asked for again before they end', async (_, auth) => {
    const { aws, clock } = reader(auth())
    expect((await aws.secret({ ...orders, field: 'password' })).reveal()).toBe('first-password')
    clock.advance(3_200_000)
    await aws.secret(orders)
    expect(state.given).toBe(1)
    state.expiresMs = startMs + 7_200_000
    clock.advance(200_000)
    await aws.secret(orders)
    expect(state.given).toBe(2)
  })

  it.each<[string, object, RegExp]>([
    ['a secret that is not there', { ...orders, id: 'prod/none' }, /ResourceNotFoundException\) for "prod\/none"/],
    ['a field that is not there', { ...orders, field: 'nothing' }, /no field "nothing"/],
    ['a field that every object has', { ...orders, field: 'toString' }, /no field/],
    ['another region than the keys sign for', { ...orders, region: 'us-east-1' }, /InvalidSignature/],
  ])('R-6.17: refuses %s, without a value', async (_, asked, words) => {
    const refused = await reader()
      .aws.secret(asked as never)
      .catch((thrown: Error) => thrown)
    expect(refused).toMatchObject({ ...unavailable, message: words })
    expect(JSON.stringify(refused)).not.toContain('first-password')
  })

  it('goes elsewhere by https alone, and for keys of the platform to its addresses alone', () => {
    const isGood = (settings: object) => AwsSettings.safeParse({ auth: ownKeys(), ...settings }).success
    expect(isGood({ secretsManager: 'https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com' })).toBe(true)
    expect(isGood({ secretsManager: 'http://secrets.internal' })).toBe(false)
    expect(isGood({ auth: { container: {} } })).toBe(true)
    expect(isGood({ auth: { container: { uri: 'http://169.254.169.254/latest' } } })).toBe(false)
  })
})

describe('a token of RDS', () => {
  /** What RDS does with it: the signature of a GET of the service for this host and user, not older than it says. */
  function letsIn(token: string, address: string, user: string, nowMs: number): boolean {
    const url = new URL(`https://${token}`)
    const query = url.search.slice(1).split('&')
    const proof = query.pop()?.replace('X-Amz-Signature=', '') ?? ''
    const { searchParams: said } = url
    const [id = '', ...place] = (said.get('X-Amz-Credential') ?? '').split('/')
    const known = state.keys.get(id)
    const date = said.get('X-Amz-Date') ?? ''
    const sinceMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    const isMeant = said.get('Action') === 'connect' && said.get('DBUser') === user && token.startsWith(`${address}/?`)
    const isFresh = nowMs >= sinceMs && nowMs < sinceMs + Number(said.get('X-Amz-Expires')) * 1_000
    if (known === undefined || !isMeant || !isFresh || place.join('/').split('/')[2] !== 'rds-db') return false
    if (said.get('X-Amz-Security-Token') !== known.session) return false
    const canonical = ['GET', '/', query.join('&'), `host:${address}`, '', 'host', sha256('')].join('\n')
    return (
      [...query].sort().join() === query.join() && same(proofOf(known.secret, canonical, date, place.join('/')), proof)
    )
  }
  const address = 'orders.abc.eu-central-1.rds.amazonaws.com:5432'

  it('lets its user in at its address, while it lives, and nobody else anywhere', async () => {
    const { aws, clock } = reader()
    const token = (await aws.rdsToken('eu-central-1', address, 'app_rw')).reveal()
    expect(letsIn(token, address, 'app_rw', clock.nowMs())).toBe(true)
    expect(letsIn(token, address, 'postgres', clock.nowMs())).toBe(false)
    expect(letsIn(token, 'other:5432', 'app_rw', clock.nowMs())).toBe(false)
    expect(letsIn(token.replace('app_rw', 'postgres'), address, 'postgres', clock.nowMs())).toBe(false)
    expect(letsIn(token, address, 'app_rw', clock.nowMs() + 900_000)).toBe(false)
  })

  it('is the same for ten minutes, so that connections are shared, and then another', async () => {
    const { aws, clock } = reader()
    const next = async (user = 'app_rw') => (await aws.rdsToken('eu-central-1', address, user)).reveal()
    const first = await next()
    clock.advance(599_000)
    expect(await next()).toBe(first)
    expect(await next('app_ro')).not.toBe(first)
    clock.advance(1_001)
    const second = await next()
    expect(second).not.toBe(first)
    expect(letsIn(second, address, 'app_rw', clock.nowMs())).toBe(true)
  })

  it('is made anew with keys that took the place of others, with their session', async () => {
    const uri = `${origin()}/v1/credentials`
    const { aws, clock } = reader({ container: { uri, tokenFile: fileWith('pod', 'pod-token') } })
    state.expiresMs = startMs + 360_000
    const first = (await aws.rdsToken('eu-central-1', address, 'app_rw')).reveal()
    expect(letsIn(first, address, 'app_rw', clock.nowMs())).toBe(true)
    clock.advance(200_000)
    const second = (await aws.rdsToken('eu-central-1', address, 'app_rw')).reveal()
    expect(second).not.toBe(first)
    expect(letsIn(second, address, 'app_rw', clock.nowMs())).toBe(true)
  })
})
