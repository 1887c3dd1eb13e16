// E-mail addresses (RFC 5321 without quoted local parts, with the letters of RFC 6531), also with the @ of a URL, `%40`.
import { code, codeAt, isAlphanumeric, isDigit, isForeignLetter, isLetter, type Piece } from './finding.ts'

/** RFC 5321 §4.5.3.1.1 and .2, in octets; characters here. */
const localMax = 64
const domainMax = 253
const labelMax = 63

/** Names of files with a resolution in them (`icon@2x.png`) are no addresses. */
const fileEndings = new Set([
  'png',
  'jpg',
  'jpeg',
  'gif',
  'svg',
  'webp',
  'avif',
  'css',
  'scss',
  'js',
  'mjs',
  'tsx',
  'json',
])

const isLocal = (unit: number): boolean =>
  isAlphanumeric(unit) ||
  unit === code.dot ||
  unit === code.underscore ||
  unit === code.percent ||
  unit === code.plus ||
  unit === code.hyphen ||
  unit === code.tilde ||
  isForeignLetter(unit)

/** The address around the @ at `at`, which is `width` characters wide; null when there is none. */
export function emailAround(piece: Piece, at: number, width: 1 | 3): { start: number; end: number } | null {
  const end = domainEnd(piece, at + width)
  if (end === null) return null
  const start = localStart(piece, at)
  return start === null ? null : { start, end }
}

function localStart(piece: Piece, at: number): number | null {
  let start = at
  while (start > piece.start && at - start < localMax && isLocal(codeAt(piece, start - 1))) start -= 1
  while (start < at && !isAlphanumeric(codeAt(piece, start)) && !isForeignLetter(codeAt(piece, start))) start += 1
  return start === at ? null : start
}

/** After the last label that can be a top-level domain; null without one. */
function domainEnd(piece: Piece, from: number): number | null {
  let best: number | null = null
  let label = from
  for (let at = from; at - from <= domainMax; at += 1) {
    const unit = codeAt(piece, at)
    if (isAlphanumeric(unit) || unit === code.hyphen || isForeignLetter(unit)) continue
    const isName = isLabel(piece, label, at)
    if (isName && label > from && isTopLevel(piece, label, at)) best = at
    if (unit !== code.dot || !isName) break
    label = at + 1
  }
  return best
}

const isLabel = (piece: Piece, start: number, end: number): boolean =>
  end > start &&
  end - start <= labelMax &&
  codeAt(piece, start) !== code.hyphen &&
  codeAt(piece, end - 1) !== code.hyphen

function isTopLevel(piece: Piece, start: number, end: number): boolean {
  if (end - start < 2 || isDigit(codeAt(piece, start))) return false
  let name = ''
  let letters = 0
  for (let at = start; at < end; at += 1) {
    const unit = codeAt(piece, at)
    if (isLetter(unit) || isForeignLetter(unit)) letters += 1
    name += String.fromCharCode(unit)
  }
  const folded = name.toLowerCase()
  return (letters === end - start || folded.startsWith('xn--')) && !fileEndings.has(folded)
}
