// Conditions on the bodies of HTTP requests, and what may not leave in them.
import { describe, expect, it } from 'vitest'
import { decide, outwardFor } from './decide.ts'
import { type BodyFacts, type HttpRequestFacts, requestFacts } from './http.ts'
import { parseDocuments } from './parse.ts'
import { chain, compileDocuments, context, documentsOf } from './testing.ts'

const policy = (spec: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
${spec}
`
const decided = (when: string, body: BodyFacts, headers: ReadonlyMap<string, readonly string[]> = new Map()) => {
  const rules = `  rules: [{ name: one, effect: allow, callers: { any: true }, when: '${when}' }]`
  const policies = compileDocuments(documentsOf(policy(rules)))
  const request: HttpRequestFacts = { method: 'POST', path: '/x', query: new Map(), headers, contentLength: 1, body }
  const decision = decide(policies, requestFacts(request, ''), context(chain('ann'), { http: request }))
  return decision.kind === 'deny' ? decision.code : decision.kind
}
const json = (value: unknown): BodyFacts => ({ kind: 'json', value })

describe('a condition', () => {
  it.each<[string, BodyFacts, string]>([
    ['http.body.amount < 100', json(new Map([['amount', 7n]])), 'allow'],
    ['http.body.amount < 100', json(new Map([['amount', 7.5]])), 'allow'],
    ['http.body.amount < 100', json(new Map([['amount', 700n]])), 'POLICY_UNCOVERED'],
    ['http.body.amount < 100', json(new Map([['amount', '7']])), 'POLICY_ERROR'],
    ['http.body.amount < 100', json(new Map()), 'POLICY_ERROR'],
    ['!has(http.body.note)', json(new Map()), 'allow'],
    ['http.body.a.b == null', json(new Map([['a', new Map([['b', null]])]])), 'allow'],
    ['http.body.__proto__ == 1', json(new Map()), 'POLICY_ERROR'],
    ['http.body.size == 0', json(new Map()), 'POLICY_ERROR'],
    ['http.body.amount < 100', { kind: 'other' }, 'POLICY_ERROR'],
    ['http.form.a.all(v, v == "x")', { kind: 'form', values: new Map([['a', ['x', 'x']]]) }, 'allow'],
    ['http.form.a.all(v, v == "x")', { kind: 'form', values: new Map([['a', ['x', 'y']]]) }, 'POLICY_UNCOVERED'],
    ['http.form.a.all(v, v == "x")', json('x'), 'POLICY_ERROR'],
    ['http.contentType == "application/json"', { kind: 'other' }, 'allow'],
  ])('%s of %j: %s', (when, body, expected) => {
    const headers = new Map([['content-type', ['Application/JSON; charset=utf-8']]])
    expect(decided(when, body, headers)).toBe(expected)
  })
  it('says that it wants the body, and denies until it has it', () => {
    let asked = 0
    const body: BodyFacts = { kind: 'unread', onAsked: () => (asked += 1) }
    expect(decided('http.body.a == 1', body)).toBe('POLICY_ERROR')
    expect(asked).toBe(1)
    expect(decided('http.method == "POST" || http.body.a == 1', body)).toBe('allow')
    expect(asked).toBe(1)
  })
})

describe('what may not leave', () => {
  const outward = `  rules: [{ name: all, effect: allow, callers: { any: true } }]
  outward:
    - { name: keys, detect: [aws-key], routes: ["/v1/**"] }
    - { name: mails, detect: [email], unless: { groups: [support] } }`
  const names = (path: string, who = chain('ann')) =>
    outwardFor(compileDocuments(documentsOf(policy(outward))), who, path).map(({ name }) => name)
  it('is said by routes and callers', () => {
    expect(names('/v1/x')).toEqual(['keys', 'mails'])
    expect(names('/v2/x')).toEqual(['mails'])
    expect(names('/V1/x', chain('ann in support'))).toEqual(['keys'])
    expect(names('/v1/x', chain('claimed ann in support', 'job workload'))).toEqual(['keys', 'mails'])
  })
  it.each([
    ['a name that is used twice', '- { name: all, detect: [email] }', 'used twice'],
    ['a route that is none', '- { name: a, detect: [email], routes: ["x"] }', 'is no route'],
    ['nobody in unless', '- { name: a, detect: [email], unless: {} }', 'names nobody'],
  ])('with %s is refused', (_, rule, message) => {
    const text = policy(
      `  rules: [{ name: all, effect: allow, callers: { any: true } }]\n  outward: [${rule.slice(2)}]`,
    )
    expect(
      parseDocuments(text)
        .problems.map((one) => one.message)
        .join(),
    ).toContain(message)
  })
  it('is a part of the digest, so that a verdict is bound to it', () => {
    const digest = (text: string) => compileDocuments(documentsOf(policy(text))).digest
    expect(digest(outward)).not.toBe(digest(outward.replace('[aws-key]', '[jwt]')))
  })
})
