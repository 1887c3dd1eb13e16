// Limits of HTTP targets: to the unit under fifty callers at once, said in the fields of the draft, and nothing past them
// (THREATS ).
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let path: DataPath
const { send, open } = httpClient(() => path)

const documents = (port: number, limits: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm }
spec: { protocol: http, agents: [test], url: "http://127.0.0.1:${port}", network: loopback, credential: none }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true }, objects: ["/v1/**"] }
    - { name: ask, effect: hold, callers: { any: true }, objects: ["/held"], approval: { reviewers: [{ group: dba }] } }
  limits: [${limits}]
`
/** Budgets live as long as the agent: each test has limits of a name of its own. */
const limit = (limits: string): void => {
  path.snapshots.publish(path.snapshot(documents(api.port, limits)))
}
const fifty = <T>(run: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 50 }, (_, at) => run(at)))

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: documents(api.port, ''), environment: {} })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
  api.answer = (_request, response) => response.end('ok')
})

describe('a limit of requests', () => {
  it('holds to the unit, however many ask at once and from how many connections', async () => {
    limit('{ name: twenty, per: initiator, requests: 20, every: 1h }')
    const replies = await fifty((at) => send(at % 2 === 0 ? '/crm/v1/a' : `/crm/v1/b/?at=${at}`))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(20)
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(30)
    expect(api.seen).toHaveLength(20)
    const refused = replies.find(({ status }) => status === 429)
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(3_500)
    expect(refused?.headers).toMatchObject({ 'ratelimit-policy': '"api/twenty";q=20;w=3600' })
    expect(refused?.headers['ratelimit']).toMatch(/^"api\/twenty";r=0;t=36[0-9]{2}$/)
    expect(JSON.parse(refused?.body ?? '{}')).toMatchObject({ code: 'LIMIT_REACHED' })
    expect(path.recorder.of('denied').find(({ code }) => code === 'LIMIT_REACHED')?.rule).toMatchObject({
      rule: 'twenty',
    })
  })
  it('says with each answer what is left, for whom it counts', async () => {
    limit(
      '{ name: some, per: initiator, requests: 3, every: 60s, objects: ["/v1/x"] }, { name: kib, per: target, bytes: 1000, every: 1h }',
    )
    const first = await send('/crm/v1/x')
    expect(first.headers['ratelimit-policy']).toBe(
      '"api/some";q=3;w=60, "api/kib.bytes";q=1000;w=3600;qu="content-bytes"',
    )
    expect(first.headers['ratelimit']).toMatch(/^"api\/some";r=2;t=60, "api\/kib\.bytes";r=998;t=3600$/)
    // Of another caller, and of another route.
    expect((await send('/crm/v1/x', { shown: { subject: 'bob' } })).headers['ratelimit']).toMatch(/^"api\/some";r=2;/)
    expect((await send('/crm/v1/y')).headers['ratelimit']).toMatch(/^"api\/kib\.bytes";r=994;/)
  })
  it('counts what is denied, too, and says nothing where there is none', async () => {
    limit('{ name: guesses, per: initiator, requests: 2, every: 1h }')
    expect((await send('/crm/v2/a')).status).toBe(403)
    expect((await send('/crm/v2/b')).status).toBe(403)
    expect((await send('/crm/v1/a')).status).toBe(429)
    limit('')
    expect((await send('/crm/v1/a')).headers['ratelimit']).toBeUndefined()
  })
  it('in shadow mode lets everything pass, and says in the record what it would have stopped', async () => {
    limit('{ name: quiet, per: initiator, requests: 1, every: 1h, mode: shadow }')
    expect((await send('/crm/v1/a')).headers['ratelimit']).toBeUndefined()
    expect((await send('/crm/v1/a')).status).toBe(200)
    expect(path.recorder.of('intent').map(({ shadow }) => shadow?.[0]?.rule)).toEqual([undefined, 'quiet'])
  })
})

describe('a limit of bytes', () => {
  it('lets pass as many as it says, over all callers at once, and not one more', async () => {
    limit('{ name: bytes, per: target, bytes: 10000, every: 1h }')
    api.answer = (_request, response) => response.end(Buffer.alloc(450, 'x'))
    const replies = await fifty(() => send('/crm/v1/a').catch(() => null))
    const whole = replies.filter((reply) => reply?.status === 200 && reply.bytes.length === 450)
    expect(whole).toHaveLength(Math.floor(10_000 / 450))
    const late = replies.filter((reply) => reply?.status === 429)
    expect(whole.length + late.length).toBe(50)
    for (const reply of late) expect(JSON.parse(reply?.body ?? '')).toMatchObject({ code: 'LIMIT_REACHED' })
  })
  it('of one answer ends it before the piece that would pass it', async () => {
    limit('{ name: one, per: statement, bytes: 100000 }')
    let more = () => {}
    api.answer = (_request, response) => {
      response.write(Buffer.alloc(60_000, 'a'))
      more = () => response.end(Buffer.alloc(60_000, 'b'))
    }
    const response = await open('/crm/v1/a')
    let text = ''
    const reading = (async () => {
      for await (const chunk of response) {
        text += chunk
        if (text.length === 60_000) more()
      }
    })()
    await expect(reading).rejects.toThrow('aborted')
    expect(text.length).toBeLessThanOrEqual(100_000)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'failed' })
  })
  it('that is used up asks the API for nothing', async () => {
    limit('{ name: none-left, per: initiator, bytes: 2, every: 1h }')
    expect((await send('/crm/v1/a')).status).toBe(200)
    api.seen.length = 0
    expect((await send('/crm/v1/a')).status).toBe(429)
    expect(api.seen).toEqual([])
  })
})

describe('a limit of requests at once', () => {
  it('keeps out whoever comes too many, and lets in the next when one has left', async () => {
    limit('{ name: five, per: initiator, concurrent: 5 }')
    const held: ServerResponse[] = []
    let arrived = () => {}
    api.answer = (_request, response) => {
      held.push(response)
      arrived()
    }
    const replies = fifty(() => send('/crm/v1/a'))
    while (held.length < 5) await new Promise<void>((resolve) => (arrived = resolve))
    const refusals = new Set<string>()
    while (path.recorder.of('denied').length < 45)
      await path.recorder.seen(({ kind }) => kind === 'denied').then(() => new Promise(setImmediate))
    for (const { code } of path.recorder.of('denied')) refusals.add(code)
    expect([...refusals]).toEqual(['LIMIT_REACHED'])
    expect(held).toHaveLength(5)
    // Somebody else is somebody else.
    const other = send('/crm/v1/a', { shown: { subject: 'bob' } })
    while (held.length < 6) await new Promise<void>((resolve) => (arrived = resolve))
    api.answer = (_request, response) => response.end('ok')
    for (const response of held) response.end('ok')
    const all = await replies
    expect(all.filter(({ status }) => status === 200)).toHaveLength(5)
    const refused = all.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(45)
    expect(refused[0]?.headers['retry-after']).toBe('1')
    expect((await other).status).toBe(200)
    expect((await send('/crm/v1/a')).status).toBe(200)
  })
  it('gives the place back whatever happens: a denial, a target that is gone, a caller that is gone', async () => {
    limit('{ name: single, per: initiator, concurrent: 1 }')
    expect((await send('/crm/v2/a')).status).toBe(403)
    expect((await send('/crm/held', { method: 'POST' })).status).toBe(403)
    api.answer = (request) => request.socket.destroy()
    expect((await send('/crm/v1/a')).status).toBe(502)
    api.answer = (_request, response) => response.write('begun')
    const response = await open('/crm/v1/a')
    response.on('error', () => {})
    await once(response, 'data')
    expect((await send('/crm/v1/a')).status).toBe(429)
    path.recorder.entries.length = 0
    response.destroy()
    await path.recorder.seen(({ kind }) => kind === 'outcome')
    api.answer = (_request, answer) => answer.end('ok')
    expect((await send('/crm/v1/a')).status).toBe(200)
  })
})

describe('a limit of cost', () => {
  const json = (value: unknown) => (_request: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(value))
  }
  it('takes what a route costs, one unit where no weight says more, and nothing for what is denied', async () => {
    limit(
      '{ name: work, per: initiator, cost: 10, every: 60s, weights: [{ objects: ["/v1/search"], units: 6 }, { objects: ["/v1/**"], units: 2 }] }',
    )
    expect((await send('/crm/v2/denied')).status).toBe(403)
    const first = await send('/crm/v1/search')
    expect(first.headers['ratelimit-policy']).toBe('"api/work.cost";q=10;w=60;qu="cost-units"')
    expect(first.headers['ratelimit']).toMatch(/^"api\/work\.cost";r=4;t=60$/)
    expect((await send('/crm/v1/search')).status).toBe(429)
    expect((await send('/crm/v1/a')).status).toBe(200)
    expect((await send('/crm/v1/a')).status).toBe(200)
    const refused = await send('/crm/v1/a')
    expect(refused.status).toBe(429)
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 'LIMIT_REACHED',
      detail: expect.stringContaining('10 cost units'),
    })
  })
  it.each<[string, string, (request: unknown, response: ServerResponse) => void]>([
    ['its JSON', 'answer: $.usage.total_tokens', json({ usage: { total_tokens: 70 } })],
    [
      'the last event of a stream',
      'answer: $.usage.total_tokens',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: {"text":"a"}\n\ndata: {"usa')
        response.end('ge":{"total_tokens":70}}\n\ndata: [DONE]\n\n')
      },
    ],
    [
      'a line',
      'answer: $.usage.total_tokens',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        response.end('{"text":"a"}\n{"usage":{"total_tokens":70}}')
      },
    ],
    [
      'a field',
      'field: x-cost',
      (_request, response) => {
        response.writeHead(200, { 'x-cost': '69.5' })
        response.end('ok')
      },
    ],
    [
      'its JSON in gzip',
      'answer: $.usage.total_tokens',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        response.end(gzipSync('{"usage":{"total_tokens":70}}'))
      },
    ],
  ])('owes what the answer says in %s', async (what, source, answer) => {
    const name = what.replaceAll(/[^a-z]/gi, '').toLowerCase()
    limit(`{ name: ${name}, per: initiator, cost: 100, every: 60s, weights: [{ units: 10, ${source} }] }`)
    api.answer = answer
    expect((await send('/crm/v1/chat')).status).toBe(200)
    expect((await send('/crm/v1/chat')).headers['ratelimit']).toMatch(/;r=20;/)
    // More than there was is owed, and nothing goes on meanwhile.
    expect((await send('/crm/v1/chat')).status).toBe(429)
  })
  it('keeps what was taken where the answer does not say', async () => {
    limit('{ name: unsaid, per: initiator, cost: 30, every: 60s, weights: [{ units: 10, answer: $.usage }] }')
    for (const value of [{}, { usage: 'many' }, { usage: -7 }]) {
      api.answer = json(value)
      expect((await send('/crm/v1/chat')).status).toBe(200)
    }
    expect((await send('/crm/v1/chat')).status).toBe(429)
  })
  it('holds to the unit under fifty callers', async () => {
    limit('{ name: fifty, per: target, cost: 60, every: 1h, weights: [{ units: 3 }] }')
    const replies = await fifty(() => send('/crm/v1/a'))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(20)
  })
})

describe('connections', () => {
  it('of one caller are bounded, however many tokens it shows, and have room again when one ends (R-4.10)', async () => {
    const own = await startDataPath({ yaml: documents(api.port, ''), environment: {}, httpConnectionsPerCallerMax: 2 })
    const client = httpClient(() => own)
    api.answer = (_request, response) => void response.write('open')
    const first = await client.open('/crm/v1/a')
    const second = await client.open('/crm/v1/a')
    const refused = await client.send('/crm/v1/a')
    expect(refused.status).toBe(429)
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'CONNECTION_LIMIT' })
    api.answer = (_request, response) => response.end('ok')
    expect((await client.send('/crm/v1/a', { shown: { subject: 'bob' } })).status).toBe(200)
    first.destroy()
    await expect.poll(async () => (await client.send('/crm/v1/a')).status).toBe(200)
    second.destroy()
    await own.stop()
  })
})
