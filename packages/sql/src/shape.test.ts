// Shapes of texts: what is a literal, and where there is no shape because PostgreSQL could read the text in another way.
import { describe, expect, it } from 'vitest'
import { shapeOf } from './shape.ts'

const literals = (text: string): string[] | null =>
  shapeOf(text)?.literals.map(({ start, end }) => text.slice(start, end)) ?? null

describe('a text has the shape of another one', () => {
  it.each([
    ['SELECT a FROM t WHERE id = 7', 'SELECT a FROM t WHERE id = 1234567'],
    ["SELECT a FROM t WHERE n = 'x'", "SELECT a FROM t WHERE n = 'it''s ; -- /* \"'"],
    ["INSERT INTO t VALUES (1, 'a', 2.5)", "INSERT INTO t VALUES (2, '', 10.75)"],
    ["SELECT 'é'", "SELECT 'ß and 漢'"],
    ['SELECT 1;', 'SELECT 2;'],
    ['SELECT a[1]', 'SELECT a[12]'],
    ['SELECT -5', 'SELECT -6'],
    ['SELECT 3000000000', 'SELECT 9223372036854775807'],
    ['SELECT 0001', 'SELECT 2147483647'],
  ])('%s ~ %s', (one, other) => {
    expect(shapeOf(one)?.key).toBeDefined()
    expect(shapeOf(one)?.key).toBe(shapeOf(other)?.key)
  })
})

describe('a text has another shape', () => {
  it.each([
    ['SELECT 1', 'SELECT 3000000000'],
    ['SELECT 1', 'SELECT 1.5'],
    ['SELECT 1', "SELECT '1'"],
    ['SELECT 9223372036854775807', 'SELECT 9223372036854775808'],
    ["SELECT 'a'", "SELECT 'é'"],
    ['SELECT "1"', 'SELECT "2"'],
    ['SELECT $1', 'SELECT $2'],
    ['SELECT a1', 'SELECT a2'],
    ['SELECT 1 - 2', 'SELECT 1 + 2'],
    ['SELECT 1 ', 'SELECT 1'],
    ['SELECT 1, 2', 'SELECT 1'],
    ["SELECT 'a', 'b'", "SELECT 'a'', ''b'"],
    ['SELECT a FROM t', 'select a FROM t'],
  ])('%s ≠ %s', (one, other) => {
    expect(shapeOf(one)?.key).toBeDefined()
    expect(shapeOf(one)?.key).not.toBe(shapeOf(other)?.key)
  })
})

it.each([
  ['SELECT 1, 2.5, .5', ['1', '2.5', '.5']],
  ["SELECT 'a''b', 'c'", ["'a''b'", "'c'"]],
  ['SELECT "a""\'1" FROM t1 WHERE $1 = x', []],
  ['SELECT * FROM t LIMIT 10 OFFSET 5', ['10', '5']],
  ['SELECT a.b1, t2.c FROM t2', []],
])('the literals of %s', (text, expected) => {
  expect(literals(text)).toEqual(expected)
})

// Each of these is read by PostgreSQL in a way that this reading would have to know.
it.each([
  ['a comment to the end of the line', 'SELECT 1 -- x'],
  ['a comment in brackets', 'SELECT /* 1 */ 1'],
  ['an operator that ends in a comment', 'SELECT 1 +-- 2'],
  ['an operator before a comment', 'SELECT 1 */* 2 */ 3'],
  ['an escape string', "SELECT E'a'"],
  ['a small escape string', "SELECT e'a\\'b'"],
  ['a backslash in a plain string', "SELECT 'a\\'"],
  ['a bit string', "SELECT B'01'"],
  ['a hexadecimal string', "SELECT x'0f'"],
  ['a national string', "SELECT N'a'"],
  ['a Unicode string', "SELECT U&'a'"],
  ['a Unicode name', 'SELECT U&"a"'],
  ['a name right before a quoted one', 'SELECT a"b"'],
  ['a typed literal without a space', "SELECT date'2020-01-01'"],
  ['a dollar string', 'SELECT $$a$$'],
  ['a tagged dollar string', 'SELECT $x$a$x$'],
  ['a parameter with a letter', 'SELECT $1a'],
  ['a number with a letter', 'SELECT 1a'],
  ['an exponent', 'SELECT 1e5'],
  ['a hexadecimal number', 'SELECT 0x1f'],
  ['a number with an underscore', 'SELECT 1_000'],
  ['two dots', 'SELECT a[1..2]'],
  ['a number behind a name and a dot', 'SELECT a.1'],
  ['two strings that are one', "SELECT 'a'\n'b'"],
  ['two strings side by side', "SELECT 'a' 'b'"],
  ['a second statement', 'SELECT 1; SELECT 2'],
  ['a string without an end', "SELECT 'a"],
  ['a name without an end', 'SELECT "a'],
  ['a letter beyond ASCII in a name', 'SELECT é'],
  ['a space beyond ASCII', 'SELECT\u00a01'],
  ['a control character', 'SELECT\u00011'],
  ['a vertical tab', 'SELECT\u000b1'],
  ['a NUL in a string', "SELECT 'a\0b'"],
  ['half a character in a string', "SELECT '\ud800'"],
  ['a backslash', 'SELECT \\1'],
  ['too many literals', `SELECT ${Array.from({ length: 300 }, (_, index) => index).join(', ')}`],
])('%s has no shape', (_what, text) => {
  expect(shapeOf(text)).toBeNull()
})
