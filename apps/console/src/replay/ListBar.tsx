// Above the list of statements: the search inside the session, following a live one, and the heads of the columns.
import { Radio, Search } from 'lucide-react'
import { memo, type RefObject } from 'react'
import { columnsShape } from './EventRow.tsx'
import type { Find } from './useFind.ts'
import type { PlayerActions } from './usePlayer.ts'

interface ListBarProps {
  readonly isLive: boolean
  readonly follow: boolean
  readonly actions: PlayerActions
  readonly problem: Find['problem']
  readonly words: string
  readonly onWords: (words: string) => void
  readonly box: RefObject<HTMLInputElement | null>
}

export const ListBar = memo(function ListBar(props: ListBarProps) {
  const { isLive, problem } = props
  return (
    <>
      <div className="flex flex-wrap items-center gap-2 border-b border-line p-2">
        <SearchField {...props} />
        {isLive ? <FollowSwitch {...props} /> : null}
      </div>
      <p
        id="find-problem"
        role="status"
        className={problem === null ? 'sr-only' : 'border-b border-line bg-hold-soft px-3 py-1.5 text-[13px] text-hold'}
      >
        {problem}
      </p>
      <div
        aria-hidden
        className={`hidden border-b border-line px-3 py-1 pr-[calc(0.75rem+15px)] text-[11px] font-medium text-ink-3 ${columnsShape}`}
      >
        <span>Time</span>
        <span>Lane</span>
        <span>Statement</span>
        <span className="text-right">Rows</span>
        <span className="text-right">Took</span>
      </div>
    </>
  )
})

function SearchField({ problem, words, onWords, box }: ListBarProps) {
  return (
    <span className="relative min-w-0 grow basis-56">
      <Search
        aria-hidden
        size={15}
        className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-ink-3"
      />
      <input
        ref={box}
        type="search"
        aria-label="Search in this session"
        aria-invalid={problem !== null}
        aria-describedby="find-problem"
        placeholder="verb:delete object:orders lane:denied rows:>100 took:>50ms"
        value={words}
        onChange={(event) => onWords(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onWords('')
          if (event.key === 'Escape' || event.key === 'Enter') event.currentTarget.blur()
        }}
        autoComplete="off"
        spellCheck={false}
        className="min-h-8 w-full rounded-lg border border-line bg-canvas pr-2 pl-8 text-[13px] placeholder:text-ink-3 hover:border-line-strong"
      />
    </span>
  )
}

function FollowSwitch({ follow, actions }: Pick<ListBarProps, 'follow' | 'actions'>) {
  return (
    <button
      type="button"
      aria-pressed={follow}
      onClick={() => actions.setFollow(!follow)}
      title="Keep the newest statement in view (l)"
      className="inline-flex min-h-8 items-center gap-1.5 rounded-lg border border-line px-2.5 text-[13px] font-medium hover:border-line-strong aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent"
    >
      <Radio aria-hidden size={14} />
      Follow
    </button>
  )
}
