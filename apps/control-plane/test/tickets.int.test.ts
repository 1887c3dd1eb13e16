// Tickets: who gets one, what is kept of it, what agents are told, and what ends it (THREATS ).
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { errorDocsUrl, type SallyportErrorCode } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { parseVerifier } from '@sallyport/base/ticket'
import { agentCapabilities } from '@sallyport/policy/capabilities'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { TicketFound } from '@sallyport/proto/gen/sallyport/v1/ticket_pb'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerTickets } from '../src/grpc/ticket.ts'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  groupDocument,
  makeAgent,
  makeDocuments,
  makePerson,
  makeRole,
  roleDocuments,
  type SignedIn,
  targetDocument,
  testIssuer,
} from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
let ana: SignedIn
let bob: SignedIn
let admin: SignedIn
beforeAll(async () => {
  test = await buildTestApp()
  await makeDocuments(test, [
    ...roleDocuments,
    groupDocument('engineering', 'eng'),
    targetDocument('orders'),
    targetDocument('payroll'),
    targetDocument('skewed', { agents: ['old', 'older'] }),
    allowPolicy('skewed', 'skewed', 'engineering'),
    targetDocument('homeless', { agents: ['nobody'] }),
    allowPolicy('orders', 'orders', 'engineering'),
    allowPolicy('homeless', 'homeless', 'engineering'),
    allowPolicy('payroll', 'payroll', 'the-auditor'),
  ])
  await makeAgent(test, 'eu-1', 'eu-1.example.com:6432')
  ana = await makePerson(test, ['eng'], 'cli', 'ana')
  bob = await makePerson(test, ['eng'], 'browser', 'bob')
  admin = await makeRole(test, 'admin')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const send = async (url: string, payload: object, who: SignedIn) =>
  await test.app.inject({ method: 'POST', url, headers: who.headers, payload })
const ask = async (payload: object = {}, who = ana) =>
  await send('/api/v1/tickets', { target: 'orders', ...payload }, who)
const revoke = async (id: string, who = ana) => await send(`/api/v1/tickets/${id}/revoke`, {}, who)
const list = async (who: SignedIn, url = '/api/v1/me/tickets') =>
  (await test.app.inject({ url, headers: who.headers })).json()
type Response = Awaited<ReturnType<typeof ask>>
const expectProblem = (response: Response, code: SallyportErrorCode) =>
  expect(response.json()).toMatchObject({ code, type: errorDocsUrl(code), status: response.statusCode })
const actions = async () => (await test.app.inject({ url: '/api/v1/audit', headers: admin.headers })).json().items

/** What an agent of this name gets for a question. */
async function told(ticket: string, spend = false, name = 'eu-1'): Promise<TicketFound> {
  return await new Promise((resolve, reject) => {
    const wanted = answerTickets(
      test.deps as never,
      { agentId: 'a'.repeat(32), name } as never,
      (body: ControlMessage['body']) => (body.case === 'ticketFound' ? resolve(body.value) : reject(body)),
    )
    wanted({ $typeName: 'sallyport.v1.TicketWanted', call: 'c'.repeat(32), ticket, spend })
  })
}

describe('a ticket', () => {
  it('is for one person, target and role, and says how to connect', async () => {
    const response = await ask({ role: 'app_ro' })
    expect(response.statusCode).toBe(201)
    const { ticket, secret, connection } = response.json()
    expect(ticket).toMatchObject({
      user: `tkt_${ticket.id}`,
      state: 'live',
      owner: 'Person ana',
      target: 'orders',
      role: 'app_ro',
      sources: [],
      usesMax: null,
    })
    expect(connection).toEqual({
      host: 'eu-1.example.com',
      port: 6432,
      database: 'orders',
      user: ticket.user,
      ca: test.deps.authorityPem,
    })
    // 256 bits, in letters that need no quoting in a URL or a file of passwords.
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(new Date(ticket.expiresAt).getTime() - test.clock.nowMs()).toBeLessThanOrEqual(3_600_000)
  })

  it('R-6.5: keeps nothing of its secret but a verifier, in a record that the installation signed', async () => {
    const { ticket, secret } = (await ask()).json()
    const row = await test.deps.db.ticket.findUnique({ where: { id: ticket.id } })
    const keys = createLocalJWKSet((await test.app.inject({ url: '/.well-known/jwks.json' })).json())
    const { payload } = await jwtVerify(row!.record, keys, {
      issuer: 'https://sallyport.test',
      audience: 'sallyport:test',
      typ: 'sallyport-ticket+jwt',
      algorithms: ['EdDSA'],
      subject: 'ana',
    })
    expect(payload).toMatchObject({
      jti: ticket.id,
      sp_issuer: testIssuer,
      sp_kind: 'user',
      sp_groups: ['engineering'],
      sp_target: 'orders',
      sp_role: 'app_rw',
      sp_sources: [],
      sp_limited: false,
    })
    expect(payload.exp! * 1_000).toBe(new Date(ticket.expiresAt).getTime())
    const verifier = parseVerifier(String(payload['sp_scram']))
    const salted = pbkdf2Sync(secret, Buffer.from(verifier!.salt, 'base64'), 4_096, 32, 'sha256')
    const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
    expect(verifier).toEqual({
      iterations: 4_096,
      salt: test.deps.ticketSalt(ticket.id).toString('base64'),
      storedKey: createHash('sha256').update(hmac('Client Key')).digest('base64'),
      serverKey: hmac('Server Key').toString('base64'),
    })
    const all = JSON.stringify([row, await actions()]) + test.logged()
    expect(all).not.toContain(secret)
    expect(all).not.toContain(salted.toString('base64'))
  })

  it('has one round in its verifier when it is fast, and says so in its name, its list and the log', async () => {
    const { ticket, secret, connection } = (await ask({ fast: true })).json()
    expect(ticket).toMatchObject({ fast: true, user: `tkf_${ticket.id}` })
    expect(connection.user).toBe(ticket.user)
    const { record } = (await test.deps.db.ticket.findUnique({ where: { id: ticket.id } }))!
    const verifier = parseVerifier(String(decodeJwt(record)['sp_scram']))
    const salted = pbkdf2Sync(secret, test.deps.ticketSalt(ticket.id), 1, 32, 'sha256')
    expect(verifier).toMatchObject({
      iterations: 1,
      serverKey: createHmac('sha256', salted).update('Server Key').digest('base64'),
    })
    const listed = (await list(ana)).items.find(({ id }: { id: string }) => id === ticket.id)
    expect(listed).toMatchObject({ fast: true, user: ticket.user })
    const logged = (await actions()).find(({ object }: { object: string }) => object === `Ticket/${ticket.id}`)
    expect(logged).toMatchObject({ action: 'issue-ticket', detail: { fast: true } })
  })

  it('never lives longer than the login', async () => {
    const login = await test.deps.db.login.findFirst({ where: { personId: ana.personId } })
    const end = new Date(test.clock.nowMs() + 60_000)
    await test.deps.db.login.update({ where: { id: login!.id }, data: { expiresAt: end } })
    const { ticket } = (await ask({ seconds: limits.ticketSecondsMax })).json()
    expect(new Date(ticket.expiresAt).getTime()).toBeLessThanOrEqual(end.getTime())
    await test.deps.db.login.update({ where: { id: login!.id }, data: { expiresAt: login!.expiresAt } })
  })

  it.each<[string, SallyportErrorCode, object]>([
    ['for a target that does not exist', 'TARGET_UNKNOWN', { target: 'nothing' }],
    ['for a target that no policy opens', 'TARGET_UNKNOWN', { target: 'payroll' }],
    ['for a role that the target has not', 'UPSTREAM_ROLE_FORBIDDEN', { role: 'postgres' }],
    ['for a target without an agent', 'AGENT_NOT_ENROLLED', { target: 'homeless' }],
    ['for longer than a day', 'REQUEST_INVALID', { seconds: limits.ticketSecondsMax + 1 }],
    ['for no time', 'REQUEST_INVALID', { seconds: 0 }],
    ['for no login', 'REQUEST_INVALID', { uses: 0 }],
    ['from a name', 'REQUEST_INVALID', { sources: ['example.com'] }],
    ['from a network that is none', 'REQUEST_INVALID', { sources: ['10.0.0.0/33'] }],
    ['with an unknown field', 'REQUEST_INVALID', { groups: ['dba'] }],
  ])('is refused %s', async (_what, code, payload) => {
    expectProblem(await ask(payload), code)
  })

  it('is refused past so many that are alive', async () => {
    const carl = await makePerson(test, ['eng'], 'cli', 'carl')
    const at = new Date(test.clock.nowMs())
    await test.deps.db.ticket.createMany({
      data: Array.from({ length: limits.ticketsPerPersonMax }, (_, number) => ({
        id: number.toString(16).padStart(32, '0'),
        issuer: testIssuer,
        subject: 'carl',
        display: 'Carl',
        target: 'orders',
        upstreamRole: 'app_rw',
        sources: [],
        record: 'none',
        createdAt: at,
        expiresAt: new Date(at.getTime() + (number === 0 ? 1 : 60_000)),
      })),
    })
    expectProblem(await ask({}, carl), 'TOO_MANY_REQUESTS')
    test.clock.set(test.clock.nowMs() + 10)
    expect((await ask({}, carl)).statusCode).toBe(201)
  })
})

describe('where agents are of an earlier release', () => {
  it('is not issued while none of them takes it, and then leads to the one that does', async () => {
    await makeAgent(test, 'old', 'old.example.com:6432', [])
    expectProblem(await ask({ target: 'skewed' }), 'AGENT_OUTDATED')
    expect((await ask({ target: 'skewed' })).json().detail).toContain('login-ticket')
    expect((await send('/api/v1/tokens', { target: 'skewed' }, ana)).statusCode).toBe(200)
    await makeAgent(test, 'older', 'newer.example.com:6432', ['login-ticket'])
    expect((await ask({ target: 'skewed' })).json().connection.host).toBe('newer.example.com')
    expectProblem(await ask({ target: 'skewed', fast: true }), 'AGENT_OUTDATED')
    await test.deps.db.agent.updateMany({ where: { name: 'older' }, data: { capabilities: [...agentCapabilities] } })
    expect((await ask({ target: 'skewed', fast: true })).statusCode).toBe(201)
    expect((await ask({ target: 'skewed' })).json().connection.host).toBe('newer.example.com')
  })
})

describe('an agent', () => {
  it('is told the record of a ticket for its target', async () => {
    const { ticket } = (await ask()).json()
    const row = await test.deps.db.ticket.findUnique({ where: { id: ticket.id } })
    expect(await told(ticket.id)).toMatchObject({ call: 'c'.repeat(32), record: row!.record, spent: false })
  })
  it.each<[string, (id: string) => Promise<unknown>]>([
    ['of a ticket that is not there', async () => await told('f'.repeat(32))],
    ['of what is no id', async () => await told('../orders')],
    ['of a target that another agent serves', async (id) => await told(id, false, 'eu-2')],
    [
      'of a ticket that was revoked',
      async (id) => {
        await revoke(id)
        return await told(id)
      },
    ],
    [
      'of a ticket that has ended',
      async (id) => {
        await test.deps.db.ticket.update({ where: { id }, data: { expiresAt: new Date(test.clock.nowMs()) } })
        return await told(id)
      },
    ],
  ])('R-1.10: is told nothing %s, always in the same words', async (_, tell) => {
    const { ticket } = (await ask()).json()
    expect(await tell(ticket.id)).toMatchObject({ call: 'c'.repeat(32), record: '', spent: false })
  })
  it('R-6.3: takes each use of a ticket once, at the same time too', async () => {
    const { ticket } = (await ask({ uses: 2 })).json()
    const all = await Promise.all(Array.from({ length: 5 }, () => told(ticket.id, true)))
    expect(all.filter(({ spent }) => spent)).toHaveLength(2)
    expect((await list(ana)).items.find((one: { id: string }) => one.id === ticket.id)).toMatchObject({
      state: 'used',
      usesMax: 2,
      usesLeft: 0,
    })
    expect((await told(ticket.id)).record).toBe('')
  })
})

describe('revoking', () => {
  it('ends the ticket, tells agents by a revocation of its id, and is in the audit log', async () => {
    const { ticket } = (await ask()).json()
    const before = test.published()
    expect((await revoke(ticket.id)).statusCode).toBe(204)
    expect(test.published()).toBe(before + 1)
    expect(await test.deps.db.revocation.findFirst({ where: { jti: ticket.id } })).toMatchObject({
      issuer: test.deps.config.publicUrl,
      before: new Date(test.clock.nowMs()),
    })
    const mine = (await actions()).filter((one: { object: string }) => one.object === `Ticket/${ticket.id}`)
    expect(mine.map((one: { action: string }) => one.action).sort()).toEqual(['issue-ticket', 'revoke-ticket'])
    // Again: nothing happens, and it is no error.
    expect((await revoke(ticket.id)).statusCode).toBe(204)
    expect(test.published()).toBe(before + 1)
  })
  it("R-6.10: is for its owner and administrators; for others it is like one that isn't there", async () => {
    const { ticket } = (await ask()).json()
    const others = (await revoke(ticket.id, bob)).json()
    expect({ ...others, requestId: '' }).toEqual({ ...(await revoke('f'.repeat(32), bob)).json(), requestId: '' })
    expectProblem(await revoke(ticket.id, bob), 'NOT_FOUND')
    expect((await revoke(ticket.id, admin)).statusCode).toBe(204)
  })
})

describe('lists', () => {
  it('R-6.10: show me mine, newest first and in pages; administrators see all', async () => {
    const { ticket } = (await ask({ sources: ['10.0.0.0/8'] }, bob)).json()
    const mine = await list(bob)
    expect(mine.items).toEqual([
      expect.objectContaining({ id: ticket.id, sources: ['10.0.0.0/8'], owner: 'Person bob' }),
    ])
    const first = await list(ana, '/api/v1/me/tickets?limit=1')
    const second = await list(ana, `/api/v1/me/tickets?limit=1&cursor=${first.next}`)
    expect(first.items[0].createdAt >= second.items[0].createdAt).toBe(true)
    expect(first.items[0].id).not.toBe(second.items[0].id)
    const all = await list(admin, '/api/v1/tickets?limit=500')
    expect(new Set(all.items.map((one: { owner: string }) => one.owner))).toEqual(
      new Set(['Person ana', 'Person bob', 'Carl', 'Person carl']),
    )
    expect(JSON.stringify(all)).not.toContain('SCRAM')
  })
})
