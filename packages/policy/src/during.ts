// When a rule applies: weekly windows of wall-clock time in a named zone. No clock: the instant is passed in.
// A window that ends at or before its start runs over midnight and belongs to the day on which it starts (PEERS W12).
import type { z } from 'zod'
import type { TimeWindow } from './document.ts'
import { Instant } from './time.ts'

/** A window as minutes of the day. */
export interface CompiledWindow {
  /** Sunday is 0, as in conditions; null: every day. */
  readonly days: ReadonlySet<number> | null
  readonly fromMinute: number
  /** Exclusive; 1440 is the end of the day. */
  readonly toMinute: number
  readonly zone: string
}

export const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

export function compileWindow(window: z.infer<typeof TimeWindow>): CompiledWindow {
  return {
    days: window.days === undefined ? null : new Set(window.days.map((day) => dayNames.indexOf(day))),
    fromMinute: minuteOf(window.from),
    toMinute: minuteOf(window.to),
    zone: window.zone,
  }
}

/** `08:30` is 510. */
const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

/** Is the moment in one of them? */
export const isDuring = (windows: readonly CompiledWindow[], nowMs: number): boolean =>
  windows.some((window) => contains(window, nowMs))

function contains({ days, fromMinute, toMinute, zone }: CompiledWindow, nowMs: number): boolean {
  const now = new Instant(nowMs)
  const minute = Number(now.field('getHours', zone)) * 60 + Number(now.field('getMinutes', zone))
  const day = Number(now.field('getDayOfWeek', zone))
  const includes = (wanted: number): boolean => days === null || days.has(wanted)
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute && includes(day)
  return (minute >= fromMinute && includes(day)) || (minute < toMinute && includes((day + 6) % 7))
}
