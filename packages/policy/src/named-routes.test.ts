// Routes by name: which one a request has, where it has none, and what rules, masks and limits make of it (THREATS ).
import { describe, expect, it } from 'vitest'
import { answerMaskingFor, decide, outwardFor, routeOf } from './decide.ts'
import { type HttpRequestFacts, requestFacts } from './http.ts'
import { compileNamedRoutes, templateProblem } from './named-routes.ts'
import { routesOfOpenapi } from './openapi.ts'
import { parseDocuments } from './parse.ts'
import { chain, compileDocuments, context, documentsOf } from './testing.ts'

const find = compileNamedRoutes({
  unknown: 'deny',
  list: [
    { name: 'root', methods: ['GET'], path: '/' },
    { name: 'list', methods: ['GET', 'HEAD'], path: '/v1/orders' },
    { name: 'one', methods: ['GET'], path: '/v1/orders/{id}' },
    { name: 'mine', methods: ['GET'], path: '/v1/orders/mine' },
    { name: 'file', methods: ['GET'], path: '/v1/orders/{id}.json' },
    { name: 'left', methods: ['GET'], path: '/v2/{a}x' },
    { name: 'right', methods: ['GET'], path: '/v2/x{b}' },
  ],
})

describe('a request', () => {
  it.each([
    ['GET', '/', 'root'],
    ['GET', '/v1/orders', 'list'],
    ['GET', '/v1/orders/', 'list'],
    ['HEAD', '/v1/orders', 'list'],
    ['GET', '/v1/orders/7', 'one'],
    ['GET', '/v1/orders/mine', 'mine'],
    ['GET', '/v1/orders/7.json', 'file'],
    ['GET', '/v1/orders/%7Bid%7D', 'one'],
    ['POST', '/v1/orders', 'unknown'],
    ['GET', '/v1/orders/7/lines', 'unknown'],
    ['GET', '/v1/Orders/7', 'unclear'],
    ['GET', '/v1/orders/MINE', 'unclear'],
    ['GET', '/v1/orders/7.JSON', 'unclear'],
    ['GET', '/v2/xx', 'unclear'],
    ['GET', '/v2/ax', 'left'],
  ])('%s %s: %s', (method, path, expected) => {
    const found = find(method, path)
    expect(found.kind === 'named' ? found.name : found.kind).toBe(expected)
  })
})

it.each(['v1', '/%7Ea', '/a/{b}%2c', '/a%', '/a?b', '/a*', '/{a', '/{a/b}', '/a//b', '/a/../b', '/größe'])(
  '%s is no path of a list',
  (path) => {
    expect(templateProblem(path)).not.toBeNull()
  },
)

const target = (unknown: string) => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm }
spec:
  protocol: http
  agents: [a]
  url: https://crm.example
  credential: none
  routes:
    unknown: ${unknown}
    list:
      - { name: listOrders, methods: [GET], path: /v1/orders }
      - { name: getOrder, methods: [GET], path: "/v1/orders/{id}" }
      - { name: getSecret, methods: [GET], path: /v1/orders/secret }
`
const policy = `
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: read, effect: allow, callers: { any: true }, objects: ["route:*Order*", "/open/**"] }
    - { name: closed, effect: deny, objects: ["route:getSecret"] }
  masks: [{ routes: ["route:getOrder"], path: $.email, method: redact }]
  outward: [{ name: keys, detect: [jwt], routes: ["route:getOrder"] }]
`
describe('a rule', () => {
  const policies = compileDocuments(documentsOf(target('deny') + policy))
  const decided = (path: string) => {
    const request: HttpRequestFacts = { method: 'GET', path, query: new Map(), headers: new Map(), contentLength: 0 }
    const facts = requestFacts(request, '', routeOf(policies, 'GET', path))
    return decide(policies, facts, context(chain('ann'), { http: request })).kind
  }
  it.each([
    ['/v1/orders', 'allow'],
    ['/v1/orders/7', 'allow'],
    ['/v1/orders/secret', 'deny'],
    ['/v1/other', 'deny'],
    ['/open/x', 'allow'],
  ])('by name decides on %s: %s', (path, kind) => expect(decided(path)).toBe(kind))
  it('masks and stops by name', () => {
    const route = (path: string) => routeOf(policies, 'GET', path)
    expect(answerMaskingFor(policies, chain('ann'), '/v1/orders/7', route('/v1/orders/7'))?.parts).toHaveLength(1)
    expect(answerMaskingFor(policies, chain('ann'), '/v1/orders', route('/v1/orders'))).toBeNull()
    expect(outwardFor(policies, chain('ann'), '/v1/orders/7', route('/v1/orders/7'))).toHaveLength(1)
    expect(outwardFor(policies, chain('ann'), '/v1/orders', route('/v1/orders'))).toEqual([])
  })
  it('says whether what is not listed is refused', () => {
    expect(routeOf(policies, 'GET', '/x')).toEqual({ kind: 'refused' })
    expect(routeOf(policies, 'GET', '/v1/ORDERS')).toEqual({ kind: 'refused' })
    const open = compileDocuments(documentsOf(target('allow') + policy))
    expect(routeOf(open, 'GET', '/x')).toEqual({ kind: 'none' })
    // What is spelled otherwise is refused all the same: rules by name would not see it.
    expect(routeOf(open, 'GET', '/v1/ORDERS')).toEqual({ kind: 'refused' })
    expect(routeOf(open, 'GET', '/v1/orders')).toEqual({ kind: 'named', name: 'listOrders' })
  })
  it('is bound to the list: another one is another digest', () => {
    const digest = (text: string) => compileDocuments(documentsOf(text + policy)).digest
    expect(digest(target('deny'))).not.toBe(digest(target('allow')))
  })
})

it.each([
  ['a name twice', '{ name: a, methods: [GET], path: /a }, { name: a, methods: [GET], path: /b }', 'is given twice'],
  [
    'one route twice',
    '{ name: a, methods: [GET], path: "/{x}" }, { name: b, methods: [GET], path: "/{y}" }',
    'same as',
  ],
  ['a path that is none', '{ name: a, methods: [GET], path: "/a?b" }', 'holds a query'],
])('%s is refused', (_, list, message) => {
  const text = target('deny').replace(/list:[\s\S]*$/, `list: [${list}]\n`)
  expect(
    parseDocuments(text)
      .problems.map((one) => one.message)
      .join(),
  ).toContain(message)
})

describe('an OpenAPI description', () => {
  it('gives routes with their names', () => {
    const { routes, problems } = routesOfOpenapi({
      openapi: '3.1.0',
      paths: {
        '/v1/orders': { get: { operationId: 'listOrders' }, post: {}, parameters: [] },
        '/v1/orders/{id}': { get: { operationId: 'get order' }, delete: { operationId: 'listOrders' } },
        '/v1/orders/{order}': { get: { operationId: 'again' } },
        '/v1/x?y': { get: {} },
      },
    })
    expect(routes).toEqual([
      { name: 'listOrders', methods: ['GET'], path: '/v1/orders' },
      { name: 'post-v1-orders', methods: ['POST'], path: '/v1/orders' },
      { name: 'get-order', methods: ['GET'], path: '/v1/orders/{id}' },
      { name: 'listOrders-2', methods: ['DELETE'], path: '/v1/orders/{id}' },
    ])
    expect(problems).toHaveLength(2)
  })
  it.each([null, [], 'x', {}, { paths: [] }])('is not %j', (value) => {
    expect(routesOfOpenapi(value).problems).toHaveLength(1)
  })
})
