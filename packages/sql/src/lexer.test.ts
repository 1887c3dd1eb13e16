// Tokens as PostgreSQL's scanner sees them: what hides quotes, what nests, where names and numbers end.
import { describe, expect, it } from 'vitest'
import { spellingProblems, tokens } from './lexer.ts'

const shown = (text: string): string[] =>
  tokens(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`)

describe('tokens', () => {
  it.each([
    ["'it''s' x", ["string 'it''s'", 'name x']],
    ["'a\\' b", ["string 'a\\'", 'name b']],
    ["E'a\\' b' c", ["string E'a\\' b'", 'name c']],
    ["E'a'\n'b\\' /*' c", ["string E'a'\n'b\\' /*'", 'name c']],
    ["E'a' -- x'\r\n '\\'' c", ["string E'a' -- x'\r\n '\\''", 'name c']],
    ["E'a' '\\' c", ["string E'a'", "string '\\'", 'name c']],
    ["E'a' /*\n*/ '\\' c", ["string E'a'", 'comment /*\n*/', "string '\\'", 'name c']],
    ["e'\\\\' c", ["string e'\\\\'", 'name c']],
    ['"a""b" c', ['quoted "a""b"', 'name c']],
    ['U&"\\0061" x', ['quoted U&"\\0061"', 'name x']],
    ["u&'\\0061' B'01' x'ff' N'a'", ["string u&'\\0061'", "string B'01'", "string x'ff'", "string N'a'"]],
    ['$$a;b$$ $x$ $$ $x$', ['string $$a;b$$', 'string $x$ $$ $x$']],
    ['$é$ ; $é$', ['string $é$ ; $é$']],
    [`$${'a'.repeat(300)}$ ' $${'a'.repeat(300)}$ x`, [`string $${'a'.repeat(300)}$ ' $${'a'.repeat(300)}$`, 'name x']],
    ['$1 $12abc', ['parameter $1', 'parameter $12', 'name abc']],
    ['a$1$b', ['name a$1$b']],
    ['-- x\ny', ['comment -- x', 'name y']],
    ['/* a /* b */ c */ d', ['comment /* a /* b */ c */', 'name d']],
    ['/* a', ['comment /* a']],
    ["'open", ["string 'open"]],
    ['$a', ['other $', 'name a']],
    ['1.5e-3+.5 1..2', ['number 1.5e-3', 'other +', 'number .5', 'number 1', 'other .', 'number .2']],
    ['0x1F 1_000 123abc', ['number 0x1F', 'number 1_000', 'number 123abc']],
    ['é über', ['name é', 'name über']],
    ['user u', ['name user', 'name u']],
  ])('%s', (text, expected) => expect(shown(text)).toEqual(expected))

  it('covers every character but whitespace', () => {
    const text = `select e'\\'' , "x""y" /* a */ from $q$ ' $q$ where a>=1 -- end`
    const covered = tokens(text).reduce((sum, { start, end }) => sum + end - start, 0)
    const gaps = tokens(text).map(({ start }, at, all) => text.slice(all[at - 1]?.end ?? 0, start))
    expect(gaps.join('').trim()).toBe('')
    expect(covered + gaps.join('').length).toBe(text.length)
  })
})

describe('spelling', () => {
  it.each([
    ['SELECT größe', 180_000, 'UTF8', ['an unquoted name beyond ASCII']],
    ['SELECT "größe"', 180_000, 'UTF8', []],
    ['SELECT "größe"', 180_000, 'LATIN1', ['characters beyond ASCII while the server encoding is not UTF8']],
    [`SELECT "${'é'.repeat(31)}"`, 180_000, 'UTF8', []],
    [`SELECT "${'é'.repeat(32)}"`, 180_000, 'UTF8', ['a name of more than 63 bytes']],
    [`SELECT '${'é'.repeat(64)}'`, 180_000, 'UTF8', []],
    ['SELECT 1_0', 150_000, 'UTF8', ['a number that older servers read in another way']],
    ['SELECT 1_0', 160_000, 'UTF8', []],
    ['SELECT a1_0, $1', 150_000, 'UTF8', []],
  ])('%s on %i in %s', (text, version, encoding, expected) => {
    expect(spellingProblems(text, version, encoding)).toEqual(expected)
  })
})
