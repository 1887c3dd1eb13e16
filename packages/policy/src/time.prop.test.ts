// Civil fields agree with the platform's own calendar, in every zone, whatever zone the process runs in.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Instant } from './time.ts'

const runs = { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 5_000 : 200 }
const zone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Pacific/Apia',
  'Australia/Lord_Howe',
)
const instant = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2100, 0, 1) })

const formatters = new Map<string, Intl.DateTimeFormat>()
function formatter(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone)
  if (known !== undefined) return known
  const numeric = 'numeric' as const
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    hourCycle: 'h23',
  })
  formatters.set(timeZone, made)
  return made
}

it('fields of a zone are those of its formatter', () => {
  fc.assert(
    fc.property(instant, zone, (ms, timeZone) => {
      const parts = new Map(
        formatter(timeZone)
          .formatToParts(ms)
          .map(({ type, value }) => [type, value]),
      )
      const part = (name: Intl.DateTimeFormatPartTypes): bigint => BigInt(parts.get(name) ?? '')
      const time = new Instant(ms)
      expect(time.field('getDate', timeZone)).toBe(part('day'))
      expect(time.field('getMonth', timeZone) + 1n).toBe(part('month'))
      expect(time.field('getFullYear', timeZone)).toBe(part('year'))
      expect(time.field('getHours', timeZone)).toBe(part('hour'))
      expect(time.field('getMinutes', timeZone)).toBe(part('minute'))
      expect(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][Number(time.field('getDayOfWeek', timeZone))]).toBe(
        parts.get('weekday'),
      )
    }),
    runs,
  )
})
