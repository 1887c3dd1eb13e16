// What of a statement is kept: THREATS, DESIGN §6.
import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { factsOf } from '../../test/toy-gate.ts'
import { scanTokens } from '../postgres/tokens.ts'
import { recordedParametersMax, recordedTextCharsMax, recordStatement, withoutLiterals } from './recorded.ts'

beforeAll(async () => {
  await loadModule()
})
const none = { values: [], formats: [], lengths: [] }
const kept = (text: string, sensitive = false) => recordStatement(text, factsOf(text), none, sensitive, scanTokens).text

describe('literals of a sensitive text', () => {
  it.each([
    ["select 'a', 'it''s', 42, 1.5, -7e3", 'select ‹const›, ‹const›, ‹const›, ‹const›, -‹const›'],
    ["select E'x\\n', U&'d\\0061t', B'01', X'1F', N'n'", 'select ‹const›, ‹const›, ‹const›, ‹const›, n‹const›'],
    ['select $$a$$, $tag$b$tag$', 'select ‹const›, ‹const›'],
    ['select \'é€😀\' || "Größe" from t', 'select ‹const› || "Größe" from t'],
    ["select a /* 'secret' */ from t -- 900-12-3456", 'select a  from t '],
    ['select $1', 'select $1'],
  ])('%s', (text, expected) => {
    expect(withoutLiterals(text, scanTokens).replace(/N‹/, 'n‹')).toBe(expected)
  })

  it('a text that does not split into tokens is not shown at all', () => {
    expect(withoutLiterals("select 'no end", scanTokens)).toBe('‹unreadable text, 14 bytes›')
  })
})

describe('a recorded statement', () => {
  it('is the text itself when nothing in it is protected', () => {
    expect(kept("select 'a'")).toBe("select 'a'")
  })

  it.each(["alter role x password 'p'", "create user x password 'p'", "create subscription s connection 'password=p'"])(
    'never holds the secret of: %s',
    (text) => {
      expect(kept(text)).toContain('‹const›')
      expect(kept(text)).not.toContain("'")
    },
  )

  it('is sensitive when it could not be analysed', () => {
    expect(recordStatement("select 'a'", null, none, false, scanTokens).text).toBe('select ‹const›')
  })

  it('is cut at its bound, and says so, never in the middle of a character', () => {
    const fits = recordStatement('x'.repeat(recordedTextCharsMax), factsOf(''), none, false, scanTokens)
    expect(fits).toMatchObject({ textTruncated: false })
    const text = `${'x'.repeat(recordedTextCharsMax - 1)}😀`
    const cut = recordStatement(text, factsOf(''), none, false, scanTokens)
    expect(cut).toMatchObject({ textTruncated: true, text: 'x'.repeat(recordedTextCharsMax - 1) })
  })
})

describe('recorded parameters', () => {
  const shown = (sensitive: boolean, values: (string | null)[], formats: (0 | 1)[], lengths: (number | null)[]) =>
    recordStatement('', factsOf(''), { values, formats, lengths }, sensitive, scanTokens).parameters

  it('are the values, NULL, or the size of what is no text', () => {
    expect(shown(false, ['a', null, null], [0, 0, 1], [1, null, 8])).toEqual(['a', null, '‹binary 8 bytes›'])
  })

  it('are kinds only where they may meet protected columns', () => {
    expect(shown(true, ['a', null, null], [0, 0, 1], [1, null, 8])).toEqual(['‹text›', null, '‹binary›'])
  })

  it('are bounded in length and number', () => {
    const many = recordedParametersMax + 1
    const all = shown(false, Array(many).fill('a'), Array(many).fill(0), Array(many).fill(1))
    expect(all).toHaveLength(recordedParametersMax + 1)
    expect(all.at(-1)).toBe('‹1 more›')
    expect(shown(false, ['x'.repeat(5_000)], [0], [5_000])[0]).toMatch(/^x{2048}‹of 5000 bytes›$/)
  })
})
