// The list of requests: those that wait for me first, identical ones as one row, more on demand; and what stands there when
// there are none.
import type { ApprovalItem } from '@sallyport/api/approvals'
import type { Grant } from '@sallyport/api/grants'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { overviewQuery } from '../api/queries.ts'
import { GrantRow, grantKey } from '../grants/GrantRow.tsx'
import { EmptyState } from '../ui/States.tsx'
import { duration } from '../util/format.ts'
import { type Group, groupsOf } from './groups.ts'
import { ItemRow } from './ItemRow.tsx'

/** The rows in the order in which they are shown. */
export function arranged(items: readonly ApprovalItem[], view: 'pending' | 'decided') {
  if (view === 'decided') return { mine: [], others: items.map((first): Group => ({ first, items: [first] })) }
  const groups = groupsOf(items)
  return { mine: groups.filter((group) => group.first.mine), others: groups.filter((group) => !group.first.mine) }
}

export const arrangedGrants = (grants: readonly Grant[]) => ({
  mine: grants.filter(({ mayDecide }) => mayDecide.ok),
  others: grants.filter(({ mayDecide }) => !mayDecide.ok),
})

function Section({ title, children }: { readonly title: string | null; readonly children: ReactNode }) {
  return (
    <section aria-label={title ?? 'Requests'}>
      {title === null ? null : <h2 className="px-3.5 pt-3 pb-1.5 text-xs font-medium text-ink-3">{title}</h2>}
      <ul className="divide-y divide-line border-line">{children}</ul>
    </section>
  )
}

export function ItemList({
  items,
  grants = [],
  view,
  open,
  beside,
  plain = false,
}: {
  readonly items: readonly ApprovalItem[]
  /** What is asked for ahead; nobody waits for it in a connection, so it stands below what is held. */
  readonly grants?: readonly Grant[]
  readonly view: 'pending' | 'decided'
  readonly open: string | undefined
  readonly beside: boolean
  /** Without headings: the place around it has one. */
  readonly plain?: boolean
}) {
  const { mine, others } = arranged(items, view)
  const asked = arrangedGrants(grants)
  const rows = (groups: readonly Group[], grantRows: readonly Grant[]) => (
    <>
      {groups.map((group) => (
        <ItemRow
          key={group.first.id}
          group={group}
          isOpen={group.items.some((item) => item.id === open)}
          beside={beside}
        />
      ))}
      {grantRows.map((grant) => (
        <GrantRow key={grant.id} grant={grant} isOpen={grantKey(grant.id) === open} beside={beside} />
      ))}
    </>
  )
  const isMine = mine.length + asked.mine.length > 0
  return (
    <>
      {isMine ? <Section title={plain ? null : 'Waiting for you'}>{rows(mine, asked.mine)}</Section> : null}
      {others.length + asked.others.length === 0 ? null : (
        <Section title={plain || view === 'decided' ? null : isMine ? 'For others' : 'Waiting for others'}>
          {rows(others, asked.others)}
        </Section>
      )}
    </>
  )
}

export function NothingWaits({
  view,
  isFiltered,
}: {
  readonly view: 'pending' | 'decided'
  readonly isFiltered: boolean
}) {
  const overview = useQuery(overviewQuery())
  const median = overview.data?.approvals?.medianWaitMs ?? null
  if (isFiltered)
    return (
      <EmptyState title="No request matches">
        <p>Clear the filters to see the others.</p>
      </EmptyState>
    )
  if (view === 'decided')
    return (
      <EmptyState title="Nothing was decided yet">
        <p>Requests move here once they are approved, denied, withdrawn or expired.</p>
      </EmptyState>
    )
  return (
    <EmptyState title="Nothing waits">
      {median === null ? (
        <p>A statement that a hold rule matches, and what somebody asks for ahead, shows up here within a second.</p>
      ) : (
        <p>
          Today a request waited {duration(median * 1_000)} for its verdict, in the median. New ones show up here by
          themselves.
        </p>
      )}
    </EmptyState>
  )
}
