// A list as a table that becomes cards on a phone, and what stands under it. The roles are written out, because a changed
// `display` would take the table away from assistive technology.
import type { ReactNode } from 'react'
import { plural } from '../util/format.ts'
import { Button } from './Button.tsx'

export interface Column<T> {
  readonly name: string
  readonly head: string
  readonly cell: (row: T) => ReactNode
  /** Numbers stand right. */
  readonly align?: 'right'
  /** Takes what is left of the width. */
  readonly grow?: boolean
  /** Left out on a phone: it repeats something. */
  readonly wideOnly?: boolean
  /** Left out on a phone in the rows where it says nothing, a zero for example. */
  readonly isSpare?: (row: T) => boolean
}

// Spread, so that the linter does not take them for an oversight.
const role = (name: string) => ({ role: name })

/** The first column names the row. Put a link in it: `className="row-link"` makes the whole row the link's target. */
export function Table<T>({
  caption,
  columns,
  rows,
  rowKey,
  isCurrent,
}: {
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly rowKey: (row: T) => string
  readonly isCurrent?: (row: T) => boolean
}) {
  return (
    <div className="overflow-hidden rounded-xl border border-line bg-surface shadow-card">
      <table {...role('table')} className="w-full text-left max-md:block">
        <caption className="sr-only">{caption}</caption>
        <thead {...role('rowgroup')} className="border-b border-line text-xs text-ink-3 max-md:sr-only">
          <tr {...role('row')}>
            {columns.map((column) => (
              <th
                key={column.name}
                {...role('columnheader')}
                scope="col"
                className={`px-4 py-2 font-medium whitespace-nowrap ${column.align === 'right' ? 'text-right' : ''} ${column.grow === true ? 'w-full' : ''}`}
              >
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...role('rowgroup')} className="divide-y divide-line max-md:block">
          {rows.map((row) => (
            <Row key={rowKey(row)} row={row} columns={columns} current={isCurrent?.(row) === true} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row<T>({
  row,
  columns,
  current,
}: {
  readonly row: T
  readonly columns: readonly Column<T>[]
  readonly current: boolean
}) {
  return (
    <tr
      {...role('row')}
      aria-current={current ? 'true' : undefined}
      className="relative hover:bg-surface-2/60 aria-[current]:bg-accent-soft max-md:block max-md:px-4 max-md:py-3"
    >
      {columns.map((column, index) => (
        <td
          key={column.name}
          {...role('cell')}
          className={`align-middle md:px-4 md:py-2.5 ${column.align === 'right' ? 'tabular-nums md:text-right' : ''} ${column.wideOnly === true || column.isSpare?.(row) === true ? 'max-md:hidden' : index === 0 ? 'max-md:block max-md:pb-1 max-md:font-medium' : 'max-md:flex max-md:items-baseline max-md:justify-between max-md:gap-4 max-md:py-0.5'}`}
        >
          {index === 0 ? null : (
            <span aria-hidden className="shrink-0 text-xs text-ink-3 md:hidden">
              {column.head}
            </span>
          )}
          {column.cell(row)}
        </td>
      ))}
    </tr>
  )
}

/** Under a list: how many are shown, and more of them. `query` is an infinite query. */
export function LoadMore({
  query,
  shown,
  one,
  many,
}: {
  readonly query: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly fetchNextPage: () => Promise<unknown>
  }
  readonly shown: number
  /** `session` in "50 sessions". */
  readonly one: string
  readonly many?: string
}) {
  return (
    <div className="mt-4 flex items-center justify-between gap-4 text-ink-3">
      <span aria-live="polite">
        {plural(shown, one, many)}
        {query.hasNextPage ? ', more to load' : ''}
      </span>
      {query.hasNextPage ? (
        <Button onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage}>
          Load more
        </Button>
      ) : null}
    </div>
  )
}
