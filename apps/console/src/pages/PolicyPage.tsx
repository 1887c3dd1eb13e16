// One policy: read it, change it, look back. The draft outlives a look at the other tabs, and leaving it asks first.
import type { Resource } from '@sallyport/api/resources'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { RequestError } from '../api/errors.ts'
import { resourceQuery, versionsQuery } from '../api/queries.ts'
import { By } from '../forms/By.tsx'
import { policyOf } from '../forms/documents.ts'
import { LeaveQuestion } from '../forms/LeaveQuestion.tsx'
import { PolicyRead } from '../forms/PolicyRead.tsx'
import { documentYaml } from '../forms/tidy-document.ts'
import { policyRoute } from '../router.tsx'
import { Badge } from '../ui/Badge.tsx'
import { Card } from '../ui/Card.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { paths } from '../util/paths.ts'

const PastPolicy = lazy(() => import('../forms/PastPolicy.tsx').then((file) => ({ default: file.PastPolicy })))
const PolicyDraft = lazy(() => import('../forms/PolicyDraft.tsx').then((file) => ({ default: file.PolicyDraft })))
const PolicyVersions = lazy(() =>
  import('../forms/PolicyVersions.tsx').then((file) => ({ default: file.PolicyVersions })),
)
const NewPolicy = lazy(() => import('../forms/NewPolicy.tsx').then((file) => ({ default: file.NewPolicy })))

export function PolicyPage() {
  const { name } = policyRoute.useParams()
  // The one name that is a verb here; the CLI reaches a policy that is called so.
  if (name === 'new')
    return (
      <Suspense fallback={<Skeleton label="Loading the editor" />}>
        <NewPolicy />
      </Suspense>
    )
  return <StoredPolicy key={name} name={name} />
}

const tabs = [
  { value: 'read', label: 'Read' },
  { value: 'edit', label: 'Edit' },
  { value: 'versions', label: 'Versions' },
] as const
type TabName = (typeof tabs)[number]['value']

/** A text that is being changed, and the version that it began from. */
interface Draft {
  readonly text: string
  readonly version: number
  /** The text as it was stored. */
  readonly stored: string
}

function StoredPolicy({ name }: { readonly name: string }) {
  const { version } = policyRoute.useSearch()
  const policy = useQuery(resourceQuery('policies', name))
  const isGone = policy.error instanceof RequestError && policy.error.status === 404
  return (
    <>
      <BackLink />
      {policy.data === undefined ? (
        isGone ? (
          <>
            <PageHead title={name} />
            <Suspense fallback={<Skeleton label="Loading" />}>
              <PastPolicy name={name} version={version} now={null} />
            </Suspense>
          </>
        ) : policy.isError ? (
          <>
            <PageHead title={name} />
            <ErrorState error={policy.error} retry={() => void policy.refetch()} />
          </>
        ) : (
          <Skeleton label={`Loading policy ${name}`} />
        )
      ) : (
        <Loaded resource={policy.data} asOf={<AsOf query={policy} />} />
      )}
    </>
  )
}

function BackLink() {
  return (
    <Link
      to={paths.policies()}
      className="mb-1 -ml-1 inline-flex min-h-7 items-center gap-1 rounded-md px-1 text-xs font-medium text-ink-3 hover:text-ink"
    >
      <ArrowLeft aria-hidden size={14} />
      Policies
    </Link>
  )
}

function Loaded({ resource, asOf }: { readonly resource: Resource; readonly asOf: React.ReactNode }) {
  const { tab } = policyRoute.useSearch()
  const navigate = policyRoute.useNavigate()
  const [draft, setDraft] = useDraft(resource)
  const isDirty = draft !== null && draft.text !== draft.stored
  const view = policyOf(resource.document)
  const show = (next: TabName) =>
    void navigate({ search: (was) => ({ ...was, tab: next, version: undefined, compare: undefined }) })
  useKeys('Policy', [
    { keys: 'e', label: 'Edit', run: () => show('edit') },
    { keys: 'r', label: 'Read', run: () => show('read') },
    { keys: 'v', label: 'Versions', run: () => show('versions') },
  ])
  return (
    <>
      <PageHead title={resource.name} lead={view?.metadata.description}>
        {isDirty ? <Badge tone="hold">not saved</Badge> : null}
        <span className="text-xs text-ink-3">
          version {resource.version}, <TimeAgo at={resource.updatedAt} /> by <By actor={resource.updatedBy} />
        </span>
        {asOf}
      </PageHead>
      <Tabs label="Policy" tabs={tabs} value={tab} onChange={show}>
        <div className="pt-4">
          <Suspense fallback={<Skeleton label="Loading" />}>
            <Panel resource={resource} tab={tab} draft={draft} onDraft={setDraft} />
          </Suspense>
        </div>
      </Tabs>
      <LeaveQuestion isDirty={isDirty} lead="Your changes to this policy are only on this page." />
    </>
  )
}

/** The draft, and a version from the address that is to be restored into it. */
function useDraft(resource: Resource): readonly [Draft | null, (draft: Draft | null) => void] {
  const { tab, version } = policyRoute.useSearch()
  const [draft, setDraft] = useState<Draft | null>(null)
  const isRestoring = tab === 'edit' && version !== undefined
  const versions = useQuery({ ...versionsQuery('policies', resource.name), enabled: isRestoring })
  if (draft !== null || tab !== 'edit') return [draft, setDraft]
  const stored = documentYaml(resource.document)
  const restored = isRestoring ? versions.data?.items.find((one) => one.version === version) : undefined
  if (isRestoring && versions.data === undefined && !versions.isError) return [null, setDraft]
  const text = restored === undefined ? stored : documentYaml(restored.document)
  return [{ text, stored, version: resource.version }, setDraft]
}

function Panel({
  resource,
  tab,
  draft,
  onDraft,
}: {
  readonly resource: Resource
  readonly tab: TabName
  readonly draft: Draft | null
  readonly onDraft: (draft: Draft | null) => void
}) {
  const queries = useQueryClient()
  const navigate = policyRoute.useNavigate()
  const { version } = policyRoute.useSearch()
  const view = policyOf(resource.document)
  switch (tab) {
    case 'read':
      // A link that names the version which decided shows that one, not what counts now.
      if (version !== undefined && version !== resource.version)
        return <PastPolicy name={resource.name} version={version} now={resource.version} />
      return view === null ? <Unreadable resource={resource} /> : <PolicyRead resource={resource} view={view} />
    case 'edit':
      if (draft === null) return <Skeleton label="Loading the version to restore" />
      return (
        <PolicyDraft
          current={resource}
          draft={draft}
          onChange={(text) => onDraft({ ...draft, text })}
          onRebase={(version, stored) => onDraft({ ...draft, version, stored })}
          onDiscard={() => onDraft(null)}
          onSaved={async () => {
            await queries.invalidateQueries({ queryKey: ['resources'] })
            onDraft(null)
            await navigate({ search: { tab: 'read' } })
          }}
        />
      )
    case 'versions':
      return <PolicyVersions resource={resource} />
  }
}

function Unreadable({ resource }: { readonly resource: Resource }) {
  return (
    <Card>
      <p className="mb-3">
        This console does not know the shape of this document, so it shows it as it is. It counts all the same.
      </p>
      <CodeBlock text={documentYaml(resource.document)} what="the document" label="YAML" />
    </Card>
  )
}
