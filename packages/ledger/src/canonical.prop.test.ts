// Canonical JSON: what is read is what was written, and no other text has the same meaning.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalBytes, canonicalText, isWellFormed, parseCanonical, parseCanonicalText } from './canonical.ts'

const numRuns = process.env.SALLYPORT_TEST === 'full' ? 5_000 : 200

const text = fc.string({ unit: 'binary' }).filter(isWellFormed)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger().map((number) => (Object.is(number, -0) ? 0 : number)),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}))

test('parsing undoes writing', () => {
  fc.assert(
    fc.property(value, (written) => {
      const parsed = parseCanonical(canonicalBytes(written), 1_000_000)
      expect(parsed.ok && canonicalText(parsed.value)).toBe(canonicalText(written))
    }),
    { numRuns },
  )
})

test('the order in which members were added does not show', () => {
  fc.assert(
    fc.property(fc.dictionary(text, value), (object) => {
      const reversed = Object.fromEntries(Object.entries(object).reverse())
      expect(canonicalText(reversed)).toBe(canonicalText(object))
    }),
    { numRuns },
  )
})

test('any bytes are read or refused, and what is read writes the same bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.json().map((json) => new TextEncoder().encode(json)),
  )
  fc.assert(
    fc.property(bytes, (some) => {
      const parsed = parseCanonical(some, 1_000_000)
      if (parsed.ok) expect(canonicalBytes(parsed.value)).toEqual(Uint8Array.from(some))
    }),
    { numRuns },
  )
})

test('a changed character changes the value or makes the text none', () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (written, place, character) => {
      const before = canonicalText(written)
      const at = place % before.length
      const after = before.slice(0, at) + character + before.slice(at + 1)
      fc.pre(after !== before)
      const parsed = parseCanonicalText(after)
      if (parsed.ok) expect(canonicalText(parsed.value)).not.toBe(before)
    }),
    { numRuns },
  )
})
