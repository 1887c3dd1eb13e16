// Mask plans: what passes, what is replaced, what is refused, and that the reason names columns and never values.
// THREATS.
import { describe, expect, it } from 'vitest'
import { type PlanInput, type ProtectedColumn, planMasks } from './plan.ts'
import type { MaskMethod, Predicates } from './rule.ts'

const email = { relationOid: 1, number: 2, name: 'public.customers.email' }
const ssn = { relationOid: 1, number: 3, name: 'public.customers.ssn' }
const id = { relationOid: 1, number: 1, name: 'public.customers.id' }
const total = { relationOid: 2, number: 1, name: 'public.orders.total' }
const wholeRow = { relationOid: 1, number: 0, name: 'public.customers' }

const guard = (
  column: typeof email,
  method: MaskMethod = 'redact',
  predicates: Predicates = 'none',
  rule = 'orders/mail',
): ProtectedColumn => ({
  ...column,
  method,
  predicates,
  rule,
})
const direct = (...sources: (typeof email)[]) => ({ name: 'x', kind: 'direct' as const, sources })
const derived = (...sources: (typeof email)[]) => ({ name: 'x', kind: 'derived' as const, sources })
const part = (...sources: (typeof email)[]) => ({ ...derived(...sources), total: true as const })
const input = (more: Partial<PlanInput>): PlanInput => ({
  output: null,
  control: [],
  flows: [],
  relations: [1],
  unknowns: [],
  opaque: [],
  ...more,
})
const use = (use: 'null-test' | 'equality' | 'other', where = 'WHERE', column = email) => ({ column, use, where })

describe('output', () => {
  it.each([
    ['an unprotected column passes', [direct(id)], 'plain'],
    ['no result passes', null, 'plain'],
    ['a constant passes', [derived()], 'plain'],
    ['a protected column is masked', [direct(id), direct(email)], [null, 'redact']],
    ['under every alias', [direct(email), direct(email)], ['redact', 'redact']],
    ['a part that cannot fail is hidden as a whole, whatever the method', [part(email), part(id)], ['null', null]],
    ['through a set operation the strictest counts', [direct(id, email, ssn)], ['redact']],
  ] as const)('%s', (_, output, expected) => {
    const { plan } = planMasks(input({ output }), [guard(email), guard(ssn, 'hash', 'none', 'orders/ssn')])
    if (expected === 'plain') expect(plan).toEqual({ kind: 'plain' })
    else expect(plan).toMatchObject({ kind: 'mask', columns: expected })
  })

  it.each([
    ['constants beside a column', { ...direct(email), mixed: 'constants' as const }, 'refuse', 'mask'],
    ['a column that nothing hides beside it', { ...direct(email, id), mixed: 'columns' as const }, 'refuse', 'mask'],
    ['another hidden column beside it', { ...direct(email, ssn), mixed: 'columns' as const }, 'mask', 'mask'],
    ['the same column by another name', direct(email, id), 'mask', 'mask'],
  ])('pseudonyms do not tell a guess: %s', (_, output, hashed, redacted) => {
    const kindOf = (method: MaskMethod) =>
      planMasks(input({ output: [output] }), [guard(email, method), guard(ssn, method)]).plan.kind
    expect([kindOf('hash'), kindOf('redact')]).toEqual([hashed, redacted])
  })

  it('computed from a protected column is refused with the names of both', () => {
    const { plan } = planMasks(input({ output: [direct(id), derived(email)] }), [guard(email)])
    expect(plan).toEqual({
      kind: 'refuse',
      reason:
        'result column "x" is computed from "public.customers.email", which is masked by rule "orders/mail"; select the column itself',
      rules: ['orders/mail'],
    })
  })

  it('of a whole row of a relation with a protected column is refused', () => {
    expect(planMasks(input({ output: [direct(wholeRow)] }), [guard(ssn)]).plan.kind).toBe('refuse')
  })

  it('names every rule in force once, sorted', () => {
    const { plan } = planMasks(input({ output: [direct(ssn), direct(email), direct(ssn)] }), [
      guard(email, 'redact', 'none', 'b/x'),
      guard(ssn, 'hash', 'none', 'a/x'),
    ])
    expect(plan).toMatchObject({ rules: ['a/x', 'b/x'] })
  })
})

describe('control', () => {
  it.each([
    ['none', 'null-test', true],
    ['none', 'equality', false],
    ['none', 'other', false],
    ['equality', 'null-test', true],
    ['equality', 'equality', true],
    ['equality', 'other', false],
    ['any', 'null-test', true],
    ['any', 'equality', true],
    ['any', 'other', true],
  ] as const)('predicates %s with %s', (predicates, kind, permitted) => {
    const { plan } = planMasks(input({ output: [direct(id)], control: [use(kind)] }), [
      guard(email, 'redact', predicates),
    ])
    expect(plan.kind).toBe(permitted ? 'plain' : 'refuse')
  })

  it('is refused with the place and what the rule permits', () => {
    const { plan } = planMasks(input({ control: [use('other', 'ORDER BY')] }), [guard(email)])
    expect(plan).toMatchObject({
      reason:
        'column "public.customers.email" is masked by rule "orders/mail" and cannot be used in ORDER BY; the rule permits only IS NULL',
    })
  })

  it('of a permitted kind still masks the output', () => {
    const { plan } = planMasks(input({ output: [direct(email)], control: [use('equality')] }), [
      guard(email, 'redact', 'any'),
    ])
    expect(plan).toMatchObject({ kind: 'mask', columns: ['redact'] })
  })

  it('by whole row counts as a use of every column', () => {
    expect(planMasks(input({ control: [use('equality', 'JOIN', wholeRow)] }), [guard(ssn)]).plan.kind).toBe('refuse')
  })
})

describe('flows', () => {
  const columnTo = { relationOid: 2, number: 9, name: 'public.orders.note' }
  it.each([
    ['into another column', { to: 'public.orders', toColumn: columnTo, sources: [email] }, 'refuse'],
    ['into a new table', { to: 'public.copy', toColumn: null, sources: [email] }, 'refuse'],
    ['into a protected column too', { to: 'public.customers', toColumn: ssn, sources: [email] }, 'refuse'],
    ['of an unprotected column', { to: 'public.orders', toColumn: columnTo, sources: [id] }, 'plain'],
    ['of a constant into a protected column', { to: 'public.customers', toColumn: email, sources: [] }, 'plain'],
    ['of a whole row', { to: 'public.copy', toColumn: null, sources: [wholeRow] }, 'refuse'],
  ] as const)('%s', (_, flow, kind) => {
    expect(planMasks(input({ flows: [flow] }), [guard(email), guard(ssn)]).plan.kind).toBe(kind)
  })
})

describe('unknowns', () => {
  it('refuse while any mask is in force, wherever its column is', () => {
    const { plan, sensitive } = planMasks(input({ relations: [], unknowns: ['XMLTABLE'] }), [guard(email)])
    expect(plan).toMatchObject({ kind: 'refuse', reason: expect.stringContaining('XMLTABLE') })
    expect(sensitive).toBe(true)
  })
  it('pass where nothing is masked', () => {
    expect(planMasks(input({ unknowns: ['XMLTABLE'] }), [])).toEqual({ plan: { kind: 'plain' }, sensitive: false })
  })

  it('refuses code that runs unseen where a mask applies, and only there', () => {
    const unseen = input({ relations: [], opaque: ['the trigger "t"'] })
    const { plan, sensitive } = planMasks(unseen, [guard(email)])
    expect(plan).toMatchObject({ kind: 'refuse', reason: expect.stringContaining('the trigger "t"') })
    expect(sensitive).toBe(true)
    expect(planMasks(unseen, [])).toEqual({ plan: { kind: 'plain' }, sensitive: false })
  })
})

describe('sensitive', () => {
  it.each([
    ['a touched relation with a protected column', input({ output: [direct(id)] }), true],
    ['another relation', input({ output: [direct(total)], relations: [2] }), false],
    ['a source whose relation is not listed', input({ output: [direct(email)], relations: [] }), true],
    [
      'a flow into a protected relation',
      input({ relations: [], flows: [{ to: 't', toColumn: email, sources: [] }] }),
      true,
    ],
  ] as const)('%s', (_, given, expected) => {
    expect(planMasks(given, [guard(email)]).sensitive).toBe(expected)
  })
})

describe('several rules on one column', () => {
  const partial = (keepLast: number): MaskMethod => ({ partial: { keepLast } })
  it.each([
    ['null', 'redact', 'null'],
    ['redact', 'hash', 'redact'],
    ['hash', 'year', 'hash'],
    ['year', 'email', 'year'],
    ['email', partial(4), 'email'],
    [partial(2), partial(4), partial(2)],
  ] as const)('%j with %j gives the stricter in either order', (one, other, expected) => {
    for (const pair of [
      [guard(email, one), guard(email, other)],
      [guard(email, other), guard(email, one)],
    ]) {
      expect(planMasks(input({ output: [direct(email)] }), pair).plan).toMatchObject({ columns: [expected] })
    }
  })

  it('take the strictest predicates from whichever rule has them', () => {
    const columns = [guard(email, 'null', 'any'), guard(email, 'redact', 'none')]
    expect(planMasks(input({ control: [use('equality')] }), columns).plan.kind).toBe('refuse')
  })
})

//
describe('the order of rows', () => {
  const shown = (column: typeof email, rule?: string): ProtectedColumn => ({
    ...guard(column, 'redact', 'none', rule),
    orderShown: true,
  })
  const kindOf = (where: string, columns: readonly ProtectedColumn[]) =>
    planMasks(input({ control: [use('other', where)] }), columns).plan.kind

  it.each(['the order of an index', 'the order of partitions'])('%s shows where every rule says so', (where) => {
    expect(kindOf(where, [guard(email)])).toBe('refuse')
    expect(kindOf(where, [shown(email)])).toBe('plain')
    expect(kindOf(where, [shown(email), guard(email)])).toBe('refuse')
    expect(kindOf(where, [shown(email), shown(email, 'orders/other')])).toBe('plain')
  })

  it('shows, and nothing else does', () => {
    for (const where of ['ORDER BY', 'WHERE', 'EXPLAIN']) expect(kindOf(where, [shown(email)])).toBe('refuse')
  })
})

//
describe('what a trigger writes', () => {
  const kept = { relationOid: 9, number: 2, name: 'public.audit.what' }
  const flow = (trigger?: 'copied' | 'computed') =>
    input({ flows: [{ to: kept.name, toColumn: kept, sources: [ssn], ...(trigger === undefined ? {} : { trigger }) }] })
  const from = guard(ssn, 'hash', 'equality', 'orders/ssn')

  it.each([
    ['a copy, where it is hidden alike', 'copied', guard(kept, 'hash', 'equality'), 'plain'],
    ['a copy, where it is hidden more strictly', 'copied', guard(kept, 'null', 'none'), 'plain'],
    ['a copy, where more shows', 'copied', guard(kept, 'email', 'none'), 'refuse'],
    ['a copy, where it may be tested by more', 'copied', guard(kept, 'hash', 'any'), 'refuse'],
    ['a copy, where its order shows', 'copied', { ...guard(kept, 'hash', 'equality'), orderShown: true }, 'refuse'],
    ['what is computed, where nothing shows', 'computed', guard(kept, 'redact', 'none'), 'plain'],
    ['what is computed, where equal values show', 'computed', guard(kept, 'hash', 'none'), 'refuse'],
    ['what the statement itself writes', undefined, guard(kept, 'null', 'none'), 'refuse'],
  ] as const)('%s', (_, trigger, to, expected) => {
    expect(planMasks(flow(trigger), [from, to]).plan.kind).toBe(expected)
  })

  it('is refused where nothing is hidden, with the way that it takes', () => {
    expect(planMasks(flow('copied'), [from]).plan).toMatchObject({
      kind: 'refuse',
      reason:
        'column "public.customers.ssn" is masked by rule "orders/ssn" and a trigger copies it to "public.audit.what", which is not hidden as strictly',
    })
  })
})
