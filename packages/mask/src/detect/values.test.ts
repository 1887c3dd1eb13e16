// Detectors over values of results, by type and format; the same bytes come back where nothing was found.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DetectorName, MaskMethod } from '../rule.ts'
import { detectionOf, widestDetection } from './detection.ts'
import { detectorFor } from './values.ts'

const hash = (value: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => (value.length * 7 + at) & 255)
const detection = (kinds: readonly DetectorName[] = ['email', 'card'], method: MaskMethod = 'redact') =>
  detectionOf([{ kinds, method, rule: 'p/d' }])!
const bytes = (text: string) => new TextEncoder().encode(text)
const shown = (value: Uint8Array | null | undefined) => (value == null ? null : new TextDecoder().decode(value))

function found(text: string, type: number, format: 0 | 1 = 0, modifier = -1, with_ = detection()): string | null {
  const detect = detectorFor(with_, type, format, hash, modifier)
  if (detect === null) return 'not text'
  return shown(detect(bytes(text)))
}

const mail = 'ann@example.com'
const card = '4111111111111111'

describe('a value of a result', () => {
  it.each([25, 1043, 1042, 19, 705, 142, 1790, 16_500])('of type %i is looked through, in both formats', (type) => {
    for (const format of [0, 1] as const) {
      const expected = type === 16_500 && format === 1 ? null : 'from [redacted], paid [redacted].'
      expect(found(`from ${mail}, paid ${card}.`, type, format)).toBe(expected)
    }
  })
  it.each([16, 17, 20, 23, 701, 1082, 1184, 1700, 2950, 869])('of type %i holds no text', (type) => {
    expect(found(mail, type)).toBe('not text')
  })
  it('that PostgreSQL shows as text is looked through: arrays of cursors, statistics', () => {
    expect(found(`{${mail}}`, 2277)).toBe('{[redacted]}')
    expect(found(`{${mail}}`, 2277, 1)).toBeNull()
    expect(found(`{${mail}}`, 2201)).toBe('{"[redacted]"}')
  })
  it('without a finding is the very same array', () => {
    for (const type of [25, 114, 3802, 2249, 17_000]) {
      const value = bytes('{"a":"nothing to see"}')
      expect(detectorFor(detection(), type, 0, hash)!(value)).toBe(value)
    }
  })
  it('is hidden by the method of its kind, the strictest of several', () => {
    const both = detectionOf([
      { kinds: ['email'], method: 'email', rule: 'p/a' },
      { kinds: ['card', 'email'], method: { partial: { keepLast: 4 } }, rule: 'p/b' },
    ])!
    expect(found(`${mail} ${card}`, 25, 0, -1, both)).toBe('***@example.com ****1111')
    expect(both.rules).toEqual(['p/a', 'p/b'])
    expect(found(`${mail} AKIAIOSFODNN7EXAMPLE`, 25, 0, -1, widestDetection(both))).toBe('***@example.com [redacted]')
    expect(found(mail, 25, 0, -1, widestDetection(null))).toBe('[redacted]')
  })
  it('that no longer fits into varchar(n) is NULL', () => {
    expect(found('a@b.de', 1043, 0, 4 + 6)).toBeNull()
    expect(found('a@b.de', 1043, 0, 4 + 10)).toBe('[redacted]')
  })
  it('that is no UTF-8 is looked through all the same', () => {
    const value = Uint8Array.of(0xe4, 0x20, ...bytes(mail), 0x20, 0xfc)
    expect(detectorFor(detection(), 25, 0, hash)!(value)).toEqual(
      Uint8Array.of(0xe4, 0x20, ...bytes('[redacted]'), 0x20, 0xfc),
    )
  })
  it('that is longer than a piece is looked at whole, across the ends of pieces', () => {
    for (const before of [65_530, 65_536, 131_066, 200_000]) {
      const text = `${'word '.repeat(before / 5)}${mail} ${'x'.repeat(70_000)} ${card}`
      const hidden = found(text, 25)
      expect(hidden).toBe(text.replace(mail, '[redacted]').replace(card, '[redacted]'))
    }
    const broken = Uint8Array.of(...bytes('x '.repeat(40_000)), 0xff, 0x20, ...bytes(mail))
    expect(detectorFor(detection(), 25, 0, hash)!(broken)!.length).toBe(broken.length - mail.length + 10)
  })
})

describe('JSON', () => {
  it.each([
    [`{"a": "${mail}", "n": 1.0}`, '{"a": "[redacted]", "n": 1.0}'],
    [`{"pan":${card}}`, '{"pan":"[redacted]"}'],
    [`{"${mail}":[{"deep":"say ${mail}!"}]}`, '{"[redacted]":[{"deep":"say [redacted]!"}]}'],
    ['{"a":"ann\\u0040example.com"}', '{"a":"[redacted]"}'],
    [`"${mail}"`, '"[redacted]"'],
    ['{"abc":', null],
  ])('%s', (before, after) => {
    expect(found(before, 114)).toBe(after)
    expect(found(before, 3802)).toBe(after)
    const binary = Uint8Array.of(1, ...bytes(before))
    const hidden = detectorFor(detection(), 3802, 1, hash)!(binary)
    expect(hidden === null ? null : [hidden[0], shown(hidden.subarray(1))]).toEqual(after === null ? null : [1, after])
  })
  it('stays JSON, whatever is in it', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(mail, card, 'x'), (text, planted) => {
        const hidden = found(`{"p":"${planted}","rest":${text}}`, 3802) ?? ''
        expect(JSON.parse(hidden).p).toBe(planted === 'x' ? 'x' : '[redacted]')
      }),
    )
  })
})

const binaryArrayOf = (values: readonly (string | null)[], type: number): Uint8Array => {
  const parts = values.map((value) => (value === null ? null : bytes(value)))
  const out = Buffer.alloc(20 + parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0))
  out.writeInt32BE(1, 0)
  out.writeInt32BE(values.includes(null) ? 1 : 0, 4)
  out.writeInt32BE(type, 8)
  out.writeInt32BE(values.length, 12)
  out.writeInt32BE(1, 16)
  let at = 20
  for (const part of parts) {
    out.writeInt32BE(part?.length ?? -1, at)
    if (part !== null) out.set(part, at + 4)
    at += 4 + (part?.length ?? 0)
  }
  return new Uint8Array(out)
}

describe('an array', () => {
  it.each([
    [`{x,${mail},NULL,"a \\"b\\", ${mail}"}`, '{x,"[redacted]",NULL,"a \\"b\\", [redacted]"}'],
    [`[0:1]={{${mail}},{y}}`, '[0:1]={{"[redacted]"},{y}}'],
    ['{}', '{}'],
    ['{"a', null],
    ['x', null],
  ])('%s', (before, after) => {
    expect(found(before, 1009)).toBe(after)
  })
  it('of JSON keeps its elements JSON', () => {
    expect(found(`{"{\\"m\\": \\"${mail}\\"}"}`, 3807)).toBe('{"{\\"m\\": \\"[redacted]\\"}"}')
  })
  it('in binary format keeps its dimensions', () => {
    const detect = detectorFor(detection(), 1009, 1, hash)!
    expect(detect(binaryArrayOf(['x', mail, null], 25))).toEqual(binaryArrayOf(['x', '[redacted]', null], 25))
    const same = binaryArrayOf(['x', null], 25)
    expect(detect(same)).toBe(same)
    expect(detect(same.subarray(0, 22))).toBeNull()
    expect(detect(Uint8Array.of(0, 0, 0, 9))).toBeNull()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (value) => void detect(value)))
  })
})
