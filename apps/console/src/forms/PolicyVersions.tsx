// Every version of a policy: what it changed, and the way back. Which two are compared stands in the address.
import type { Resource, ResourceVersion } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { History } from 'lucide-react'
import { versionsQuery } from '../api/queries.ts'
import { policyRoute } from '../router.tsx'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Card } from '../ui/Card.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { ChoiceField } from '../ui/Filters.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { By } from './By.tsx'
import { DiffTable } from './DiffTable.tsx'
import { useReadOnly } from './queries.ts'
import { documentYaml } from './tidy-document.ts'

export function PolicyVersions({ resource }: { readonly resource: Resource }) {
  const versions = useQuery(versionsQuery('policies', resource.name))
  if (versions.data === undefined)
    return versions.isError ? (
      <ErrorState error={versions.error} retry={() => void versions.refetch()} />
    ) : (
      <Skeleton label="Loading versions" />
    )
  return <Versions resource={resource} items={versions.data.items} hasOlder={versions.data.next !== null} />
}

interface VersionsProps {
  readonly resource: Resource
  readonly items: readonly ResourceVersion[]
  readonly hasOlder: boolean
}

function Versions({ resource, items, hasOlder }: VersionsProps) {
  const { version, compare } = policyRoute.useSearch()
  const navigate = policyRoute.useNavigate()
  const shown = items.find((one) => one.version === (version ?? items[0]?.version))
  const at = shown === undefined ? -1 : items.indexOf(shown)
  const before = compare === undefined ? items[at + 1] : items.find((one) => one.version === compare)
  const show = (next: number) => void navigate({ search: (was) => ({ ...was, version: next, compare: undefined }) })
  const move = (step: number) => {
    const next = items[at + step]
    if (next !== undefined) show(next.version)
  }
  useKeys('Versions', [
    { keys: 'j', label: 'Older version', run: () => move(1) },
    { keys: 'k', label: 'Newer version', run: () => move(-1) },
  ])
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[17rem_minmax(0,1fr)]">
      <nav aria-label="Versions">
        <ol className="max-h-[70dvh] divide-y divide-line overflow-y-auto rounded-xl border border-line bg-surface shadow-card max-lg:max-h-56">
          {items.map((one) => (
            <li key={one.version}>
              <VersionRow version={one} current={resource.version} isShown={one === shown} onShow={show} />
            </li>
          ))}
        </ol>
        {hasOlder ? <p className="mt-2 text-xs text-ink-3">Older ones are kept; the API lists them.</p> : null}
      </nav>
      {shown === undefined ? (
        <EmptyState title="There is no such version">
          <p>Choose one from the list.</p>
        </EmptyState>
      ) : (
        <ShownVersion resource={resource} shown={shown} before={before ?? null} items={items} />
      )}
    </div>
  )
}

function VersionRow({
  version,
  current,
  isShown,
  onShow,
}: {
  readonly version: ResourceVersion
  readonly current: number
  readonly isShown: boolean
  readonly onShow: (version: number) => void
}) {
  return (
    <button
      type="button"
      aria-current={isShown ? 'true' : undefined}
      onClick={() => onShow(version.version)}
      className={`flex min-h-12 w-full flex-col justify-center px-4 py-2 text-left hover:bg-surface-2 focus-visible:outline-offset-[-2px] ${isShown ? 'bg-accent-soft' : ''}`}
    >
      <span className="flex items-center gap-2 font-medium">
        Version {version.version}
        {version.version === current ? <Badge tone="accent">now</Badge> : null}
        {version.deleted ? <Badge tone="deny">deleted</Badge> : null}
      </span>
      <span className="text-xs text-ink-3">
        <TimeAgo at={version.at} /> by <By actor={version.by} />
      </span>
    </button>
  )
}

interface ShownVersionProps {
  readonly resource: Resource
  readonly shown: ResourceVersion
  /** What it is compared with; null for the first. */
  readonly before: ResourceVersion | null
  readonly items: readonly ResourceVersion[]
}

function ShownVersion({ resource, shown, before, items }: ShownVersionProps) {
  const readOnly = useReadOnly()
  const navigate = policyRoute.useNavigate()
  const text = documentYaml(shown.document)
  const why = shown.version === resource.version ? 'It is the one that counts' : readOnly
  const others = items.filter((one) => one !== shown)
  return (
    <div className="min-w-0 space-y-4">
      <Card
        title={`Version ${shown.version}`}
        lead={shown.deleted ? 'The deletion; the text is the last one before it.' : undefined}
        actions={
          <Button
            icon={<History aria-hidden size={16} />}
            {...(why === undefined ? {} : { why })}
            onClick={() => void navigate({ search: { tab: 'edit', version: shown.version } })}
          >
            Restore
          </Button>
        }
      >
        {others.length === 0 ? null : (
          <div className="mb-3 flex flex-wrap items-center gap-2 text-ink-2">
            Compared with
            <ChoiceField
              label="Compare with"
              value={String(before?.version ?? '')}
              choices={[
                ...(before === null ? [{ value: '', label: 'nothing' }] : []),
                ...others.map((one) => ({ value: String(one.version), label: `version ${one.version}` })),
              ]}
              onChange={(value) =>
                void navigate({
                  search: (was) => ({
                    ...was,
                    version: shown.version,
                    compare: value === '' ? undefined : Number(value),
                  }),
                })
              }
            />
          </div>
        )}
        {before === null ? (
          <p className="text-ink-2">The first version; there is nothing to compare it with.</p>
        ) : (
          <DiffTable
            label={`Version ${before.version} to ${shown.version}`}
            before={documentYaml(before.document)}
            after={text}
          />
        )}
      </Card>
      <CodeBlock text={text} what={`version ${shown.version}`} label={`Version ${shown.version}, whole`} />
    </div>
  )
}
