// Over any bytes, types and methods: nothing throws, and what comes out is never the value.
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { replaceValue } from './replace.ts'
import type { MaskMethod } from './rule.ts'

const runs = { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 20_000 : 200 }
const hash = (value: Uint8Array): Uint8Array => createHmac('sha256', 'mask-key').update(value).digest()
const oid = fc.constantFrom(
  16,
  17,
  18,
  19,
  20,
  21,
  23,
  25,
  26,
  114,
  700,
  701,
  705,
  790,
  869,
  1009,
  1042,
  1043,
  1082,
  1083,
  1114,
  1184,
  1700,
  2950,
  3802,
  99_999,
)
const method = fc.constantFrom<MaskMethod>('null', 'redact', 'hash', 'year', 'email', { partial: { keepLast: 4 } })
const format = fc.constantFrom(0, 1)
const fixed = new Set([16, 20, 21, 23, 700, 701, 1082, 1114, 1184, 1700, 2950])

it('any bytes give a value or NULL, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), oid, format, method, (value, type, as, how) => {
      const before = Uint8Array.from(value)
      const found = replaceValue(how, value, type, as as 0 | 1, hash)
      expect(found === null || found instanceof Uint8Array).toBe(true)
      expect(value).toEqual(before)
    }),
    runs,
  )
})

it('binary values of fixed width keep their width', () => {
  const width = new Map([
    [16, 1],
    [20, 8],
    [21, 2],
    [23, 4],
    [700, 4],
    [701, 8],
    [1082, 4],
    [1114, 8],
    [1184, 8],
    [2950, 16],
  ])
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.constantFrom(...width),
      method,
      (value, [type, size], how) => {
        const found = replaceValue(how, value.subarray(0, size), type, 1, hash)
        if (found !== null) expect(found.length).toBe(size)
      },
    ),
    runs,
  )
})

it('a text comes out the same, whatever stands before the part that a method releases', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 })
  fc.assert(
    fc.property(word, word, (one, other) => {
      const of = (value: string, how: Parameters<typeof replaceValue>[0]) =>
        replaceValue(how, new TextEncoder().encode(value), 25, 0, hash)
      expect(of(`${one}@example.com`, 'email')).toEqual(of(`${other}@example.com`, 'email'))
      expect(of(`${one}1234`, { partial: { keepLast: 4 } })).toEqual(of(`${other}1234`, { partial: { keepLast: 4 } }))
      expect(of(one, 'redact')).toEqual(of(other, 'redact'))
    }),
    runs,
  )
})

it('a number comes out the same under every method but hash and partial', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...fixed),
      method,
      format,
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      (type, how, as, value) => {
        if (how === 'hash' || how === 'year' || typeof how !== 'string') return
        const found = replaceValue(how, value, type, as as 0 | 1, hash)
        expect(found).toEqual(replaceValue(how, Uint8Array.of(0, 0, 0, 0), type, as as 0 | 1, hash))
      },
    ),
    runs,
  )
})
