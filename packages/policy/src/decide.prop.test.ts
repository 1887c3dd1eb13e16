// What must hold over any rules and any statement: order never matters, deny only adds denials, allow never takes away.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide } from './decide.ts'
import type { PolicyDocument, Rule } from './document.ts'
import { chain, compileDocuments, context, facts } from './testing.ts'

const runs = { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 1_000 : 200 }

const callers = fc.constantFrom<NonNullable<Rule['callers']>>(
  { any: true },
  { groups: ['a'] },
  { groups: ['b'] },
  { kinds: ['workload'] },
  { groups: ['a'], kinds: ['user'] },
)
const scope = {
  operations: fc.option(fc.constantFrom(['select'], ['delete'], ['select', 'delete']), { nil: undefined }),
  objects: fc.option(fc.constantFrom(['s.x'], ['s.y'], ['s.*'], ['**'], ['t.p']), { nil: undefined }),
  when: fc.option(
    fc.constantFrom('statement.filtered', 'caller.kind == "user"', 'initiator.subject == "u"', 'caller.claims.z == 1'),
    {
      nil: undefined,
      freq: 3,
    },
  ),
  mode: fc.constantFrom('enforce', 'enforce', 'shadow'),
}
const approval = { reviewers: [{ group: 'dba', count: 1 }], expires: '15m', wait: '60s', reason: 'optional' } as const
const draft = fc.oneof(
  fc.record({ effect: fc.constant('allow'), callers, ...scope }),
  fc.record({ effect: fc.constant('hold'), callers, approval: fc.constant(approval), ...scope }),
  fc.record({ effect: fc.constant('deny'), callers: fc.option(callers, { nil: undefined }), ...scope }),
)
const policyOf = (name: string, drafts: readonly object[]): PolicyDocument => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'Policy',
  metadata: { name },
  spec: {
    targets: { any: true },
    rules: drafts.map((rule, index) => ({ name: `r${index}`, ...rule }) as Rule),
    masks: [],
    limits: [],
  },
})
const effectTexts = fc.constantFrom(
  'select s.x',
  'select s.y',
  'delete s.x',
  'derived delete s.y',
  'derived select s.y < t.p',
  'select t.c < t.p',
  'baseline select pg_catalog.pg_class',
)
const who = fc.constantFrom('u in a', 'u in b', 'u in a b', 'u', 'claimed u in a b')
const actor = fc.constantFrom('w workload in a', 'w workload in b', 'w workload', 'claimed w workload in a b')
const statement = fc.record({
  effects: fc.uniqueArray(effectTexts, { maxLength: 3 }),
  filtered: fc.boolean(),
  unknowns: fc.oneof({ arbitrary: fc.constant([]), weight: 6 }, { arbitrary: fc.constant(['X']), weight: 1 }),
  people: fc.tuple(who, fc.array(actor, { maxLength: 2 })),
})
type Statement = typeof statement extends fc.Arbitrary<infer T> ? T : never
const policies = fc.array(fc.array(draft, { maxLength: 4 }), { minLength: 1, maxLength: 3 })

const judgeOf = (documents: readonly PolicyDocument[], given: Statement) => {
  const [first, rest] = given.people
  const { effects, filtered, unknowns } = given
  return decide(compileDocuments(documents), facts(effects, { filtered, unknowns }), context(chain(first, ...rest)))
}
const rank = { allow: 0, hold: 1, deny: 2 } as const
const named = (lists: readonly (readonly object[])[]): PolicyDocument[] =>
  lists.map((rules, index) => policyOf(`p${index}`, rules))
const enforced = <T extends object>(rule: T): T => ({ ...rule, mode: 'enforce' })

describe('over any rules and any statement', () => {
  it('the order of rules and policies changes neither the decision nor its trace nor the digest', () => {
    fc.assert(
      fc.property(policies, statement, (lists, given) => {
        const documents = named(lists)
        const shuffled = documents
          .toReversed()
          .map((document) => ({ ...document, spec: { ...document.spec, rules: document.spec.rules.toReversed() } }))
        expect(judgeOf(shuffled, given)).toEqual(judgeOf(documents, given))
        expect(compileDocuments(shuffled).digest).toBe(compileDocuments(documents).digest)
      }),
      runs,
    )
  })

  it('a new deny rule never allows more', () => {
    fc.assert(
      fc.property(policies, draft, statement, (lists, extra, given) => {
        const before = judgeOf(named(lists), given)
        const after = judgeOf(
          [...named(lists), policyOf('q', [enforced({ ...extra, effect: 'deny', approval: undefined })])],
          given,
        )
        expect(rank[after.kind]).toBeGreaterThanOrEqual(rank[before.kind])
      }),
      runs,
    )
  })

  it('a new hold rule never turns a hold into an allow, nor a deny by a rule into anything else', () => {
    fc.assert(
      fc.property(policies, draft, statement, (lists, extra, given) => {
        const before = judgeOf(named(lists), given)
        const rule = enforced({ ...extra, effect: 'hold', callers: extra.callers ?? { any: true }, approval })
        const after = judgeOf([...named(lists), policyOf('q', [rule])], given)
        if (before.kind === 'hold') expect(after.kind).not.toBe('allow')
        if (before.kind === 'deny' && before.code === 'POLICY_DENIED')
          expect(after).toMatchObject({ code: 'POLICY_DENIED' })
      }),
      runs,
    )
  })

  it('a new allow rule without a condition never makes anything stricter', () => {
    fc.assert(
      fc.property(policies, draft, statement, (lists, extra, given) => {
        const before = judgeOf(named(lists), given)
        const rule = enforced({
          ...extra,
          effect: 'allow',
          callers: extra.callers ?? { any: true },
          approval: undefined,
          when: undefined,
        })
        const after = judgeOf([...named(lists), policyOf('q', [rule])], given)
        expect(rank[after.kind]).toBeLessThanOrEqual(rank[before.kind])
      }),
      runs,
    )
  })

  it('a shadow rule changes nothing, and is named exactly where enforcing it would change the kind', () => {
    fc.assert(
      fc.property(policies, draft, statement, (lists, extra, given) => {
        const plain = lists.map((rules) => rules.map(enforced))
        const without = judgeOf(named(plain), given)
        const shadowed = judgeOf([...named(plain), policyOf('q', [{ ...extra, mode: 'shadow' }])], given)
        const live = judgeOf([...named(plain), policyOf('q', [enforced(extra)])], given)
        if (without.kind === 'deny' && without.code === 'POLICY_MISSING') return
        expect(shadowed.kind).toBe(without.kind)
        expect(shadowed.shadow.length === 1).toBe(live.kind !== without.kind)
      }),
      runs,
    )
  })

  it('nothing is allowed that is unknown, uncovered or asked for by nobody verified', () => {
    fc.assert(
      fc.property(policies, statement, (lists, given) => {
        const decision = judgeOf(named(lists), given)
        if (decision.kind === 'deny') return
        const [first, rest] = given.people
        expect(given.unknowns).toEqual([])
        const verified = [first, ...rest].filter((text) => !text.startsWith('claimed'))
        expect(verified.length).toBeGreaterThan(0)
        const lets = lists.flat().filter((rule) => rule.effect !== 'deny' && rule.mode === 'enforce')
        for (const effect of given.effects) {
          if (effect.startsWith('derived') || effect.startsWith('baseline')) continue
          const operation = effect.split(' ')[0] ?? ''
          expect(
            lets.some((rule) => rule.operations === undefined || new Set<string>(rule.operations).has(operation)),
          ).toBe(true)
        }
        expect(lets.length).toBeGreaterThan(0)
      }),
      runs,
    )
  })

  it('taking a principal out of every group never allows more where no rule denies by group', () => {
    fc.assert(
      fc.property(policies, statement, (lists, given) => {
        const kept = lists.map((rules) => rules.filter((rule) => rule.effect === 'allow' && rule.when === undefined))
        const [first, rest] = given.people
        const stripped = first.startsWith('claimed') ? first : 'u'
        const before = judgeOf(named(kept), given)
        const after = judgeOf(named(kept), { ...given, people: [stripped, rest] })
        expect(rank[after.kind]).toBeGreaterThanOrEqual(rank[before.kind])
      }),
      runs,
    )
  })
})
