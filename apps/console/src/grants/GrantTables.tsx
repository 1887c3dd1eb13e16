// What is granted now, with the time that is left and a way to end it; and what was asked for before.
import type { Grant } from '@sallyport/api/grants'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { AsOf } from '../ui/Connection.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, LoadMore, Table } from '../ui/Table.tsx'
import { useNow } from '../ui/useNow.ts'
import { VisibleText } from '../ui/VisibleText.tsx'
import { EndGrant } from './EndGrant.tsx'
import { ScopeLine } from './GrantScope.tsx'
import { GrantBadge, GrantTime } from './GrantState.tsx'
import { grantsQuery, useAskAtEnd } from './queries.ts'
import { stateAt, titleOf } from './words.ts'

const who: Column<Grant> = {
  name: 'who',
  head: 'Who',
  cell: (grant) => (
    <Link to="/grants/$id" params={{ id: grant.id }} className="row-link whitespace-nowrap">
      <span className="sr-only">{titleOf(grant)}</span>
      <span aria-hidden title={`${grant.who.subject} of ${grant.who.issuer}`}>
        <VisibleText text={grant.who.display} />
      </span>
    </Link>
  ),
}
export const lets: Column<Grant> = {
  name: 'lets',
  head: 'May',
  grow: true,
  cell: (grant) => <ScopeLine scope={grant} />,
}
export const target: Column<Grant> = {
  name: 'target',
  head: 'Target',
  cell: (grant) => <VisibleText text={grant.target} />,
}
const action: Column<Grant> = {
  name: 'end',
  head: 'Action',
  isSpare: (grant) => !grant.mayEnd,
  cell: (grant) => (grant.mayEnd ? <EndGrant grant={grant} /> : <span className="text-ink-3">–</span>),
}
const live: readonly Column<Grant>[] = [
  who,
  lets,
  target,
  {
    name: 'left',
    head: 'Left',
    // Of a changed rule it says so: it counts no more, though its time still runs.
    cell: (grant) => (grant.state === 'stale' ? <GrantBadge grant={grant} /> : <GrantTime grant={grant} />),
  },
  action,
]
const past: readonly Column<Grant>[] = [
  who,
  lets,
  target,
  { name: 'state', head: 'State', cell: (grant) => <GrantBadge grant={grant} /> },
  {
    name: 'by',
    head: 'Decided by',
    cell: (grant) =>
      grant.verdicts.length === 0 ? (
        <span className="text-ink-3">nobody</span>
      ) : (
        <span className="inline-block md:min-w-24">
          <VisibleText text={grant.verdicts.map(({ by }) => by).join(', ')} />
        </span>
      ),
  },
  { name: 'when', head: 'When', cell: (grant) => <GrantTime grant={grant} /> },
]

export function LiveGrants() {
  const list = useInfiniteQuery(grantsQuery('live'))
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  const nowMs = useNow()
  const shown = items.filter((grant) => stateAt(grant, nowMs) !== 'over')
  useAskAtEnd(items.map(({ until }) => until))
  return (
    <section aria-labelledby="live-grants">
      <div className="mb-3 flex items-center justify-between gap-2">
        <h2 id="live-grants" className="text-base font-semibold">
          Granted now
        </h2>
        <AsOf query={list} />
      </div>
      {list.data === undefined ? (
        list.isPending ? (
          <Skeleton label="Loading grants" rows={3} />
        ) : (
          <ErrorState error={list.error} retry={() => void list.refetch()} />
        )
      ) : shown.length === 0 ? (
        <EmptyState title="Nothing is granted now">
          <p>What somebody was granted for a time stands here until it ends, with a way to end it before.</p>
        </EmptyState>
      ) : (
        <>
          <Table caption="Granted now" columns={live} rows={shown} rowKey={(grant) => grant.id} />
          <LoadMore query={list} shown={shown.length} one="grant" />
        </>
      )}
    </section>
  )
}

export function PastGrants() {
  const list = useInfiniteQuery(grantsQuery('past'))
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  // A failure is told by the list above it, which asks the same server.
  if (items.length === 0) return null
  return (
    <section aria-labelledby="past-grants" className="mt-8">
      <h2 id="past-grants" className="mb-3 text-base font-semibold">
        Before
      </h2>
      <Table caption="Grants of before" columns={past} rows={items} rowKey={(grant) => grant.id} />
      <LoadMore query={list} shown={items.length} one="grant" />
    </section>
  )
}
