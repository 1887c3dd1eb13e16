// Masks of what HTTP APIs answer: which members are hidden from whom, by routes of their own and by labels.
import { describe, expect, it } from 'vitest'
import { answerMaskingFor } from './decide.ts'
import { parseDocuments } from './parse.ts'
import { chain, compileDocuments, documentsOf } from './testing.ts'

const policy = (masks: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
  masks:
${masks}
`
const label = `
---
apiVersion: sallyport.dev/v1
kind: Label
metadata: { name: pii.email }
spec:
  columns: [{ pattern: "*.*.email" }]
  fields:
    - { routes: ["/v1/people/*"], path: $.email }
    - { routes: ["/v1/staff"], path: [$.mail, $.list.mail], targets: [elsewhere] }
`
const masking = (masks: string, path: string, who = chain('ann'), more = '') =>
  answerMaskingFor(compileDocuments(documentsOf(policy(masks) + more)), who, path)
const problems = (text: string) => parseDocuments(text).problems.map(({ message }) => message)

describe('a mask of routes', () => {
  const email =
    '    - { name: mail, routes: ["/v1/people/*"], path: $.email, method: email, unless: { groups: [pii] } }'
  it('hides a member on its routes alone', () => {
    expect(masking(email, '/v1/people/7')).toMatchObject({
      parts: [{ path: ['email'], method: 'email' }],
      detection: null,
      rules: ['api/mail'],
    })
    expect(masking(email, '/v1/orders')).toBeNull()
  })
  it('does not mind capitals and a slash at the end, since servers may not (R-4.5)', () => {
    for (const path of ['/V1/People/7', '/v1/people/7/']) expect(masking(email, path)).not.toBeNull()
  })
  it('is lifted for whom it says, and only where every verified principal is one of them', () => {
    expect(masking(email, '/v1/people/7', chain('ann in pii'))).toBeNull()
    expect(masking(email, '/v1/people/7', chain('ann in pii', 'job workload'))).not.toBeNull()
    expect(masking(email, '/v1/people/7', chain('claimed ann in pii', 'job workload'))).not.toBeNull()
  })
  it('of columns says nothing about an API', () => {
    expect(masking('    - { columns: ["public.people.email"], method: redact }', '/v1/people/7')).toBeNull()
  })
  it('by a label hides its fields on this target', () => {
    const byLabel = '    - { label: pii.email, method: redact }'
    expect(masking(byLabel, '/v1/people/7', undefined, label)?.parts).toEqual([{ path: ['email'], method: 'redact' }])
    expect(masking(byLabel, '/v1/staff', undefined, label)).toBeNull()
  })
  it('of detectors counts everywhere, or on its routes alone', () => {
    const everywhere = '    - { detect: [email], method: redact }'
    const there = '    - { detect: [card], routes: ["/v1/pay/**"] }'
    expect(masking(everywhere, '/x')?.detection?.kinds).toEqual(new Set(['email']))
    expect(masking(there, '/x')).toBeNull()
    expect(masking(`${everywhere}\n${there}`, '/v1/pay/1')?.detection?.kinds).toEqual(new Set(['email', 'card']))
  })
  it('is the same object for the same masks', () => {
    const policies = compileDocuments(documentsOf(policy(email)))
    expect(answerMaskingFor(policies, chain('ann'), '/v1/people/1')).toBe(
      answerMaskingFor(policies, chain('bob'), '/v1/people/2'),
    )
  })
})

describe('what is refused when it is saved', () => {
  it.each([
    ['no path', '    - { routes: ["/v1/x"], method: redact }', 'needs a path'],
    ['no route', '    - { routes: ["public.x"], path: $.a, method: redact }', 'is no route'],
    ['a route that matches nothing', '    - { routes: ["/v1//x"], path: $.a, method: redact }', 'empty segment'],
    ['columns beside routes', '    - { routes: ["/x"], columns: ["a.b.c"], path: $.a, method: redact }', 'not several'],
    ['predicates', '    - { routes: ["/x"], path: $.a, method: redact, predicates: any }', 'are about columns'],
    ['a path that is none', '    - { routes: ["/x"], path: $..a, method: redact }', 'no step of a path'],
    ['routes of detectors', '    - { detect: [email], routes: ["x"] }', 'is no route'],
  ])('%s', (_, masks, message) => {
    expect(problems(policy(masks)).join()).toContain(message)
  })
  it('a label that names nothing', () => {
    expect(
      problems('apiVersion: sallyport.dev/v1\nkind: Label\nmetadata: { name: empty }\nspec: {}\n').join(),
    ).toContain('names nothing')
  })
  it('a label of an API alone is sound', () => {
    expect(problems(label.replace(/\n {2}columns.*/, ''))).toEqual([])
  })
})
