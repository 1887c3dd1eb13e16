// List and inspector side by side; on a narrow page the inspector lies over the list when a statement is chosen. And the
// keys of the player.
import type { Session } from '@sallyport/api/recordings'
import { X } from 'lucide-react'
import { memo, type ReactNode, useCallback, useDeferredValue, useRef } from 'react'
import { Button } from '../ui/Button.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { EmptyState } from '../ui/States.tsx'
import { useToast } from '../ui/Toast.tsx'
import { useWide } from '../ui/useWide.ts'
import { announce } from '../util/announce.ts'
import { count, plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { EventList } from './EventList.tsx'
import { Inspector } from './Inspector.tsx'
import { laneBindings, moveBindings } from './keys.ts'
import { ListBar } from './ListBar.tsx'
import { NarrowSheet } from './NarrowSheet.tsx'
import { type EntryShelf, useShelfVersion } from './shelf.ts'
import type { Find } from './useFind.ts'
import type { Player } from './usePlayer.ts'
import type { ProofCheck } from './useProof.ts'

interface EventPaneProps {
  readonly session: Session
  readonly player: Player
  readonly shelf: EntryShelf
  readonly proof: ProofCheck
  readonly find: Find
  readonly words: string
  readonly onWords: (words: string) => void
  readonly onRange: (first: number, last: number) => void
  readonly indexError: unknown
}

export function EventPane(props: EventPaneProps) {
  const { session, player, shelf, proof } = props
  const { view, visible, cursor, actions } = player
  const row = useDeferredValue(cursor.row)
  const wide = useWide()
  const box = useRef<HTMLInputElement>(null)
  usePlayerKeys(
    session,
    player,
    useCallback(() => box.current?.focus(), []),
  )
  const inspector = (
    <Inspector session={session.id} view={view} row={row} actions={actions} shelf={shelf} proof={proof} />
  )
  return (
    <div className="flex min-h-0 grow gap-3">
      <section
        aria-label="Timeline of statements"
        className="flex h-[70dvh] min-w-0 grow flex-col overflow-hidden rounded-xl border border-line bg-surface shadow-card lg:h-auto"
      >
        <ListBar
          isLive={session.state === 'live'}
          follow={player.follow}
          actions={actions}
          problem={props.find.problem}
          words={props.words}
          onWords={props.onWords}
          box={box}
        />
        {visible.length === 0 ? (
          <NothingShows {...props} />
        ) : (
          <EventList
            view={view}
            visible={visible}
            cursor={cursor}
            actions={actions}
            shelf={shelf}
            isLive={session.state === 'live'}
            onRange={props.onRange}
          />
        )}
        <ListFoot
          view={view}
          visible={visible}
          looksIntoTexts={props.find.looksIntoTexts}
          shelf={shelf}
          indexError={props.indexError}
        />
      </section>
      {wide ? (
        <div className="flex w-[25rem] shrink-0 flex-col overflow-hidden rounded-xl border border-line bg-surface shadow-card contain-strict xl:w-[27rem]">
          {inspector}
        </div>
      ) : (
        <NarrowSheet cursor={cursor}>{inspector}</NarrowSheet>
      )}
    </div>
  )
}

interface ListFootProps extends Pick<Player, 'view' | 'visible'>, Pick<EventPaneProps, 'shelf' | 'indexError'> {
  readonly looksIntoTexts: boolean
}

const ListFoot = memo(function ListFoot({ view, visible, looksIntoTexts, shelf, indexError }: ListFootProps) {
  useShelfVersion(shelf)
  const shown =
    visible.length === view.length
      ? plural(view.length, 'statement')
      : `${count(visible.length)} of ${plural(view.length, 'statement')}`
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-x-3 border-t border-line px-3 py-1 text-xs text-ink-3 tabular-nums">
      <span role="status">
        {shown}
        {view.isComplete || indexError !== null ? '' : ', more are loading'}
      </span>
      {looksIntoTexts ? (
        <span>Words look into verbs, objects and the {count(shelf.texts.size)} texts that are loaded.</span>
      ) : null}
      {view.columns.isFull ? (
        <span className="text-hold">This list ends at {count(view.length)}; export the session for the rest.</span>
      ) : null}
      {indexError === null ? null : (
        <span className="text-hold">The rest could not be loaded; it is tried again by itself.</span>
      )}
      <span className="ml-auto hidden lg:inline">n / p flagged · ? all keys</span>
    </div>
  )
})

function NothingShows({ player, words, onWords, find }: EventPaneProps) {
  if (find.found === null && words !== '' && find.problem === null) return <div className="grow" />
  const clear: ReactNode =
    words !== '' ? (
      <Button icon={<X aria-hidden size={15} />} onClick={() => onWords('')}>
        Clear the search
      </Button>
    ) : (
      <Button onClick={() => player.actions.showAll()}>Show all lanes</Button>
    )
  return (
    <div className="grow">
      <EmptyState title="No statement matches" action={clear}>
        {words !== ''
          ? 'Nothing in this session matches the search in the lanes that are shown.'
          : 'All lanes with statements are hidden.'}
      </EmptyState>
    </div>
  )
}

function usePlayerKeys(session: Session, player: Player, search: () => void): void {
  const say = useToast()
  const jump = (direction: 1 | -1) => {
    if (player.actions.jump(direction)) return
    announce(direction === 1 ? 'No flagged statement after this one' : 'No flagged statement before this one')
  }
  const copy = async () => {
    const link = window.location.origin + paths.session(session.id, player.view.columns.seq[player.cursor.row])
    try {
      await navigator.clipboard.writeText(link)
      say('done', 'Link to this statement copied')
    } catch {
      say('failed', `The browser did not allow copying; the link is ${link}`)
    }
  }
  useKeys('Session', [
    ...moveBindings(player.actions, jump),
    ...laneBindings(player.actions),
    { keys: '/', label: 'Search in this session', run: search },
    { keys: 'y', label: 'Copy a link to this statement', run: () => void copy() },
    ...(session.state === 'live'
      ? [{ keys: 'l', label: 'Follow the newest statement', run: () => player.actions.setFollow(!player.follow) }]
      : []),
  ])
}
