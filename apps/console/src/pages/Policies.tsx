// Policies: which rules are there, and for which targets. The order of rules and of policies never matters.
import type { Resource } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { resourcesQuery } from '../api/queries.ts'
import { By } from '../forms/By.tsx'
import { type PolicyView, policyOf, selectorText, selects, type TargetView, targetOf } from '../forms/documents.ts'
import { useReadOnly } from '../forms/queries.ts'
import { policiesRoute } from '../router.tsx'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { FilterBar, SearchField } from '../ui/Filters.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { paths } from '../util/paths.ts'

interface PolicyRow {
  readonly resource: Resource
  /** Null when this console cannot read the document. */
  readonly view: PolicyView | null
}

export function Policies() {
  const { q } = policiesRoute.useSearch()
  const navigate = policiesRoute.useNavigate()
  const policies = useQuery(resourcesQuery('policies'))
  const rows = (policies.data?.items ?? []).map((resource) => ({ resource, view: policyOf(resource.document) }))
  const shown = rows.filter((row) => matches(row, q))
  return (
    <>
      <PageHead
        title="Policies"
        lead="All policies of a target count together: a deny beats a hold, a hold beats an allow."
      >
        <AsOf query={policies} />
        {rows.length === 0 ? null : <NewPolicy />}
      </PageHead>
      {policies.data === undefined ? (
        policies.isError ? (
          <ErrorState error={policies.error} retry={() => void policies.refetch()} />
        ) : (
          <Skeleton label="Loading policies" />
        )
      ) : rows.length === 0 ? (
        <EmptyState title="No policy yet" action={<NewPolicy />}>
          <p>Without a policy every statement is denied. Begin with a template; nothing counts before you save it.</p>
        </EmptyState>
      ) : (
        <>
          <FilterBar>
            <SearchField
              label="Filter policies"
              placeholder="Name, description, rule, group or object"
              value={q}
              onChange={(next) => void navigate({ search: { q: next }, replace: true })}
            />
          </FilterBar>
          {shown.length === 0 ? (
            <EmptyState title="No policy matches">
              <p>No name, description, rule, group or object contains “{q}”.</p>
            </EmptyState>
          ) : (
            <PolicyTable rows={shown} />
          )}
        </>
      )}
    </>
  )
}

function NewPolicy() {
  const readOnly = useReadOnly()
  const navigate = useNavigate()
  const go = () => {
    if (readOnly === undefined) void navigate({ to: paths.newPolicy() })
  }
  useKeys('Policies', [{ keys: 'n', label: 'New policy', run: go }])
  return (
    <Button
      kind="primary"
      icon={<Plus aria-hidden size={16} />}
      keys="n"
      {...(readOnly === undefined ? {} : { why: readOnly })}
      onClick={go}
    >
      New policy
    </Button>
  )
}

/** The document's text: whatever stands in it can be looked for. */
function matches({ resource }: PolicyRow, query: string): boolean {
  const text = JSON.stringify(resource.document).toLowerCase()
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function PolicyTable({ rows }: { readonly rows: readonly PolicyRow[] }) {
  const targets = useQuery(resourcesQuery('targets'))
  const views = (targets.data?.items ?? []).flatMap((resource) => targetOf(resource.document) ?? [])
  const navigate = useNavigate()
  const [at, setAt] = useState<number | null>(null)
  const move = (step: number) => setAt((was) => Math.min(Math.max((was ?? -1) + step, 0), rows.length - 1))
  const current = at === null ? undefined : rows[at]
  useKeys('Policies', [
    { keys: 'j', label: 'Next policy', run: () => move(1) },
    { keys: 'k', label: 'Previous policy', run: () => move(-1) },
    {
      keys: 'Enter',
      label: 'Open the policy',
      run: () => {
        if (current !== undefined) void navigate({ to: paths.policy(current.resource.name) })
      },
    },
  ])
  return (
    <Table
      caption="Policies"
      columns={columnsOf(targets.data === undefined ? undefined : views)}
      rows={rows}
      rowKey={(row) => row.resource.name}
      isCurrent={(row) => row === current}
    />
  )
}

/** `targets` undefined: not known, so the selector shows as it is written. */
function columnsOf(targets: readonly TargetView[] | undefined): readonly Column<PolicyRow>[] {
  return [
    {
      name: 'name',
      head: 'Policy',
      grow: true,
      cell: ({ resource, view }) => (
        <>
          <Link to={paths.policy(resource.name)} className="row-link font-medium">
            {resource.name}
          </Link>
          <span className="block text-xs font-normal text-pretty text-ink-3">
            {view === null ? 'Cannot be read by this console' : view.metadata.description}
          </span>
        </>
      ),
    },
    { name: 'effects', head: 'Rules', cell: ({ view }) => (view === null ? '–' : <Effects view={view} />) },
    {
      name: 'masks',
      head: 'Masks',
      align: 'right',
      cell: ({ view }) => view?.spec.masks.items.length ?? '–',
    },
    {
      name: 'targets',
      head: 'Targets',
      cell: ({ view }) => (view === null ? '–' : <Selected view={view} targets={targets} />),
    },
    { name: 'version', head: 'Version', align: 'right', cell: ({ resource }) => resource.version },
    {
      name: 'updated',
      head: 'Updated',
      cell: ({ resource }) => (
        <span className="text-ink-2 md:inline-block md:max-w-40 md:truncate">
          <TimeAgo at={resource.updatedAt} />
          <span className="block text-xs text-ink-3 max-md:inline max-md:before:content-['_by_']">
            <By actor={resource.updatedBy} />
          </span>
        </span>
      ),
    },
  ]
}

const effects = ['allow', 'hold', 'deny'] as const

function Effects({ view }: { readonly view: PolicyView }) {
  const counted = effects
    .map((effect) => ({ effect, rules: view.spec.rules.items.filter((rule) => rule.effect === effect).length }))
    .filter(({ rules }) => rules > 0)
  if (counted.length === 0) return <span className="text-ink-3">none</span>
  return (
    <span className="flex flex-wrap gap-1 md:flex-nowrap">
      {counted.map(({ effect, rules }) => (
        <Badge key={effect} tone={effect}>
          {rules} {effect}
        </Badge>
      ))}
    </span>
  )
}

const targetsNamed = 3

function Selected({
  view,
  targets,
}: {
  readonly view: PolicyView
  readonly targets: readonly TargetView[] | undefined
}) {
  const names = (targets ?? []).filter((target) => selects(view, target)).map((target) => target.metadata.name)
  const shown = names.slice(0, targetsNamed).join(', ')
  if (targets === undefined) return <>{selectorText(view.spec.targets)}</>
  if (names.length === 0)
    return (
      <span className="text-hold" title={selectorText(view.spec.targets)}>
        none yet
      </span>
    )
  return (
    <span title={selectorText(view.spec.targets)} className="md:inline-block md:min-w-36 max-md:text-right">
      {shown}
      {names.length > targetsNamed ? ` and ${names.length - targetsNamed} more` : ''}
    </span>
  )
}
