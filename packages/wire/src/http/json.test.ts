// JSON of requests in one meaning (THREATS ).
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { type JsonValue, parseJson } from './json.ts'

const bounds = { depthMax: 4, entriesMax: 5 }
const parsed = (text: string) => parseJson(text, bounds)

/** As JSON.parse has it. */
const plain = (value: JsonValue): unknown =>
  value instanceof Map
    ? Object.fromEntries([...value].map(([name, one]) => [name, plain(one)]))
    : Array.isArray(value)
      ? value.map(plain)
      : typeof value === 'bigint'
        ? Number(value)
        : value

describe('a body', () => {
  it.each<[string, JsonValue]>([
    ['{"a":[1,-2.5,"x",true,null]}', new Map([['a', [1n, -2.5, 'x', true, null]]])],
    [' "\\u0061\\n" ', 'a\n'],
    ['9223372036854775807', 9_223_372_036_854_775_807n],
    ['{"__proto__":{"a":1}}', new Map([['__proto__', new Map([['a', 1n]])]])],
    ['[]', []],
    ['1e2', 100],
  ])('%s is read', (text, value) => expect(parsed(text)).toEqual(value))

  it.each([
    ['a name twice', '{"a":1,"a":2}'],
    ['a name twice by an escape', '{"a":1,"\\u0061":2}'],
    ['a name twice in another case', '{"Amount":1,"amount":2}'],
    ['two values', '1 2'],
    ['a comma at the end', '[1,]'],
    ['a comment', '{"a":1/**/}'],
    ['single quotes', "{'a':1}"],
    ['a line end in a text', '"a\nb"'],
    ['an open text', '"a\\"'],
    ['an escape that is none', '"\\x61"'],
    ['half of a pair', '"\\ud800"'],
    ['a number that loses digits', '9223372036854775808'],
    ['a number without end', '1'.repeat(65)],
    ['a number that is too large', '1e400'],
    ['a number that is none', '01'],
    ['NaN', 'NaN'],
    ['a BOM', '\ufeff{}'],
    ['nothing', ''],
    ['more levels than may be', '[[[[[1]]]]]'],
    ['more entries than may be', '[1,2,3,4,5,6]'],
  ])('with %s is refused', (_, text) => expect(() => parsed(text)).toThrow(ProtocolError))

  it('up to its bounds is read', () => {
    expect(parsed('[[[[1]]]]')).toEqual([[[[1n]]]])
    expect(parsed('[1,2,3,4,5]')).toHaveLength(5)
  })

  it('is what JSON.parse reads, or is refused', () => {
    const wide = { depthMax: 100, entriesMax: 1_000 }
    fc.assert(
      fc.property(fc.json(), (text) => {
        let value: JsonValue
        try {
          value = parseJson(text, wide)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ProtocolError)
          return
        }
        expect(plain(value)).toEqual(JSON.parse(text, (_, one) => (Object.is(one, -0) ? 0 : one)))
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseJson(text, wide)
          JSON.parse(text)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ProtocolError)
        }
      }),
    )
  })
})
