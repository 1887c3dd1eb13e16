// A box of limited height that never hides in silence: while more is below, its edge says how many lines, and a press
// opens the box.
import { ChevronDown, ChevronUp } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { plural } from '../util/format.ts'

/** Lines still below the edge. */
function useLinesBelow(box: React.RefObject<HTMLElement | null>, lineHeight: number, isOpen: boolean): number {
  const [below, setBelow] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: an opened box is measured anew
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const measure = () => {
      const hidden = element.scrollHeight - element.clientHeight - element.scrollTop
      setBelow(hidden > lineHeight / 2 ? Math.ceil(hidden / lineHeight) : 0)
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    for (const child of element.children) observer.observe(child)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [box, lineHeight, isOpen])
  return below
}

const filling = '@2xl:flex @2xl:max-h-none @2xl:min-h-0 @2xl:flex-initial @2xl:flex-col'

export function ScrollBox({
  label,
  lineHeight,
  isOpen,
  onOpen,
  closedClass,
  fill = false,
  children,
}: {
  /** Names the region for assistive technology. */
  readonly label: string
  /** Pixels. */
  readonly lineHeight: number
  readonly isOpen: boolean
  readonly onOpen: (open: boolean) => void
  /** Limits the height while it is not open. */
  readonly closedClass: string
  /** While it is closed it takes the height that is left in a column. */
  readonly fill?: boolean
  readonly children: ReactNode
}) {
  const box = useRef<HTMLElement>(null)
  const below = useLinesBelow(box, lineHeight, isOpen)
  return (
    <div className={`relative min-w-0 ${fill && !isOpen ? filling : ''}`}>
      <section
        ref={box}
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className={`overflow-y-auto rounded-lg ${isOpen ? '' : `${closedClass} ${fill ? filling : ''}`}`}
      >
        {children}
      </section>
      {below === 0 && !isOpen ? null : (
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => onOpen(!isOpen)}
          className={`flex min-h-7 w-full items-center justify-center gap-1.5 rounded-b-lg border-t text-xs font-semibold ${isOpen ? 'border-line text-ink-2 hover:bg-surface-2' : 'border-deny/40 bg-deny-soft text-deny hover:border-deny'}`}
        >
          {isOpen ? <ChevronUp aria-hidden size={14} /> : <ChevronDown aria-hidden size={14} />}
          {isOpen ? 'Show less' : `${plural(below, 'more line')} below`}
        </button>
      )}
    </div>
  )
}
