// The search above the sessions: one field with operators, and switches for the questions that are asked most.
import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useKeys } from '../ui/Keys.tsx'
import { sessionOperators } from './search.ts'
import { withTerm } from './terms.ts'

/** Milliseconds of quiet after which typed words become the search. */
const quietMs = 250

const switches = [
  { label: 'Live', operator: 'state', value: 'live' },
  { label: 'Denied', operator: 'decision', value: 'denied' },
  { label: 'Held', operator: 'decision', value: 'held' },
  { label: 'Masked', operator: 'decision', value: 'masked' },
  { label: 'Deletes', operator: 'verb', value: 'delete' },
  { label: 'Today', operator: 'from', value: 'today' },
] as const

export function SearchBox({
  text,
  onText,
  problem,
}: {
  readonly text: string
  readonly onText: (text: string) => void
  readonly problem: string | null
}) {
  const [typed, setTyped] = useState(text)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => setTyped(text), [text])
  useEffect(() => {
    if (typed === text) return
    const timer = setTimeout(() => onText(typed), quietMs)
    return () => clearTimeout(timer)
  }, [typed, text, onText])
  useKeys('Filters', [{ keys: '/', label: 'Search sessions', run: () => input.current?.focus() }])
  return (
    <search aria-label="Sessions" className="mb-4 block">
      <span className="relative block">
        <Search
          aria-hidden
          size={17}
          className="pointer-events-none absolute top-1/2 left-3.5 -translate-y-1/2 text-ink-3"
        />
        <input
          ref={input}
          type="search"
          aria-label="Search sessions"
          aria-describedby="search-says"
          aria-invalid={problem !== null}
          placeholder="ana target:shop verb:delete decision:denied from:24h"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onText(typed)
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
          autoComplete="off"
          spellCheck={false}
          className="min-h-11 w-full rounded-xl border border-line bg-surface pr-4 pl-10 text-[15px] shadow-card placeholder:text-ink-3 hover:border-line-strong"
        />
      </span>
      <div className="mt-2 flex flex-wrap items-center gap-1.5">
        <Switches text={text} onText={onText} />
        <p
          id="search-says"
          role="status"
          className={`min-w-0 text-xs ${problem === null ? 'text-ink-3' : 'font-medium text-deny'}`}
        >
          {problem ?? `Operators: ${sessionOperators.map((operator) => `${operator}:`).join(' ')}`}
        </p>
      </div>
    </search>
  )
}

/** The questions that are asked most, one press each. */
function Switches({ text, onText }: { readonly text: string; readonly onText: (text: string) => void }) {
  return (
    <>
      {switches.map(({ label, operator, value }) => {
        const isOn = new RegExp(`(^|\\s)${operator}:${value}(\\s|$)`, 'i').test(text)
        return (
          <button
            key={label}
            type="button"
            aria-pressed={isOn}
            title={`${operator}:${value}`}
            onClick={() => onText(withTerm(text, operator, isOn ? null : value))}
            className="min-h-7 rounded-full border border-line bg-surface px-3 text-xs font-medium text-ink-2 hover:border-line-strong aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent"
          >
            {label}
          </button>
        )
      })}
    </>
  )
}
