// Bound values as reviewers read them. The bytes are those of PostgreSQL's own send functions.
import { describe, expect, it } from 'vitest'
import { shownParameters } from './shown.ts'

const shown = (hex: string, type: number, format: 0 | 1 = 1) =>
  shownParameters(
    {
      type: 'bind',
      portal: '',
      statement: '',
      parameterFormats: [format],
      parameters: [Buffer.from(hex, 'hex')],
      resultFormats: [],
    },
    [type],
  )[0]

describe('a bound value is shown', () => {
  it.each([
    ['a boolean', '01', 16, 'true'],
    ['int2', 'fffe', 21, '-2'],
    ['int4', '0000002a', 23, '42'],
    ['int8', 'ffffffffffffffff', 20, '-1'],
    ['float4', '3fc00000', 700, '1.5'],
    ['float8', '400921fb54442d18', 701, '3.141592653589793'],
    ['text', '6869c3a9', 25, 'hié'],
    ['a uuid', '00112233445566778899aabbccddeeff', 2950, '00112233-4455-6677-8899-aabbccddeeff'],
    ['a date', '00000000', 1082, '2000-01-01'],
    ['a date before 2000', 'ffffffff', 1082, '1999-12-31'],
    ['a timestamp', '00000000000f4241', 1114, '2000-01-01 00:00:01.000001'],
    ['a timestamp before 2000', 'ffffffffffffffff', 1114, '1999-12-31 23:59:59.999999'],
    ['a timestamp with time zone', '0000000000000000', 1184, '2000-01-01 00:00:00.000000+00'],
    ['infinity', '7fffffff', 1082, '‹binary 4 bytes›'],
    ['an unknown type', '0102', 0, '‹binary 2 bytes›'],
    ['a value that does not fit its type', '0102', 23, '‹binary 2 bytes›'],
    ['text that is no UTF-8', 'ff', 25, '‹binary 1 bytes›'],
  ])('%s', (_, hex, type, expected) => {
    expect(shown(hex, type)).toBe(expected)
  })

  it('as it is when it came as text, and as null when it is NULL', () => {
    expect(shown('3432', 23, 0)).toBe('42')
    const none = { type: 'bind', portal: '', statement: '', parameterFormats: [], resultFormats: [] } as const
    expect(shownParameters({ ...none, parameters: [null] }, [])).toEqual([null])
  })
})
