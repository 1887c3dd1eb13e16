// Numbers, times and durations as people read them. Pure; the locale is the browser's.
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const whole = new Intl.NumberFormat()

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

/** `3 min. ago`, `in 12 sec.` */
export function relativeTime(atMs: number, nowMs: number): string {
  const distance = atMs - nowMs
  for (const [unit, size] of steps) {
    if (Math.abs(distance) >= size) return relative.format(Math.trunc(distance / size), unit)
  }
  return relative.format(0, 'second')
}
export const absoluteTime = (atMs: number): string => absolute.format(atMs)
export const clockTime = (atMs: number): string => clock.format(atMs)
/** The clock alone today; on any other day its date too, so that nobody takes tomorrow for today. */
export const momentTime = (atMs: number, nowMs: number): string =>
  (new Date(atMs).toDateString() === new Date(nowMs).toDateString() ? clock : dayAndClock).format(atMs)
export const count = (value: number): string => whole.format(value)

/** `3 rows`, `1 row`. */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** Microseconds as `840 µs`, `12 ms`, `3.4 s`. */
export function duration(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`
  if (us < 1_000_000) return `${(us / 1_000).toFixed(us < 10_000 ? 1 : 0)} ms`
  return `${(us / 1_000_000).toFixed(1)} s`
}

/** `1,204 B`, `3.2 kB`, `18 MB`. */
export function bytes(value: number): string {
  if (value < 10_000) return `${count(value)} B`
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} kB`
  return `${(value / 1_000_000).toFixed(1)} MB`
}

/** Hours of the week: `mon, tue 08:00–20:00 (Europe/Berlin)`. */
export const duringText = (
  during: readonly {
    readonly days?: readonly string[] | null | undefined
    readonly from: string
    readonly to: string
    readonly zone: string
  }[],
): string =>
  during
    .map(({ days, from, to, zone }) => `${days == null ? '' : `${days.join(', ')} `}${from}–${to} (${zone})`)
    .join(' or ')

/** A title of the server, which writes them in lowercase. */
export const headline = (title: string): string => title.charAt(0).toUpperCase() + title.slice(1)

/** A message of the server as a sentence: they are written in lowercase, for terminals. */
export function sentence(message: string): string {
  const text = headline(message)
  return /[.!?…]$/.test(text) ? text : `${text}.`
}
