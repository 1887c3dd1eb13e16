// Divides a text into pieces that no finding crosses, one character after the other, whatever the chunks in which it
// comes: words with their signs, numbers with their spaces, and private keys from their first line to their last.
// INVARIANT: where a piece ends depends on the text alone; a character is never held longer than one window.
import { type Chars, code, isAlphanumeric, isDigit, isForeignLetter, isHyphen, isSpace, isUpper } from './finding.ts'
import { jwtMax } from './jwt.ts'

/** Characters of the longest piece. A longer run is looked at in overlapping pieces. */
export const pieceMax = jwtMax * 2
/** What two pieces of a longer run share: the longest finding. */
export const overlap = jwtMax

/** Where the reading of a text stands. Positions count from the start of what is passed to `readPieces`. */
export interface Reading {
  /** Start of the piece that is not finished. */
  start: number
  /** The next character to read. */
  at: number
  /** `marker`: inside "-----BEGIN …"; `key`: after it; `last`: inside "-----END …". */
  mode: 'text' | 'marker' | 'key' | 'last'
  /** Where the marker or the key starts, and where the marker's words do. */
  opened: number
  words: number
  /** Hyphens in a row before `at`. */
  hyphens: number
  /** A digit, `@` or `%` stands in the piece: what a finding of fewer than `barePieceMin` characters cannot do without. */
  telling: boolean
}

export const newReading = (): Reading => ({
  start: 0,
  at: 0,
  mode: 'text',
  opened: 0,
  words: 0,
  hyphens: 0,
  telling: false,
})

export interface PieceSink {
  /** Looks at characters from `start` up to `end`. `more`: the run goes on, and what starts in the last `overlap` of it
   * comes again. Returns where the next piece starts. */
  text(start: number, end: number, more: boolean): number
  /** A private key, or a part of one that is longer than a window. */
  key(start: number, end: number): void
}

/** Reads as far as can be decided; `isLast` decides everything. */
export function readPieces(chars: Chars, reading: Reading, isLast: boolean, sink: PieceSink): void {
  while (reading.at < chars.length) {
    const unit = chars.charCodeAt(reading.at)
    // What a space means depends on the character behind it.
    if (reading.mode === 'text' && isSpace(unit) && reading.at + 1 === chars.length && !isLast) return
    step(chars, reading, unit, sink)
  }
  if (!isLast) return
  if (reading.mode === 'key' || reading.mode === 'last') sink.key(reading.opened, reading.at)
  else finishPiece(reading, reading.at, sink)
  reading.start = reading.at
  reading.mode = 'text'
}

function step(chars: Chars, reading: Reading, unit: number, sink: PieceSink): void {
  switch (reading.mode) {
    case 'text':
      stepText(chars, reading, unit, sink)
      break
    case 'marker':
      stepMarker(chars, reading, unit, sink)
      break
    case 'key':
    case 'last':
      stepKey(reading, unit, sink)
      break
  }
  reading.hyphens = unit === code.hyphen ? reading.hyphens + 1 : 0
  if (reading.mode !== 'text' || reading.at - reading.start < pieceMax) return
  reading.start = sink.text(reading.start, reading.at, true)
}

function stepText(chars: Chars, reading: Reading, unit: number, sink: PieceSink): void {
  if (reading.hyphens >= 5 && unit === 0x42) {
    // "B" of BEGIN, perhaps.
    reading.mode = 'marker'
    reading.opened = Math.max(reading.start, reading.at - 5)
    reading.words = reading.at
    reading.at += 1
    return
  }
  const place = unit < 0x80 ? (asciiPlaces[unit] ?? 'cut') : placeOf(unit)
  if (place === 'telling') reading.telling = true
  if (place === 'cut' || (place === 'space' && !joins(chars, reading))) {
    finishPiece(reading, reading.at, sink)
    reading.start = reading.at + 1
  }
  reading.at += 1
}

/** Shortest finding without a digit, `@` or `%`: an access key of AWS. */
const barePieceMin = 20

/** Most words of a text hold nothing, and are passed over here. */
function finishPiece(reading: Reading, end: number, sink: PieceSink): void {
  const isWorthALook = reading.telling ? end > reading.start : end - reading.start >= barePieceMin
  if (isWorthALook) sink.text(reading.start, end, false)
  reading.telling = false
}

/** Longest text between the hyphens: BEGIN ENCRYPTED PRIVATE KEY, BEGIN PGP PRIVATE KEY BLOCK. */
const markerMax = 64

function stepMarker(chars: Chars, reading: Reading, unit: number, sink: PieceSink): void {
  const isName = isUpper(unit) || isDigit(unit) || unit === code.space || unit === code.hyphen
  const closes = unit === code.hyphen && reading.hyphens === 4
  if (!isName || reading.at - reading.words > markerMax) {
    // No key after all: the same character again, as text.
    reading.mode = 'text'
    reading.telling = true
    stepText(chars, reading, unit, sink)
    return
  }
  reading.at += 1
  if (!closes) return
  if (!isPrivateKey(chars, reading.words, reading.at - 5)) {
    reading.mode = 'text'
    reading.telling = true
    return
  }
  finishPiece(reading, reading.opened, sink)
  reading.start = reading.opened
  reading.mode = 'key'
  reading.hyphens = -1
}

function isPrivateKey(chars: Chars, start: number, end: number): boolean {
  let name = ''
  for (let at = start; at < end; at += 1) name += String.fromCharCode(chars.charCodeAt(at))
  return /^BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?$/.test(name)
}

function stepKey(reading: Reading, unit: number, sink: PieceSink): void {
  const isBody = isKeyBody(unit)
  if (isBody) reading.at += 1
  const opensLast =
    reading.mode === 'key' && unit === code.hyphen && reading.hyphens === 4 && reading.at - reading.opened > markerMin
  if (opensLast) {
    reading.mode = 'last'
    reading.hyphens = -1
    return
  }
  const isOver = !isBody || (reading.mode === 'last' && unit === code.hyphen && reading.hyphens === 4)
  const isFull = reading.at - reading.opened >= pieceMax
  if (!isOver && !isFull) return
  if (reading.at > reading.opened) sink.key(reading.opened, reading.at)
  reading.opened = reading.at
  reading.start = reading.at
  if (isOver) reading.mode = 'text'
}

/** `-----BEGIN PRIVATE KEY-----`. */
const markerMin = 27

/** Base64, its lines (also as `\n` of JSON), and the headers of RFC 1421 and RFC 4880. */
const isKeyBody = (unit: number): boolean =>
  isAlphanumeric(unit) || unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || keyBodySigns.has(unit)
const keyBodySigns = new Set(Array.from('+/=-\\:,.()<>@_', (sign) => sign.charCodeAt(0)))

/** What a character means for the piece that it stands in. `cut`: it stands in no finding. */
type Place = 'cut' | 'space' | 'telling' | 'other'

function placeOf(unit: number): Place {
  if (isDigit(unit) || unit === code.at || unit === code.percent) return 'telling'
  if (isSpace(unit)) return 'space'
  if (unit < 0x80) return isAlphanumeric(unit) || pieceSigns.has(unit) ? 'other' : 'cut'
  return isHyphen(unit) || isForeignLetter(unit) ? 'other' : 'cut'
}
const pieceSigns = new Set(Array.from('_.+-/=~:()', (sign) => sign.charCodeAt(0)))
const asciiPlaces: readonly Place[] = Array.from({ length: 0x80 }, (_, unit) => placeOf(unit))

/** Does the space at `reading.at` stand inside a number, or between the groups of an IBAN? */
function joins(chars: Chars, { at, start }: Reading): boolean {
  if (at === start || at + 1 >= chars.length) return false
  const before = chars.charCodeAt(at - 1)
  const after = chars.charCodeAt(at + 1)
  if (isDigit(before) || before === code.close) return isDigit(after) || after === code.open || isUpper(after)
  if (!isDigit(after) && !isUpper(after)) return false
  for (let index = at - 4; index < at; index += 1) {
    const unit = index < start ? -1 : chars.charCodeAt(index)
    if (!isDigit(unit) && !isUpper(unit)) return false
  }
  return true
}
