// The bars of the day: nothing leaves the drawing, and one denied statement among many is still seen.
import { describe, expect, it } from 'vitest'
import { barsOf } from './bars.ts'

describe('the bars of a day', () => {
  it('show one denied statement among a million', () => {
    const [bar] = barsOf([{ statements: 1_000_000, denied: 1 }], 480, 96)
    expect(bar?.deniedHeight).toBeGreaterThan(2)
  })

  it('stay inside, and are nothing for an hour without statements', () => {
    const bars = barsOf(
      [
        { statements: 0, denied: 0 },
        { statements: 7, denied: 9 },
      ],
      480,
      96,
    )
    expect(bars[0]).toMatchObject({ height: 0, deniedHeight: 0 })
    for (const bar of bars) {
      expect(bar.top).toBeGreaterThanOrEqual(0)
      expect(bar.deniedTop + bar.deniedHeight).toBeLessThanOrEqual(96)
      expect(bar.x + bar.width).toBeLessThanOrEqual(480)
    }
  })
})
