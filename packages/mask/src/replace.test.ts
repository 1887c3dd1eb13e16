// Masked values: valid in type and format, the same pseudonym in both formats, nothing of the value beyond what a method
// declares. Expected bytes are written by hand.
// THREATS.
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { replaceValue } from './replace.ts'
import type { MaskMethod } from './rule.ts'

const hash = (value: Uint8Array): Uint8Array => createHmac('sha256', 'mask-key').update(value).digest()
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const partial = (keepLast: number): MaskMethod => ({ partial: { keepLast } })

const masked = (method: MaskMethod, value: string, oid: number): string | null => {
  const found = replaceValue(method, text(value), oid, 0, hash)
  return found === null ? null : new TextDecoder('utf-8', { fatal: true }).decode(found)
}
const maskedBinary = (method: MaskMethod, hex: string, oid: number): string | null => {
  const found = replaceValue(method, bytes(hex), oid, 1, hash)
  return found === null ? null : Buffer.from(found).toString('hex')
}

const oids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
  textArray: 1009,
  inet: 869,
  name: 19,
}

describe('text', () => {
  it.each([
    ['null', 'ann@example.com', null],
    ['redact', 'ann@example.com', '[redacted]'],
    ['redact', '', '[redacted]'],
    ['year', '1985-03-02', '[redacted]'],
    ['email', 'ann@example.com', '***@example.com'],
    ['email', 'a@mail.example.co.uk', '***@mail.example.co.uk'],
    ['email', 'odd"@"local@example.com', '***@example.com'],
    ['email', 'ann@example.com   ', '***@example.com'],
    ['email', 'ann', '[redacted]'],
    ['email', '@example.com', '[redacted]'],
    ['email', 'ann@localhost', '[redacted]'],
    ['email', 'ann@example.com; ssn 123-45-6789', '[redacted]'],
    ['email', 'ann@exa mple.com', '[redacted]'],
    ['email', 'ann@-example.com', '[redacted]'],
    [partial(4), '4111111111111111', '****1111'],
    [partial(4), '12345678', '****5678'],
    [partial(4), '1234567', '****'],
    [partial(4), '', '****'],
    [partial(0), '12345678', '****'],
    [partial(2), 'añ😀b', '****😀b'],
    [partial(2), 'añ😀', '****'],
    [partial(2), 'secret  ', '****et'],
    [partial(2), 'secret\t\n\v\f\r ', '****et'],
    [partial(2), 'secre\u001c', '****e\u001c'],
    [partial(2), 'abc \t', '****'],
    [partial(2), 'secrét\t\n\v\f\r ', '****ét'],
    [partial(4), `${'x'.repeat(2_000)}1234`, '****1234'],
  ] as const)('%j of %j is %j', (method, value, expected) => {
    expect(masked(method, value, oids.text)).toBe(expected)
    const binary = replaceValue(method, text(value), oids.varchar, 1, hash)
    expect(binary === null ? null : Buffer.from(binary).toString()).toBe(expected)
  })

  it('does not tell the length of what it hides', () => {
    const lengths = ['x'.repeat(10), 'x'.repeat(1_000)].map((value) => masked(partial(4), value, oids.text)?.length)
    expect(lengths).toEqual([8, 8])
  })

  it('is hashed to 32 hexadecimal digits under the key', () => {
    const found = masked('hash', 'ann', oids.text)
    // 96 bits of the hash; the rest is a checksum of them (seal.ts).
    expect(found).toHaveLength(32)
    expect(found?.slice(0, 24)).toBe(createHmac('sha256', 'mask-key').update('ann').digest('hex').slice(0, 24))
    expect(masked('hash', 'bob', oids.text)).not.toBe(found)
  })

  it.each([oids.text, oids.varchar, oids.bpchar, oids.name])('type %i takes every method', (oid) => {
    for (const method of ['redact', 'hash', 'year', 'email', partial(3)] as const) {
      expect(masked(method, 'some value here', oid)).not.toBeNull()
    }
  })

  it('hides bytes that are not UTF-8 whole', () => {
    for (const method of ['email', partial(4)] as const) {
      const found = replaceValue(method, bytes('ff fe 61 62 63 64 65 66 67 68'), oids.text, 0, hash)
      expect(['[redacted]', '****']).toContain(Buffer.from(found!).toString())
    }
  })
})

describe('numbers', () => {
  it.each([
    ['redact', '42', oids.int4, '0'],
    ['year', '42', oids.int4, '0'],
    ['email', '42', oids.int8, '0'],
    ['redact', '3.14', oids.numeric, '0'],
    ['redact', '3.14', oids.float8, '0'],
    [partial(4), '4111111111111111', oids.int8, '1111'],
    [partial(4), '-12345678', oids.int8, '5678'],
    [partial(4), '1234567', oids.int8, '0'],
    [partial(2), '3.14159', oids.numeric, '0'],
    ['hash', 'not a number', oids.int4, null],
    ['hash', '1e400x', oids.float8, null],
  ] as const)('%j of %j as type %i is %j', (method, value, oid, expected) => {
    expect(masked(method, value, oid)).toBe(expected)
  })

  it.each([
    ['redact', '0000002a', oids.int4, '00000000'],
    ['redact', '002a', oids.int2, '0000'],
    ['redact', '000000000000002a', oids.int8, '0000000000000000'],
    ['redact', '40490fdb', oids.float4, '00000000'],
    ['redact', '0001 0000 0000 0000 002a', oids.numeric, '0000000000000000'],
    [partial(2), '00bc614e', oids.int4, '0000004e'],
    ['hash', '00', oids.int4, null],
    ['hash', '0001', oids.numeric, null],
  ] as const)('%j of binary %s as type %i is %j', (method, value, oid, expected) => {
    expect(maskedBinary(method, value, oid)).toBe(expected)
  })

  it.each([
    ['int2', oids.int2, '42', '002a', 15],
    ['int4', oids.int4, '-42', 'ffffffd6', 31],
    ['int8', oids.int8, '9223372036854775807', '7fffffffffffffff', 53],
  ] as const)('a pseudonym of %s is one number in both formats', (_, oid, written, binary, bits) => {
    const asText = Number(masked('hash', written, oid))
    const asBinary = Number(BigInt(`0x${maskedBinary('hash', binary, oid)}`))
    expect(asText).toBe(asBinary)
    expect(asText).toBeGreaterThanOrEqual(0)
    expect(asText).toBeLessThan(2 ** bits)
  })

  // numeric_send of 12345.6700 is ndigits 3, weight 1, sign +, dscale 4, digits 1 2345 6700.
  it.each([
    ['12345.67', '0003 0001 0000 0004 0001 0929 1a2c'],
    ['12345.6700', '0003 0001 0000 0004 0001 0929 1a2c'],
    ['-0.0001', '0001 ffff 4000 0004 0001'],
    ['0.00000001', '0001 fffe 0000 0008 0001'],
    ['0', '0000 0000 0000 0000'],
    ['100000000', '0001 0002 0000 0000 0001'],
    ['NaN', '0000 0000 c000 0000'],
  ])('a pseudonym of numeric %s is one number in both formats', (written, binary) => {
    const digits = masked('hash', written, oids.numeric)!
    const found = Buffer.from(maskedBinary('hash', binary, oids.numeric)!, 'hex')
    let decoded = 0
    for (let at = 8; at < found.length; at += 2) decoded = decoded * 10_000 + found.readUInt16BE(at)
    expect(found.readInt16BE(0)).toBe((found.length - 8) / 2)
    expect(found.readInt16BE(2)).toBe((found.length - 8) / 2 - 1)
    expect(String(decoded)).toBe(digits)
  })

  it('pseudonyms of floats agree in both formats', () => {
    const eight = maskedBinary('hash', '400921fb54442d18', oids.float8)!
    expect(Buffer.from(eight, 'hex').readDoubleBE(0)).toBe(Number(masked('hash', '3.141592653589793', oids.float8)))
    const four = maskedBinary('hash', '40490fdb', oids.float4)!
    expect(Buffer.from(four, 'hex').readFloatBE(0)).toBe(Number(masked('hash', '3.1415927', oids.float4)))
  })

  it('pseudonyms do not keep the order', () => {
    const found = [1, 2, 3, 4, 5, 6, 7, 8].map((value) => Number(masked('hash', String(value), oids.int4)))
    expect(found).not.toEqual(found.toSorted((left, right) => left - right))
  })
})

describe('dates', () => {
  it.each([
    ['year', '1985-03-02', oids.date, '1985-01-01'],
    ['year', '0044-03-15', oids.date, '0044-01-01'],
    ['year', '0044-03-15 BC', oids.date, null],
    ['year', 'infinity', oids.date, null],
    ['year', '02/03/1985', oids.date, null],
    ['redact', '1985-03-02', oids.date, '1970-01-01'],
    ['email', '1985-03-02', oids.date, '1970-01-01'],
    ['hash', '1985-03-02', oids.date, null],
    ['year', '1985-03-02 04:05:06.789', oids.timestamp, '1985-01-01 00:00:00'],
    ['year', '1985-03-02 04:05:06.789+02', oids.timestamptz, '1985-01-01 00:00:00+00'],
    ['year', '1985-01-01 00:30:00+01', oids.timestamptz, '1984-01-01 00:00:00+00'],
    ['year', '1984-12-31 23:30:00-01', oids.timestamptz, '1985-01-01 00:00:00+00'],
    ['year', '1984-12-25 00:01:00-167:59', oids.timestamptz, '1985-01-01 00:00:00+00'],
    ['year', 'Sat Mar 02 04:05:06 1985 CET', oids.timestamptz, null],
    ['redact', '1985-03-02 04:05:06+02', oids.timestamptz, '1970-01-01 00:00:00+00'],
  ] as const)('%j of %j as type %i is %j', (method, value, oid, expected) => {
    expect(masked(method, value, oid)).toBe(expected)
  })

  // Days and microseconds since 2000-01-01: 1985-03-02 is day -5418, 1985-01-01 is day -5478.
  it.each([
    ['year', 'ffffead6', oids.date, 'ffffea9a'],
    ['redact', 'ffffead6', oids.date, 'ffffd533'],
    ['year', '7fffffff', oids.date, null],
    ['year', '80000000', oids.date, null],
    ['year', '00000000', oids.date, '00000000'],
    ['year', 'ffffffff', oids.date, 'fffffe93'],
    ['year', '0000000000000001', oids.timestamp, '0000000000000000'],
    ['year', 'ffffffffffffffff', oids.timestamptz, 'ffffe35173ec2000'],
    ['year', '7fffffffffffffff', oids.timestamp, null],
    ['year', '00', oids.timestamp, null],
  ] as const)('%j of binary %s as type %i is %j', (method, value, oid, expected) => {
    expect(maskedBinary(method, value, oid)).toBe(expected)
  })

  it('the years of binary dates are those of the calendar', () => {
    for (const written of [
      '0001-01-01',
      '0004-12-31',
      '1600-02-29',
      '1899-12-31',
      '1900-01-01',
      '2000-02-29',
      '2024-12-31',
      '2100-03-01',
      '9999-12-31',
    ]) {
      const days = (Date.parse(`${written}T00:00:00Z`) - Date.UTC(2000, 0, 1)) / 86_400_000
      const value = Buffer.alloc(4)
      value.writeInt32BE(days)
      const start = (Date.parse(`${written.slice(0, 4)}-01-01T00:00:00Z`) - Date.UTC(2000, 0, 1)) / 86_400_000
      const found = Buffer.from(replaceValue('year', value, oids.date, 1, hash)!)
      expect([written, found.readInt32BE(0)]).toEqual([written, start])
    }
  })
})

describe('other types', () => {
  it.each([
    ['redact', 't', oids.bool, 'f'],
    ['hash', 't', oids.bool, 'f'],
    ['redact', '{"a":1}', oids.json, '"[redacted]"'],
    ['hash', '{"a":1}', oids.jsonb, null],
    [partial(4), '{"a":1}', oids.jsonb, null],
    ['redact', '\\x0102', oids.bytea, '\\x'],
    ['redact', '6e9c1d2a-4b8e-4c1e-9d2f-8a7b6c5d4e3f', oids.uuid, '00000000-0000-0000-0000-000000000000'],
    ['hash', 'not a uuid', oids.uuid, null],
    ['redact', '{a,b}', oids.textArray, null],
    ['redact', '10.0.0.1', oids.inet, null],
    ['redact', '04:05:06', oids.time, null],
    ['redact', 'happy', 16_999, null],
  ] as const)('%j of %j as type %i is %j', (method, value, oid, expected) => {
    expect(masked(method, value, oid)).toBe(expected)
  })

  it('jsonb in binary keeps its version', () => {
    expect(maskedBinary('redact', '017b7d', oids.jsonb)).toBe(`01${Buffer.from('"[redacted]"').toString('hex')}`)
  })

  it('a hashed uuid is a valid uuid, and one in both formats', () => {
    const written = masked('hash', '6E9C1D2A-4b8e-4c1e-9d2f-8a7b6c5d4e3f', oids.uuid)!
    expect(written).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(maskedBinary('hash', '6e9c1d2a4b8e4c1e9d2f8a7b6c5d4e3f', oids.uuid)).toBe(written.replaceAll('-', ''))
  })

  it('hashed bytes are one in both formats', () => {
    expect(`\\x${maskedBinary('hash', '0102', oids.bytea)}`).toBe(masked('hash', '\\x0102', oids.bytea))
  })
})

describe('null', () => {
  it.each(Object.values(oids))('stays NULL under every method, and method null gives NULL (type %i)', (oid) => {
    for (const format of [0, 1] as const) {
      for (const method of ['null', 'redact', 'hash', 'year', 'email', partial(4)] as const) {
        expect(replaceValue(method, null, oid, format, hash)).toBeNull()
      }
      expect(replaceValue('null', text('x'), oid, format, hash)).toBeNull()
    }
  })
})

describe('a type with a length', () => {
  const fit = (method: MaskMethod, value: string, oid: number, typeModifier: number): string | null => {
    const found = replaceValue(method, text(value), oid, 0, hash, typeModifier)
    return found === null ? null : Buffer.from(found).toString()
  }
  // varchar(n) and char(n) have n + 4; numeric(p, s) has p * 65536 + s + 4.
  it.each([
    ['redact', 'somebody', oids.varchar, 14, '[redacted]'],
    ['redact', 'somebody', oids.varchar, 13, null],
    ['redact', 'DE', oids.bpchar, 6, null],
    ['redact', 'somebody', oids.text, -1, '[redacted]'],
    [partial(4), '4111111111111111', oids.varchar, 20, '****1111'],
    [partial(4), '12345678', oids.varchar, 11, null],
    [partial(2), 'ååååååå', oids.varchar, 10, '****åå'],
    ['email', 'a@b.io', oids.varchar, 13, '***@b.io'],
    ['email', 'a@b.io', oids.varchar, 10, null],
    ['null', 'x', oids.varchar, 5, null],
    ['redact', '9.99', oids.numeric, 10 * 65_536 + 2 + 4, '0'],
    ['hash', '9.99', oids.numeric, 10 * 65_536 + 2 + 4, null],
    ['hash', '9.99', oids.numeric, 17 * 65_536 + 2 + 4, null],
  ] as const)('%j of %j as type %i with modifier %i is %j', (method, value, oid, typeModifier, expected) => {
    expect(fit(method, value, oid, typeModifier)).toBe(expected)
  })

  it('takes a pseudonym as far as there is room, and whole where there is enough', () => {
    const whole = fit('hash', 'ann', oids.varchar, -1)
    expect(whole).toHaveLength(32)
    expect(fit('hash', 'ann', oids.varchar, 12 + 4)).toBe(whole?.slice(0, 12))
    expect(fit('hash', '9', oids.numeric, 18 * 65_536 + 2 + 4)).toBe(fit('hash', '9', oids.numeric, -1))
    expect(fit('hash', '9', oids.numeric, 16 * 65_536 + 0x7ff + 4)).toBe(fit('hash', '9', oids.numeric, -1))
  })
})
