// Where the bars of the day stand. Pure. What was denied is part of its hour's bar and never thinner than a line.

export interface Hour {
  readonly statements: number
  readonly denied: number
}
export interface Bar {
  readonly x: number
  readonly width: number
  readonly top: number
  readonly height: number
  readonly deniedTop: number
  readonly deniedHeight: number
}

const gap = 3
/** A count that is not zero is at least this high, in units of the drawing. */
const leastHeight = 2.5

export function barsOf(hours: readonly Hour[], width: number, height: number): readonly Bar[] {
  const most = Math.max(1, ...hours.map((hour) => Math.max(hour.statements, hour.denied)))
  const step = width / Math.max(1, hours.length)
  const scaled = (value: number) => (value === 0 ? 0 : Math.max(leastHeight, (value / most) * (height - 4)))
  return hours.map((hour, index) => {
    const whole = Math.max(scaled(hour.statements), scaled(hour.denied))
    const denied = Math.min(whole, scaled(hour.denied))
    return {
      x: index * step + gap / 2,
      width: Math.max(1, step - gap),
      top: height - whole,
      height: whole,
      deniedTop: height - whole,
      deniedHeight: denied,
    }
  })
}
