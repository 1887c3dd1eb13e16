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

/** The position of the first row that shows after this one, and of the last before it. */
function besides(visible: Uint32Array, row: number): { readonly after: number; readonly before: number } {
  const at = positionOf(visible, row)
  const shown = visible[at] ?? 0
  return { after: shown > row ? at : at + 1, before: shown < row ? at : at - 1 }
}

/** From the cursor's row to another one that shows; the ends hold. Null when nothing shows. */
export function moved(visible: Uint32Array, row: number, by: number): number | null {
  const { after, before } = besides(visible, row)
  const to = by > 0 ? after + by - 1 : before + by + 1
  return visible[Math.max(0, Math.min(visible.length - 1, to))] ?? null
}

/** The next or previous flagged row that shows; null when there is none that way. */
export function flaggedFrom(
  columns: SessionColumns,
  visible: Uint32Array,
  row: number,
  direction: 1 | -1,
): number | null {
  const { after, before } = besides(visible, row)
  for (let at = direction === 1 ? after : before; at >= 0 && at < visible.length; at += direction) {
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

/**
 * Where to scroll so that a row shows: not at all when it does, by as little as needed when it is near, and into the middle
 * when it is far. All in pixels.
 */
export function scrollTopFor(rowTop: number, rowHeight: number, scrollTop: number, inView: number): number | null {
  const rowEnd = rowTop + rowHeight
  if (rowTop >= scrollTop && rowEnd <= scrollTop + inView) return null
  const isNear = rowTop >= scrollTop - 4 * rowHeight && rowEnd <= scrollTop + inView + 4 * rowHeight
  if (!isNear) return Math.max(0, rowTop - (inView - rowHeight) / 2)
  return rowTop < scrollTop ? rowTop : rowEnd - inView
}

/** Rows of the list that are in the page: positions from `first` to `last`; none when `last` is before `first`. */
export interface Span {
  readonly first: number
  readonly last: number
}

/** The positions that are in view when rows of one height are scrolled to `top`. All in pixels. */
export function spanInView(top: number, inView: number, rowHeight: number, count: number): Span {
  const first = Math.max(0, Math.min(count - 1, Math.floor(top / rowHeight)))
  return { first, last: Math.min(count - 1, Math.ceil((top + inView) / rowHeight) - 1) }
}

/** With some rows around them, so that a small scroll finds them drawn. */
export const spanDrawn = ({ first, last }: Span, around: number, count: number): Span => ({
  first: Math.max(0, first - around),
  last: Math.min(count - 1, last + around),
})

/**
 * Row `position` is drawn by the element `position - shift`. A small scroll keeps the elements of the rows that stay; a far
 * jump gives every element another row, so that no element is made, dropped or moved.
 */
export const shiftFor = (shift: number, before: Span, after: Span): number =>
  after.first > before.last || after.last < before.first ? shift + after.first - before.first : shift
