// What I asked for: its state, who can decide it, and a way to take it back.
import type { Approval, ApprovalItem } from '@sallyport/api/approvals'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { approvalQuery, myRequestsQuery } from '../api/queries.ts'
import { ItemEffects } from '../approvals/Effects.tsx'
import { StateBadge, TimeLeft } from '../approvals/ItemRow.tsx'
import { Withdraw } from '../approvals/Withdraw.tsx'
import { titleOf } from '../approvals/words.ts'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, LoadMore, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

/** Only a pending one is asked about: the list does not say who could decide. */
function WhoDecides({ item }: { readonly item: ApprovalItem }) {
  const isPending = item.state === 'pending'
  const approval = useQuery({ ...approvalQuery(item.id), enabled: isPending })
  if (!isPending)
    return item.decidedBy.length === 0 ? (
      <span className="text-ink-3">nobody</span>
    ) : (
      <VisibleText text={item.decidedBy.join(', ')} />
    )
  return <WhoCould quorum={approval.data?.quorum} />
}

/** How many of which group are wanted, and who of them could decide. */
export function WhoCould({ quorum }: { readonly quorum: Approval['quorum'] | undefined }) {
  if (quorum === undefined) return <span className="text-ink-3">…</span>
  return (
    <span className="block min-w-44 max-md:text-right">
      {quorum.map((group) => (
        <span key={group.group} className="block" title={group.others.join(', ')}>
          {group.count} of <VisibleText text={group.group} />
          {group.others.length === 0 ? null : (
            <span className="text-ink-3">
              : <VisibleText text={group.others.slice(0, 3).join(', ')} />
              {group.others.length > 3 ? ` +${group.others.length - 3}` : ''}
            </span>
          )}
        </span>
      ))}
    </span>
  )
}

const columns: readonly Column<ApprovalItem>[] = [
  {
    name: 'what',
    head: 'Request',
    grow: true,
    cell: (item) => (
      <Link to="/approvals/$id" params={{ id: item.id }} className="row-link block min-w-0">
        <span className="sr-only">{titleOf(item)}</span>
        <span aria-hidden>
          <ItemEffects item={item} />
        </span>
      </Link>
    ),
  },
  { name: 'target', head: 'Target', cell: (item) => <VisibleText text={item.target} /> },
  { name: 'state', head: 'State', cell: (item) => <StateBadge state={item.state} /> },
  { name: 'who', head: 'Decided by', cell: (item) => <WhoDecides item={item} /> },
  {
    name: 'when',
    head: 'When',
    cell: (item) =>
      item.state === 'pending' ? <TimeLeft item={item} /> : <TimeAgo at={item.decidedAt ?? item.createdAt} />,
  },
  {
    name: 'withdraw',
    head: 'Action',
    cell: (item) =>
      item.state === 'pending' ? (
        <span className="relative">
          <Withdraw approval={{ id: item.id, waiting: item.waiting, mayCancel: true }} />
        </span>
      ) : (
        <span className="text-ink-3">–</span>
      ),
  },
]

export function MyRequests() {
  const list = useInfiniteQuery(myRequestsQuery())
  if (list.isPending) return <Skeleton label="Loading your requests" rows={3} />
  if (list.data === undefined) return <ErrorState error={list.error} retry={() => void list.refetch()} />
  const items = list.data.pages.flatMap((page) => page.items)
  if (items.length === 0)
    return (
      <EmptyState title="You have asked for nothing yet">
        <p>When a statement of yours is held for a person, it appears here with who can decide it.</p>
      </EmptyState>
    )
  return (
    <>
      <Table caption="My requests" columns={columns} rows={items} rowKey={(item) => item.id} />
      <LoadMore query={list} shown={items.length} one="request" />
    </>
  )
}
