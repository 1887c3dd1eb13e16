// Rows as text: an aligned table for people, one record below the other when the table is wider than the terminal, and
// tab-separated lines for programs. Every cell is escaped here.
import { escapeText } from './escape.ts'
import { pad, textWidth } from './width.ts'

export interface Column {
  readonly name: string
  readonly align?: 'left' | 'right'
}

/** `null` is shown as NULL, which psql shows as nothing. */
export type Cell = string | null

export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

const cellText = (cell: Cell | undefined): string => (cell === null || cell === undefined ? 'NULL' : escapeText(cell))

/** An aligned table, or records when it does not fit into `columnsMax` columns of a terminal. */
export function renderTable(table: Table, columnsMax: number): string {
  const names = table.columns.map((column) => escapeText(column.name))
  const cells = table.rows.map((row) => table.columns.map((_, index) => cellText(row[index])))
  const widths = names.map((name, index) =>
    cells.reduce((width, row) => Math.max(width, textWidth(row[index] ?? '')), textWidth(name)),
  )
  const total = widths.reduce((sum, width) => sum + width + 3, -1)
  if (total > columnsMax && cells.length > 0 && names.length > 1) return renderRecords(names, cells)
  const line = (row: readonly string[], sides: readonly ('left' | 'right')[]) =>
    ` ${row.map((cell, index) => pad(cell, widths[index] ?? 0, sides[index])).join(' | ')}`.trimEnd()
  const heads = names.map(() => 'right' as const)
  const sides = table.columns.map((column) => (column.align === 'right' ? 'left' : 'right'))
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+')
  return [line(names, heads), rule, ...cells.map((row) => line(row, sides))].join('\n')
}

function renderRecords(names: readonly string[], cells: readonly (readonly string[])[]): string {
  const width = names.reduce((widest, name) => Math.max(widest, textWidth(name)), 0)
  return cells
    .map((row, index) =>
      [`-[ ${index + 1} ]-`, ...names.map((name, at) => `${pad(name, width)} | ${row[at] ?? ''}`.trimEnd())].join('\n'),
    )
    .join('\n')
}

/** Tab-separated, first line the names. Tabs and line feeds inside cells are escaped, so one row stays one line. */
export function renderTabs(table: Table): string {
  const lines = [table.columns.map((column) => escapeText(column.name)), ...table.rows.map((row) => row.map(cellText))]
  return lines.map((line) => line.join('\t')).join('\n')
}
