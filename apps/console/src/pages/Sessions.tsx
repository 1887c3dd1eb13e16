// Who did what, where: every recorded session, searched by words and operators that stand in the address.
import type { Session } from '@sallyport/api/recordings'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { NoMatch } from '../replay/NoMatch.tsx'
import { searchQuery } from '../replay/queries.ts'
import { SearchBox } from '../replay/SearchBox.tsx'
import { SessionRows } from '../replay/SessionRows.tsx'
import { parseSearch, type SessionFilter } from '../replay/search.ts'
import { withTerm } from '../replay/terms.ts'
import { AsOf } from '../ui/Connection.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { LoadMore } from '../ui/Table.tsx'

export function Sessions() {
  const { q } = useSearch({ from: '/shell/sessions' })
  const navigate = useNavigate({ from: '/sessions' })
  const setText = useCallback(
    (text: string) => void navigate({ search: { q: text }, replace: true, resetScroll: false }),
    [navigate],
  )
  // A text like "from:24h" is read once: it means the day before it was typed, not a new question every second.
  const search = useMemo(() => parseSearch(q, Date.now()), [q])
  const [good, setGood] = useState<SessionFilter>({})
  if (search.ok && search.filter !== good) setGood(search.filter)
  const sessions = useInfiniteQuery(searchQuery(search.ok ? search.filter : good))
  const isLiveOnly = search.ok && search.filter.state === 'live'
  useKeys('Sessions', [
    {
      keys: 'l',
      label: 'Live sessions only, or all',
      run: () => setText(withTerm(q, 'state', isLiveOnly ? null : 'live')),
    },
  ])
  const rows = sessions.data?.pages.flatMap((page) => page.items)
  return (
    <>
      <PageHead title="Sessions" lead="Every connection through an agent, statement by statement.">
        <AsOf query={sessions} />
      </PageHead>
      <SearchBox text={q} onText={setText} problem={search.ok ? null : search.problem} />
      <Found query={sessions} rows={rows} text={q} onText={setText} terms={search.ok ? search.terms : []} />
    </>
  )
}

type SessionsQuery = ReturnType<typeof useInfiniteQuery<unknown>>

function Found({
  query,
  rows,
  text,
  onText,
  terms,
}: {
  readonly query: Pick<
    SessionsQuery,
    'isPending' | 'error' | 'refetch' | 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'
  >
  readonly rows: readonly Session[] | undefined
  readonly text: string
  readonly onText: (text: string) => void
  readonly terms: Parameters<typeof NoMatch>[0]['terms']
}) {
  if (rows === undefined)
    return query.isPending ? (
      <Skeleton label="Loading sessions" rows={8} />
    ) : (
      <ErrorState error={query.error} retry={() => void query.refetch()} />
    )
  if (rows.length > 0)
    return (
      <>
        <SessionRows rows={rows} />
        <LoadMore query={query} shown={rows.length} one="session" />
      </>
    )
  if (terms.length > 0) return <NoMatch text={text} terms={terms} onText={onText} />
  return (
    <EmptyState title="No sessions yet">
      Every connection through an agent shows here with all its statements. Connect with a client to make the first one;
      My access has the line to copy.
    </EmptyState>
  )
}
