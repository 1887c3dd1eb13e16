// Legend and switches of the lanes in one: what each is called, how many statements it has, and whether it shows.
import { lanes } from '@sallyport/api/recordings'
import { count } from '../util/format.ts'
import { laneLooks } from './lanes.tsx'
import type { Player } from './usePlayer.ts'

export function LaneSwitches({ player }: { readonly player: Player }) {
  return (
    <fieldset aria-label="Lanes" className="flex flex-wrap items-center gap-1.5">
      {lanes.map((lane, index) => {
        const look = laneLooks[lane]
        const isShown = !player.hidden.has(lane)
        const filled = player.counts[index] ?? 0
        return (
          <button
            key={lane}
            type="button"
            aria-pressed={isShown}
            title={`${look.meaning} Key ${index + 1} shows or hides this lane.`}
            onClick={() => player.toggle(lane)}
            className={`inline-flex min-h-7 items-center gap-1.5 rounded-full border px-2.5 text-xs font-medium ${isShown ? 'border-line bg-surface' : 'border-dashed border-line-strong bg-transparent line-through'} ${filled === 0 ? 'text-ink-3' : look.ink}`}
          >
            {look.icon}
            {look.word}
            <span className="font-normal text-ink-3 tabular-nums">{count(filled)}</span>
          </button>
        )
      })}
    </fieldset>
  )
}
