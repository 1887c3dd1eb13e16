// What every method leaves of a text is recognised when it comes back, alone, in arrays and in JSON; what people and
// programs write is not.
import { createHash, createHmac, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holdsMaskedText, isMaskedBytes, isMaskedText } from './recognise.ts'
import { replaceValue } from './replace.ts'
import type { MaskMethod } from './rule.ts'

const hash = (value: Uint8Array): Uint8Array => createHmac('sha256', 'mask-key').update(value).digest()
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array())
const methods: readonly MaskMethod[] = [
  'redact',
  'hash',
  'year',
  'email',
  { partial: { keepLast: 0 } },
  { partial: { keepLast: 4 } },
]

describe('a masked text that comes back', () => {
  it('is recognised, whatever it hides', () => {
    const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.emailAddress())
    fc.assert(
      fc.property(value, fc.constantFrom(...methods), (text, method) => {
        const masked = decode(replaceValue(method, encode(text), 25, 0, hash))
        return isMaskedText(method, masked)
      }),
    )
  })

  it.each(methods)('%j is recognised in arrays and JSON', (method) => {
    const masked = decode(replaceValue(method, encode('ann.smith@example.com'), 25, 0, hash))
    const written = [
      `{"${masked}",other}`,
      `{other,"${masked}"}`,
      JSON.stringify([masked]),
      JSON.stringify(['a', masked]),
      JSON.stringify({ mail: masked }),
    ]
    for (const text of written) expect(holdsMaskedText(method, text), text).toBe(true)
    expect(holdsMaskedText(method, `say ${masked} to nobody`)).toBe(false)
  })

  it('is recognised as uuid and bytea, in text and in binary format', () => {
    const uuid = '6a1b3c5d-7e8f-4a0b-9c1d-2e3f4a5b6c7d'
    const binary = Buffer.from(uuid.replaceAll('-', ''), 'hex')
    expect(isMaskedText('hash', decode(replaceValue('hash', encode(uuid), 2950, 0, hash)))).toBe(true)
    expect(isMaskedBytes('hash', replaceValue('hash', binary, 2950, 1, hash)!)).toBe(true)
    expect(isMaskedText('redact', decode(replaceValue('redact', encode(uuid), 2950, 0, hash)))).toBe(true)
    expect(isMaskedBytes('redact', replaceValue('redact', binary, 2950, 1, hash)!)).toBe(true)
    expect(isMaskedText('hash', decode(replaceValue('hash', encode('\\x0102'), 17, 0, hash)))).toBe(true)
    expect(isMaskedBytes('hash', encode(decode(replaceValue('hash', encode('a'), 25, 1, hash))))).toBe(true)
    expect(isMaskedBytes('redact', replaceValue('redact', encode('{}'), 3802, 1, hash)!)).toBe(true)
  })
})

describe('an honest value', () => {
  it('is not taken for a masked one', () => {
    const hex = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    const value = fc.oneof(fc.string(), fc.emailAddress(), fc.uuid(), hex, fc.webUrl(), fc.date().map(String))
    fc.assert(fc.property(value, fc.constantFrom(...methods), (text, method) => !holdsMaskedText(method, text)))
  })

  it('is not taken for a pseudonym in a hundred thousand digests and identifiers', () => {
    let found = 0
    for (let n = 0; n < 50_000; n++) {
      if (isMaskedText('hash', createHash('md5').update(String(n)).digest('hex'))) found += 1
      if (isMaskedText('hash', randomUUID())) found += 1
    }
    expect(found).toBe(0)
  })

  it.each([
    '',
    '*',
    '***',
    '**** **** **** 1234',
    '*****',
    '***@',
    'a***@example.com',
    '[redacted',
    'redacted',
    '0',
    '1970-01-01',
    'false',
  ])('%j is none', (text) => {
    for (const method of methods)
      if (!(text === '*****' && typeof method === 'object')) expect(isMaskedText(method, text)).toBe(false)
  })

  it('of another method is none, and NULL is always one', () => {
    expect(isMaskedText('redact', '****1234')).toBe(false)
    expect(isMaskedText({ partial: { keepLast: 4 } }, '****123')).toBe(false)
    expect(isMaskedText('null', '[redacted]')).toBe(false)
  })
})
