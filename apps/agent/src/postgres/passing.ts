// What of a target's answer goes on without being taken apart: rows, with the values replaced that are hidden (replacements.ts), and
// descriptions that are known to fit what was judged. Whatever is new or may have to be changed goes the long way (results.ts).
import type { StatementFacts } from '@sallyport/sql/facts'
import { dataRowValueBytes, decodeBackend } from '@sallyport/wire/postgres/decode'
import { headerBytes } from '@sallyport/wire/postgres/frames'
import type { ColumnDescription } from '@sallyport/wire/postgres/messages'
import { backendBytes } from '@sallyport/wire/postgres/names'
import type { Machine } from './machine.ts'
import type { RowRun } from './row-run.ts'
import { descriptionProblem, isWatched, isWithin, passesRows } from './rows.ts'
import type { Running, State } from './state.ts'

/** True: the message, whose body is `bytes` from `start` to `end`, was noted and went on by `rows`, its masked values replaced. */
export function passes(
  machine: Machine,
  rows: RowRun,
  typeByte: number,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  const isRow = typeByte === backendBytes.dataRow
  if (isRow ? machine.passRow(bytes, start, end) : isDescription(machine, typeByte, bytes, start, end)) {
    rows.take(bytes, start - headerBytes, end)
    return true
  }
  const replaced = isRow ? machine.replacementsIn(bytes, start, end) : null
  if (replaced === null) return false
  rows.replace(bytes, start - headerBytes, end, replaced)
  return true
}

const isDescription = (machine: Machine, typeByte: number, bytes: Buffer, start: number, end: number): boolean =>
  typeByte === backendBytes.rowDescription && machine.passDescription(bytes, start, end)

/** The statement whose result comes now; null where answers of another kind are due. */
function runningNow({ expected, overrun }: State): Running | null {
  const due = expected[0]
  if (due === undefined || overrun !== null) return null
  if (due.kind === 'query') return due.failed || due.columns === null ? null : (due.running[due.at] ?? null)
  return due.kind === 'execute' ? due.running : null
}

/** A row of a result that nothing hides: the first is held against its description, and all others have as many columns. */
export function passRow(state: State, bytes: Buffer, start: number, end: number): boolean {
  const running = runningNow(state)
  if (running === null || !passesRows(running)) return false
  const isFirst = running.rows === 0
  const size = isFirst ? firstRowBytes(state, running, bytes, start, end) : nextRowBytes(state, bytes, start, end)
  if (size < 0 || !isWithin(running, end - start)) return false
  running.rows += 1
  running.bytes += size
  return true
}

/** Bytes of its values; -1 where it has to be taken apart. */
function firstRowBytes(
  { expected: [due] }: State,
  running: Running,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  const { output } = running.judged.facts
  if (output === null) return -1
  // What was described is described as it was judged; without a description nothing may be hidden.
  if (due?.kind === 'query') return due.columns === null ? -1 : dataRowValueBytes(bytes, start, end, due.columns.length)
  if (due?.kind !== 'execute' || isWatched(running.judged.protection)) return -1
  const described = due.portal.columns ?? due.portal.statement?.described?.columns ?? null
  if (described !== null && described.length !== output.length) return -1
  return dataRowValueBytes(bytes, start, end, described?.length ?? -1)
}

function nextRowBytes({ expected: [due] }: State, bytes: Buffer, start: number, end: number): number {
  if (due?.kind !== 'query' && due?.kind !== 'execute') return -1
  const columns = due.kind === 'query' ? due.columns : (due.portal.columns ?? due.portal.statement?.described?.columns)
  if (columns == null) return end - start
  return end - start >= 2 && bytes.readUInt16BE(start) === columns.length ? end - start : -1
}

/** What a target said of a result, and under what it was found to fit. */
interface Fitting {
  readonly body: Buffer
  readonly columns: readonly ColumnDescription[]
  readonly plan: Running['judged']['plan']
  readonly protection: Running['judged']['protection']
}

// By the shape of the statement, whose output is the same for all texts of it.
const fittings = new WeakMap<StatementFacts, Fitting>()

/** A RowDescription of a simple query that fits what was judged, and goes on as it is. */
export function passDescription(state: State, bytes: Buffer, start: number, end: number): boolean {
  const due = state.expected[0]
  if (due?.kind !== 'query' || due.failed || due.columns !== null || state.overrun !== null) return false
  const judged = due.running[due.at]?.judged
  if (judged === undefined) return false
  const key = judged.facts.shape ?? judged.facts
  const known = fittings.get(key)
  const isKnown =
    known !== undefined &&
    known.plan === judged.plan &&
    known.protection === judged.protection &&
    known.body.length === end - start &&
    known.body.compare(bytes, start, end) === 0
  if (isKnown) {
    due.columns = known.columns
    return true
  }
  const body = Buffer.from(bytes.subarray(start, end))
  const message = decodeBackend({ typeByte: backendBytes.rowDescription, body })
  if (message.type !== 'rowDescription' || descriptionProblem(message.columns, judged) !== null) return false
  const { columns } = message
  fittings.set(key, { body, columns, plan: judged.plan, protection: judged.protection })
  due.columns = columns
  return true
}
