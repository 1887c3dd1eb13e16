// Masks in answers of HTTP targets, through a real listener to a real server: what is hidden in which form, what is refused
// because nobody can look into it, and that no byte of it comes any other way (THREATS ).
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let path: DataPath
const { send, open, raw } = httpClient(() => path)

const documents = (port: number): string => `
${httpTarget('crm', port)}
  credential: { bearer: { env: CRM_TOKEN } }
  passFields: [range, if-range]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { groups: [engineering] }, objects: ["/**"] }]
  masks:
    - { name: ssn, routes: ["/people/**"], path: $.ssn, method: redact, unless: { groups: [hr] } }
    - { name: mails, detect: [email], routes: ["/notes/**"], method: redact }
    - { columns: ["public.people.ssn"], method: redact }
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
})

const secret = '078-05-1120'
const person = `{"name":"Ann","ssn":"${secret}"}`
const masked = '{"name":"Ann","ssn":"[redacted]"}'
const answer = (headers: Record<string, string>, body: string | Buffer, status = 200): void => {
  api.answer = (_request, response) => {
    response.writeHead(status, headers)
    response.end(body)
  }
}
const json = { 'content-type': 'application/json' }

describe('an answer under masks', () => {
  it('has its members hidden, and says so in the record', async () => {
    answer(json, person)
    expect(await send('/crm/people/1')).toMatchObject({ status: 200, body: masked })
    expect(path.recorder.of('intent')[0]).toMatchObject({ masks: ['api/ssn'], maskedColumns: 1 })
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ maskedValues: 1, tag: '200' })
  })

  it('is left alone on other routes, and for whom the mask is lifted', async () => {
    answer({ ...json, etag: '"1"', 'content-length': String(person.length) }, person)
    const other = await send('/crm/orders/1')
    expect(other).toMatchObject({ body: person, headers: { etag: '"1"', 'content-length': String(person.length) } })
    const lifted = await send('/crm/people/1', { shown: { groups: ['engineering', 'hr'] } })
    expect(lifted.body).toBe(person)
    expect(path.recorder.of('intent').map(({ masks }) => masks)).toEqual([[], []])
  })

  it('says nothing of what it was: no ETag, length, digest, slice or copy of it (R-4.7)', async () => {
    answer(
      {
        ...json,
        etag: '"1"',
        'content-md5': 'x',
        digest: 'x',
        'repr-digest': 'x',
        'content-digest': 'x',
        'accept-ranges': 'bytes',
        'cache-control': 'public, max-age=60',
        'x-person': 'ann@example.com',
      },
      person,
    )
    const { headers } = await send('/crm/people/1')
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-person': '[redacted]' })
    for (const name of [
      'etag',
      'content-length',
      'content-md5',
      'digest',
      'repr-digest',
      'content-digest',
      'accept-ranges',
    ])
      expect(headers[name]).toBeUndefined()
  })

  it('of HEAD says no length and no ETag either', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { ...json, 'content-length': String(person.length), etag: '"1"' })
      response.end()
    }
    const { status, headers } = await send('/crm/people/1', { method: 'HEAD' })
    expect(status).toBe(200)
    expect([headers['content-length'], headers['etag']]).toEqual([undefined, undefined])
  })

  it('is asked for whole and anew: no range and no comparison goes on (R-4.7)', async () => {
    answer(json, person)
    const headers = { range: 'bytes=20-30', 'if-range': '"1"', 'if-none-match': '"1"', 'if-modified-since': 'x' }
    expect((await send('/crm/people/1', { headers })).body).toBe(masked)
    for (const name of Object.keys(headers)) expect(api.seen[0]?.headers[name]).toBeUndefined()
    expect(api.seen[0]?.headers['accept-encoding']).toBe('identity')
    // Elsewhere they are the caller's.
    await send('/crm/orders/1', { headers })
    expect(api.seen[1]?.headers).toMatchObject({ range: 'bytes=20-30', 'if-none-match': '"1"' })
  })

  it.each([
    ['If-Match', 'PUT', { 'if-match': '"1"' }],
    ['If-Match on a read', 'GET', { 'if-match': '"1"' }],
    ['If-Unmodified-Since', 'DELETE', { 'if-unmodified-since': 'x' }],
    ['If-None-Match', 'PUT', { 'if-none-match': '"1"' }],
  ])('%s would be a question about it, and is refused', async (_, method, headers) => {
    const reply = await send('/crm/people/1', { method, headers })
    expect(JSON.parse(reply.body)).toMatchObject({ status: 403, code: 'MASK_UNPROVABLE' })
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code: 'MASK_UNPROVABLE' })
  })
  it('"if there is none yet" is no such question', async () => {
    answer(json, person, 201)
    const reply = await send('/crm/people/1', { method: 'PUT', headers: { 'if-none-match': '*' } })
    expect(reply).toMatchObject({ status: 201, body: masked })
  })

  it.each([
    ['a part', 206, json],
    ['a reference to what the caller has', 304, json],
    ['an image', 200, { 'content-type': 'image/png' }],
    ['a text, under paths', 200, { 'content-type': 'text/plain' }],
    ['no type', 200, {}],
    ['a type that is none', 200, { 'content-type': 'json' }],
    ['JSON in UTF-16', 200, { 'content-type': 'application/json; charset=utf-16' }],
    ['an unknown coding', 200, { ...json, 'content-encoding': 'zstd' }],
    ['two codings', 200, { ...json, 'content-encoding': 'gzip, br' }],
    ['a coding that it does not have', 200, { ...json, 'content-encoding': 'gzip' }],
  ])('%s is refused, and nothing of it comes (R-4.7)', async (_, status, headers) => {
    answer(headers as Record<string, string>, status === 304 ? '' : person, status)
    const reply = await send('/crm/people/1')
    expect(JSON.parse(reply.body)).toMatchObject({ status: 502, code: 'ANSWER_REFUSED' })
    expect(JSON.stringify(reply)).not.toContain(secret)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'failed' })
  })

  it('that is no JSON is refused as a whole, however late that shows (R-4.8)', async () => {
    answer(json, `${person} trailing`)
    const reply = await send('/crm/people/1')
    expect(JSON.parse(reply.body)).toMatchObject({ status: 502, code: 'ANSWER_REFUSED' })
    expect(reply.body).not.toContain('Ann')
  })

  it('past its length is refused, not passed on (R-4.7)', async () => {
    answer(json, `"${'x'.repeat(8_400_000)}"`)
    expect(JSON.parse((await send('/crm/people/1')).body)).toMatchObject({ status: 502, code: 'ANSWER_REFUSED' })
  })

  it.each([
    ['an error in HTML', 500, { 'content-type': 'text/html' }, `<pre>${secret}</pre>`],
    ['an error that is no JSON', 404, json, `not found: ${secret}`],
  ])('%s keeps its status, and its text stays behind', async (_, status, headers, body) => {
    answer(headers, body, status)
    const reply = await send('/crm/people/1')
    expect(reply.status).toBe(status)
    expect(JSON.parse(reply.body)).toMatchObject({ status, code: 'ANSWER_REFUSED' })
    expect(reply.body).not.toContain(secret)
  })
  it('an error in JSON is masked like any answer', async () => {
    answer({ 'content-type': 'application/problem+json' }, person, 409)
    expect(await send('/crm/people/1')).toMatchObject({ status: 409, body: masked })
  })
  it('without a type passes where it is empty, also when nobody said so', async () => {
    api.answer = (_request, response) => {
      response.writeHead(201)
      response.flushHeaders()
      setImmediate(() => response.end())
    }
    expect(await send('/crm/people', { method: 'GET' })).toMatchObject({ status: 201, body: '' })
    answer({ 'content-type': 'text/plain', 'content-length': '0' }, '')
    expect(await send('/crm/people/1')).toMatchObject({ status: 200, body: '' })
  })
  it.each([204, 200])('without a body passes: %i', async (status) => {
    answer(status === 200 ? { 'content-length': '0' } : {}, '', status)
    expect(await send('/crm/people/1')).toMatchObject({ status, body: '' })
  })
})

describe('an encoded answer under masks (R-4.7)', () => {
  it.each([
    ['gzip', gzipSync(person)],
    ['x-gzip', gzipSync(person)],
    ['deflate', deflateSync(person)],
    ['br', brotliCompressSync(person)],
    ['GZIP', Buffer.concat([gzipSync(person.slice(0, 9)), gzipSync(person.slice(9))])],
    ['identity', Buffer.from(person)],
  ])('in %s is decoded and masked', async (coding, body) => {
    answer({ ...json, 'content-encoding': coding }, body)
    const reply = await send('/crm/people/1')
    expect(reply).toMatchObject({ status: 200, body: masked })
    expect(reply.headers['content-encoding']).toBeUndefined()
  })
  it('that blows up is refused', async () => {
    answer({ 'content-type': 'text/plain', 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(16_000_000, 'a')))
    const reply = await send('/crm/notes/1').catch((thrown: Error) => thrown)
    expect(reply instanceof Error || reply.bytes.length < 4_000_000).toBe(true)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'failed' })
  })
  it('that is cut off is refused', async () => {
    answer({ ...json, 'content-encoding': 'gzip' }, gzipSync(person).subarray(0, 30))
    expect(JSON.parse((await send('/crm/people/1')).body)).toMatchObject({ code: 'ANSWER_REFUSED' })
  })
})

describe('a stream under masks', () => {
  it('of lines and of events comes as it goes, each masked', async () => {
    for (const [type, written, expected] of [
      ['application/x-ndjson', `${person}\n`, `${masked}\n`],
      ['text/event-stream', `data: ${person}\n\n`, `data: ${masked}\n\n`],
    ] as const) {
      let more = () => {}
      api.answer = (_request, response) => {
        response.writeHead(200, { 'content-type': type })
        response.write(written)
        // A part of the next one, which may not show.
        response.write(written.slice(0, -4))
        more = () => response.end(written.slice(-4))
      }
      const response = await open('/crm/people/1')
      let text = ''
      for await (const chunk of response) {
        text += chunk
        // The first one is here while the second one is not over.
        if (text === expected) more()
      }
      expect(text).toBe(expected.repeat(2))
    }
  })
  it('ends where a line is none, after those that were', async () => {
    let more = () => {}
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write(`${person}\n`)
      more = () => response.end(`{"ssn":"${secret}"\n`)
    }
    const response = await open('/crm/people/1')
    let text = ''
    const reading = (async () => {
      for await (const chunk of response) {
        text += chunk
        more()
      }
    })()
    // No last chunk came: the caller sees that it is not whole.
    await expect(reading).rejects.toThrow('aborted')
    expect(text).toBe(`${masked}\n`)
  })
  it('of text is looked through by detectors, across its pieces', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', trailer: 'x-sum' })
      response.write('write to ann@exam')
      setImmediate(() => {
        response.addTrailers({ 'x-sum': 'ann@example.com' })
        response.end('ple.com today')
      })
    }
    const text = await raw(
      'GET /crm/notes/1 HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n',
    )
    expect(text).toContain('[redacted]')
    expect(text).not.toMatch(/ann@|ple\.com|x-sum/)
  })
  it('goes on with other requests at every split of what the API writes', async () => {
    for (let cut = 0; cut <= person.length; cut += 3) {
      api.answer = (_request, response) => {
        response.writeHead(200, json)
        response.write(person.slice(0, cut))
        setImmediate(() => response.end(person.slice(cut)))
      }
      expect((await send('/crm/people/1')).body).toBe(masked)
    }
  })
})
