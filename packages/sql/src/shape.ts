// The shape of a text: the text without the values of its literals. Two texts of one shape differ in literals alone, so that
// what was found out about one of them without looking at a value holds for the other (DESIGN §4, Cache).
// INVARIANT: where our reading of a text could differ from PostgreSQL's scanner there is no shape. It knows names, quoted
// names, plain strings, decimal numbers, `$1` and operators; with comments, escapes, dollar quotes, letters at numbers or
// quotes, control characters or a second statement there is none (PostgreSQL manual, "Lexical Structure").

/** A literal of a text, as indices into it; `sign` is the place of a minus right before it, or -1. */
export interface Literal {
  readonly start: number
  readonly end: number
  readonly sign: number
}

export interface Shape {
  /** Equal for texts of one shape, and for no others. */
  readonly key: string
  readonly literals: readonly Literal[]
  /** Some string holds characters beyond ASCII: indices and byte offsets differ. */
  readonly beyondAscii: boolean
}

/** A text with more is not worth a shape: it is seldom sent twice. */
export const shapeLiteralsMax = 200
const digitsMax = 100

const tab = 9
const lineFeed = 10
const formFeed = 12
const carriageReturn = 13
const space = 32
const doubleQuote = 34
const dollar = 36
const quote = 39
const star = 42
const minus = 45
const dot = 46
const slash = 47
const zero = 48
const nine = 57
const semicolon = 59
const backslash = 92
const underscore = 95
const lastAscii = 126

const isDigit = (code: number): boolean => code >= zero && code <= nine
const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === underscore
const isSpace = (code: number): boolean =>
  code === space || code === lineFeed || code === tab || code === carriageReturn || code === formFeed
const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff

/** Classes of literals, none of which can stand in a text that has a shape. */
const classes = {
  string: '\u0001',
  /** A string with characters beyond ASCII, which the analysis refuses at servers of another encoding. */
  wideString: '\u0002',
  /** Numbers by the type that the server gives them: they choose functions and operators. */
  int4: '\u0003',
  int8: '\u0004',
  numeric: '\u0005',
} as const

/** The shape of a text, or null where it has none that is safe to go by. */
export function shapeOf(text: string): Shape | null {
  const literals: Literal[] = []
  let key = ''
  let beyondAscii = false
  /** What of the text is not in the key yet. */
  let from = 0
  let lastMinus = -1
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (isSpace(code)) {
      at += 1
      continue
    }
    const start = at
    if (isLetter(code)) {
      at = afterName(text, at)
      const next = text.charCodeAt(at)
      // E'' B'' X'' N'' U&'' U&"", and types before strings: not read here.
      if (next === quote || next === doubleQuote || (next === 38 && isQuote(text.charCodeAt(at + 1)))) return null
    } else if (isDigit(code) || (code === dot && isDigit(text.charCodeAt(at + 1)))) {
      at = afterNumber(text, at)
      if (at < 0 || !mayBeginNumber(text, start)) return null
      key += text.slice(from, start) + numberClass(text.slice(start, at))
      from = at
      literals.push({ start, end: at, sign: lastMinus })
    } else if (code === quote) {
      at = afterString(text, at)
      if (at < 0) return null
      const isWide = isBeyondAscii(text, start, at)
      beyondAscii ||= isWide
      key += text.slice(from, start) + (isWide ? classes.wideString : classes.string)
      from = at
      literals.push({ start, end: at, sign: lastMinus })
    } else if (code === doubleQuote) {
      at = afterQuotedName(text, at)
      if (at < 0) return null
    } else if (code === dollar) {
      at = afterParameter(text, at)
      if (at < 0) return null
    } else if (code === semicolon) {
      if (text.slice(at + 1).trim() !== '') return null
      at += 1
    } else {
      if (code < space || code > lastAscii || code === backslash) return null
      const next = text.charCodeAt(at + 1)
      if ((code === minus && next === minus) || (code === slash && next === star)) return null
      at += 1
    }
    if (literals.length > shapeLiteralsMax) return null
    lastMinus = code === minus ? start : -1
  }
  return { key: key + text.slice(from), literals, beyondAscii }
}

const isQuote = (code: number): boolean => code === quote || code === doubleQuote

function afterName(text: string, start: number): number {
  let at = start + 1
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (!isLetter(code) && !isDigit(code) && code !== dollar) break
  }
  return at
}

/** A number behind a name, a bracket or another number is a column of an array, or is read in ways that we leave alone. */
function mayBeginNumber(text: string, start: number): boolean {
  if (text.charCodeAt(start) !== dot) return true
  const before = text.charCodeAt(start - 1)
  return start === 0 || isSpace(before) || before === 40 || before === 44 || before === 61
}

/** Digits with at most one dot; -1 for everything that goes on in another way. */
function afterNumber(text: string, start: number): number {
  let at = start
  let dots = 0
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === dot) dots += 1
    else if (!isDigit(code)) {
      if (isLetter(code) || code === dollar || code > lastAscii) return -1
      break
    }
  }
  return dots > 1 || at - start > digitsMax ? -1 : at
}

const int4Max = '2147483647'
const int8Max = '9223372036854775807'

/** As the server types a decimal constant (PostgreSQL manual, "Numeric Constants"). */
function numberClass(digits: string): string {
  if (digits.includes('.')) return classes.numeric
  const significant = digits.replace(/^0+(?=.)/, '')
  if (isAtMost(significant, int4Max)) return classes.int4
  return isAtMost(significant, int8Max) ? classes.int8 : classes.numeric
}

const isAtMost = (digits: string, most: string): boolean =>
  digits.length < most.length || (digits.length === most.length && digits <= most)

/** After a plain string; -1 with an escape, a control character, half a character, no end, or another string behind it. */
function afterString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      if (text.charCodeAt(at + 1) !== quote) return isFollowedByString(text, at + 1) ? -1 : at + 1
      at += 1
    } else if (code === backslash || (code < space && !isSpace(code)) || isSurrogate(code)) return -1
  }
  return -1
}

/** Strings with a line break between them are one string. */
function isFollowedByString(text: string, from: number): boolean {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return text.charCodeAt(at) === quote
}

function isBeyondAscii(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) > lastAscii) return true
  return false
}

function afterQuotedName(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === doubleQuote) {
      if (text.charCodeAt(at + 1) !== doubleQuote) return at + 1
      at += 1
    } else if (code < space || code > lastAscii || code === backslash) return -1
  }
  return -1
}

function afterParameter(text: string, start: number): number {
  let at = start + 1
  while (isDigit(text.charCodeAt(at))) at += 1
  const next = text.charCodeAt(at)
  return at === start + 1 || isLetter(next) || next === dollar || next > lastAscii ? -1 : at
}
