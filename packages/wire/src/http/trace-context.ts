// The `traceparent` of W3C Trace Context (https://www.w3.org/TR/trace-context/, 3.2): read strictly, since what is malformed is
// nobody's trace and is replaced. Pure.
import type { Fields } from './fields.ts'

export interface TraceParent {
  /** 32 hex digits, not all zero. */
  readonly trace: string
  /** Part of the trace that asks, 16 hex digits, not all zero. */
  readonly parent: string
  /** Sampled (1), and made at random (2); what other bits mean nobody knows yet. */
  readonly flags: number
}

/** Of version 00; later ones begin with the same. */
const lengthOfFirst = 55
/** For members of later versions. */
const lengthMax = 512
const knownFlags = 0b11

/** Null where it is malformed: a version that is none, digits in capitals, an id of zeros, or more than version 00 has. */
export function readTraceparent(text: string): TraceParent | null {
  if (text.length > lengthMax) return null
  const [, version, trace = '', parent = '', flags = '', more = ''] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text) ?? []
  if (version === undefined || version === 'ff' || /^0+$/.test(trace) || /^0+$/.test(parent)) return null
  if (version === '00' && (more !== '' || text.length !== lengthOfFirst)) return null
  return { trace, parent, flags: Number.parseInt(flags, 16) & knownFlags }
}

/** As it goes on: version 00, which every reader of a later one takes. */
export const traceparentText = ({ trace, parent, flags }: TraceParent): string =>
  `00-${trace}-${parent}-${flags.toString(16).padStart(2, '0')}`

/** Of a request. Two of them are none: nobody could tell which counts. */
export function traceparentOf(fields: Fields): TraceParent | null {
  const all = fields.filter(([name]) => name === 'traceparent')
  const [only] = all
  return only === undefined || all.length > 1 ? null : readTraceparent(only[1])
}
