// What stands above a list: search, choices, how fresh it is. The values live in the address, so a page passes them in and
// navigates when they change. `/` goes to the search field.
import { Search } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useKeys } from './Keys.tsx'

/** Milliseconds of quiet after which typed words become the filter. */
const quietMs = 250

const field =
  'min-h-9 rounded-lg border border-line bg-surface text-ink placeholder:text-ink-3 hover:border-line-strong'

export function FilterBar({ children }: { readonly children: ReactNode }) {
  return (
    <search aria-label="Filters" className="mb-4 flex flex-wrap items-center gap-2">
      {children}
    </search>
  )
}

export function SearchField({
  label,
  value,
  onChange,
  placeholder,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly placeholder?: string
}) {
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => onChange(typed), quietMs)
    return () => clearTimeout(timer)
  }, [typed, value, onChange])
  useKeys('Filters', [{ keys: '/', label: label, run: () => input.current?.focus() }])
  return (
    <span className="relative min-w-0 grow basis-40 sm:max-w-md">
      <Search
        aria-hidden
        size={15}
        className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 text-ink-3"
      />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={placeholder ?? label}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          setTyped('')
          event.currentTarget.blur()
        }}
        autoComplete="off"
        spellCheck={false}
        className={`${field} w-full pr-3 pl-9`}
      />
    </span>
  )
}

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
}

/** One of a few. The first choice is usually "all". */
export function ChoiceField<T extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string
  readonly value: T
  readonly choices: readonly Choice<T>[]
  readonly onChange: (value: T) => void
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => {
        const chosen = choices.find((choice) => choice.value === event.target.value)
        if (chosen !== undefined) onChange(chosen.value)
      }}
      className={`${field} max-w-full min-w-0 px-2.5`}
    >
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </select>
  )
}
