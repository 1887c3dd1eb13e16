// Targets: what can be reached, by whom it is served, which policies guard it, and how to connect.
import type { Agent, Resource } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { agentsQuery, resourcesQuery } from '../api/queries.ts'
import { type PolicyView, policyOf, type TargetView, targetOf } from '../forms/documents.ts'
import { QuarantineNote } from '../forms/QuarantineNote.tsx'
import { TargetDetail } from '../forms/TargetDetail.tsx'
import { targetTemplate } from '../forms/templates.ts'
import { targetsRoute } from '../router.tsx'
import { Environment } from '../ui/Badge.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { FilterBar, SearchField } from '../ui/Filters.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { type SplitItem, SplitList } from '../ui/SplitList.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'

export interface TargetRow {
  readonly resource: Resource
  /** Null when this console cannot read the document. */
  readonly view: TargetView | null
}

export function Targets() {
  const { q, open } = targetsRoute.useSearch()
  const navigate = targetsRoute.useNavigate()
  const targets = useQuery(resourcesQuery('targets'))
  const rows = (targets.data?.items ?? []).map((resource) => ({ resource, view: targetOf(resource.document) }))
  const shown = rows.filter((row) => matches(row, q))
  return (
    <>
      <PageHead title="Targets" lead="What callers can reach through an agent, and what guards it.">
        <AsOf query={targets} />
      </PageHead>
      <QuarantineNote />
      {targets.data === undefined ? (
        targets.isError ? (
          <ErrorState error={targets.error} retry={() => void targets.refetch()} />
        ) : (
          <Skeleton label="Loading targets" />
        )
      ) : rows.length === 0 ? (
        <NoTargets />
      ) : (
        <>
          {/* On a phone an open one has the page to itself. */}
          <div className={open === undefined ? '' : 'max-lg:hidden'}>
            <FilterBar>
              <SearchField
                label="Filter targets"
                placeholder="Name, label, agent or address"
                value={q}
                onChange={(next) => void navigate({ search: (was) => ({ ...was, q: next }), replace: true })}
              />
            </FilterBar>
          </div>
          {shown.length === 0 ? (
            <EmptyState title="No target matches">
              <p>No name, label, agent or address contains “{q}”.</p>
            </EmptyState>
          ) : (
            <TargetList rows={shown} />
          )}
        </>
      )}
    </>
  )
}

function matches({ resource, view }: TargetRow, query: string): boolean {
  const labels = Object.entries(view?.metadata.labels ?? {}).map(([name, value]) => `${name}:${value}`)
  const texts = [resource.name, view?.metadata.description, view?.spec.host, ...(view?.spec.agents ?? []), ...labels]
  const text = texts.join(' ').toLowerCase()
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function TargetList({ rows }: { readonly rows: readonly TargetRow[] }) {
  const { open } = targetsRoute.useSearch()
  const navigate = targetsRoute.useNavigate()
  const agents = useQuery(agentsQuery())
  const policies = useQuery(resourcesQuery('policies'))
  const current = rows.find((row) => row.resource.name === open) ?? (open === undefined ? rows[0] : undefined)
  const views = (policies.data?.items ?? []).map((resource) => policyOf(resource.document))
  return (
    <SplitList
      label="Targets"
      one="target"
      items={rows.map((row) => itemOf(row, agents.data?.items))}
      open={open ?? null}
      onOpen={(key) => void navigate({ search: (was) => ({ ...was, open: key ?? undefined }) })}
    >
      {current === undefined ? (
        <EmptyState title={`There is no target “${open}”`}>
          <p>It may have been deleted or renamed, or the filter hides it.</p>
        </EmptyState>
      ) : (
        <TargetDetail
          key={current.resource.name}
          row={current}
          agents={agents.data?.items}
          policies={policies.data === undefined ? undefined : views.filter((view): view is PolicyView => view !== null)}
          unreadPolicies={views.filter((view) => view === null).length}
        />
      )}
    </SplitList>
  )
}

function itemOf({ resource, view }: TargetRow, agents: readonly Agent[] | undefined): SplitItem {
  return {
    key: resource.name,
    title: (
      <>
        <span className="min-w-0 truncate">{resource.name}</span>
        <Environment labels={view?.metadata.labels ?? {}} />
      </>
    ),
    lead: view === null ? 'cannot be read by this console' : `${view.spec.protocol}, ${servedText(view, agents)}`,
  }
}

function servedText(view: TargetView, agents: readonly Agent[] | undefined): string {
  if (agents === undefined) return view.spec.agents.join(', ')
  const online = view.spec.agents.filter((name) =>
    agents.some((agent) => agent.name === name && agent.state === 'online'),
  )
  if (online.length > 0) return `served by ${online.join(', ')}`
  return view.spec.agents.length === 0 ? 'no agent' : 'no agent online'
}

function NoTargets() {
  return (
    <div className="mx-auto max-w-2xl">
      <EmptyState title="No target yet">
        <p>
          A target is a database behind an agent. Save this as{' '}
          <span className="whitespace-nowrap">
            <Mono>target.yaml</Mono>
          </span>
          , put your addresses in, and apply it.
        </p>
      </EmptyState>
      <div className="-mt-6 space-y-3 text-left">
        <CodeBlock text={targetTemplate} what="the document" label="target.yaml" />
        <CodeBlock text="sallyport apply -f target.yaml" what="the command" label="Then, as an administrator" />
      </div>
    </div>
  )
}
