// The values bound to $1, $2 …, as the agent recorded them. Long ones are cut with their length in words, never in silence.
import { useState } from 'react'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count } from '../util/format.ts'

const charactersShownMax = 80

function Value({ value }: { readonly value: string | null }) {
  const [all, setAll] = useState(false)
  if (value === null) return <span className="text-ink-3 italic">NULL</span>
  const isLong = value.length > charactersShownMax + 20
  const shown = all || !isLong ? value : value.slice(0, charactersShownMax)
  return (
    <>
      <span className="whitespace-pre-wrap [overflow-wrap:anywhere]">
        <VisibleText text={shown} inOrder />
      </span>
      {value === '' ? <span className="text-ink-3 italic">empty text</span> : null}
      {shown.length === value.length ? null : (
        <button type="button" onClick={() => setAll(true)} className="ml-1 min-h-6 font-semibold text-deny underline">
          {count(value.length - shown.length)} more characters
        </button>
      )}
    </>
  )
}

export function Parameters({ values }: { readonly values: readonly (string | null)[] }) {
  if (values.length === 0) return null
  return (
    <dl
      aria-label="Parameters"
      className="mt-2 flex max-h-24 flex-wrap gap-x-4 gap-y-1 overflow-y-auto font-mono text-[13px]"
      tabIndex={values.length > 8 ? 0 : undefined}
    >
      {values.map((value, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parameters have no other name than their place
        <div key={index} className="flex min-w-0 items-baseline gap-1.5">
          <dt className="font-semibold text-hold">${index + 1}</dt>
          <dd className="min-w-0">
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
