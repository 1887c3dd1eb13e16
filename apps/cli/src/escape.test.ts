// What comes from elsewhere cannot steer the terminal, hide or turn text; what is harmless stays as it is.
import { expect, test } from 'vitest'
import { escapeLines, escapeText, safeJson } from './escape.ts'

test.each([
  ['plain text stays', 'Ann Abel', 'Ann Abel'],
  ['accents and wide characters stay', 'Zoë 東京', 'Zoë 東京'],
  ['an escape sequence that would change colours', 'a\x1b[31mred', 'a\\x1b[31mred'],
  ['a C1 control that starts a sequence', 'a\x9b31m', 'a\\x9b31m'],
  ['a bell and a backspace', 'a\x07\x08', 'a\\x07\\x08'],
  ['line ends and tabs', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
  ['a right-to-left override', 'abc\u202edef', 'abc\\u{202e}def'],
  ['bidirectional isolates', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
  ['zero-width characters', 'pass\u200bword\ufeff', 'pass\\u{200b}word\\u{feff}'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['invisible tags', 'a\u{e0041}', 'a\\u{e0041}'],
  ['a soft hyphen', 'a\u00adb', 'a\\xadb'],
  ['half of a surrogate pair', 'a\ud800b', 'a\\u{d800}b'],
  ['an emoji made with joiners stays', '👩‍🔬 👍🏽 ❤️', '👩‍🔬 👍🏽 ❤️'],
  ['a joiner outside an emoji', 'a\u200db', 'a\\u{200d}b'],
])('%s', (_, text, shown) => {
  expect(escapeText(text)).toBe(shown)
})

test('several lines keep their line feeds and nothing else', () => {
  expect(escapeLines('a\r\nb\x1b[2J')).toBe('a\nb\\x1b[2J')
})

test('JSON is the same value and safe on a terminal', () => {
  const value = { text: 'a\u202e\x1b\u{e0041}\u2028b\n', 'key\u200b': 1 }
  const shown = safeJson(value)
  expect(JSON.parse(shown)).toEqual(value)
  expect(shown).toMatch(/^[\x20-\x7e\n]*$/)
})
