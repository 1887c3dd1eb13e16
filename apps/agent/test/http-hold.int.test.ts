// Held requests of HTTP targets: what a verdict is bound to, who waits and who comes back, and that one approval is one run
// (DESIGN §5, THREATS ).
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient, type Sending } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let path: DataPath
const { send } = httpClient(() => path)

const documents = (port: number, more = ''): string => `
${httpTarget('crm', port, '', '{ env: prod }')}
  credential: { bearer: { env: CRM_TOKEN } }
  passFields: [cookie]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: reads, effect: allow, callers: { any: true }, operations: [http.GET] }
    - name: people-first
      effect: hold
      callers: { any: true }
      operations: [http.POST, http.DELETE]
      approval: { reviewers: [{ group: dba }], wait: 60s }
  ${more}
`

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: documents(api.port), environment: { CRM_TOKEN: 'upstream-secret-0123456789' } })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
  path.control.forget()
  api.answer = (_request, response) => response.end('ok')
  path.snapshots.publish(path.snapshot(documents(api.port)))
})

const order: Sending = { method: 'POST', body: '{"amount":7}', headers: { 'content-type': 'application/json' } }
const waiting = (more: Sending = {}): Sending => ({
  ...order,
  ...more,
  headers: { ...order.headers, prefer: 'wait=30', ...more.headers },
})
const kinds = () => path.recorder.entries.map(({ body }) => body.kind).filter((kind) => !kind.startsWith('session'))

describe('a held request', () => {
  it('is answered with where people decide, and the same one runs once it is approved', async () => {
    const first = await send('/crm/v1/orders?dry=1', order)
    expect(first.status).toBe(403)
    expect(first.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '5' })
    const held = await path.control.next()
    const problem = JSON.parse(first.body)
    expect(problem).toMatchObject({
      code: 'HOLD_PENDING',
      approvalUrl: `https://console.test/approvals/${held.id}`,
      hint: expect.stringContaining('the same request sent again'),
    })
    expect(api.seen).toEqual([])
    // Again, while nobody has decided: it attaches.
    expect(JSON.parse((await send('/crm/v1/orders?dry=1', order)).body).approvalUrl).toBe(problem.approvalUrl)
    path.control.decide(held, 'approved')
    expect(await send('/crm/v1/orders?dry=1', order)).toMatchObject({ status: 200, body: 'ok' })
    expect(api.seen).toHaveLength(1)
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/v1/orders?dry=1', body: '{"amount":7}' })
    // One approval is one run.
    const again = await send('/crm/v1/orders?dry=1', order)
    expect(JSON.parse(again.body)).toMatchObject({ code: 'HOLD_PENDING' })
    expect(JSON.parse(again.body).approvalUrl).not.toBe(problem.approvalUrl)
    expect(api.seen).toHaveLength(1)
    expect(await path.control.until(() => held.ran[0])).toMatchObject({ result: 'done', tag: '200' })
  })

  it('shows reviewers all of it, and the record none of its body', async () => {
    await send('/crm/v1/orders', {
      ...order,
      headers: { ...order.headers, cookie: 'session=abcdef', 'idempotency-key': '7', 'user-agent': 'test' },
    })
    const { evidence } = await path.control.next()
    const [method, ...lines] = evidence.text.split('\n')
    expect(method).toBe('POST /v1/orders')
    expect(lines).toContain('content-type: application/json')
    expect(lines).toContain('{"amount":7}')
    expect(lines.find((line) => line.startsWith('cookie'))).toMatch(/^cookie: ‹14 characters, SHA-256 [0-9a-f]{64}›$/)
    expect(lines.find((line) => line.startsWith('idempotency-key'))).toMatch(/SHA-256/)
    expect(evidence).toMatchObject({
      protocol: 'http',
      target: 'crm',
      parts: [{ verb: 'POST', effects: [{ operation: 'http.POST', object: '/v1/orders' }] }],
      quorum: [{ group: 'dba', count: 1 }],
    })
    expect(evidence.spans.map(({ start, end }) => evidence.text.slice(start, end))).toEqual(
      expect.arrayContaining(['POST', 'content-type', '"amount"', '7']),
    )
    const [entry] = path.recorder.of('held')
    expect(entry).toMatchObject({ protocol: 'http', text: 'POST /v1/orders', waits: false })
    expect(JSON.stringify(path.recorder.entries)).not.toMatch(/amount|abcdef/)
  })

  it.each<[string, string, Sending]>([
    ['another body', '/crm/v1/orders', { ...order, body: '{"amount":8}' }],
    ['another query', '/crm/v1/orders?all=1', order],
    ['another path', '/crm/v1/orders/', order],
    [
      'another method',
      '/crm/v1/orders',
      { ...order, method: 'DELETE', headers: { ...order.headers, 'content-length': '12' } },
    ],
    ['another field', '/crm/v1/orders', { ...order, headers: { ...order.headers, 'x-mode': 'force' } }],
    ['another type', '/crm/v1/orders', { ...order, headers: { 'content-type': 'application/x-other+json' } }],
    ['another caller', '/crm/v1/orders', { ...order, shown: { subject: 'bob' } }],
    ['bytes that read the same', '/crm/v1/orders', { ...order, body: '{"amount":7} ' }],
  ])('with %s is another request (R-6.7)', async (_, url, other) => {
    await send('/crm/v1/orders', order)
    const held = await path.control.next()
    path.control.decide(held, 'approved')
    expect(JSON.parse((await send(url, other)).body)).toMatchObject({ code: 'HOLD_PENDING' })
    expect(api.seen).toEqual([])
    expect((await path.control.next()).evidence.statementDigest).not.toBe(held.evidence.statementDigest)
  })

  it('of another attempt is the same: traces, agents and lengths do not count', async () => {
    await send('/crm/v1/orders', { ...order, headers: { ...order.headers, traceparent: '00-1', 'x-request-id': '1' } })
    path.control.decide(await path.control.next(), 'approved')
    const chunked = {
      ...order.headers,
      traceparent: '00-2',
      'x-request-id': '2',
      'user-agent': 'b',
      'transfer-encoding': 'chunked',
    }
    expect((await send('/crm/v1/orders', { ...order, headers: chunked })).status).toBe(200)
    expect(api.seen[0]?.body).toBe('{"amount":7}')
  })

  it('under other rules, or to another place, asks anew', async () => {
    await send('/crm/v1/orders', order)
    path.control.decide(await path.control.next(), 'approved')
    path.snapshots.publish(path.snapshot(documents(api.port, 'masks: [{ detect: [email] }]')))
    expect(JSON.parse((await send('/crm/v1/orders', order)).body)).toMatchObject({ code: 'HOLD_PENDING' })
    path.control.decide(await path.control.next(), 'approved')
    const elsewhere = documents(api.port, 'masks: [{ detect: [email] }]').replace('passFields: [cookie]', '')
    path.snapshots.publish(path.snapshot(elsewhere))
    expect(JSON.parse((await send('/crm/v1/orders', order)).body)).toMatchObject({ code: 'HOLD_PENDING' })
    expect(api.seen).toEqual([])
  })
})

describe('a caller that waits', () => {
  it('gets its answer once it is approved', async () => {
    const reply = send('/crm/v1/orders', waiting())
    const held = await path.control.next()
    expect(await path.recorder.seen(({ kind }) => kind === 'held')).toMatchObject({ waits: true })
    path.control.decide(held, 'approved', '', 'ann')
    expect(await reply).toMatchObject({ status: 200, body: 'ok' })
    expect(api.seen).toHaveLength(1)
    expect(kinds()).toEqual(['held', 'hold-ended', 'intent', 'outcome'])
    expect(path.recorder.of('intent')[0]).toMatchObject({ decision: 'approved', statement: 1 })
  })

  it('is told that it was denied, by whom and why', async () => {
    const reply = send('/crm/v1/orders', waiting())
    path.control.decide(await path.control.next(), 'denied', 'this statement is too much', 'bo')
    const { status, body } = await reply
    expect(status).toBe(403)
    expect(JSON.parse(body)).toMatchObject({
      code: 'HOLD_DENIED',
      detail: expect.stringContaining('this statement is too much'),
    })
    expect(api.seen).toEqual([])
  })

  it('that is gone before runs nothing, and one that comes back does', async () => {
    const token = await path.token({ target: 'crm' })
    const request = httpsRequest({
      host: '127.0.0.1',
      port: path.httpPort,
      servername: 'localhost',
      ca: path.ca,
      path: '/crm/v1/orders',
      agent: false,
      method: 'POST',
      headers: { ...waiting().headers, authorization: `Bearer ${token}` },
    })
    request.on('error', () => {})
    request.end(order.body)
    const held = await path.control.next()
    request.destroy()
    await path.recorder.seen(({ kind }) => kind === 'hold-ended')
    path.control.decide(held, 'approved')
    expect(api.seen).toEqual([])
    expect((await send('/crm/v1/orders', order)).status).toBe(200)
    expect(api.seen).toHaveLength(1)
  })

  it('beside others is the one that runs: one approval is one run (R-6.8)', async () => {
    const replies = Promise.all(Array.from({ length: 5 }, () => send('/crm/v1/orders', waiting())))
    const held = await path.control.next()
    await path.control.until(() => held.calls.size === 5)
    path.control.decide(held, 'approved')
    // The others ask anew, all of them one request.
    const second = await path.control.next()
    await path.control.until(() => second.calls.size === 4)
    await path.recorder.seen(({ kind }) => kind === 'outcome')
    expect(api.seen).toHaveLength(1)
    path.control.decide(second, 'denied')
    const all = await replies
    expect(all.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403])
    expect(api.seen).toHaveLength(1)
  })

  it('waits no longer than the rule says', async () => {
    path.snapshots.publish(path.snapshot(documents(api.port).replace('wait: 60s', 'wait: 1s')))
    const reply = await send('/crm/v1/orders', waiting({ headers: { prefer: 'respond-async, wait=500' } }))
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'HOLD_PENDING' })
  })

  it('is judged again: rules that deny meanwhile win', async () => {
    const reply = send('/crm/v1/orders', waiting())
    const held = await path.control.next()
    const denying = documents(api.port).replace(
      'rules:',
      'rules:\n    - { name: closed, effect: deny, objects: ["/v1/**"] }',
    )
    path.snapshots.publish(path.snapshot(denying))
    path.control.decide(held, 'approved')
    expect(JSON.parse((await reply).body)).toMatchObject({ code: 'POLICY_DENIED' })
    expect(api.seen).toEqual([])
  })
})

describe('a target that is reached otherwise from now on', () => {
  it('gets nothing that was approved for the one before, also where the caller has waited all the time', async () => {
    const reply = send('/crm/v1/orders', waiting())
    const held = await path.control.next()
    path.snapshots.publish(path.snapshot(documents(api.port).replace('passFields: [cookie]', '')))
    path.control.decide(held, 'approved')
    expect(JSON.parse((await reply).body)).toMatchObject({ code: 'SESSION_ENDED' })
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code: 'SESSION_ENDED' })
  })
})

describe('what cannot be held', () => {
  it('a text longer than a reviewer is shown', async () => {
    const body = `"${'x'.repeat(131_071)}"`
    const reply = await send('/crm/v1/orders', { ...order, body })
    expect(JSON.parse(reply.body)).toMatchObject({ status: 413, code: 'REQUEST_TOO_LARGE' })
    expect(path.recorder.of('denied')[0]).toMatchObject({ code: 'REQUEST_TOO_LARGE' })
  })
  it('a body longer than is kept, whether it says so or not', async () => {
    const body = Buffer.alloc(1_048_577, 0xff)
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const reply = await send('/crm/v1/orders', { method: 'POST', headers: headers as Record<string, string>, body })
      expect(JSON.parse(reply.body)).toMatchObject({ status: 413, code: 'REQUEST_TOO_LARGE' })
      expect(reply.headers['connection']).toBe('close')
    }
    expect(api.seen).toEqual([])
  })
  it('bytes that are no text are bound by their digest', async () => {
    const binary: Sending = { method: 'POST', headers: { 'content-type': 'image/png' }, body: Buffer.alloc(200_000, 1) }
    expect(JSON.parse((await send('/crm/v1/orders', binary)).body)).toMatchObject({ code: 'HOLD_PENDING' })
    const held = await path.control.next()
    expect(held.evidence.text).toMatch(/‹200000 bytes that are no text, SHA-256 [0-9a-f]{64}›$/)
    path.control.decide(held, 'approved')
    expect((await send('/crm/v1/orders', binary)).status).toBe(200)
  })
  it('anything while the control plane is away', async () => {
    path.control.behaviour.isUp = false
    try {
      const reply = await send('/crm/v1/orders', order)
      expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
      expect(JSON.parse(reply.body)).toMatchObject({
        code: 'HOLD_UNAVAILABLE',
        detail: expect.stringContaining('the request needs approval'),
      })
    } finally {
      path.control.behaviour.isUp = true
    }
  })
  it('a caller that waits for leave to send its body is given it', async () => {
    const token = await path.token({ target: 'crm' })
    const request = httpsRequest({
      host: '127.0.0.1',
      port: path.httpPort,
      servername: 'localhost',
      ca: path.ca,
      path: '/crm/v1/orders',
      agent: false,
      method: 'POST',
      headers: { ...order.headers, authorization: `Bearer ${token}`, expect: '100-continue', 'content-length': '12' },
    })
    request.flushHeaders()
    await once(request, 'continue')
    request.end(order.body)
    const [response] = await once(request, 'response')
    expect(response.statusCode).toBe(403)
    response.resume()
  })
})
