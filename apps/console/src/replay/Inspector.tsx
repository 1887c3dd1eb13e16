// One statement in full: what was sent, what came back, why it was decided so, and that the record of it is the agent's.
import { ChevronDown, ChevronUp } from 'lucide-react'
import { type KeyboardEvent, memo, useState } from 'react'
import { Badge } from '../ui/Badge.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { absoluteTime, clockTime, count } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { DecisionTab } from './DecisionTab.tsx'
import { IntegrityTab } from './IntegrityTab.tsx'
import { laneLooks } from './lanes.tsx'
import type { IndexView } from './queries.ts'
import { ResultTab } from './ResultTab.tsx'
import { StatementTab } from './StatementTab.tsx'
import { type EntryShelf, useShelfVersion } from './shelf.ts'
import { storyOf } from './story.ts'
import type { Cursor, PlayerActions } from './usePlayer.ts'
import type { ProofCheck } from './useProof.ts'

export interface InspectorProps {
  readonly session: string
  readonly view: IndexView
  readonly row: Cursor['row']
  readonly actions: PlayerActions
  readonly shelf: EntryShelf
  readonly proof: ProofCheck
}

const tabs = [
  { value: 'statement', label: 'Statement' },
  { value: 'result', label: 'Result' },
  { value: 'decision', label: 'Decision' },
  { value: 'integrity', label: 'Integrity' },
] as const
type TabName = (typeof tabs)[number]['value']

const scrollKeys = new Set(['ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'])

/** Drawn when there is time for it: a cursor that runs through the list does not wait for it. */
export const Inspector = memo(function Inspector(props: InspectorProps) {
  const [tab, setTab] = useState<TabName>('statement')
  return (
    <section aria-label="Statement in full" className="flex min-h-0 grow flex-col">
      <InspectorHead {...props} />
      <div className="flex min-h-0 grow flex-col [&>[role=tablist]]:px-2 [&>[role=tabpanel]]:min-h-0 [&>[role=tabpanel]]:grow">
        <Tabs label="About this statement" tabs={tabs} value={tab} onChange={setTab}>
          <section
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            tabIndex={0}
            aria-label="Details"
            // Here the arrows scroll; they do not move in the list.
            onKeyDown={(event: KeyboardEvent) => {
              if (scrollKeys.has(event.key)) event.stopPropagation()
            }}
            className="h-full overflow-y-auto overscroll-contain p-4 -outline-offset-2"
          >
            <TabBody {...props} tab={tab} />
          </section>
        </Tabs>
      </div>
    </section>
  )
})

function InspectorHead({ session, view, row, actions }: InspectorProps) {
  const { columns } = view
  const look = laneLooks[columns.laneOf(row)]
  const seq = columns.seq[row] ?? 0
  const atMs = view.openedAtMs + (columns.atMs[row] ?? 0)
  const link = window.location.origin + paths.session(session, seq)
  return (
    <header className="flex items-start gap-2 px-4 pt-3 pb-2">
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3 tabular-nums">
          <Badge tone={look.tone} icon={look.icon}>
            {look.word.toLowerCase()}
          </Badge>
          <span>
            {count(row + 1)} of {count(view.length)}
          </span>
          <time title={absoluteTime(atMs)}>{clockTime(atMs)}</time>
        </p>
        <h2 className="mt-1 text-[15px] leading-5 font-semibold break-words">
          <VisibleText text={columns.verbOf(row) || 'statement'} />{' '}
          <span className="font-normal text-ink-2">
            <VisibleText text={columns.objectOf(row)} />
          </span>
        </h2>
      </div>
      <div className="flex shrink-0 items-center">
        <Step
          label="Previous flagged statement"
          onClick={() => actions.jump(-1)}
          icon={<ChevronUp aria-hidden size={17} />}
        />
        <Step
          label="Next flagged statement"
          onClick={() => actions.jump(1)}
          icon={<ChevronDown aria-hidden size={17} />}
        />
        <CopyButton text={link} what="link to this statement" quiet />
      </div>
    </header>
  )
}

function Step({
  label,
  onClick,
  icon,
}: {
  readonly label: string
  readonly onClick: () => void
  readonly icon: React.ReactNode
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      className="inline-flex size-7 items-center justify-center rounded-md text-ink-2 hover:bg-surface-2 hover:text-ink"
    >
      {icon}
    </button>
  )
}

function TabBody({ session, view, row, shelf, proof, tab }: InspectorProps & { readonly tab: TabName }) {
  useShelfVersion(shelf)
  const seq = view.columns.seq[row] ?? -1
  const story = storyOf(shelf.entries, seq)
  if (story === null) {
    if (shelf.error !== null) return <ErrorState error={shelf.error} retry={shelf.retry} />
    return <Skeleton label="Loading the statement" rows={4} />
  }
  switch (tab) {
    case 'statement':
      return <StatementTab story={story} />
    case 'result':
      return <ResultTab story={story} />
    case 'decision':
      return <DecisionTab story={story} openedAtMs={view.openedAtMs} />
    case 'integrity':
      return <IntegrityTab session={session} story={story} tipSeq={view.tipSeq} proof={proof} />
  }
}
