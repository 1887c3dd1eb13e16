// One sliding window: how much was spent within the last `everyMs`, never less than the truth. Pure: the time comes in.
// Spendings close together are kept as one and leave together when the last of them does, so that memory stays bounded;
// what was spent is free again at most everyMs / partsMax too late, and never too early.

/** Parts of a window that are told apart. */
const partsMax = 128

interface Part {
  readonly fromMs: number
  untilMs: number
  amount: number
}

export interface Window {
  readonly everyMs: number
  readonly parts: Part[]
  spent: number
  /** Of the last look. */
  nowMs: number
}

export const newWindow = (everyMs: number): Window => ({
  everyMs,
  parts: [],
  spent: 0,
  nowMs: Number.NEGATIVE_INFINITY,
})

/** What was spent in the window that ends now. */
export function spentIn(window: Window, nowMs: number): number {
  if (nowMs < window.nowMs) clampTo(window, nowMs)
  window.nowMs = nowMs
  const { parts, everyMs } = window
  let gone = 0
  for (const part of parts) {
    if (part.untilMs > nowMs - everyMs) break
    window.spent -= part.amount
    gone += 1
  }
  if (gone > 0) parts.splice(0, gone)
  return window.spent
}

/** A clock that was set back: what was spent counts as spent now, so that it never counts for longer than one window. */
function clampTo({ parts }: Window, nowMs: number): void {
  for (const part of parts) if (part.untilMs > nowMs) part.untilMs = nowMs
}

/** Spends. The caller has looked whether there is room. */
export function spend(window: Window, amount: number, nowMs: number): void {
  const last = window.parts.at(-1)
  window.spent += amount
  if (last !== undefined && nowMs - last.fromMs < window.everyMs / partsMax) {
    last.amount += amount
    last.untilMs = Math.max(last.untilMs, nowMs)
  } else window.parts.push({ fromMs: nowMs, untilMs: nowMs, amount })
}

/** When `amount` more fits under `max`, in milliseconds from now. */
export function waitMs(window: Window, amount: number, max: number, nowMs: number): number {
  let left = spentIn(window, nowMs)
  for (const part of window.parts) {
    left -= part.amount
    if (left + amount <= max) return Math.max(1, part.untilMs + window.everyMs - nowMs)
  }
  return left + amount <= max ? 0 : window.everyMs
}
