// Puts a masked value in the place of a real one, valid in the column's type and format; NULL where none exists.
// Never throws, whatever the bytes, and never lets through a value that it does not understand: that becomes NULL.
import { maskDate, maskTimestamp } from './replace-date.ts'
import { maskFloat, maskInteger, maskNumeric } from './replace-number.ts'
import { maskText } from './replace-text.ts'
import type { MaskMethod } from './rule.ts'
import { sealed } from './seal.ts'
import { ascii, textOf } from './text.ts'

/** Keyed hash, passed in: HMAC-SHA-256 of the bytes under the installation's mask key, 32 bytes. */
export type KeyedHash = (value: Uint8Array) => Uint8Array

/** Masks one value of one column; NULL stays NULL. The array returned may be shared: never write into it. */
export type Replace = (value: Uint8Array | null) => Uint8Array | null

/** What a masker knows about the column that it works on. */
export interface ReplaceContext {
  readonly method: MaskMethod
  readonly format: 0 | 1
  readonly hash: KeyedHash
}

/**
 * The masked form of one value, or null for SQL NULL. `typeOid` and `typeModifier` as RowDescription has them (-1: none);
 * `format` 0 text, 1 binary.
 */
export function replaceValue(
  method: MaskMethod,
  value: Uint8Array | null,
  typeOid: number,
  format: 0 | 1,
  hash: KeyedHash,
  typeModifier = -1,
): Uint8Array | null {
  return replacerFor(method, typeOid, format, hash, typeModifier)(value)
}

/** The masker of one result column, chosen once for all of its rows. */
export function replacerFor(
  method: MaskMethod,
  typeOid: number,
  format: 0 | 1,
  hash: KeyedHash,
  typeModifier = -1,
): Replace {
  if (method === 'null') return () => null
  const mask = fitted(maskerOf(typeOid, { method, format, hash }), method, typeOid, typeModifier)
  return (value) => (value === null ? null : mask(value))
}

type Mask = (value: Uint8Array) => Uint8Array | null

/** Length of a varlena header, which type modifiers of text and numeric count (VARHDRSZ, varatt.h). */
const headerBytes = 4

/** What does not fit into varchar(n), char(n) or numeric(p, s) is no value of the type: a pseudonym is cut, all else is NULL. */
function fitted(mask: Mask, method: MaskMethod, typeOid: number, typeModifier: number): Mask {
  if (typeModifier < headerBytes) return mask
  if (typeOid === 1043 || typeOid === 1042) {
    const charactersMax = typeModifier - headerBytes
    return (value) => {
      const masked = mask(value)
      if (masked === null || masked.length <= charactersMax) return masked
      if (method === 'hash') return masked.subarray(0, charactersMax)
      const text = textOf(masked)
      return text !== null && Array.from(text).length <= charactersMax ? masked : null
    }
  }
  if (typeOid !== 1700 || method !== 'hash') return mask
  // numeric(p, s): p in the upper 16 bits, s in the lower 11, signed since PostgreSQL 15 (numeric.c, make_numeric_typmod).
  const packed = typeModifier - headerBytes
  const scale = ((packed & 0x7ff) ^ 1_024) - 1_024
  // A pseudonym has up to 16 digits; one that is cut to fewer would meet others too often.
  return ((packed >> 16) & 0xffff) - scale >= pseudonymDigits ? mask : () => null
}

/** Digits of 53 bits. */
const pseudonymDigits = 16

// Type OIDs of pg_type.dat: fixed since PostgreSQL 8, domains arrive as their base type (SendRowDescription).
function maskerOf(typeOid: number, context: ReplaceContext): Mask {
  switch (typeOid) {
    case 25: // text
    case 1043: // varchar
    case 1042: // bpchar
    case 19: // name
    case 705: // unknown
      return maskText(context)
    case 20: // int8
      return maskInteger(context, 8)
    case 21: // int2
      return maskInteger(context, 2)
    case 23: // int4
      return maskInteger(context, 4)
    case 700: // float4
      return maskFloat(context, 4)
    case 701: // float8
      return maskFloat(context, 8)
    case 1700: // numeric
      return maskNumeric(context)
    case 1082: // date
      return maskDate(context)
    case 1114: // timestamp
      return maskTimestamp(context, 'local')
    case 1184: // timestamptz
      return maskTimestamp(context, 'utc')
    case 16: // bool
      return maskBool(context)
    case 17: // bytea
      return maskBytes(context)
    case 2950: // uuid
      return maskUuid(context)
    case 114: // json
    case 3802: // jsonb
      return maskJson(context, typeOid)
    default:
      return () => null
  }
}

/** One bit cannot be hashed without telling it to whoever knows one row, so every method gives `false`. */
function maskBool({ format }: ReplaceContext): Mask {
  const hidden = format === 0 ? ascii('f') : Uint8Array.of(0)
  return () => hidden
}

/** `redact` is a JSON string; no other method has a valid form that keeps its meaning (THREATS ). */
function maskJson({ method, format }: ReplaceContext, typeOid: number): Mask {
  if (method !== 'redact') return () => null
  const text = ascii('"[redacted]"')
  // jsonb in binary starts with its version, 1 (jsonb_send).
  const hidden = format === 1 && typeOid === 3802 ? Uint8Array.of(1, ...text) : text
  return () => hidden
}

/** `hash` gives 16 bytes; every other method the empty value. */
function maskBytes({ method, format, hash }: ReplaceContext): Mask {
  const empty = format === 0 ? ascii('\\x') : new Uint8Array(0)
  if (method !== 'hash') return () => empty
  return (value) => {
    const bytes = format === 1 ? value : fromHex(value, 2)
    if (bytes === null) return null
    const digest = sealed(hash(bytes))
    return format === 1 ? digest : ascii(`\\x${hex(digest)}`)
  }
}

/** `hash` gives a valid UUID, version 8 (RFC 9562 §5.8: custom); every other method the nil UUID. */
function maskUuid({ method, format, hash }: ReplaceContext): Mask {
  const nil = format === 0 ? ascii('00000000-0000-0000-0000-000000000000') : new Uint8Array(16)
  if (method !== 'hash') return () => nil
  return (value) => {
    const bytes =
      format === 1
        ? value
        : fromHex(
            value.filter((byte) => byte !== hyphen),
            0,
          )
    if (bytes === null || bytes.length !== 16) return null
    const digest = Uint8Array.from(hash(bytes).subarray(0, 16))
    digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80
    digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
    const whole = sealed(digest)
    if (format === 1) return whole
    const text = hex(whole)
    return ascii(
      [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-'),
    )
  }
}

const hyphen = 0x2d

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Bytes of a hex text after `skip` characters of prefix (bytea's `\x`), or null when it is no such text. */
function fromHex(text: Uint8Array, skip: 0 | 2): Uint8Array | null {
  if (skip === 2 && (text[0] !== 0x5c || text[1] !== 0x78)) return null
  const digits = text.subarray(skip)
  if (digits.length % 2 !== 0) return null
  const bytes = new Uint8Array(digits.length / 2)
  for (let at = 0; at < bytes.length; at++) {
    const high = hexDigit(digits[at * 2])
    const low = hexDigit(digits[at * 2 + 1])
    if (high === null || low === null) return null
    bytes[at] = high * 16 + low
  }
  return bytes
}

function hexDigit(byte: number | undefined): number | null {
  if (byte === undefined) return null
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : null
}
