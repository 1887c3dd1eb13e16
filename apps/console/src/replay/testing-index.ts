// Small indexes for tests, as the API answers them. Only tests import it.
import { type Lane, lanes, type SessionIndex } from '@sallyport/api/recordings'

export interface TestRow {
  readonly seq: number
  readonly atMs?: number
  readonly lane?: Lane
  readonly verb?: string
  readonly object?: string
  readonly rows?: number
  readonly durationUs?: number
}

export function indexOf(rows: readonly TestRow[], next: number | null = null): SessionIndex {
  const verbs = [...new Set(rows.map((row) => row.verb ?? 'select'))]
  const objects = [...new Set(rows.map((row) => row.object ?? ''))]
  return {
    openedAtMs: 1_780_000_000_000,
    seq: rows.map((row) => row.seq),
    atMs: rows.map((row) => row.atMs ?? row.seq * 10),
    statement: rows.map((row) => row.seq),
    lane: rows.map((row) => lanes.indexOf(row.lane ?? 'allowed')),
    verb: rows.map((row) => verbs.indexOf(row.verb ?? 'select')),
    object: rows.map((row) => objects.indexOf(row.object ?? '')),
    rows: rows.map((row) => row.rows ?? 1),
    durationUs: rows.map((row) => row.durationUs ?? 1_000),
    verbs,
    objects,
    tipSeq: (rows.at(-1)?.seq ?? 0) + 1,
    next,
  }
}
