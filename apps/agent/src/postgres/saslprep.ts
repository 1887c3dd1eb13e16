// SASLprep (RFC 4013) as PostgreSQL uses it before it hashes a password: ASCII stays as it is, and what the profile
// forbids is taken as it is, too (scram-common.c, pg_saslprep).

type Ranges = readonly (readonly [number, number])[]

/** RFC 3454, table C.1.2: becomes a space. */
const otherSpaces: Ranges = [
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200b],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
]

/** Table B.1: disappears. */
const nothing: Ranges = [
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x1806, 0x1806],
  [0x180b, 0x180d],
  [0x200b, 0x200d],
  [0x2060, 0x2060],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
]

/** Tables C.2.1, C.2.2 and C.3 to C.9: forbidden after normalisation. */
const forbidden: Ranges = [
  [0x0, 0x1f],
  [0x7f, 0x9f],
  [0x340, 0x341],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x180e, 0x180e],
  [0x200c, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x2063],
  [0x206a, 0x206f],
  [0x2ff0, 0x2ffb],
  [0xd800, 0xf8ff],
  [0xfdd0, 0xfdef],
  [0xfeff, 0xfeff],
  [0xfff9, 0xffff],
  [0x1d173, 0x1d17a],
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f],
  [0xf0000, 0x10ffff],
]

const within = (character: string, ranges: Ranges): boolean => {
  const code = character.codePointAt(0) ?? 0
  return ranges.some(([first, last]) => code >= first && code <= last)
}
// The last two code points of every plane are no characters (table C.4).
const isForbidden = (character: string): boolean =>
  within(character, forbidden) || ((character.codePointAt(0) ?? 0) & 0xfffe) === 0xfffe

/**
 * The password as the server has hashed it. The rules for bidirectional text and for code points without a meaning are
 * left out: they only choose between a password and its normal form, which differ for contrived passwords alone, and a
 * wrong choice fails the login.
 */
export function saslPrepared(password: string): string {
  if (/^[ -~]*$/.test(password)) return password
  const mapped = [...password]
    .map((character) => (within(character, otherSpaces) ? ' ' : within(character, nothing) ? '' : character))
    .join('')
    .normalize('NFKC')
  return mapped === '' || [...mapped].some(isForbidden) ? password : mapped
}
