// The search above the sessions: what the API is asked, and what a person is told.
import { expect, test } from 'vitest'
import { parseSearch } from './search.ts'
import { without, withTerm } from './terms.ts'

const now = new Date('2026-11-24T15:30:00').getTime()
const filterOf = (text: string) => {
  const search = parseSearch(text, now)
  return search.ok ? search.filter : search.problem
}

test.each([
  ['', {}],
  ['ana', { q: 'ana' }],
  ['ana psql', { q: 'ana psql' }],
  ['caller:ana target:shop', { caller: 'ana', target: 'shop' }],
  ['initiator:ana target:shop', { initiator: 'ana', target: 'shop' }],
  ['caller:"Ana Ivanova"', { caller: 'Ana Ivanova' }],
  ['"caller:ana"', { q: 'caller:ana' }],
  ['verb:DELETE object:public.orders', { verb: 'delete', object: 'public.orders' }],
  ['state:live decision:denied', { state: 'live', decision: 'denied' }],
  ['trace:4BF92F3577B34DA6A3CE929D0E0E4736', { trace: '4bf92f3577b34da6a3ce929d0e0e4736' }],
  ['trace:00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', { trace: '4bf92f3577b34da6a3ce929d0e0e4736' }],
  ['STATE:Live', { state: 'live' }],
  ['10.0.0.7:5432', { q: '10.0.0.7:5432' }],
  ['  x   verb:drop  ', { verb: 'drop', q: 'x' }],
])('"%s" asks for %j', (text, filter) => {
  expect(filterOf(text)).toEqual(filter)
})

test.each([
  ['calller:ana', 'there is no "calller:"; did you mean "caller:"?'],
  [
    'wombat:1',
    'there is no "wombat:"; a search knows caller, initiator, target, verb, object, state, decision, trace, from and to. Put the word in quotes to search for it as it is',
  ],
  ['target:', '"target:" needs a value after the colon'],
  ['caller:"ana', 'the quote before ‹ana› is not closed'],
  ['trace:4bf9', '"trace:4bf9" is no trace; give its id of 32 hex digits'],
  ['state:open', '"state:open" is none of live, closed, interrupted'],
  ['decision:allowed', '"decision:allowed" is none of denied, held, masked'],
  ['verb:a verb:b', '"verb:" stands twice; a session has to match all terms, so use it once'],
  [
    'from:2026-02-31',
    '"from:2026-02-31" is no date; write from:2026-11-01, from:2026-11-01T14:00, from:today or from:24h',
  ],
  ['from:2026-11-05 to:2026-11-01', '"from:" is not before "to:", so no session can match'],
  ['w'.repeat(201), 'the words are longer than 200 characters together'],
  [Array.from({ length: 21 }, (_, at) => `w${at}`).join(' '), 'a search has at most 20 terms'],
])('"%s" is refused with the next step', (text, problem) => {
  expect(filterOf(text)).toBe(problem)
})

test('a day means the whole day where the reader is', () => {
  expect(filterOf('from:2026-11-01 to:2026-11-01')).toEqual({
    from: new Date('2026-11-01T00:00:00').toISOString(),
    to: new Date('2026-11-02T00:00:00').toISOString(),
  })
  expect(filterOf('from:today')).toEqual({ from: new Date('2026-11-24T00:00:00').toISOString() })
  expect(filterOf('from:yesterday to:yesterday')).toEqual({
    from: new Date('2026-11-23T00:00:00').toISOString(),
    to: new Date('2026-11-24T00:00:00').toISOString(),
  })
})

test('a span counts back from now, and a time keeps its zone', () => {
  expect(filterOf('from:24h')).toEqual({ from: new Date(now - 86_400_000).toISOString() })
  expect(filterOf('from:2026-11-01T14:00Z')).toEqual({ from: '2026-11-01T14:00:00.000Z' })
})

test('a switch adds its term, replaces another of the same operator, and takes it away', () => {
  expect(withTerm('ana', 'state', 'live')).toBe('ana state:live')
  expect(withTerm('decision:held ana', 'decision', 'denied')).toBe('ana decision:denied')
  expect(withTerm('ana state:live', 'state', null)).toBe('ana')
  expect(withTerm('caller:"Ana Ivanova" state:live', 'state', null)).toBe('caller:"Ana Ivanova"')
})

test('each term of a search can be left out by its place', () => {
  const search = parseSearch('ana target:shop "two words"', now)
  if (!search.ok) throw new Error(search.problem)
  expect(search.terms.map((term) => without('ana target:shop "two words"', term))).toEqual([
    'target:shop "two words"',
    'ana "two words"',
    'ana target:shop',
  ])
})
