// Links into a session: by entry (`?e=812`) and by moment (`?at=2026-11-24T10:03:22Z`). Pure.
import type { SessionColumns } from './columns.ts'

export interface Wanted {
  readonly e?: number | undefined
  readonly at?: string | undefined
}

/** Milliseconds after the opening of an ISO moment; null when the text is no moment. */
export function momentOf(at: string, openedAtMs: number): number | null {
  const ms = /^\d{4}-\d{2}-\d{2}T/.test(at) ? Date.parse(at) : Number.NaN
  return Number.isNaN(ms) ? null : ms - openedAtMs
}

/** The row that a link means, or null while it is not there: the pages up to it are still to come, or it is wrong. */
export function rowOfLink(
  wanted: Wanted,
  columns: SessionColumns,
  openedAtMs: number,
  isComplete: boolean,
): number | null {
  if (columns.length === 0) return null
  const last = columns.length - 1
  if (wanted.e !== undefined) {
    // The row of the last entry that is known holds its outcome too; past it the next page may hold a nearer row.
    return isComplete || wanted.e <= (columns.seq[last] ?? 0) ? columns.rowOfSeq(wanted.e) : null
  }
  if (wanted.at === undefined) return null
  const atMs = momentOf(wanted.at, openedAtMs)
  if (atMs === null) return null
  return isComplete || atMs <= (columns.atMs[last] ?? 0) ? columns.rowAtMs(atMs) : null
}
