// Splits a text into tokens as PostgreSQL's scanner does with standard_conforming_strings on, to see what the parse tree no
// longer shows: how names and numbers were written. It judges nothing that the parser has not accepted before.
import { beyondAscii, utf8Length } from './tree.ts'

export type TokenKind = 'name' | 'quoted' | 'string' | 'number' | 'parameter' | 'comment' | 'other'

export interface Token {
  readonly kind: TokenKind
  /** Indices into the text, end exclusive. */
  readonly start: number
  readonly end: number
}

const nameStart = /[A-Za-z_\u0080-\uffff]/
const namePart = /[A-Za-z0-9_$\u0080-\uffff]/
const space = /[ \t\n\r\f\v]/
const digit = /[0-9]/
/** As long as it is written: the scanner knows no limit. */
const dollarTag = /\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y

/** Every token of the text; whitespace is left out. */
export function tokens(text: string): Token[] {
  const found: Token[] = []
  let at = 0
  while (at < text.length) {
    if (space.test(text.charAt(at))) {
      at += 1
      continue
    }
    const token = tokenAt(text, at)
    found.push(token)
    at = token.end
  }
  return found
}

function tokenAt(text: string, start: number): Token {
  const here = text.charAt(start)
  const next = text.charAt(start + 1)
  if (here === '-' && next === '-') return token('comment', start, lineEnd(text, start))
  if (here === '/' && next === '*') return token('comment', start, commentEnd(text, start))
  if (here === "'") return token('string', start, quoteEnd(text, start, "'", false))
  if (here === '"') return token('quoted', start, quoteEnd(text, start, '"', false))
  if (here === '$') return dollar(text, start)
  if (nameStart.test(here)) return word(text, start)
  if (digit.test(here) || (here === '.' && digit.test(next))) return token('number', start, numberEnd(text, start))
  return token('other', start, start + 1)
}

const token = (kind: TokenKind, start: number, end: number): Token => ({ kind, start, end })

/** A name, or a string or quoted name with a letter before it: E'' B'' X'' N'' U&'' U&"". */
function word(text: string, start: number): Token {
  const letter = text.charAt(start).toLowerCase()
  const next = text.charAt(start + 1)
  if (next === "'" && letter === 'e') return token('string', start, escapedEnd(text, start + 1))
  if (next === "'" && 'bxn'.includes(letter)) return token('string', start, quoteEnd(text, start + 1, "'", false))
  if (letter === 'u' && next === '&') {
    const quote = text.charAt(start + 2)
    if (quote === "'") return token('string', start, quoteEnd(text, start + 2, "'", false))
    if (quote === '"') return token('quoted', start, quoteEnd(text, start + 2, '"', false))
  }
  let end = start + 1
  while (end < text.length && namePart.test(text.charAt(end))) end += 1
  return token('name', start, end)
}

/** Index after the closing quote; a doubled quote is part of the text, after a backslash anything is in E''. */
function quoteEnd(text: string, open: number, quote: string, escapes: boolean): number {
  for (let at = open + 1; at < text.length; at++) {
    const here = text.charAt(at)
    if (escapes && here === '\\') at += 1
    else if (here === quote) {
      if (text.charAt(at + 1) !== quote) return at + 1
      at += 1
    }
  }
  return text.length
}

/** A text of E'' goes on in the next quotes, when only space with a line's end is between them, and escapes go on with it. */
function escapedEnd(text: string, open: number): number {
  let end = quoteEnd(text, open, "'", true)
  for (let next = continued(text, end); next !== null; next = continued(text, end))
    end = quoteEnd(text, next, "'", true)
  return end
}

/** Index of the quote that goes on with a string that ends at `from` (scan.l, `quotecontinue`); null where none does. */
function continued(text: string, from: number): number | null {
  let hasLineEnd = false
  let at = from
  while (at < text.length) {
    const here = text.charAt(at)
    if (here === "'") return hasLineEnd ? at : null
    if (text.startsWith('--', at)) at = lineEnd(text, at)
    else if (space.test(here)) {
      hasLineEnd ||= here === '\n' || here === '\r'
      at += 1
    } else return null
  }
  return null
}

/** `$1`, or a string in `$tag$`. */
function dollar(text: string, start: number): Token {
  if (digit.test(text.charAt(start + 1))) {
    let end = start + 1
    while (digit.test(text.charAt(end))) end += 1
    return token('parameter', start, end)
  }
  dollarTag.lastIndex = start
  const tag = dollarTag.exec(text)?.[0]
  if (tag === undefined) return token('other', start, start + 1)
  const close = text.indexOf(tag, start + tag.length)
  return token('string', start, close < 0 ? text.length : close + tag.length)
}

function lineEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at++) if (text.charAt(at) === '\n' || text.charAt(at) === '\r') return at
  return text.length
}

/** Comments nest. */
function commentEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const pair = text.slice(at, at + 2)
    if (pair === '/*') depth += 1
    else if (pair === '*/') depth -= 1
    else continue
    at += 1
    if (depth === 0) return at + 1
  }
  return text.length
}

/** Takes letters, digits and underscores that touch: versions differ in where such a token ends. */
function numberEnd(text: string, start: number): number {
  let at = start
  while (at < text.length) {
    const here = text.charAt(at)
    const exponentSign = /[+-]/.test(here) && /[eE]/.test(text.charAt(at - 1)) && digit.test(text.charAt(at + 1))
    // `1..2` is two dots between numbers, as in array slices of PL/pgSQL.
    const point = here === '.' && text.charAt(at + 1) !== '.'
    if (!namePart.test(here) && !point && !exponentSign) break
    at += 1
  }
  return at
}

/** A comment that pg_hint_plan and its like read. */
export const hasHint = (text: string): boolean =>
  text.includes('/*+') && tokens(text).some(({ kind, start }) => kind === 'comment' && text.startsWith('/*+', start))

/** PostgreSQL cuts names to NAMEDATALEN - 1 bytes. */
const nameBytesMax = 63
/** Numbers with underscores and in other bases came with 16; before, the rest of such a token was an alias. */
const plainNumber = /^([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/

/** What in the text may mean something else to the server than to our parser. */
export function spellingProblems(text: string, serverVersion: number, serverEncoding: string): string[] {
  const found = new Set<string>()
  if (serverEncoding.toUpperCase() !== 'UTF8' && beyondAscii(text))
    found.add('characters beyond ASCII while the server encoding is not UTF8')
  for (const { kind, start, end } of tokens(text)) {
    if (kind === 'name' || kind === 'quoted') {
      const written = text.slice(start, end)
      if (kind === 'name' && beyondAscii(written)) found.add('an unquoted name beyond ASCII')
      const bytes = utf8Length(written) - (kind === 'quoted' ? 2 : 0)
      if (bytes > nameBytesMax) found.add(`a name of more than ${nameBytesMax} bytes`)
    }
    if (kind === 'number' && serverVersion < 160_000 && !plainNumber.test(text.slice(start, end)))
      found.add('a number that older servers read in another way')
  }
  return [...found]
}
