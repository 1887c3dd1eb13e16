// JSON Web Tokens (RFC 7519), signed and encrypted, in compact form: a header that decodes to JSON with "alg".
import { code, codeAt, isBase64Url, isDigit, isLetter, isUpper, type Piece } from './finding.ts'

/** Characters of a token; the window of a piece is twice as long. */
export const jwtMax = 8_192
/** Characters of the header that are decoded. */
const headerMax = 1_024
const headerMin = 12

export type JwtAttempt =
  | { readonly kind: 'found'; readonly end: number }
  /** No token starts before `next`, so that no header is read twice. */
  | { readonly kind: 'none'; readonly next: number }

/** Looks for a token whose header starts at `start`, where "eyJ" stands: `{"` in base64. */
export function jwtAt(piece: Piece, start: number): JwtAttempt {
  const headerEnd = runEnd(piece, start, start + jwtMax)
  const none: JwtAttempt = { kind: 'none', next: headerEnd }
  if (codeAt(piece, headerEnd) !== code.dot || headerEnd - start < headerMin) return none
  if (!decode(piece, start, Math.min(headerEnd, start + headerMax)).includes('"alg"')) return none
  const parts = [headerEnd]
  // A signed token has three parts, an encrypted one five; an unsigned token's third part is empty.
  while (parts.length < 5 && codeAt(piece, parts.at(-1) ?? 0) === code.dot)
    parts.push(runEnd(piece, (parts.at(-1) ?? 0) + 1, start + jwtMax))
  const end = parts.length === 5 ? parts[4] : parts[2]
  const payload = (parts[1] ?? 0) - headerEnd - 1
  return end === undefined || (payload < 2 && parts.length < 5) ? none : { kind: 'found', end }
}

function runEnd(piece: Piece, from: number, limit: number): number {
  let at = from
  while (at < limit && isBase64Url(codeAt(piece, at))) at += 1
  return at
}

function decode(piece: Piece, start: number, end: number): string {
  let text = ''
  let bits = 0
  let held = 0
  for (let at = start; at < end; at += 1) {
    bits = ((bits << 6) | sextet(codeAt(piece, at))) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    text += String.fromCharCode((bits >> held) & 0xff)
  }
  return text
}

function sextet(unit: number): number {
  if (isUpper(unit)) return unit - 0x41
  if (isLetter(unit)) return unit - 0x61 + 26
  if (isDigit(unit)) return unit - 0x30 + 52
  return unit === code.hyphen ? 62 : 63
}
