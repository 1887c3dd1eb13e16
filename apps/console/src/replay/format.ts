// Times within a session as the list and the map write them. Pure.

const two = (value: number): string => String(value).padStart(2, '0')

/** After the opening: `00:03.214`, from an hour on `1:02:03.214`. */
export function offset(atMs: number): string {
  const whole = Math.max(0, Math.round(atMs))
  const ms = String(whole % 1_000).padStart(3, '0')
  const seconds = Math.floor(whole / 1_000)
  const hours = Math.floor(seconds / 3_600)
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${ms}`
  return hours === 0 ? rest : `${hours}:${rest}`
}

/** How long something lasted, in the one or two units that matter: `14 s`, `3 min 20 s`, `2 h 5 min`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
