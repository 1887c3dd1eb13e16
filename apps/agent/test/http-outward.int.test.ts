// What a request carries outward: conditions on bodies, and secrets that are stopped before they leave (DESIGN §1 scene c,
// THREATS R-4.5, R-4.8, R-4.12).
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
const shopPassword = 'shop password/with+signs 4711'
const mailPassword = 'mail&password=0816'

const documents = (port: number): string => `
${httpTarget('crm', port)}
  credential: { bearer: { env: CRM_TOKEN } }
---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec:
  protocol: postgres
  agents: [test]
  host: db.internal
  database: shop
  roles: [{ name: app, password: { env: SHOP_PASSWORD } }, { name: mail, password: { env: MAIL_PASSWORD } }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { names: [crm] }
  rules:
    - { name: reads, effect: allow, callers: { any: true }, operations: [http.GET] }
    - { name: free, effect: allow, callers: { any: true }, objects: ["/free/**", "/open/**"] }
    - name: small-orders
      effect: allow
      callers: { any: true }
      operations: [http.POST]
      objects: ["/orders"]
      when: http.body.amount <= 100 && http.body.lines.all(l, l.sku.startsWith("A"))
    - name: forms
      effect: allow
      callers: { any: true }
      operations: [http.POST]
      objects: ["/forms"]
      when: http.contentType == "application/x-www-form-urlencoded" && http.form.kind.all(k, k == "note")
    - { name: closed, effect: deny, objects: ["/closed"], when: http.body.x == 1 }
    - { name: ask, effect: hold, callers: { any: true }, objects: ["/held"], approval: { reviewers: [{ group: dba }] } }
  outward:
    - { name: no-keys, detect: [aws-key, jwt, private-key, email], routes: ["/free/**", "/held"], message: keys stay here }
    - { name: no-cards, detect: [card], unless: { groups: [billing] } }
`

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({
    yaml: documents(api.port),
    environment: { CRM_TOKEN: crmToken, SHOP_PASSWORD: shopPassword, MAIL_PASSWORD: mailPassword },
  })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
})

const json = { 'content-type': 'application/json' }
const post = (body: string | Buffer, more: Sending = {}): Sending => ({
  method: 'POST',
  body,
  ...more,
  headers: { ...json, ...more.headers },
})
const codeOf = (reply: { body: string }): string | undefined => {
  try {
    return JSON.parse(reply.body).code
  } catch {
    return undefined
  }
}

describe('a condition on a body', () => {
  const order = '{"amount":7,"lines":[{"sku":"A1"}]}'
  it('lets pass what fits, byte for byte', async () => {
    expect((await send('/crm/orders', post(order))).status).toBe(200)
    expect(api.seen[0]?.body).toBe(order)
    expect(JSON.stringify(path.recorder.entries)).not.toContain('sku')
  })
  it('in pieces of unknown length as well', async () => {
    const chunked = { 'transfer-encoding': 'chunked' }
    expect((await send('/crm/orders', post(order, { headers: chunked }))).status).toBe(200)
    expect(api.seen[0]?.body).toBe(order)
  })
  it.each<[string, string, string | Buffer, string]>([
    ['another value', '/orders', '{"amount":101,"lines":[]}', 'POLICY_UNCOVERED'],
    ['a value of another kind', '/orders', '{"amount":"7","lines":[]}', 'POLICY_ERROR'],
    ['a value that is not there', '/orders', '{"amount":7}', 'POLICY_ERROR'],
    ['one line that does not fit', '/orders', '{"amount":7,"lines":[{"sku":"A"},{"sku":"B"}]}', 'POLICY_UNCOVERED'],
    ['no body', '/orders', '', 'POLICY_ERROR'],
    ['a name twice (R-4.8)', '/orders', '{"amount":7,"amount":700,"lines":[]}', 'PROTOCOL_VIOLATION'],
    ['a name in two cases', '/orders', '{"amount":7,"Amount":700,"lines":[]}', 'PROTOCOL_VIOLATION'],
    ['what is no JSON', '/orders', '{"amount":7', 'PROTOCOL_VIOLATION'],
    ['what is no UTF-8', '/orders', Buffer.from('{"amount":7,"lines":[],"a":"\xff"}', 'latin1'), 'PROTOCOL_VIOLATION'],
    ['a depth bomb', '/orders', '['.repeat(100_000), 'PROTOCOL_VIOLATION'],
    ['a long list', '/orders', `{"amount":7,"lines":[${'{},'.repeat(1_000)}{}]}`, 'PROTOCOL_VIOLATION'],
  ])('refuses %s', async (_, url, body, code) => {
    expect(codeOf(await send(`/crm${url}`, post(body)))).toBe(code)
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code })
  })
  it('refuses a body that is longer than is read', async () => {
    const body = JSON.stringify({ amount: 7, lines: [], text: 'x'.repeat(1_048_576) })
    const reply = await send('/crm/orders', post(body)).catch(() => null)
    if (reply !== null) expect(codeOf(reply)).toBe('REQUEST_TOO_LARGE')
    expect(api.seen).toEqual([])
  })
  it.each<[string, Record<string, string>]>([
    ['another type', { 'content-type': 'text/plain' }],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
    ['a coding', { 'content-encoding': 'gzip' }],
  ])('cannot read %s, which denies', async (_, headers) => {
    expect(codeOf(await send('/crm/orders', post(order, { headers })))).toBe('POLICY_ERROR')
    expect(api.seen).toEqual([])
  })
  it('reads forms by their names', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await send('/crm/forms', post('kind=note&text=a+b', { headers: form }))).status).toBe(200)
    for (const [body, code] of [
      ['kind=note&kind=order', 'POLICY_UNCOVERED'],
      ['kind=note&_method=DELETE', 'PROTOCOL_VIOLATION'],
      ['kind=note&Kind=order', 'PROTOCOL_VIOLATION'],
      // Some servers split there too, or take a mark of the byte order off.
      ['kind=note;kind=order', 'PROTOCOL_VIOLATION'],
      ['\ufeffkind=order&kind=note', 'PROTOCOL_VIOLATION'],
    ] as const)
      expect(codeOf(await send('/crm/forms', post(body, { headers: form })))).toBe(code)
    expect(codeOf(await send('/crm/forms', post('{"kind":"note"}')))).toBe('POLICY_UNCOVERED')
  })
  it('of a deny rule that cannot be read denies', async () => {
    expect(codeOf(await send('/crm/closed', post('{"y":1}')))).toBe('POLICY_ERROR')
    expect(codeOf(await send('/crm/closed', post('{"x":1}')))).toBe('POLICY_DENIED')
  })
})

describe('a credential of the agent', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  it.each<[string, string, Sending]>([
    ['in the path', `/crm/free/${crmToken}`, {}],
    ['in the query', `/crm/free/x?q=${encodeURIComponent(shopPassword)}`, {}],
    ['over segments of the path', `/crm/free/${encodeURIComponent(shopPassword).replace('%2F', '/')}`, {}],
    [
      'in a query with its plus as it is',
      `/crm/free/x?q=${encodeURIComponent(shopPassword).replaceAll('%2B', '+')}`,
      {},
    ],
    ['over name and value of the query', `/crm/free/x?${encodeURIComponent(mailPassword).replace('%3D', '=')}`, {}],
    ['over pairs of the query', `/crm/free/x?${encodeURIComponent(mailPassword).replace('%26', '&')}`, {}],
    ['in a field', '/crm/free/x', { headers: { 'x-note': `p=${crmToken}` } }],
    ['in a body', '/crm/free/x', post(JSON.stringify({ note: `use ${shopPassword}` }))],
    ['with escapes', '/crm/free/x', post(`{"note":"\\u0063${crmToken.slice(1)}"}`)],
    [
      'in a form',
      '/crm/free/x',
      post(`a=${encodeURIComponent(shopPassword)}`, {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    ],
    ['in base64', '/crm/free/x', post(`{"data":"${base64(`user:${shopPassword}`)}"}`)],
    [
      'in plain text',
      '/crm/free/x',
      post(`${'x'.repeat(60_000)}${crmToken}`, { headers: { 'content-type': 'text/plain' } }),
    ],
  ])('never leaves %s, and is not recorded', async (_, url, sending) => {
    const reply = await send(url, sending)
    expect(JSON.parse(reply.body)).toMatchObject({ status: 403, code: 'OUTWARD_SECRET' })
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code: 'OUTWARD_SECRET' })
    const kept = JSON.stringify([path.recorder.entries, reply, path.lines])
    for (const secret of [
      crmToken,
      shopPassword,
      'with+signs',
      'password=0816',
      base64(shopPassword).slice(4, 20),
      encodeURIComponent(shopPassword),
    ])
      expect(kept).not.toContain(secret)
  })
  it('never leaves in a long body either: what is before it goes, it does not', async () => {
    const body = Buffer.concat([Buffer.alloc(300_000, 'x'), Buffer.from(crmToken), Buffer.alloc(300_000, 'y')])
    const headers = { 'content-type': 'text/plain' }
    const reply = await send('/crm/open/x', post(body, { headers, shown: { groups: ['billing'] } })).catch(() => null)
    if (reply !== null) expect(codeOf(reply)).toBe('OUTWARD_SECRET')
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'failed' })
    // The API never got a whole request.
    expect(api.seen).toEqual([])
  })
  it("is neither the caller's own token for the gateway", async () => {
    const token = await path.token({ target: 'crm' })
    const reply = await send('/crm/orders?token=x', { token, headers: { 'x-forward': token } })
    expect(codeOf(reply)).toBe('OUTWARD_SECRET')
    expect(api.seen).toEqual([])
  })
  it('other bodies go on as they are', async () => {
    api.answer = (_request, response) => response.end('ok')
    for (const body of [Buffer.alloc(200_000, 'z'), gzipSync('fine')]) {
      const type = { 'content-type': 'application/octet-stream' }
      expect(
        (
          await send('/crm/free/x', {
            method: 'POST',
            body,
            headers: { ...type, 'x-part': 'a' },
            shown: { groups: ['billing'] },
          })
        ).status,
      ).toBe(200)
    }
    expect(api.seen[0]?.body.length).toBe(200_000)
  })
})

describe('what detectors look for', () => {
  const awsKey = 'AKIAIOSFODNN7EXAMPLE'
  it.each<[string, string, Sending, string]>([
    ['in a query', '/crm/free/x?mail=ann@example.com', {}, 'the query holds what looks like an email'],
    ['in a path', '/crm/free/ann@example.com', {}, 'the path holds'],
    [
      'in a field',
      '/crm/free/x',
      { headers: { 'x-key': awsKey } },
      'the field \\"x-key\\" holds what looks like an aws-key',
    ],
    ['in JSON', '/crm/free/x', post(`{"a":{"b":["${awsKey}"]}}`), 'the body holds what looks like an aws-key'],
    ['with escapes', '/crm/free/x', post('{"a":"ann\\u0040example.com"}'), 'the body holds'],
    [
      'in a form',
      '/crm/free/x',
      post('a=ann%40example.com', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      'the body holds',
    ],
    [
      'a card, everywhere',
      '/crm/orders',
      post('{"amount":7,"lines":[],"card":4111111111111111}'),
      'what looks like a card',
    ],
  ])('is stopped %s, by its rule', async (_, url, sending, message) => {
    const reply = await send(url, sending)
    expect(codeOf(reply)).toBe('OUTWARD_SECRET')
    expect(reply.body).toContain(message)
    expect(reply.body).not.toMatch(/ann@|AKIA|41111111/)
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]?.rule?.policy).toBe('api')
    expect(JSON.stringify(path.recorder.entries)).not.toMatch(/ann@|AKIA|41111111/)
  })
  it('is not looked for elsewhere, nor for whom it may leave', async () => {
    api.answer = (_request, response) => response.end('ok')
    expect((await send('/crm/other?mail=ann@example.com')).status).toBe(200)
    const card = post('{"amount":7,"lines":[],"card":4111111111111111}', {
      shown: { groups: ['engineering', 'billing'] },
    })
    expect((await send('/crm/orders', card)).status).toBe(200)
  })
  it('a body that is encoded cannot be looked into, and is refused', async () => {
    const reply = await send('/crm/free/x', post(gzipSync('{}'), { headers: { 'content-encoding': 'gzip' } }))
    expect(codeOf(reply)).toBe('PROTOCOL_VIOLATION')
    expect(api.seen).toEqual([])
  })
  it('stops a request before people are asked about it', async () => {
    expect(codeOf(await send('/crm/held', post(`{"key":"${awsKey}"}`)))).toBe('OUTWARD_SECRET')
    expect(path.control.requests).toEqual([])
  })
})
