// WebSockets through a real listener to a real server: judged at the handshake, passed on message by message, and never where
// something would have to be masked (THREATS ).
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { systemClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { secondObjectFields } from '@sallyport/wire/http/fields'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { connectH2, sendH2 } from './http2-client.ts'

const secret = 'upstream-secret-0123456789'
const other = 'another-secret-9876543210'
let api: Server
let sockets: WebSocketServer
let path: DataPath
const seen: { url: string; headers: Record<string, unknown> }[] = []
let serve: (socket: WebSocket) => void = () => {}
const { raw } = httpClient(() => path)

const target = (name: string, port: number, more: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name} }
spec:
  protocol: http
  agents: [test]
  url: http://127.0.0.1:${port}/api
  network: loopback
  credential: { bearer: { env: ${name === 'closed' ? 'OTHER' : 'CRM_TOKEN'} } }
  ${more}
---`
const documents = (more = ''): string => {
  const { port } = api.address() as AddressInfo
  return `${target('crm', port, 'webSocket: {}')}${target('chat', port, 'webSocket: { subprotocols: [chat.v1, chat.v2], origins: ["https://app.example"] }')}${target('closed', port, '')}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: live, effect: allow, callers: { groups: [engineering] }, operations: [http.WEBSOCKET], objects: ["/**"] }
    - { name: read, effect: allow, callers: { groups: [readers] }, operations: [http.GET], objects: ["/**"] }
    - { name: no-admin, effect: deny, objects: ["/admin/**"] }
    - { name: people-first, effect: hold, callers: { any: true }, objects: ["/held"], approval: { reviewers: [{ group: dba }] } }
  masks:
    - { name: ssn, routes: ["/people/**"], path: $.ssn, method: redact }
  outward:
    - { name: keys, detect: [aws-key], routes: ["/chat"] }
  ${more}
`
}

beforeAll(async () => {
  api = createServer((_request, response) => response.writeHead(404).end('no'))
  sockets = new WebSocketServer({ server: api, perMessageDeflate: true })
  sockets.on('connection', (socket, request) => {
    seen.push({ url: request.url ?? '', headers: request.headers })
    serve(socket)
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  path = await startDataPath({ yaml: documents(), environment: { CRM_TOKEN: secret, OTHER: other } })
})
afterAll(async () => {
  await path.stop()
  for (const socket of sockets.clients) socket.terminate()
  api.closeAllConnections()
  api.close()
})
beforeEach(() => {
  seen.length = 0
  path.recorder.entries.length = 0
  path.snapshots.publish(path.snapshot(documents()))
  serve = (socket) => socket.on('message', (bytes, isBinary) => socket.send(bytes, { binary: isBinary }))
})

interface Opened {
  readonly socket: WebSocket
  readonly messages: { text: string; isBinary: boolean }[]
  /** The next message. */
  next(): Promise<string>
  readonly closed: Promise<number>
}

interface Asking {
  readonly protocols?: string[]
  readonly headers?: Record<string, string>
  readonly shown?: Parameters<DataPath['token']>[0]
  readonly token?: string
}

async function dial(url: string, { protocols = [], headers = {}, shown, token }: Asking = {}): Promise<WebSocket> {
  const name = url.split('/')[1] ?? ''
  const bearer = token ?? (await path.token({ target: name, ...shown }))
  return new WebSocket(`wss://localhost:${path.httpPort}${url}`, protocols, {
    ca: path.ca,
    headers: { authorization: `Bearer ${bearer}`, ...headers },
  })
}

async function open(url: string, asking: Asking = {}): Promise<Opened> {
  const socket = await dial(url, asking)
  const messages: Opened['messages'] = []
  socket.on('error', () => {})
  const waiting: (() => void)[] = []
  socket.on('message', (bytes, isBinary) => {
    messages.push({ text: bytes.toString(), isBinary })
    waiting.shift()?.()
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await once(socket, 'open')
  let read = 0
  return {
    socket,
    messages,
    closed,
    async next() {
      if (messages.length <= read) await new Promise<void>((resolve) => waiting.push(resolve))
      read += 1
      return messages[read - 1]?.text ?? ''
    },
  }
}

/** Status, type and code of a handshake that is answered otherwise than by 101. */
async function refused(url: string, asking: Asking = {}) {
  const socket = await dial(url, asking)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, type: response.headers['content-type'], code: JSON.parse(text).code }
}

describe('a WebSocket', () => {
  it('passes messages in both directions, with the injected credential, and stands in the record', async () => {
    const { socket, next, closed } = await open('/crm/live?room=1', { headers: { 'x-trace': '7', cookie: 'a=b' } })
    for (const text of ['one', 'two', 'three']) {
      socket.send(text)
      expect(await next()).toBe(text)
    }
    socket.send(Buffer.from([1, 2, 3]))
    await next()
    socket.close(4_001, 'a reason')
    expect(await closed).toBe(4_001)
    expect(seen[0]).toMatchObject({
      url: '/api/live?room=1',
      headers: { authorization: `Bearer ${secret}`, 'x-trace': '7', via: '1.1 sallyport' },
    })
    expect(seen[0]?.headers).not.toHaveProperty('cookie')
    expect(seen[0]?.headers).not.toHaveProperty('sec-websocket-extensions')
    expect(socket.extensions).toBe('')
    expect(path.recorder.of('intent')[0]).toMatchObject({
      text: 'WEBSOCKET /live?room=1',
      effects: [{ operation: 'http.WEBSOCKET', object: '/live' }],
    })
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({
      result: 'done',
      bytes: 14,
      tag: '101 4001, 4 messages of 14 bytes in, 4 out',
    })
  })

  it.each<[string, string, Asking, number, string]>([
    ['of a target that enables none', '/closed/live', {}, 501, 'FEATURE_UNSUPPORTED'],
    ['that a rule denies', '/crm/admin/live', {}, 403, 'POLICY_DENIED'],
    ['of a caller that may GET', '/crm/live', { shown: { groups: ['readers'] } }, 403, 'POLICY_UNCOVERED'],
    ['on a route with masks', '/crm/people/live', {}, 403, 'MASK_UNPROVABLE'],
    ['on a route that is looked through outward', '/crm/chat', {}, 415, 'BODY_UNREADABLE'],
    ['with a bad token', '/crm/live', { token: 'abc' }, 401, 'TOKEN_INVALID'],
    [
      'from a page that nobody named',
      '/chat/live',
      { headers: { origin: 'https://evil.example' } },
      403,
      'POLICY_DENIED',
    ],
    ['with a subprotocol that is not listed', '/chat/live', { protocols: ['chat.v1', 'other'] }, 403, 'POLICY_DENIED'],
    ['that people decide on', '/crm/held', {}, 403, 'HOLD_PENDING'],
    ['that carries a credential', `/crm/live?key=${other}`, {}, 403, 'OUTWARD_SECRET'],
  ])('%s is refused with a problem document, and never reaches the target', async (_, url, asking, status, code) => {
    expect(await refused(url, asking)).toEqual({ status, type: 'application/problem+json', code })
    expect(seen).toEqual([])
    const isDenied = status !== 401 && code !== 'HOLD_PENDING'
    if (isDenied) expect(path.recorder.of('denied')[0]).toMatchObject({ code })
  })

  it('has the subprotocol that the target chose among those that are listed', async () => {
    const { socket } = await open('/chat/live', { protocols: ['chat.v1'], headers: { origin: 'https://app.example' } })
    expect(socket.protocol).toBe('chat.v1')
    socket.terminate()
  })

  it('does not carry a known credential out, nor the injected one back (R-4.12)', async () => {
    const out = await open('/crm/live')
    out.socket.send(JSON.stringify({ key: other }))
    expect(await out.closed).toBe(1_008)
    expect(out.messages).toEqual([])
    serve = (socket) => socket.send(`hello, ${secret}`)
    const back = await open('/crm/live')
    expect(await back.closed).toBe(1_008)
    expect(back.messages).toEqual([])
  })

  it('ends with the session that is killed, and with its caller when that is revoked', async () => {
    const killed = await open('/crm/live')
    const session = path.recorder.entries.find(({ body }) => body.kind === 'session-opened')?.session ?? ''
    expect(path.listener.sessions.kill(session, 'killed by a test')).toBe(true)
    await killed.closed
    await path.recorder.seen((body) => body.kind === 'session-closed' && body.reason === 'killed by a test')
    const own = path.recorder.entries.filter((entry) => entry.session === session).map(({ body }) => body)
    expect(own.find(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'cancelled' })
    const revoked = await open('/crm/live', { shown: { subject: 'bea' } })
    path.snapshots.publish(
      path.snapshot(documents(), {
        revocations: [{ jti: '', issuer: 'https://idp.test', subject: 'bea', beforeMs: Date.now() + 60_000 }],
      }),
    )
    await revoked.closed
  })

  it('ends when a rule, a mask or the target does not permit it any more', async () => {
    for (const change of [
      (text: string) => text.replace('objects: ["/admin/**"]', 'objects: ["/live"]'),
      (text: string) => text.replace('routes: ["/people/**"]', 'routes: ["/live"]'),
      (text: string) => text.replace('routes: ["/chat"]', 'routes: ["/live"]'),
      (text: string) => text.replace('webSocket: {}', ''),
    ]) {
      path.snapshots.publish(path.snapshot(documents()))
      const { closed, socket } = await open('/crm/live')
      path.snapshots.publish(path.snapshot(change(documents())))
      expect(await closed).toBe(1_008)
      socket.terminate()
    }
  })

  it('ends with the initiator for whom it was opened', async () => {
    const acting = (text: string): string =>
      text.replace(
        'webSocket: {}',
        'webSocket: {}\n  mayAct: [{ actors: { groups: [engineering] }, initiators: { groups: [engineering] } }]',
      )
    path.snapshots.publish(path.snapshot(acting(documents())))
    const initiator = await path.token({ subject: 'ann', groups: ['engineering'], actors: ['web'], target: 'crm' })
    const shown = { subject: 'web', kind: 'workload' } as const
    const { closed } = await open('/crm/live', { headers: { 'sallyport-initiator': initiator }, shown })
    path.snapshots.publish(
      path.snapshot(acting(documents()), {
        revocations: [{ jti: '', issuer: 'https://idp.test', subject: 'ann', beforeMs: Date.now() + 60_000 }],
      }),
    )
    expect(await closed).toBe(1_008)
  })

  it('counts against limits: how many at once, and the bytes that come back', async () => {
    const limit =
      'limits: [{ name: one, per: initiator, concurrent: 1 }, { name: bytes, per: initiator, bytes: 10, every: 1h }]'
    path.snapshots.publish(path.snapshot(documents(limit)))
    const first = await open('/crm/live')
    expect(await refused('/crm/live')).toMatchObject({ status: 429, code: 'LIMIT_REACHED' })
    first.socket.send('12345')
    expect(await first.next()).toBe('12345')
    first.socket.send('1234567')
    expect(await first.closed).toBe(1_008)
    expect(first.messages).toHaveLength(1)
  })

  it('waits for whoever does not read, and ends with a message that is too long', async () => {
    let sent = 0
    let done = (): void => {}
    const pushed = new Promise<void>((resolve) => {
      done = resolve
    })
    const many = 800
    serve = async (socket) => {
      for (; sent < many; sent++) await new Promise((resolve) => socket.send(Buffer.alloc(65_536), resolve))
      done()
    }
    const slow = await open('/crm/live')
    slow.socket.pause()
    for (let turn = 0; turn < 20; turn++) await refused('/crm/admin/x')
    expect(sent).toBeLessThan(many)
    slow.socket.resume()
    await pushed
    slow.socket.terminate()
    serve = () => {}
    const long = await open('/crm/live')
    long.socket.send(Buffer.alloc(limits.webSocketMessageBytesMax + 1))
    expect(await long.closed).toBe(1_009)
    const torn = await open('/crm/live')
    for (let piece = 0; piece <= limits.webSocketFragmentsMax; piece++) torn.socket.send('a', { fin: false })
    expect(await torn.closed).toBe(1_008)
  })

  it('that the target refuses, or answers with another key, is refused with a neutral status', async () => {
    const wrong = createTcp((socket) => {
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n',
        ),
      )
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => wrong.listen(0, '127.0.0.1', resolve))
    const { port } = wrong.address() as AddressInfo
    path.snapshots.publish(path.snapshot(documents().replaceAll(/127\.0\.0\.1:[0-9]+/g, `127.0.0.1:${port}`)))
    expect(await refused('/crm/live')).toMatchObject({ status: 502, code: 'UPSTREAM_UNREACHABLE' })
    wrong.close()
  })
})

describe('a WebSocket of an agent', () => {
  it('ends with its token, and when the agent stops', async () => {
    // A token of one second is good for a minute more, of which this clock leaves one second.
    const clock = { ...systemClock, nowMs: () => Date.now() + limits.clockLeewaySeconds * 1_000 }
    const stopping = await startDataPath({ yaml: documents(), environment: { CRM_TOKEN: secret, OTHER: other }, clock })
    const closing = async (seconds: number) => {
      const authorization = `Bearer ${await stopping.token({ target: 'crm', seconds })}`
      const socket = new WebSocket(`wss://localhost:${stopping.httpPort}/crm/live`, {
        ca: stopping.ca,
        headers: { authorization },
      })
      socket.on('error', () => {})
      const closed = new Promise<number>((resolve) => socket.once('close', resolve))
      await once(socket, 'open')
      return { closed }
    }
    expect(await (await closing(2)).closed).toBe(1_008)
    const { closed } = await closing(600)
    const stopped = stopping.stop()
    expect([1_001, 1_006]).toContain(await closed)
    await stopped
  })
})

describe('the fields of a handshake', () => {
  it.each(secondObjectFields)(
    '"%s" names a second object, which no rule sees, and does not pass (R-4.6)',
    async (name) => {
      const headers = { [name]: 'bucket/admin/secret' }
      expect(await refused('/crm/live', { headers })).toMatchObject({ status: 403, code: 'POLICY_UNCOVERED' })
      expect(seen).toEqual([])
      expect(path.recorder.of('denied').at(-1)).toMatchObject({ code: 'POLICY_UNCOVERED' })
    },
  )

  it('pass with a second object where the target says so', async () => {
    path.snapshots.publish(
      path.snapshot(documents().replace('webSocket: {}', 'webSocket: {}\n  passFields: [x-amz-copy-source]')),
    )
    const { socket } = await open('/crm/live', { headers: { 'x-amz-copy-source': 'bucket/a' } })
    socket.terminate()
    expect(seen[0]?.headers['x-amz-copy-source']).toBe('bucket/a')
  })

  it('do not choose another resource or method at the target (R-4.2)', async () => {
    const headers = {
      'x-original-url': '/api/admin/secret',
      'x-rewrite-url': '/api/admin/secret',
      'x-http-method-override': 'DELETE',
      'x-method-override': 'DELETE',
      'x-forwarded-host': 'admin.example',
      destination: '/api/admin/secret',
      x_original_url: '/api/admin/secret',
    }
    const { socket } = await open('/crm/live', { headers })
    socket.terminate()
    expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => name in headers)).toEqual([])
    expect(seen[0]?.url).toBe('/api/live')
  })

  it('say no method in the query, and are otherwise none', async () => {
    expect(await refused('/crm/live?_method=DELETE')).toMatchObject({ status: 400, code: 'PROTOCOL_VIOLATION' })
    expect(seen).toEqual([])
  })
})

describe('a handshake in bytes', () => {
  const head = 'Host: a\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n'
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const version = 'Sec-WebSocket-Version: 13\r\n'
  const upgrade = 'Upgrade: websocket\r\n'
  it.each([
    ['without a key', `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}\r\n`],
    ['with a short key', `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}Sec-WebSocket-Key: AAAA\r\n\r\n`],
    ['with two keys', `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}${key}${key}\r\n`],
    ['of another version', `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${key}Sec-WebSocket-Version: 8\r\n\r\n`],
    ['of another method', `POST /crm/live HTTP/1.1\r\n${head}${upgrade}${version}${key}\r\n`],
    ['with a body', `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}${key}Content-Length: 3\r\n\r\nabc`],
    ['to two protocols', `GET /crm/live HTTP/1.1\r\n${head}Upgrade: websocket, h2c\r\n${version}${key}\r\n`],
    ['to h2c', `GET /crm/live HTTP/1.1\r\n${head}Upgrade: h2c\r\n${version}${key}\r\n`],
    [
      'with a subprotocol twice',
      `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}${key}Sec-WebSocket-Protocol: a, a\r\n\r\n`,
    ],
    ['in the method', `WEBSOCKET /crm/live HTTP/1.1\r\n${head}\r\n`],
  ])('%s is refused, and reaches nothing', async (_, text) => {
    expect(await raw(text)).toMatch(/^HTTP\/1\.1 (4|5)[0-9][0-9] /)
    expect(seen).toEqual([])
  })

  const good = `GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}${key}\r\n`
  it.each([
    ['that names two hosts', `GET /crm/a HTTP/1.1\r\nHost: b\r\n${head}\r\n`],
    ['whose path is none', `GET /crm/%2e%2e/a HTTP/1.1\r\n${head}\r\n`],
    ['without a token', 'GET /crm/a HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('behind a request %s is none, and reaches nothing (R-4.1)', async (_, first) => {
    const reply = await raw(first + good)
    expect(reply).toMatch(/^HTTP\/1\.1 4[0-9][0-9] /)
    expect(reply).not.toContain(' 101 ')
    expect(seen).toEqual([])
    expect(path.recorder.entries).toEqual([])
  })

  it('is answered with the accept of RFC 6455, and frames that are none end it', async () => {
    // An unmasked text frame (RFC 6455, 5.1).
    const reply = await raw(`GET /crm/live HTTP/1.1\r\n${head}${upgrade}${version}${key}\r\n\x81\x01a`)
    expect(reply).toMatch(/^HTTP\/1\.1 101 /)
    expect(reply).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    expect(reply).not.toMatch(/sec-websocket-extensions/i)
    // A closing frame with 1002.
    expect(reply.slice(-4)).toBe('\x88\x02\x03\xea')
  })

  it('over HTTP/2 is no request', async () => {
    const session = await connectH2(path)
    const authorization = `Bearer ${await path.token({ target: 'crm' })}`
    const reply = await sendH2(session, { ':path': '/crm/live', authorization, 'sec-websocket-version': '13' })
    expect(reply.status).toBe(403)
    session.destroy()
    expect(seen).toEqual([])
  })
})
