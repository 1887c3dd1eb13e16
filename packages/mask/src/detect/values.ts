// Detectors over the values of a result column: texts, JSON by its strings, numbers and names, and arrays of both, in text and
// in binary format. What is found is hidden in place, so that JSON stays JSON and arrays stay arrays; where the rest cannot
// be told from what was found the whole value becomes NULL. A value without a finding comes back as the same bytes.
import { limits } from '@sallyport/base/limits'
import { contentOf, rewriteJson } from '../json/rewrite.ts'
import type { KeyedHash } from '../replace.ts'
import { textOf, utf8 } from '../text.ts'
import { binaryArray, textArray } from './arrays.ts'
import { type Detection, hideEach } from './detection.ts'
import { type Hide, hideIn, hidingStream } from './hide.ts'

/** The value with its findings hidden; the very same array where there are none, and null where no valid value is left. */
export type Detect = (value: Uint8Array) => Uint8Array | null

/** What looks through one result column; null for types that hold no text. */
export function detectorFor(
  detection: Detection,
  typeOid: number,
  format: 0 | 1,
  hash: KeyedHash,
  typeModifier = -1,
): Detect | null {
  const look: Look = { hide: hideEach(detection, hash), kinds: detection.kinds }
  const element = arrayElements[typeOid]
  if (element !== undefined) {
    const inner = scalarDetector(element, format, look)
    return format === 1 ? binaryArray(inner) : textArray(inner)
  }
  if (!isText(typeOid)) return null
  const detect = scalarDetector(typeOid, format, look)
  const isBounded = (typeOid === 1043 || typeOid === 1042) && typeModifier >= headerBytes
  return isBounded ? (value) => fitting(value, detect(value), typeModifier - headerBytes) : detect
}

/** How findings are hidden, and which. */
export interface Look {
  readonly hide: Hide
  readonly kinds: Detection['kinds']
}

const headerBytes = 4
const json = 114
const jsonb = 3802
/** Types of which text and binary format are the same bytes: text, varchar, bpchar, name, unknown, cstring, xml, refcursor. */
const sameBytes: ReadonlySet<number> = new Set([25, 1043, 1042, 19, 705, 2275, 142, 1790])
/** Others of PostgreSQL that show texts: records, tsvector, tsquery, jsonpath, pg_node_tree, anyarray. */
const showsText: ReadonlySet<number> = new Set([2249, 2287, 3614, 3615, 3643, 3645, 4072, 4073, 194, 2277])
/** FirstNormalObjectId (transam.h): types of the target itself, of extensions, rows of its tables. */
const firstNormalOid = 16_384

const isText = (oid: number): boolean =>
  sameBytes.has(oid) || oid === json || oid === jsonb || showsText.has(oid) || oid >= firstNormalOid

/** Arrays of texts and of JSON, by the type of their elements. */
const arrayElements: Readonly<Record<number, number>> = {
  1009: 25,
  1015: 1043,
  1014: 1042,
  1003: 19,
  1263: 2275,
  143: 142,
  2201: 1790,
  199: json,
  3807: jsonb,
}

function scalarDetector(oid: number, format: 0 | 1, look: Look): Detect {
  if (oid === json || oid === jsonb) return jsonDetector(format === 1 && oid === jsonb ? 1 : 0, look)
  if (format === 0 || sameBytes.has(oid)) return (value) => hideBytes(value, look)
  // Lengths stand between the texts of a record, and nobody knows what an extension sends.
  return (value) => (hideBytes(value, look) === value ? value : null)
}

/** Shortest finding: `a@b.de`. */
const findingBytesMin = 6

function hideBytes(value: Uint8Array, look: Look): Uint8Array | null {
  if (value.length < findingBytesMin) return value
  if (value.length > limits.detectPieceBytesMax) return hideInPieces(value, look)
  const text = textOf(value)
  const { hide, kinds } = look
  const { text: hidden, count } = hideIn(text ?? latin(value), hide, kinds)
  if (count === 0) return value
  return text === null ? fromLatin(hidden) : utf8(hidden)
}

/** A long value is looked at piece by piece, and whole: pieces make no difference to what is found. */
function hideInPieces(value: Uint8Array, { hide, kinds }: Look): Uint8Array | null {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const stream = hidingStream(hide, kinds)
  const parts: string[] = []
  try {
    for (let at = 0; at < value.length; at += limits.detectPieceBytesMax) {
      const piece = value.subarray(at, at + limits.detectPieceBytesMax)
      parts.push(stream.push(decoder.decode(piece, { stream: true })))
    }
    parts.push(stream.push(decoder.decode()), stream.end())
  } catch {
    const { text, count } = hideIn(latin(value), hide, kinds)
    return count === 0 ? value : fromLatin(text)
  }
  return stream.count === 0 ? value : utf8(parts.join(''))
}

/** Bytes that are no UTF-8, one character each: what detectors look for is ASCII. */
function latin(value: Uint8Array): string {
  let text = ''
  for (let at = 0; at < value.length; at += latinStep)
    text += String.fromCharCode(...value.subarray(at, at + latinStep))
  return text
}
const latinStep = 8_192
const fromLatin = (text: string): Uint8Array => Uint8Array.from(text, (sign) => sign.charCodeAt(0))

/** What hides findings in the texts, numbers and names of a document, for whoever rewrites it. */
export function jsonHiding({ hide, kinds }: Look): {
  readonly scalar: (raw: string) => string | null
  readonly name: (raw: string) => string | null
} {
  const hidden = (content: string): string | null => {
    const { text, count } = hideIn(content, hide, kinds)
    return count === 0 ? null : JSON.stringify(text)
  }
  const hiddenString = (raw: string): string | null => {
    const content = contentOf(raw)
    return content === null ? '""' : hidden(content)
  }
  // A card number may well be a number: what is left of it is a text.
  return { scalar: (raw) => (raw.startsWith('"') ? hiddenString(raw) : hidden(raw)), name: hiddenString }
}

function jsonDetector(versionBytes: 0 | 1, look: Look): Detect {
  const rewriter = { member: () => null, whole: () => null, ...jsonHiding(look) }
  return (value) => {
    if (value.length < findingBytesMin) return value
    const text = textOf(value.subarray(versionBytes))
    const rewritten = text === null ? null : rewriteJson(text, null, rewriter)
    if (rewritten === null || text === null) return null
    if (rewritten === text) return value
    const bytes = utf8(rewritten)
    return versionBytes === 0 ? bytes : Uint8Array.of(value[0] ?? 1, ...bytes)
  }
}

/** What does not fit into varchar(n) is no value of the type. */
function fitting(value: Uint8Array, hidden: Uint8Array | null, charactersMax: number): Uint8Array | null {
  if (hidden === null || hidden === value || hidden.length <= charactersMax) return hidden
  const text = textOf(hidden)
  return text !== null && Array.from(text).length <= charactersMax ? hidden : null
}
