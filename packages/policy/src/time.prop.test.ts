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

it('fields of a zone are those of its formatter', () => {
  fc.assert(
    fc.property(instant, zone, (ms, timeZone) => {
      const part = (options: Intl.DateTimeFormatOptions) =>
        new Intl.DateTimeFormat('en-GB', { timeZone, ...options }).format(ms)
      const time = new Instant(ms)
      expect(time.field('getDate', timeZone)).toBe(BigInt(part({ day: 'numeric' })))
      expect(time.field('getMonth', timeZone) + 1n).toBe(BigInt(part({ month: 'numeric' })))
      expect(time.field('getFullYear', timeZone)).toBe(BigInt(part({ year: 'numeric' })))
      expect(time.field('getHours', timeZone)).toBe(BigInt(part({ hour: 'numeric', hourCycle: 'h23' })))
      expect(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][Number(time.field('getDayOfWeek', timeZone))]).toBe(
        part({ weekday: 'short' }),
      )
    }),
    runs,
  )
})
