// Time on the map of a session: idle stretches are folded, so that what happened gets the width. Pure.
import { lanes } from '@sallyport/api/recordings'
import type { SessionColumns } from './columns.ts'

/** A pause shorter than this is never folded, milliseconds. */
const idleMsMin = 2_000
/** A pause longer than this part of the whole is folded, and so there are at most as many folds. */
const idlePart = 1 / 32
/** Width of a folded pause, as a part of the whole. */
const foldWidth = 0.012

/** A stretch of time and where it lies, from 0 to 1. Stretches follow one another without gaps. */
export interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  readonly from: number
  readonly to: number
  readonly folded: boolean
}
export interface TimeScale {
  readonly stretches: readonly Stretch[]
}

export function timeScale(columns: SessionColumns, length: number): TimeScale {
  const first = columns.atMs[0] ?? 0
  const last = columns.atMs[Math.max(0, length - 1)] ?? 0
  const idleMs = Math.max(idleMsMin, (last - first) * idlePart)
  const cuts: { readonly fromMs: number; readonly toMs: number; readonly folded: boolean }[] = []
  let busyFrom = first
  for (let row = 1; row < length; row++) {
    const before = columns.atMs[row - 1] ?? 0
    const at = columns.atMs[row] ?? 0
    if (at - before <= idleMs) continue
    cuts.push({ fromMs: busyFrom, toMs: before, folded: false }, { fromMs: before, toMs: at, folded: true })
    busyFrom = at
  }
  cuts.push({ fromMs: busyFrom, toMs: last, folded: false })
  const folds = cuts.filter(({ folded }) => folded).length
  const busyCuts = cuts.length - folds
  const busyMs = cuts.reduce((sum, cut) => sum + (cut.folded ? 0 : cut.toMs - cut.fromMs), 0)
  const busyWidth = 1 - folds * foldWidth
  // A stretch of one moment still needs a place; each busy one gets a small share whatever its length.
  const share = busyMs === 0 ? busyWidth / busyCuts : Math.min(0.01, (busyWidth * 0.2) / busyCuts)
  const perMs = busyMs === 0 ? 0 : (busyWidth - share * busyCuts) / busyMs
  let from = 0
  const stretches = cuts.map((cut) => {
    const to = from + (cut.folded ? foldWidth : share + (cut.toMs - cut.fromMs) * perMs)
    const stretch = { ...cut, from, to }
    from = to
    return stretch
  })
  return { stretches }
}

const within = (value: number, from: number, to: number): number =>
  to === from ? 0.5 : Math.max(0, Math.min(1, (value - from) / (to - from)))

/** Where a moment lies, from 0 to 1. */
export function placeOfMs(scale: TimeScale, atMs: number): number {
  const stretch = scale.stretches.find(({ toMs }) => atMs <= toMs) ?? scale.stretches.at(-1)
  if (stretch === undefined) return 0
  return stretch.from + within(atMs, stretch.fromMs, stretch.toMs) * (stretch.to - stretch.from)
}

/** The moment at a place. */
export function msAtPlace(scale: TimeScale, place: number): number {
  const stretch = scale.stretches.find(({ to }) => place <= to) ?? scale.stretches.at(-1)
  if (stretch === undefined) return 0
  return stretch.fromMs + within(place, stretch.from, stretch.to) * (stretch.toMs - stretch.fromMs)
}

export interface Bins {
  readonly width: number
  /** Statements by lane and column: `lane * width + column`. */
  readonly counts: Uint32Array
  /** The fullest bin. */
  readonly most: number
}

/** Counts statements into `width` columns for each lane, in one walk; of a search, those that it found. */
export function binned(
  columns: SessionColumns,
  length: number,
  scale: TimeScale,
  width: number,
  found: Uint8Array | null = null,
): Bins {
  const counts = new Uint32Array(lanes.length * width)
  let most = 0
  let at = 0
  for (let row = 0; row < length; row++) {
    if (found !== null && found[row] !== 1) continue
    const atMs = columns.atMs[row] ?? 0
    while (at < scale.stretches.length - 1 && atMs > (scale.stretches[at]?.toMs ?? 0)) at += 1
    const stretch = scale.stretches[at]
    if (stretch === undefined) break
    const place = stretch.from + within(atMs, stretch.fromMs, stretch.toMs) * (stretch.to - stretch.from)
    const column = Math.min(width - 1, Math.floor(place * width))
    const bin = (columns.lane[row] ?? 0) * width + column
    const filled = (counts[bin] ?? 0) + 1
    counts[bin] = filled
    if (filled > most) most = filled
  }
  return { width, counts, most }
}
