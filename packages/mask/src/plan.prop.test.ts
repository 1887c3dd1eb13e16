// Over any lineage and any masks: a plan never passes an output that a protected column reaches.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type PlanInput, type ProtectedColumn, planMasks } from './plan.ts'
import type { MaskMethod } from './rule.ts'
import { compareMethods } from './strictest.ts'

const runs = { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 5_000 : 200 }

const ref = fc
  .record({ relationOid: fc.integer({ min: 1, max: 3 }), number: fc.integer({ min: 0, max: 3 }) })
  .map((at) => ({ ...at, name: `r${at.relationOid}.c${at.number}` }))
const refs = fc.array(ref, { maxLength: 3 })
const method = fc.constantFrom<MaskMethod>('null', 'redact', 'hash', 'year', 'email', { partial: { keepLast: 2 } })
const column: fc.Arbitrary<ProtectedColumn> = fc
  .tuple(ref, method, fc.constantFrom('none', 'equality', 'any'), fc.constantFrom('a/x', 'b/y'))
  .map(
    ([at, how, predicates, rule]) =>
      ({ ...at, number: Math.max(at.number, 1), method: how, predicates, rule }) as const,
  )
const lineage: fc.Arbitrary<PlanInput> = fc.record({
  output: fc.option(
    fc.array(fc.record({ name: fc.constant('o'), kind: fc.constantFrom('direct', 'derived'), sources: refs }), {
      maxLength: 4,
    }),
  ),
  control: fc.array(
    fc.record({ column: ref, use: fc.constantFrom('null-test', 'equality', 'other'), where: fc.constant('WHERE') }),
    { maxLength: 2 },
  ),
  flows: fc.array(fc.record({ to: fc.constant('t'), toColumn: fc.option(ref), sources: refs }), { maxLength: 2 }),
  relations: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  opaque: fc.oneof({ arbitrary: fc.constant([]), weight: 9 }, { arbitrary: fc.constant(['X']), weight: 1 }),
  unknowns: fc.oneof({ arbitrary: fc.constant([]), weight: 5 }, { arbitrary: fc.constant(['X']), weight: 1 }),
})
const columns = fc.array(column, { minLength: 1, maxLength: 4 })

const reaches = (source: { relationOid: number; number: number }, guarded: ProtectedColumn): boolean =>
  source.relationOid === guarded.relationOid && (source.number === 0 || source.number === guarded.number)

it('a protected column never reaches an output that passes, and no method is looser than any rule asks', () => {
  fc.assert(
    fc.property(lineage, columns, (input, guarded) => {
      const { plan, sensitive } = planMasks(input, guarded)
      if (plan.kind === 'refuse') return
      input.output?.forEach((output, index) => {
        const reached = guarded.filter((one) => output.sources.some((source) => reaches(source, one)))
        if (reached.length === 0) return
        expect(sensitive).toBe(true)
        expect(plan.kind).toBe('mask')
        const used = plan.kind === 'mask' ? plan.columns[index] : null
        expect(output.kind).toBe('direct')
        expect(used).not.toBeNull()
        for (const one of reached) expect(compareMethods(used as MaskMethod, one.method)).toBeLessThanOrEqual(0)
      })
    }),
    runs,
  )
})

it('a protected column never flows and never decides rows beyond what every rule permits', () => {
  fc.assert(
    fc.property(lineage, columns, (input, guarded) => {
      const { plan } = planMasks(input, guarded)
      if (plan.kind === 'refuse') return
      expect(input.unknowns).toEqual([])
      expect(input.opaque).toEqual([])
      for (const one of guarded) {
        for (const flow of input.flows) expect(flow.sources.some((source) => reaches(source, one))).toBe(false)
        for (const { column: at, use } of input.control) {
          if (!reaches(at, one)) continue
          expect(
            one.predicates === 'any' || use === 'null-test' || (use === 'equality' && one.predicates === 'equality'),
          ).toBe(true)
        }
      }
    }),
    runs,
  )
})

it('the order of the rules never matters, and one more mask never refuses less', () => {
  fc.assert(
    fc.property(lineage, columns, column, (input, guarded, more) => {
      const plan = planMasks(input, guarded)
      const reversed = planMasks(input, guarded.toReversed())
      expect(reversed.plan.kind).toBe(plan.plan.kind)
      if (plan.plan.kind === 'mask') expect(reversed.plan).toEqual(plan.plan)
      if (plan.plan.kind === 'refuse') expect(planMasks(input, [...guarded, more]).plan.kind).toBe('refuse')
    }),
    runs,
  )
})
