// Which rows of a session show, and how the keys move among them. Pure: positions in a list of row numbers.
import { type Lane, lanes } from '@sallyport/api/recordings'
import { lastAtOrBefore, type SessionColumns } from './columns.ts'

/** What a reader looks for first: somebody or something stopped it, or it failed. */
export const flaggedLanes: ReadonlySet<Lane> = new Set<Lane>(['approved', 'held', 'denied', 'failed'])
const isFlagged = lanes.map((lane) => flaggedLanes.has(lane))

/** Row numbers that show: lane switched on, and found (`found` null: no search). */
export function visibleRows(
  columns: SessionColumns,
  length: number,
  hidden: ReadonlySet<Lane>,
  found: Uint8Array | null,
): Uint32Array {
  const shown = lanes.map((lane) => !hidden.has(lane))
  const rows = new Uint32Array(length)
  let count = 0
  for (let row = 0; row < length; row++) {
    if (shown[columns.lane[row] ?? 0] !== true || (found !== null && found[row] !== 1)) continue
    rows[count] = row
    count += 1
  }
  return rows.subarray(0, count)
}

/** The position that shows this row, or the nearest one before it. */
export const positionOf = (visible: Uint32Array, row: number): number => lastAtOrBefore(visible, visible.length, row)

/** From the cursor's row to another one that shows; the ends hold. Null when nothing shows. */
export function moved(visible: Uint32Array, row: number, by: number): number | null {
  const at = positionOf(visible, row)
  // A cursor between two rows that show steps to the one after it, not over it.
  const from = by > 0 && (visible[at] ?? 0) > row ? at - 1 : at
  const to = Math.max(0, Math.min(visible.length - 1, from + by))
  return visible[to] ?? null
}

/** The next or previous flagged row that shows; null when there is none that way. */
export function flaggedFrom(
  columns: SessionColumns,
  visible: Uint32Array,
  row: number,
  direction: 1 | -1,
): number | null {
  let at = positionOf(visible, row)
  if (visible[at] === row || direction === 1) at += (visible[at] ?? 0) > row && direction === 1 ? 0 : direction
  for (; at >= 0 && at < visible.length; at += direction) {
    const candidate = visible[at] ?? 0
    if (isFlagged[columns.lane[candidate] ?? 0] === true) return candidate
  }
  return null
}

/** How many rows each lane has. */
export function laneCounts(columns: SessionColumns, length: number): number[] {
  const counts = lanes.map(() => 0)
  for (let row = 0; row < length; row++) {
    const lane = columns.lane[row] ?? 0
    counts[lane] = (counts[lane] ?? 0) + 1
  }
  return counts
}
