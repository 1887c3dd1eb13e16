// JSON of requests, read so that no two readers can differ about it: no name twice in an object, not even in another case, no
// number that loses digits, no depth that anybody would choke on (RFC 8259; THREATS R-4.8). Refuses, and never repairs.
import { ProtocolError } from '../protocol-error.ts'

/** Whole numbers are bigint, so that no digit is lost; objects are maps, so that no name means anything of its own. */
export type JsonValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>

export interface JsonBounds {
  /** Objects and lists in one another. */
  readonly depthMax: number
  /** Entries of one object or list. */
  readonly entriesMax: number
  /** `exact`: names that differ in their case alone are two; only the same one twice is refused. */
  readonly names?: 'exact'
}

/** Characters of a number that has to be whole to be compared. */
const numberCharsMax = 64
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const words = { true: true, false: false, null: null } as const

/** Throws ProtocolError, naming what is wrong and never a value. */
export function parseJson(text: string, bounds: JsonBounds): JsonValue {
  const reading: Reading = { text, at: 0, bounds }
  const value = readValue(reading, 0)
  skipSpace(reading)
  if (reading.at !== text.length) throw new ProtocolError('a body with more than one JSON value')
  return value
}

/** The same value as a text, in one spelling: what was judged is what is sent. */
export function jsonText(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString()
  // Of -0 nobody makes anything else than of 0.
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isJsonList(value)) return `[${value.map(jsonText).join(',')}]`
  return `{${[...value].map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(',')}}`
}

export const isJsonList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value)
export const isJsonObject = (value: JsonValue | undefined): value is ReadonlyMap<string, JsonValue> =>
  value instanceof Map

interface Reading {
  readonly text: string
  at: number
  readonly bounds: JsonBounds
}

function readValue(reading: Reading, depth: number): JsonValue {
  skipSpace(reading)
  const sign = reading.text[reading.at]
  if (sign === '{') return readObject(reading, depth + 1)
  if (sign === '[') return readList(reading, depth + 1)
  if (sign === '"') return readString(reading)
  for (const [word, value] of Object.entries(words)) {
    if (!reading.text.startsWith(word, reading.at)) continue
    reading.at += word.length
    return value
  }
  return readNumber(reading)
}

function readObject(reading: Reading, depth: number): JsonValue {
  const members = new Map<string, JsonValue>()
  const folded = new Set<string>()
  eachEntry(reading, depth, '}', () => {
    skipSpace(reading)
    if (reading.text[reading.at] !== '"') throw notJson()
    const name = readString(reading)
    // Some servers do not mind the case of names, and of two they take either.
    const key = reading.bounds.names === 'exact' ? name : name.toLowerCase()
    if (folded.has(key)) throw new ProtocolError('a JSON object with one name twice')
    folded.add(key)
    expect(reading, ':')
    members.set(name, readValue(reading, depth))
  })
  return members
}

function readList(reading: Reading, depth: number): JsonValue {
  const list: JsonValue[] = []
  eachEntry(reading, depth, ']', () => list.push(readValue(reading, depth)))
  return list
}

function eachEntry(reading: Reading, depth: number, closing: '}' | ']', read: () => void): void {
  const { depthMax, entriesMax } = reading.bounds
  if (depth > depthMax) throw new ProtocolError(`JSON of more than ${depthMax} levels`)
  reading.at += 1
  skipSpace(reading)
  if (reading.text[reading.at] === closing) {
    reading.at += 1
    return
  }
  for (let entries = 1; ; entries += 1) {
    if (entries > entriesMax) throw new ProtocolError(`JSON with more than ${entriesMax} entries in one object or list`)
    read()
    skipSpace(reading)
    const sign = reading.text[reading.at]
    reading.at += 1
    if (sign === closing) return
    if (sign !== ',') throw notJson()
  }
}

function readString(reading: Reading): string {
  const { text, at } = reading
  let end = at + 1
  for (; ; end += 1) {
    const unit = text.charCodeAt(end)
    // Also where the text ends: NaN.
    if (!(unit >= 0x20)) throw notJson()
    if (unit === 0x22) break
    if (unit === 0x5c) end += 1
  }
  reading.at = end + 1
  const raw = text.slice(at, end + 1)
  const content = raw.includes('\\') ? unescaped(raw) : raw.slice(1, -1)
  // Half of a pair is no character: every reader puts another one in its place.
  if (/\p{Surrogate}/u.test(content)) throw new ProtocolError('a JSON text with half of a surrogate pair')
  return content
}

function unescaped(raw: string): string {
  try {
    return String(JSON.parse(raw))
  } catch {
    throw notJson()
  }
}

function readNumber(reading: Reading): number | bigint {
  number.lastIndex = reading.at
  const found = number.exec(reading.text)
  if (found === null) throw notJson()
  const [raw, fraction, exponent] = found
  if (raw.length > numberCharsMax) throw new ProtocolError(`a JSON number of more than ${numberCharsMax} characters`)
  reading.at += raw.length
  if (fraction === undefined && exponent === undefined) {
    const whole = BigInt(raw)
    if (BigInt.asIntN(64, whole) !== whole) throw new ProtocolError('a JSON number beyond 64 bits')
    return whole
  }
  const value = Number(raw)
  if (!Number.isFinite(value)) throw new ProtocolError('a JSON number that is too large')
  return value
}

function expect(reading: Reading, sign: string): void {
  skipSpace(reading)
  if (reading.text[reading.at] !== sign) throw notJson()
  reading.at += 1
}

function skipSpace(reading: Reading): void {
  for (;;) {
    const unit = reading.text.charCodeAt(reading.at)
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return
    reading.at += 1
  }
}

const notJson = (): ProtocolError => new ProtocolError('a body that is not the JSON that it says')
