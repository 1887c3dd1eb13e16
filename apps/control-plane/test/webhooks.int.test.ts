// Webhooks over a real store and real servers: signed as receivers verify them, tried again, sent once by many dispatchers, and never
// to a place that they may not reach (THREATS ).
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as x509 from '@peculiar/x509'
import { limits } from '@sallyport/base/limits'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inTransaction } from '../src/db.ts'
import { type DispatchDeps, dispatchEvents, sendDue, startDispatcher } from '../src/notifications/dispatch.ts'
import { appendOutbox } from '../src/notifications/outbox.ts'
import { failedDeliveriesMax } from '../src/notifications/schedule.ts'
import type { Lookup } from '../src/notifications/send.ts'
import { claimDue } from '../src/notifications/store.ts'
import { reachOf } from '../src/notifications/webhooks.ts'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  makeAgent,
  makeDocuments,
  makeRole,
  roleDocuments,
  type SignedIn,
  targetDocument,
} from './make.ts'
import { stopServer } from './stack.ts'

interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
interface Receiver {
  readonly port: number
  readonly received: Received[]
  answer: (response: ServerResponse) => void
  close(): Promise<void>
}

const ok = (response: ServerResponse): void => void response.writeHead(204).end()
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end('the answer of a receiver')

/** With a certificate it speaks TLS. */
async function receiver(host = '127.0.0.1', port = 0, tls?: { key: string; cert: string }): Promise<Receiver> {
  const received: Received[] = []
  const self = { received, answer: ok }
  const serve: Parameters<typeof createServer>[1] = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() })
      self.answer(response)
    })
  }
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve)
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return Object.assign(self, { port: (server.address() as AddressInfo).port, close })
}

async function certificate(name: string): Promise<{ key: string; cert: string }> {
  x509.cryptoProvider.set(webcrypto as never)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      new x509.BasicConstraintsExtension(true),
    ],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return { key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, cert: made.toString('pem') }
}

let test: TestApp
let admin: SignedIn
let hook: Receiver
let deps: DispatchDeps
const literal: Lookup = async (host) => [{ address: host }]
beforeAll(async () => {
  test = await buildTestApp({ webhookNetworks: ['127.0.0.1/32'], allowInsecureLoopback: true })
  await makeDocuments(test, roleDocuments)
})
afterAll(async () => {
  await test.close()
  await stopServer()
})
beforeEach(async () => {
  await test.deps.db.$executeRaw`TRUNCATE "Webhook", "WebhookDelivery", "OutboxEvent", "AdminAction"`
  // A login ends when it was idle for hours, and the clock of these tests jumps.
  admin = await makeRole(test, 'admin')
  hook = await receiver()
  deps = { ...test.deps, sender: { reach: reachOf(test.deps.config), lookup: literal } }
})
afterEach(async () => {
  await hook.close()
})

const call = async (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
  await test.app.inject({ method, url, headers: admin.headers, ...(payload === undefined ? {} : { payload }) })
const hookUrl = (path = '/hook', port = hook.port) => `http://127.0.0.1:${port}${path}`

async function create(changes: object = {}): Promise<{ id: string; secret: string }> {
  const payload = {
    name: `hook-${randomBytes(4).toString('hex')}`,
    url: hookUrl(),
    events: ['approval.requested'],
    ...changes,
  }
  const response = await call('POST', '/api/v1/webhooks', payload)
  expect(response.statusCode).toBe(201)
  return { id: response.json().webhook.id, secret: response.json().secret }
}
const facts = { approval: 'c4'.repeat(16), target: 'orders', verbs: ['delete'], objects: ['public.orders'] }
async function happen(event: 'approval.requested' | 'session.killed' = 'approval.requested'): Promise<string> {
  const id = randomBytes(16).toString('hex')
  const at = new Date(test.clock.nowMs())
  await inTransaction(test.deps.db, async (tx) => {
    await appendOutbox(tx, { id, at, event, subject: 'c4'.repeat(16), payload: facts })
  })
  return id
}
async function deliver(): Promise<void> {
  await dispatchEvents(deps)
  await sendDue(deps)
}
const deliveries = async (id: string) => (await call('GET', `/api/v1/webhooks/${id}/deliveries`)).json().items
const actions = async () =>
  (await test.deps.db.adminAction.findMany({ orderBy: [{ at: 'asc' }] })).map(({ action, actor }) => [action, actor])
/** As the library tells receivers to do it; it looks at the real clock. */
const verified = ({ body, headers }: Received, secret: string): unknown =>
  new Verifier(secret).verify(body, headers as Record<string, string>)

describe('a webhook', () => {
  it('shows its secret once, and the store holds neither secret nor address in clear (THREATS R-6.17)', async () => {
    const { id, secret } = await create({ name: 'audit', url: hookUrl('/hook?token=s3cret') })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const list = await call('GET', '/api/v1/webhooks')
    expect(list.json().items).toMatchObject([
      { id, name: 'audit', url: `${hookUrl()}?…`, format: 'standard', state: 'active', lastDelivery: null },
    ])
    for (const text of [list.body, JSON.stringify(await actions())]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain('s3cret')
    }
    const row = await test.deps.db.webhook.findUniqueOrThrow({ where: { id } })
    expect(Buffer.from(row.url).toString('latin1')).not.toContain('s3cret')
    expect(Buffer.from(row.secret!).toString('latin1')).not.toContain(secret.slice(6))
    expect((await actions()).map(([action]) => action)).toEqual(['webhook-create'])
  })

  it('of Slack shows only the origin of its address, and has no secret of ours', async () => {
    const { id, secret } = await create({ format: 'slack', url: hookUrl('/services/T000/B000/XXXX') })
    expect(secret).toBeNull()
    expect((await call('GET', '/api/v1/webhooks')).body).not.toContain('B000')
    expect((await call('POST', `/api/v1/webhooks/${id}/rotate`)).json()).toMatchObject({ code: 'REQUEST_INVALID' })
    await happen()
    await deliver()
    expect(hook.received[0]?.headers['webhook-signature']).toBeUndefined()
    expect(JSON.parse(hook.received[0]!.body)).toMatchObject({ text: 'Sallyport: Approval requested' })
  })

  it.each([
    ['https://10.0.0.1/', 422, 'WEBHOOK_FORBIDDEN'],
    ['http://hooks.example.com/', 201, undefined],
    ['https://a:b@hooks.example.com/', 422, 'WEBHOOK_FORBIDDEN'],
    ['https://169.254.169.254/', 422, 'WEBHOOK_FORBIDDEN'],
    ['nonsense', 422, 'WEBHOOK_FORBIDDEN'],
  ])('for %s is answered with %d', async (url, code, error) => {
    const response = await call('POST', '/api/v1/webhooks', { name: 'one', url, events: ['webhook.test'] })
    expect([response.statusCode, response.json().code]).toEqual([code, error])
  })

  it('has a name of its own, and there are not too many of them', async () => {
    await create({ name: 'same' })
    const again = await call('POST', '/api/v1/webhooks', { name: 'same', url: hookUrl(), events: ['webhook.test'] })
    expect([again.statusCode, again.json().code]).toEqual([409, 'CONFLICT'])
    const row = await test.deps.db.webhook.findFirstOrThrow()
    const more = Array.from({ length: limits.webhooksMax - 1 }, (_, at) => ({ ...row, id: `${at}`, name: `n${at}` }))
    await test.deps.db.webhook.createMany({ data: more as never })
    const past = await call('POST', '/api/v1/webhooks', { name: 'past', url: hookUrl(), events: ['webhook.test'] })
    expect([past.statusCode, past.json().code]).toEqual([409, 'CONFLICT'])
  })

  it('that is deleted takes its deliveries along, and one that never was is not found', async () => {
    const { id } = await create()
    await happen()
    await dispatchEvents(deps)
    expect((await call('DELETE', `/api/v1/webhooks/${id}`)).statusCode).toBe(204)
    expect(await sendDue(deps)).toBe(0)
    for (const verb of ['/rotate', '/enable', '/test'])
      expect((await call('POST', `/api/v1/webhooks/${id}${verb}`)).statusCode).toBe(404)
    expect((await call('POST', `/api/v1/deliveries/${id}/resend`)).statusCode).toBe(404)
  })
})

describe('a delivery', () => {
  it('carries the event, signed as a receiver verifies it', async () => {
    test.clock.set(Date.now())
    const { id, secret } = await create()
    const event = await happen()
    await deliver()
    expect(hook.received).toHaveLength(1)
    const [first] = hook.received
    expect(first?.headers).toMatchObject({ 'webhook-id': event, 'content-type': 'application/json' })
    expect(verified(first!, secret)).toEqual({ type: 'approval.requested', timestamp: expect.any(String), data: facts })
    expect(() => verified({ ...first!, body: first!.body.replace('orders', 'ledger') }, secret)).toThrow()
    expect(() => verified(first!, `${secret.slice(0, -4)}AAA=`)).toThrow()
    expect(await deliveries(id)).toMatchObject([
      {
        event: 'approval.requested',
        state: 'delivered',
        attempts: 1,
        lastStatus: 204,
        lastError: null,
        payload: first?.body,
      },
    ])
    expect((await call('GET', '/api/v1/webhooks')).json().items[0].lastDelivery).toMatchObject({ state: 'delivered' })
  })

  it('goes only to who listens', async () => {
    await create({ events: ['agent.joined'] })
    await happen()
    await deliver()
    expect(hook.received).toHaveLength(0)
    expect(await test.deps.db.outboxEvent.count({ where: { dispatchedAt: null } })).toBe(0)
  })

  it('that fails is tried again with the same id and body, until it has failed for good; then by hand', async () => {
    const { id } = await create()
    const event = await happen()
    hook.answer = status(500)
    await deliver()
    expect(await deliveries(id)).toMatchObject([
      { state: 'pending', attempts: 1, lastStatus: 500, lastError: 'status' },
    ])
    await deliver()
    expect(hook.received).toHaveLength(1)
    for (let attempt = 2; attempt <= limits.webhookAttemptsMax; attempt++) {
      test.clock.advance(20_000_000)
      await deliver()
    }
    admin = await makeRole(test, 'admin')
    expect(hook.received).toHaveLength(limits.webhookAttemptsMax)
    expect(new Set(hook.received.map(({ body, headers }) => `${headers['webhook-id']} ${body}`)).size).toBe(1)
    const [given] = await deliveries(id)
    expect(given).toMatchObject({ state: 'failed', nextAt: null, attempts: limits.webhookAttemptsMax })
    test.clock.advance(90_000_000)
    await deliver()
    expect(hook.received).toHaveLength(limits.webhookAttemptsMax)

    hook.answer = ok
    admin = await makeRole(test, 'admin')
    expect((await call('POST', `/api/v1/deliveries/${given.id}/resend`)).statusCode).toBe(204)
    expect((await call('POST', `/api/v1/deliveries/${given.id}/resend`)).json()).toMatchObject({ code: 'CONFLICT' })
    await deliver()
    expect(hook.received.at(-1)?.headers['webhook-id']).toBe(event)
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 1 }])
    expect((await actions()).map(([action]) => action)).toContain('delivery-resend')
  })

  it('is signed by both secrets for a day after a rotation, then by the new one alone', async () => {
    const { id, secret } = await create()
    const rotated = (await call('POST', `/api/v1/webhooks/${id}/rotate`)).json()
    expect(Date.parse(rotated.oldUntil)).toBe(test.clock.nowMs() + 86_400_000)
    await happen()
    await deliver()
    const signature = (at: number) => String(hook.received[at]?.headers['webhook-signature']).split(' ')
    const signed = (at: number, by: string): string => {
      const { headers, body } = hook.received[at]!
      return new Verifier(by).sign(
        String(headers['webhook-id']),
        new Date(Number(headers['webhook-timestamp']) * 1_000),
        body,
      )
    }
    expect(signature(0)).toEqual([signed(0, rotated.secret), signed(0, secret)])
    test.clock.advance(86_400_000)
    await happen()
    await deliver()
    expect(signature(1)).toEqual([signed(1, rotated.secret)])
  })

  it('is not redirected, and nothing of the answer is kept', async () => {
    const { id } = await create()
    hook.answer = status(307, { location: hookUrl('/elsewhere') })
    await happen()
    await deliver()
    expect(hook.received.map(({ url }) => url)).toEqual(['/hook'])
    expect(await deliveries(id)).toMatchObject([{ state: 'pending', lastStatus: 307, lastError: 'redirect' }])
    expect(JSON.stringify(await test.deps.db.webhookDelivery.findMany())).not.toContain('the answer of a receiver')
  })

  it('does not wait for the end of an answer', async () => {
    const { id } = await create()
    hook.answer = (response) => void response.writeHead(200).write('x'.repeat(1_000_000))
    await happen()
    await deliver()
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', lastStatus: 200 }])
  })

  it('to nobody is a failure with a name', async () => {
    const { id } = await create()
    await hook.close()
    await happen()
    await deliver()
    expect(await deliveries(id)).toMatchObject([{ state: 'pending', lastStatus: null, lastError: 'unreachable' }])
    hook = await receiver()
  })

  it('of an event that was rolled back is never made', async () => {
    await create()
    const undone = inTransaction(test.deps.db, async (tx) => {
      await appendOutbox(tx, { id: 'x', at: new Date(), event: 'approval.requested', subject: 's', payload: facts })
      throw new Error('the change did not happen')
    })
    await expect(undone).rejects.toThrow('did not happen')
    await deliver()
    expect(hook.received).toHaveLength(0)
  })

  it('that a dispatcher died in is taken over after its lease, and not before', async () => {
    const { id } = await create()
    await happen()
    await dispatchEvents(deps)
    const nowMs = test.clock.nowMs()
    expect(await claimDue(deps.db, new Date(nowMs), new Date(nowMs + 60_000), 10)).toHaveLength(1)
    expect(await sendDue(deps)).toBe(0)
    test.clock.advance(60_000)
    expect(await sendDue(deps)).toBe(1)
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 2 }])
  })

  it('is made and sent once, however many dispatchers there are', async () => {
    await create()
    await create()
    const events = await Promise.all(Array.from({ length: 15 }, async () => await happen()))
    await Promise.all([1, 2, 3, 4].map(async () => await dispatchEvents(deps)))
    expect(await test.deps.db.webhookDelivery.count()).toBe(30)
    const rounds = await Promise.all([1, 2, 3, 4].map(async () => await sendDue(deps, 10)))
    const left = await Promise.all([1, 2, 3, 4].map(async () => await sendDue(deps)))
    expect([...rounds, ...left].reduce((sum, count) => sum + count, 0)).toBe(30)
    const ids = hook.received.map(({ headers }) => String(headers['webhook-id']))
    expect(ids.sort()).toEqual([...events, ...events].sort())
  })
})

describe('the way out', () => {
  let other: Receiver
  afterEach(async () => {
    await other?.close()
  })

  it('is the address that was checked: no second look-up can move it (DNS rebinding)', async () => {
    other = await receiver('127.0.0.2', hook.port)
    const { id } = await create({ url: `http://hooks.test:${hook.port}/hook` })
    const asked: string[] = []
    const answers = ['127.0.0.1', '127.0.0.2']
    deps = {
      ...deps,
      sender: {
        ...deps.sender,
        lookup: async (host) => {
          asked.push(host)
          return [{ address: answers.shift() ?? '127.0.0.2' }]
        },
      },
    }
    await happen()
    await deliver()
    expect(asked).toEqual(['hooks.test'])
    expect(hook.received[0]?.headers.host).toBe(`hooks.test:${hook.port}`)
    await happen()
    await deliver()
    expect(asked).toHaveLength(2)
    expect(hook.received).toHaveLength(1)
    expect(other.received).toHaveLength(0)
    expect((await deliveries(id)).map(({ lastError }: { lastError: string }) => lastError)).toContain(
      'address-forbidden',
    )
  })

  it.each([
    ['one of them is private', ['127.0.0.1', '10.0.0.1'], 'address-forbidden'],
    ['it is a mapped one', ['::ffff:127.0.0.1'], 'address-forbidden'],
    ['there is none', [], 'dns-failed'],
  ])('is closed when of the addresses of a name %s', async (_why, addresses, error) => {
    const { id } = await create({ url: `http://hooks.test:${hook.port}/hook` })
    deps = { ...deps, sender: { ...deps.sender, lookup: async () => addresses.map((address) => ({ address })) } }
    await happen()
    await deliver()
    expect(hook.received).toHaveLength(0)
    expect(await deliveries(id)).toMatchObject([{ state: 'pending', lastError: error }])
  })

  it('over TLS checks the certificate against the name, not against the address', async () => {
    const tls = await certificate('hooks.test')
    other = await receiver('127.0.0.1', 0, tls)
    const lookup: Lookup = async () => [{ address: '127.0.0.1' }]
    const { id } = await create({ url: `https://hooks.test:${other.port}/hook` })
    const wrong = await create({ url: `https://wrong.test:${other.port}/hook` })
    deps = { ...deps, sender: { ...deps.sender, lookup, ca: tls.cert } }
    await happen()
    await deliver()
    expect(other.received).toHaveLength(1)
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered' }])
    expect(await deliveries(wrong.id)).toMatchObject([{ state: 'pending', lastError: 'tls-failed' }])
    // Without that authority nobody is trusted.
    deps = { ...deps, sender: { ...deps.sender, ca: undefined } }
    await happen()
    await deliver()
    expect(other.received).toHaveLength(1)
  })
})

describe('a webhook that does not answer', () => {
  it('is disabled after several deliveries in a row, says so in the audit, and can be enabled again', async () => {
    const { id } = await create()
    hook.answer = status(503)
    for (let count = 1; count <= failedDeliveriesMax; count++) await happen()
    for (let attempt = 1; attempt <= limits.webhookAttemptsMax; attempt++) {
      await deliver()
      test.clock.advance(20_000_000)
    }
    admin = await makeRole(test, 'admin')
    expect((await call('GET', '/api/v1/webhooks')).json().items[0]).toMatchObject({ state: 'disabled' })
    expect(await actions()).toContainEqual(['webhook-disable', 'control plane'])
    const sent = hook.received.length
    await happen()
    await deliver()
    expect(hook.received).toHaveLength(sent)
    expect((await call('POST', `/api/v1/webhooks/${id}/test`)).json()).toMatchObject({ code: 'CONFLICT' })

    hook.answer = ok
    expect((await call('POST', `/api/v1/webhooks/${id}/enable`)).statusCode).toBe(204)
    expect((await call('POST', `/api/v1/webhooks/${id}/test`)).statusCode).toBe(204)
    await deliver()
    expect(JSON.parse(hook.received.at(-1)!.body)).toMatchObject({
      type: 'webhook.test',
      data: { webhook: expect.any(String) },
    })
    expect((await call('GET', '/api/v1/webhooks')).json().items[0]).toMatchObject({ state: 'active' })
  })

  it('keeps none of the others waiting', async () => {
    const { id: silent } = await create()
    hook.answer = () => {}
    const other = await receiver()
    await create({ url: hookUrl('/hook', other.port) })
    for (let count = 1; count <= 40; count++) await happen()
    const stop = startDispatcher(deps)
    await expect.poll(() => other.received.length, { timeout: 50_000 }).toBe(40)
    // Not one attempt had to be given up for that.
    expect(await test.deps.db.webhookDelivery.count({ where: { webhookId: silent, lastError: { not: null } } })).toBe(0)
    expect(hook.received.length).toBeGreaterThan(0)
    await hook.close()
    await stop()
    await other.close()
    hook = await receiver()
  })

  it('is disabled at once when it says that it is gone', async () => {
    await create()
    hook.answer = status(410)
    await happen()
    await deliver()
    expect((await call('GET', '/api/v1/webhooks')).json().items[0]).toMatchObject({ state: 'disabled' })
  })
})

describe('what happens', () => {
  const happened = async () =>
    (await test.deps.db.outboxEvent.findMany({ orderBy: { createdAt: 'asc' } })).map(({ event, payload }) => [
      event,
      payload,
    ])

  it('to policies is told with the change itself, and a dry run tells nothing', async () => {
    await makeAgent(test, 'eu-1')
    await makeDocuments(test, [targetDocument('orders')])
    const yaml = JSON.stringify(allowPolicy('orders', 'orders', 'the-member'))
    expect((await call('POST', '/api/v1/apply', { yaml, dryRun: true })).statusCode).toBe(200)
    expect(await happened()).toEqual([])
    expect((await call('POST', '/api/v1/apply', { yaml, dryRun: false })).statusCode).toBe(200)
    expect((await call('POST', '/api/v1/apply', { yaml, dryRun: false })).statusCode).toBe(200)
    test.clock.advance(1)
    expect((await call('DELETE', '/api/v1/resources/policies/orders')).statusCode).toBe(204)
    expect(await happened()).toMatchObject([
      ['policy.changed', { kind: 'Policy', name: 'orders', version: 1, change: 'created' }],
      ['policy.changed', { kind: 'Policy', name: 'orders', version: 2, change: 'deleted' }],
    ])
  })

  it('to any other document is told as well, by kind and name and never by its content', async () => {
    const yaml = JSON.stringify(targetDocument('elsewhere', { host: 'db.internal.test' }))
    expect((await call('POST', '/api/v1/apply', { yaml, dryRun: false })).statusCode).toBe(200)
    test.clock.advance(1)
    expect((await call('DELETE', '/api/v1/resources/targets/elsewhere')).statusCode).toBe(204)
    const events = await happened()
    expect(events).toMatchObject([
      ['policy.changed', { kind: 'Target', name: 'elsewhere', version: 1, change: 'created' }],
      ['policy.changed', { kind: 'Target', name: 'elsewhere', version: 2, change: 'deleted' }],
    ])
    expect(JSON.stringify(events)).not.toContain('db.internal.test')
  })

  it('to agents is told with their name', async () => {
    await makeAgent(test, 'eu-2')
    const agent = await test.deps.db.agent.findFirstOrThrow({ where: { name: 'eu-2' } })
    expect((await call('POST', `/api/v1/agents/${agent.id}/revoke`)).statusCode).toBe(204)
    expect(await happened()).toMatchObject([['agent.revoked', { agent: 'eu-2' }]])
  })
})

it('the dispatcher sends by itself what happens, and stopping waits for what is under way', async () => {
  await create()
  const arrived = new Promise<void>((resolve) => {
    hook.answer = (response) => {
      ok(response)
      resolve()
    }
  })
  const stop = startDispatcher(deps)
  await happen()
  test.deps.bus.publish({ kind: 'approval', id: 'c4'.repeat(16) })
  await arrived
  await stop()
  expect(await test.deps.db.webhookDelivery.findMany()).toMatchObject([{ state: 'delivered', attempts: 1 }])
})
