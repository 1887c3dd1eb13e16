// Recognises masked values that come back in a write: whoever stores one destroys the real value that it stands for.
// Only forms that no real value has are recognised, so that an honest write is never refused: `[redacted]`, `***@domain`,
// four stars with the kept end, the nil UUID, and pseudonyms by the checksum in them (seal.ts), which one value in 2^32
// has by chance. NULL, `false`, 0, dates and hashed numbers look like anybody's values and are not recognised.
import { isHiddenEmail, isHiddenPartial, redacted } from './replace-text.ts'
import type { MaskMethod } from './rule.ts'
import { isSealed } from './seal.ts'
import { textOf } from './text.ts'

/** Is this text what the method leaves of a value? Spaces around it do not count: char(n) adds some. */
export function isMaskedText(method: MaskMethod, text: string): boolean {
  const value = text.trim()
  if (method === 'null' || value.length > maskedCharsMax) return false
  if (method === 'hash') return isSealed(bytesOfHex(value.replaceAll('-', '').replace(/^\\x/, '')))
  if (value === redacted || value === `"${redacted}"` || value === nilUuid) return true
  if (typeof method === 'object') return isHiddenPartial(value, method.partial.keepLast)
  return method === 'email' && isHiddenEmail(value)
}

/** The same of a value in binary format: texts are the same bytes, a UUID has 16, jsonb a version before its text. */
export function isMaskedBytes(method: MaskMethod, value: Uint8Array): boolean {
  if (value.length === 16 && method !== 'null') {
    const found = method === 'hash' ? isSealed(value) : value.every((byte) => byte === 0)
    if (found) return true
  }
  const text = textOf(value[0] === 1 ? value.subarray(1) : value)
  return text !== null && isMaskedText(method, text)
}

/** In a value of several parts, an array or JSON, one of the parts. */
export const holdsMaskedText = (method: MaskMethod, text: string): boolean =>
  isMaskedText(method, text) || (/^\s*[{[]/.test(text) && partsOf(text).some((part) => isMaskedText(method, part)))

/** Parts of a long value that are looked at. */
const partsMax = 10_000

/** Without the signs of arrays and JSON around them; a bracket may belong to the value itself. */
function partsOf(text: string): string[] {
  return text.split(/[,:]/, partsMax).flatMap((part) => {
    const bare = part.replace(/^[\s{"']+|[\s}"']+$/g, '')
    const opened = bare.replace(/^\[["'\s]*/, '')
    return [bare, opened, bare.replace(/["'\s]*\]$/, ''), opened.replace(/["'\s]*\]$/, '')]
  })
}

/** Longer than any masked form: a domain has at most 253 characters. */
const maskedCharsMax = 300
const nilUuid = '00000000-0000-0000-0000-000000000000'

function bytesOfHex(text: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(text)) return new Uint8Array(0)
  return Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16))
}
