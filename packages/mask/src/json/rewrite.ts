// Rewrites a JSON text value by value and leaves everything else as it stands, letter for letter: order of members, spaces
// and the digits of numbers. It never parses into objects, so that nothing is lost or added by doing so.
// INVARIANT: what comes back is JSON whenever the text is; a text that is no JSON gives null.

/** What becomes of the parts of a document. `P` says where in it something stands; elements of an array stand where it does. */
export interface Rewriter<P> {
  /** The place of a member of an object at `place`. */
  member(place: P, key: string): P
  /** JSON in the place of a whole value, whatever it holds; null: look into it. */
  whole(place: P): ((raw: string) => string) | null
  /** JSON in the place of a string or number, or null to keep it. */
  scalar(raw: string): string | null
  /** The same for a member's name. */
  name(raw: string): string | null
}

/** Levels of a document; a deeper one is no value that anybody can check. */
export const jsonDepthMax = 10_000

/** The document rewritten, the text itself where nothing changes, or null where it is no JSON. */
export const rewriteJson = <P>(text: string, root: P, rewriter: Rewriter<P>): string | null =>
  startRewriting(text, root, rewriter).step(Number.POSITIVE_INFINITY) ?? null

/** A rewriting that others may do something between. */
export interface Rewriting {
  /** Reads on for about so many characters, up to the end of a value; undefined: there is more. */
  step(characters: number): string | null | undefined
}

export function startRewriting<P>(text: string, root: P, rewriter: Rewriter<P>): Rewriting {
  const reading: Reading<P> = { text, at: 0, from: 0, written: '', open: [], place: root, replacing: null }
  return { step: (characters) => advance(reading, rewriter, reading.at + characters) }
}

function advance<P>(reading: Reading<P>, rewriter: Rewriter<P>, until: number): string | null | undefined {
  const { text } = reading
  for (;;) {
    if (reading.at >= until) return undefined
    if (!readValue(reading, rewriter)) return null
    // After a value: the end of what is around it, or the next one.
    for (;;) {
      const around = reading.open.at(-1)
      skipSpace(reading)
      if (around === undefined) return reading.at === text.length ? ended(reading) : null
      const sign = text[reading.at]
      if (sign === ',') {
        reading.at += 1
        reading.place = around.place
        if (around.closing === '}' && !readName(reading, rewriter)) return null
        break
      }
      if (sign !== around.closing) return null
      reading.at += 1
      close(reading)
    }
  }
}

interface Reading<P> {
  readonly text: string
  /** The next character, and the first that is not written yet. */
  at: number
  from: number
  written: string
  readonly open: { readonly place: P; readonly closing: '}' | ']' }[]
  place: P
  /** A value that is replaced as a whole, and how many are open around it. */
  replacing: { readonly start: number; readonly depth: number; readonly by: (raw: string) => string } | null
}

const ended = ({ text, from, written }: Reading<unknown>): string => (from === 0 ? text : written + text.slice(from))

/** Puts `by` in the place of what was read since `start`. */
function put(reading: Reading<unknown>, start: number, by: string): void {
  reading.written += reading.text.slice(reading.from, start) + by
  reading.from = reading.at
}

/** Reads a scalar whole, of an object or array its opening up to its first value. */
function readValue<P>(reading: Reading<P>, rewriter: Rewriter<P>): boolean {
  for (;;) {
    skipSpace(reading)
    const { text, at, place } = reading
    if (reading.replacing === null) {
      const by = rewriter.whole(place)
      if (by !== null) reading.replacing = { start: at, depth: reading.open.length, by }
    }
    const sign = text[at]
    if (sign !== '{' && sign !== '[') return readScalar(reading, rewriter)
    if (reading.open.length >= jsonDepthMax) return false
    const closing = sign === '{' ? '}' : ']'
    reading.open.push({ place, closing })
    reading.at += 1
    skipSpace(reading)
    if (text[reading.at] === closing) {
      reading.at += 1
      close(reading)
      return true
    }
    if (closing === '}' && !readName(reading, rewriter)) return false
  }
}

function close<P>(reading: Reading<P>): void {
  reading.open.pop()
  settle(reading)
}

/** A value has ended: was it the one that is replaced? */
function settle<P>(reading: Reading<P>): void {
  const { replacing } = reading
  if (replacing === null || replacing.depth !== reading.open.length) return
  reading.replacing = null
  put(reading, replacing.start, replacing.by(reading.text.slice(replacing.start, reading.at)))
}

function readScalar<P>(reading: Reading<P>, rewriter: Rewriter<P>): boolean {
  const start = reading.at
  const end = reading.text[start] === '"' ? stringEnd(reading.text, start) : wordEnd(reading.text, start)
  if (end < 0) return false
  reading.at = end
  if (reading.replacing === null) {
    const raw = reading.text.slice(start, end)
    const by = isWord(raw) ? null : rewriter.scalar(raw)
    if (by !== null) put(reading, start, by)
  }
  settle(reading)
  return true
}

/** A member's name and its colon. */
function readName<P>(reading: Reading<P>, rewriter: Rewriter<P>): boolean {
  skipSpace(reading)
  const start = reading.at
  const end = reading.text[start] === '"' ? stringEnd(reading.text, start) : -1
  if (end < 0) return false
  const raw = reading.text.slice(start, end)
  const key = contentOf(raw)
  if (key === null) return false
  reading.at = end
  if (reading.replacing === null) {
    const by = rewriter.name(raw)
    if (by !== null) put(reading, start, by)
    reading.place = rewriter.member(reading.place, key)
  }
  skipSpace(reading)
  if (reading.text[reading.at] !== ':') return false
  reading.at += 1
  return true
}

function skipSpace(reading: Reading<unknown>): void {
  for (;;) {
    const unit = reading.text.charCodeAt(reading.at)
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return
    reading.at += 1
  }
}

/** After the closing quote, or -1. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return at + 1
  }
  return -1
}

const words: ReadonlySet<string> = new Set(['true', 'false', 'null'])
const isWord = (raw: string): boolean => words.has(raw)
const number = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
/** Digits of the longest number of PostgreSQL (numeric: 131,072 before the point, 16,383 behind it). */
const numberCharsMax = 150_000

/** After a number or one of the three words, or -1. */
function wordEnd(text: string, start: number): number {
  let end = start
  while (end - start <= numberCharsMax && isWordSign(text.charCodeAt(end))) end += 1
  const raw = text.slice(start, end)
  return isWord(raw) || number.test(raw) ? end : -1
}

const isWordSign = (unit: number): boolean =>
  (unit >= 0x30 && unit <= 0x39) ||
  (unit >= 0x61 && unit <= 0x7a) ||
  unit === 0x2b ||
  unit === 0x2d ||
  unit === 0x2e ||
  unit === 0x45

/** The text of a JSON string, or null when its escapes are none. */
export function contentOf(raw: string): string | null {
  if (!raw.includes('\\')) return raw.slice(1, -1)
  try {
    const content: unknown = JSON.parse(raw)
    return typeof content === 'string' ? content : null
  } catch {
    return null
  }
}
