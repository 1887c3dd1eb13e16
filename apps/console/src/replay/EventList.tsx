// The statements of a session, one row each, of which only those in view are in the page. A listbox: one stop for the
// keyboard, and the row that is chosen is named to assistive technology with its place among all.
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, duration, plural } from '../util/format.ts'
import { offset } from './format.ts'
import { laneLooks } from './lanes.tsx'
import { positionOf } from './rows.ts'
import { storyOf } from './story.ts'
import type { EntryShelf } from './useEntries.ts'
import type { Player } from './usePlayer.ts'
import { useWide } from './useWide.ts'

const rowPx = 32
const rowPxNarrow = 54
const overscanRows = 8
/** Characters of a statement's text beside its objects. */
const previewMax = 180
/** Milliseconds of rest after which rows in view are looked up. */
const restMs = 120

interface EventListProps {
  readonly player: Player
  readonly shelf: EntryShelf
  readonly isLive: boolean
  readonly onRange: (firstPosition: number, lastPosition: number) => void
}

export const rowId = (row: number): string => `statement-${row}`

/** The columns of a row, wide: time, lane, statement, rows, masked, took. */
export const columnsShape =
  'lg:grid lg:grid-cols-[5.25rem_5.5rem_minmax(0,1fr)_3.25rem_3.25rem_3.75rem] lg:items-center lg:gap-x-2'

export function EventList({ player, shelf, isLive, onRange }: EventListProps) {
  const { visible, cursor } = player
  const wide = useWide()
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: visible.length,
    getScrollElement: () => box.current,
    estimateSize: () => (wide ? rowPx : rowPxNarrow),
    overscan: overscanRows,
  })
  const position = positionOf(visible, cursor.row)
  const range = virtual.range
  const first = range?.startIndex ?? 0
  const last = range?.endIndex ?? 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: the other height counts from the next paint on
  useEffect(() => virtual.measure(), [wide])
  // A move scrolls; new rows at the end never do.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a move of the cursor may scroll
  useEffect(() => {
    if (cursor.moves === 0 || visible.length === 0) return
    const isNear = position >= first - 4 && position <= last + 4
    virtual.scrollToIndex(position, { align: isNear ? 'auto' : 'center' })
  }, [cursor.moves])
  useEffect(() => {
    const timer = setTimeout(() => onRange(first, last), restMs)
    return () => clearTimeout(timer)
  }, [first, last, onRange])
  const fresh = useFresh(player, isLive, last)
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
        aria-activedescendant={visible[position] === cursor.row ? rowId(cursor.row) : undefined}
        onKeyDown={pageMove}
        className="h-full overflow-y-auto overscroll-contain [scrollbar-gutter:stable]"
      >
        <div role="presentation" className="relative w-full" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => (
            <Row
              key={item.key}
              player={player}
              shelf={shelf}
              row={visible[item.index] ?? 0}
              position={item.index}
              top={item.start}
              height={item.size}
            />
          ))}
        </div>
      </div>
      {fresh === 0 ? null : (
        <button
          type="button"
          onClick={() => virtual.scrollToIndex(visible.length - 1, { align: 'end' })}
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

interface RowProps {
  readonly player: Player
  readonly shelf: EntryShelf
  readonly row: number
  readonly position: number
  readonly top: number
  readonly height: number
}

function Row({ player, shelf, row, position, top, height }: RowProps) {
  const { columns } = player.view
  const lane = columns.laneOf(row)
  const look = laneLooks[lane]
  const isChosen = row === player.cursor.row
  const rows = columns.rows[row] ?? -1
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox has the keys
    <div
      id={rowId(row)}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      aria-setsize={player.visible.length}
      aria-posinset={position + 1}
      onClick={() => player.select(row)}
      style={{ top, height }}
      className={`absolute inset-x-0 cursor-default border-b border-line/60 px-3 max-lg:py-1.5 ${columnsShape} ${isChosen ? 'bg-accent-soft shadow-[inset_3px_0_0_var(--accent)]' : lane === 'denied' || lane === 'failed' ? 'bg-deny-soft/35 hover:bg-deny-soft/70' : 'hover:bg-surface-2'}`}
    >
      <span className="hidden font-mono text-xs text-ink-3 tabular-nums lg:block">
        {offset(columns.atMs[row] ?? 0)}
      </span>
      <span className="flex items-center justify-between gap-2 lg:contents">
        <span className={`inline-flex items-center gap-1.5 text-xs font-medium ${look.ink}`}>
          {look.icon}
          {look.word}
        </span>
        <span className="font-mono text-[11px] text-ink-3 tabular-nums lg:hidden">
          {offset(columns.atMs[row] ?? 0)}
          {rows < 0 ? '' : ` · ${plural(rows, 'row')}`}
        </span>
      </span>
      <span className="block min-w-0 truncate">
        <RowStatement player={player} shelf={shelf} row={row} />
      </span>
      <Numbers player={player} shelf={shelf} row={row} />
    </div>
  )
}

function RowStatement({
  player,
  shelf,
  row,
}: {
  readonly player: Player
  readonly shelf: EntryShelf
  readonly row: number
}) {
  const { columns } = player.view
  const text = storyOf(shelf.entries, columns.seq[row] ?? -1)?.begun.text
  return (
    <>
      <span className="font-medium">
        <VisibleText text={columns.verbOf(row) || 'statement'} />
      </span>{' '}
      <span className="text-ink-2">
        <VisibleText text={columns.objectOf(row)} />
      </span>
      {text === undefined ? null : (
        <span className="ml-3 font-mono text-xs text-ink-3 max-lg:ml-2">
          <VisibleText text={text.slice(0, previewMax).replace(/\s+/g, ' ')} />
        </span>
      )}
    </>
  )
}

function Numbers({
  player,
  shelf,
  row,
}: {
  readonly player: Player
  readonly shelf: EntryShelf
  readonly row: number
}) {
  const { columns } = player.view
  const rows = columns.rows[row] ?? -1
  const story = storyOf(shelf.entries, columns.seq[row] ?? -1)
  const masked = story?.outcome?.maskedValues ?? 0
  const cell = 'hidden text-right text-xs tabular-nums lg:block'
  return (
    <>
      <span className={`${cell} text-ink-2`}>{rows < 0 ? <None /> : count(rows)}</span>
      <span className={`${cell} text-mask`}>
        {masked > 0 ? count(masked) : columns.laneOf(row) === 'masked' && story === null ? '…' : ''}
      </span>
      <span className={`${cell} text-ink-2`}>{rows < 0 ? <None /> : duration(columns.durationUs[row] ?? 0)}</span>
    </>
  )
}

const None = () => <span className="text-ink-3">–</span>
