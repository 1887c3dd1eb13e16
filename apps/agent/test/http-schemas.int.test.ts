// Bodies and queries that are not what their route takes do not reach the API, and refusals say where without a value (THREATS,
//
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let path: DataPath
const { send } = httpClient(() => path)

const documents = (port: number): string => `
${httpTarget('crm', port)}
  credential: none
  routes:
    list:
      - name: createOrder
        methods: [POST]
        path: /orders
        body:
          type: object
          required: [amount]
          properties:
            amount: { type: integer, minimum: 1, maximum: 100 }
            lines: { type: array, items: { type: object, properties: { sku: { type: string, pattern: "^A[0-9]{3}$" } } } }
          additionalProperties: false
      - { name: note, methods: [POST], path: /notes, body: { type: object }, optionalBody: true }
      - { name: ping, methods: [POST], path: /ping, body: false }
      - { name: free, methods: [POST], path: /free }
      - { name: held, methods: [POST], path: /held, body: { required: [amount] } }
      - name: listOrders
        methods: [GET]
        path: /orders
        query:
          type: object
          properties: { page: { type: integer, minimum: 1 }, all: { type: boolean }, id: { type: array, items: { type: integer } } }
          required: [page]
          additionalProperties: false
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
    - { name: ask, effect: hold, callers: { any: true }, objects: ["route:held"], approval: { reviewers: [{ group: dba }] } }
`

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: documents(api.port), environment: {} })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
})

const post = (url: string, body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  send(url, { method: 'POST', body, headers })

describe('a body', () => {
  it('that is what its route takes goes on, byte for byte', async () => {
    for (const [url, body] of [
      ['/crm/orders', '{ "amount":7, "lines":[{"sku":"A123"}] }'],
      ['/crm/notes', ''],
      ['/crm/ping', ''],
      ['/crm/free', '[1]'],
    ] as const) {
      expect((await post(url, body)).status, url).toBe(200)
      expect(api.seen.at(-1)?.body).toBe(body)
    }
  })
  it.each<[string, string, string, string]>([
    ['a value that is too large', '/crm/orders', '{"amount":101}', 'amount: maximum'],
    ['another type', '/crm/orders', '{"amount":"7"}', 'amount: type'],
    ['a member that is missing', '/crm/orders', '{}', '(required)'],
    ['a member of its own', '/crm/orders', '{"amount":7,"olga@example.com":1}', '(additionalProperties)'],
    ['a name of the language', '/crm/orders', '{"amount":7,"__proto__":{"a":1}}', '(additionalProperties)'],
    ['a member that every object has', '/crm/held', '{"constructor":1}', '(required)'],
    [
      'one line that does not fit',
      '/crm/orders',
      '{"amount":7,"lines":[{"sku":"A123"},{"sku":"x"}]}',
      'lines[].sku: pattern',
    ],
    ['nothing', '/crm/orders', '', 'createOrder'],
    ['something where nothing is taken', '/crm/ping', '{}', 'ping'],
  ])('with %s is refused, and nothing of it is said', async (_, url, body, place) => {
    const reply = await post(url, body)
    expect(JSON.parse(reply.body)).toMatchObject({
      status: 400,
      code: 'SCHEMA_MISMATCH',
      detail: expect.stringContaining(place),
    })
    expect(api.seen).toEqual([])
    expect(path.recorder.of('denied')[0]).toMatchObject({ code: 'SCHEMA_MISMATCH' })
    expect(JSON.stringify([reply.body, path.recorder.entries])).not.toContain('olga')
    expect(path.control.requests).toEqual([])
  })
  it.each<[string, string, Record<string, string>, number]>([
    ['a name twice (R-4.8)', '{"amount":7,"amount":700}', { 'content-type': 'application/json' }, 400],
    ['a depth bomb', '['.repeat(100_000), { 'content-type': 'application/json' }, 400],
    ['a form', 'amount=7', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['no type', '{"amount":7}', {}, 415],
    ['another charset', '{"amount":7}', { 'content-type': 'application/json; charset=utf-16' }, 415],
  ])('with %s is refused', async (_, body, headers, status) => {
    expect((await post('/crm/orders', body, headers)).status).toBe(status)
    expect(api.seen).toEqual([])
  })
})

describe('a query', () => {
  it.each<[string, number]>([
    ['?page=2', 200],
    ['?page=2&all=true&id=7', 200],
    ['?page=2&id=7&id=8', 200],
    ['', 400],
    ['?page=0', 400],
    ['?page=x', 400],
    ['?page=1&page=2', 400],
    ['?page=1&admin=1', 400],
    ['?page=1&id=7&id=x', 400],
  ])('%s: %i', async (query, status) => {
    expect((await send(`/crm/orders${query}`)).status).toBe(status)
    expect(api.seen.map(({ url }) => url)).toEqual(status === 200 ? [`/orders${query}`] : [])
  })
})

it('a route that the list does not have is refused before anything is looked at (R-4.5)', async () => {
  expect(JSON.parse((await post('/crm/other', '{}')).body)).toMatchObject({ status: 403, code: 'POLICY_UNCOVERED' })
  expect(api.seen).toEqual([])
})
