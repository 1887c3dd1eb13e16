// The statements of a session, one row each, of which only those in view are in the page. A listbox: one stop for the
// keyboard, and the row that is chosen is named to assistive technology with its place among all.
import { ArrowDown } from 'lucide-react'
import { type KeyboardEvent, memo, useEffect, useRef, useState } from 'react'
import { count, plural } from '../util/format.ts'
import { EventRow, rowId } from './EventRow.tsx'
import { positionOf } from './rows.ts'
import { type EntryShelf, useShelfVersion } from './shelf.ts'
import type { Player } from './usePlayer.ts'
import { type Rows, useRows } from './useRows.ts'

interface EventListProps extends Pick<Player, 'view' | 'visible' | 'cursor' | 'actions'> {
  readonly shelf: EntryShelf
  readonly isLive: boolean
  readonly onRange: (firstPosition: number, lastPosition: number) => void
}

export const EventList = memo(function EventList(props: EventListProps) {
  const { visible, cursor, actions, isLive, onRange } = props
  const box = useRef<HTMLDivElement>(null)
  const rows = useRows(props, box, onRange)
  const { inView, drawn } = rows
  const fresh = useFresh(props, isLive, inView.last)
  // Only what is in the page can be named.
  const position = positionOf(visible, cursor.row)
  const isDrawn = visible[position] === cursor.row && position >= drawn.first && position <= drawn.last
  const pageMove = (event: KeyboardEvent) => {
    const by = { PageDown: inView.last - inView.first, PageUp: inView.first - inView.last }[event.key]
    if (by === undefined) return
    event.preventDefault()
    actions.move(by)
  }
  return (
    <div className="relative min-h-0 grow">
      <div
        ref={box}
        role="listbox"
        aria-label="Statements"
        tabIndex={0}
        aria-activedescendant={isDrawn ? rowId(cursor.row) : undefined}
        onKeyDown={pageMove}
        onScroll={rows.onScroll}
        className="h-full overflow-y-auto overscroll-contain contain-strict [scrollbar-gutter:stable]"
      >
        <div role="presentation" className="relative w-full" style={{ height: rows.total }}>
          <Drawn {...props} rows={rows} />
        </div>
      </div>
      {fresh === 0 ? null : (
        <button
          type="button"
          onClick={() => rows.scrollTo(visible.length - 1)}
          className="absolute bottom-3 left-1/2 inline-flex min-h-8 -translate-x-1/2 items-center gap-1.5 rounded-full bg-accent px-3.5 text-xs font-semibold text-accent-ink shadow-float"
        >
          <ArrowDown aria-hidden size={14} />
          {count(fresh)} new below
        </button>
      )}
      <span role="status" className="sr-only">
        {isLive && fresh > 0 ? `${plural(fresh, 'new statement')} below` : ''}
      </span>
    </div>
  )
})

function Drawn({ view, visible, cursor, actions, shelf, rows }: EventListProps & { readonly rows: Rows }) {
  const { drawn, height, shift } = rows
  const shelfVersion = useShelfVersion(shelf)
  return Array.from({ length: drawn.last - drawn.first + 1 }, (_, index) => {
    const at = drawn.first + index
    const row = visible[at] ?? 0
    return (
      <EventRow
        key={at - shift}
        columns={view.columns}
        indexVersion={view}
        row={row}
        place={at + 1}
        of={visible.length}
        top={at * height}
        height={height}
        isChosen={row === cursor.row}
        onChoose={actions.select}
        shelf={shelf}
        shelfVersion={shelfVersion}
      />
    )
  })
}

/** How many rows came at the end that nobody has had in view. */
function useFresh({ visible, view }: Pick<Player, 'visible' | 'view'>, isLive: boolean, lastPosition: number): number {
  const [seen, setSeen] = useState<number | null>(null)
  const lastRow = visible.at(-1) ?? 0
  const isAtEnd = lastPosition >= visible.length - 1
  useEffect(() => {
    if (!view.isComplete) return
    setSeen((before) => (before === null || isAtEnd ? lastRow : before))
  }, [view.isComplete, isAtEnd, lastRow])
  if (!isLive || seen === null || visible.length === 0 || lastRow <= seen) return 0
  return visible.length - 1 - positionOf(visible, seen)
}
