// What a scan proposes: by values where they are telling, by the name where they are not, and nothing where neither is.
import { describe, expect, it } from 'vitest'
import { labelOfName, proposalsOf, ScanReport } from './scan.ts'

const report = (found: readonly unknown[]): ScanReport =>
  ScanReport.parse({
    v: 1,
    target: 'shop',
    role: 'app',
    catalogVersion: 'v',
    relations: 1,
    columns: 1,
    unread: [],
    isCut: false,
    found,
  })
const column = (name: string, values: number, hits: Record<string, number>) => ({
  schema: 'public',
  relation: 'customers',
  column: name,
  values,
  hits,
})

describe('proposals', () => {
  it.each([
    ['values that are telling', column('contact', 100, { email: 90, phone: 5 }), 'pii.email', 'values', 0.9],
    ['values against a misleading name', column('mail', 10, { phone: 10 }), 'pii.phone', 'values', 1],
    [
      'tokens of several vendors together',
      column('config', 10, { jwt: 1, 'api-token': 1 }),
      'secret.token',
      'values',
      0.2,
    ],
    ['an empty table, by the name', column('email', 0, {}), 'pii.email', 'name', 0],
    ['few hits, by the name', column('mobile_number', 100, { email: 1 }), 'pii.phone', 'name', 0.01],
  ])('%s', (_, given, label, evidence, share) => {
    expect(proposalsOf(report([given]))).toMatchObject([{ label, evidence, share }])
  })

  it('leaves a text that mentions one now and then', () => {
    expect(proposalsOf(report([column('notes', 100, { email: 19 })]))).toEqual([])
  })

  it.each([
    ['email', 'pii.email'],
    ['workEmail', 'pii.email'],
    ['card_number', 'pii.card'],
    ['DateOfBirth', 'pii.birth-date'],
    ['api_key_hash', 'secret.token'],
    ['span', null],
    ['company', null],
    ['emailed_at_least_once', null],
  ])('the name %s suggests %s', (name, label) => {
    expect(labelOfName(name)).toBe(label)
  })
})

describe('a report', () => {
  it.each([
    ['a sample', { ...column('email', 1, { email: 1 }), sample: ['ann@example.com'] }],
    ['a detector that is none', column('email', 1, { 'ann@example.com': 1 })],
    ['a long name', column('x'.repeat(64), 1, {})],
    ['a count that is none', column('email', Number.NaN, {})],
  ])('with %s is refused', (_, given) => {
    expect(() => report([given])).toThrow()
  })
})
