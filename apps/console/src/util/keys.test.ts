// Which binding a key means, and when letters are dead (WCAG 2.1.4).
import { describe, expect, it } from 'vitest'
import { type KeyState, sequenceMsMax, stepKeys } from './keys.ts'

const names = ['a', '/', '?', 'g a', 'g s', 'Enter', 'Escape', 'mod+k']
const bindings = names.map((keys) => ({ keys, label: keys, run: () => {} }))
const quiet = { mod: false, alt: false, atMs: 0, typing: false, onControl: false }
const press = (change: Partial<typeof quiet> & { key: string }, on = true, state: KeyState = null) =>
  stepKeys(state, { ...quiet, ...change }, bindings, on)
const meant = (change: Partial<typeof quiet> & { key: string }, on = true, state: KeyState = null) =>
  press(change, on, state).binding?.keys ?? null

describe('a pressed key', () => {
  it.each([
    ['a letter', { key: 'a' }, 'a'],
    ['a sign', { key: '?' }, '?'],
    ['Enter', { key: 'Enter' }, 'Enter'],
    ['a letter while typing', { key: 'a', typing: true }, null],
    ['Escape while typing', { key: 'Escape', typing: true }, 'Escape'],
    ['Enter on a button, which owns it', { key: 'Enter', onControl: true }, null],
    ['a letter on a button', { key: 'a', onControl: true }, 'a'],
    ['Control and a letter, which is the browser’s', { key: 'a', mod: true }, null],
    ['Control and a letter that is bound', { key: 'k', mod: true, typing: true }, 'mod+k'],
    ['Alt and a letter', { key: 'a', alt: true }, null],
    ['a letter that nobody knows', { key: 'z' }, null],
  ])('is read right: %s', (_, change, expected) => {
    expect(meant(change)).toBe(expected)
  })

  it('means nothing as a character when characters are switched off', () => {
    expect(meant({ key: 'a' }, false)).toBeNull()
    expect(meant({ key: '?' }, false)).toBeNull()
    expect(press({ key: 'g' }, false).state).toBeNull()
    expect(meant({ key: 'Enter' }, false)).toBe('Enter')
  })

  it('completes a sequence within its time, and not a moment later', () => {
    const { state } = press({ key: 'g' })
    expect(meant({ key: 'a', atMs: sequenceMsMax }, true, state)).toBe('g a')
    expect(meant({ key: 'a', atMs: sequenceMsMax + 1 }, true, state)).toBe('a')
  })

  it('is itself when it completes no sequence', () => {
    expect(meant({ key: '/', atMs: 10 }, true, press({ key: 'g' }).state)).toBe('/')
  })

  it('belongs to the binding that came last', () => {
    const page = { keys: 'a', label: 'page', run: () => {} }
    expect(stepKeys(null, { ...quiet, key: 'a' }, [...bindings, page], true).binding).toBe(page)
  })
})
