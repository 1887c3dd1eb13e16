// Patterns, callers and selectors of targets, each with what must not match.
import { describe, expect, it } from 'vitest'
import { compilePattern, matchesCaller, matchesTarget, patternProblem, splitParts } from './match.ts'
import { matchesPart } from './match-part.ts'
import { principal, testTarget } from './testing.ts'

describe('a pattern', () => {
  it.each([
    ['public.orders', 'public.orders', true],
    ['public.orders', 'public.Orders', false],
    ['public.orders', 'public.orders_old', false],
    ['public.*', 'public.orders', true],
    ['public.*', 'publicx.orders', false],
    ['*.orders', 'sales.orders', true],
    ['*.*', 'sales.orders', true],
    ['*.*', 'sales.total()', true],
    ['public.order*', 'public.orders', true],
    ['public.*_eu', 'public.orders_eu', true],
    ['public.*_eu', 'public._eu', true],
    ['public.a*a', 'public.a', false],
    ['public.o*d*s', 'public.orders', true],
    ['public.o*x*s', 'public.orders', false],
    ['**', 'anything at:all', true],
    ['public.total()', 'public.total()', true],
    ['public.total()', 'public.total', false],
    ['public.*()', 'public.total()', true],
    ['public.*()', 'public.total', false],
    ['setting:*', 'setting:app.tenant', true],
    ['setting:work_mem', 'setting:work_mem', true],
    ['setting:*', 'channel:jobs', false],
    ['file:*', 'file:', true],
    ['foreign_server:*', 'foreign_server:lake', true],
    ['*.*', 'foreign_server:a.b', false],
    ['*.*', 'setting:app.tenant', false],
    ['channel:jobs-*', 'channel:jobs-1', true],
    ['public."a.b"', 'public."a.b"', true],
    ['public.*', 'public."a.b"', true],
    ['.', 'public.orders', false],
    ['', '', true],
  ])('%j on %j: %j', (pattern, name, expected) => {
    expect(compilePattern(pattern, 'no-match')(name)).toBe(expected)
    expect(compilePattern(pattern, 'match')(name)).toBe(expected)
  })

  it.each([
    ['secret.*', 'secret.a.b', true],
    ['*.b', 'secret.a.b', true],
    ['se.*', 'secret.a.b', false],
    ['secret.a*', 'secret.a.b', true],
  ])('%j meets the doubtful name %j only where every reading counts', (pattern, name, expected) => {
    expect(compilePattern(pattern, 'match')(name)).toBe(expected)
    expect(compilePattern(pattern, 'no-match')(name)).toBe(false)
  })

  it.each([
    ['channel:jobs', true, false],
    ['channel:*', true, true],
    ['**', true, true],
    ['setting:jobs', false, false],
  ])('%j on a channel that nobody knows: denied %j, allowed %j', (pattern, denied, allowed) => {
    expect(compilePattern(pattern, 'match')('channel:*')).toBe(denied)
    expect(compilePattern(pattern, 'no-match')('channel:*')).toBe(allowed)
  })

  it('takes a star as any run of characters, none of them special', () => {
    expect(matchesPart('a.c', 'abc')).toBe(false)
    expect(matchesPart('a*', 'a\n')).toBe(true)
    expect(matchesPart('$*^', '$x^')).toBe(true)
    expect(matchesPart('*ab*ab', 'ab')).toBe(false)
  })

  it('splits at dots outside quotes', () => {
    expect(splitParts('public."a.b".c')).toEqual(['public', '"a.b"', 'c'])
  })
})

describe('a pattern that can match nothing is named', () => {
  it.each([
    ['orders', 'object', '"public.orders"'],
    ['public..orders', 'object', 'empty part'],
    ['public.', 'object', 'empty part'],
    [' public.orders', 'object', 'space'],
    ['public.**', 'object', 'stands alone'],
    ['a.b.c', 'object', 'schema.relation'],
    ['public.total(int)', 'object', 'schema.function()'],
    ['settings:x', 'object', 'did you mean "setting"?'],
    ['channel:', 'object', 'names nothing'],
    ['public."orders', 'object', 'quote'],
    ['public.customers', 'column', 'schema.relation.column'],
    ['a.b.c.d', 'column', 'schema.relation.column'],
  ] as const)('%j as %s: %s', (pattern, kind, expected) => {
    expect(patternProblem(pattern, kind)).toContain(expected)
  })

  it.each([
    ['public.orders', 'object'],
    ['*.*', 'object'],
    ['**', 'object'],
    ['public.total()', 'object'],
    ['setting:a.b', 'object'],
    ['schema:*', 'object'],
    ['foreign_server:lake', 'object'],
    ['file:*', 'object'],
    ['public."a.b"', 'object'],
    ['/orders/*', 'object'],
    ['github/create_issue', 'object'],
    ['public.customers.email', 'column'],
    ['*.*.email', 'column'],
    ['**', 'column'],
  ] as const)('%j as %s is sound', (pattern, kind) => {
    expect(patternProblem(pattern, kind)).toBeNull()
  })
})

describe('callers', () => {
  const ann = principal('ann in engineering dba')
  it.each([
    [{ any: true as const }, true],
    [{ groups: ['engineering'] }, true],
    [{ groups: ['support', 'dba'] }, true],
    [{ groups: ['support'] }, false],
    [{ kinds: ['workload' as const] }, false],
    [{ groups: ['engineering'], kinds: ['user' as const] }, true],
    [{ groups: ['engineering'], kinds: ['workload' as const] }, false],
    [{ principals: [{ issuer: ann.issuer, subject: 'ann' }] }, true],
    [{ principals: [{ issuer: 'https://other.example', subject: 'ann' }] }, false],
    [{}, false],
  ])('%j: %j', (callers, expected) => {
    expect(matchesCaller(callers, ann)).toBe(expected)
  })
})

describe('targets', () => {
  it.each([
    [{ any: true as const }, true],
    [{ names: ['shop'] }, true],
    [{ names: ['billing'] }, false],
    [{ labels: { env: 'prod' } }, true],
    [{ labels: { env: 'prod', tier: 'one' } }, false],
    [{ names: ['shop'], labels: { env: 'staging' } }, false],
    [{ labels: { constructor: 'x' } }, false],
    [{ labels: {} }, false],
    [{}, false],
  ])('%j: %j', (selector, expected) => {
    expect(matchesTarget(selector, testTarget)).toBe(expected)
  })
})
