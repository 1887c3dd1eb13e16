// Grants in words, the lengths that can be asked for, and what the page's own clock says before the server does.
import { describe, expect, it } from 'vitest'
import { duringText } from '../util/format.ts'
import { grantWith } from './testing.ts'
import { choicesFor, endOf, lengthText, scopeText, stateAt, usualFor } from './words.ts'

it.each([
  [45, '45 seconds'],
  [60, '1 minute'],
  [3_600, '1 hour'],
  [5_400, '1 hour 30 minutes'],
  [604_800, '7 days'],
  [90_061, '1 day 1 hour 1 minute 1 second'],
])('says %d seconds as %s', (seconds, text) => {
  expect(lengthText(seconds)).toBe(text)
})

describe('the lengths to choose from', () => {
  it.each([60, 900, 3_600, 10_000, 28_800, 604_800])('never pass the longest, %d, and end with it', (longest) => {
    const choices = choicesFor(longest)
    expect(choices.at(-1)).toBe(longest)
    expect(Math.max(...choices)).toBe(longest)
    expect(new Set(choices).size).toBe(choices.length)
    expect(choices).toContain(usualFor(longest))
  })

  it('begin with an hour, and with the longest where that is less', () => {
    expect([usualFor(28_800), usualFor(1_800)]).toEqual([3_600, 1_800])
  })
})

describe('the state by the clock of the page', () => {
  const nowMs = Date.parse('2026-11-24T10:00:00Z')
  const at = (ms: number) => new Date(nowMs + ms).toISOString()
  it.each([
    ['approved', { state: 'approved', until: at(1) }],
    ['over', { state: 'approved', until: at(0) }],
    ['over', { state: 'stale', until: at(0) }],
    ['stale', { state: 'stale', until: at(1) }],
    ['pending', { state: 'pending', expiresAt: at(1) }],
    ['expired', { state: 'pending', expiresAt: at(0) }],
    ['ended', { state: 'ended', until: at(-1) }],
    ['denied', { state: 'denied', expiresAt: at(-1) }],
  ] as const)('is %s of %j', (state, change) => {
    expect(stateAt(grantWith(change), nowMs)).toBe(state)
  })
})

it('shows the moment of the end: of its time, of the verdict, of the hand that ended it', () => {
  const grant = grantWith({ until: '2026-11-24T11:00:00Z', endedAt: '2026-11-24T10:30:00Z' })
  expect(endOf(grant, 'over')).toBe('2026-11-24T11:00:00Z')
  expect(endOf(grant, 'ended')).toBe('2026-11-24T10:30:00Z')
  expect(endOf(grant, 'expired')).toBe(grant.expiresAt)
})

it('names operations, objects and hours, and says everything where a rule names none', () => {
  expect(scopeText({ operations: ['update', 'delete'], objects: ['public.orders'] })).toBe(
    'update, delete on public.orders',
  )
  expect(scopeText({ operations: null, objects: null })).toBe('everything')
  const hours = { from: '08:00', to: '20:00', zone: 'Europe/Berlin' }
  expect(duringText([{ ...hours, days: ['mon', 'tue'] }])).toBe('mon, tue 08:00–20:00 (Europe/Berlin)')
  expect(duringText([{ ...hours, days: null }])).toBe('08:00–20:00 (Europe/Berlin)')
})
