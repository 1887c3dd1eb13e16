// A list with one of its items open beside it; on a phone the item takes the place of the list. Which one is open stands
// in the address. `j` and `k` move, Enter opens, Escape closes where the list is hidden.
import { ArrowLeft } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { useKeys } from './Keys.tsx'

export interface SplitItem {
  readonly key: string
  /** First line: the name, with badges. */
  readonly title: ReactNode
  /** Second line: what one must know without opening it. */
  readonly lead: ReactNode
}

export function SplitList({
  label,
  one,
  items,
  open,
  onOpen,
  children,
}: {
  readonly label: string
  /** `target` in "All targets" and "Next target". */
  readonly one: string
  readonly items: readonly SplitItem[]
  /** Key of the open one; null shows the first where there is room. */
  readonly open: string | null
  readonly onOpen: (key: string | null) => void
  /** The open item. */
  readonly children: ReactNode
}) {
  const current = open ?? items[0]?.key ?? null
  const { list, detail } = useSplitKeys({ label, one, items, current, onOpen })
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(15rem,19rem)_minmax(0,1fr)]">
      <nav aria-label={label} className={open === null ? '' : 'max-lg:hidden'}>
        <ul
          ref={list}
          className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card"
        >
          {items.map((item) => (
            <li key={item.key}>
              <Row item={item} isCurrent={item.key === current} onOpen={onOpen} />
            </li>
          ))}
        </ul>
      </nav>
      <div ref={detail} tabIndex={-1} className={`min-w-0 outline-none ${open === null ? 'max-lg:hidden' : ''}`}>
        <button
          type="button"
          onClick={() => onOpen(null)}
          className="mb-3 inline-flex min-h-9 items-center gap-1.5 rounded-lg text-sm font-medium text-ink-2 hover:text-ink lg:hidden"
        >
          <ArrowLeft aria-hidden size={16} />
          All {one}s
        </button>
        {children}
      </div>
    </div>
  )
}

/** Moves through the list by keys, and shows where one is. */
function useSplitKeys({
  label,
  one,
  items,
  current,
  onOpen,
}: {
  readonly label: string
  readonly one: string
  readonly items: readonly SplitItem[]
  readonly current: string | null
  readonly onOpen: (key: string | null) => void
}) {
  const list = useRef<HTMLUListElement>(null)
  const detail = useRef<HTMLDivElement>(null)
  const at = items.findIndex((item) => item.key === current)
  const move = (step: number) => {
    const next = items[Math.min(Math.max(at + step, 0), items.length - 1)]
    if (next !== undefined) onOpen(next.key)
  }
  useKeys(label, [
    { keys: 'j', label: `Next ${one}`, run: () => move(1) },
    { keys: 'k', label: `Previous ${one}`, run: () => move(-1) },
    {
      keys: 'Enter',
      label: `Go into the ${one}`,
      run: () => {
        if (current !== null) onOpen(current)
        detail.current?.focus()
      },
    },
    { keys: 'Escape', label: 'Back to the list', run: () => onOpen(null) },
  ])
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [])
  return { list, detail }
}

function Row({
  item,
  isCurrent,
  onOpen,
}: {
  readonly item: SplitItem
  readonly isCurrent: boolean
  readonly onOpen: (key: string) => void
}) {
  return (
    <button
      type="button"
      aria-current={isCurrent ? 'true' : undefined}
      onClick={() => onOpen(item.key)}
      className={`flex min-h-14 w-full flex-col justify-center gap-0.5 px-4 py-2.5 text-left hover:bg-surface-2 focus-visible:outline-offset-[-2px] ${isCurrent ? 'lg:bg-accent-soft' : ''}`}
    >
      <span className="flex w-full items-center gap-2 font-medium">{item.title}</span>
      <span className="w-full text-xs text-ink-3">{item.lead}</span>
    </button>
  )
}
