// Answers that last, over HTTP and of servers of MCP: what a token, a grant, a mask or an initiator let begin ends with it, within the
// second, and everything else goes on (THREATS; DESIGN §4: a grant's end is checked at every statement).
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { manualClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, type Shown, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'
import { type McpTestServer, startMcpServer } from './mcp-server.ts'

let api: TestApi
let server: McpTestServer
let path: DataPath
const clock = manualClock(Date.now())
const { open, send } = httpClient(() => path)
/** Of the API, for each request that is open. */
const streams: ServerResponse[] = []

const grantMs = 600_000
const documents = (more = ''): string => `
${httpTarget('crm', api.port, '')}
  credential: none
  mayAct: [{ actors: { groups: [engineering] }, initiators: { groups: [engineering] } }]
---
${httpTarget('tools', server.port, '/mcp')}
  credential: none
  mcp: { pinning: "off" }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { names: [crm, tools] }
  rules:
    - { name: granted, effect: allow, callers: { any: true }, objects: ["/v1/granted", "tools/granted"], when: 'now < timestamp("${new Date(clock.nowMs() + grantMs).toISOString()}")' }
    - { name: all, effect: allow, callers: { any: true }, objects: ["/v1/all", "tools/other"] }
    - { name: by-body, effect: allow, callers: { any: true }, operations: [http.POST], objects: ["/v1/body"], when: http.body.size <= 10 }
${more}`

beforeAll(async () => {
  api = await startApi()
  server = await startMcpServer()
  path = await startDataPath({ yaml: documents(), environment: {}, clock })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
  await server.stop()
})
beforeEach(() => {
  clock.set(Date.now())
  streams.length = 0
  path.recorder.entries.length = 0
  path.snapshots.publish(path.snapshot(documents()))
  api.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    streams.push(response)
  }
})

interface Opened {
  /** Settles with true where the stream is cut off, with false where it ends; what still comes is dropped. */
  cut(): Promise<boolean>
  next(): Promise<string>
}

async function opened(url: string, options: Parameters<typeof open>[1] = {}): Promise<Opened> {
  const response = await open(url, options)
  expect(response.statusCode).toBe(200)
  const cut = new Promise<boolean>((resolve) => {
    response.once('error', () => resolve(true))
    response.once('end', () => resolve(false))
  })
  const next = async (): Promise<string> => {
    for (;;) {
      const chunk: Buffer | null = response.read()
      if (chunk !== null) return chunk.toString('utf8')
      await once(response, 'readable')
    }
  }
  return {
    next,
    cut() {
      response.resume()
      return cut
    },
  }
}

/** As often as it takes for the look to have come round twice: an answer is young at the first. */
const looks = async (): Promise<void> => {
  const from = performance.now()
  while (performance.now() - from < 2.5 * limits.httpJudgedEveryMs) await send('/crm/v1/none')
}

const revoked = (subject: string) => ({
  revocations: [{ jti: '', issuer: 'https://idp.test', subject, beforeMs: clock.nowMs() + 60_000 }],
})

describe('an answer of an HTTP API', () => {
  it('ends when its token has run out', async () => {
    const { cut, next } = await opened('/crm/v1/all', { shown: { seconds: 600 } })
    expect(await next()).toBe('data: 1\n\n')
    clock.advance((600 + limits.clockLeewaySeconds) * 1_000)
    expect(await cut()).toBe(true)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'cancelled' })
  })

  it('ends when the grant that let it begin has, and not before', async () => {
    const { cut, next } = await opened('/crm/v1/granted', { shown: { seconds: 3_600 } })
    const other = await opened('/crm/v1/all', { shown: { seconds: 3_600 } })
    for (const one of [next, other.next]) expect(await one()).toBe('data: 1\n\n')
    await looks()
    for (const stream of streams) stream.write('data: 2\n\n')
    for (const one of [next, other.next]) expect(await one()).toBe('data: 2\n\n')
    clock.advance(grantMs)
    expect(await cut()).toBe(true)
    for (const stream of streams) stream.end('data: 3\n\n')
    expect(await other.next()).toBe('data: 3\n\n')
    expect(await other.cut()).toBe(false)
  })

  it.each([
    ['a mask that is new', '  masks: [{ name: ids, routes: ["/v1/all"], path: $.id, method: redact }]'],
    ['a rule that denies it', '    - { name: none, effect: deny, objects: ["/v1/all"] }'],
  ])('ends with %s', async (_, more) => {
    const { cut, next } = await opened('/crm/v1/all')
    await next()
    path.snapshots.publish(path.snapshot(documents(more)))
    expect(await cut()).toBe(true)
  })

  it('ends when the person for whom it is asked has been closed out', async () => {
    const initiator = await path.token({ subject: 'ann', actors: ['web'], target: 'crm' })
    const shown: Shown = { subject: 'web', kind: 'workload' }
    const { cut, next } = await opened('/crm/v1/all', { shown, headers: { 'sallyport-initiator': initiator } })
    await next()
    path.snapshots.publish(path.snapshot(documents(), revoked('ann')))
    expect(await cut()).toBe(true)
  })

  it('goes on under the same policies however often they come anew, masks and a condition on its body among them', async () => {
    const masks = '  masks: [{ name: ids, routes: ["/v1/body"], path: $.id, method: redact }]'
    path.snapshots.publish(path.snapshot(documents(masks)))
    const { cut, next } = await opened('/crm/v1/body', {
      method: 'POST',
      body: '{"size":7}',
      headers: { 'content-type': 'application/json' },
    })
    for (let turn = 0; turn < 2; turn++) {
      await looks()
      path.snapshots.publish(path.snapshot(documents(masks)))
    }
    streams[0]?.end('data: {"id":7}\n\n')
    let text = ''
    while (!text.includes('redacted')) text += await next()
    expect(await cut()).toBe(false)
  })
})

const common = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const rpc = (method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

describe('an answer of a server of MCP', () => {
  async function begin(shown: Shown): Promise<Record<string, string>> {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } }
    const hello = await send('/tools', { method: 'POST', headers: common, body: rpc('initialize', params), shown })
    return { ...common, 'mcp-session-id': String(hello.headers['mcp-session-id']) }
  }
  const streaming = (): void => {
    server.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(
        'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"begun"}}\n\n',
      )
      streams.push(response)
    }
  }

  it('to a call ends when the grant of the tool does', async () => {
    const shown: Shown = { seconds: 3_600 }
    const headers = await begin(shown)
    streaming()
    const body = rpc('tools/call', { name: 'granted', arguments: {} })
    const { cut, next } = await opened('/tools', { method: 'POST', headers, body, shown })
    expect(await next()).toContain('begun')
    clock.advance(grantMs)
    expect(await cut()).toBe(true)
    await path.recorder.seen((body) => body.kind === 'outcome' && body.result === 'cancelled')
  })

  it('that nobody asked for ends with the token', async () => {
    const shown: Shown = { seconds: 600 }
    const headers = await begin(shown)
    streaming()
    const { cut, next } = await opened('/tools', { headers, shown })
    expect(await next()).toContain('begun')
    clock.advance((600 + limits.clockLeewaySeconds) * 1_000)
    expect(await cut()).toBe(true)
  })
})
