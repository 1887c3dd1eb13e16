// Decisions on HTTP requests: routes and conditions, each with what must not pass (DESIGN §4, THREATS ).
import { describe, expect, it } from 'vitest'
import { decide } from './decide.ts'
import { type HttpRequestFacts, requestFacts } from './http.ts'
import { compilePattern, patternProblem } from './match.ts'
import { chain, compileDocuments, context, documentsOf } from './testing.ts'

const request = (method: string, path: string, more: Partial<HttpRequestFacts> = {}): HttpRequestFacts => ({
  method,
  path,
  query: new Map(),
  headers: new Map(),
  contentLength: null,
  ...more,
})

describe('a route', () => {
  it.each([
    ['/v1/orders', '/v1/orders', true],
    ['/v1/orders', '/v1/orders/', true],
    ['/v1/orders', '/v1/orders/7', false],
    ['/v1/orders', '/v1/Orders', false],
    ['/v1/orders/*', '/v1/orders/7', true],
    ['/v1/orders/*', '/v1/orders', false],
    ['/v1/orders/*', '/v1/orders/7/lines', false],
    ['/v1/**', '/v1/orders/7/lines', true],
    ['/v1/**', '/v1', true],
    ['/v1/**', '/v10/orders', false],
    ['/**', '/', true],
    ['/', '/', true],
    ['/', '/v1', false],
    ['/v1/orders-*', '/v1/orders-2024', true],
    ['**', '/v1', true],
    ['*.*', '/v1.5/a.b', false],
    ['public.*', '/public.orders', false],
    ['/public.*', 'public.orders', false],
  ])('%s of an allow rule and %s: %s', (pattern, name, matches) => {
    expect(compilePattern(pattern, 'no-match')(name)).toBe(matches)
  })

  it('of a deny rule is read as the most careless server would', () => {
    const denies = compilePattern('/Admin/*', 'match')
    for (const path of ['/admin/users', '/ADMIN/users', '/admin/users/']) expect(denies(path), path).toBe(true)
    expect(denies('/adminer/users')).toBe(false)
  })

  it.each([
    ['/v1/orders?x=1', 'query'],
    ['/v1//orders', 'empty segment'],
    ['/v1/**/lines', 'at the end'],
    ['/v1/a**', 'segment of its own'],
    ['/v1/../x', 'dot segment'],
    ['/v1/größe', 'percent-encoded'],
    ['/v1/%7Eann/*', 'write "/v1/~ann/*"'],
    ['/v1/gr%c3%b6%c3%9fe', 'write "/v1/gr%C3%B6%C3%9Fe"'],
    ['/v1/[x]', 'write "/v1/%5Bx%5D"'],
    ['/v1/100%', 'percent sign'],
  ])('%s can match nothing, and says why', (pattern, why) => {
    expect(patternProblem(pattern, 'object')).toContain(why)
  })

  it.each(['/', '/v1/', '/v1/orders/*/lines', '/**', '/v1/%C3%A9'])('%s is sound', (pattern) => {
    expect(patternProblem(pattern, 'object')).toBeNull()
  })
})

describe('a request', () => {
  const policies = compileDocuments(
    documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules:
    - { name: read, effect: allow, callers: { any: true }, operations: [http.GET], objects: ["/v1/**"] }
    - name: write-small
      effect: allow
      callers: { any: true }
      operations: [http.POST]
      objects: ["/v1/orders"]
      when: http.contentLength >= 0 && http.contentLength < 1000
    - { name: no-admin, effect: deny, objects: ["/v1/admin/**"] }
    - name: one-region
      effect: deny
      operations: [http.GET]
      objects: ["/v1/reports"]
      when: '!("region" in http.query) || !http.query.region.all(r, r == "eu")'
`),
  )
  const decided = (facts: HttpRequestFacts) => {
    return decide(policies, requestFacts(facts, ''), context(chain('ann'), { http: facts })).kind
  }
  it.each([
    ['a permitted read', request('GET', '/v1/orders/7'), 'allow'],
    ['another method', request('DELETE', '/v1/orders/7'), 'deny'],
    ['HEAD, which no rule names', request('HEAD', '/v1/orders/7'), 'deny'],
    ['another path', request('GET', '/v2/orders'), 'deny'],
    ['what a deny rule names', request('GET', '/v1/admin/users'), 'deny'],
    ['the same in another case', request('GET', '/v1/Admin/users'), 'deny'],
    ['a small body', request('POST', '/v1/orders', { contentLength: 10 }), 'allow'],
    ['a large body', request('POST', '/v1/orders', { contentLength: 1_000 }), 'deny'],
    ['a body of unknown length', request('POST', '/v1/orders'), 'deny'],
    ['the right query', request('GET', '/v1/reports', { query: new Map([['region', ['eu']]]) }), 'allow'],
    ['a second value (R-4.5)', request('GET', '/v1/reports', { query: new Map([['region', ['eu', 'us']]]) }), 'deny'],
    ['no value', request('GET', '/v1/reports'), 'deny'],
  ])('%s: %s → %s', (_, facts, expected) => {
    expect(decided(facts)).toBe(expected)
  })
})

it('facts of one method, path and route are remembered together, whatever the text, and of others apart', () => {
  const first = requestFacts(request('GET', '/v1/a'), 'GET /v1/a?x=1')
  const again = requestFacts(request('GET', '/v1/a'), 'GET /v1/a')
  expect(again.shape).toBe(first.shape)
  expect([first.text, again.text]).toEqual(['GET /v1/a?x=1', 'GET /v1/a'])
  const named = requestFacts(request('GET', '/v1/a'), '', { kind: 'named', name: 'listA' })
  expect(named.effects[0]?.parents).toEqual(['route:listA'])
  expect(first.effects[0]?.parents).toEqual([])
  expect(requestFacts(request('PUT', '/v1/a'), '').effects[0]?.operation).toBe('http.PUT')
  expect(requestFacts(request('GET', '/v1/a\nlistA'), '').shape).not.toBe(named.shape)
})
