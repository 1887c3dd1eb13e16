// HTTP and MCP served by several processes of one agent: limits hold over all of them to the unit, sessions of MCP go on wherever the
// next request comes to, and what one process loses is lost by it alone.
import type { ServerResponse } from 'node:http'
import { limits } from '@sallyport/base/limits'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { httpClient, type Reply } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'
import { connectH2, sendH2 } from './http2-client.ts'
import { events, type McpTestServer, resultOf, startMcpServer } from './mcp-server.ts'
import { resumed } from './tls-sessions.ts'
import { startWorkerAgent, type WorkerAgent } from './worker-agent.ts'

let api: TestApi
let issuer: TestApi
let server: McpTestServer
let agent: WorkerAgent
const { send } = httpClient(() => agent)

const documents = (limits = ''): string => `
${httpTarget('crm', api.port)}
  credential: none
---
${httpTarget('billed', api.port)}
  credential: { oauth: { tokenUrl: "http://127.0.0.1:${issuer.port}/token", clientId: agent, clientSecret: { env: CLIENT_SECRET } } }
---
${httpTarget('tools', server.port, '/mcp')}
  credential: none
  mcp: {}
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { names: [crm, billed] }
  rules:
    - { name: all, effect: allow, callers: { any: true }, objects: ["/v1/**"] }
    - { name: ask, effect: hold, callers: { any: true }, objects: ["/held/**"], approval: { reviewers: [{ group: dba }], wait: 30s } }
    - { name: read, effect: deny, objects: ["/v1/read"], when: "http.body.secret == true" }
  limits: [${limits}]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: tools }
spec:
  targets: { names: [tools] }
  rules: [{ name: calls, effect: allow, callers: { any: true }, objects: [tools/*] }]
  masks: [{ name: mails, detect: [email], method: redact }]
`

beforeAll(async () => {
  ;[api, issuer, server] = await Promise.all([startApi(), startApi(), startMcpServer()])
  const env = { SALLYPORT_HTTP_PORT: '0', CLIENT_SECRET: 'the-clients-own-secret-1' }
  agent = await startWorkerAgent({ yaml: documents(), workers: 2, env })
}, 120_000)
afterAll(async () => {
  await agent?.stop()
  await Promise.all([api.stop(), issuer.stop(), server.stop()])
})
beforeEach(() => {
  api.seen.length = 0
  api.answer = (_request, response) => response.end('ok')
  server.tools = []
  server.heard.length = 0
})

/** Budgets live as long as the agent: each test has limits of a name of its own. */
async function limited(limits: string): Promise<void> {
  const version = agent.publish(documents(limits))
  const taken = () => agent.lines.filter((line) => line.msg === 'snapshot-taken' && line['version'] === version)
  await agent.until(() => new Set(taken().map(({ worker }) => worker)).size === 2)
}
const fifty = <T>(run: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 50 }, (_, at) => run(at)))
/** Which workers sessions were opened at since. */
const workersSince = (from: number): Set<number | undefined> =>
  new Set(agent.lines.slice(from).flatMap(({ msg, worker }) => (msg === 'session-opened' ? [worker] : [])))
const both = new Set([0, 1])
const json = (value: unknown) => (_request: unknown, response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

describe('under fifty callers at once, over two workers', () => {
  it('a limit of requests holds to the unit, and says what is left by all of them', async () => {
    await limited('{ name: twenty, per: initiator, requests: 20, every: 1h }')
    const from = agent.lines.length
    const replies = await fifty(() => send('/crm/v1/a'))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(20)
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(30)
    expect(api.seen).toHaveLength(20)
    expect(workersSince(from)).toEqual(both)
    const left = replies.flatMap(({ status, headers }) => (status === 200 ? [String(headers['ratelimit'])] : []))
    expect(left.map((text) => Number(/;r=([0-9]+)/.exec(text)?.[1])).every((rest) => rest < 20)).toBe(true)
  })
  it('a limit of bytes lets pass as many as it says, and not one more', async () => {
    await limited('{ name: bytes, per: initiator, bytes: 10000, every: 1h }')
    api.answer = (_request, response) => response.end(Buffer.alloc(450, 'x'))
    const replies = await fifty(() => send('/crm/v1/a').catch(() => null))
    const whole = replies.filter((reply) => reply?.status === 200 && reply.bytes.length === 450)
    expect(whole).toHaveLength(Math.floor(10_000 / 450))
  })
  it('a limit of requests at once keeps out whoever comes too many, wherever they come to', async () => {
    await limited('{ name: five, per: initiator, concurrent: 5 }')
    const held: ServerResponse[] = []
    let settled = 0
    let changed = () => {}
    api.answer = (_request, response) => {
      held.push(response)
      changed()
    }
    const replies = fifty(async () => {
      const reply = await send('/crm/v1/a')
      settled += 1
      changed()
      return reply
    })
    while (held.length < 5 || settled < 45) await new Promise<void>((resolve) => (changed = resolve))
    expect(held).toHaveLength(5)
    api.answer = (_request, response) => response.end('ok')
    for (const response of held) response.end('ok')
    const all = await replies
    expect(all.filter(({ status }) => status === 200)).toHaveLength(5)
    expect(all.filter(({ status }) => status === 429)).toHaveLength(45)
    // All places were given back, by both.
    const again = await Promise.all(Array.from({ length: 4 }, () => send('/crm/v1/a')))
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  })
  it('a limit of cost holds to the unit, and what an answer says is owed everywhere', async () => {
    await limited('{ name: cost, per: initiator, cost: 60, every: 1h, weights: [{ units: 3 }] }')
    const replies = await fifty(() => send('/crm/v1/a'))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(20)
    await limited('{ name: owed, per: initiator, cost: 100, every: 60s, weights: [{ units: 10, answer: $.tokens }] }')
    api.answer = json({ tokens: 95 })
    expect((await send('/crm/v1/a')).status).toBe(200)
    const next = await Promise.all([send('/crm/v1/a'), send('/crm/v1/a')])
    expect(next.map(({ status }) => status)).toEqual([429, 429])
  })
  it('bodies are read that the agent has room for, piece by piece and all at once', async () => {
    await limited('')
    const body = JSON.stringify({ secret: false, text: 'x'.repeat(300_000) })
    const headers = { 'content-type': 'application/json' }
    const replies = await fifty(() => send('/crm/v1/read', { method: 'POST', headers, body }))
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
    expect(api.seen.every((seen) => seen.body === body)).toBe(true)
  })
})

/** Of requests under way that one caller may have; several minutes of a busy machine. */
it.runIf(process.env['SALLYPORT_TEST'] === 'full')(
  'a caller has as many requests under way as it may, over both workers, and not one more',
  async () => {
    await limited('')
    const { httpRequestsPerCallerMax: most, httpStreamsPerConnectionMax: each } = limits
    const held = new Set<ServerResponse>()
    let isHeld = true
    api.answer = (_request, response) => {
      if (isHeld) held.add(response)
      else response.end('ok')
    }
    const authorization = `Bearer ${await agent.token({ target: 'crm' })}`
    const sessions = await Promise.all(Array.from({ length: most / each }, () => connectH2(agent)))
    const from = agent.entries.length
    const replies = sessions.flatMap((session) =>
      Array.from({ length: each }, () => sendH2(session, { ':path': '/crm/v1/many', authorization })),
    )
    // Entries of the tests before may still be on their way.
    const isOwn = (entry: object) => JSON.stringify(entry).includes('/v1/many')
    const underWay = () => agent.entries.slice(from).filter((entry) => entry.kind === 'intent' && isOwn(entry)).length
    await agent.until(() => underWay() === most)
    const refused = await send('/crm/v1/a')
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([429, 'CONNECTION_LIMIT'])
    isHeld = false
    for (const response of held) response.end('ok')
    expect(new Set((await Promise.all(replies)).map(({ status }) => status))).toEqual(new Set([200]))
    expect((await send('/crm/v1/a')).status).toBe(200)
    for (const session of sessions) session.destroy()
  },
  600_000,
)

it('a request that is held goes on where it waits, once it is approved', async () => {
  await limited('')
  const replies = await Promise.all(
    Array.from({ length: 4 }, (_, at) =>
      send(`/crm/held/${at}`, { method: 'POST', headers: { prefer: 'wait=30' }, body: `${at}` }),
    ),
  )
  expect(replies.map(({ status, body }) => [status, body])).toEqual(Array(4).fill([200, 'ok']))
  expect(api.seen.map(({ url }) => url).sort()).toEqual(['/held/0', '/held/1', '/held/2', '/held/3'])
})

it('a token for one use is used once, whichever worker it comes to', async () => {
  const token = await agent.token({ target: 'crm', once: true, jti: 'only-once-http' })
  const replies = await Promise.all(Array.from({ length: 4 }, () => send('/crm/v1/a', { token })))
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
})

it('a token of a target is asked for once for all workers, and stands nowhere', async () => {
  let tokens = 0
  issuer.answer = (_request, response) =>
    json({ access_token: `token-number-${++tokens}`, token_type: 'Bearer', expires_in: 600 })(null, response)
  const from = agent.lines.length
  const replies = await Promise.all(Array.from({ length: 12 }, () => send('/billed/v1/a')))
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
  expect(workersSince(from)).toEqual(both)
  expect(new Set(api.seen.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer token-number-1']))
  expect(issuer.seen).toHaveLength(1)
  expect(JSON.stringify([agent.lines, agent.entries])).not.toMatch(/token-number|clients-own-secret/)
})

describe('a session of MCP', () => {
  let id = 100
  const common = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const post = (message: object, session?: string): Promise<Reply> =>
    send('/tools', {
      method: 'POST',
      headers: { ...common, ...(session === undefined ? {} : { 'mcp-session-id': session }) },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    })
  const request = (method: string, params: object, session?: string): Promise<Reply> =>
    post({ id: ++id, method, params }, session)
  const begin = async (): Promise<string> => {
    const reply = await request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    })
    expect(reply.status, reply.body).toBe(200)
    return String(reply.headers['mcp-session-id'])
  }
  const call = (name: string, session: string): Promise<Reply> =>
    request('tools/call', { name, arguments: {} }, session)
  const tool = (description: string) => ({ name: 'search', description, inputSchema: { type: 'object' } })
  const parsed = ({ body }: Reply) => JSON.parse(body)

  beforeEach(() => {
    server.tools = [tool('Searches.')]
    server.results = { 'tools/call': { content: [{ type: 'text', text: 'of alma@example.com' }] } }
  })

  it('goes on at whichever worker the next request comes to, masked there as well, and ends at all of them', async () => {
    const from = agent.lines.length
    const session = await begin()
    for (let round = 0; round < 4; round++)
      expect(parsed(await call('search', session)).result.content).toEqual([{ type: 'text', text: 'of [redacted]' }])
    expect(workersSince(from)).toEqual(both)
    expect(new Set(server.heard.map(({ headers }) => headers['mcp-session-id']))).toEqual(
      new Set([undefined, 'server-session-1']),
    )
    expect((await send('/tools', { method: 'DELETE', headers: { 'mcp-session-id': session } })).status).toBe(204)
    for (let round = 0; round < 2; round++) expect((await call('search', session)).status).toBe(404)
  })
  it("is nobody else's at any of them", async () => {
    const session = await begin()
    for (let round = 0; round < 2; round++) {
      const headers = { ...common, 'mcp-session-id': session }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
      const reply = await send('/tools', { method: 'POST', headers, body, shown: { subject: 'bob' } })
      expect(reply.status).toBe(404)
    }
  })
  it('has an id that is not answered yet in use at all of them (R-4.14)', async () => {
    const session = await begin()
    await call('search', session)
    let answer = () => {}
    const standard = server.answer
    const asked = new Promise<void>((resolve) => {
      server.answer = (message, response) => {
        answer = () => standard(message, response, response.req)
        resolve()
      }
    })
    const message = { id: 'same', method: 'tools/call', params: { name: 'search', arguments: {} } }
    const first = post(message, session)
    await asked
    server.answer = standard
    for (let round = 0; round < 2; round++)
      expect(parsed(await post(message, session)).error.data).toMatchObject({ code: 'REQUEST_INVALID' })
    answer()
    expect(parsed(await first).result.content).toEqual([{ type: 'text', text: 'of [redacted]' }])
    expect(parsed(await post(message, session)).result.content).toHaveLength(1)
  })
  it('goes on where a stream broke off, at another worker, and masked by what was asked (R-4.17)', async () => {
    const standard = server.answer
    for (let round = 0; round < 2; round++) {
      const session = await begin()
      await call('search', session)
      let asked: any
      server.answer = (message, response, incoming) => {
        if (message !== null) {
          asked = message
          events(response, 'id: server-event-1\ndata: \n\n')
          response.end()
        } else {
          expect(incoming.headers['last-event-id']).toBe('server-event-1')
          events(response, resultOf(asked, { content: [{ type: 'text', text: 'late, of alma@example.com' }] }))
          response.end()
        }
      }
      const broken = await call('search', session)
      const event = /^id: ?([0-9a-f]+)$/m.exec(broken.body)?.[1] ?? ''
      expect(event).not.toBe('')
      // One more connection in between every other time, so that it comes to the one and to the other.
      if (round === 1) await send('/crm/v1/a')
      const headers = { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': event }
      const resumed = await send('/tools', { headers })
      expect(resumed.body).toContain('late, of [redacted]')
      server.answer = standard
    }
  })
  it('has a tool kept from callers at all of them that says something else than what one of them saw (R-4.15)', async () => {
    const session = await begin()
    expect(parsed(await call('search', session)).result).toBeDefined()
    server.tools = [tool('Sends everything away.')]
    const list = () => request('tools/list', {}, session)
    for (let round = 0; round < 2; round++) {
      expect(parsed(await list()).result.tools).toEqual([])
      expect(parsed(await call('search', session)).error.data).toMatchObject({ code: 'TOOL_QUARANTINED' })
    }
    server.tools = [tool('Searches.')]
    expect(parsed(await list()).result.tools).toHaveLength(1)
    expect(parsed(await call('search', session)).result).toBeDefined()
  })
  it('outlives the worker that it began at', async () => {
    const session = await begin()
    const before = agent.processOf(1) ?? 0
    process.kill(before, 'SIGKILL')
    await agent.until(() => agent.workers().length === 2 && !agent.workers().includes(before))
    for (let round = 0; round < 2; round++) expect(parsed(await call('search', session)).result).toBeDefined()
  }, 60_000)
})

it('an ended worker takes its own connections alone, and gives back all that it held', async () => {
  await limited('{ name: eight, per: initiator, concurrent: 8 }')
  const held: ServerResponse[] = []
  let arrived = () => {}
  api.answer = (_request, response) => {
    held.push(response)
    arrived()
  }
  const from = agent.lines.length
  const replies = Array.from({ length: 8 }, () => send('/crm/v1/a').catch(() => null))
  while (held.length < 8) await new Promise<void>((resolve) => (arrived = resolve))
  const opened = agent.lines.slice(from).filter(({ msg }) => msg === 'session-opened')
  expect((await send('/crm/v1/a')).status).toBe(429)
  const lost = opened.filter(({ worker }) => worker === 0).flatMap(({ session }) => session ?? [])
  const before = agent.processOf(0) ?? 0
  process.kill(before, 'SIGKILL')
  await agent.until(() =>
    lost.every((id) => agent.entries.some((one) => one.session === id && one.kind === 'session-closed')),
  )
  for (const response of held) response.end('ok')
  api.answer = (_request, response) => response.end('ok')
  const survived = (await Promise.all(replies)).filter((reply) => reply?.status === 200)
  expect(lost.length).toBeGreaterThan(0)
  expect(survived).toHaveLength(8 - lost.length)
  await agent.until(() => agent.workers().length === 2 && !agent.workers().includes(before))
  // As many as may be at once may be at once again.
  const again = await Promise.all(Array.from({ length: 8 }, () => send('/crm/v1/a')))
  expect(again.map(({ status }) => status)).toEqual(Array(8).fill(200))
}, 60_000)

it('a session of TLS that began at one worker goes on at the other', async () => {
  const to = { host: '127.0.0.1', port: agent.httpPort, servername: 'localhost', ca: agent.ca }
  expect(await resumed({ ...to, ALPNProtocols: ['http/1.1'] }, 2)).toEqual([true, true])
})

it('ends well on SIGTERM: answers that have begun are finished, and all is recorded', async () => {
  const other = await startWorkerAgent({
    yaml: documents(),
    workers: 2,
    env: { SALLYPORT_HTTP_PORT: '0', SALLYPORT_DRAIN_SECONDS: '30' },
  })
  const held: ServerResponse[] = []
  let arrived = () => {}
  api.answer = (_request, response) => {
    response.write('begun, ')
    held.push(response)
    arrived()
  }
  const client = httpClient(() => other)
  const replies = Array.from({ length: 4 }, () => client.send('/crm/v1/a'))
  while (held.length < 4) await new Promise<void>((resolve) => (arrived = resolve))
  other.child.kill('SIGTERM')
  await other.until(() => other.lines.some(({ msg }) => msg === 'stopping'))
  for (const response of held) response.end('ended')
  expect((await Promise.all(replies)).map(({ body }) => body)).toEqual(Array(4).fill('begun, ended'))
  expect(await other.ended).toEqual({ code: 0 })
  await other.stop()
  expect(other.entries.filter(({ kind }) => kind === 'session-closed')).toHaveLength(4)
}, 120_000)
