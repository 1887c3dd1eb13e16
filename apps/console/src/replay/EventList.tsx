// The statements of a session, one row each, of which only those in view are in the page. A listbox: one stop for the
// keyboard, and the row that is chosen is named to assistive technology with its place among all.
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useWide } from '../ui/useWide.ts'
import { count, plural } from '../util/format.ts'
import { EventRow, rowId } from './EventRow.tsx'
import { positionOf, scrollTopFor } from './rows.ts'
import type { EntryShelf } from './useEntries.ts'
import type { Player } from './usePlayer.ts'

const rowPx = 32
const rowPxNarrow = 54
const overscanRows = 8
/** Milliseconds of rest after which rows in view are looked up. */
const restMs = 120

interface EventListProps {
  readonly player: Player
  readonly shelf: EntryShelf
  readonly shelfVersion: number
  readonly isLive: boolean
  readonly onRange: (firstPosition: number, lastPosition: number) => void
}

export function EventList({ player, shelf, shelfVersion, isLive, onRange }: EventListProps) {
  const { visible, cursor } = player
  const box = useRef<HTMLDivElement>(null)
  const { virtual, items, first, last, scrollTo } = useRows(player, box, onRange)
  const fresh = useFresh(player, isLive, last)
  // Only what is in the page can be named.
  const isDrawn = items.some((item) => visible[item.index] === cursor.row)
  const pageMove = (event: KeyboardEvent) => {
    const by = { PageDown: last - first, PageUp: first - last }[event.key]
    if (by === undefined) return
    event.preventDefault()
    player.move(by)
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
        className="h-full overflow-y-auto overscroll-contain [scrollbar-gutter:stable]"
      >
        <div role="presentation" className="relative w-full" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => (
            <EventRow
              // Rows are drawn over again instead of made anew: a far jump changes texts, not elements.
              key={item.index % items.length}
              columns={player.view.columns}
              indexVersion={player.view}
              row={visible[item.index] ?? 0}
              place={item.index + 1}
              of={visible.length}
              top={item.start}
              height={item.size}
              isChosen={visible[item.index] === cursor.row}
              onChoose={player.select}
              shelf={shelf}
              shelfVersion={shelfVersion}
            />
          ))}
        </div>
      </div>
      {fresh === 0 ? null : (
        <button
          type="button"
          onClick={() => scrollTo(visible.length - 1)}
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
}

/** The rows in view, kept at the cursor when it moves, and told to the page when the scrolling rests. */
function useRows(player: Player, box: RefObject<HTMLDivElement | null>, onRange: EventListProps['onRange']) {
  const { visible, cursor } = player
  const wide = useWide()
  const height = wide ? rowPx : rowPxNarrow
  const virtual = useVirtualizer({
    count: visible.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: overscanRows,
  })
  const position = positionOf(visible, cursor.row)
  const first = virtual.range?.startIndex ?? 0
  const last = virtual.range?.endIndex ?? 0
  // Rows are of one height, so the place is known without asking the browser to lay the page out.
  const scrollTo = (to: number) => {
    const inView = virtual.scrollRect?.height ?? 0
    const top = scrollTopFor(to * height, height, virtual.scrollOffset ?? 0, inView)
    if (box.current !== null && top !== null) box.current.scrollTop = top
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the other height counts from the next paint on
  useEffect(() => virtual.measure(), [wide])
  // A move scrolls; new rows at the end never do.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a move of the cursor may scroll
  useLayoutEffect(() => {
    if (cursor.moves === 0 || visible.length === 0) return
    scrollTo(position)
  }, [cursor.moves])
  useEffect(() => {
    const timer = setTimeout(() => onRange(first, last), restMs)
    return () => clearTimeout(timer)
  }, [first, last, onRange])
  return { virtual, items: virtual.getVirtualItems(), first, last, scrollTo }
}

/** How many rows came at the end that nobody has had in view. */
function useFresh({ visible, view }: Player, isLive: boolean, lastPosition: number): number {
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
