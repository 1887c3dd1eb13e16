// Durations as documents write them: `30s`, `15m`, `1h`, `7d`.
import { z } from 'zod'

/** `30s`, `15m`, `1h`, `7d`. */
export const Duration = z.string().regex(/^[1-9][0-9]{0,5}(s|m|h|d)$/, 'a duration: 30s, 15m, 1h, 7d')

import { assert } from '@sallyport/base/assert'

const msOf: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a duration that the schema has accepted. */
export function durationMs(text: string): number {
  const unit = msOf[text.slice(-1)]
  const count = Number(text.slice(0, -1))
  assert(unit !== undefined && Number.isSafeInteger(count), 'a duration that the schema did not check')
  return count * unit
}
