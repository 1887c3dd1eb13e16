// Legend and switches of the lanes in one: what each is called, how many statements it has, and whether it shows.
import { lanes } from '@sallyport/api/recordings'
import { memo } from 'react'
import { count } from '../util/format.ts'
import { laneLooks } from './lanes.tsx'
import type { Player } from './usePlayer.ts'

interface LaneSwitchesProps {
  readonly hidden: Player['hidden']
  readonly counts: Player['counts']
  readonly toggle: Player['actions']['toggle']
}

export const LaneSwitches = memo(function LaneSwitches({ hidden, counts, toggle }: LaneSwitchesProps) {
  return (
    <fieldset
      aria-label="Lanes"
      className="-mx-3 flex min-w-0 items-center gap-1.5 overflow-x-auto px-3 py-0.5 [scrollbar-width:none] max-sm:mask-r-from-90% sm:flex-wrap"
    >
      {lanes.map((lane, index) => {
        const look = laneLooks[lane]
        const isShown = !hidden.has(lane)
        const filled = counts[index] ?? 0
        return (
          <button
            key={lane}
            type="button"
            aria-pressed={isShown}
            title={`${look.meaning} Key ${index + 1} shows or hides this lane.`}
            onClick={() => toggle(lane)}
            className={`inline-flex min-h-7 shrink-0 items-center gap-1.5 rounded-full border px-2.5 text-xs font-medium ${isShown ? 'border-line bg-surface' : 'border-dashed border-line-strong bg-transparent line-through'} ${filled === 0 ? 'text-ink-3' : look.ink}`}
          >
            {look.icon}
            {look.word}
            <span className="font-normal text-ink-3 tabular-nums">{count(filled)}</span>
          </button>
        )
      })}
    </fieldset>
  )
})
