// Tickets through a real listener to a real PostgreSQL: node-postgres over TLS, with channel binding and without TLS, and a
// client made of messages for what no driver would send.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Secret } from '@sallyport/base/secret'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import { encodeFrontend, encodeStartup, passwordBytes, saslInitialBytes } from '@sallyport/wire/postgres/encode'
import { FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { backendCaps } from '@sallyport/wire/postgres/names'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Binding, endPointBinding, openScram, proveScram, verifyScram } from '../src/postgres/scram.ts'
import { errorOf } from './asking.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import type { Issued, TicketShown } from './fake-tickets.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let real: RealTarget
/** TLS required, as by default. */
let path: DataPath
/** TLS optional. */
let open: DataPath

const target = (name: string): string =>
  targetDocument(real.server.port, '', name, { app: 'APP_PASSWORD', app_ro: 'APP_RO_PASSWORD' })
const policy = `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: all }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
    - name: bound-only
      effect: deny
      operations: [select]
      objects: [public.bound_only]
      when: session.authentication != "ticket-scram-sha-256-plus"
    - { name: tls-only, effect: deny, operations: [select], objects: [public.tls_only], when: "!session.tls" }
`
const environment = { ...targetEnvironment, APP_RO_PASSWORD: 'app-secret-2' }

beforeAll(async () => {
  real = await startRealTarget({
    schema: `
      create role app_ro login password 'app-secret-2';
      create table bound_only (id int);
      create table tls_only (id int);
      grant select on bound_only, tls_only to app_ro`,
  })
  const yaml = target('shop') + target('other') + policy
  path = await startDataPath({ yaml, environment })
  open = await startDataPath({ yaml, environment, clientTls: 'optional' })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await open?.stop()
  await real?.stop()
})

async function clientOf(at: DataPath, ticket: Issued, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: at.port,
    database: 'shop',
    user: ticket.user,
    password: ticket.secret,
    ssl: { ca: at.ca, servername: 'localhost' },
    ...more,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}
const opened = (at: DataPath, ticket: Issued) =>
  at.recorder.of('session-opened').find(({ tokenIds }) => tokenIds.includes(ticket.id))

describe('node-postgres with a ticket', () => {
  it.each<[string, () => DataPath, pg.ClientConfig, string, boolean]>([
    ['over TLS', () => path, {}, 'ticket-scram-sha-256', true],
    [
      'bound to the channel',
      () => path,
      { enableChannelBinding: true } as pg.ClientConfig,
      'ticket-scram-sha-256-plus',
      true,
    ],
    ['without TLS where the listener says so', () => open, { ssl: false }, 'ticket-scram-sha-256', false],
  ])('%s', async (_, at, more, authentication, tls) => {
    const ticket = await at().tickets.issue({ role: 'app_ro' })
    const client = await clientOf(at(), ticket, more)
    expect((await client.query('select current_user as role')).rows).toEqual([{ role: 'app_ro' }])
    const denied = [...(authentication.endsWith('plus') ? [] : ['bound_only']), ...(tls ? [] : ['tls_only'])]
    for (const table of ['bound_only', 'tls_only']) {
      const asked = client.query(`select id from public.${table}`)
      if (denied.includes(table)) expect((await errorOf(asked)).code).toBe('42501')
      else await asked
    }
    await client.end()
    expect(opened(at(), ticket)).toMatchObject({ authentication, tls, upstreamRole: 'app_ro', tokenIds: [ticket.id] })
  })

  it('R-6.5: is refused for another target, by the name of its own', async () => {
    const error = await errorOf(clientOf(path, await path.tickets.issue(), { database: 'other' }))
    expect(error).toMatchObject({ code: '28P01', message: expect.stringMatching(/another target/) })
  })
  it.each<[string, TicketShown, (ticket: Issued) => Partial<Issued>]>([
    ['a wrong secret', {}, () => ({ secret: 'x'.repeat(43) })],
    ['an id that nobody was given', {}, () => ({ user: `tkt_${'f'.repeat(32)}` })],
    ['a ticket of another place', { sources: ['192.0.2.0/24'] }, () => ({})],
    ['a ticket that has ended', { seconds: -120 }, () => ({})],
  ])('R-1.10: is refused with the same words for %s', async (_, shown, changed) => {
    const ticket = await path.tickets.issue(shown)
    const error = await errorOf(clientOf(path, { ...ticket, ...changed(ticket) }))
    expect(error).toMatchObject({
      code: '28P01',
      message: 'the ticket or its secret is not valid, or the ticket has ended',
      hint: expect.stringMatching(/TICKET_INVALID/),
    })
  })
  it('a ticket without a policy for its principal opens nothing', async () => {
    const error = await errorOf(clientOf(path, await path.tickets.issue({ groups: [] })))
    expect(error.code).toBe('42501')
  })
  it('R-6.5: a ticket for one login is good for one, of two at once too', async () => {
    const ticket = await path.tickets.issue({ uses: 1 })
    const both = await Promise.allSettled([clientOf(path, ticket), clientOf(path, ticket)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    for (const one of both) if (one.status === 'fulfilled') await one.value.end()
  })
  it('R-1.21: ends with its ticket, as a session ends with its token', async () => {
    const ticket = await path.tickets.issue()
    const client = await clientOf(path, ticket)
    await client.query('select 1')
    const ended = once(client, 'error')
    const snapshot = path.snapshots.current()
    const revocation = { jti: ticket.id, issuer: 'https://sallyport.test', subject: '', beforeMs: Date.now() }
    path.snapshots.publish({ ...snapshot, revocations: [revocation] })
    expect((await ended)[0]).toMatchObject({ code: '57P01' })
    expect((await errorOf(clientOf(path, ticket))).code).toBe('28P01')
    path.snapshots.publish(snapshot)
  })
})

/** What the server said, in order, and a way to answer. */
interface Spoken {
  readonly socket: Socket
  next(): Promise<BackendMessage>
  say(bytes: Uint8Array): void
}

async function spoken(at: DataPath, tls: boolean, parameters: Record<string, string>): Promise<Spoken> {
  let socket: Socket = connect({ host: '127.0.0.1', port: at.port })
  await once(socket, 'connect')
  if (tls) {
    socket.write(encodeStartup({ type: 'sslRequest' }))
    await once(socket, 'readable')
    socket.read(1)
    socket = connectTls({ socket, ca: at.ca, servername: 'localhost' })
    await once(socket, 'secureConnect')
  }
  socket.on('error', () => {})
  const splitter = new FrameSplitter(backendCaps())
  const waiting: BackendMessage[] = []
  let wake = () => {}
  let isOver = false
  socket.on('data', (chunk: Buffer) => {
    for (const frame of splitter.push(chunk)) waiting.push(decodeBackend(frame))
    wake()
  })
  socket.on('close', () => {
    isOver = true
    wake()
  })
  socket.write(encodeStartup({ type: 'startup', major: 3, minor: 0, parameters: Object.entries(parameters) }))
  return {
    socket,
    async next() {
      for (;;) {
        const message = waiting.shift()
        if (message !== undefined) return message
        if (isOver) throw new Error('the connection is over')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    say: (bytes) => void socket.write(encodeFrontend({ type: 'password', bytes })),
  }
}
const codeOf = (message: BackendMessage): string =>
  message.type === 'errorResponse' ? (message.fields.find(([code]) => code === 'C')?.[1] ?? '') : message.type
const sasl = (message: BackendMessage) => {
  if (message.type !== 'authentication') throw new Error(`${codeOf(message)} in place of authentication`)
  return message.authentication
}
const textOf = (message: BackendMessage): string => {
  const asked = sasl(message)
  return 'bytes' in asked ? Buffer.from(asked.bytes).toString() : ''
}
const asked = (ticket: Pick<Issued, 'user'>) => ({ user: ticket.user, database: 'shop' })

describe('the exchange', () => {
  it('R-1.2: a token is refused without TLS before it is asked for, also where tickets may do without', async () => {
    const client = await spoken(open, false, { user: 'sallyport', database: 'shop' })
    expect(codeOf(await client.next())).toBe('28000')
  })
  it('R-1.2: a ticket is refused without TLS where the listener does not say otherwise', async () => {
    const client = await spoken(path, false, asked(await path.tickets.issue()))
    expect(codeOf(await client.next())).toBe('28000')
    expect(path.tickets.asked.at(-1)?.ticket).not.toBe('')
  })
  it('R-1.10: offers the binding inside TLS only, and no password', async () => {
    const ticket = await open.tickets.issue()
    const over = await spoken(open, true, asked(ticket))
    expect(sasl(await over.next())).toMatchObject({
      kind: 'sasl',
      mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'],
    })
    const plain = await spoken(open, false, asked(ticket))
    expect(sasl(await plain.next())).toMatchObject({ kind: 'sasl', mechanisms: ['SCRAM-SHA-256'] })
    for (const one of [over, plain]) one.socket.destroy()
  })
  it('R-1.10: proves to the client that it knows the ticket, bound to its own certificate', async () => {
    const ticket = await path.tickets.issue()
    const client = await spoken(path, true, asked(ticket))
    await client.next()
    const { raw } = (client.socket as ReturnType<typeof connectTls>).getPeerCertificate()
    const bytes = endPointBinding(raw)
    if (bytes === undefined) throw new Error('no binding for this certificate')
    const scram = openScram('a'.repeat(24), { kind: 'bound', bytes })
    client.say(saslInitialBytes('SCRAM-SHA-256-PLUS', Buffer.from(scram.message)))
    const proved = await proveScram(scram, textOf(await client.next()), new Secret(ticket.secret))
    client.say(Buffer.from(proved.message))
    verifyScram(proved, textOf(await client.next()))
    expect(sasl(await client.next())).toEqual({ kind: 'ok' })
    client.socket.destroy()
  })
  it.each<[string, Binding, string]>([
    ['a client that was told of no binding', { kind: 'unoffered' }, 'SCRAM-SHA-256'],
    ['a client that speaks with somebody between', { kind: 'bound', bytes: Buffer.alloc(32, 1) }, 'SCRAM-SHA-256-PLUS'],
  ])('R-1.10: refuses %s', async (_, binding, mechanism) => {
    const ticket = await path.tickets.issue()
    const client = await spoken(path, true, asked(ticket))
    await client.next()
    const scram = openScram('a'.repeat(24), binding)
    client.say(saslInitialBytes(mechanism, Buffer.from(scram.message)))
    let answer = await client.next()
    if (answer.type === 'authentication') {
      const proved = await proveScram(scram, textOf(answer), new Secret(ticket.secret))
      client.say(Buffer.from(proved.message))
      answer = await client.next()
    }
    expect(codeOf(answer)).toBe('28000')
  })
  it('R-1.10: an id that nobody was given goes through the same exchange, with the same salt every time', async () => {
    const salts = new Set<string>()
    for (const at of [path, path]) {
      const client = await spoken(at, true, { user: `tkt_${'d'.repeat(32)}`, database: 'shop' })
      await client.next()
      const scram = openScram('a'.repeat(24), { kind: 'none' })
      client.say(saslInitialBytes('SCRAM-SHA-256', Buffer.from(scram.message)))
      const first = textOf(await client.next())
      salts.add(/s=([^,]+),i=4096$/.exec(first)?.[1] ?? 'none')
      const proved = await proveScram(scram, first, new Secret('x'))
      client.say(Buffer.from(proved.message))
      expect(codeOf(await client.next())).toBe('28P01')
    }
    expect([...salts]).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/)])
  })
  it.each<[string, (client: Spoken, ticket: Issued) => Promise<void> | void]>([
    ['a token in place of SASL', async (client) => client.say(passwordBytes(await path.token()))],
    ['a mechanism that was not offered', (client) => client.say(saslInitialBytes('OAUTHBEARER', Buffer.from('n,,')))],
    ['no message with the mechanism', (client) => client.say(saslInitialBytes('SCRAM-SHA-256', null))],
    [
      'R-1.13: a message of more than 1,024 bytes',
      (client) => client.say(saslInitialBytes('SCRAM-SHA-256', Buffer.from(`n,,n=,r=${'a'.repeat(1_100)}`))),
    ],
    [
      'R-1.15: a statement in place of the proof',
      (client) => void client.socket.write(encodeFrontend({ type: 'query', text: 'select 1' })),
    ],
  ])('08P01 for %s', async (_, cheat) => {
    const ticket = await path.tickets.issue()
    const client = await spoken(path, true, asked(ticket))
    await client.next()
    await cheat(client, ticket)
    expect(codeOf(await client.next())).toBe('08P01')
  })
  it('R-1.9: a name that is nearly a ticket asks for a token', async () => {
    const client = await spoken(path, true, { user: `tkt_${'A'.repeat(32)}`, database: 'shop' })
    expect(sasl(await client.next())).toEqual({ kind: 'cleartext' })
    client.socket.destroy()
  })
  it('R-6.2: the record of a ticket is no token', async () => {
    const ticket = await path.tickets.issue()
    const error = await errorOf(path.connect({ password: path.tickets.recordOf(ticket.id) ?? '' }))
    expect(error).toMatchObject({ code: '28P01', message: expect.stringMatching(/another kind/) })
  })
})
