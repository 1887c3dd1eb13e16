// The whole session at a glance: statements over time, a lane for each decision, idle stretches folded. Over it lies a real
// slider, so that keyboard and assistive technology have the same map.
import { lanes } from '@sallyport/api/recordings'
import { type KeyboardEvent, memo, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import { clockTime, count } from '../util/format.ts'
import { laneLooks } from './lanes.tsx'
import { positionOf } from './rows.ts'
import { type Bins, binned, msAtPlace, placeOfMs, type TimeScale, timeScale } from './timeline.ts'
import type { Player } from './usePlayer.ts'

const lanePx = 9
const gapPx = 2
const heightPx = lanes.length * (lanePx + gapPx)
/** Narrowest mark of statements that are looked for, so that one among thousands is seen. */
const markPx = 2

export function Minimap({ player }: { readonly player: Player }) {
  const { view, visible, cursor, actions } = player
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const scale = useMemo(() => timeScale(view.columns, view.length), [view])
  const atMs = view.columns.atMs[cursor.row] ?? 0
  const place = placeOfMs(scale, atMs)
  const seek = (event: PointerEvent<HTMLDivElement>) => {
    const { left, width: across } = event.currentTarget.getBoundingClientRect()
    const wanted = Math.max(0, Math.min(1, (event.clientX - left) / across))
    const row = view.columns.rowAtMs(msAtPlace(scale, wanted))
    actions.select(visible[positionOf(visible, row)] ?? row)
  }
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: -1, ArrowDown: 1 }[event.key]
    const part = { PageDown: 0.1, PageUp: -0.1 }[event.key]
    if (by === undefined && part === undefined) return
    event.preventDefault()
    if (by !== undefined) actions.move(by)
    if (part !== undefined) actions.moveBy(part)
  }
  const words = `${clockTime(view.openedAtMs + atMs)}, event ${count(cursor.row + 1)} of ${count(view.length)}, ${view.columns.laneOf(cursor.row)}`
  return (
    <div ref={box} className="relative touch-none select-none">
      <Lanes view={view} hidden={player.hidden} found={player.found} scale={scale} width={width} />
      <Folds scale={scale} />
      <div
        role="slider"
        tabIndex={0}
        aria-label="Place in the session"
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={Math.max(1, view.length)}
        aria-valuenow={cursor.row + 1}
        aria-valuetext={words}
        onKeyDown={keys}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          seek(event)
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) seek(event)
        }}
        className="absolute inset-0 cursor-col-resize"
      >
        <span
          aria-hidden
          style={{ transform: `translateX(${Math.round(place * width) - 1}px)` }}
          className="absolute -inset-y-1 left-0 w-0.5 rounded-full will-change-transform bg-accent before:absolute before:-top-1 before:left-1/2 before:size-2.5 before:-translate-x-1/2 before:rounded-full before:bg-accent"
        />
      </div>
    </div>
  )
}

/** Width in CSS pixels, as it changes. */
function useWidth(box: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (box.current === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [box])
  return width
}

/** Rises when the theme changes: a canvas does not follow custom properties by itself. */
function useTheme(): string {
  const [theme, setTheme] = useState(document.documentElement.dataset['theme'] ?? '')
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(document.documentElement.dataset['theme'] ?? ''))
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => observer.disconnect()
  }, [])
  return theme
}

interface LanesProps extends Pick<Player, 'view' | 'hidden' | 'found'> {
  readonly scale: TimeScale
  readonly width: number
}

const Lanes = memo(function Lanes({ view, hidden, found, scale, width }: LanesProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const theme = useTheme()
  const columns = Math.max(1, Math.floor(width / markPx))
  const all = useMemo(() => binned(view.columns, view.length, scale, columns), [view, scale, columns])
  const bins = useMemo(
    () => (found === null ? null : binned(view.columns, view.length, scale, columns, found)),
    [view, scale, columns, found],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read while painting
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (element === null || context === null || context === undefined || width === 0) return
    const dense = window.devicePixelRatio || 1
    element.width = Math.round(width * dense)
    element.height = Math.round(heightPx * dense)
    context.setTransform(dense, 0, 0, dense, 0, 0)
    context.clearRect(0, 0, width, heightPx)
    paintTracks(context, width)
    // What a search did not find stays as a shadow, so that the found ones keep their surroundings.
    paint(context, all, width, hidden, found === null ? 1 : 0.2)
    if (bins !== null) paint(context, bins, width, hidden, 1)
  }, [all, bins, width, hidden, theme])
  return <canvas ref={canvas} aria-hidden style={{ height: heightPx }} className="block w-full" />
})

function paintTracks(context: CanvasRenderingContext2D, width: number): void {
  context.globalAlpha = 1
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--surface-2')
  for (let index = 0; index < lanes.length; index++) context.fillRect(0, index * (lanePx + gapPx), width, lanePx)
}

/** Bars grow from the middle of their lane with the logarithm of their count: one denial beside thousands still shows. */
function paint(
  context: CanvasRenderingContext2D,
  bins: Bins,
  width: number,
  hidden: Player['hidden'],
  strength: number,
): void {
  const styles = getComputedStyle(document.documentElement)
  const columnPx = width / bins.width
  const most = Math.log2(bins.most + 1)
  lanes.forEach((lane, index) => {
    const top = index * (lanePx + gapPx)
    context.fillStyle = styles.getPropertyValue(laneLooks[lane].paint)
    context.globalAlpha = hidden.has(lane) ? 0.15 : strength
    for (let column = 0; column < bins.width; column++) {
      const filled = bins.counts[index * bins.width + column] ?? 0
      if (filled === 0) continue
      const height = Math.max(3, (lanePx * Math.log2(filled + 1)) / most)
      context.fillRect(column * columnPx, top + (lanePx - height) / 2, Math.max(markPx, columnPx), height)
    }
  })
  context.globalAlpha = 1
}

const Folds = memo(function Folds({ scale }: { readonly scale: TimeScale }) {
  return (
    <div aria-hidden className="pointer-events-none absolute inset-0">
      {scale.stretches.map((stretch) =>
        stretch.folded ? (
          <span
            key={stretch.fromMs}
            style={{ left: `${stretch.from * 100}%`, width: `${(stretch.to - stretch.from) * 100}%` }}
            className="absolute inset-y-0 border-x border-dashed border-line-strong/60 bg-canvas"
          />
        ) : null,
      )}
    </div>
  )
})
