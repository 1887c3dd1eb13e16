// Where a text has a shape, PostgreSQL's own scanner finds the same literals in the same places: a literal that only one of
// the two sees would let one text pass for another.
import fc from 'fast-check'
import { loadModule, scanSync } from 'libpg-query'
import { beforeAll, expect, it } from 'vitest'
import { shapeOf } from './shape.ts'

beforeAll(() => loadModule())

const pieces = [
  ...[
    'SELECT',
    'a',
    'b1',
    '_x',
    'E',
    'U&',
    'N',
    'B',
    'x',
    'date',
    'interval',
    'UESCAPE',
    'OPERATOR',
    'e5',
    '$1',
    '$',
    '$$',
  ],
  ...[
    '1',
    '23',
    '0',
    '3000000000',
    '.5',
    '1.',
    '1.5',
    '..',
    '0x1',
    '1_0',
    '-',
    '--',
    '+',
    '/',
    '*',
    '/*',
    '*/',
    '@',
    '|',
    '&',
  ],
  ...[
    "'",
    "''",
    "'a'",
    "'b c'",
    "'é'",
    '"',
    '""',
    '"q"',
    '\\',
    '\n',
    '\t',
    ' ',
    '  ',
    ';',
    ',',
    '.',
    '(',
    ')',
    '[',
    ']',
    ':',
    '::',
  ],
  ...['=', '<', '>', '~', '!', '#', '%', '^', '?', '`', '{', '}', 'é', '\u00a0', '\u000b', '\f'],
]

it('as PostgreSQL scans them', () => {
  let shaped = 0
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((list) => list.join('')),
      (text) => {
        const shape = shapeOf(text)
        if (shape === null) return
        const bytes = (index: number): number => Buffer.byteLength(text.slice(0, index))
        let scanned: { start: number; end: number }[]
        try {
          scanned = scanSync(text)
            .tokens.filter(({ tokenName }) => /^[IFSBX]CONST$|^US?CONST$|COMMENT/.test(tokenName))
            .map(({ start, end }) => ({ start, end }))
        } catch {
          // What PostgreSQL's scanner refuses, the server refuses as well, whatever facts it is taken for.
          return
        }
        shaped += 1
        expect(shape.literals.map(({ start, end }) => ({ start: bytes(start), end: bytes(end) }))).toEqual(scanned)
      },
    ),
    { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 100_000 : 8_000 },
  )
  expect(shaped).toBeGreaterThan(100)
}, 120_000)
