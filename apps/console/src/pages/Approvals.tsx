// What must I decide now? The list on the left, the open request beside it where there is room; view, filters and the open
// request are in the address.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useEffect } from 'react'
import { approvalQuery, approvalsQuery } from '../api/queries.ts'
import { DecisionCard } from '../approvals/DecisionCard.tsx'
import { groupKey, neighbour } from '../approvals/groups.ts'
import { arranged, ItemList, NothingWaits } from '../approvals/ItemList.tsx'
import { approvalsRoute } from '../router.tsx'
import { Button } from '../ui/Button.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { ChoiceField, SearchField } from '../ui/Filters.tsx'
import { useTitle } from '../ui/Frame.tsx'
import { Keycap } from '../ui/Keycap.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { ErrorState, Panel, Skeleton } from '../ui/States.tsx'
import { LoadMore } from '../ui/Table.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { useWide } from '../ui/useWide.ts'
import { plural } from '../util/format.ts'

const views = [
  { value: 'pending', label: 'Waiting' },
  { value: 'decided', label: 'Decided' },
] as const

/** On a narrow window nothing is open beside the list: the row that has the focus is where one is. */
const focusedRequest = (): string | undefined =>
  document.activeElement?.closest<HTMLElement>('[data-request]')?.dataset['request']

type Search = ReturnType<typeof approvalsRoute.useSearch>

function useInbox(search: Search, isWide: boolean) {
  const navigate = useNavigate({ from: '/approvals' })
  const { view, target, caller } = search
  const list = useInfiniteQuery(approvalsQuery({ view, target, caller }))
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  const { mine, others } = arranged(items, view)
  const ids = [...mine, ...others].map((group) => group.first.id)
  const change = useCallback(
    (next: Partial<Search>) =>
      void navigate({
        to: '/approvals',
        search: (before) => ({ ...before, ...next }),
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  )
  const move = (by: 1 | -1) => {
    const at = [...mine, ...others].find((group) => group.items.some((item) => item.id === search.open))
    const id = neighbour(ids, isWide ? at?.first.id : focusedRequest(), by)
    if (id === undefined) return
    if (isWide) change({ open: id })
    document.querySelector(`[data-request="${CSS.escape(id)}"]`)?.scrollIntoView({ block: 'nearest' })
    if (!isWide) document.querySelector<HTMLElement>(`[data-request="${CSS.escape(id)}"] a`)?.focus()
  }
  useKeys('Requests', [
    { keys: 'j', label: 'Next request', run: () => move(1) },
    { keys: 'k', label: 'Previous request', run: () => move(-1) },
    {
      keys: 'Enter',
      label: 'Open on its own page',
      run: () => {
        if (search.open !== undefined) void navigate({ to: '/approvals/$id', params: { id: search.open } })
      },
    },
  ])
  return { list, items, change }
}

/** A link that was copied beside the list leads, where there is no room beside it, to the request itself. */
function useOwnPage(open: string | undefined, isWide: boolean): void {
  const navigate = useNavigate()
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the arrival; a window that gets narrow leads nobody away
  useEffect(() => {
    if (open !== undefined && !isWide) void navigate({ to: '/approvals/$id', params: { id: open }, replace: true })
  }, [])
}

export function Approvals() {
  const search = approvalsRoute.useSearch()
  const isWide = useWide()
  const { list, items, change } = useInbox(search, isWide)
  useTitle('Approvals')
  useOwnPage(search.open, isWide)
  // With nothing to show beside it, the list has the page to itself.
  const isSplit = isWide && (items.length > 0 || search.open !== undefined)
  return (
    <div className={isSplit ? 'grid grid-cols-[19rem_minmax(0,1fr)] items-start gap-x-5' : 'mx-auto max-w-5xl'}>
      <div className={`min-w-0 ${isSplit ? 'sticky top-0 -my-6 max-h-dvh overflow-y-auto py-6' : ''}`}>
        <div className="mb-1 flex items-center justify-between">
          <h1 className="text-[22px] leading-7 font-semibold tracking-tight">Approvals</h1>
          <AsOf query={list} />
        </div>
        <Tabs
          label="Which requests"
          tabs={views}
          value={search.view}
          onChange={(view) => change({ view, open: undefined })}
        >
          <Filters search={search} items={items} change={change} />
          <List search={search} list={list} items={items} beside={isWide} />
        </Tabs>
      </div>
      {isSplit ? <Beside id={search.open} items={items} onOpen={(open) => change({ open })} /> : null}
    </div>
  )
}

function Filters({
  search,
  items,
  change,
}: {
  readonly search: Search
  readonly items: ReturnType<typeof useInbox>['items']
  readonly change: (next: Partial<Search>) => void
}) {
  const setCaller = useCallback((caller: string) => change({ caller: caller === '' ? undefined : caller }), [change])
  const names = new Set(items.map((item) => item.target))
  if (search.target !== undefined) names.add(search.target)
  const choices = [...names].toSorted().map((name) => ({ value: name, label: name }))
  return (
    <search aria-label="Filters" className="my-3 flex gap-2">
      <SearchField label="Filter by caller" placeholder="Caller" value={search.caller ?? ''} onChange={setCaller} />
      <ChoiceField
        label="Target"
        value={search.target ?? ''}
        choices={[{ value: '', label: 'All targets' }, ...choices]}
        onChange={(target) => change({ target: target === '' ? undefined : target })}
      />
    </search>
  )
}

function List({
  search,
  list,
  items,
  beside,
}: {
  readonly search: Search
  readonly list: ReturnType<typeof useInbox>['list']
  readonly items: ReturnType<typeof useInbox>['items']
  readonly beside: boolean
}) {
  if (list.isPending) return <Skeleton label="Loading requests" rows={5} />
  if (list.data === undefined) return <ErrorState error={list.error} retry={() => void list.refetch()} />
  const isFiltered = search.target !== undefined || search.caller !== undefined
  if (items.length === 0) return <NothingWaits view={search.view} isFiltered={isFiltered} />
  return (
    <>
      <div className="overflow-hidden rounded-xl border border-line bg-surface shadow-card">
        <ItemList items={items} view={search.view} open={search.open} beside={beside} />
      </div>
      <LoadMore query={list} shown={items.length} one="request" />
    </>
  )
}

function Beside({
  id,
  items,
  onOpen,
}: {
  readonly id: string | undefined
  readonly items: ReturnType<typeof useInbox>['items']
  readonly onOpen: (id: string) => void
}) {
  if (id === undefined)
    return items.length === 0 ? null : (
      <Panel icon={<Keycap keys="j" />} title="Pick a request">
        <p>
          Its facts and the decision appear here. <Keycap keys="j" /> and <Keycap keys="k" /> walk through the list.
        </p>
      </Panel>
    )
  return <OpenRequest key={id} id={id} items={items} onOpen={onOpen} />
}

function OpenRequest({
  id,
  items,
  onOpen,
}: {
  readonly id: string
  readonly items: ReturnType<typeof useInbox>['items']
  readonly onOpen: (id: string) => void
}) {
  const approval = useQuery(approvalQuery(id))
  if (approval.data === undefined)
    return approval.isPending ? (
      <Skeleton label="Loading the request" rows={8} />
    ) : (
      <ErrorState error={approval.error} retry={() => void approval.refetch()} />
    )
  const item = items.find((each) => each.id === id)
  const key = item === undefined ? null : groupKey(item)
  const alike = items.filter((each) => each.id !== id && each.state === 'pending' && groupKey(each) === key)
  const [next] = alike
  return (
    <div className={`min-w-0 ${next === undefined ? '[--around:3rem]' : '[--around:6.5rem]'}`}>
      <DecisionCard approval={approval.data} />
      {next === undefined ? null : (
        <p className="mt-2 flex items-center justify-between gap-3 text-ink-2">
          {plural(alike.length, 'more request')} from this caller {alike.length === 1 ? 'has' : 'have'} the same shape.
          Values may differ: each is decided by itself.
          <Button onClick={() => onOpen(next.id)}>Open the next</Button>
        </p>
      )}
    </div>
  )
}
