// Laying out changes no character of the text, however it is made.
import { expect, test } from 'vitest'
import { indented } from './indented.ts'

test.each([
  [
    '{"a":1,"b":[true,null],"c":{},"d":[]}',
    '{\n  "a": 1,\n  "b": [\n    true,\n    null\n  ],\n  "c": {},\n  "d": []\n}',
  ],
  ['{"a":"x:{\\"y\\",[z]}\\\\"}', '{\n  "a": "x:{\\"y\\",[z]}\\\\"\n}'],
  ['12345678901234567890.10', '12345678901234567890.10'],
  ['"\\u202e"', '"\\u202e"'],
])('%s', (json, lines) => {
  expect(indented(json)).toBe(lines)
})

test('a text of brackets alone grows by no more than a line of bounded length each', () => {
  const deep = '['.repeat(8_000)
  expect(indented(deep).length).toBeLessThan(deep.length * 100)
  expect(indented(deep).replaceAll(/\s/g, '')).toBe(deep)
})
