// What the player shows and where its cursor stands. The cursor is a row; the address follows it a moment later, so that
// holding a key down does not write a hundred addresses.
import type { Lane } from '@sallyport/api/recordings'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { rowOfLink, type Wanted } from './links.ts'
import type { IndexView } from './queries.ts'
import { flaggedFrom, laneCounts, moved, visibleRows } from './rows.ts'

/** Milliseconds of rest after which the address names the cursor. */
const addressMs = 400

export interface Cursor {
  readonly row: number
  /** Rises with every move that should be scrolled to. */
  readonly moves: number
  /** A person chose it: on a phone its details open. */
  readonly isChosen: boolean
}

/** What can be done; the same functions for as long as the player is shown. */
export interface PlayerActions {
  readonly select: (row: number) => void
  readonly move: (by: number) => void
  /** To a part of what shows, from -1 to 1 of its length. */
  readonly moveBy: (part: number) => void
  readonly jump: (direction: 1 | -1) => boolean
  readonly toEnd: (end: 'first' | 'last') => void
  readonly toggle: (lane: Lane) => void
  readonly showAll: () => void
  readonly setFollow: (on: boolean) => void
}

export interface Player {
  readonly view: IndexView
  readonly visible: Uint32Array
  readonly counts: readonly number[]
  readonly hidden: ReadonlySet<Lane>
  /** Of the search: one byte a row; null without one. */
  readonly found: Uint8Array | null
  readonly cursor: Cursor
  readonly follow: boolean
  readonly actions: PlayerActions
}

export function usePlayer(view: IndexView, found: Uint8Array | null, find: string): Player {
  const [hidden, setHidden] = useState<ReadonlySet<Lane>>(new Set())
  const [cursor, setCursor] = useState<Cursor>({ row: 0, moves: 0, isChosen: false })
  const [follow, setFollow] = useState(false)
  const visible = useMemo(() => visibleRows(view.columns, view.length, hidden, found), [view, hidden, found])
  const counts = useMemo(() => laneCounts(view.columns, view.length), [view])
  const go = useCallback(
    (row: number | null, isChosen = true) =>
      row === null ? undefined : setCursor((before) => ({ row, moves: before.moves + 1, isChosen })),
    [],
  )
  useLink(view, cursor, find, go)
  useEffect(() => {
    const last = visible.at(-1)
    if (follow && last !== undefined) go(last, false)
  }, [follow, visible, go])
  // A search that does not show the cursor's row leads to the next one that it does.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new result moves the cursor, new rows at the end do not
  useEffect(() => {
    if (found === null || found[cursor.row] === 1) return
    const next = visible.find((each) => each >= cursor.row) ?? visible.at(-1)
    if (next !== undefined) setCursor((before) => ({ ...before, row: next, moves: before.moves + 1 }))
  }, [found])
  const now = useRef({ view, visible, row: cursor.row })
  useLayoutEffect(() => {
    now.current = { view, visible, row: cursor.row }
  })
  const actions = useMemo((): PlayerActions => {
    const stop = (to: number | null) => {
      setFollow(false)
      go(to)
    }
    return {
      select: stop,
      move: (by) => stop(moved(now.current.visible, now.current.row, by)),
      moveBy: (part) => {
        const { visible: rows, row } = now.current
        stop(moved(rows, row, Math.round(part * rows.length) || Math.sign(part)))
      },
      jump: (direction) => {
        const to = flaggedFrom(now.current.view.columns, now.current.visible, now.current.row, direction)
        if (to !== null) stop(to)
        return to !== null
      },
      toEnd: (end) => stop(now.current.visible.at(end === 'first' ? 0 : -1) ?? null),
      toggle: (lane) => {
        setHidden(
          (before) => new Set(before.has(lane) ? [...before].filter((each) => each !== lane) : [...before, lane]),
        )
        setCursor((before) => ({ ...before, moves: before.moves + 1 }))
      },
      showAll: () => setHidden(new Set()),
      setFollow,
    }
  }, [go])
  return { view, visible, counts, hidden, found, cursor, follow, actions }
}

/** The address leads the cursor when it comes from outside, and follows it else. */
function useLink(
  view: IndexView,
  cursor: Cursor,
  find: string,
  go: (row: number | null, isChosen?: boolean) => void,
): void {
  const search = useSearch({ from: '/shell/sessions/$id' })
  const navigate = useNavigate({ from: '/sessions/$id' })
  const wanted = useRef<Wanted | null>(null)
  const written = useRef<number | undefined>(undefined)
  const heard = useRef<Wanted | null>(null)
  useEffect(() => {
    const isOurs = search.e !== undefined && search.e === written.current && search.at === undefined
    if (isOurs || (heard.current?.e === search.e && heard.current?.at === search.at)) return
    heard.current = { e: search.e, at: search.at }
    wanted.current = heard.current
  }, [search.e, search.at])
  useEffect(() => {
    if (wanted.current === null) return
    const row = rowOfLink(wanted.current, view.columns, view.openedAtMs, view.isComplete)
    // The columns grow in place: they may be ahead of what is drawn.
    if (row === null || row >= view.length) return
    wanted.current = null
    go(row)
  })
  const seq = view.columns.seq[cursor.row]
  useEffect(() => {
    if (!cursor.isChosen || seq === undefined) return
    // Whoever moves while a link is still being looked for has decided otherwise.
    wanted.current = null
    const timer = setTimeout(() => {
      written.current = seq
      const q = find === '' ? undefined : find
      void navigate({ search: { e: seq, q }, replace: true, resetScroll: false })
    }, addressMs)
    return () => clearTimeout(timer)
  }, [cursor.isChosen, seq, find, navigate])
}
