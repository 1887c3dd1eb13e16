// A policy as it was: a link from a request or a recording names the version that decided, and that one is shown, under a
// notice. Also what is left of a policy that was deleted.
import type { ResourceVersion } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { History } from 'lucide-react'
import type { ReactNode } from 'react'
import { versionsQuery } from '../api/queries.ts'
import { CodeBlock } from '../ui/Code.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { paths } from '../util/paths.ts'
import { By } from './By.tsx'
import { policyOf } from './documents.ts'
import { PolicyWords } from './PolicyRead.tsx'
import { documentYaml } from './tidy-document.ts'

/** `now`: the version that counts; null when the policy is deleted. `version` undefined: the last one. */
export function PastPolicy({
  name,
  version,
  now,
}: {
  readonly name: string
  readonly version: number | undefined
  readonly now: number | null
}) {
  const versions = useQuery(versionsQuery('policies', name))
  if (versions.data === undefined)
    return versions.isError ? (
      <ErrorState error={versions.error} retry={() => void versions.refetch()} />
    ) : (
      <Skeleton label={`Loading policy ${name} as it was`} />
    )
  const { items } = versions.data
  const shown = version === undefined ? items[0] : items.find((one) => one.version === version)
  if (shown === undefined) return <NotListed name={name} version={version} now={now} />
  const [last] = items
  return (
    <div className="space-y-4">
      {now === null ? (
        <Notice title="This policy was deleted; it decides nothing any more.">
          {last === undefined ? null : <Given version={last} />} Below is{' '}
          {shown.deleted ? 'its last text' : `version ${shown.version}, as it was then`}.
        </Notice>
      ) : (
        <Notice title={`This is version ${shown.version}, as it was then. Version ${now} counts now.`}>
          <Given version={shown} />{' '}
          <Link to={paths.policy(name)} className="underline underline-offset-2">
            Show version {now}
          </Link>
          {' · '}
          <Link
            to={paths.policy(name)}
            search={{ tab: 'versions', version: now, compare: shown.version }}
            className="underline underline-offset-2"
          >
            What changed since
          </Link>
        </Notice>
      )}
      <Text version={shown} />
    </div>
  )
}

function NotListed({
  name,
  version,
  now,
}: {
  readonly name: string
  readonly version: number | undefined
  readonly now: number | null
}) {
  const action =
    now === null ? undefined : (
      <Link to={paths.policy(name)} className="link">
        Show version {now}, which counts now
      </Link>
    )
  return (
    <EmptyState title={`Version ${version} is not among the newest`} action={action}>
      <p>The control plane keeps every version; its API lists the older ones.</p>
    </EmptyState>
  )
}

function Notice({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div role="status" className="flex items-start gap-2.5 rounded-xl border border-hold/50 bg-hold-soft p-4 text-hold">
      <History aria-hidden size={18} className="mt-0.5 shrink-0" />
      <div className="min-w-0">
        <p className="font-semibold">{title}</p>
        <p className="mt-0.5">{children}</p>
      </div>
    </div>
  )
}

function Given({ version }: { readonly version: ResourceVersion }) {
  return (
    <>
      {version.deleted ? 'Deleted' : 'Saved'} <TimeAgo at={version.at} /> by <By actor={version.by} />.
    </>
  )
}

function Text({ version }: { readonly version: ResourceVersion }) {
  const view = policyOf(version.document)
  const yaml = documentYaml(version.document)
  return (
    <>
      {view === null ? null : <PolicyWords view={view} />}
      <CodeBlock text={yaml} what={`version ${version.version}`} label={`Version ${version.version}, whole`} />
    </>
  )
}
