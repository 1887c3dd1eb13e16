// Payment cards, telephone numbers and US social security numbers: digits in groups. Checksums and the number plans of
// their issuers keep ordinary numbers out.
import { code, codeAt, isDigit, isHyphen, isLetter, isSpace, type Piece } from './finding.ts'

/** ISO/IEC 7812-1: at most 19 digits. */
const digitsMax = 19
const groupsMax = 8

type Separator = 'none' | 'space' | 'hyphen' | 'dot' | 'slash' | 'bracket'

/** Digits in groups from one place on, as far as they could be one number. */
export interface Digits {
  readonly start: number
  readonly plus: boolean
  readonly values: readonly number[]
  readonly groups: readonly Group[]
  /** What stands before: digits of another group and this separator, or something else. */
  readonly before: Separator | null
}

interface Group {
  readonly length: number
  /** Digits up to and with this group. */
  readonly total: number
  /** After its last digit, and the bracket that closes it. */
  readonly end: number
  /** Before this group. */
  readonly separator: Separator
  /** A letter follows at once: no number ends here. */
  readonly glued: boolean
}

/** Reads at `index`, where a digit, `+` or `(` stands; null when no number can start there. */
export function readDigits(piece: Piece, index: number): Digits | null {
  const values: number[] = []
  const groups: Group[] = []
  const plus = codeAt(piece, index) === code.plus
  let at = plus ? index + 1 : index
  let separator: Separator = 'none'
  while (groups.length < groupsMax) {
    const bracket = codeAt(piece, at) === code.open
    const group = readGroup(piece, bracket ? at + 1 : at, bracket, values)
    if (group === null) break
    groups.push({
      length: group.length,
      total: values.length,
      separator: bracket ? 'bracket' : separator,
      ...ends(piece, group.end),
    })
    const next = readSeparator(piece, group.end, group.closed)
    if (next === null) break
    separator = next.separator
    at = next.end
  }
  return groups.length === 0 ? null : { start: index, plus, values, groups, before: separatorBefore(piece, index) }
}

const ends = (piece: Piece, end: number) => ({ end, glued: isLetter(codeAt(piece, end)) })

/** Digits are pushed to `values`; null when there are none, or more than any number has. */
function readGroup(piece: Piece, start: number, bracket: boolean, values: number[]) {
  let at = start
  const before = values.length
  while (isDigit(codeAt(piece, at))) {
    if (values.length === digitsMax) {
      values.length = before
      return null
    }
    values.push(codeAt(piece, at) - 0x30)
    at += 1
  }
  const length = at - start
  const closed = bracket && codeAt(piece, at) === code.close
  if (length === 0 || (bracket && !closed)) {
    values.length = before
    return null
  }
  return { length, end: closed ? at + 1 : at, closed }
}

/** What divides two groups: one sign, or a bracket with a space. Null when no group follows. */
function readSeparator(piece: Piece, at: number, closed: boolean): { separator: Separator; end: number } | null {
  const unit = codeAt(piece, at)
  const separator = separatorOf(unit)
  const end = separator === 'none' ? at : at + 1
  const next = codeAt(piece, end)
  if (separator === 'none' && !closed && unit !== code.open) return null
  if (!isDigit(next) && next !== code.open) return null
  return { separator: closed ? 'bracket' : separator, end }
}

function separatorOf(unit: number): Separator {
  if (isSpace(unit)) return 'space'
  if (isHyphen(unit)) return 'hyphen'
  if (unit === code.dot) return 'dot'
  return unit === code.slash ? 'slash' : 'none'
}

function separatorBefore(piece: Piece, index: number): Separator | null {
  const separator = separatorOf(codeAt(piece, index - 1))
  return separator !== 'none' && isDigit(codeAt(piece, index - 2)) ? separator : null
}

/** Does the number go on after group `last`, with a sign that would make it another one? */
function goesOn(digits: Digits, last: number, ...signs: readonly Separator[]): boolean {
  const next = digits.groups[last + 1]
  return next !== undefined && signs.includes(next.separator)
}

const lengthsOf = (digits: Digits, count: number): readonly number[] =>
  digits.groups.slice(0, count).map(({ length }) => length)

const sameSeparators = (digits: Digits, count: number): boolean => {
  const [, second, ...others] = digits.groups.slice(0, count)
  return others.every(({ separator }) => separator === second?.separator)
}

const numberOf = (values: readonly number[], from: number, count: number): number =>
  values.slice(from, from + count).reduce((sum, digit) => sum * 10 + digit, 0)

/** End of a payment card number: an issuer's range and length, Luhn's sum (ISO/IEC 7812-1), grouped as cards print it. */
export function cardEnd(digits: Digits): number | null {
  if (digits.plus || digits.before === 'dot' || digits.before === 'hyphen') return null
  for (let last = digits.groups.length - 1; last >= 0; last -= 1) {
    const group = digits.groups[last]
    if (group === undefined || group.glued || group.total < cardDigitsMin) continue
    if (!isCardGrouped(digits, last + 1) || goesOn(digits, last, 'dot', 'hyphen')) continue
    const values = digits.values.slice(0, group.total)
    if (isIssued(values) && hasLuhnSum(values)) return group.end
  }
  return null
}

const cardDigitsMin = 13

function isCardGrouped(digits: Digits, count: number): boolean {
  if (count === 1) return true
  const separator = digits.groups[1]?.separator
  if ((separator !== 'space' && separator !== 'hyphen') || !sameSeparators(digits, count)) return false
  const lengths = lengthsOf(digits, count)
  const isAmexLike = lengths.join() === '4,6,5' || lengths.join() === '4,6,4'
  return (
    isAmexLike || (count >= 4 && lengths.every((length, index) => length === 4 || (index === count - 1 && length < 4)))
  )
}

/** Ranges of the issuers' first six digits, and the lengths that they give out. */
function isIssued(values: readonly number[]): boolean {
  const { length } = values
  const first = numberOf(values, 0, 6)
  const starts = (low: number, high: number): boolean => {
    const scale = 10 ** (6 - String(low).length)
    return first >= low * scale && first < (high + 1) * scale
  }
  switch (values[0]) {
    case 4: // Visa
      return length === 13 || length === 16 || length === 19
    case 5: // Mastercard 51–55, Maestro 50 and 56–58
      return starts(51, 55) ? length === 16 : (starts(50, 50) || starts(56, 58)) && length >= 16
    case 3: // American Express, Diners Club, JCB
      if (starts(34, 34) || starts(37, 37)) return length === 15
      if (starts(300, 305) || starts(36, 36) || starts(38, 39)) return length === 14 || length === 16
      return starts(3528, 3589) && length === 16
    case 2: // Mastercard, Mir
      return (starts(2221, 2720) || starts(2200, 2204)) && length === 16
    case 6: // Discover, UnionPay, RuPay, Maestro
      if (starts(6011, 6011) || starts(644, 649) || starts(65, 65) || starts(60, 60)) return length === 16
      return (starts(62, 62) || starts(67, 67)) && length >= 16
    default:
      return false
  }
}

function hasLuhnSum(values: readonly number[]): boolean {
  let sum = 0
  values.forEach((digit, index) => {
    const doubled = (values.length - index) % 2 === 0
    const weighed = doubled ? digit * 2 : digit
    sum += weighed > 9 ? weighed - 9 : weighed
  })
  return sum % 10 === 0 && values.some((digit) => digit !== values[0])
}

/** End of a US social security number as it is written, 3-2-4. Never given out: areas 000, 666 and 9xx, zero parts. */
export function ssnEnd(digits: Digits): number | null {
  const [area, , serial] = digits.groups
  if (area === undefined || serial === undefined || digits.plus || serial.glued) return null
  if (lengthsOf(digits, 3).join() !== '3,2,4' || !sameSeparators(digits, 3)) return null
  const separator = serial.separator
  if (
    (separator !== 'hyphen' && separator !== 'space') ||
    goesOn(digits, 2, separator, 'dot') ||
    digits.before !== null
  )
    return null
  const number = numberOf(digits.values, 0, 3)
  if (number === 0 || number === 666 || number >= 900) return null
  return numberOf(digits.values, 3, 2) === 0 || numberOf(digits.values, 5, 4) === 0 ? null : serial.end
}

/** End of a telephone number: international with `+` or `00`, North American, or national with a leading zero. */
export function phoneEnd(digits: Digits): number | null {
  if (digits.before !== null && digits.before !== 'space') return null
  return internationalEnd(digits) ?? northAmericanEnd(digits) ?? nationalEnd(digits)
}

/** ITU-T E.164: at most 15 digits with the country's code; shorter than eight are no subscribers. */
const phoneDigitsMax = 15
const phoneDigitsMin = 8

const bareDigitsMax = 13

const hasDots = (digits: Digits, last: number): boolean =>
  digits.groups.slice(0, last + 1).some(({ separator }) => separator === 'dot')

function internationalEnd(digits: Digits): number | null {
  const prefix = digits.plus ? 0 : digits.values[0] === 0 && digits.values[1] === 0 ? 2 : -1
  if (prefix === -1) return null
  const values = digits.values.slice(prefix)
  const country = countryCodeLength(values)
  if (country === 0) return null
  const isNorthAmerica = values[0] === 1
  // A number without `+` has to look like one: groups, or the full length.
  const least = digits.plus ? phoneDigitsMin : digits.groups.length > 1 ? 10 : 11
  for (let last = digits.groups.length - 1; last >= 0; last -= 1) {
    const group = digits.groups[last]
    const total = (group?.total ?? 0) - prefix
    if (group === undefined || group.glued || total > phoneDigitsMax || total < least) continue
    if (isNorthAmerica && (total !== 11 || (values[1] ?? 0) < 2)) continue
    // Zeros in front of a fraction, or of a longer number without spaces, are no dialling prefix.
    if (!digits.plus && (goesOn(digits, last, 'dot') || hasDots(digits, last) || (last === 0 && total > bareDigitsMax)))
      continue
    return group.end
  }
  return null
}

/** ITU-T E.164 list of assigned codes: 1 and 7 stand alone; two digits where these are listed; else three. */
const twoDigitCodes = new Set(
  [
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62,
    63, 64,
  ].concat([65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98]),
)
const threeDigitStarts = new Set([
  21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99,
])

function countryCodeLength(values: readonly number[]): 0 | 1 | 2 | 3 {
  if (values[0] === 1 || values[0] === 7) return 1
  const start = numberOf(values, 0, 2)
  if (twoDigitCodes.has(start)) return 2
  return threeDigitStarts.has(start) ? 3 : 0
}

/** 212-555-0123, (212) 555-0123, 1.212.555.0123: area and exchange start with 2 to 9, and the area is no N11 (NANP). */
function northAmericanEnd(digits: Digits): number | null {
  const lead = digits.groups[0]?.length === 1 && digits.values[0] === 1 ? 1 : 0
  const count = 3 + lead
  const last = digits.groups[count - 1]
  if (last === undefined || last.glued || digits.plus) return null
  if (lengthsOf(digits, count).slice(lead).join() !== '3,3,4') return null
  if (goesOn(digits, count - 1, 'hyphen', 'dot', 'slash', last.separator)) return null
  const area = digits.values.slice(lead, lead + 3)
  const exchange = digits.values[lead + 3] ?? 0
  if ((area[0] ?? 0) < 2 || exchange < 2 || (area[1] === 1 && area[2] === 1)) return null
  return last.end
}

/** 030 1234 5678, 0171/1234567, 06 12 34 56 78: a trunk zero, two to five groups, ten to twelve digits, then nothing. */
function nationalEnd(digits: Digits): number | null {
  const count = digits.groups.length
  const [first] = digits.groups
  const last = digits.groups[count - 1]
  if (first === undefined || last === undefined || last.glued || digits.plus || count < 2 || count > 5) return null
  if (digits.values[0] !== 0 || digits.values[1] === 0 || first.length < 2 || first.length > 6) return null
  if (last.total < 10 || last.total > 12 || digits.before !== null) return null
  if (digits.groups.some(({ length, separator }) => length < 2 || separator === 'hyphen')) return null
  return last.end
}
