// Masks of date, timestamp and timestamptz: the year alone, or 1970-01-01. Dates are never hashed: a pseudonym that
// looks like a date would be taken for one, so `hash` gives NULL.
import type { ReplaceContext } from './replace.ts'
import { ascii, textOf } from './text.ts'

type Mask = (value: Uint8Array) => Uint8Array | null

/** PostgreSQL counts days and microseconds from 2000-01-01 (POSTGRES_EPOCH_JDATE); this is that day in days of 1970. */
const epochDay = 10_957
const microsPerDay = 86_400_000_000n
const int32Max = 2_147_483_647
const int32Min = -2_147_483_648
const int64Max = 9_223_372_036_854_775_807n
const int64Min = -9_223_372_036_854_775_808n

export function maskDate({ method, format }: ReplaceContext): Mask {
  const encode = (year: number): Uint8Array =>
    format === 0 ? ascii(`${yearText(year)}-01-01`) : int32(dayOfYearStart(year) - epochDay)
  if (method === 'hash') return () => null
  const fixed = encode(1970)
  if (method !== 'year') return () => fixed
  return (value) => {
    const year = format === 0 ? writtenYear(value) : binaryDateYear(value)
    return year === null ? null : encode(year)
  }
}

/** `utc`: the year is that of the instant in UTC. A caller chooses TimeZone, and could otherwise measure the instant by
 * moving the zone until the year changes. */
export function maskTimestamp({ method, format }: ReplaceContext, kind: 'local' | 'utc'): Mask {
  const encode = (year: number): Uint8Array =>
    format === 0
      ? ascii(`${yearText(year)}-01-01 00:00:00${kind === 'utc' ? '+00' : ''}`)
      : int64(BigInt(dayOfYearStart(year) - epochDay) * microsPerDay)
  if (method === 'hash') return () => null
  const fixed = encode(1970)
  if (method !== 'year') return () => fixed
  return (value) => {
    const year = format === 1 ? binaryTimestampYear(value) : kind === 'utc' ? instantYear(value) : writtenYear(value)
    return year === null ? null : encode(year)
  }
}

const yearText = (year: number): string => String(year).padStart(4, '0')

/** The year of a date or timestamp in ISO style; null for every other DateStyle, for BC and for infinity. */
function writtenYear(value: Uint8Array): number | null {
  const text = textOf(value)
  const parts = text === null ? null : /^([0-9]{4,7})-[0-9]{2}-[0-9]{2}(?: [0-9:.]{8,15})?$/.exec(text)
  return parts === null ? null : Number(parts[1])
}

/** The year in UTC of a timestamptz in ISO style. */
function instantYear(value: Uint8Array): number | null {
  const text = textOf(value)
  if (text === null) return null
  const parts =
    /^([0-9]{4,7})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?([+-])([0-9]{2,3})(?::([0-9]{2}))?(?::([0-9]{2}))?$/.exec(
      text,
    )
  if (parts === null) return null
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1, 7).map(Number)
  const offset = Number(parts[8]) * 3_600 + Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0)
  const local = hours * 3_600 + minutes * 60 + seconds
  const days = dayOf(year, month, day) + Math.floor((local - (parts[7] === '-' ? -offset : offset)) / 86_400)
  return atLeastYearOne(yearOfDay(days))
}

function binaryDateYear(value: Uint8Array): number | null {
  if (value.length !== 4) return null
  const days = new DataView(value.buffer, value.byteOffset, 4).getInt32(0)
  if (days === int32Max || days === int32Min) return null
  return atLeastYearOne(yearOfDay(days + epochDay))
}

function binaryTimestampYear(value: Uint8Array): number | null {
  if (value.length !== 8) return null
  const micros = new DataView(value.buffer, value.byteOffset, 8).getBigInt64(0)
  if (micros === int64Max || micros === int64Min) return null
  const whole = micros / microsPerDay
  const days = micros % microsPerDay < 0n ? whole - 1n : whole
  return atLeastYearOne(yearOfDay(Number(days) + epochDay))
}

/** Years before 1 are written with BC and have no simple masked form. */
const atLeastYearOne = (year: number): number | null => (year >= 1 ? year : null)

const dayOfYearStart = (year: number): number => dayOf(year, 1, 1)

/** Days since 1970-01-01 of a proleptic Gregorian date: whole years start in March, so that leap days come last. */
function dayOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** The year of a day counted from 1970-01-01; the estimate by the mean length of a year is off by one at most. */
function yearOfDay(day: number): number {
  const estimate = Math.floor((day * 400) / 146_097) + 1970
  if (dayOfYearStart(estimate) > day) return estimate - 1
  return dayOfYearStart(estimate + 1) <= day ? estimate + 1 : estimate
}

function int32(number: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, number)
  return bytes
}

function int64(number: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, number)
  return bytes
}
