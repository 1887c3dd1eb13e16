// Client certificates through a real listener to a real PostgreSQL: psql and node-postgres by key and certificate alone, and
// certificates that look as if they were good.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorOf } from './asking.ts'
import { makeCertificate, type Pair, type Wanted } from './certificates.ts'
import { type DataPath, type Shown, startDataPath } from './data-path.ts'
import { hasPsql, psqlAt } from './psql.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let real: RealTarget
let path: DataPath
const folder = mkdtempSync(join(tmpdir(), 'sallyport-certificate-'))

const policy = `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: all }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
    - { name: strong-only, effect: deny, operations: [select], objects: [public.strong_only], when: session.strength < 3 }
    - name: no-passwords
      effect: deny
      operations: [select]
      objects: [public.by_key]
      when: session.authentication != "client-certificate"
`

beforeAll(async () => {
  real = await startRealTarget({
    schema: `
      create role app_ro login password 'app-secret-2';
      create table strong_only (id int);
      create table by_key (id int);
      grant select on strong_only, by_key to app, app_ro`,
  })
  const target = (name: string): string =>
    targetDocument(real.server.port, '', name, { app: 'APP_PASSWORD', app_ro: 'APP_RO_PASSWORD' })
  const environment = { ...targetEnvironment, APP_RO_PASSWORD: 'app-secret-2' }
  path = await startDataPath({ yaml: target('shop') + target('other') + policy, environment })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await real?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const id = 'c'.repeat(32)
interface Certified extends Shown {
  /** What stands in the record in place of what should. */
  readonly record?: { readonly typ?: string; readonly key?: string; readonly jti?: string }
  readonly wanted?: Partial<Wanted>
  readonly names?: (record: string) => readonly string[]
}

/** Signed by the authority of the listener, for a key made here. */
async function certificateOf(shown: Certified = {}, sign = path.sign): Promise<Pair> {
  const { record = {}, wanted, names, ...rest } = shown
  const uris = async (keyHash: string) => {
    const signed = await path.token({
      role: 'app_ro',
      jti: record.jti ?? id,
      ...rest,
      forged: {
        header: { typ: record.typ ?? 'sallyport-certificate+jwt' },
        claims: { sp_key: record.key ?? keyHash },
        ...rest.forged,
      },
    })
    return names?.(signed) ?? [`spiffe://sallyport/test/caller/${id}`, `sallyport-record:${signed}`]
  }
  return await sign({ uris, ...wanted })
}

async function clientOf({ certificate, key }: Pair, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: path.port,
    database: 'shop',
    user: 'sallyport',
    // What a client sends that is asked for a password all the same.
    password: 'none',
    ssl: { ca: path.ca, servername: 'localhost', cert: certificate, key },
    ...more,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

const streamOf = (client: pg.Client): TLSSocket => (client as any).connection.stream

describe('a client certificate is the login', () => {
  it('of node-postgres: the role that it names, recorded with its method, its strength a fact for rules', async () => {
    const client = await clientOf(await certificateOf())
    expect((await client.query('select current_user as role')).rows).toEqual([{ role: 'app_ro' }])
    await client.query('select id from public.strong_only')
    await client.query('select id from public.by_key')
    await client.end()
    const opened = path.recorder.of('session-opened').find(({ tokenIds }) => tokenIds.includes(id))
    expect(opened).toMatchObject({ authentication: 'client-certificate', tls: true, upstreamRole: 'app_ro' })
    const token = await path.connect()
    for (const table of ['strong_only', 'by_key'])
      expect((await errorOf(token.query(`select id from public.${table}`))).code).toBe('42501')
    await token.end()
  })

  it.skipIf(!hasPsql)('of psql, which has no password at all', async () => {
    const { certificate, key } = await certificateOf()
    const files = { sslcert: join(folder, 'a.crt'), sslkey: join(folder, 'a.key'), sslrootcert: join(folder, 'ca.pem') }
    for (const [file, text] of [
      [files.sslcert, certificate],
      [files.sslkey, key],
      [files.sslrootcert, path.ca],
    ] as const)
      writeFileSync(file, `${text}\n`, { mode: 0o600 })
    const asked = { ...files, host: 'localhost', port: String(path.port), dbname: 'shop', user: 'app_ro' }
    expect(await psqlAt({ ...asked, sslmode: 'verify-full' }, 'select current_user')).toMatchObject({
      status: 0,
      stdout: 'app_ro\n',
    })
  })

  it('R-6.3: ends with its revocation, prepared statements and all', async () => {
    const pair = await certificateOf()
    const client = await clientOf(pair)
    const prepared = { name: 'before', text: 'select 1 as one' }
    await client.query(prepared)
    const ended = once(client, 'error')
    const snapshot = path.snapshots.current()
    const revocation = { jti: id, issuer: 'https://sallyport.test', subject: '', beforeMs: Date.now() }
    path.snapshots.publish({ ...snapshot, revocations: [revocation] })
    expect((await ended)[0]).toMatchObject({ code: '57P01' })
    expect(await errorOf(clientOf(pair))).toMatchObject({ code: '28P01', hint: expect.stringMatching(/TOKEN_REVOKED/) })
    path.snapshots.publish(snapshot)
  })

  it('R-6.3: goes on in a TLS session that is resumed, and is judged anew there', async () => {
    const first = await clientOf(await certificateOf())
    await first.query('select 1')
    const session = streamOf(first).getSession()
    await first.end()
    // Who resumes has no certificate to show: the session is that of the first.
    const ssl = { ca: path.ca, servername: 'localhost', session }
    const asked = { host: '127.0.0.1', port: path.port, database: 'shop', user: 'sallyport', password: 'none', ssl }
    const second = new pg.Client(asked)
    await second.connect()
    expect(streamOf(second).isSessionReused()).toBe(true)
    expect((await second.query('select current_user as role')).rows).toEqual([{ role: 'app_ro' }])
    await second.end()
    const snapshot = path.snapshots.current()
    const revocation = { jti: id, issuer: 'https://sallyport.test', subject: '', beforeMs: Date.now() }
    path.snapshots.publish({ ...snapshot, revocations: [revocation] })
    expect((await errorOf(new pg.Client(asked).connect())).hint).toMatch(/TOKEN_REVOKED/)
    path.snapshots.publish(snapshot)
  })

  it('does not stand in for a ticket or token that the user name asks for', async () => {
    const { user, secret } = await path.tickets.issue()
    const client = await clientOf(await certificateOf(), { user, password: secret })
    expect((await client.query('select current_user as role')).rows).toEqual([{ role: 'app' }])
    await client.end()
  })
})

describe('R-6.2: is refused', () => {
  const isRefused = async (shown: Certified, more: pg.ClientConfig, code: string, words: RegExp) => {
    const error = await errorOf(clientOf(await certificateOf(shown), more))
    expect(`${error.message} ${error.hint}`).toMatch(words)
    expect(error.hint).toContain(code)
  }
  it.each<[string, Certified, string, RegExp]>([
    ['that has expired', { wanted: { endsMs: -1_000 } }, 'CERTIFICATE_INVALID', /it has expired/],
    ['that has not begun', { wanted: { beginsMs: 60_000 } }, 'CERTIFICATE_INVALID', /it has expired/],
    ['whose record has expired', { seconds: -120 }, 'TOKEN_EXPIRED', /expired/],
    ['whose record lives too long', { seconds: 7_200 }, 'TOKEN_LIFE_TOO_LONG', /longer/],
    ['of a listener', { wanted: { use: 'server' } }, 'CERTIFICATE_INVALID', /not for clients/],
    ['that is for servers too', { wanted: { use: 'both' } }, 'CERTIFICATE_INVALID', /not for clients/],
    ['that is an authority itself', { wanted: { ca: true } }, 'CERTIFICATE_INVALID', /not signed by the authority/],
    [
      'by which an agent speaks with the control plane',
      { names: () => [`spiffe://sallyport/test/agent/${id}`] },
      'CERTIFICATE_INVALID',
      /none that was issued to a caller/,
    ],
    [
      'of another installation',
      { names: (record) => [`spiffe://sallyport/prod/caller/${id}`, `sallyport-record:${record}`] },
      'CERTIFICATE_INVALID',
      /none that was issued to a caller/,
    ],
    [
      'with a third name',
      { names: (record) => [`spiffe://sallyport/test/caller/${id}`, `sallyport-record:${record}`, 'urn:more'] },
      'CERTIFICATE_INVALID',
      /none that was issued to a caller/,
    ],
    ['with a token in place of its record', { record: { typ: 'sallyport+jwt' } }, 'TOKEN_TYPE_WRONG', /another kind/],
    ['with the record of another key', { record: { key: 'f'.repeat(64) } }, 'CERTIFICATE_INVALID', /another certif/],
    ['with the record of another id', { record: { jti: 'd'.repeat(32) } }, 'CERTIFICATE_INVALID', /another certif/],
    ['for another target', { target: 'other' }, 'TOKEN_AUDIENCE_WRONG', /another target/],
  ])('a certificate %s', async (_, shown, code, words) => {
    await isRefused(shown, {}, code, words)
  })
  it('a certificate for another role', async () => {
    await isRefused({}, { user: 'app' }, 'UPSTREAM_ROLE_FORBIDDEN', /no permitted role/)
  })
  it('a record that somebody who has the authority’s key signed', async () => {
    const forged = { key: new Uint8Array(32), header: { typ: 'sallyport-certificate+jwt', alg: 'HS256' } }
    await isRefused({ forged }, {}, 'TOKEN_ALGORITHM_WRONG', /algorithm/)
  })
  it('a certificate of an authority that calls itself ours', async () => {
    const pair = await certificateOf({}, (await makeCertificate()).sign)
    const error = await errorOf(clientOf(pair))
    expect(error).toMatchObject({ code: '28000', hint: expect.stringMatching(/CERTIFICATE_INVALID/) })
  })
  it('a certificate of anybody else says nothing: a token is asked for, and is good', async () => {
    const pair = await certificateOf({}, (await makeCertificate('CN=somebody else')).sign)
    expect((await errorOf(clientOf(pair))).hint).toMatch(/TOKEN_INVALID/)
    const client = await clientOf(pair, { password: await path.token() })
    await client.end()
  })
})
