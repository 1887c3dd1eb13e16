// HTTP targets through a real listener to a real server: what passes, what never does, and what the record says
// (THREATS ).
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

const secret = 'upstream-secret-0123456789'
let api: TestApi
let path: DataPath
const { send, raw } = httpClient(() => path)

const documents = (port: number, more = ''): string => `
${httpTarget('crm', port, '/api')}
  credential: { bearer: { env: CRM_TOKEN } }
---
${httpTarget('open', port)}
  credential: none
  passFields: [authorization, cookie]
---
${httpTarget('keyed', port)}
  credential: { query: { name: api_key, value: { env: CRM_TOKEN } } }
---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: inside }
spec:
  protocol: http
  agents: [test]
  url: https://127.0.0.1:${port}
  credential: none
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] }, objects: ["/**"] }
    - { name: no-admin, effect: deny, objects: ["/admin/**"], message: the admin API is closed }
    - { name: no-evil, effect: deny, operations: [http.GET], objects: ["/search"], when: '"q" in http.query && http.query.q.exists(v, v == "evil")' }
    - { name: people-first, effect: hold, callers: { any: true }, operations: [http.DELETE], approval: { reviewers: [{ group: dba }] } }
  ${more}
`

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: documents(api.port), environment: { CRM_TOKEN: secret } })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
  api.answer = (_request, response) => response.end('ok')
  path.snapshots.publish(path.snapshot(documents(api.port)))
})

describe('a request', () => {
  it('reaches the target with the injected credential, below its path, and is recorded', async () => {
    api.answer = (_request, response, body) => {
      response.writeHead(201, { 'content-type': 'application/json', 'x-extra': '1' })
      response.end(JSON.stringify({ got: body }))
    }
    const reply = await send('/crm/v1/orders?status=open', {
      method: 'POST',
      body: '{"a":1}',
      headers: {
        'content-type': 'application/json',
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`,
        tracestate: 'v=1',
      },
    })
    expect(reply).toMatchObject({ status: 201, body: '{"got":"{\\"a\\":1}"}' })
    expect(reply.headers).toMatchObject({ 'x-extra': '1', via: '1.1 sallyport' })
    expect(api.seen).toHaveLength(1)
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/api/v1/orders?status=open', body: '{"a":1}' })
    expect(api.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${secret}`,
      traceparent: expect.stringMatching(/^00-a{32}-(?!b{16})[0-9a-f]{16}-00$/),
      tracestate: 'v=1',
      'accept-encoding': 'identity',
      'content-length': '7',
    })
    const [intent] = path.recorder.of('intent')
    const span = String(api.seen[0]?.headers.traceparent).slice(36, 52)
    expect(intent).toMatchObject({
      protocol: 'http',
      trace: { trace: 'a'.repeat(32), parent: 'b'.repeat(16), span },
      text: 'POST /v1/orders?status=open',
      verb: 'http',
      effects: [{ operation: 'http.POST', object: '/v1/orders', via: 'direct' }],
      rule: { policy: 'api', rule: 'all' },
    })
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'done', tag: '201' })
    expect(path.recorder.of('session-opened')[0]).toMatchObject({ protocol: 'http', authentication: 'bearer' })
    expect(JSON.stringify(path.recorder.entries)).not.toContain(secret)
  })

  it('what looks like a secret or a person in its URL is not recorded', async () => {
    await send('/crm/v1/people/ann.example%40corp.example?mail=ann.example%40corp.example&page=2')
    expect(api.seen[0]?.url).toContain('ann.example%40corp.example')
    const kept = JSON.stringify(path.recorder.entries)
    expect(kept).not.toContain('ann.example')
    expect(kept).toContain('page=2')
  })

  it.each([
    ['a denied path', '/crm/admin/users', 'GET', 403, 'POLICY_DENIED'],
    ['a denied path in capitals (R-4.5)', '/crm/ADMIN/users', 'GET', 403, 'POLICY_DENIED'],
    ['a denied value (R-4.5)', '/crm/search?q=fine&q=evil', 'GET', 403, 'POLICY_DENIED'],
    ['a denied value, encoded', '/crm/search?q=%65vil', 'GET', 403, 'POLICY_DENIED'],
  ])('%s is refused and recorded, and does not reach the target', async (_, url, method, status, code) => {
    const reply = await send(url, { method })
    expect(reply.status).toBe(status)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(reply.body)).toMatchObject({ code, status })
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code, protocol: 'http' })
  })

  it.each([
    ['no token', { token: null }, 401, 'TOKEN_MISSING'],
    ['no token that can be read', { token: 'abc' }, 401, 'TOKEN_INVALID'],
    ['a token for another target', { shown: { target: 'open' } }, 401, 'TOKEN_AUDIENCE_WRONG'],
    ['a caller that no rule names', { shown: { groups: ['sales'] } }, 403, 'POLICY_UNCOVERED'],
  ])('%s is refused', async (_, options, status, code) => {
    const reply = await send('/crm/v1/orders', options)
    expect(reply.status).toBe(status)
    expect(JSON.parse(reply.body)).toMatchObject({ code })
    if (status === 401) expect(reply.headers['www-authenticate']).toContain('Bearer')
    expect(api.seen).toEqual([])
  })

  it('to a target that is not there, and to one that is no HTTP API, is refused', async () => {
    expect((await send('/nothing/x')).status).toBe(404)
    expect((await send('/', { token: await path.token() })).status).toBe(401)
  })

  it('limits count requests to the unit, and say when to come again (R-4.11)', async () => {
    path.snapshots.publish(
      path.snapshot(documents(api.port, 'limits: [{ name: few, per: initiator, requests: 3, every: 1h }]')),
    )
    const replies = await Promise.all(Array.from({ length: 12 }, () => send('/crm/v1/orders')))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(3)
    const refused = replies.find(({ status }) => status === 429)
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
    expect(api.seen).toHaveLength(3)
  })

  it('is not sent when it cannot be recorded', async () => {
    const first = await send('/crm/v1/orders')
    expect(first.status).toBe(200)
    path.recorder.full = true
    try {
      expect((await send('/crm/v1/orders')).status).toBe(503)
    } finally {
      path.recorder.full = false
    }
    // What several requests wait for together: one write that fails lets none of them go.
    path.recorder.unwritable = true
    try {
      const all = await Promise.all(Array.from({ length: 5 }, () => send('/crm/v1/orders')))
      expect(all.map(({ status }) => status)).toEqual(Array(5).fill(503))
    } finally {
      path.recorder.unwritable = false
    }
    expect(api.seen).toHaveLength(1)
  })
})

describe('header fields', () => {
  it("the caller's own credentials, cookies and claims about itself end here (R-4.2, R-4.12)", async () => {
    await send('/crm/v1/orders', {
      headers: {
        cookie: 'a=b',
        'x-forwarded-for': '10.0.0.1',
        forwarded: 'for=10.0.0.1',
        'x-http-method-override': 'DELETE',
        'x-original-url': '/admin',
        x_real_ip: '10.0.0.1',
        connection: 'keep-alive, x-policy',
        'x-policy': 'none',
        range: 'bytes=0-1',
      },
    })
    const { headers = {} } = api.seen[0] ?? {}
    expect(Object.keys(headers).sort()).toEqual(
      ['accept-encoding', 'authorization', 'connection', 'host', 'sallyport-request', 'traceparent', 'via'].sort(),
    )
    expect(headers.host).toBe(`127.0.0.1:${api.port}`)
  })

  it('where the target permits it, Authorization is the caller’s when the token came apart', async () => {
    const token = await path.token({ target: 'open' })
    const headers = { authorization: 'Basic abc', 'sallyport-authorization': `Bearer ${token}`, cookie: 'a=b' }
    await send('/open/x', { token: null, headers })
    expect(api.seen[0]?.headers).toMatchObject({ authorization: 'Basic abc', cookie: 'a=b' })
    expect(api.seen[0]?.headers['sallyport-authorization']).toBeUndefined()
    // The gateway's own token is never anybody else's.
    await send('/open/x', { headers: { cookie: 'a=b' } })
    expect(api.seen[1]?.headers.authorization).toBeUndefined()
  })

  it('an answer sets no cookie, no detour and no other origin (R-4.4, R-4.12)', async () => {
    api.answer = (_request, response) => {
      response.writeHead(302, {
        'set-cookie': 'a=b',
        'alt-svc': 'h3=":443"',
        'www-authenticate': 'Basic',
        location: `http://127.0.0.1:${api.port}/api/v1/orders/7?a=1`,
      })
      response.end()
    }
    const reply = await send('/crm/v1/orders')
    expect(reply.headers).toMatchObject({ location: '/crm/v1/orders/7?a=1' })
    for (const name of ['set-cookie', 'alt-svc', 'www-authenticate']) expect(reply.headers[name]).toBeUndefined()
    // It was not followed.
    expect(api.seen).toHaveLength(1)
  })

  it.each([
    ['/api/v1/x', '/crm/v1/x'],
    ['https://files.example/a?sig=1', 'https://files.example/a?sig=1'],
    ['/other/x', undefined],
    ['//evil.example/x', undefined],
    ['next', 'next'],
  ])('a redirect to %s becomes %s', async (location, expected) => {
    api.answer = (_request, response) => {
      response.writeHead(303, { location })
      response.end()
    }
    const reply = await send('/crm/v1/orders')
    expect(reply.headers['location'] === 'http://evil.example/x' ? undefined : reply.headers['location']).toBe(expected)
  })
})

describe('the credential', () => {
  it.each([
    ['in the body', (text: string) => ({ body: `your token is ${text}` })],
    ['in JSON', (text: string) => ({ body: JSON.stringify({ headers: { authorization: `Bearer ${text}` } }) })],
    ['percent-encoded', (text: string) => ({ body: `x=${encodeURIComponent(text)}` })],
    ['in base64', (text: string) => ({ body: Buffer.from(`Bearer ${text}`).toString('base64') })],
    ['in base64 at another offset', (text: string) => ({ body: Buffer.from(`xx${text}yy`).toString('base64') })],
    ['in base64url', (text: string) => ({ body: Buffer.from(`a?>${text}`).toString('base64url') })],
    ['in a header', (text: string) => ({ header: text, body: '' })],
  ])('never comes back %s (R-4.12)', async (_, made) => {
    const { body, header } = made(secret) as { body: string; header?: string }
    api.answer = (_request, response) => {
      if (header !== undefined) response.setHeader('x-echo', header)
      response.end(body)
    }
    const reply = await send('/crm/v1/orders').catch((thrown: Error) => thrown)
    const text = reply instanceof Error ? '' : JSON.stringify(reply)
    expect(text).not.toContain(secret)
    expect(text).not.toContain(body === '' ? secret : body)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'failed' })
  })

  it('never comes back in pieces', async () => {
    for (let cut = 1; cut < secret.length; cut += 5) {
      api.answer = (_request, response) => {
        response.write(`a${secret.slice(0, cut)}`)
        setImmediate(() => response.end(`${secret.slice(cut)}b`))
      }
      const reply = await send('/crm/v1/orders').catch(() => null)
      expect(reply?.body ?? '').not.toContain(secret)
    }
  })

  it.each([
    ['gzip', gzipSync(`{"token":"${secret}"}`)],
    ['zstd', Buffer.from('x')],
    ['gzip', Buffer.from('x')],
  ])(
    'in an answer that is encoded although nobody asked, in %s, is found, or nobody can look (R-4.7)',
    async (coding, body) => {
      api.answer = (_request, response) => {
        response.writeHead(200, { 'content-encoding': coding })
        response.end(body)
      }
      expect(JSON.parse((await send('/crm/v1/orders')).body)).toMatchObject({ code: 'ANSWER_REFUSED' })
    },
  )

  it('is looked for behind a coding, which is taken off', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', etag: '"1"' })
      response.end(gzipSync('fine'))
    }
    const reply = await send('/crm/v1/orders')
    expect(reply.body).toBe('fine')
    expect(reply.headers['content-encoding']).toBeUndefined()
  })

  it('never comes back in a redirect, however it is spelled there', async () => {
    api.answer = (request, response) => {
      response.writeHead(301, { location: `${request.url?.replace('?', '/?')}` })
      response.end()
    }
    const reply = await send('/keyed/v1/orders')
    expect(JSON.stringify(reply)).not.toContain(secret)
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'ANSWER_REFUSED' })
  })

  it('as a query parameter takes the place of what the caller says', async () => {
    await send('/keyed/x?API_KEY=mine&a=1')
    expect(api.seen[0]?.url).toBe(`/x?a=1&api_key=${secret}`)
  })

  it('that cannot be read is a neutral refusal', async () => {
    const other = await startDataPath({ yaml: documents(api.port), environment: {} })
    try {
      const token = await other.token({ target: 'crm' })
      const reply = await fetchRaw(other, token)
      expect(reply).toContain('CREDENTIAL_UNAVAILABLE')
    } finally {
      await other.stop()
    }
  })
})

async function fetchRaw(other: DataPath, token: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: other.httpPort, servername: 'localhost', ca: other.ca })
  await once(socket, 'secureConnect')
  socket.write(`GET /crm/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

describe('an address', () => {
  it('inside the network is reached only where the document says so (R-4.4)', async () => {
    const reply = await send('/inside/x')
    expect(JSON.parse(reply.body)).toMatchObject({ status: 502, code: 'UPSTREAM_UNREACHABLE' })
    expect(reply.body).toContain('does not permit')
  })
})

describe('bytes that could be read in two ways (R-4.1, R-4.3, R-4.5)', () => {
  const head = 'Host: a\r\nAuthorization: Bearer {token}\r\n'
  it.each([
    [
      'a length beside a transfer coding',
      `POST /crm/x HTTP/1.1\r\n${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', `POST /crm/x HTTP/1.1\r\n${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
    ['two equal lengths', `POST /crm/x HTTP/1.1\r\n${head}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
    ['a list of lengths', `POST /crm/x HTTP/1.1\r\n${head}Content-Length: 3, 3\r\n\r\nabc`],
    ['a signed length', `POST /crm/x HTTP/1.1\r\n${head}Content-Length: +3\r\n\r\nabc`],
    ['an unknown coding', `POST /crm/x HTTP/1.1\r\n${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['two codings', `POST /crm/x HTTP/1.1\r\n${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    [
      'a coding given twice',
      `POST /crm/x HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    ],
    ['a coding with a vertical tab', `POST /crm/x HTTP/1.1\r\n${head}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ['a folded line', `GET /crm/x HTTP/1.1\r\n${head}X-A: b\r\n c\r\n\r\n`],
    ['a space before the colon', `GET /crm/x HTTP/1.1\r\n${head}X-A : b\r\n\r\n`],
    ['a line that ends with LF alone', `GET /crm/x HTTP/1.1\r\n${head}X-A: b\nX-B: c\r\n\r\n`],
    ['a request that ends with LF alone', `GET /crm/x HTTP/1.1\n${head.replaceAll('\r', '')}\n`],
    ['a CR inside a value', `GET /crm/x HTTP/1.1\r\n${head}X-A: b\rc\r\n\r\n`],
    ['a NUL in a value', `GET /crm/x HTTP/1.1\r\n${head}X-A: b\0c\r\n\r\n`],
    [
      'a chunk size that is no number',
      `POST /crm/x HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`,
    ],
    [
      'a chunk size that overflows',
      `POST /crm/x HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n`,
    ],
    ['two hosts', `GET /crm/x HTTP/1.1\r\n${head}Host: b\r\n\r\n`],
    ['no host', `GET /crm/x HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n`],
    ['an absolute form', `GET http://other/crm/x HTTP/1.1\r\n${head}\r\n`],
    ['a double slash', `GET /crm//x HTTP/1.1\r\n${head}\r\n`],
    ['a dot segment', `GET /crm/../open/x HTTP/1.1\r\n${head}\r\n`],
    ['an encoded slash', `GET /crm/a%2fb HTTP/1.1\r\n${head}\r\n`],
    ['a byte above ASCII', `GET /crm/\xe9 HTTP/1.1\r\n${head}\r\n`],
    ['a version from the past', `GET /crm/x HTTP/0.9\r\n${head}\r\n`],
    [
      'an upgrade to h2c',
      `GET /crm/x HTTP/1.1\r\n${head}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    ],
    ['a tunnel', `CONNECT /crm/x HTTP/1.1\r\n${head}\r\n`],
    ['TRACE', `TRACE /crm/x HTTP/1.1\r\n${head}Connection: close\r\n\r\n`],
    ['a hundred fields too many', `GET /crm/x HTTP/1.1\r\n${head}${'X-A: b\r\n'.repeat(200)}\r\n`],
    ['a head that is too large', `GET /crm/x HTTP/1.1\r\n${head}X-A: ${'b'.repeat(20_000)}\r\n\r\n`],
    [
      'an expectation that nobody meets',
      `POST /crm/x HTTP/1.1\r\n${head}Expect: a miracle\r\nContent-Length: 0\r\n\r\n`,
    ],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%s is refused, and the connection ends', async (_, text) => {
    const reply = await raw(text)
    expect(reply).toMatch(/^HTTP\/1\.1 (4|5)[0-9][0-9] /)
    // Also where there was no request to answer: a document with the code, and the page that explains it.
    expect(reply).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/)
    const problem = JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4))
    expect(problem).toMatchObject({ status: Number(reply.slice(9, 12)), detail: expect.any(String) })
    expect(problem.type).toMatch(new RegExp(`^https://.*#${String(problem.code).toLowerCase()}$`))
    expect(api.seen).toEqual([])
  })

  it('what is pipelined behind a refused request with a body is never a request', async () => {
    const inner = `GET /crm/v1/smuggled HTTP/1.1\r\n${head}\r\n`
    const reply = await raw(`POST /crm/admin/x HTTP/1.1\r\n${head}Content-Length: 100000\r\n\r\n${inner}`)
    expect(reply).toMatch(/^HTTP\/1\.1 403 /)
    expect(reply).toMatch(/connection: close/i)
    expect(api.seen).toEqual([])
  })

  it('what is pipelined behind one that cannot be read is never a request', async () => {
    const good = `POST /crm/v1/orders HTTP/1.1\r\n${head}Content-Length: 0\r\n\r\n`
    const reply = await raw(`GET /crm/a HTTP/1.1\r\n${head}Host: b\r\n\r\n${good}${good}`)
    expect(reply).toMatch(/^HTTP\/1\.1 400 /)
    expect(reply).not.toMatch(/ 200 /)
    expect(api.seen).toEqual([])
  })

  it('a connection carries so many requests at once, and ends with the next (R-4.10)', async () => {
    let answered = 0
    api.answer = (_request, response) => {
      answered += 1
      setImmediate(() => response.end('ok'))
    }
    const many = `GET /crm/v1/x HTTP/1.1\r\n${head}\r\n`.repeat(500)
    await raw(many)
    expect(answered).toBeLessThanOrEqual(16)
    expect(path.lines.some(({ fields }) => fields['code'] === 'CONNECTION_LIMIT')).toBe(true)
  })

  it('pipelined requests are judged one by one, in order', async () => {
    const reply = await raw(
      `GET /crm/v1/a HTTP/1.1\r\n${head}\r\nGET /crm/admin/b HTTP/1.1\r\n${head}\r\nGET /crm/v1/c HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
    )
    expect([...reply.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => status)).toEqual(['200', '403', '200'])
    expect(api.seen.map(({ url }) => url).sort()).toEqual(['/api/v1/a', '/api/v1/c'])
  })

  it('Expect: 100-continue is answered here, and only for what may go on', async () => {
    const refused = await raw(`POST /crm/admin/x HTTP/1.1\r\n${head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`)
    expect(refused).toMatch(/^HTTP\/1\.1 403 /)
    const passed = await raw(
      `POST /crm/v1/x HTTP/1.1\r\n${head}Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`,
    )
    expect(passed).toMatch(/^HTTP\/1\.1 100 .*\r\n\r\nHTTP\/1\.1 200 /s)
    expect(api.seen[0]?.headers.expect).toBeUndefined()
  })
})

describe('a request on behalf of somebody', () => {
  const more = '- { name: people, effect: allow, callers: { groups: [customers] }, objects: ["/v1/orders"] }'
  const withPeople = (port: number, required = false): string =>
    documents(port)
      .replace('  rules:\n', `  rules:\n    ${more}\n`)
      .replaceAll(
        '  network: loopback\n',
        `  network: loopback\n  mayAct: [{ actors: { groups: [engineering] }, initiators: { groups: [customers] } }]\n${required ? '  initiator: required\n' : ''}`,
      )
  const service = { subject: 'web', kind: 'workload', target: 'crm' } as const
  const tokenFor = async (subject: string, actor = 'web', target = 'crm') =>
    await path.token({ subject, groups: ['customers'], actors: [actor], target })
  const ask = async (url: string, initiator: string | null, token: string) => {
    const headers: Record<string, string> = initiator === null ? {} : { 'sallyport-initiator': initiator }
    const reply = await send(url, { headers, token })
    return reply.status === 200 ? 200 : JSON.parse(reply.body).code
  }

  it('has the rights that both have, and its header ends here', async () => {
    path.snapshots.publish(path.snapshot(withPeople(api.port)))
    const token = await path.token(service)
    const forAnn = await tokenFor('ann')
    expect(await ask('/crm/v1/orders', forAnn, token)).toBe(200)
    expect(await ask('/crm/v1/people', forAnn, token)).toBe('POLICY_UNCOVERED')
    expect(await ask('/crm/v1/people', null, token)).toBe(200)
    expect(JSON.stringify(api.seen)).not.toContain('sallyport-initiator')
    expect(path.recorder.of('intent')[0]).toMatchObject({
      chain: { initiator: { subject: 'ann', assurance: 'verified' }, actors: [{ subject: 'web' }] },
    })
    expect(path.recorder.of('denied')[0]).toMatchObject({ chain: { initiator: { subject: 'ann' } } })
    expect(JSON.stringify(path.recorder.entries)).not.toContain(forAnn)
  })

  it('is refused with a token that was copied, replayed, forged or made for another target (R-6.2)', async () => {
    path.snapshots.publish(path.snapshot(withPeople(api.port, true)))
    const token = await path.token(service)
    expect(await ask('/crm/v1/orders', await tokenFor('ann', 'mailer'), token)).toBe('INITIATOR_COPIED')
    expect(await ask('/crm/v1/orders', await tokenFor('ann', 'web', 'open'), token)).toBe('INITIATOR_AUDIENCE_WRONG')
    expect(await ask('/crm/v1/orders', 'forged', token)).toBe('INITIATOR_INVALID')
    const once = await path.token({ subject: 'ann', groups: ['customers'], actors: ['web'], target: 'crm', once: true })
    expect(await ask('/crm/v1/orders', once, token)).toBe(200)
    expect(await ask('/crm/v1/orders', once, token)).toBe('INITIATOR_REPLAYED')
    expect(await ask('/crm/v1/orders', 'claimed:ann', token)).toBe('INITIATOR_REQUIRED')
    expect(await ask('/crm/v1/orders', null, token)).toBe('INITIATOR_REQUIRED')
    expect(api.seen).toHaveLength(1)
  })
})

describe('a stream', () => {
  it('passes in both directions without being kept', async () => {
    const size = 32 * 1024 * 1024
    api.answer = (_request, response, body) => response.end(Buffer.alloc(body.length, 'b'))
    const reply = await send('/crm/v1/files', { method: 'PUT', body: Buffer.alloc(size, 'a') })
    expect(reply.body.length).toBe(size)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ bytes: size, result: 'done' })
  })

  it('of events arrives while it goes on, and ends with the session when that is killed', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
    }
    const token = await path.token({ target: 'crm' })
    const request = httpsRequest({
      host: '127.0.0.1',
      port: path.httpPort,
      servername: 'localhost',
      ca: path.ca,
      path: '/crm/v1/events',
      agent: false,
      headers: { authorization: `Bearer ${token}` },
    })
    request.on('error', () => {})
    request.end()
    const [response] = await once(request, 'response')
    response.on('error', () => {})
    const [first] = await once(response, 'data')
    expect(first.toString()).toBe('data: one\n\n')
    const session = path.recorder.entries.find(({ body }) => body.kind === 'session-opened')?.session ?? ''
    expect(path.listener.sessions.kill(session, 'killed by a test')).toBe(true)
    await new Promise((resolve) => response.once('close', resolve))
    await path.recorder.seen((body) => body.kind === 'session-closed' && body.reason === 'killed by a test')
    // The outcome comes first.
    const kinds = path.recorder.entries.filter((entry) => entry.session === session).map(({ body }) => body)
    expect(kinds.slice(-2)).toMatchObject([
      { kind: 'outcome', result: 'cancelled' },
      { kind: 'session-closed', reason: 'killed by a test' },
    ])
  })

  it('of a caller that leaves is ended at the target', async () => {
    const closed = new Promise<void>((resolve) => {
      api.answer = (_request, response) => {
        response.once('close', resolve)
        response.write('x')
      }
    })
    const token = await path.token({ target: 'crm' })
    const socket = connect({ host: '127.0.0.1', port: path.httpPort, servername: 'localhost', ca: path.ca })
    await once(socket, 'secureConnect')
    socket.write(`GET /crm/v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await once(socket, 'data')
    socket.destroy()
    await closed
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'cancelled' })
  })
})

describe('a session', () => {
  it('goes to where the target is now, not to where it was when it began', async () => {
    const other = await startApi()
    const token = await path.token({ target: 'crm' })
    const socket = connect({ host: '127.0.0.1', port: path.httpPort, servername: 'localhost', ca: path.ca })
    await once(socket, 'secureConnect')
    const ask = async (): Promise<string> => {
      socket.write(`GET /crm/v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
      const [chunk] = await once(socket, 'data')
      return String(chunk)
    }
    expect(await ask()).toMatch(/^HTTP\/1\.1 200/)
    path.snapshots.publish(path.snapshot(documents(other.port)))
    expect(await ask()).toMatch(/^HTTP\/1\.1 200/)
    expect(other.seen).toHaveLength(1)
    socket.destroy()
    await other.stop()
  })

  it('is one for each token of a connection, and a revoked principal is refused on an open one', async () => {
    const token = await path.token({ target: 'crm', subject: 'bea' })
    const socket = connect({ host: '127.0.0.1', port: path.httpPort, servername: 'localhost', ca: path.ca })
    await once(socket, 'secureConnect')
    const ask = async (): Promise<string> => {
      socket.write(`GET /crm/v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
      const [chunk] = await once(socket, 'data')
      return String(chunk)
    }
    expect(await ask()).toMatch(/^HTTP\/1\.1 200/)
    expect(await ask()).toMatch(/^HTTP\/1\.1 200/)
    expect(path.recorder.of('session-opened')).toHaveLength(1)
    const closed = once(socket, 'close')
    path.snapshots.publish(
      path.snapshot(documents(api.port), {
        revocations: [{ jti: '', issuer: 'https://idp.test', subject: 'bea', beforeMs: Date.now() + 60_000 }],
      }),
    )
    await closed
    expect((await send('/crm/v1/x', { token })).status).toBe(401)
  })
})

describe('a target that lists its routes', () => {
  const listed = (unknown: string): string =>
    documents(api.port)
      .replace(
        'credential: { bearer: { env: CRM_TOKEN } }\n',
        `credential: { bearer: { env: CRM_TOKEN } }
  routes:
    unknown: ${unknown}
    list:
      - { name: listOrders, methods: [GET], path: /v1/orders }
      - { name: getOrder, methods: [GET], path: "/v1/orders/{id}" }
`,
      )
      .replace('rules:\n', 'rules:\n    - { name: no-list, effect: deny, objects: ["route:listOrders"] }\n')
  it('knows no others, by method and by spelling, and rules go by their names (R-4.5)', async () => {
    path.snapshots.publish(path.snapshot(listed('deny')))
    expect((await send('/crm/v1/orders/7')).status).toBe(200)
    for (const [url, method, code] of [
      ['/crm/v1/orders', 'GET', 'POLICY_DENIED'],
      ['/crm/v1/orders/', 'GET', 'POLICY_DENIED'],
      ['/crm/v1/orders/7', 'PUT', 'POLICY_UNCOVERED'],
      ['/crm/v1/others', 'GET', 'POLICY_UNCOVERED'],
      ['/crm/v1/ORDERS', 'GET', 'POLICY_UNCOVERED'],
    ] as const)
      expect(JSON.parse((await send(url, { method })).body)).toMatchObject({ code })
    expect(api.seen).toHaveLength(1)
    expect(path.recorder.of('denied')).toHaveLength(5)
  })
  it('lets others pass where it says so, but none that is spelled otherwise', async () => {
    path.snapshots.publish(path.snapshot(listed('allow')))
    expect((await send('/crm/v1/others')).status).toBe(200)
    expect((await send('/crm/v1/Orders')).status).toBe(403)
  })
})
