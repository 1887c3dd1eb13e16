// Connections to a target over real sockets: real PostgreSQL where it can play the part, hostile ones of wire messages
// where it would not. Nothing that a target does may bring the credential out in the open, or keep us waiting for ever.
import { randomBytes, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { StartupPacket } from '@sallyport/wire/postgres/messages'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { queryRows } from '../src/postgres/catalog-read.ts'
import { Conversation } from '../src/postgres/conversation.ts'
import {
  cancelUpstream,
  connectUpstream,
  pinnedSettings,
  type Upstream,
  type UpstreamLogin,
} from '../src/postgres/upstream.ts'
import { makeCertificate, type TestCertificate } from './certificates.ts'
import { type FakePostgres, serverError, startFakePostgres, welcome } from './fake-postgres.ts'

let certificate: TestCertificate
let server: PostgresServer
const opened: Upstream[] = []

beforeAll(async () => {
  certificate = await makeCertificate()
  server = await startPostgres({ tls: { cert: certificate.certificate, key: certificate.key } })
  const admin = new pg.Client({ connectionString: server.url('postgres') })
  await admin.connect()
  await admin.query(`CREATE ROLE app LOGIN PASSWORD 'täuschend echt'`)
  await admin.query('CREATE ROLE strange LOGIN')
  await admin.query(`ALTER ROLE app SET standard_conforming_strings = off`)
  await admin.query(`CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`)
  await admin.query(`SET password_encryption = 'md5'`)
  await admin.query(`CREATE ROLE old LOGIN PASSWORD 'old'`)
  await admin.end()
})
afterAll(async () => {
  for (const { socket } of opened) socket.destroy()
  await server?.stop()
})

function login(changed: Partial<UpstreamLogin> = {}): UpstreamLogin {
  return {
    host: 'localhost',
    port: server.port,
    tls: { mode: 'verify-full', ca: certificate.ca },
    user: 'app',
    password: new Secret('täuschend echt'),
    database: 'postgres',
    parameters: { application_name: 'test' },
    signal: new AbortController().signal,
    random: randomBytes,
    ...changed,
  }
}

async function connect(changed: Partial<UpstreamLogin> = {}): Promise<Upstream> {
  const upstream = await connectUpstream(login(changed))
  opened.push(upstream)
  return upstream
}

/** The error of an attempt that must fail. Neutral outside, and without the password even inside (R-1.11). */
async function refusal(changed: Partial<UpstreamLogin>): Promise<{ readonly code: string; readonly cause: string }> {
  const attempt = login(changed)
  const thrown: unknown = await connectUpstream(attempt).then(
    (upstream) => upstream.socket.destroy(),
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(SallyportError)
  const error = thrown as SallyportError
  expect(error.message).toMatch(/^the target (cannot be reached|refused|takes no connections)/)
  expect(error.message).not.toContain(attempt.user)
  expect(inspect(error, { depth: 10 })).not.toContain(attempt.password.reveal())
  return { code: error.code, cause: inspect(error.cause) }
}

const rowsOf = async (upstream: Upstream, text: string) =>
  await queryRows(new Conversation(upstream.socket, 1_000_000, upstream.leftover), text)

describe('a real PostgreSQL', () => {
  test('is logged in to over TLS by SCRAM, bound to its certificate', async () => {
    const upstream = await connect()
    expect(upstream).toMatchObject({ transaction: 'I', backendKey: { processId: expect.any(Number) } })
    expect(upstream.backendKey?.key.length).toBeGreaterThanOrEqual(4)
    const [row] = await rowsOf(
      upstream,
      `SELECT current_user, current_setting('application_name'), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`,
    )
    expect(row).toEqual(['app', 'test', 't'])
  })

  test('cannot be given another dialect by ALTER ROLE (R-1.31)', async () => {
    const upstream = await connect()
    expect(upstream.parameters.get('standard_conforming_strings')).toBe('on')
    const names = Object.keys(pinnedSettings)
    const [row] = await rowsOf(upstream, `SELECT ${names.map((name) => `current_setting('${name}')`).join(', ')}`)
    expect(row).toEqual(Object.values(pinnedSettings))
  })

  test('looks whether the agent is still there while it runs a statement', async () => {
    const upstream = await connect()
    const [row] = await rowsOf(upstream, `SHOW client_connection_check_interval`)
    expect(row).toEqual([`${limits.upstreamLookMs / 1_000}s`])
  })

  test('is logged in to without TLS where the target says so', async () => {
    const upstream = await connect({ host: '127.0.0.1', tls: { mode: 'disable' } })
    expect(await rowsOf(upstream, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([['f']])
  })

  test.each<[string, () => Partial<UpstreamLogin>, string, RegExp]>([
    ['a wrong password', () => ({ password: new Secret('wrong-word') }), 'UPSTREAM_REFUSED', /28P01/],
    ['an unknown role', () => ({ user: 'nobody-here' }), 'UPSTREAM_REFUSED', /28P01/],
    ['a role without a password', () => ({ user: 'strange' }), 'UPSTREAM_REFUSED', /28P01/],
    [
      'a password stored as MD5',
      () => ({ user: 'old', password: new Secret('old-md5') }),
      'UPSTREAM_REFUSED',
      /28P01|MD5/,
    ],
    ['an unknown database', () => ({ database: 'nowhere' }), 'UPSTREAM_REFUSED', /3D000/],
    ['a database that is not UTF-8 (R-1.32)', () => ({ database: 'latin' }), 'UPSTREAM_REFUSED', /server_encoding/],
    [
      'an authority that we do not trust',
      () => ({ tls: { mode: 'verify-full' } }),
      'UPSTREAM_UNREACHABLE',
      /certificate/,
    ],
    [
      'another name than the certificate has',
      () => ({ tls: { mode: 'verify-full', ca: certificate.ca, serverName: 'db.example' } }),
      'UPSTREAM_UNREACHABLE',
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ['a setting that does not exist', () => ({ parameters: { no_such_setting: 'x' } }), 'UPSTREAM_REFUSED', /42704/],
  ])('refuses %s', async (_, changed, code, cause) => {
    const error = await refusal(changed())
    expect(error.code).toBe(code)
    expect(error.cause).toMatch(cause)
  })

  test('is known by an address when the certificate has it', async () => {
    await connect({ host: '127.0.0.1' })
  })

  test.each(['disable', 'verify-full'] as const)('cancels what a session runs: %s (R-1.12)', async (mode) => {
    const place = { host: 'localhost', port: server.port, tls: { mode, ca: certificate.ca } }
    const upstream = await connect(place)
    const conversation = new Conversation(upstream.socket, 1_000_000, upstream.leftover)
    const running = queryRows(conversation, 'SELECT pg_sleep(60)').catch((error: Error) => error.message)
    // The cancel must find the statement running: another connection sees it.
    const watch = new pg.Client({ connectionString: server.url('postgres') })
    await watch.connect()
    const isRunning = async () =>
      (
        await watch.query(`SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'`, [
          upstream.backendKey!.processId,
        ])
      ).rowCount === 1
    while (!(await isRunning()));
    await watch.end()
    await cancelUpstream({ ...place, backendKey: upstream.backendKey!, signal: new AbortController().signal })
    expect(await running).toContain('57014')
    // The session itself goes on.
    expect(await queryRows(conversation, 'SELECT 1')).toEqual([['1']])
  })

  test('that is at its limit of connections is unreachable for now, not a refusal', async () => {
    const admin = new pg.Client({ connectionString: server.url('postgres') })
    await admin.connect()
    await admin.query('CREATE ROLE limited LOGIN CONNECTION LIMIT 0 PASSWORD $$limited-word$$')
    await admin.end()
    const error = await refusal({ user: 'limited', password: new Secret('limited-word') })
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', cause: expect.stringContaining('53300') })
  })
})

test('a certificate that has expired is refused', async () => {
  const expired = await expiredCertificate()
  const other = await startPostgres({ tls: { cert: expired.pem, key: expired.key } })
  try {
    const error = await refusal({ port: other.port, tls: { mode: 'verify-full', ca: expired.pem } })
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', cause: expect.stringContaining('CERT_HAS_EXPIRED') })
  } finally {
    await other.stop()
  }
})

describe('a target that is not one', () => {
  const fakes: FakePostgres[] = []
  afterAll(async () => {
    for (const fake of fakes) await fake.stop()
  })
  const start = async (...options: Parameters<typeof startFakePostgres>) => {
    const fake = await startFakePostgres(...options)
    fakes.push(fake)
    return fake
  }
  const plain = { host: '127.0.0.1', tls: { mode: 'disable' } } as const

  test.each([
    ['does not offer TLS: nothing is sent in clear text (R-1.2)', Buffer.from('N'), 'does not offer TLS'],
    ['answers to SSLRequest with an error', Buffer.from('E\0\0\0\x08SFATAL'), 'bytes in clear text'],
    [
      'puts clear text behind its answer (R-1.1)',
      Buffer.concat([Buffer.from('S'), Buffer.from('injected')]),
      'bytes in clear text',
    ],
    ['answers with another letter', Buffer.from('G'), 'does not offer TLS'],
  ])('%s', async (_, sslAnswer, why) => {
    const fake = await start({ sslAnswer })
    const error = await refusal({ host: 'localhost', port: fake.port })
    expect(error).toMatchObject({ code: 'UPSTREAM_REFUSED', cause: expect.stringContaining(why) })
    await fake.idle()
    expect(fake.startups).toEqual([{ type: 'sslRequest' }])
  })

  test('is not there', async () => {
    const error = await refusal({ ...plain, port: await freePort() })
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', cause: expect.stringContaining('ECONNREFUSED') })
  })

  test('has a name that does not resolve', async () => {
    expect(await refusal({ host: 'nowhere.invalid' })).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
  })

  test.each(['reset', 'end'] as const)('goes away in the middle of the login: %s', async (how) => {
    const fake = await start({ greet: () => [{ type: 'authentication', authentication: { kind: 'ok' } }, how] })
    expect(await refusal({ ...plain, port: fake.port })).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
  })

  test('speaks another protocol', async () => {
    const fake = await start({ greet: () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')] })
    const error = await refusal({ ...plain, port: fake.port })
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', cause: expect.stringContaining('ProtocolError') })
  })

  test.each(['after the start-up packet', 'instead of TLS'])(
    'is silent %s: the signal ends the attempt',
    async (when) => {
      const ended = new AbortController()
      const fake = await start({ greet: () => ['stall'], sslAnswer: Buffer.alloc(0) })
      const place = when === 'instead of TLS' ? { host: 'localhost' } : plain
      const attempt = refusal({ ...place, port: fake.port, signal: ended.signal })
      while (fake.startups.length === 0) await new Promise(setImmediate)
      ended.abort(new Error('the client has gone'))
      expect(await attempt).toMatchObject({
        code: 'UPSTREAM_UNREACHABLE',
        cause: expect.stringContaining('the client has gone'),
      })
      await fake.idle()
    },
  )

  test('accepts and never speaks TLS: the signal ends the attempt', async () => {
    const ended = new AbortController()
    const sockets: Socket[] = []
    const mute = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('S')
        socket.once('data', () => ended.abort(new Error('the client has gone')))
      })
    }).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as { port: number }
    expect(await refusal({ host: 'localhost', port, signal: ended.signal })).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
    })
    for (const socket of sockets) if (!socket.destroyed) await once(socket, 'close')
    mute.close()
  })

  test('an attempt whose signal has fired is not begun', async () => {
    const fake = await start()
    await refusal({ ...plain, port: fake.port, signal: AbortSignal.abort(new Error('too late')) })
    expect(fake.startups).toEqual([])
  })

  test('sends more right behind ReadyForQuery: it is handed over, in order', async () => {
    const late = serverError('57P01', 'going down')
    const fake = await start({ greet: () => [...welcome(), late, Buffer.from([0x45, 0, 0])] })
    const upstream = await connect({ ...plain, port: fake.port })
    const conversation = new Conversation(upstream.socket, 1_000_000, upstream.leftover)
    expect(await conversation.next()).toEqual(late)
    expect(fake.startups[0]).toMatchObject({ type: 'startup', major: 3, minor: 0 })
  })

  test.each([
    ['is too old to', '42704', 'unrecognized configuration parameter "client_connection_check_interval"'],
    ['cannot', '22023', 'invalid value for parameter "client_connection_check_interval": 5000'],
  ])('%s look whether the agent is there: it is asked once, and logged in to without', async (_, sqlstate, text) => {
    const asks = (startup: StartupPacket) =>
      startup.type === 'startup' && startup.parameters.some(([name]) => name === 'client_connection_check_interval')
    const fake = await start({ greet: (startup) => (asks(startup) ? [serverError(sqlstate, text), 'end'] : welcome()) })
    await connect({ ...plain, port: fake.port })
    await connect({ ...plain, port: fake.port })
    expect(fake.startups.map(asks)).toEqual([true, false, false])
  })

  test('a signal that fires after the login leaves the connection alone', async () => {
    const ended = new AbortController()
    const fake = await start({
      answer: (message) => (message.type === 'sync' ? [{ type: 'readyForQuery', status: 'I' }] : []),
    })
    const upstream = await connect({ ...plain, port: fake.port, signal: ended.signal })
    ended.abort()
    const conversation = new Conversation(upstream.socket, 1_000_000, upstream.leftover)
    conversation.write(encodeFrontend({ type: 'sync' }))
    expect(await conversation.next()).toEqual({ type: 'readyForQuery', status: 'I' })
  })

  test('gets a cancel request with the key that it gave, and nothing else', async () => {
    const fake = await start()
    const upstream = await connect({ ...plain, port: fake.port })
    await cancelUpstream({
      ...plain,
      port: fake.port,
      backendKey: upstream.backendKey!,
      signal: new AbortController().signal,
    })
    expect(fake.startups.at(-1)).toEqual({ type: 'cancelRequest', processId: 4711, key: Buffer.from([1, 2, 3, 4]) })
  })

  test('R-1.12: a cancel request that nobody has taken in time counts as one that may still come', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const giveUp = new AbortController()
    const asked = cancelUpstream({
      ...plain,
      port: typeof address === 'object' && address !== null ? address.port : 0,
      backendKey: { processId: 4711, key: Buffer.from([1, 2, 3, 4]) },
      signal: giveUp.signal,
    }).then(
      () => 'delivered',
      (error: unknown) => error,
    )
    const [socket]: Socket[] = await once(silent, 'connection')
    await once(socket!, 'data')
    giveUp.abort(new Error('too late'))
    expect(await asked).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    socket!.destroy()
    silent.close()
  })
})

/** Self-signed for localhost; it ended a minute ago. */
async function expiredCertificate(): Promise<{ readonly pem: string; readonly key: string }> {
  x509.cryptoProvider.set(webcrypto as any)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() - 60_000),
    signingAlgorithm: algorithm,
    keys: keys as any,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { pem: made.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') }
}
