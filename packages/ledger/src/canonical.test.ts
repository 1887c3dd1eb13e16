// Canonical JSON: known texts (RFC 8785), and every way in which two texts could mean one value is refused.
import { expect, test } from 'vitest'
import { canonicalBytes, canonicalText, parseCanonical, parseCanonicalText } from './canonical.ts'

test.each<[string, unknown, string]>([
  [
    'members are sorted by UTF-16 code units, not by code points',
    { '\u{1f600}': 1, '\ufb33': 2, a: 3 },
    '{"a":3,"\u{1f600}":1,"\ufb33":2}',
  ],
  [
    'RFC 8785 §3.2.3: control, ASCII, Latin and Euro names',
    { '\u20ac': 'Euro Sign', '\r': 'Carriage Return', '1': 'One', '\u0080': 'Control', '\u00f6': 'o' },
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"o","\u20ac":"Euro Sign"}',
  ],
  [
    'only what must be escaped is escaped',
    '\u20ac$\u000f\nA\'B"\\/\u2028\u007f',
    '"\u20ac$\\u000f\\nA\'B\\"\\\\/\u2028\u007f"',
  ],
  ['negative zero is zero', -0, '0'],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ['nothing but brackets', [[], {}], '[[],{}]'],
  ['a member called __proto__ is a member', JSON.parse('{"__proto__":null}'), '{"__proto__":null}'],
])('%s', (_name, value, text) => {
  expect(canonicalText(value)).toBe(text)
  expect(parseCanonicalText(text).ok).toBe(true)
})

test.each<[string, unknown]>([
  ['a fraction', 0.5],
  ['an integer past 2^53 - 1', 2 ** 53],
  ['not a number', Number.NaN],
  ['undefined', undefined],
  ['a member without a value', { a: undefined }],
  ['a big integer', 1n],
  ['half of a surrogate pair', '\ud83d'],
  ['half of a surrogate pair as a name', { '\udc00': 1 }],
  ['seventeen arrays in each other', JSON.parse(`${'['.repeat(17)}${']'.repeat(17)}`)],
])('%s is outside the domain', (_name, value) => {
  expect(() => canonicalText(value)).toThrow('canonical')
})

test('sixteen arrays in each other are inside the domain', () => {
  const text = `${'['.repeat(16)}${']'.repeat(16)}`
  expect(canonicalText(JSON.parse(text))).toBe(text)
})

test.each<[string, string]>([
  ['names in another order', '{"b":1,"a":2}'],
  ['a repeated name', '{"a":1,"a":1}'],
  ['a space', '{"a": 1}'],
  ['a newline at the end', '{"a":1}\n'],
  ['an escape that is not needed', '"\\u0041"'],
  ['an escape in capitals', '"\\u001F"'],
  ['an escaped slash', '"\\/"'],
  ['an exponent', '1e3'],
  ['a fraction that is whole', '1.0'],
  ['negative zero', '-0'],
  ['an integer that a double rounds', '9007199254740993'],
  ['an escaped half of a surrogate pair', '"\\ud83d"'],
  ['nothing', ''],
  ['two values', '1 2'],
  ['arrays past the depth', `${'['.repeat(17)}${']'.repeat(17)}`],
  ['arrays past any stack', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
])('%s is refused', (_name, text) => {
  expect(parseCanonicalText(text).ok).toBe(false)
})

test.each<[string, number[]]>([
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x31]],
  ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
  ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
])('%s is refused', (_name, bytes) => {
  expect(parseCanonical(Uint8Array.from(bytes), 100).ok).toBe(false)
})

test('a text of exactly the limit is read, and one past it is not', () => {
  const bytes = canonicalBytes('x'.repeat(98))
  expect(parseCanonical(bytes, 100).ok).toBe(true)
  expect(parseCanonical(bytes, 99)).toEqual({ ok: false, reason: 'longer than 99 bytes' })
})
