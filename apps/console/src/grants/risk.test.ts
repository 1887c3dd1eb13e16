// What a grant is flagged for, and what of that asks for a second press.
import { expect, it } from 'vitest'
import { isHighRisk } from '../approvals/risk.ts'
import { flagsOfGrant, longSeconds } from './risk.ts'
import { grantWith } from './testing.ts'

const kinds = (change: Parameters<typeof grantWith>[0]) => flagsOfGrant(grantWith(change)).map(({ kind }) => kind)

it.each([
  ['a write to named objects', {}, []],
  ['no operation named', { operations: null }, ['everything']],
  ['neither operations nor objects named', { operations: null, objects: null }, ['everything']],
  ['writes to every object', { objects: null }, ['everything']],
  ['reads of every object', { operations: ['select', 'http.GET'], objects: null }, []],
  ['a change of the schema', { operations: ['select', 'alter'] }, ['schema']],
  ['a write in production', { targetLabels: { env: 'production' } }, ['production']],
  ['a read in production', { operations: ['select'], targetLabels: { env: 'prod' } }, []],
  ['anything in production', { operations: null, targetLabels: { env: 'prod' } }, ['everything', 'production']],
  ['just a day', { seconds: longSeconds }, []],
  ['more than a day', { seconds: longSeconds + 1 }, ['long']],
] as const)('flags %s', (_name, change, expected) => {
  expect(kinds(change as Parameters<typeof grantWith>[0])).toEqual(expected)
})

it('asks twice for what can do much, and once for what is only long or new', () => {
  const history = { approved: 0, denied: 0, firstTime: true, last: null }
  expect(kinds({ history })).toEqual(['first'])
  expect(isHighRisk(flagsOfGrant(grantWith({ history, seconds: 604_800 })))).toBe(false)
  expect(isHighRisk(flagsOfGrant(grantWith({ operations: ['drop'] })))).toBe(true)
})
