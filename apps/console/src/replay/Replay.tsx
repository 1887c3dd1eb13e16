// The player of one session: head, map, list and inspector, and the states between. A network panel, not a video.
import type { Session } from '@sallyport/api/recordings'
import type { Entry } from '@sallyport/ledger/entry'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { memo, type ReactNode, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { meQuery } from '../api/queries.ts'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { EventPane } from './EventPane.tsx'
import { IntegrityAlarm, IntegrityBadge } from './Integrity.tsx'
import { type Integrity, integrityOf } from './integrity.ts'
import { LaneSwitches } from './LaneSwitches.tsx'
import { Minimap } from './Minimap.tsx'
import { pinnedKeys } from './pins.ts'
import { standingOf } from './proof.ts'
import { type IndexView, windowEntries, windowOf } from './queries.ts'
import { SessionHead } from './SessionHead.tsx'
import { sha256 } from './sha256.ts'
import { type EntryShelf, useShelf, useShelfVersion } from './shelf.ts'
import { useFind } from './useFind.ts'
import { useIndex } from './useIndex.ts'
import { usePlayer } from './usePlayer.ts'
import { type ProofCheck, useProof } from './useProof.ts'

/** Milliseconds that the cursor rests before its entries are asked for: those that it runs over are not. */
const cursorRestMs = 80
/** Windows of entries that rows in view may ask for at once. */
const windowsInView = 8
/** Entries up to which a search for words loads all texts. */
const searchLoadsMax = 5_000

export function Replay({ session, asOf }: { readonly session: Session; readonly asOf: ReactNode }) {
  const index = useIndex(session.id, session.state === 'live')
  const { id, agent } = session
  const proof = useProof(id, session.entries, () => pinnedKeys(localStorage, agent))
  const me = useQuery(meQuery())
  const mayKill = me.data?.roles.includes('admin') === true
  const props = { session, proof, mayKill, asOf }
  // What comes in is drawn when there is time for it, between two moves of the cursor.
  const view = useDeferredValue(index.data)
  if (view !== undefined && view.length > 0) return <Player {...props} view={view} indexError={index.error} />
  const unchecked = integrityOf(proof.state, {
    session: id,
    tipSeq: session.entries - 1,
    statements: null,
    differing: [],
    unreadable: 0,
  })
  return (
    <>
      <Head {...props} integrity={unchecked} />
      <IntegrityAlarm integrity={unchecked} goTo={() => {}} />
      {index.isPending || (index.data?.length ?? 0) > 0 ? (
        <Skeleton label="Loading the statements" rows={8} />
      ) : index.data === undefined ? (
        <ErrorState error={index.error} retry={() => void index.refetch()} />
      ) : (
        <EmptyState title={session.state === 'live' ? 'Nothing was sent yet' : 'No statements'}>
          {session.state === 'live'
            ? 'The caller is connected and has sent no statement. The first one shows here by itself.'
            : 'The caller connected and left without sending a statement.'}
        </EmptyState>
      )}
    </>
  )
}

interface PlayerProps {
  readonly session: Session
  readonly proof: ProofCheck
  readonly mayKill: boolean
  readonly asOf: ReactNode
}

const Head = memo(function Head(props: PlayerProps & { readonly integrity: Integrity }) {
  const { session, proof, mayKill, asOf, integrity } = props
  const badge = (
    <IntegrityBadge
      integrity={integrity}
      check={proof}
      agent={session.agent}
      agentName={session.agentName}
      entries={session.entries}
    />
  )
  return <SessionHead session={session} mayKill={mayKill} integrity={badge} asOf={asOf} />
})

function Player(props: PlayerProps & { readonly view: IndexView; readonly indexError: unknown }) {
  const { session, proof, view } = props
  const { q = '' } = useSearch({ from: '/shell/sessions/$id' })
  const [words, setWords] = useState(q)
  const shelf = useShelf(session.id)
  const shelfVersion = useShelfVersion(shelf)
  const find = useFind(view, words, shelf.texts, shelfVersion)
  const player = usePlayer(view, find.found, words)
  const { visible, cursor, actions } = player
  const onRange = useWanted(shelf, view, visible, cursor.row, find.looksIntoTexts && view.tipSeq < searchLoadsMax)
  const integrity = useIntegrity(session.id, view, proof, shelf, shelfVersion)
  return (
    <div className="flex min-h-0 flex-col lg:-mx-3 lg:-mt-4 lg:-mb-8 lg:h-[calc(100dvh-1.5rem)]">
      <Head session={session} proof={proof} mayKill={props.mayKill} asOf={props.asOf} integrity={integrity} />
      <IntegrityAlarm integrity={integrity} goTo={(seq) => actions.select(view.columns.rowOfSeq(seq))} />
      <div className="mb-3 space-y-2 rounded-xl border border-line bg-surface px-3 pt-2 pb-2.5 shadow-card">
        <LaneSwitches hidden={player.hidden} counts={player.counts} toggle={actions.toggle} />
        <Minimap player={player} />
      </div>
      <EventPane
        session={session}
        player={player}
        shelf={shelf}
        proof={proof}
        find={find}
        words={words}
        onWords={setWords}
        onRange={onRange}
        indexError={props.indexError}
      />
    </div>
  )
}

/**
 * Asks for entries: at the cursor once it rests, in view, and all of a short record for a search. Gives what is to be told
 * of the rows in view.
 */
function useWanted(shelf: EntryShelf, view: IndexView, visible: Uint32Array, row: number, all: boolean) {
  const seq = view.columns.seq[row] ?? 0
  const { tipSeq } = view
  const inView = useRef<readonly number[]>([])
  useEffect(() => {
    const timer = setTimeout(() => shelf.want([seq], tipSeq), cursorRestMs)
    return () => clearTimeout(timer)
  }, [shelf, seq, tipSeq])
  // A record that grows has more for the rows that are shown.
  useEffect(() => shelf.want(inView.current, tipSeq), [shelf, tipSeq])
  useEffect(() => {
    if (all) shelf.want(windowsUpTo(tipSeq), tipSeq)
  }, [shelf, all, tipSeq])
  return useCallback(
    (first: number, last: number) => {
      inView.current = seqsInView(view, visible, first, last)
      shelf.want(inView.current, view.tipSeq)
    },
    [shelf, view, visible],
  )
}

const windowsUpTo = (tipSeq: number): readonly number[] =>
  Array.from({ length: Math.ceil((tipSeq + 1) / windowEntries) }, (_, at) => at * windowEntries)

/** A few of the sequences between two positions of the list: enough to load the windows that they lie in. */
function seqsInView(view: IndexView, visible: Uint32Array, first: number, last: number): readonly number[] {
  const windows = new Map<number, number>()
  for (let at = first; at <= last && windows.size < windowsInView; at++) {
    const seq = view.columns.seq[visible[at] ?? 0] ?? 0
    windows.set(windowOf(seq), seq)
  }
  return [...windows.values()]
}

/** Holds what is shown against the proof, each entry once. */
function useIntegrity(
  session: string,
  view: IndexView,
  proof: ProofCheck,
  shelf: EntryShelf,
  version: number,
): Integrity {
  const { state } = proof
  const [differing, setDiffering] = useState<readonly number[]>([])
  const checked = useRef<{ readonly of: unknown; readonly entries: WeakSet<Entry> }>({
    of: null,
    entries: new WeakSet(),
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shelf grows in place; its version tells
  useEffect(() => {
    const isNew = checked.current.of !== state
    if (isNew) checked.current = { of: state, entries: new WeakSet() }
    const known = checked.current.entries
    const found: number[] = []
    if (state.kind === 'done' && state.proof.report.ok)
      for (const entry of shelf.entries.values()) {
        if (known.has(entry)) continue
        known.add(entry)
        if (standingOf(sha256, state.proof, session, entry) === 'differs') found.push(entry.seq)
      }
    if (isNew || found.length > 0) setDiffering((before) => (isNew ? found : [...before, ...found]))
  }, [state, version, session])
  const statements = view.isComplete && !view.columns.isFull ? view.length : null
  const { tipSeq } = view
  const { unreadable } = shelf
  return useMemo(
    () => integrityOf(state, { session, tipSeq, statements, differing, unreadable }),
    [state, session, tipSeq, statements, differing, unreadable],
  )
}
