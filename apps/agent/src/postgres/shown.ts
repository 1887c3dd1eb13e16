// Bound values as people read them: text as it is, the plain binary types decoded, anything else by its size. For
// reviewers alone: what runs are the bytes that the client sent.
import type { BoundMessage } from './state.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `types` are OIDs of the parameters as far as they are known. */
export function shownParameters(bind: BoundMessage, types: readonly number[]): readonly (string | null)[] {
  const [only = 0] = bind.parameterFormats
  return bind.parameters.map((value, index) => {
    if (value === null) return null
    const format = bind.parameterFormats.length <= 1 ? only : (bind.parameterFormats[index] ?? 0)
    const text = format === 0 ? decoded(value) : readable(Buffer.from(value), types[index] ?? 0)
    return text ?? `‹binary ${value.length} bytes›`
  })
}

function decoded(value: Uint8Array): string | null {
  try {
    return utf8.decode(value)
  } catch {
    return null
  }
}

/** Null when the type is not one of these, or the value does not fit it. OIDs of pg_type.dat. */
function readable(value: Buffer, type: number): string | null {
  const fits = sizes.get(type)
  if (fits !== undefined && fits !== value.length) return null
  switch (type) {
    case 16:
      return value.readUInt8(0) === 0 ? 'false' : 'true'
    case 20:
      return value.readBigInt64BE(0).toString()
    case 21:
      return String(value.readInt16BE(0))
    case 23:
      return String(value.readInt32BE(0))
    case 26:
      return String(value.readUInt32BE(0))
    case 700:
      return String(value.readFloatBE(0))
    case 701:
      return String(value.readDoubleBE(0))
    case 19:
    case 25:
    case 1042:
    case 1043:
      return decoded(value)
    case 1082:
      return moment(BigInt(value.readInt32BE(0)) * dayUs, 10)
    case 1114:
      return moment(value.readBigInt64BE(0), 26)
    case 1184:
      return zoned(moment(value.readBigInt64BE(0), 26))
    case 2950:
      return value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    default:
      return null
  }
}

const sizes: ReadonlyMap<number, number> = new Map([
  [16, 1],
  [20, 8],
  [21, 2],
  [23, 4],
  [26, 4],
  [700, 4],
  [701, 8],
  [1082, 4],
  [1114, 8],
  [1184, 8],
  [2950, 16],
])

const dayUs = 86_400_000_000n
/** 2000-01-01, where the server's times begin (POSTGRES_EPOCH_JDATE). */
const epochMs = 946_684_800_000n

/** A time in microseconds since 2000, as ISO 8601; null outside of the years 1 to 9999, and for infinity. */
function moment(us: bigint, chars: number): string | null {
  const ms = us / 1_000n - (us % 1_000n < 0n ? 1n : 0n)
  const date = new Date(Number(ms + epochMs))
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9_999)) return null
  const rest = (((us % 1_000n) + 1_000n) % 1_000n).toString().padStart(3, '0')
  return date.toISOString().replace('T', ' ').replace('Z', rest).slice(0, chars)
}

const zoned = (text: string | null): string | null => (text === null ? null : `${text}+00`)
