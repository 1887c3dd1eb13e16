// Rules that grant: they let nothing through until they are granted to somebody, and then for their time and as they were.
import { expect, test } from 'vitest'
import { admits, decide, isTimeless } from './decide.ts'
import type { Document } from './document.ts'
import { parseDocuments } from './parse.ts'
import { type LiveGrant, ruleText } from './rulebook.ts'
import { chain, compileDocuments, context, facts, testIssuer, testNowMs } from './testing.ts'

const yaml = (more = ''): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: on-call }
spec:
  targets: { any: true }
  rules:
    - name: repair
      effect: grant
      callers: { groups: [engineering] }
      operations: [update, delete]
      objects: ["public.orders"]
      approval: { reviewers: [{ group: dba, count: 1 }] }
      longest: 4h
${more}`
const parsed = (text: string): readonly Document[] => {
  const { documents, problems } = parseDocuments(text)
  expect(problems).toEqual([])
  return documents
}
const textIn = (documents: readonly Document[]): string => {
  const [policy] = documents
  const rule = policy?.kind === 'Policy' ? policy.spec.rules[0] : undefined
  if (rule === undefined) throw new Error('no rule')
  return ruleText(rule)
}
const documents = parsed(yaml())
const granted = (changes: Partial<LiveGrant> = {}): LiveGrant => ({
  policy: 'on-call',
  rule: 'repair',
  ruleText: textIn(documents),
  issuer: testIssuer,
  subject: 'ann',
  untilMs: testNowMs + 1,
  ...changes,
})
const ann = 'ann in engineering'
const decided = (
  grants: readonly LiveGrant[],
  who = ann,
  { wanted = 'update public.orders', policies = documents, nowMs = testNowMs } = {},
) => {
  const decision = decide(
    compileDocuments(policies, null, undefined, grants),
    facts([wanted]),
    context(chain(who), { nowMs }),
  )
  return decision.kind === 'deny' ? decision.code : `${decision.kind} ${decision.policy}/${decision.rule}`
}

test('R-6.3: what is granted is allowed by its rule, to whom it was granted, until its time is over', () => {
  expect(decided([granted()])).toBe('allow on-call/repair')
  expect(decided([granted()], ann, { nowMs: testNowMs + 1 })).toBe('POLICY_UNCOVERED')
  expect(decided([granted()], 'bob in engineering')).toBe('POLICY_UNCOVERED')
  expect(decided([granted()], `ann of https://other.example in engineering`)).toBe('POLICY_UNCOVERED')
  expect(decided([granted()], ann, { wanted: 'select public.orders' })).toBe('POLICY_UNCOVERED')
  expect(decided([granted()], ann, { wanted: 'derived update public.orders' })).toBe('allow /baseline')
})

test('nothing is allowed by what was not granted, nor to whoever has left the group, nor by a rule that was changed since', () => {
  expect(decided([])).toBe('POLICY_UNCOVERED')
  expect(decided([granted()], 'ann')).toBe('POLICY_UNCOVERED')
  expect(decided([granted({ rule: 'other' })])).toBe('POLICY_UNCOVERED')
  expect(decided([granted({ policy: 'other' })])).toBe('POLICY_UNCOVERED')
  const wider = parsed(yaml().replace('[update, delete]', '[update, delete, drop]'))
  expect(decided([granted()], ann, { policies: wider })).toBe('POLICY_UNCOVERED')
})

test('a denial and a hold beat it', () => {
  const denied = parsed(yaml('    - { name: never, effect: deny, operations: [update] }\n'))
  expect(decided([granted()], ann, { policies: denied })).toBe('POLICY_DENIED')
  const held = parsed(
    yaml(
      '    - { name: ask, effect: hold, callers: { any: true }, operations: [update], approval: { reviewers: [{ group: dba }] } }\n',
    ),
  )
  expect(decided([granted()], ann, { policies: held })).toBe('hold on-call/ask')
})

test('it opens the target for its time, the denial says how to ask, and no decision about it is kept', () => {
  const policies = compileDocuments(documents, null, undefined, [granted()])
  expect(admits(policies, chain(ann), testNowMs).ok).toBe(true)
  expect(admits(policies, chain(ann), testNowMs + 1).ok).toBe(false)
  expect(isTimeless(policies, facts(['update public.orders']))).toBe(false)
  const open = parsed(yaml('    - { name: read, effect: allow, callers: { any: true }, operations: [select] }\n'))
  const denied = decide(compileDocuments(open), facts(['update public.orders']), context(chain(ann)))
  expect(denied).toMatchObject({
    code: 'POLICY_UNCOVERED',
    hint: expect.stringMatching(/sallyport request \S+ on-call\/repair$/),
  })
  expect(denied.trace).toContainEqual(expect.objectContaining({ rule: 'repair', outcome: 'not-granted' }))
})

test.each([
  ['a shadow', 'mode: shadow', 'mode'],
  ['a wait', '', 'wait'],
  ['a longer time than a week', 'longest: 200h', '7 days'],
])('%s is refused', (_, line, word) => {
  const text =
    line === ''
      ? yaml().replace('[{ group: dba, count: 1 }] }', '[{ group: dba }], wait: 5s }')
      : yaml().replace('longest: 4h', line)
  expect(JSON.stringify(parseDocuments(text).problems)).toContain(word)
})
