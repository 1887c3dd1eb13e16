// What requests and statements cost, and which limits on cost are none.
import { describe, expect, it } from 'vitest'
import { compileWeights, costOf } from './costs.ts'
import { limitsFor, sharedTerms } from './decide.ts'
import { requestFacts } from './http.ts'
import { parseDocuments } from './parse.ts'
import { chain, compileDocuments, documentsOf, facts, testTarget } from './testing.ts'

const post = (path: string) =>
  requestFacts({ method: 'POST', path, query: new Map(), headers: new Map(), contentLength: null }, '')
const policy = (limit: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
  limits: [${limit}]
`

describe('a request', () => {
  const weights = compileWeights([
    { objects: ['/v1/chat/**'], units: 5, answer: '$.usage.total_tokens' },
    { objects: ['/v1/**'], units: 2 },
    { objects: ['/free'], units: 0 },
  ])
  it.each<[string, number, number]>([
    ['/v1/chat/x', 5, 1],
    ['/V1/Chat/x', 5, 1],
    ['/v1/other', 2, 0],
    ['/free', 0, 0],
    ['/else', 1, 0],
  ])('to %s costs %i units', (path, units, sources) => {
    const cost = costOf(weights, post(path))
    expect(cost.units).toBe(units)
    expect(cost.sources).toHaveLength(sources)
    expect(costOf([...weights].reverse(), post(path)).units).toBe(units)
  })
  it('is a statement as well', () => {
    const large = compileWeights([{ objects: ['public.events'], units: 50 }])
    expect(costOf(large, facts(['select public.events'])).units).toBe(50)
    expect(costOf(large, facts(['derived select public.events'])).units).toBe(50)
    expect(costOf(large, facts(['select public.orders'])).units).toBe(1)
  })
})

describe('a limit', () => {
  it.each([
    ['{ per: initiator, cost: 10 }', 'needs a time'],
    ['{ per: statement, cost: 10 }', 'over time'],
    ['{ per: initiator, requests: 5, every: 1h, weights: [{ units: 2 }] }', 'give cost'],
    ['{ per: initiator, cost: 5, every: 1h, weights: [{ answer: $.a, field: x-a }] }', 'one of them'],
    ['{ per: initiator, cost: 5, every: 1h, weights: [{ objects: ["public.a"], answer: $.a }] }', 'write routes'],
    ['{ per: initiator, cost: 5, every: 1h, weights: [{ answer: "$.a[7]" }] }', 'no step of a path'],
    ['{ per: initiator, cost: 5, every: 1h, weights: [{ objects: ["a b.c.d"] }] }', 'matches nothing'],
  ])('%s is refused when it is saved', (limit, message) => {
    const { problems } = parseDocuments(policy(limit))
    expect(problems.map((one) => one.message).join()).toContain(message)
  })
  it('of several agents lends by the terms of the policy, and by nothing that a name makes up', () => {
    const target = { ...testTarget, spec: { ...testTarget.spec, agents: ['agent-1', 'agent-2'] } }
    const compiled = compileDocuments([
      target,
      ...documentsOf(policy('{ name: pace, per: initiator, cost: 100, requests: 9, every: 1m }')),
    ])
    const [applied] = limitsFor(compiled, facts(['select public.a']), chain('ann'), { relations: [] } as never)
    const [budget = ''] = applied?.budgets ?? []
    expect(sharedTerms(compiled, `${budget}\u0000cost`)).toEqual({ share: 50, everyMs: 60_000 })
    expect(sharedTerms(compiled, `${budget}\u0000requests`)).toEqual({ share: 4, everyMs: 60_000 })
    for (const other of ['rows', '__proto__', 'everyMs', 'x\u0000cost', ''])
      expect(sharedTerms(compiled, `${budget}\u0000${other}`)).toBeNull()
    expect(sharedTerms(compiled, 'api\u0000other\u0000shop\u0000initiator\u0000ann\u0000cost')).toBeNull()
  })
})
