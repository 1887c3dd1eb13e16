// Which rows of the list are drawn, and where it is scrolled to. A move of the cursor and the rows that it brings into view
// are one render: the place is reckoned from the height of the rows, and the browser is told afterwards.
import { type RefObject, useEffect, useLayoutEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import { useWide } from '../ui/useWide.ts'
import { positionOf, type Span, scrollTopFor, shiftFor, spanDrawn, spanInView } from './rows.ts'
import type { Player } from './usePlayer.ts'

const rowPx = 32
const rowPxNarrow = 54
/** Rows that are drawn above and below those in view. */
const aroundRows = 8
/** Milliseconds of rest after which rows in view are looked up. */
const restMs = 150

export interface Rows {
  readonly height: number
  /** Pixels of all rows. */
  readonly total: number
  readonly inView: Span
  readonly drawn: Span
  /** The element of a position: see `shiftFor`. */
  readonly shift: number
  readonly onScroll: () => void
  readonly scrollTo: (position: number) => void
}

interface Place {
  readonly top: number
  /** The move of the cursor that has been followed. */
  readonly moves: number
  readonly shift: number
}

export function useRows(
  { visible, cursor }: Pick<Player, 'visible' | 'cursor'>,
  box: RefObject<HTMLDivElement | null>,
  onRange: (firstPosition: number, lastPosition: number) => void,
): Rows {
  const wide = useWide()
  const height = wide ? rowPx : rowPxNarrow
  const count = visible.length
  const viewPx = useHeight(box)
  const [place, setPlace] = useState<Place>({ top: 0, moves: 0, shift: 0 })
  const spanAt = (top: number) => spanInView(top, viewPx, height, count)
  const total = count * height
  const moved = (before: Place, top: number, moves = before.moves): Place => {
    const to = Math.max(0, Math.min(Math.round(top), total - viewPx))
    const drawn = (at: number) => spanDrawn(spanAt(at), aroundRows, count)
    return { top: to, moves, shift: shiftFor(before.shift, drawn(before.top), drawn(to)) }
  }
  // A move scrolls; new rows at the end never do.
  if (cursor.moves !== place.moves && viewPx > 0 && count > 0) {
    const top = positionOf(visible, cursor.row) * height
    setPlace(moved(place, scrollTopFor(top, height, place.top, viewPx) ?? place.top, cursor.moves))
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the browser is told of moves; it tells of all else
  useLayoutEffect(() => {
    if (box.current !== null && box.current.scrollTop !== place.top) box.current.scrollTop = place.top
  }, [place.moves])
  const inView = spanAt(place.top)
  useEffect(() => {
    const timer = setTimeout(() => onRange(inView.first, inView.last), restMs)
    return () => clearTimeout(timer)
  }, [inView.first, inView.last, onRange])
  return {
    height,
    total,
    inView,
    drawn: spanDrawn(inView, aroundRows, count),
    shift: place.shift,
    onScroll: () => {
      const top = box.current?.scrollTop ?? 0
      // At once: a frame without the rows would be empty.
      if (Math.abs(top - place.top) >= 1) flushSync(() => setPlace((before) => moved(before, top)))
    },
    scrollTo: (position) => {
      const top = scrollTopFor(position * height, height, place.top, viewPx)
      if (box.current !== null && top !== null) box.current.scrollTop = top
    },
  }
}

/** Height in CSS pixels, as it changes. 0 before the first look. */
function useHeight(box: RefObject<HTMLDivElement | null>): number {
  const [height, setHeight] = useState(0)
  useLayoutEffect(() => {
    if (box.current === null) return
    setHeight(box.current.clientHeight)
    const observer = new ResizeObserver(([entry]) => setHeight(Math.round(entry?.contentRect.height ?? 0)))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [box])
  return height
}
