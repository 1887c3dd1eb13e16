// Timers that a test moves by hand.
import type { After } from '../src/link/holds.ts'

export interface ManualAfter {
  readonly after: After
  advance(ms: number): void
}

export function manualAfter(): ManualAfter {
  let now = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    after(ms, run) {
      const timer = { atMs: now + ms, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      now += ms
      for (const timer of [...timers].toSorted((a, b) => a.atMs - b.atMs))
        if (timer.atMs <= now && timers.delete(timer)) timer.run()
    },
  }
}
