// How connections begin and end: encryption, admission, cancel, COPY, slow and vanishing peers, a stopping agent.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import { encodeBackend, encodeFrontend, encodeStartup } from '@sallyport/wire/postgres/encode'
import { FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { backendCaps } from '@sallyport/wire/postgres/names'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { errorOf, using } from './asking.ts'
import { makeCertificate } from './certificates.ts'
import { type DataPath, type DataPathOptions, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let real: RealTarget
let path: DataPath
const more: (() => Promise<void>)[] = []

const target = (name: string, port: number, spec = ''): string =>
  targetDocument(port, spec, name, { app: name === 'wrong' ? 'WRONG' : 'APP_PASSWORD', other: 'MISSING' })

const policy = `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: all }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
    - { name: sleep, effect: allow, callers: { groups: [engineering] }, operations: [call], objects: ["pg_catalog.pg_sleep()"] }
    - { name: shut, effect: deny, operations: [set], objects: ["setting:app.shut"] }
  masks: [{ columns: [public.people.ssn], method: redact }]
`
const environment = { ...targetEnvironment, WRONG: 'not-the-password' }

beforeAll(async () => {
  real = await startRealTarget({
    schema: `
      create table people (id int, ssn text);
      create table notes (id int, note text);
      insert into people select n, '900-' || n from generate_series(1, 5) n;
      insert into notes select n, repeat('x', 1000) from generate_series(1, 100000) n;
      grant pg_signal_backend to app`,
  })
  path = await startDataPath({
    yaml:
      target('shop', real.server.port) +
      target('strict', real.server.port, '  recording: strict') +
      target('off', real.server.port, '  recording: off') +
      target('down', 1) +
      target('wrong', real.server.port) +
      policy,
    environment,
  })
}, 120_000)

afterEach(async () => {
  for (const close of more.splice(0).reverse()) await close()
})
afterAll(async () => {
  await path?.stop()
  await real?.stop()
})

const withClient = <T>(run: (client: pg.Client) => Promise<T>, shown = {}): Promise<T> => using(path, run, shown)
const alone = async (options: Partial<DataPathOptions>): Promise<DataPath> => {
  const started = await startDataPath({ yaml: target('shop', real.server.port) + policy, environment, ...options })
  more.push(() => started.stop())
  return started
}

/** A client without a library: sends what it is told, and shows what it gets. */
async function raw(port = path.port): Promise<{ socket: Socket; closed: Promise<Buffer> }> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  // Also by a reset: whoever hangs up with bytes unread sends one.
  const closed = new Promise<Buffer>((done) => socket.once('close', () => done(Buffer.concat(chunks))))
  return { socket, closed }
}
async function tls(options: { alpn?: string[]; direct?: boolean; session?: Buffer } = {}): Promise<TLSSocket> {
  const socket = connect(path.port, '127.0.0.1')
  await once(socket, 'connect')
  if (options.direct !== true) {
    socket.write(encodeStartup({ type: 'sslRequest' }))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toBe('S')
  }
  const secured = connectTls({
    socket,
    ca: path.ca,
    servername: 'localhost',
    ...(options.alpn === undefined ? {} : { ALPNProtocols: options.alpn }),
    ...(options.session === undefined ? {} : { session: options.session }),
  })
  secured.on('error', () => {})
  await Promise.race([once(secured, 'secureConnect').catch(() => {}), once(secured, 'close').catch(() => {})])
  return secured
}
/** Messages until the connection ends or `until` says enough. */
async function messages(
  socket: Socket,
  until: (message: BackendMessage) => boolean = () => false,
): Promise<BackendMessage[]> {
  const splitter = new FrameSplitter(backendCaps())
  const all: BackendMessage[] = []
  return await new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) all.push(decodeBackend(frame))
      if (all.some(until)) resolve(all)
    })
    socket.on('close', () => resolve(all))
  })
}
const startup = (parameters: Record<string, string>, minor = 0): Buffer =>
  encodeStartup({ type: 'startup', major: 3, minor, parameters: Object.entries(parameters) })
const sqlstates = (all: readonly BackendMessage[]): string[] =>
  all.flatMap((one) => (one.type === 'errorResponse' ? [one.fields.find(([code]) => code === 'C')?.[1] ?? ''] : []))

describe('the start of a connection', () => {
  it.each(['sslRequest', 'gssEncRequest'] as const)(
    'R-1.1: closes when bytes stand behind %s, and answers nothing to them',
    async (type) => {
      const { socket, closed } = await raw()
      socket.write(Buffer.concat([encodeStartup({ type }), startup({ user: 'sallyport', database: 'shop' })]))
      expect(await closed).toHaveLength(0)
    },
  )

  it('R-1.2: refuses a StartupMessage in clear text before any password is asked for', async () => {
    const { socket, closed } = await raw()
    socket.write(startup({ user: 'sallyport', database: 'shop' }))
    const answer = await closed
    expect(answer[0]).toBe('E'.charCodeAt(0))
    expect(answer.toString()).toContain('C28000')
    expect(answer.toString()).toContain('TLS_REQUIRED')
  })

  it('R-1.3: answers no to GSSENCRequest once, then closes', async () => {
    const { socket, closed } = await raw()
    socket.write(encodeStartup({ type: 'gssEncRequest' }))
    await once(socket, 'data')
    socket.write(encodeStartup({ type: 'gssEncRequest' }))
    const answer = await closed
    expect(answer[0]).toBe('N'.charCodeAt(0))
    expect(answer.toString()).toContain('C08P01')
  })

  it.each<[string, Buffer]>([
    ['length 0', Buffer.from('00000000', 'hex')],
    ['a negative length', Buffer.from('ffffffff00030000', 'hex')],
    ['a length beyond the limit', Buffer.concat([Buffer.from('0000271a00030000', 'hex'), Buffer.alloc(100)])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a goodbye in the place of a start', Buffer.from('5800000004', 'hex')],
  ])('R-1.5: closes without a word for %s', async (_, bytes) => {
    const { socket, closed } = await raw()
    socket.write(bytes)
    expect(await closed).toHaveLength(0)
  })

  it.each<[string, string]>([
    ['a Query of a MiB', '5100100000'],
    ['COPY data of a MiB', '6400100000'],
    ['a password longer than any token', '7000100000'],
  ])('R-1.5, R-1.13: hangs up on %s before authentication as soon as its header is there', async (_, header) => {
    const socket = await tls()
    more.push(async () => void socket.destroy())
    socket.write(startup({ user: 'sallyport', database: 'shop' }))
    await messages(socket, (one) => one.type === 'authentication')
    socket.removeAllListeners('data')
    const told = messages(socket)
    socket.write(Buffer.from(header, 'hex'))
    expect(sqlstates(await told)).toEqual(['08P01'])
  })

  it('R-1.4: takes direct TLS with our ALPN name', async () => {
    const socket = await tls({ direct: true, alpn: ['postgresql'] })
    socket.write(startup({ user: 'sallyport', database: 'shop' }))
    const all = await messages(socket, (one) => one.type === 'authentication')
    expect(all[0]).toMatchObject({ type: 'authentication', authentication: { kind: 'cleartext' } })
    socket.destroy()
  })

  it.each<[string, { alpn?: string[]; direct?: boolean }]>([
    ['direct TLS without ALPN', { direct: true }],
    ['direct TLS with another name', { direct: true, alpn: ['http/1.1'] }],
    ['TLS after SSLRequest with another name', { alpn: ['h2'] }],
  ])('R-1.4: closes for %s', async (_, options) => {
    const socket = await tls(options)
    if (!socket.destroyed) socket.write(startup({ user: 'sallyport', database: 'shop' }))
    const all = socket.destroyed ? [] : await messages(socket)
    expect(all.some(({ type }) => type === 'authentication')).toBe(false)
  })

  it('R-1.6: negotiates what it does not speak', async () => {
    const socket = await tls()
    socket.write(startup({ user: 'sallyport', database: 'shop', '_pq_.new': 'x' }, 9))
    const all = await messages(socket, (one) => one.type === 'authentication')
    expect(all[0]).toMatchObject({ type: 'negotiateProtocolVersion', minor: 2, unknownOptions: ['_pq_.new'] })
    socket.destroy()
  })

  it('R-1.5: closes when the whole start takes longer than its deadline', async () => {
    const own = await alone({ bounds: { preAuthMsMax: 1_500 } })
    const { socket, closed } = await raw(own.port)
    socket.write(encodeStartup({ type: 'gssEncRequest' }))
    expect((await closed).toString()).toBe('N')
  })

  it('R-1.5: closes at the same time when the packet comes in byte by byte', async () => {
    const own = await alone({ bounds: { preAuthMsMax: 1_500 } })
    const { socket, closed } = await raw(own.port)
    const packet = startup({ user: 'sallyport', database: 'x'.repeat(9_000) })
    let sent = 0
    const timer = setInterval(() => socket.write(packet.subarray(sent, ++sent)), 50)
    expect((await closed).toString()).not.toContain('R')
    clearInterval(timer)
    expect(sent).toBeGreaterThan(1)
    expect(sent).toBeLessThan(packet.length)
  })

  it.each(['preAuthConnectionsMax', 'preAuthPerAddressMax'])('R-1.5: refuses one more than %s', async (bound) => {
    const own = await alone({ bounds: { [bound]: 2 } })
    await raw(own.port)
    await raw(own.port)
    // The two above are counted once they are accepted, which is before the third is.
    const { closed } = await raw(own.port)
    expect((await closed).toString()).toContain('C53300')
  })

  it('R-1.5: refuses one more than it admits in all, until one of them has ended', async () => {
    const own = await alone({ bounds: { connectionsMax: 2 } })
    const first = await own.connect()
    const second = await own.connect({ subject: 'bob' })
    const { closed } = await raw(own.port)
    const answer = (await closed).toString()
    expect(answer).toContain('C53300')
    expect(answer).toContain('as many connections as it admits')
    expect((await second.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    const ended = own.recorder.seen(({ kind }) => kind === 'session-closed')
    await first.end()
    await ended
    await own.connect({ subject: 'bob' })
  })

  it('R-1.5: makes refused logins of one address wait past so many, and nobody who logs in well', async () => {
    const bounds = { refusedLoginsPerMinuteMax: 2, refusedLoginMsMin: 600_000, preAuthMsMax: 3_000 }
    const own = await alone({ bounds })
    const wrong = (): Promise<pg.DatabaseError> => errorOf(own.connect({ password: 'hunter2' }))
    // A caller who is known, and whom nothing lets in, is none of those who try.
    for (let round = 0; round < 3; round++)
      expect(await errorOf(own.connect({ groups: ['marketing'] }))).toMatchObject({ code: '42501' })
    expect([(await wrong()).code, (await wrong()).code]).toEqual(['28P01', '28P01'])
    const third = wrong()
    await own.connect()
    // It heard nothing for as long as anybody has to log in.
    expect((await third).code).toBeUndefined()
    expect(own.lines.flatMap(({ fields }) => fields['waitMs'] ?? [])).toEqual([600_000])
  })

  it('R-1.5: tells whoever had to wait what was wrong', async () => {
    const own = await alone({ bounds: { refusedLoginsPerMinuteMax: 0, refusedLoginMsMin: 50 } })
    expect(await errorOf(own.connect({ password: 'hunter2' }))).toMatchObject({ code: '28P01', severity: 'FATAL' })
  })

  it('refuses connections, and goes on with those that are open, when it has no memory for more', async () => {
    const memory = { isFull: false }
    const own = await alone({ memory })
    const open = await own.connect()
    memory.isFull = true
    const { closed } = await raw(own.port)
    expect((await closed).toString()).toContain('no memory for another connection')
    expect((await open.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    // Over HTTP there is nobody to tell before TLS is up.
    const http = connectTls({ host: '127.0.0.1', port: own.httpPort, servername: 'localhost', ca: own.ca })
    expect((await once(http, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' })
    memory.isFull = false
    await own.connect()
  })

  it('R-1.5: refuses one caller more connections than one may have, until one ends, and nobody else', async () => {
    const own = await alone({ bounds: { connectionsPerCallerMax: 2 } })
    const first = await own.connect()
    await own.connect()
    expect(await errorOf(own.connect())).toMatchObject({ code: '53300', severity: 'FATAL' })
    await own.connect({ subject: 'bob' })
    const ended = own.recorder.seen(({ kind }) => kind === 'session-closed')
    await first.end()
    await ended
    await own.connect()
    expect(await errorOf(own.connect())).toMatchObject({ code: '53300' })
  })

  it('a client that kept its TLS session resumes it', async () => {
    const first = await tls()
    const kept = new Promise<Buffer>((resolve) => first.on('session', resolve))
    // TLS 1.3 sends tickets behind the handshake.
    first.resume()
    const second = await tls({ session: await kept })
    expect([first.isSessionReused(), second.isSessionReused()]).toEqual([false, true])
    first.destroy()
    second.destroy()
  })
})

describe('admission', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['no token', { password: '' }, '28000'],
    ['a password', { password: 'hunter2' }, '28P01'],
    ['an unknown target', { target: 'nowhere' }, '3D000'],
    ['a role that is not permitted', { user: 'postgres' }, '28000'],
    ['a role without a credential at the agent', { user: 'other' }, '08004'],
    ['a caller that no rule names', { groups: ['marketing'] }, '42501'],
    ['a target that is down', { target: 'down' }, '08006'],
    ['a credential that the target refuses', { target: 'wrong' }, '08004'],
  ])('R-1.9, R-1.10: refuses %s', async (_, shown, code) => {
    const error = await errorOf(path.connect(shown))
    expect(error).toMatchObject({ code, severity: 'FATAL' })
    // nothing that the target said, no role, no address.
    expect(`${error.message} ${error.detail} ${error.hint}`).not.toMatch(
      /app-secret|not-the-password|127\.0\.0\.1|"app"/,
    )
  })

  it('R-1.10: refuses a token for another target', async () => {
    const password = await path.token({ target: 'strict' })
    expect(await errorOf(path.connect({ target: 'shop', password }))).toMatchObject({ code: '28P01' })
  })

  it('refuses a role beside the one that the token names', async () => {
    expect(await errorOf(path.connect({ role: 'other', user: 'app' }))).toMatchObject({ code: '28000' })
  })

  it.each(['options', 'replication'])('R-1.7, R-1.8: refuses %s', async (name) => {
    const config = await path.config()
    const client = new pg.Client({ ...config, [name]: name === 'options' ? '-c role=evil' : 'database' })
    const error = await errorOf(client.connect())
    expect(['42501', '0A000']).toContain(error.code)
  })

  it('R-1.8: a setting of the connection string holds for the session, as SET does', async () => {
    const options = '-c statement_timeout=4711 -c search_path=pg_catalog -c app.tenant=seven'
    const config = { ...(await path.config()), options, lock_timeout: 815 }
    const from = path.recorder.entries.length
    const client = new pg.Client(config)
    more.push(() => client.end())
    await client.connect()
    const show = async (name: string) => (await client.query(`show ${name}`)).rows[0][name]
    expect([await show('statement_timeout'), await show('lock_timeout')]).toEqual(['4711ms', '815ms'])
    expect(await show('app.tenant')).toBe('seven')
    // Who reads the record has to know it, as after SET.
    expect(path.recorder.entries[from]?.body).toMatchObject({
      kind: 'session-opened',
      settings: [
        `SET "statement_timeout" TO '4711'`,
        `SET "search_path" TO "pg_catalog"`,
        `SET "app"."tenant" TO 'seven'`,
        `SET "lock_timeout" TO '815'`,
      ],
    })
    expect(await show('search_path')).toBe('pg_catalog')
    expect(await errorOf(client.query('select note from notes'))).toMatchObject({ code: '42P01' })
    expect((await client.query('select id from public.notes limit 1')).rowCount).toBe(1)
  })

  it('R-2.8: a setting that a rule denies opens no session', async () => {
    const config = { ...(await path.config()), options: '-c app.shut=1' }
    const client = new pg.Client(config)
    const error = await errorOf(client.connect())
    expect(error).toMatchObject({ code: '42501', severity: 'FATAL' })
    expect(error.message).toContain('start-up parameter "app.shut"')
  })

  it('opens a record that says who, and has neither token nor credential in it', async () => {
    const from = path.recorder.entries.length
    const password = await path.token({ jti: 'seen', groups: ['engineering'] })
    await withClient((client) => client.query('select 1'), { password })
    const text = JSON.stringify(path.recorder.entries.slice(from))
    expect(path.recorder.entries[from]?.body).toMatchObject({
      kind: 'session-opened',
      initiator: { issuer: 'https://idp.test', subject: 'ann', groups: ['engineering'], assurance: 'verified' },
      tokenIds: ['seen'],
      upstreamRole: 'app',
    })
    expect(text).not.toContain(password)
    expect(text).not.toContain('app-secret-1')
    expect(JSON.stringify(path.lines)).not.toMatch(/app-secret-1|eyJ/)
  })
})

describe('cancel', () => {
  const running = 'select pg_sleep(600)'
  it('R-1.12: stops the statement that runs, by our own key', async () => {
    const client = await path.connect()
    more.push(() => client.end())
    const failed = errorOf(client.query(running))
    await until(
      async () =>
        (await real.admin.query("select 1 from pg_stat_activity where query = $1 and state = 'active'", [running]))
          .rowCount === 1,
    )
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    const backends = await real.admin.query('select pid from pg_stat_activity where query = $1', [running])
    expect(backends.rows[0].pid).not.toBe(processID)
    await cancel(processID, secretKey)
    expect(await failed).toMatchObject({ code: '57014' })
  })

  it('R-1.12: does nothing and says nothing for a wrong key', async () => {
    const client = await path.connect()
    more.push(() => client.end())
    const slow = client.query('select pg_sleep(0.2)')
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    expect(await cancel(processID, secretKey ^ 1)).toHaveLength(0)
    expect((await slow).rowCount).toBe(1)
  })

  async function cancel(processId: number, secret: number): Promise<Buffer> {
    const key = Buffer.alloc(4)
    key.writeInt32BE(secret | 0)
    const { socket, closed } = await raw()
    socket.write(encodeStartup({ type: 'cancelRequest', processId, key }))
    return await closed
  }
})

/** Waits for something that another process does, and never longer than the test may take. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve))
}

describe('COPY', () => {
  const copyIn = async (socket: TLSSocket, rows: readonly string[]): Promise<void> => {
    for (const row of rows) socket.write(encodeFrontend({ type: 'copyData', bytes: Buffer.from(row) }))
    socket.write(encodeFrontend({ type: 'copyDone' }))
  }
  const loggedIn = async (): Promise<TLSSocket> => {
    const socket = await tls()
    more.push(async () => void socket.destroy())
    socket.write(startup({ user: 'sallyport', database: 'shop' }))
    await messages(socket, (one) => one.type === 'authentication')
    socket.removeAllListeners('data')
    socket.write(encodeFrontend({ type: 'password', bytes: Buffer.from(`${await path.token()}\0`) }))
    await messages(socket, (one) => one.type === 'readyForQuery')
    socket.removeAllListeners('data')
    return socket
  }
  const ask = async (socket: TLSSocket, text: string, until: BackendMessage['type']): Promise<BackendMessage[]> => {
    const got = messages(socket, (one) => one.type === until)
    socket.write(encodeFrontend({ type: 'query', text }))
    const all = await got
    socket.removeAllListeners('data')
    return all
  }

  it('R-1.25: takes data in and gives data out', async () => {
    const socket = await loggedIn()
    await ask(socket, 'copy notes from stdin', 'copyInResponse')
    const done = messages(socket, (one) => one.type === 'readyForQuery')
    await copyIn(socket, ['900001\tone\n', '900002\ttwo\n'])
    expect((await done).map(({ type }) => type)).toEqual(['commandComplete', 'readyForQuery'])
    socket.removeAllListeners('data')
    const out = await ask(
      socket,
      'copy (select id, note from notes where id > 900000 order by id) to stdout',
      'readyForQuery',
    )
    const text = out.map((one) => (one.type === 'copyData' ? Buffer.from(one.bytes).toString() : '')).join('')
    expect(text).toBe('900001\tone\n900002\ttwo\n')
  })

  it.each(['copy people to stdout', 'copy people (id, ssn) to stdout', 'copy (select ssn from people) to stdout'])(
    'R-1.25: denies %s, whose rows could not be masked',
    async (text) => {
      const socket = await loggedIn()
      expect(sqlstates(await ask(socket, text, 'readyForQuery'))).toEqual(['42501'])
    },
  )
})

describe('a peer that is slow or gone', () => {
  it('R-1.17: a reader that stops reading stops the target, and gets every row in the end', async () => {
    const socket = await tls()
    more.push(async () => void socket.destroy())
    socket.write(startup({ user: 'sallyport', database: 'shop' }))
    await messages(socket, (one) => one.type === 'authentication')
    socket.removeAllListeners('data')
    socket.write(encodeFrontend({ type: 'password', bytes: Buffer.from(`${await path.token()}\0`) }))
    await messages(socket, (one) => one.type === 'readyForQuery')
    socket.removeAllListeners('data')
    socket.pause()
    const before = process.memoryUsage().rss
    socket.write(encodeFrontend({ type: 'query', text: 'select id, note from notes where id <= 100000' }))
    // The target has filled what lies between it and the reader, and waits.
    await until(async () => {
      const { rows } = await real.admin.query(
        "select wait_event from pg_stat_activity where query like 'select id, note%' and pid <> pg_backend_pid()",
      )
      return rows[0]?.wait_event === 'ClientWrite'
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024)
    let rows = 0
    const splitter = new FrameSplitter(backendCaps())
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        for (const frame of splitter.push(chunk)) {
          if (frame.typeByte === 0x44) rows += 1
          if (frame.typeByte === 0x5a) resolve()
        }
      })
      socket.resume()
    })
    expect(rows).toBe(100_000)
  }, 60_000)

  it('a client that vanishes in mid-statement leaves an unknown outcome, and the statement is stopped', async () => {
    const client = await path.connect()
    const text = 'select pg_sleep(601)'
    client.query(text).catch(() => {})
    const active = async (): Promise<number | null> =>
      (await real.admin.query("select 1 from pg_stat_activity where query = $1 and state = 'active'", [text])).rowCount
    await until(async () => (await active()) === 1)
    ;(client as unknown as { connection: { stream: Socket } }).connection.stream.destroy()
    await until(async () => (await active()) === 0)
    const { entries } = path.recorder
    const id = entries.find(({ body }) => body.kind === 'intent' && body.text === text)?.session
    const bodies = entries.filter(({ session }) => session === id).map(({ body }) => body)
    expect(bodies.map(({ kind }) => kind)).toEqual(['session-opened', 'intent', 'outcome', 'session-closed'])
    expect(bodies[2]).toMatchObject({ result: 'unknown', statement: 1 })
  })

  it("R-1.11: a target's end is told by its SQLSTATE in fixed words, and leaves an unknown outcome", async () => {
    const from = path.recorder.entries.length
    const client = await path.connect()
    const failed = errorOf(client.query('select pg_sleep(602)'))
    const find = "select pid from pg_stat_activity where query = 'select pg_sleep(602)' and state = 'active'"
    await until(async () => (await real.admin.query(find)).rowCount === 1)
    await real.admin.query(`select pg_terminate_backend(pid) from (${find}) x`)
    const message = 'terminating connection due to administrator command'
    expect(await failed).toMatchObject({ severity: 'FATAL', code: '57P01', message, hint: undefined })
    const outcome = path.recorder.entries.slice(from).find(({ body }) => body.kind === 'outcome')
    expect(outcome?.body).toMatchObject({ result: 'unknown' })
    await client.end().catch(() => {})
  })
})

describe('a target that lies', () => {
  const bytesOf = (text: string): Buffer => Buffer.from(text)
  const column = (name: string) =>
    ({ name, tableOid: 0, attributeNumber: 0, typeOid: 25, typeSize: -1, typeModifier: -1, format: 0 }) as const
  const text = 'select 1 as one'
  const halfRow = Buffer.from('44000000100001', 'hex')

  it.each<[string, readonly Lie[]]>([
    ['a reset in mid-row', [{ type: 'rowDescription', columns: [column('one')] }, halfRow, 'reset']],
    ['an end in mid-row', [{ type: 'rowDescription', columns: [column('one')] }, halfRow, 'end']],
    [
      'a second result',
      [
        { type: 'commandComplete', tag: 'SELECT 1' },
        { type: 'commandComplete', tag: 'SELECT 1' },
      ],
    ],
    ['rows that nobody described', [{ type: 'dataRow', values: [bytesOf('stolen')] }]],
    [
      'a row that does not fit',
      [
        { type: 'rowDescription', columns: [column('one')] },
        { type: 'dataRow', values: [bytesOf('1'), bytesOf('stolen')] },
      ],
    ],
    ['a message that is none', [Buffer.from('ff00000004', 'hex')]],
    ['a length that is none', [Buffer.from('4400000003', 'hex')]],
    ['strings with another meaning', [{ type: 'parameterStatus', name: 'standard_conforming_strings', value: 'off' }]],
  ])('R-1.18: %s closes both sides and shows nothing of it', async (_, lies) => {
    const between = await liar(real.server.port, text, lies)
    const own = await alone({ yaml: target('shop', between.port) + policy })
    const client = await own.connect()
    const error = await errorOf(client.query(text))
    expect(['08006', '42501', '57P03']).toContain(error.code)
    expect(error.message).not.toContain('stolen')
    await own.recorder.seen((body) => body.kind === 'session-closed')
    expect(own.recorder.of('outcome')).toContainEqual(
      expect.objectContaining({ result: expect.stringMatching(/unknown|done/) }),
    )
    await between.gone()
  })
})

/** Stands before a real target and lets nobody through until it is told to. */
async function slowDoor(port: number) {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const server = createServer((near) => {
    near.on('error', () => {})
    near.pause()
    void opened.then(() => {
      const far = connect(port, '127.0.0.1')
      far.on('error', () => near.destroy())
      near.pipe(far).pipe(near)
    })
  })
  const knocked = once(server, 'connection')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const stop = async () => void server.close()
  return { port: address.port, knocked, open: () => open(), stop }
}

type Lie = BackendMessage | Buffer | 'reset' | 'end'

/** Stands before a real target and answers one text itself. `gone` settles when that session is closed. */
async function liar(
  port: number,
  text: string,
  lies: readonly Lie[],
): Promise<{ port: number; gone(): Promise<void> }> {
  let closed = () => {}
  const gone = new Promise<void>((resolve) => {
    closed = resolve
  })
  const between = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) socket.on('error', () => {})
    far.on('data', (chunk) => near.write(chunk))
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
    near.on('data', (chunk) => {
      if (!chunk.includes(text)) return void far.write(chunk)
      near.on('close', closed)
      for (const lie of lies) {
        if (lie === 'reset') near.resetAndDestroy()
        else if (lie === 'end') near.end()
        else near.write(Buffer.isBuffer(lie) ? lie : encodeBackend(lie))
      }
    })
  })
  between.listen(0, '127.0.0.1')
  await once(between, 'listening')
  more.push(async () => void between.close())
  const address = between.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, gone: () => gone }
}

describe('records', () => {
  it('under strict the intent is on disk before the statement runs, and results follow', async () => {
    const from = path.recorder.entries.length
    const rows = await withClient(async (client) => (await client.query('select count(*)::int n from people')).rows, {
      target: 'strict',
    })
    expect(rows).toEqual([{ n: 5 }])
    const kinds = path.recorder.entries.slice(from).map(({ body }) => body.kind)
    expect(kinds.filter((kind) => kind === 'intent' || kind === 'outcome')).toEqual(['intent', 'outcome'])
  })

  it('under off nothing is kept', async () => {
    const from = path.recorder.entries.length
    await withClient((client) => client.query('select 1'), { target: 'off' })
    const kinds = path.recorder.entries.slice(from).map(({ body }) => body.kind)
    expect(kinds).not.toContain('intent')
  })

  it('R-0.3: a spool that is full denies, and nothing runs', async () => {
    await withClient(async (client) => {
      path.recorder.full = true
      const error = await errorOf(client.query('insert into notes values (777777, null)'))
      path.recorder.full = false
      expect(error).toMatchObject({ code: '53100' })
    })
    expect((await real.admin.query('select 1 from notes where id = 777777')).rowCount).toBe(0)
  })

  it('R-0.3: a record that cannot be written ends the session before anything of it leaves', async () => {
    const own = await alone({})
    const client = await own.connect()
    const ended = new Promise((resolve) => client.on('error', resolve))
    own.recorder.unwritable = true
    expect(await errorOf(client.query('insert into notes values (777778, null)'))).toMatchObject({ code: '58030' })
    await ended
    own.recorder.unwritable = false
    expect((await real.admin.query('select 1 from notes where id = 777778')).rowCount).toBe(0)
    const again = await own.connect()
    expect((await again.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('R-6.15: literals that may meet protected columns and passwords are not kept, others are', async () => {
    const from = path.recorder.entries.length
    await withClient(async (client) => {
      await client.query("insert into people values (42, '123-45-6789')")
      await client.query('insert into people values ($1, $2)', [43, '987-65-4321'])
      await client.query('begin')
      await client.query("alter role app password 'brand-new-secret'")
      await client.query('rollback')
      await client.query("insert into notes values (44, 'kept text')")
      expect(await errorOf(client.query("select 'no end 555-55-5555"))).toMatchObject({ code: '42601' })
    })
    const text = JSON.stringify(path.recorder.entries.slice(from))
    expect(text).not.toMatch(/123-45-6789|987-65-4321|brand-new-secret|555-55-5555/)
    expect(text).toContain('insert into people values (‹const›, ‹const›)')
    expect(text).toContain('kept text')
  })

  it('counts rows, bytes and masked values', async () => {
    const from = path.recorder.entries.length
    await withClient((client) => client.query('select id, ssn from people where id <= 3'))
    const outcome = path.recorder.entries.slice(from).find(({ body }) => body.kind === 'outcome')?.body
    expect(outcome).toMatchObject({ result: 'done', tag: 'SELECT 3', rows: 3, maskedValues: 3 })
  })
})

describe('an end from outside', () => {
  const endOf = (client: pg.Client): Promise<string> =>
    new Promise((resolve) => client.on('error', (error: Error) => resolve((error as pg.DatabaseError).code ?? '')))

  it('kills one session by its id', async () => {
    const own = await alone({})
    const [one, two] = [await own.connect(), await own.connect()]
    const ended = endOf(one)
    const [first] = own.recorder.entries
    expect(own.listener.sessions.kill(first!.session, 'asked by ann')).toBe(true)
    expect(own.listener.sessions.kill('f'.repeat(32), 'no such session')).toBe(false)
    expect(await ended).toBe('57P01')
    expect((await two.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await two.end()
    expect(own.recorder.of('session-closed')).toContainEqual(expect.objectContaining({ reason: 'asked by ann' }))
  })

  it('a stopping agent ends idle sessions at once and lets a transaction finish', async () => {
    const own = await alone({})
    const [idle, busy] = [await own.connect(), await own.connect()]
    await busy.query('begin')
    const idleEnded = endOf(idle)
    const busyEnded = endOf(busy)
    const closed = own.listener.close(30_000)
    expect(await idleEnded).toBe('57P01')
    await busy.query("insert into notes values (888888, 'last')")
    await busy.query('commit')
    expect(await busyEnded).toBe('57P01')
    await closed
    expect((await real.admin.query('select 1 from notes where id = 888888')).rowCount).toBe(1)
  })

  it('a stopping agent ends a session too that was still being connected to its target', async () => {
    const slow = await slowDoor(real.server.port)
    more.push(() => slow.stop())
    const own = await alone({ yaml: target('shop', slow.port) + policy })
    const client = new pg.Client(await own.config())
    const ended = endOf(client)
    const connected = client.connect().catch(() => {})
    await slow.knocked
    const closed = own.listener.close(30_000)
    slow.open()
    await connected
    expect(await ended).toBe('57P01')
    await closed
  })

  it('takes a renewed certificate for new connections', async () => {
    const own = await alone({})
    const renewed = await makeCertificate()
    own.listener.replaceTls({ certificate: renewed.certificate, key: renewed.key })
    expect(() => own.listener.replaceTls({ certificate: renewed.certificate, key: 'no key' })).toThrow('do not fit')
    const config = { ...(await own.config()), ssl: { ca: renewed.ca, servername: 'localhost' } }
    const client = new pg.Client(config)
    await client.connect()
    await client.end()
  })
})
