// The corpora of testdata/decide: each family in both orders of its documents and rules, each case with its reason.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { admits, decide } from './decide.ts'
import type { Document } from './document.ts'
import { parseFloor } from './parse.ts'
import { chain, compileDocuments, context, documentsOf, facts, testNowMs } from './testing.ts'

const folder = new URL('../testdata/decide/', import.meta.url)

const Case = z.strictObject({
  name: z.string(),
  chain: z.array(z.string()).min(1),
  effects: z.array(z.string()),
  now: z.string().optional(),
  parameterCount: z.number().optional(),
  session: z.record(z.string(), z.unknown()).optional(),
  facts: z.record(z.string(), z.unknown()).optional(),
  expect: z.string(),
  rule: z.string().optional(),
  reason: z.union([z.string(), z.number()]).optional(),
  shadow: z.array(z.string()).optional(),
  approval: z.unknown().optional(),
})
type Case = z.infer<typeof Case>
const Family = z.strictObject({ documents: z.string(), floor: z.string().optional(), cases: z.array(Case).min(1) })

const backwards = (documents: readonly Document[]): Document[] =>
  documents
    .toReversed()
    .map((document) =>
      document.kind === 'Policy'
        ? { ...document, spec: { ...document.spec, rules: document.spec.rules.toReversed() } }
        : document,
    )

function decideCase(policies: ReturnType<typeof compileDocuments>, given: Case) {
  const [first = '', ...rest] = given.chain
  const base = context(chain(first, ...rest))
  return decide(policies, facts(given.effects, given.facts as object), {
    ...base,
    nowMs: given.now === undefined ? testNowMs : Date.parse(given.now),
    session: { ...base.session, ...(given.session as object) },
    parameters: Array.from({ length: given.parameterCount ?? 0 }, () => null),
  })
}

const files = readdirSync(folder).sort()

describe.each(files)('%s', (file) => {
  const family = Family.parse(parse(readFileSync(new URL(file, folder), 'utf8')))
  const documents = documentsOf(family.documents)
  const floor = family.floor === undefined ? null : parseFloor(family.floor).floor
  const policies = compileDocuments(documents, floor)
  const reversed = compileDocuments(backwards(documents), floor)

  it.each(family.cases.map((one) => [one.name, one] as const))('%s', (_, given) => {
    const decision = decideCase(policies, given)
    const outcome = decision.kind === 'deny' ? decision.code : decision.kind
    expect(outcome).toBe(given.expect)
    if (given.rule !== undefined) expect(`${decision.policy}/${decision.rule}`).toBe(given.rule)
    if (given.shadow !== undefined) {
      expect(decision.shadow.map(({ policy, rule }) => `${policy}/${rule}`)).toEqual(given.shadow)
    }
    if (given.approval !== undefined) expect(decision).toMatchObject({ approval: given.approval })
    expect(decideCase(reversed, given)).toEqual(decision)
  })

  it('gives one digest in both orders', () => {
    expect(reversed.digest).toBe(policies.digest)
  })
})

describe('messages', () => {
  const texts = files.flatMap((file) => {
    const family = Family.parse(parse(readFileSync(new URL(file, folder), 'utf8')))
    const floor = family.floor === undefined ? null : parseFloor(family.floor).floor
    const policies = compileDocuments(documentsOf(family.documents), floor)
    return family.cases.map((given) => ({ given, decision: decideCase(policies, given) }))
  })

  it('say what the corpora quote', () => {
    const quoted = texts.filter(({ given }) => typeof given.reason === 'string' && given.reason.includes('"'))
    expect(quoted.length).toBeGreaterThan(10)
    for (const { given, decision } of quoted) {
      const said =
        decision.kind === 'deny'
          ? `${decision.message}\n${decision.hint}`
          : decision.kind === 'hold'
            ? decision.message
            : ''
      expect(said).toContain(given.reason)
    }
  })

  it('of denials hold a next step', () => {
    for (const { decision } of texts) if (decision.kind === 'deny') expect(decision.hint).not.toBe('')
  })
})

describe('admits', () => {
  const policies = compileDocuments(
    documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: orders }
spec:
  targets: { any: true }
  rules:
    - { name: reads, effect: allow, callers: { groups: [engineering] }, operations: [select], when: now.getHours() == 3 }
    - { name: asks, effect: hold, callers: { kinds: [workload] }, approval: { reviewers: [{ group: dba }] } }
    - { name: no-interns, effect: deny, callers: { groups: [interns] } }
    - { name: trial, effect: allow, callers: { groups: [trial] }, mode: shadow }
`),
  )
  it.each([
    ['a principal that an allow rule names, whatever its condition', ['ann in engineering'], true],
    ['a principal that a hold rule names', ['api workload'], true],
    ['a chain of which each is named', ['ann in engineering', 'api workload'], true],
    ['a chain of which one is not', ['bob', 'api workload'], false],
    ['a principal that only a deny rule names', ['bob in interns'], false],
    ['a principal that only a shadow rule names', ['bob in trial'], false],
    ['a claimed principal behind a named one', ['claimed bob', 'api workload'], true],
    ['nobody verified', ['claimed ann in engineering'], false],
  ] as const)('%s', (_, [first, ...rest], ok) => {
    expect(admits(policies, chain(first, ...rest), 0).ok).toBe(ok)
  })
})

describe('a trace', () => {
  const policies = compileDocuments(
    documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: orders }
spec:
  targets: { any: true }
  rules:
    - { name: b-hours, effect: allow, callers: { any: true }, objects: ["public.orders"], when: now.getHours() == 3 }
    - { name: a-reads, effect: allow, callers: { groups: [engineering] }, operations: [select] }
    - { name: c-tried, effect: deny, objects: ["public.*"], mode: shadow }
`),
  )
  it('has one line a rule and principal, sorted, with what came of it', () => {
    const { trace } = decide(
      policies,
      facts(['select public.orders', 'baseline select pg_catalog.pg_class']),
      context(chain('ann in engineering', 'bob')),
    )
    expect(
      trace.map(({ rule, principal, outcome, object }) => [rule, principal.split(' ')[1], outcome, object]),
    ).toEqual([
      ['a-reads', 'ann', 'matched', 'select on "public.orders"'],
      ['a-reads', 'bob', 'not-matched', ''],
      ['b-hours', 'ann', 'condition-false', 'select on "public.orders"'],
      ['b-hours', 'bob', 'condition-false', 'select on "public.orders"'],
      ['c-tried', 'ann', 'shadow', 'select on "public.orders"'],
      ['c-tried', 'bob', 'shadow', 'select on "public.orders"'],
    ])
  })
})
