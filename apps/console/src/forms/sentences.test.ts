// Rules and masks as sentences, and documents read leniently.
import { describe, expect, it } from 'vitest'
import { policyOf, selectorText, selects, targetOf } from './documents.ts'
import { maskSentence, plainText, ruleSentence } from './sentences.ts'

const policy = (spec: Record<string, unknown>) => {
  const read = policyOf({ metadata: { name: 'p' }, spec })
  if (read === null) throw new Error('the policy of the test cannot be read')
  return read
}
const rule = (fields: Record<string, unknown>) => {
  const [only] = policy({ targets: {}, rules: [{ name: 'r', ...fields }] }).spec.rules.items
  return plainText(ruleSentence(only!))
}
const mask = (fields: Record<string, unknown>) => {
  const [only] = policy({ targets: {}, masks: [fields] }).spec.masks.items
  return plainText(maskSentence(only!))
}

describe('a rule as a sentence', () => {
  it.each([
    [
      { effect: 'allow', callers: { groups: ['eng'] }, operations: ['select'], objects: ['public.*'] },
      'Members of eng may select on public.*.',
    ],
    [
      { effect: 'allow', callers: { groups: ['a', 'b'], kinds: ['workload'] }, operations: ['select', 'insert'] },
      'Workloads in a or b may select or insert anything.',
    ],
    [{ effect: 'allow', callers: { any: true } }, 'Anyone may do anything.'],
    [
      { effect: 'allow', callers: { principals: [{ issuer: 'https://i', subject: 'job' }] }, objects: ['a.b'] },
      'job of https://i may do anything on a.b.',
    ],
    [
      { effect: 'allow', callers: { kinds: ['user'] }, operations: ['select'], when: 'now.getHours("UTC") < 20' },
      'People may select anything, but only when now.getHours("UTC") < 20.',
    ],
    [
      { effect: 'deny', operations: ['update', 'delete'], when: '!statement.filtered' },
      'Nobody may update or delete anything when !statement.filtered.',
    ],
    [
      { effect: 'deny', callers: { groups: ['eng'] }, operations: ['drop'], mode: 'shadow' },
      'Members of eng may not drop anything. Shadow: only recorded, not enforced.',
    ],
    [
      {
        effect: 'hold',
        callers: { groups: ['eng'] },
        operations: ['delete'],
        objects: ['public.orders'],
        approval: { reviewers: [{ group: 'dba', count: 2 }, { group: 'owners' }], reason: 'required' },
      },
      'Members of eng may delete on public.orders, once 2 of dba and one of owners approved it with a reason within 15m.',
    ],
    [
      {
        effect: 'grant',
        callers: { groups: ['eng'] },
        operations: ['update'],
        objects: ['public.orders'],
        during: [{ days: ['mon', 'fri'], from: '08:00', to: '20:00', zone: 'UTC' }],
        approval: { reviewers: [{ group: 'dba' }], expires: '24h' },
        longest: '4h',
      },
      'Members of eng may ask for up to 4h in which they may update on public.orders, only mon, fri 08:00–20:00 (UTC), once one of dba approved it within 24h.',
    ],
    [
      { effect: 'deny', callers: { any: true, groups: ['eng'] }, operations: ['drop'] },
      'Members of eng may not drop anything.',
    ],
    [{ effect: 'mirror', callers: { any: true } }, 'Anyone: mirror do anything.'],
  ])('%#', (fields, sentence) => {
    expect(rule(fields)).toBe(sentence)
  })
})

describe('a mask as a sentence', () => {
  it.each([
    [
      { columns: ['public.c.ssn'], method: { partial: { keepLast: 4 } }, unless: { groups: ['pii'] } },
      'public.c.ssn shows the last 4 characters alone, but not to pii; it cannot be filtered or sorted by.',
    ],
    [
      { label: 'pii.email', method: 'email', predicates: 'equality' },
      'Columns with the label pii.email show ***@ and the domain to everyone; they can be compared with one value at a time.',
    ],
    [
      { columns: ['public.c.profile'], path: '$.contact.email', method: 'email' },
      '$.contact.email in public.c.profile shows ***@ and the domain to everyone; it cannot be filtered or sorted by.',
    ],
    [
      { columns: ['public.c.ssn', 'public.c.iban'], order: 'shown' },
      'public.c.ssn and public.c.iban show [redacted] to everyone; they cannot be filtered or sorted by; rows may come in the order of their values.',
    ],
    [{ detect: ['email', 'jwt'] }, 'Whatever looks like email or jwt shows [redacted] to everyone.'],
  ])('%#', (fields, sentence) => {
    expect(mask(fields)).toBe(sentence)
  })
})

describe('documents are read leniently', () => {
  it('a rule that cannot be read is counted, not hidden', () => {
    const read = policy({ targets: { any: true }, rules: [{ name: 'a', effect: 'deny' }, { title: 'b' }] })
    expect(read.spec.rules.items).toHaveLength(1)
    expect(read.spec.rules.unread).toBe(1)
  })

  it('a target of an unknown protocol is still shown', () => {
    expect(targetOf({ metadata: { name: 't' }, spec: { protocol: 'mongo', extra: 1 } })?.spec.protocol).toBe('mongo')
  })

  it('an empty selector names no target', () => {
    const target = targetOf({ metadata: { name: 't', labels: { env: 'prod' } }, spec: {} })!
    expect(selects(policy({ targets: {} }), target)).toBe(false)
    expect(selects(policy({ targets: { labels: { env: 'prod' } } }), target)).toBe(true)
    expect(selects(policy({ targets: { labels: { env: 'dev' } } }), target)).toBe(false)
    expect(selectorText({ labels: { env: 'prod', data: 'pii' } })).toBe('labels env: prod, data: pii')
    expect(selectorText({})).toBe('no target')
  })
})
