// Durations of options: 60s, 30m, 24h.
import { usage } from './app.ts'

const unitSeconds = { s: 1, m: 60, h: 3_600 } as const

/** Seconds, from a minute to a day. `what` it is the life of is for the message. Throws REQUEST_INVALID. */
export function durationSeconds(text: string, what: string): number {
  const match = /^([1-9][0-9]{0,4})([smh])$/.exec(text)
  const unit = match?.[2]
  const seconds = unit === 's' || unit === 'm' || unit === 'h' ? Number(match?.[1]) * unitSeconds[unit] : 0
  if (seconds < 60 || seconds > 86_400) throw usage(`"${text}" is no life of ${what}`, '60s to 24h')
  return seconds
}
