// How much of a time is left, for rings and for the two moments at which it is said aloud. Pure.

export interface Left {
  readonly ms: number
  /** 1 at the start, 0 at the end. */
  readonly share: number
  readonly urgency: 'calm' | 'soon' | 'last' | 'over'
}

export const soonMs = 60_000
export const lastMs = 10_000

export function leftOf(fromMs: number, untilMs: number, nowMs: number): Left {
  const ms = Math.max(0, untilMs - nowMs)
  const whole = Math.max(1, untilMs - fromMs)
  const urgency = ms === 0 ? 'over' : ms <= lastMs ? 'last' : ms <= soonMs ? 'soon' : 'calm'
  return { ms, share: Math.min(1, ms / whole), urgency }
}

/** `14:03`, `1:02:09`, `2 d 4 h`. */
export function countdown(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3_600)
  if (days > 0) return `${days} d ${hours} h`
  const minutes = Math.floor((seconds % 3_600) / 60)
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = two(seconds % 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`
}

/** What is said when the time passes from one urgency to the next; null when nothing is. */
export function saidAt(before: Left['urgency'], now: Left['urgency']): string | null {
  if (before === now) return null
  switch (now) {
    case 'calm':
      return null
    case 'soon':
      return 'This request expires in one minute'
    case 'last':
      return 'This request expires in ten seconds'
    case 'over':
      return 'This request has expired; nothing ran'
  }
}
