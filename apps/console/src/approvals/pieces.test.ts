// No statement hides anything on the card: crafted texts, and the property that nothing is lost or added.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, linesOf, tallyOf } from './pieces.ts'

const joined = (lines: readonly Line[]) =>
  lines.map((line) => line.pieces.map((piece) => piece.text).join('') + line.end).join('')
/** As it is drawn: tokens in brackets. */
const drawn = (lines: readonly Line[]) =>
  lines.map((line) =>
    line.pieces
      .map((piece) =>
        piece.shape === 'text'
          ? piece.text
          : piece.shape === 'foreign'
            ? `${piece.text}[${piece.label}]`
            : `[${piece.label}]`,
      )
      .join(''),
  )
const plain = (text: string) => drawn(linesOf(text, []))

/** Every code point, half surrogates too. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code))

describe('the pieces of a statement', () => {
  it.each([
    ['a right-to-left override', 'a\u202eb', ['a[U+202E]b']],
    ['bidi isolates', '\u2066a\u2069', ['[U+2066]a[U+2069]']],
    ['a zero width space inside a name', 'or\u200bders', ['or[U+200B]ders']],
    ['a word joiner and a byte order mark', '\u2060x\ufeff', ['[U+2060]x[U+FEFF]']],
    ['a no-break space', 'a\u00a0b', ['a[U+00A0]b']],
    ['a null and an escape', '\u0000\u001b[31m', ['[U+0000][U+001B][31m']],
    ['a lone carriage return, which would start the line again', 'drop\rselect', ['drop[U+000D]select']],
    ['a backspace', 'drop\b\b', ['drop[U+0008][U+0008]']],
    ['a line separator', 'a\u2028b', ['a[U+2028]b']],
    ['a Hangul filler, which is a letter and draws nothing', '\u3164', ['[U+3164]']],
    ['an empty braille cell', '\u2800', ['[U+2800]']],
    ['a tag character', '\u{e0041}', ['[U+E0041]']],
    ['half a surrogate pair', 'a\ud800b', ['a[U+D800]b']],
    ['a private use character', '\ue000', ['[U+E000]']],
    ['a Cyrillic letter in a name', 'n\u0430me', ['n\u0430[U+0430]me']],
    ['a whole word beyond ASCII as one token', '\u9867\u5ba2', ['\u9867\u5ba2[U+9867 U+5BA2]']],
    [
      'a long word beyond ASCII with its rest counted',
      '\u0430'.repeat(6),
      [`${'\u0430'.repeat(6)}[U+0430 U+0430 U+0430 U+0430 +2]`],
    ],
    ['a Greek question mark that looks like a semicolon', 'a\u037e', ['a\u037e[U+037E]']],
    ['a stack of combining marks', `a${'\u0301'.repeat(12)}`, ['a[12 combining marks]']],
    ['a long run of spaces', `a${' '.repeat(240)};`, ['a[240 spaces];']],
    ['tabs', `a${'\t'.repeat(60)};`, ['a[60 tabs];']],
    ['spaces and tabs', `a${' \t'.repeat(30)};`, ['a[60 spaces and tabs];']],
    ['many empty lines', `a${'\n'.repeat(40)}b`, ['a', '[39 empty lines]', 'b']],
    ['lines of spaces', `a\n${'   \n'.repeat(9)}b`, ['a', '[9 empty lines]', 'b']],
    ['an indented statement, as it is', 'select\n    1', ['select', '    1']],
    ['Windows line ends, as line ends', 'select\r\n1', ['select', '1']],
  ])('draw %s', (_, text, expected) => {
    expect(plain(text)).toEqual(expected)
  })

  it('leave other scripts alone in strings and comments, but not what could pass for a quote', () => {
    const text = "'\u0430\u02bc' -- \u0430"
    const spans = [
      { start: 0, end: 4, kind: 'string' as const },
      { start: 5, end: text.length, kind: 'comment' as const },
    ]
    expect(drawn(linesOf(text, spans))).toEqual(["'\u0430\u02bc[U+02BC]' -- \u0430"])
  })

  it('carry the kind of their span, and stay plain between spans', () => {
    const [line] = linesOf('select a', [{ start: 0, end: 6, kind: 'keyword' }])
    expect(line?.pieces.map((piece) => [piece.text, piece.kind])).toEqual([
      ['select', 'keyword'],
      [' a', 'plain'],
    ])
  })

  it('show the characters of spans that overlap, run backwards or leave the text', () => {
    const text = 'select 1'
    const spans = [
      { start: 0, end: 6, kind: 'keyword' as const },
      { start: 3, end: 8, kind: 'name' as const },
      { start: 7, end: 99, kind: 'number' as const },
      { start: 8, end: 7, kind: 'number' as const },
    ]
    expect(joined(linesOf(text, spans))).toBe(text)
  })

  it('count what the reader must know', () => {
    const text = 'sel\u0435ct\n\u202e1\u200b'
    expect(tallyOf(text, linesOf(text, []))).toEqual({ characters: 10, lines: 2, hidden: 2, foreign: 1 })
  })

  it('joined are the statement, for any text and any spans', () => {
    const character = fc.oneof(
      fc.constantFrom(' ', '\t', '\n', '\r\n', '\r', '\u202e', '\u200b', "'", ';', '\u0301', '\ud800', '\u{1f600}'),
      anyCharacter,
      fc.nat({ max: 60 }).map((count) => ' '.repeat(count)),
    )
    const text = fc.array(character, { maxLength: 24 }).map((parts) => parts.join(''))
    const kind = fc.constantFrom('keyword', 'name', 'string', 'number', 'operator', 'comment', 'parameter')
    const span = fc.record({ start: fc.integer({ min: -5, max: 90 }), end: fc.integer({ min: -5, max: 90 }), kind })
    fc.assert(
      fc.property(text, fc.array(span, { maxLength: 8 }), (sql, spans) => {
        expect(joined(linesOf(sql, spans as never))).toBe(sql)
      }),
      { numRuns: 200 },
    )
  })

  it('are found in time that grows with the text, and no faster', () => {
    // 240 kB of what costs most: letters beyond ASCII that join, in one line. Quadratic work would not end in this test.
    const sql = '\u0430'.repeat(120_000)
    const [line] = linesOf(sql, [])
    expect(line?.pieces).toHaveLength(1)
    expect(line?.pieces[0]?.label).toContain('+119996')
  })

  it('hold no hidden character outside a token, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 80 }), (sql) => {
        const shown = linesOf(sql, []).flatMap((line) => line.pieces.filter((piece) => piece.shape === 'text'))
        for (const piece of shown) expect(piece.text).toMatch(/^[\t\x20-\x7e]*$/)
      }),
      { numRuns: 200 },
    )
  })
})
