// What is hidden in requests before they leave: by path and by detectors, bound to what reviewers see, and recorded without a value
// (DESIGN §8, THREATS ).
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient, type Sending } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let path: DataPath
const { send } = httpClient(() => path)
const crmToken = 'crm-credential-of-the-agent-0815'

const documents = (port: number, ssnMethod = 'redact'): string => `
${httpTarget('crm', port)}
  credential: { bearer: { env: CRM_TOKEN } }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { names: [crm] }
  rules:
    - { name: all, effect: allow, callers: { any: true }, objects: ["/chat/**", "/orders", "/free/**"] }
    - { name: small, effect: allow, callers: { any: true }, objects: ["/judged"], when: http.body.ssn == "078-05-1120" }
    - { name: ask, effect: hold, callers: { any: true }, objects: ["/held"], approval: { reviewers: [{ group: dba }] } }
  outward:
    - { name: ssn, path: [$.ssn, $.lines.owner], method: ${ssnMethod}, routes: ["/orders", "/held", "/judged"] }
    - { name: mails, detect: [email], method: email, routes: ["/chat/**"], unless: { groups: [billing] } }
    - { name: no-keys, detect: [aws-key], routes: ["/chat/**"] }
`

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: documents(api.port), environment: { CRM_TOKEN: crmToken } })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
  path.control.forget()
  path.snapshots.publish(path.snapshot(documents(api.port)))
})

const post = (body: string | Buffer, headers: Record<string, string> = {}, more: Sending = {}): Sending => ({
  method: 'POST',
  body,
  ...more,
  headers: { 'content-type': 'application/json', ...headers },
})
const codeOf = (reply: { body: string }): string => JSON.parse(reply.body).code

describe('a member', () => {
  it('is hidden by its path before the request leaves, and everything else goes on', async () => {
    const body = '{"amount":7,"ssn":"078-05-1120","lines":[{"owner":"Olga","n":1.50},{"owner":null}]}'
    expect((await send('/crm/orders', post(body))).status).toBe(200)
    expect(JSON.parse(api.seen[0]?.body ?? '')).toEqual({
      amount: 7,
      ssn: '[redacted]',
      lines: [{ owner: '[redacted]', n: 1.5 }, { owner: null }],
    })
    expect(Number(api.seen[0]?.headers['content-length'])).toBe(Buffer.byteLength(api.seen[0]?.body ?? ''))
    expect(path.recorder.of('intent')[0]).toMatchObject({ masks: ['api/ssn'], maskedColumns: 2 })
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ maskedValues: 2 })
    expect(JSON.stringify([path.recorder.entries, path.lines])).not.toMatch(/078-05|Olga/)
  })
  it('in pieces of unknown length, by an escaped name, behind a mark of the byte order (R-4.7, R-4.8)', async () => {
    const chunked = { 'transfer-encoding': 'chunked' }
    expect((await send('/crm/orders', post('\ufeff{"\\u0073sn":"078-05-1120"}', chunked))).status).toBe(200)
    expect(Object.values(JSON.parse(api.seen[0]?.body ?? ''))).toEqual(['[redacted]'])
  })
  it('leaves nothing that speaks of the body as it was (R-4.7)', async () => {
    const body = '{"ssn":"078-05-1120"}'
    const sum = createHash('sha256').update(body).digest('base64')
    const fields = { digest: `sha-256=${sum}`, 'content-md5': sum, 'content-digest': `sha-256=:${sum}:` }
    expect((await send('/crm/orders', post(body, fields))).status).toBe(200)
    expect(JSON.stringify(api.seen[0]?.headers)).not.toContain(sum)
    await send('/crm/free/x', post(body, fields))
    expect(api.seen[1]?.headers.digest).toBe(`sha-256=${sum}`)
    expect(api.seen[1]?.body).toBe(body)
  })
  it.each<[string, string | Buffer, Record<string, string>, string]>([
    ['a name twice', '{"ssn":1,"ssn":2}', {}, 'PROTOCOL_VIOLATION'],
    ['what is no JSON', '{"ssn":', {}, 'PROTOCOL_VIOLATION'],
    ['a depth bomb', '['.repeat(100_000), {}, 'PROTOCOL_VIOLATION'],
    ['text', 'ssn=078-05-1120', { 'content-type': 'text/plain' }, 'BODY_UNREADABLE'],
    ['a form', 'ssn=078-05-1120', { 'content-type': 'application/x-www-form-urlencoded' }, 'BODY_UNREADABLE'],
    ['parts', '--x', { 'content-type': 'multipart/form-data; boundary=x' }, 'BODY_UNREADABLE'],
    ['another charset', '{"ssn":1}', { 'content-type': 'application/json; charset=utf-16' }, 'BODY_UNREADABLE'],
    ['a coding', gzipSync('{"ssn":1}'), { 'content-encoding': 'gzip' }, 'BODY_UNREADABLE'],
  ])('refuses %s, in which it could not be hidden', async (_, body, headers, code) => {
    const reply = await send('/crm/orders', post(body, headers))
    expect(codeOf(reply)).toBe(code)
    expect(reply.status).toBe(code === 'BODY_UNREADABLE' ? 415 : 400)
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code })
    expect(JSON.stringify(path.recorder.entries)).not.toContain('078-05')
  })
  it('is read by conditions as the caller sent it', async () => {
    expect((await send('/crm/judged', post('{"ssn":"078-05-1120"}'))).status).toBe(200)
    expect(api.seen[0]?.body).toBe('{"ssn":"[redacted]"}')
  })
  it('of lines is hidden in each', async () => {
    const lines = '{"ssn":"1"}\n{"ssn":"2","a":3}\n'
    expect((await send('/crm/orders', post(lines, { 'content-type': 'application/x-ndjson' }))).status).toBe(200)
    expect(api.seen[0]?.body).toBe('{"ssn":"[redacted]"}\n{"ssn":"[redacted]","a":3}\n')
  })
})

describe('what detectors find', () => {
  it.each<[string, string, string, string]>([
    ['JSON', 'application/json', '{"say":"write to ann@example.com"}', '{"say":"write to ***@example.com"}'],
    ['text', 'text/plain', 'write to ann@example.com', 'write to ***@example.com'],
    ['a form', 'application/x-www-form-urlencoded', 'to=ann%40example.com&n=a+b', 'to=***%40example.com&n=a%20b'],
  ])('is hidden in %s', async (_, type, body, sent) => {
    expect((await send('/crm/chat/x', post(body, { 'content-type': type }))).status).toBe(200)
    expect(api.seen[0]?.body).toBe(sent)
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ maskedValues: 1 })
  })
  it('stops the request where it is no part of the body, and what has to stop it stops it', async () => {
    for (const [url, body] of [
      ['/crm/chat/x?to=ann@example.com', '{}'],
      ['/crm/chat/ann@example.com', '{}'],
      ['/crm/chat/x', '{"to":"ann@example.com","key":"AKIAIOSFODNN7EXAMPLE"}'],
    ] as const)
      expect(codeOf(await send(url, post(body)))).toBe('OUTWARD_SECRET')
    expect(codeOf(await send('/crm/chat/x', post('{}', { 'x-to': 'ann@example.com' })))).toBe('OUTWARD_SECRET')
    expect(api.seen).toEqual([])
  })
  it('goes on for whom it may leave', async () => {
    const shown = { groups: ['engineering', 'billing'] }
    await send('/crm/chat/x', post('{"to":"ann@example.com"}', {}, { shown }))
    expect(api.seen[0]?.body).toBe('{"to":"ann@example.com"}')
  })
})

describe('a held request', () => {
  const body = '{"ssn":"078-05-1120","amount":7}'
  it('is shown to people as it will leave, and runs as that (R-6.7)', async () => {
    expect(codeOf(await send('/crm/held', post(body)))).toBe('HOLD_PENDING')
    const held = await path.control.next()
    expect(held.evidence.text).toContain('{"ssn":"[redacted]","amount":7}')
    expect(JSON.stringify(held.evidence)).not.toContain('078-05')
    path.control.decide(held, 'approved')
    expect((await send('/crm/held', post(body))).status).toBe(200)
    expect(api.seen[0]?.body).toBe('{"ssn":"[redacted]","amount":7}')
  })
  it('does not run as another body than people saw, when the rules hide less meanwhile (R-6.7)', async () => {
    const sending = send('/crm/held', post(body, { prefer: 'wait=30' }))
    const held = await path.control.next()
    path.snapshots.publish(path.snapshot(documents(api.port, '{ partial: { keepLast: 4 } }')))
    path.control.decide(held, 'approved')
    expect(['SESSION_ENDED', 'HOLD_PENDING']).toContain(codeOf(await sending))
    expect(api.seen).toEqual([])
  })
})

describe('a credential of the agent', () => {
  const escaped = [...crmToken].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join('')
  it.each<[string, string, string]>([
    ['with every letter escaped', `{"note":"${escaped}"}`, 'application/json'],
    [
      'percent-encoded',
      [...crmToken].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(''),
      'application/x-www-form-urlencoded',
    ],
  ])('never leaves in a body of unknown length, %s (R-4.12)', async (_, text, type) => {
    for (const before of ['', 'x'.repeat(200_000)]) {
      const whole = type === 'application/json' ? text.replace('{', `{"a":"${before}",`) : `a=${before}&b=${text}`
      const sending = post(whole, { 'content-type': type, 'transfer-encoding': 'chunked' })
      const reply = await send('/crm/free/x', sending).catch(() => null)
      if (reply !== null) expect(codeOf(reply)).toBe('OUTWARD_SECRET')
    }
    // The API never got a whole request.
    expect(api.seen).toEqual([])
  })
  it.each<[string, string]>([
    ['that is hidden in part', '/crm/orders'],
    ['that people would be asked about', '/crm/held'],
    ['that a condition reads', '/crm/judged'],
  ])('never leaves in a body of unknown length, or a long one, %s (R-4.12)', async (_, url) => {
    const body = JSON.stringify({ ssn: '078-05-1120', note: crmToken, fill: 'x'.repeat(70_000) })
    const codings: readonly Record<string, string>[] = [{ 'transfer-encoding': 'chunked' }, {}]
    for (const headers of codings) expect(codeOf(await send(url, post(body, headers)))).toBe('OUTWARD_SECRET')
    expect(path.control.requests.filter(({ evidence }) => evidence.text.includes('xxxx'))).toEqual([])
    expect(api.seen).toEqual([])
  })
})
