// Which values of a row are replaced by which, found without taking the row apart: its others stay where they stand. The first row of
// a result, and whatever does not fit, goes the long way (results.ts), which says the same.
import { limits } from '@sallyport/base/limits'
import { dataRowSpans } from '@sallyport/wire/postgres/decode'
import { isWithin } from './rows.ts'
import type { Portal, Running, State } from './state.ts'

/** Values to be put in the place of others, in the order in which they stand. Good until the next row is looked at. */
export interface Replacements {
  /** Where each value begins that goes away, right behind its length. */
  readonly places: Int32Array
  readonly ends: Int32Array
  /** Null for SQL NULL. */
  readonly values: (Uint8Array | null)[]
  count: number
  /** Of the row as it will be. */
  bodyBytes: number
}

// One for the process: a row is finished before the next one is looked at.
const spans = new Int32Array(2 * limits.columnsMax)
const found: Replacements = {
  places: new Int32Array(limits.columnsMax),
  ends: new Int32Array(limits.columnsMax),
  values: [],
  count: 0,
  bodyBytes: 0,
}

/** What a result that is masked was described as; null where it goes the long way. */
function maskedNow({ expected, overrun }: State): Running | null {
  const due = expected[0]
  if (due === undefined || overrun !== null) return null
  if (due.kind === 'query') {
    const running = due.failed ? undefined : due.running[due.at]
    return running?.masking?.columns === due.columns ? running : null
  }
  if (due.kind !== 'execute' || due.running === null) return null
  const { running, portal } = due
  return running.masking?.columns === describedColumns(portal, running.judged.protection) ? running : null
}

/** As the target described the rows of a portal, which may have been when its statement was described. */
export function describedColumns({ columns, statement }: Portal, protection: object) {
  if (columns !== null) return columns
  const described = statement?.described
  return described?.under === protection ? described.columns : null
}

/** For a DataRow whose body is `bytes` from `start` to `end`; null: it goes the long way. It is counted. */
export function replacementsIn(state: State, bytes: Buffer, start: number, end: number): Replacements | null {
  const running = maskedNow(state)
  // The first one is held against its description.
  if (running === null || running.rows === 0 || running.masking === null) return null
  const { maskers, columns, masked } = running.masking
  if (maskers === null || end - start < 2 || bytes.readUInt16BE(start) !== columns.length) return null
  dataRowSpans(bytes, start, end, spans)
  found.count = 0
  found.bodyBytes = end - start
  for (const column of masked) {
    const length = spans[column * 2 + 1] ?? -1
    const place = spans[column * 2] ?? end
    const value = length < 0 ? null : bytes.subarray(place, place + length)
    const replaced = maskers[column]?.(value) ?? null
    if (replaced !== value) note(place, Math.max(length, 0), replaced)
  }
  if (!isWithin(running, found.bodyBytes)) return null
  running.rows += 1
  running.maskedValues += found.count
  running.bytes += found.bodyBytes - 2 - 4 * columns.length
  return found
}

function note(place: number, length: number, value: Uint8Array | null): void {
  const at = found.count++
  found.places[at] = place
  found.ends[at] = place + length
  found.values[at] = value
  found.bodyBytes += (value?.length ?? 0) - length
}
