// Durations of options: 60s, 30m, 24h, 7d.
import { usage } from './app.ts'

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
type Unit = keyof typeof unitSeconds
const longestSeconds = { '24h': 86_400, '7d': 604_800 } as const

const isUnit = (text: string | undefined): text is Unit => text !== undefined && text in unitSeconds

/** Seconds, from a minute to `longest`. `what` it is the life of is for the message. Throws REQUEST_INVALID. */
export function durationSeconds(text: string, what: string, longest: keyof typeof longestSeconds = '24h'): number {
  const match = /^([1-9][0-9]{0,5})([smhd])$/.exec(text)
  const unit = match?.[2]
  const seconds = isUnit(unit) ? Number(match?.[1]) * unitSeconds[unit] : 0
  if (seconds < 60 || seconds > longestSeconds[longest])
    throw usage(`"${text}" is no life of ${what}`, `60s to ${longest}`)
  return seconds
}
