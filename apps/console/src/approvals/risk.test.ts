// Which requests ask for a second press, and which only for attention.
import type { Approval } from '@sallyport/api/approvals'
import { describe, expect, it } from 'vitest'
import { flagsOf, isHighRisk, weightOf } from './risk.ts'
import { approvalWith } from './testing.ts'

const nothing = { hidden: 0, foreign: 0 }
const kinds = (change: Partial<Approval>, tally = nothing) =>
  flagsOf(approvalWith(change), tally).map((flag) => flag.kind)
const isHigh = (change: Partial<Approval>, tally = nothing) => isHighRisk(flagsOf(approvalWith(change), tally))
const part = (operation: string) => ({
  verb: 'select',
  effects: [{ operation, object: 'public.orders', via: 'derived' as const }],
  filtered: true,
  functions: [],
  maskedColumns: 0,
})

describe('the risk of a request', () => {
  it('is none for a filtered write outside production', () => {
    expect(kinds({})).toEqual([])
    expect(isHigh({})).toBe(false)
  })

  it.each<[string, Partial<Approval>, string]>([
    ['a write without WHERE', { filtered: false }, 'unfiltered'],
    ['a change of the schema', { verbs: ['drop'] }, 'schema'],
    ['TRUNCATE', { verbs: ['truncate'] }, 'schema'],
    ['a request of HTTP that may change something', { verbs: ['PATCH'], targetLabels: { env: 'prod' } }, 'production'],
    ['several statements', { statements: 2 }, 'several'],
    ['a write to production', { targetLabels: { env: 'prod' } }, 'production'],
    ['a write to production by a longer name', { targetLabels: { env: 'production-eu' } }, 'production'],
    [
      'a write that only the effects show',
      {
        verbs: ['select'],
        targetLabels: { env: 'prod' },
        statement: { text: 'select f()', searchPath: ['public'], spans: [], parameters: [], parts: [part('update')] },
      },
      'production',
    ],
  ])('is high for %s', (_, change, kind) => {
    expect(kinds(change)).toContain(kind)
    expect(isHigh(change)).toBe(true)
  })

  it('is high for characters that do not show', () => {
    expect(isHigh({}, { hidden: 1, foreign: 0 })).toBe(true)
  })

  it('is not high for a read of production', () => {
    expect(isHigh({ verbs: ['select'], targetLabels: { env: 'prod' } })).toBe(false)
  })

  it.each<[string, Partial<Approval>, string]>([
    ['a claimed identity', { initiator: { ...approvalWith().initiator, assurance: 'claimed' } }, 'claimed'],
    ['a first time', { history: { approved: 0, denied: 0, firstTime: true, last: null } }, 'first'],
    [
      'a sequential scan of a big table',
      { estimate: { kind: 'rows', rows: 1, ofRows: 10_000, scan: 'Seq Scan on orders', at: '2026-11-24T10:00:00Z' } },
      'scan',
    ],
  ])('asks for attention, not for a second press, at %s', (_, change, kind) => {
    expect(kinds(change)).toEqual([kind])
    expect(isHigh(change)).toBe(false)
  })

  it('does not speak of a sequential scan of a table one row smaller', () => {
    const estimate = {
      kind: 'rows',
      rows: 1,
      ofRows: 9_999,
      scan: 'Seq Scan on orders',
      at: '2026-11-24T10:00:00Z',
    } as const
    expect(kinds({ estimate })).toEqual([])
  })

  it.each([
    ['alter table', 'schema'],
    ['DROP', 'schema'],
    ['merge', 'write'],
    ['copy-file', 'write'],
    ['select', 'read'],
    ['http.get', 'read'],
  ])('weighs %s as %s', (word, weight) => {
    expect(weightOf(word)).toBe(weight)
  })
})

it.each([
  ['GET', 'read'],
  ['http.HEAD', 'read'],
  ['POST', 'write'],
  ['http.PROPFIND', 'write'],
  ['http.DELETE', 'write'],
  ['delete', 'write'],
  ['select', 'read'],
])('%s weighs as %s', (word, weight) => {
  expect(weightOf(word)).toBe(weight)
})
