// What must I decide now? The list on the left, the open request beside it where there is room; view, filters and the open
// request are in the address.
import type { Grant } from '@sallyport/api/grants'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useCallback, useEffect } from 'react'
import { approvalQuery, approvalsQuery } from '../api/queries.ts'
import { DecisionCard } from '../approvals/DecisionCard.tsx'
import { groupKey, neighbour } from '../approvals/groups.ts'
import { arranged, arrangedGrants, ItemList, NothingWaits } from '../approvals/ItemList.tsx'
import { GrantCard } from '../grants/GrantCard.tsx'
import { grantKey, grantOf } from '../grants/GrantRow.tsx'
import { LiveGrants, PastGrants } from '../grants/GrantTables.tsx'
import { grantQuery, grantsQuery, useAskAtEnd } from '../grants/queries.ts'
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
  { value: 'grants', label: 'Grants' },
] as const

/** On a narrow window nothing is open beside the list: the row that has the focus is where one is. */
const focusedRequest = (): string | undefined =>
  document.activeElement?.closest<HTMLElement>('[data-request]')?.dataset['request']

type Search = ReturnType<typeof approvalsRoute.useSearch>
type Change = (next: Partial<Search>) => void

function useChange(): Change {
  const navigate = useNavigate({ from: '/approvals' })
  return useCallback(
    (next) =>
      void navigate({
        to: '/approvals',
        search: (before) => ({ ...before, ...next }),
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  )
}

/** Filters are those of the list: what is asked for ahead comes whole. */
const isWanted = ({ target, caller }: Search, grant: Grant): boolean =>
  (target === undefined || grant.target === target) &&
  (caller === undefined || grant.who.display.toLowerCase().includes(caller.toLowerCase()))

function useInbox(search: Search, view: 'pending' | 'decided', isWide: boolean, change: Change) {
  const openPage = useOpenPage()
  const { target, caller } = search
  const list = useInfiniteQuery(approvalsQuery({ view, target, caller }))
  const asked = useInfiniteQuery({ ...grantsQuery('pending'), enabled: view === 'pending' })
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  const pages = view === 'pending' ? (asked.data?.pages ?? []) : []
  const grants = pages.flatMap((page) => page.items).filter((grant) => isWanted(search, grant))
  useAskAtEnd(grants.map(({ expiresAt }) => expiresAt))
  const { mine, others } = arranged(items, view)
  const split = arrangedGrants(grants)
  const keys = [
    ...mine.map((group) => group.first.id),
    ...split.mine.map(({ id }) => grantKey(id)),
    ...others.map((group) => group.first.id),
    ...split.others.map(({ id }) => grantKey(id)),
  ]
  const move = (by: 1 | -1) => {
    const at = [...mine, ...others].find((group) => group.items.some((item) => item.id === search.open))
    const key = neighbour(keys, isWide ? (at?.first.id ?? search.open) : focusedRequest(), by)
    if (key === undefined) return
    if (isWide) change({ open: key })
    document.querySelector(`[data-request="${CSS.escape(key)}"]`)?.scrollIntoView({ block: 'nearest' })
    if (!isWide) document.querySelector<HTMLElement>(`[data-request="${CSS.escape(key)}"] a`)?.focus()
  }
  useKeys('Requests', [
    { keys: 'j', label: 'Next request', run: () => move(1) },
    { keys: 'k', label: 'Previous request', run: () => move(-1) },
    {
      keys: 'Enter',
      label: 'Open on its own page',
      run: () => {
        if (search.open !== undefined) openPage(search.open, false)
      },
    },
  ])
  return { list, asked, items, grants }
}

/** To what the list names so, on a page of its own. */
function useOpenPage() {
  const navigate = useNavigate()
  return (key: string, replace: boolean): void => {
    const grant = grantOf(key)
    if (grant === null) void navigate({ to: '/approvals/$id', params: { id: key }, replace })
    else void navigate({ to: '/grants/$id', params: { id: grant }, replace })
  }
}

/** A link that was copied beside the list leads, where there is no room beside it, to the request itself. */
function useOwnPage(open: string | undefined, isWide: boolean): void {
  const openPage = useOpenPage()
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the arrival; a window that gets narrow leads nobody away
  useEffect(() => {
    if (open !== undefined && !isWide) openPage(open, true)
  }, [])
}

export function Approvals() {
  const search = approvalsRoute.useSearch()
  const change = useChange()
  useTitle('Approvals')
  const { view } = search
  if (view !== 'grants') return <Inbox search={search} view={view} change={change} />
  return (
    <div className="mx-auto max-w-5xl">
      <Head />
      <ViewTabs view={view} change={change}>
        <div className="pt-4">
          <LiveGrants />
          <PastGrants />
        </div>
      </ViewTabs>
    </div>
  )
}

function Head({ children }: { readonly children?: ReactNode }) {
  return (
    <div className="mb-1 flex items-center justify-between">
      <h1 className="text-[22px] leading-7 font-semibold tracking-tight">Approvals</h1>
      {children}
    </div>
  )
}

function ViewTabs({
  view,
  change,
  children,
}: {
  readonly view: Search['view']
  readonly change: Change
  readonly children: ReactNode
}) {
  return (
    <Tabs label="Which requests" tabs={views} value={view} onChange={(next) => change({ view: next, open: undefined })}>
      {children}
    </Tabs>
  )
}

function Inbox({
  search,
  view,
  change,
}: {
  readonly search: Search
  readonly view: 'pending' | 'decided'
  readonly change: Change
}) {
  const isWide = useWide()
  const inbox = useInbox(search, view, isWide, change)
  const { list, items, grants } = inbox
  useOwnPage(search.open, isWide)
  // With nothing to show beside it, the list has the page to itself.
  const isEmpty = items.length + grants.length === 0
  const isSplit = isWide && (!isEmpty || search.open !== undefined)
  return (
    <div className={isSplit ? 'grid grid-cols-[19rem_minmax(0,1fr)] items-start gap-x-5' : 'mx-auto max-w-5xl'}>
      <div className={`min-w-0 ${isSplit ? 'sticky top-0 -my-6 max-h-dvh overflow-y-auto py-6' : ''}`}>
        <Head>
          <AsOf query={list} />
        </Head>
        <ViewTabs view={view} change={change}>
          <Filters search={search} names={[...items, ...grants].map(({ target }) => target)} change={change} />
          <List search={search} view={view} inbox={inbox} beside={isWide} />
        </ViewTabs>
      </div>
      {isSplit ? (
        <Beside open={search.open} isEmpty={isEmpty} items={items} onOpen={(open) => change({ open })} />
      ) : null}
    </div>
  )
}

function Filters({
  search,
  names: used,
  change,
}: {
  readonly search: Search
  /** Of targets in the list. */
  readonly names: readonly string[]
  readonly change: Change
}) {
  const setCaller = useCallback((caller: string) => change({ caller: caller === '' ? undefined : caller }), [change])
  const names = new Set(used)
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
  view,
  inbox: { list, asked, items, grants },
  beside,
}: {
  readonly search: Search
  readonly view: 'pending' | 'decided'
  readonly inbox: ReturnType<typeof useInbox>
  readonly beside: boolean
}) {
  if (list.isPending || asked.isLoading) return <Skeleton label="Loading requests" rows={5} />
  if (list.data === undefined) return <ErrorState error={list.error} retry={() => void list.refetch()} />
  const isFiltered = search.target !== undefined || search.caller !== undefined
  if (items.length + grants.length === 0) return <NothingWaits view={view} isFiltered={isFiltered} />
  return (
    <>
      <div className="overflow-hidden rounded-xl border border-line bg-surface shadow-card">
        <ItemList items={items} grants={grants} view={view} open={search.open} beside={beside} />
      </div>
      {items.length === 0 ? null : <LoadMore query={list} shown={items.length} one="request" />}
      {grants.length === 0 ? null : <LoadMore query={asked} shown={grants.length} one="grant" />}
    </>
  )
}

function Beside({
  open,
  isEmpty,
  items,
  onOpen,
}: {
  readonly open: string | undefined
  readonly isEmpty: boolean
  readonly items: ReturnType<typeof useInbox>['items']
  readonly onOpen: (id: string) => void
}) {
  if (open === undefined)
    return isEmpty ? null : (
      <Panel icon={<Keycap keys="j" />} title="Pick a request">
        <p>
          Its facts and the decision appear here. <Keycap keys="j" /> and <Keycap keys="k" /> walk through the list.
        </p>
      </Panel>
    )
  const grant = grantOf(open)
  if (grant !== null) return <OpenGrant key={open} id={grant} />
  return <OpenRequest key={open} id={open} items={items} onOpen={onOpen} />
}

function OpenGrant({ id }: { readonly id: string }) {
  const grant = useQuery(grantQuery(id))
  if (grant.data === undefined)
    return grant.isPending ? (
      <Skeleton label="Loading the grant" rows={8} />
    ) : (
      <ErrorState error={grant.error} retry={() => void grant.refetch()} />
    )
  return (
    <div className="min-w-0 [--around:3rem]">
      <GrantCard grant={grant.data} />
    </div>
  )
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
