// Should this be granted, and what became of it? One grant by its own address, whole in itself.
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { meQuery } from '../api/queries.ts'
import { GrantCard } from '../grants/GrantCard.tsx'
import { grantQuery } from '../grants/queries.ts'
import { titleOf } from '../grants/words.ts'
import { grantRoute } from '../router.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { useTitle } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { paths } from '../util/paths.ts'

export function GrantPage() {
  const { id } = grantRoute.useParams()
  const navigate = useNavigate()
  const grant = useQuery(grantQuery(id))
  const me = useQuery(meQuery())
  // Whoever decides nothing finds what they asked for with the rest of their own.
  const decides = me.data?.roles.some((role) => role !== 'member') === true
  const up = decides
    ? ({ to: '/approvals', search: { view: grant.data?.state === 'pending' ? 'pending' : 'grants' } } as const)
    : ({ to: '/me' } as const)
  const title = grant.data === undefined ? 'Grant' : titleOf(grant.data)
  useTitle(title)
  useKeys('This request', [{ keys: 'u', label: 'Up to the list', run: () => void navigate(up) }])
  return (
    <div className="mx-auto max-w-5xl [--around:5.75rem]">
      <div className="mb-2 flex min-h-8 items-center gap-2 max-md:-mt-2">
        <Link
          {...up}
          className="-ml-2 inline-flex min-h-8 items-center gap-1.5 rounded-lg px-2 whitespace-nowrap text-ink-2 hover:bg-surface-2 hover:text-ink"
        >
          <ArrowLeft aria-hidden size={16} />
          {decides ? 'Approvals' : 'My access'}
        </Link>
        <h1 className="min-w-0 truncate font-semibold max-sm:sr-only">{title}</h1>
        <span className="ml-auto flex items-center">
          <CopyButton
            text={new URL(paths.grant(id), window.location.origin).href}
            what="the link to this grant"
            quiet
          />
          <AsOf query={grant} />
        </span>
      </div>
      {grant.data !== undefined ? (
        <GrantCard key={grant.data.id} grant={grant.data} />
      ) : grant.isPending ? (
        <Skeleton label="Loading the grant" rows={8} />
      ) : (
        <ErrorState error={grant.error} retry={() => void grant.refetch()} />
      )}
    </div>
  )
}
