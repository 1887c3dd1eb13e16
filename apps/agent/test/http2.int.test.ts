// HTTP/2 clients through a real listener to a real server of HTTP/1.1: the same rules, and nothing that a downgrade could turn into
// a second request (THREATS ).
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { startApi, type TestApi } from './http-upstream.ts'
import { connectH2, replyOf, sendH2 } from './http2-client.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0

const secret = 'upstream-secret-0123456789'
let api: TestApi
let path: DataPath
let session: ClientHttp2Session
let token: string
const http1 = httpClient(() => path)

const documents = (port: number, more = ''): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm }
spec:
  protocol: http
  agents: [test]
  url: http://127.0.0.1:${port}/api
  network: loopback
  credential: { bearer: { env: CRM_TOKEN } }
  passFields: [cookie]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] }, objects: ["/**"] }
    - { name: no-admin, effect: deny, objects: ["/admin/**"], message: the admin API is closed }
    - { name: people-first, effect: hold, callers: { any: true }, operations: [http.DELETE], approval: { reviewers: [{ group: dba }] } }
  masks:
    - { name: ssn, routes: ["/people/**"], path: $.ssn, method: redact }
  ${more}
`

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: documents(api.port), environment: { CRM_TOKEN: secret } })
  token = await path.token({ target: 'crm' })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(async () => {
  api.seen.length = 0
  path.recorder.entries.length = 0
  api.answer = (_request, response) => response.end('ok')
  path.snapshots.publish(path.snapshot(documents(api.port)))
  session = await connectH2(path)
})
afterEach(() => session.destroy())

const bearer = () => ({ authorization: `Bearer ${token}` })
const ask = (url: string, more: Record<string, string | string[]> = {}, body?: Buffer | string) =>
  sendH2(session, { ':path': url, ...bearer(), ...more }, body)
const codeOf = (reply: { body: Buffer }) => JSON.parse(reply.body.toString()).code
/** So many turns of the connection: what was on its way has come. */
const turns = async (many = 5): Promise<void> => {
  for (let turn = 0; turn < many; turn++) await new Promise((resolve) => session.ping(resolve))
}

describe('a request of HTTP/2', () => {
  it('reaches the target as one of HTTP/1.1, with the injected credential, and is recorded', async () => {
    api.answer = (_request, response, body) => {
      response.writeHead(201, { 'content-type': 'application/json', 'x-extra': ['1', '2'], connection: 'close' })
      response.end(JSON.stringify({ got: body }))
    }
    const reply = await ask(
      '/crm/v1/orders?status=open',
      { ':method': 'POST', 'content-type': 'application/json', cookie: ['a=b', 'c=d'], te: 'trailers' },
      '{"a":1}',
    )
    expect(reply).toMatchObject({ status: 201, code: 0 })
    expect(reply.body.toString()).toBe('{"got":"{\\"a\\":1}"}')
    expect(reply.headers).toMatchObject({ via: '1.1 sallyport', 'x-extra': '1, 2' })
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/api/v1/orders?status=open', body: '{"a":1}' })
    expect(api.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${secret}`,
      host: `127.0.0.1:${api.port}`,
      cookie: 'a=b; c=d',
    })
    expect(api.seen[0]?.headers.te).toBeUndefined()
    expect(path.recorder.of('intent')[0]).toMatchObject({ text: 'POST /v1/orders?status=open', verb: 'http' })
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'done', tag: '201' })
  })

  it('is refused by the same rules, with a problem document, and the others of its connection go on', async () => {
    const [denied, unnamed, fine] = await Promise.all([
      ask('/crm/admin/users', { ':method': 'POST' }, 'x'.repeat(1_000)),
      sendH2(session, { ':path': '/crm/v1/x' }),
      ask('/crm/v1/orders'),
    ])
    expect(denied).toMatchObject({ status: 403, headers: { 'content-type': 'application/problem+json' } })
    expect(codeOf(denied)).toBe('POLICY_DENIED')
    expect(unnamed).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="sallyport"' } })
    expect(fine).toMatchObject({ status: 200, code: 0 })
    expect((await ask('/crm/v1/orders')).status).toBe(200)
    expect(path.recorder.of('session-opened')).toHaveLength(1)
    expect(api.seen).toHaveLength(2)
  })

  it('is one with the same request of HTTP/1.1 where people are asked (R-6.7)', async () => {
    const headers = { 'content-type': 'application/json' }
    const first = await ask('/crm/v1/orders/7', { ':method': 'DELETE', ...headers }, '{"a":1}')
    expect(first.status).toBe(403)
    expect(codeOf(first)).toBe('HOLD_PENDING')
    path.control.decide(await path.control.next(), 'approved')
    const other = await ask('/crm/v1/orders/7', { ':method': 'DELETE', ...headers }, '{"a":2}')
    expect(codeOf(other)).toBe('HOLD_PENDING')
    const options = { method: 'DELETE', headers: { ...headers, 'content-length': '7' }, body: '{"a":1}', token }
    expect(await http1.send('/crm/v1/orders/7', options)).toMatchObject({ status: 200 })
    expect(api.seen).toHaveLength(1)
  })

  it('has its answer masked, and looked through for the credential', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', etag: '"1"' })
      response.end('{"name":"Ann","ssn":"078-05-1120"}')
    }
    const reply = await ask('/crm/people/7')
    expect(JSON.parse(reply.body.toString())).toEqual({ name: 'Ann', ssn: '[redacted]' })
    expect(reply.headers['etag']).toBeUndefined()
    api.answer = (_request, response) => {
      response.write(`some text ${secret.slice(0, 9)}`)
      setImmediate(() => response.end(secret.slice(9)))
    }
    const echoed = await ask('/crm/v1/orders')
    expect(echoed.status === 502 || echoed.code !== 0).toBe(true)
    expect(echoed.body.toString()).not.toContain(secret.slice(0, 9))
  })

  it('counts against the limits of its caller to the unit, beside those of HTTP/1.1', async () => {
    path.snapshots.publish(
      path.snapshot(documents(api.port, 'limits: [{ name: few, per: initiator, requests: 7, every: 1h }]')),
    )
    const replies = await Promise.all([
      ...Array.from({ length: 50 }, () => ask('/crm/v1/orders')),
      ...Array.from({ length: 10 }, () => http1.send('/crm/v1/orders', { token })),
    ])
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(7)
    const refused = replies.find(({ status }) => status === 429)
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
    expect(api.seen).toHaveLength(7)
  })

  it('of HEAD, and one that has no body to show, ends with its head', async () => {
    expect(await ask('/crm/v1/x', { ':method': 'HEAD' })).toMatchObject({ status: 200, code: 0 })
    api.answer = (_request, response) => {
      response.writeHead(204)
      response.end()
    }
    expect(await ask('/crm/v1/x', { ':method': 'PUT' }, 'a')).toMatchObject({ status: 204, code: 0 })
    expect(await ask('/crm/admin/x', { ':method': 'HEAD' })).toMatchObject({ status: 403, code: 0 })
  })

  it('asks for leave to send its body, and is told', async () => {
    const stream = session.request({ ':path': '/crm/v1/x', ':method': 'POST', expect: '100-continue', ...bearer() })
    const continued = once(stream, 'continue')
    const reply = replyOf(stream)
    await continued
    stream.end('abc')
    expect(await reply).toMatchObject({ status: 200 })
    expect(api.seen[0]).toMatchObject({ body: 'abc' })
    expect(await ask('/crm/v1/x', { ':method': 'POST', expect: 'more' }, 'a')).toMatchObject({ status: 400 })
  })

  it('has trailers that end at the gateway, in both directions (R-4.1)', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { trailer: 'x-late' })
      response.write('ok')
      response.addTrailers({ 'x-late': '1' })
      response.end()
    }
    const stream = session.request({ ':path': '/crm/v1/x', ':method': 'POST', ...bearer() }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ authorization: 'Bearer other', 'x-late': '1' }))
    const late: unknown[] = []
    stream.on('trailers', (fields) => late.push(fields))
    stream.end('abc')
    expect(await replyOf(stream)).toMatchObject({ status: 200, code: 0 })
    expect(late).toEqual([])
    expect(api.seen[0]?.headers).not.toHaveProperty('x-late')
    expect(api.seen[0]?.headers.authorization).toBe(`Bearer ${secret}`)
  })

  it('is answered with a field named constructor as with any other', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { constructor: 'a' })
      response.end('ok')
    }
    const { headers } = await ask('/crm/v1/x')
    expect(Object.hasOwn(headers, 'constructor') && headers['constructor']).toBe('a')
  })

  it.skipIf(!hasCurl)('is what curl sends', async () => {
    const ca = join(tmpdir(), `sallyport-http2-${process.pid}.pem`)
    onTestFinished(async () => await rm(ca, { force: true }))
    await writeFile(ca, path.ca)
    const url = `https://localhost:${path.httpPort}/crm/v1/orders`
    const { stdout } = await promisify(execFile)('curl', [
      ...['--http2', '--silent', '--cacert', ca, '-H', `Authorization: Bearer ${token}`],
      ...['-d', 'a=1', '-w', ' %{http_version} %{http_code}', url],
    ])
    expect(stdout).toBe('ok 2 200')
    expect(api.seen[0]).toMatchObject({ method: 'POST', body: 'a=1' })
  })
})

describe('a stream of HTTP/2', () => {
  it('that breaks off at the target is reset, and never ends as if it were whole', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('abc', () => response.destroy())
    }
    const reply = await ask('/crm/v1/x')
    expect(reply.code).not.toBe(0)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'failed' })
  })

  it('of a body that breaks off is none at the target', async () => {
    const broken = new Promise<boolean>((resolve) => {
      const target = createServer((request) => {
        request.on('data', () => stream.destroy(new Error('gone')))
        request.on('end', () => resolve(false))
        request.on('error', () => resolve(true))
      })
      target.listen(0, '127.0.0.1', () => {
        path.snapshots.publish(path.snapshot(documents((target.address() as AddressInfo).port)))
        stream.write('abc')
      })
      target.unref()
    })
    const stream = session.request({ ':path': '/crm/v1/x', ':method': 'POST', ...bearer() })
    stream.on('error', () => {})
    expect(await broken).toBe(true)
  })

  it('waits for whoever does not read, in both directions (R-4.10)', async () => {
    const size = 16 * 1024 * 1024
    let release = (): void => {}
    let written = 0
    const target = createServer(async (request, response) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      let bytes = 0
      for await (const chunk of request) bytes += chunk.length
      expect(bytes).toBe(size)
      const piece = Buffer.alloc(65_536, 'b')
      for (; written < size; written += piece.length) if (!response.write(piece)) await once(response, 'drain')
      response.end()
    })
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
    path.snapshots.publish(path.snapshot(documents((target.address() as AddressInfo).port)))
    try {
      const asked = once(target, 'request')
      const stream = session.request({ ':path': '/crm/v1/x', ':method': 'PUT', ...bearer() })
      stream.end(Buffer.alloc(size, 'a'))
      await asked
      await turns(20)
      expect(stream.writableFinished).toBe(false)
      stream.pause()
      release()
      await once(stream, 'response')
      await turns(20)
      expect(written).toBeLessThan(size)
      const whole = replyOf(stream)
      stream.resume()
      const reply = await whole
      expect(reply).toMatchObject({ code: 0 })
      expect(reply.body.length).toBe(size)
    } finally {
      target.closeAllConnections()
      target.close()
    }
  })

  it('ends with its session when that is killed, and the streams of others go on', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
    }
    const other = await path.token({ target: 'crm', subject: 'bea' })
    const open = async (shown: string) => {
      const stream = session.request({ ':path': '/crm/v1/events', authorization: `Bearer ${shown}` })
      stream.on('error', () => {})
      await once(stream, 'data')
      return stream
    }
    const killed = await open(token)
    const first = path.recorder.entries.find(({ body }) => body.kind === 'session-opened')?.session ?? ''
    const kept = await open(other)
    expect(path.listener.sessions.kill(first, 'killed by a test')).toBe(true)
    await new Promise((resolve) => killed.once('close', resolve))
    expect(killed.rstCode).not.toBe(0)
    await path.recorder.seen((body) => body.kind === 'session-closed' && body.reason === 'killed by a test')
    expect(kept.closed).toBe(false)
    kept.close(8)
  })
})
