// The values bound to $1, $2 …, as the agent recorded them. Long ones are cut with their length in words, never in silence.
import { useState } from 'react'
import { ScrollBox } from '../ui/ScrollBox.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, plural } from '../util/format.ts'

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
        <button type="button" onClick={() => setAll(true)} className="ml-1 font-semibold text-deny underline">
          {count(value.length - shown.length)} more characters
        </button>
      )}
    </>
  )
}

const lineHeight = 22

export function Parameters({ values }: { readonly values: readonly (string | null)[] }) {
  const [isOpen, setOpen] = useState(false)
  if (values.length === 0) return null
  return (
    <div className="mt-1.5 shrink-0">
      <ScrollBox
        label={plural(values.length, 'parameter')}
        lineHeight={lineHeight}
        isOpen={isOpen}
        onOpen={setOpen}
        closedClass="max-h-[66px]"
      >
        <dl className="flex flex-wrap gap-x-4 font-mono text-[13px] leading-[22px]">
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
      </ScrollBox>
    </div>
  )
}
