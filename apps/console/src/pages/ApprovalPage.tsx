// Should this run? One request by its own address, whole in itself: the address is the only link that messages carry.
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { approvalQuery } from '../api/queries.ts'
import { DecisionCard } from '../approvals/DecisionCard.tsx'
import { titleOf } from '../approvals/words.ts'
import { approvalRoute } from '../router.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { useTitle } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { paths } from '../util/paths.ts'

export function ApprovalPage() {
  const { id } = approvalRoute.useParams()
  const navigate = useNavigate()
  const approval = useQuery(approvalQuery(id))
  useTitle(approval.data === undefined ? 'Approval' : titleOf(approval.data))
  const link = new URL(paths.approval(id), window.location.origin).href
  useKeys('This request', [{ keys: 'u', label: 'Up to the list', run: () => void navigate({ to: '/approvals' }) }])
  return (
    <div className="mx-auto max-w-5xl [--around:5.75rem]">
      <div className="mb-2 flex min-h-8 items-center gap-2 max-md:-mt-2">
        <Link
          to="/approvals"
          className="-ml-2 inline-flex min-h-8 items-center gap-1.5 rounded-lg px-2 text-ink-2 hover:bg-surface-2 hover:text-ink"
        >
          <ArrowLeft aria-hidden size={16} />
          Approvals
        </Link>
        <h1 className="min-w-0 truncate font-semibold max-sm:sr-only">
          {approval.data === undefined ? 'Approval' : titleOf(approval.data)}
        </h1>
        <span className="ml-auto flex items-center">
          <CopyButton text={link} what="the link to this request" quiet />
          <AsOf query={approval} />
        </span>
      </div>
      {approval.data !== undefined ? (
        <DecisionCard key={approval.data.id} approval={approval.data} />
      ) : approval.isPending ? (
        <Skeleton label="Loading the request" rows={8} />
      ) : (
        <ErrorState error={approval.error} retry={() => void approval.refetch()} />
      )}
    </div>
  )
}
