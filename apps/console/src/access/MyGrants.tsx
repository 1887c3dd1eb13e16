// What I was granted for a time, with what is left of it; what I have asked for, with who can decide it; and the way to ask.
import type { Grant, GrantState } from '@sallyport/api/grants'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Timer } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { EndGrant } from '../grants/EndGrant.tsx'
import { ScopeLine } from '../grants/GrantScope.tsx'
import { GrantBadge, GrantTime } from '../grants/GrantState.tsx'
import { target } from '../grants/GrantTables.tsx'
import { grantableQuery, grantQuery, grantsQuery, useAskAtEnd } from '../grants/queries.ts'
import { scopeText, stateWords } from '../grants/words.ts'
import { Button } from '../ui/Button.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, LoadMore, Table } from '../ui/Table.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { announce } from '../util/announce.ts'
import { AskGrant } from './AskGrant.tsx'
import { WhoCould } from './MyRequests.tsx'

/** Only a waiting one is asked about: the list does not say who could decide. */
function WhoDecides({ grant }: { readonly grant: Grant }) {
  const isPending = grant.state === 'pending'
  const detail = useQuery({ ...grantQuery(grant.id), enabled: isPending })
  if (isPending) return <WhoCould quorum={detail.data?.quorum} />
  if (grant.verdicts.length === 0) return <span className="text-ink-3">nobody</span>
  return <VisibleText text={grant.verdicts.map(({ by }) => by).join(', ')} />
}

const columns: readonly Column<Grant>[] = [
  {
    name: 'what',
    head: 'What',
    grow: true,
    cell: (grant) => (
      <Link to="/grants/$id" params={{ id: grant.id }} className="row-link block min-w-0">
        <span className="sr-only">{scopeText(grant)}</span>
        <span aria-hidden>
          <ScopeLine scope={grant} />
        </span>
      </Link>
    ),
  },
  target,
  { name: 'state', head: 'State', cell: (grant) => <GrantBadge grant={grant} /> },
  { name: 'who', head: 'Decided by', cell: (grant) => <WhoDecides grant={grant} /> },
  { name: 'when', head: 'Time', cell: (grant) => <GrantTime grant={grant} isLabelled /> },
  {
    name: 'end',
    head: 'Action',
    isSpare: (grant) => !grant.mayEnd,
    cell: (grant) => (grant.mayEnd ? <EndGrant grant={grant} /> : <span className="text-ink-3">–</span>),
  },
]

/** What others decided about mine while I look is said aloud, once. */
function useNews(grants: readonly Grant[]): void {
  const known = useRef<ReadonlyMap<string, GrantState> | null>(null)
  useEffect(() => {
    for (const grant of grants) {
      const before = known.current?.get(grant.id)
      if (before !== undefined && before !== grant.state)
        announce(`${grant.rule} on ${grant.target}: ${stateWords[grant.state]}`)
    }
    known.current = new Map(grants.map(({ id, state }) => [id, state]))
  }, [grants])
}

const none: readonly Grant[] = []

export function MyGrants() {
  const list = useInfiniteQuery({
    ...grantsQuery('mine', 20),
    // The same array while nothing changed: news are what changed.
    select: ({ pages }) => pages.flatMap((page) => page.items),
  })
  const askable = useQuery(grantableQuery())
  const [asking, setAsking] = useState(false)
  const items = list.data ?? none
  useNews(items)
  useAskAtEnd(items.map(({ state, until, expiresAt }) => (state === 'pending' ? expiresAt : until)))
  const isNothing = askable.data?.items.length === 0
  const ask = () => setAsking(true)
  useKeys(
    'My access',
    isNothing || askable.data === undefined ? [] : [{ keys: 'n', label: 'Ask for access', run: ask }],
  )
  const button = (
    <Button
      kind="primary"
      keys="n"
      icon={<Timer aria-hidden size={16} />}
      busy={askable.isPending}
      {...(isNothing ? { why: 'No rule lets you ask for anything' } : {})}
      onClick={ask}
    >
      Ask for access
    </Button>
  )
  return (
    <section aria-labelledby="grants" className="mb-8">
      <div className="mb-3 flex min-h-9 flex-wrap items-center justify-between gap-2">
        <h2 id="grants" className="text-base font-semibold">
          Access for a time
        </h2>
        {items.length === 0 ? null : button}
      </div>
      {list.data === undefined ? (
        list.isPending ? (
          <Skeleton label="Loading your grants" rows={2} />
        ) : (
          <ErrorState error={list.error} retry={() => void list.refetch()} />
        )
      ) : items.length === 0 ? (
        <EmptyState title="You were granted nothing so far" action={button}>
          <p>What you need for an hour is asked for here, decided by people, and ends by itself.</p>
        </EmptyState>
      ) : (
        <>
          <Table caption="Access for a time" columns={columns} rows={items} rowKey={(grant) => grant.id} />
          <LoadMore query={list} shown={items.length} one="grant" />
        </>
      )}
      {asking && askable.data !== undefined ? (
        <AskGrant askable={askable.data.items} onClose={() => setAsking(false)} />
      ) : null}
    </section>
  )
}
