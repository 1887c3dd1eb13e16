// What a detector finds and how it reads: a kind and a place, never the value, over anything that has characters.
import type { DetectorName } from '../rule.ts'

/** Characters (UTF-16 units) from `start` up to, not including, `end`. */
export interface Finding {
  readonly kind: DetectorName
  readonly start: number
  readonly end: number
}

/** A text as detectors read it. A string is one; the tests count reads through another. */
export interface Chars {
  readonly length: number
  charCodeAt(index: number): number
}

/**
 * One piece of a text that is looked at by itself: no finding crosses its ends. Detectors read from `start` up to `end`,
 * and the one character before `start`; nothing else, so that findings do not depend on how a text arrives.
 */
export interface Piece {
  readonly chars: Chars
  readonly start: number
  readonly end: number
}

/** The character at `index`, or -1 outside the piece (the one before it counts as inside). */
export const codeAt = (piece: Piece, index: number): number =>
  index >= piece.start - 1 && index >= 0 && index < piece.end ? piece.chars.charCodeAt(index) : -1

export const code = {
  space: 0x20,
  percent: 0x25,
  open: 0x28,
  close: 0x29,
  plus: 0x2b,
  hyphen: 0x2d,
  dot: 0x2e,
  slash: 0x2f,
  colon: 0x3a,
  equals: 0x3d,
  at: 0x40,
  underscore: 0x5f,
  tilde: 0x7e,
} as const

export const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39
export const isUpper = (unit: number): boolean => unit >= 0x41 && unit <= 0x5a
export const isLetter = (unit: number): boolean => isUpper(unit) || (unit >= 0x61 && unit <= 0x7a)
export const isAlphanumeric = (unit: number): boolean => isDigit(unit) || isLetter(unit)
/** Letters beyond ASCII, roughly: what may stand in an internationalised name (RFC 6531, RFC 5890). */
export const isForeignLetter = (unit: number): boolean =>
  unit >= 0xc0 && unit !== 0xd7 && unit !== 0xf7 && (unit < 0x2000 || unit > 0x303f) && unit < 0xff00
/** RFC 4648 §5. */
export const isBase64Url = (unit: number): boolean =>
  isAlphanumeric(unit) || unit === code.hyphen || unit === code.underscore
/** Spaces that people put into numbers: the plain one, no-break, figure and narrow no-break space. */
export const isSpace = (unit: number): boolean =>
  unit === code.space || unit === 0xa0 || unit === 0x2007 || unit === 0x202f
/** Hyphens that people put into numbers: the plain one, non-breaking hyphen and en dash. */
export const isHyphen = (unit: number): boolean => unit === code.hyphen || unit === 0x2011 || unit === 0x2013

/** Where a word begins: what stands before belongs to no letter and no number. */
export const startsWord = (piece: Piece, index: number): boolean => !isAlphanumeric(codeAt(piece, index - 1))
