// What a grant allows, as the browser gets it: text of others is never markup, and nothing is left out on a card.
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'
import { ScopeFacts, ScopeLine } from './GrantScope.tsx'
import { grantWith } from './testing.ts'

const card = (change: Parameters<typeof grantWith>[0]) =>
  renderToStaticMarkup(createElement(ScopeFacts, { scope: grantWith(change) }))
const line = (change: Parameters<typeof grantWith>[0]) =>
  renderToStaticMarkup(createElement(ScopeLine, { scope: grantWith(change) }))

it('says in words what a rule that names nothing allows', () => {
  const html = card({ operations: null, objects: null })
  expect(html).toContain('any operation')
  expect(html).toContain('every object of the target')
})

it('shows every object, the condition and the hours on a card; a list counts what it leaves out', () => {
  const objects = ['public.a', 'public.b', 'public.c', 'public.d']
  const during = [{ days: null, from: '08:00', to: '20:00', zone: 'UTC' }]
  const html = card({ objects, when: 'statement.filtered', during })
  for (const text of [...objects, 'statement.filtered', '08:00–20:00 (UTC)']) expect(html).toContain(text)
  expect(line({ objects })).toContain('+2')
  expect(line({ objects: objects.slice(0, 2) })).not.toContain('+')
})

it('makes neither elements nor hidden characters of names and conditions', () => {
  const html = card({ objects: ['<img src=x onerror=alert(1)>'], when: 'a\u202e == "<script>"' })
  expect(html).not.toMatch(/<(img|script)/)
  expect(html).not.toContain('\u202e')
  expect(html).toContain('U+202E')
})
