// International bank account numbers (ISO 13616): a country of the registry, its exact length, and the checksum modulo 97.
import { codeAt, isAlphanumeric, isDigit, isHyphen, isLetter, isSpace, isUpper, type Piece } from './finding.ts'

/** Lengths of the IBAN registry (SWIFT, release 99), country code included. */
const lengthText =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
  'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
  'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
  'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
const lengths: ReadonlyMap<string, number> = new Map(
  lengthText.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

const upperOf = (unit: number): number => (isLetter(unit) && !isUpper(unit) ? unit - 0x20 : unit)

/** End of the IBAN that starts at `start`, or null. Groups of four may be divided by one space or hyphen each. */
export function ibanEnd(piece: Piece, start: number): number | null {
  const first = codeAt(piece, start)
  const second = codeAt(piece, start + 1)
  if (!isLetter(first) || !isLetter(second)) return null
  if (!isDigit(codeAt(piece, start + 2)) || !isDigit(codeAt(piece, start + 3))) return null
  const length = lengths.get(String.fromCharCode(upperOf(first), upperOf(second)))
  if (length === undefined) return null
  const units: number[] = []
  let at = start
  while (units.length < length) {
    let unit = codeAt(piece, at)
    if (units.length > 0 && units.length % 4 === 0 && (isSpace(unit) || isHyphen(unit))) {
      at += 1
      unit = codeAt(piece, at)
    }
    if (!isAlphanumeric(unit)) return null
    units.push(upperOf(unit))
    at += 1
  }
  return isAlphanumeric(codeAt(piece, at)) || remainder(units) !== 1 ? null : at
}

/** ISO 7064 MOD 97-10 over the number with its first four characters moved to the end; letters count from A = 10. */
function remainder(units: readonly number[]): number {
  let rest = 0
  for (const unit of [...units.slice(4), ...units.slice(0, 4)])
    rest = isDigit(unit) ? (rest * 10 + unit - 0x30) % 97 : (rest * 100 + unit - 0x37) % 97
  return rest
}
