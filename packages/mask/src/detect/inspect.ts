// Looks at one piece of a text with every detector, from left to right. Findings come in order and never overlap: the
// longest of those that start at one place, and an address as a whole where its local part looked like something else.
import type { DetectorName } from '../rule.ts'
import { emailAround } from './email.ts'
import { code, codeAt, type Finding, isAlphanumeric, isDigit, isLetter, type Piece, startsWord } from './finding.ts'
import { ibanEnd } from './iban.ts'
import { jwtAt } from './jwt.ts'
import { cardEnd, phoneEnd, readDigits, ssnEnd } from './numbers.ts'
import { tokenAt } from './tokens.ts'

type Found = { readonly kind: DetectorName; readonly end: number }

/** The findings of a piece, in order. */
export function inspect(piece: Piece, kinds: ReadonlySet<DetectorName>): Finding[] {
  const found: Finding[] = []
  const seen = { jwtFrom: piece.start }
  let at = piece.start
  while (at < piece.end) {
    const width = signWidth(piece, at)
    if (width !== 0) {
      const end = kinds.has('email') ? takeEmail(piece, at, width, found) : null
      at = end ?? at + 1
      continue
    }
    const here = startsHere(piece, at) ? longest(piece, at, kinds, seen) : null
    if (here !== null) found.push({ kind: here.kind, start: at, end: here.end })
    at = here?.end ?? at + 1
  }
  return found
}

/** 1 at an @, 3 at the `%40` of a URL, else 0. */
function signWidth(piece: Piece, at: number): 0 | 1 | 3 {
  const unit = codeAt(piece, at)
  if (unit === code.at) return 1
  return unit === code.percent && codeAt(piece, at + 1) === 0x34 && codeAt(piece, at + 2) === 0x30 ? 3 : 0
}

/** Adds the address around this @ in place of what was found in it; the end of the address, or null. */
function takeEmail(piece: Piece, at: number, width: 1 | 3, found: Finding[]): number | null {
  const address = emailAround(piece, at, width)
  if (address === null) return null
  let { start } = address
  for (let last = found.at(-1); last !== undefined && last.end > start; last = found.at(-1)) {
    start = Math.min(start, last.start)
    found.pop()
  }
  found.push({ kind: 'email', start, end: address.end })
  return address.end
}

function startsHere(piece: Piece, at: number): boolean {
  const unit = codeAt(piece, at)
  if (isAlphanumeric(unit)) return startsWord(piece, at)
  if (unit !== code.plus && unit !== code.open) return false
  return isDigit(codeAt(piece, at + 1)) && startsWord(piece, at)
}

/** The longest finding that starts at `at`; of equals the first in the order below. */
function longest(piece: Piece, at: number, kinds: ReadonlySet<DetectorName>, seen: { jwtFrom: number }): Found | null {
  const offers: Found[] = []
  const offer = (kind: DetectorName, end: number | null): void => {
    if (end !== null && kinds.has(kind)) offers.push({ kind, end })
  }
  const unit = codeAt(piece, at)
  if (!isLetter(unit)) {
    const digits = readDigits(piece, at)
    if (digits !== null) {
      offer('card', cardEnd(digits))
      offer('us-ssn', ssnEnd(digits))
      offer('phone', phoneEnd(digits))
    }
  } else {
    offer('iban', kinds.has('iban') ? ibanEnd(piece, at) : null)
    if (kinds.has('jwt') && at >= seen.jwtFrom) offer('jwt', jwtEnd(piece, at, seen))
  }
  const token = isAlphanumeric(unit) ? tokenAt(piece, at) : null
  if (token !== null) offer(token.kind, token.end)
  return offers.reduce<Found | null>((best, next) => (best === null || next.end > best.end ? next : best), null)
}

function jwtEnd(piece: Piece, at: number, seen: { jwtFrom: number }): number | null {
  // `eyJ`, base64 of `{"` and what follows it.
  if (codeAt(piece, at) !== 0x65 || codeAt(piece, at + 1) !== 0x79 || codeAt(piece, at + 2) !== 0x4a) return null
  const attempt = jwtAt(piece, at)
  if (attempt.kind === 'found') return attempt.end
  seen.jwtFrom = attempt.next
  return null
}
