// One value, one text: RFC 8785 (JSON Canonicalization Scheme), narrowed to null, booleans, safe integers, well-formed
// strings, arrays and objects. Never accepts bytes that it would not have written itself (THREATS ).
import { assert } from '@sallyport/base/assert'
import { type Parsed, utf8 } from './bytes.ts'

export type Canonical = null | boolean | number | string | readonly Canonical[] | { readonly [key: string]: Canonical }

/** Arrays and objects within each other. Entries need four. */
export const canonicalDepthMax = 16

// With the `u` flag a surrogate matches only when it stands alone.
const loneSurrogate = /\p{Surrogate}/u
const loneSurrogates = /\p{Surrogate}/gu

/** Printable ASCII without `"` and `\`: stands for itself, and is most of what entries hold. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

export const isWellFormed = (text: string): boolean => plain.test(text) || !loneSurrogate.test(text)

/** The canonical text. A value outside the domain is a bug of the caller: AssertionError. */
export function canonicalText(value: unknown): string {
  return write(value, 0)
}

export function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalText(value))
}

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), 'a canonical number is a safe integer')
    return String(value)
  }
  if (value === null || typeof value === 'boolean') return String(value)
  assert(typeof value === 'object', 'a canonical value is null, a boolean, a number, a string, an array or an object')
  assert(depth < canonicalDepthMax, 'a canonical value is nested at most 16 deep')
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth)
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '['
  for (let index = 0; index < items.length; index++) {
    if (index > 0) text += ','
    text += write(items[index], depth + 1)
  }
  return `${text}]`
}

function writeObject(value: object, depth: number): string {
  // RFC 8785 §3.2.3 sorts by UTF-16 code units, which is what Array.prototype.sort does.
  const members = Object.entries(value).sort(byName)
  let text = '{'
  for (const [name, member] of members) {
    if (text.length > 1) text += ','
    text += `${quote(name)}:${write(member, depth + 1)}`
  }
  return `${text}}`
}

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : 1)

/** One string as canonical text. Half a character becomes U+FFFD, as UTF-8 would have it. */
export const canonicalString = (text: string): string =>
  plain.test(text) ? `"${text}"` : JSON.stringify(text.replace(loneSurrogates, '\ufffd'))

// RFC 8785 §3.2.2.2 takes its escapes from ECMAScript's JSON.stringify.
function quote(text: string): string {
  if (plain.test(text)) return `"${text}"`
  assert(!loneSurrogate.test(text), 'a canonical string has no lone surrogate')
  return JSON.stringify(text)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8 strictly; undefined when the bytes are not UTF-8. A byte order mark stays, and is refused later. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The value of canonical bytes. Never throws: what is not canonical is refused with a reason. */
export function parseCanonical(bytes: Uint8Array, bytesMax: number): Parsed<Canonical> {
  if (bytes.length > bytesMax) return { ok: false, reason: `longer than ${bytesMax} bytes` }
  const text = decodeUtf8(bytes)
  return text === undefined ? { ok: false, reason: 'not UTF-8' } : parseCanonicalText(text)
}

export function parseCanonicalText(text: string): Parsed<Canonical> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, reason: 'not JSON' }
  }
  if (isPlainlyCanonical(text, value)) return { ok: true, value }
  if (!isCanonicalValue(value, 0)) return { ok: false, reason: 'outside the domain of canonical JSON' }
  // Order, spacing, escapes, repeated names and number forms are all judged by writing the value again.
  return canonicalText(value) === text ? { ok: true, value } : { ok: false, reason: 'not in canonical form' }
}

/**
 * The short way, which never accepts what the long one would not: JSON.stringify judges spacing, escapes, repeated names and number
 * forms, so that the order of names and the domain are left. Texts with halves of characters (which it writes as escapes), or
 * names that are numbers (which it puts first), go the long way.
 */
const isPlainlyCanonical = (text: string, value: unknown): value is Canonical =>
  !text.includes('\\ud') && isInOrder(value, 0) && JSON.stringify(value) === text

function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value !== 'object' || depth >= canonicalDepthMax) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isInOrder(item, depth + 1)) return false
    return true
  }
  let before: string | undefined
  for (const [name, member] of Object.entries(value)) {
    if ((before !== undefined && name <= before) || !isInOrder(member, depth + 1)) return false
    before = name
  }
  return true
}

function isCanonicalValue(value: unknown, depth: number): value is Canonical {
  if (typeof value === 'string') return isWellFormed(value)
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (value === null || typeof value === 'boolean') return true
  if (typeof value !== 'object' || depth >= canonicalDepthMax) return false
  if (Array.isArray(value)) return value.every((item) => isCanonicalValue(item, depth + 1))
  return Object.entries(value).every(([name, member]) => isWellFormed(name) && isCanonicalValue(member, depth + 1))
}
