// Masks of text, varchar, bpchar and name. Text and binary format are the same bytes (textsend).
// What each method declares to release is written in docs/policy.md, "Methods".
import type { ReplaceContext } from './replace.ts'
import { sealed } from './seal.ts'
import { ascii, textOf, utf8 } from './text.ts'

/** Characters of a hashed text: 96 bits of the hash, and 32 of a checksum (seal.ts). */
export const hashedTextLength = 32

export const redacted = '[redacted]'
const redactedText = ascii(redacted)
/** Always four, so that the mask does not tell the length of what it hides (THREATS ). */
const hiddenPrefix = '****'
const hiddenText = ascii(hiddenPrefix)

export function maskText({ method, hash }: ReplaceContext): (value: Uint8Array) => Uint8Array | null {
  switch (method) {
    case 'null':
      return () => null
    case 'redact':
    // A text has no year that could be told from the rest.
    case 'year':
      return () => redactedText
    case 'hash':
      return (value) => ascii(hexOf(sealed(hash(value))))
    case 'email':
      return maskEmail
    default:
      return (value) => maskPartial(value, method.partial.keepLast)
  }
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Longest domain name (RFC 1035 §2.3.4, without the root's dot). */
const domainCharactersMax = 253
const domain = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/

/** `***@example.com`: the domain is released, the local part is hidden whole, and what is no address is redacted. */
function maskEmail(value: Uint8Array): Uint8Array {
  const text = textOf(value)?.trimEnd()
  if (text === undefined) return redactedText
  const at = text.lastIndexOf('@')
  const name = text.slice(at + 1)
  if (at < 1 || name.length > domainCharactersMax || !domain.test(name)) return redactedText
  return ascii(`***@${name}`)
}

/** What `email` leaves of an address. */
export const isHiddenEmail = (text: string): boolean => text.startsWith('***@') && domain.test(text.slice(4))

/** What `partial` leaves: the stars alone, or with as many characters as it keeps. */
export function isHiddenPartial(text: string, keepLast: number): boolean {
  if (!text.startsWith(hiddenPrefix)) return false
  const kept = Array.from(text.slice(hiddenPrefix.length)).length
  return kept === 0 || kept === keepLast
}

/** The last characters (code points), only of a value at least twice as long: a short one would be told whole. */
function maskPartial(value: Uint8Array, keepLast: number): Uint8Array {
  if (keepLast === 0) return hiddenText
  if (value.length <= asciiBytesMax && isAscii(value)) return maskPartialAscii(value, keepLast)
  const text = textOf(value)
  if (text === null) return hiddenText
  const characters = Array.from(text.trimEnd())
  if (characters.length < keepLast * 2) return hiddenText
  return utf8(hiddenPrefix + characters.slice(-keepLast).join(''))
}

/** Longer values are not looked through byte by byte. */
const asciiBytesMax = 1_024

function isAscii(value: Uint8Array): boolean {
  for (let at = 0; at < value.length; at++) if ((value[at] ?? 0) > 0x7f) return false
  return true
}

/** The same where each byte is a character: most values are such, and no string is made of them. */
function maskPartialAscii(value: Uint8Array, keepLast: number): Uint8Array {
  let end = value.length
  while (end > 0 && isBlank(value[end - 1] ?? 0)) end -= 1
  if (end < keepLast * 2) return hiddenText
  const masked = new Uint8Array(hiddenText.length + keepLast)
  masked.set(hiddenText)
  for (let at = 0; at < keepLast; at++) masked[hiddenText.length + at] = value[end - keepLast + at] ?? 0
  return masked
}

/** What `trimEnd` takes away, as far as it is ASCII. */
const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
