// The time that conditions see as `now`: civil fields in UTC or in a named zone. No clock: the instant is passed in.
// Ours because the CEL library reads zoned fields through the zone of the process, and takes 50 µs for each of them.

/** Fields as CEL defines them: months, days of month, week and year count from 0; `date` counts from 1. */
export type TimeField =
  | 'getFullYear'
  | 'getMonth'
  | 'getDate'
  | 'getDayOfMonth'
  | 'getDayOfWeek'
  | 'getDayOfYear'
  | 'getHours'
  | 'getMinutes'
  | 'getSeconds'
  | 'getMilliseconds'

export const timeFields: readonly TimeField[] = [
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
]

/** Zones whose formatter is kept; policies name few. */
const formattersMax = 500
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  if (formatters.size >= formattersMax) formatters.clear()
  formatters.set(zone, formatter)
  return formatter
}

export function isTimeZone(zone: string): boolean {
  try {
    formatterOf(zone)
    return true
  } catch {
    return false
  }
}

/** An instant. Nominal, because the CEL library tells types apart by their constructor. */
export class Instant {
  readonly ms: number
  /** The last zone asked for: conditions read several fields of one zone. */
  #zone: string | null = null
  #civilMs: number
  constructor(ms: number) {
    this.ms = ms
    this.#civilMs = ms
  }
  field(field: TimeField, zone: string | null): bigint {
    if (zone === null) return BigInt(fieldOf(this.ms, field))
    if (zone !== this.#zone) {
      this.#civilMs = civilMs(this.ms, zone)
      this.#zone = zone
    }
    return BigInt(fieldOf(this.#civilMs, field))
  }
}

/** The wall clock of a zone as if it were UTC, so that one arithmetic serves both. */
function civilMs(ms: number, zone: string): number {
  const parts: Record<string, number> = {}
  for (const part of formatterOf(zone).formatToParts(ms)) parts[part.type] = Number(part.value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const fraction = ((ms % 1_000) + 1_000) % 1_000
  return Date.UTC(year, month - 1, day, hour, minute, second) + fraction
}

const msPerDay = 86_400_000

function fieldOf(ms: number, field: TimeField): number {
  const date = new Date(ms)
  switch (field) {
    case 'getFullYear':
      return date.getUTCFullYear()
    case 'getMonth':
      return date.getUTCMonth()
    case 'getDate':
      return date.getUTCDate()
    case 'getDayOfMonth':
      return date.getUTCDate() - 1
    case 'getDayOfWeek':
      return date.getUTCDay()
    case 'getDayOfYear':
      return Math.floor((ms - Date.UTC(date.getUTCFullYear(), 0, 1)) / msPerDay)
    case 'getHours':
      return date.getUTCHours()
    case 'getMinutes':
      return date.getUTCMinutes()
    case 'getSeconds':
      return date.getUTCSeconds()
    case 'getMilliseconds':
      return date.getUTCMilliseconds()
  }
}
