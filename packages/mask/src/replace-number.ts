// Masks of the number types: a fixed 0, a pseudonym, or the last digits of an integer. Never keeps the order of values
// (THREATS R-3.12), and gives the same pseudonym in text and in binary format.
import type { ReplaceContext } from './replace.ts'
import { ascii, textOf } from './text.ts'

type Mask = (value: Uint8Array) => Uint8Array | null

/** int2, int4, int8. Pseudonyms are positive: 15, 31 and 53 bits (a JavaScript driver holds them exactly). */
export function maskInteger({ method, format, hash }: ReplaceContext, size: 2 | 4 | 8): Mask {
  const encode = (number: number): Uint8Array => (format === 0 ? ascii(String(number)) : integerBytes(number, size))
  const zero = encode(0)
  if (method === 'hash') {
    return (value) => {
      const integer = integerOf(value, format, size)
      return integer === null ? null : encode(pseudonym(hash(ascii(integer.toString())), bitsOf[size]))
    }
  }
  if (typeof method !== 'string' && method.partial.keepLast > 0) {
    const { keepLast } = method.partial
    return (value) => {
      const integer = integerOf(value, format, size)
      if (integer === null) return null
      const digits = integer.toString().replace('-', '')
      return digits.length < keepLast * 2 ? zero : encode(Number(digits.slice(-keepLast)))
    }
  }
  return () => zero
}

const bitsOf = { 2: 15, 4: 31, 8: 53 } as const

/** float4 and float8. Pseudonyms are whole numbers of 24 and 53 bits. */
export function maskFloat({ method, format, hash }: ReplaceContext, size: 4 | 8): Mask {
  const encode = (number: number): Uint8Array => (format === 0 ? ascii(String(number)) : floatBytes(number, size))
  const zero = encode(0)
  if (method !== 'hash') return () => zero
  return (value) => {
    const number = floatOf(value, format, size)
    return number === null ? null : encode(pseudonym(hash(ascii(String(number))), size === 4 ? 24 : 53))
  }
}

/** numeric. Pseudonyms are whole numbers of 53 bits, at most 16 digits. */
export function maskNumeric({ method, format, hash }: ReplaceContext): Mask {
  const encode = (number: number): Uint8Array => (format === 0 ? ascii(String(number)) : numericBytes(number))
  const zero = encode(0)
  if (method !== 'hash') return () => zero
  return (value) => {
    const text = format === 0 ? textOf(value) : numericText(value)
    const canonical = text === null ? null : canonicalNumber(text)
    return canonical === null ? null : encode(pseudonym(hash(ascii(canonical)), 53))
  }
}

/** The first `bits` (at most 53) of a digest as a whole number. */
function pseudonym(digest: Uint8Array, bits: number): number {
  let number = 0n
  for (const byte of digest.subarray(0, 8)) number = number * 256n + BigInt(byte)
  return Number(BigInt.asUintN(bits, number >> BigInt(64 - bits)))
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function integerBytes(number: number, size: 2 | 4 | 8): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = viewOf(bytes)
  if (size === 2) view.setInt16(0, number)
  else if (size === 4) view.setInt32(0, number)
  else view.setBigInt64(0, BigInt(number))
  return bytes
}

function integerOf(value: Uint8Array, format: 0 | 1, size: 2 | 4 | 8): bigint | null {
  if (format === 0) {
    const text = textOf(value)
    return text !== null && /^-?[0-9]{1,19}$/.test(text) ? BigInt(text) : null
  }
  if (value.length !== size) return null
  const view = viewOf(value)
  if (size === 2) return BigInt(view.getInt16(0))
  return size === 4 ? BigInt(view.getInt32(0)) : view.getBigInt64(0)
}

function floatBytes(number: number, size: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(size)
  if (size === 4) viewOf(bytes).setFloat32(0, number)
  else viewOf(bytes).setFloat64(0, number)
  return bytes
}

function floatOf(value: Uint8Array, format: 0 | 1, size: 4 | 8): number | null {
  if (format === 1) {
    if (value.length !== size) return null
    return size === 4 ? viewOf(value).getFloat32(0) : viewOf(value).getFloat64(0)
  }
  const text = textOf(value)
  if (text === null || !/^(?:-?[0-9.]+(?:e[+-]?[0-9]+)?|-?Infinity|NaN)$/.test(text)) return null
  const number = Number(text)
  return size === 4 ? Math.fround(number) : number
}

/** Plain digits without needless zeros, so that 1.50 and 1.5 have one pseudonym; null for what is no number. */
function canonicalNumber(text: string): string | null {
  if (/^(?:NaN|-?Infinity)$/.test(text)) return text
  const parts = /^(-?)([0-9]+)(?:\.([0-9]*))?$/.exec(text)
  if (parts === null) return null
  const [, sign = '', whole = '', fraction = ''] = parts
  const digits = whole.replace(/^0+/, '')
  const rest = trimZeros(fraction)
  if (digits === '' && rest === '') return '0'
  return `${sign}${digits === '' ? '0' : digits}${rest === '' ? '' : `.${rest}`}`
}

function trimZeros(fraction: string): string {
  let end = fraction.length
  while (end > 0 && fraction[end - 1] === '0') end--
  return fraction.slice(0, end)
}

// numeric in binary (numeric_send): int16 ndigits, int16 weight, uint16 sign, uint16 dscale, then base-10000 digits.
const numericSigns: Readonly<Record<number, string>> = { 0: '', 16384: '-' }
const numericSpecials: Readonly<Record<number, string>> = {
  49152: 'NaN',
  53248: 'Infinity',
  61440: '-Infinity',
}
/** Groups of four digits on either side of the point (PostgreSQL: NUMERIC_WEIGHT_MAX is 32767, NUMERIC_DSCALE_MAX 16383). */
const numericGroupsMax = 40_000

function numericText(value: Uint8Array): string | null {
  if (value.length < 8) return null
  const view = viewOf(value)
  const count = view.getInt16(0)
  const weight = view.getInt16(2)
  const signCode = view.getUint16(4)
  const special = numericSpecials[signCode]
  if (special !== undefined) return special
  const sign = numericSigns[signCode]
  if (sign === undefined || count < 0 || value.length !== 8 + count * 2) return null
  if (Math.abs(weight) + count > numericGroupsMax) return null
  const group = (power: number): string => {
    const index = weight - power
    return index < 0 || index >= count ? '0000' : String(view.getUint16(8 + index * 2)).padStart(4, '0')
  }
  let whole = ''
  for (let power = Math.max(weight, 0); power >= 0; power--) whole += group(power)
  let fraction = ''
  for (let power = -1; power > weight - count; power--) fraction += group(power)
  return `${sign}${whole}.${fraction}`
}

/** A whole number of at most 53 bits in numeric's binary form. */
function numericBytes(number: number): Uint8Array {
  const groups: number[] = []
  for (let rest = number; rest > 0; rest = Math.floor(rest / 10_000)) groups.unshift(rest % 10_000)
  const bytes = new Uint8Array(8 + groups.length * 2)
  const view = viewOf(bytes)
  view.setInt16(0, groups.length)
  view.setInt16(2, Math.max(groups.length - 1, 0))
  groups.forEach((group, index) => {
    view.setUint16(8 + index * 2, group)
  })
  return bytes
}
