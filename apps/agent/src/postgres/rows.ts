// Result rows: the description that the target gives is held against the lineage, and each value that a plan hides is
// replaced in its place. A description that disagrees ends the session (THREATS ).
import { type RowMaskers, rowMaskers } from '@sallyport/mask/column'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { OutputColumn } from '@sallyport/sql/facts'
import type { ColumnDescription, Format } from '@sallyport/wire/postgres/messages'
import type { JudgedStatement, Protection } from '../session/gate.ts'
import { describedColumns } from './replacements.ts'
import type { Portal, Running } from './state.ts'

/** OIDs below are of the system catalogs, which our catalog does not list (FirstNormalObjectId of transam.h). */
const firstNormalOid = 16_384

/** Why the target's description does not fit the judged statement, or null when it does. Names only. */
export function descriptionProblem(columns: readonly ColumnDescription[], judged: JudgedStatement): string | null {
  const { output } = judged.facts
  if (output === null) return 'rows of a statement that returns none'
  if (columns.length !== output.length) return `${columns.length} result columns where ${output.length} were judged`
  if (judged.protection.columns.length === 0) return null
  for (const [index, column] of columns.entries()) {
    const expected = output[index]
    if (expected === undefined) return 'a result column that was not judged'
    const problem = columnProblem(column, expected, judged, index)
    if (problem !== null) return problem
  }
  return null
}

function columnProblem(
  column: ColumnDescription,
  expected: OutputColumn,
  judged: JudgedStatement,
  index: number,
): string | null {
  const { plan, protection } = judged
  const hidden = plan.kind === 'mask' && plan.columns[index] != null
  // The lineage says clean, the target says protected: a bug of ours, or a schema that changed under us.
  if (!hidden && protection.isProtected(column.tableOid, column.attributeNumber))
    return `result column ${index + 1} is protected, but its plan shows it`
  if (expected.kind !== 'direct' || column.tableOid < firstNormalOid || column.attributeNumber <= 0) return null
  const relation = protection.relation(column.tableOid)
  if (relation === undefined) return `result column ${index + 1} is of a relation that the catalog does not have`
  // Views show their own OID, and so does the lineage; parts of other tables show whichever they are read through.
  if (relation.parents.length > 0) return null
  const known = expected.sources.some(
    (source) => source.relationOid === column.tableOid && source.number === column.attributeNumber,
  )
  return known ? null : `result column ${index + 1} is another column than the judged one`
}

/** Something is hidden from this caller, so that results have to be described. */
export const isWatched = ({ columns, detection }: Protection): boolean => columns.length > 0 || detection !== null

/** Rows without a description are good only where nothing is protected. */
export function shapeProblem(shape: RowShape | null, judged: JudgedStatement): string | null {
  if (shape !== null) return descriptionProblem(shape.columns, judged)
  return isWatched(judged.protection) ? 'rows that were not described' : null
}

/** What is needed to mask the rows of one portal or one statement of a Query. */
export interface RowShape {
  readonly columns: readonly ColumnDescription[]
  readonly formats: (index: number) => Format
}

export const simpleShape = (columns: readonly ColumnDescription[]): RowShape => ({
  columns,
  formats: (index) => columns[index]?.format ?? 0,
})

/** Formats come from Bind: a description of the statement does not know them (manual, "Describe"). */
export function portalShape(portal: Portal, protection: Protection): RowShape | null {
  const columns = describedColumns(portal, protection)
  if (columns === null) return null
  const { resultFormats } = portal
  // A cursor of SQL has no Bind: its own description tells.
  if (portal.statement === null) return simpleShape(columns)
  const [only = 0] = resultFormats
  return { columns, formats: (index) => (resultFormats.length <= 1 ? only : (resultFormats[index] ?? 0)) }
}

/** The row as it may leave, or null when it does not fit its description. */
export function maskRow(
  values: readonly (Uint8Array | null)[],
  running: Running,
  shape: RowShape | null,
  hash: KeyedHash,
): readonly (Uint8Array | null)[] | null {
  const { plan } = running.judged
  if (shape !== null && values.length !== shape.columns.length) return null
  if (plan.kind === 'plain') return values
  if (shape === null || plan.columns.length !== values.length) return null
  const maskers = maskersOf(running, shape, hash)
  if (maskers === null) return values
  return values.map((value, index) => {
    const masked = maskers[index]?.(value) ?? null
    if (maskers[index] === null || masked === value) return value
    running.maskedValues += 1
    return masked
  })
}

/** Made with the first row; a result has one description. */
function maskersOf(running: Running, shape: RowShape, hash: KeyedHash): RowMaskers {
  const { plan } = running.judged
  if (running.masking?.columns === shape.columns) return running.masking.maskers
  const columns = shape.columns.map(({ typeOid, typeModifier }, index) => ({
    typeOid,
    typeModifier,
    format: shape.formats(index),
  }))
  const maskers = rowMaskers(plan, columns, hash)
  const masked = (maskers ?? []).flatMap((masker, index) => (masker === null ? [] : [index]))
  running.masking = { columns: shape.columns, maskers, masked }
  return maskers
}

/** Nothing changes the rows of this result: known for sure with its first row. */
export const passesRows = ({ judged, masking }: Running): boolean =>
  judged.plan.kind === 'plain' || (masking !== null && masking.maskers === null)

export function countRow(running: Running, values: readonly (Uint8Array | null)[]): void {
  running.rows += 1
  for (const value of values) running.bytes += value?.length ?? 0
}

/** May a row of so many bytes go, by the limits of its statement? One that may is counted. */
export const isWithin = ({ judged }: Running, bytes: number): boolean => judged.meter?.take(bytes) ?? true

/** As the body of a DataRow: a count, then each value with its length. */
export const rowBytes = (values: readonly (Uint8Array | null)[]): number =>
  values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), 2)
