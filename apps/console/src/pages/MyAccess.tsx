// What may I use, and what have I asked for?
import { useQuery } from '@tanstack/react-query'
import { MyGrants } from '../access/MyGrants.tsx'
import { MyLogins } from '../access/MyLogins.tsx'
import { MyRequests } from '../access/MyRequests.tsx'
import { TargetCard } from '../access/TargetCard.tsx'
import { meQuery, myTargetsQuery } from '../api/queries.ts'
import { AsOf } from '../ui/Connection.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'

function Targets() {
  const targets = useQuery(myTargetsQuery())
  if (targets.isPending) return <Skeleton label="Loading your targets" rows={3} />
  if (targets.data === undefined) return <ErrorState error={targets.error} retry={() => void targets.refetch()} />
  const { items } = targets.data
  if (items.length === 0)
    return (
      <EmptyState title="No target is open to you">
        <p>
          A policy has to name one of your groups, or grant you something for a time: what you may ask for stands below.
          Your groups are listed above.
        </p>
      </EmptyState>
    )
  return (
    <ul className="grid gap-4 xl:grid-cols-2">
      {items.map((target) => (
        <TargetCard key={target.name} target={target} />
      ))}
    </ul>
  )
}

export function MyAccess() {
  const me = useQuery(meQuery())
  const targets = useQuery(myTargetsQuery())
  const groups = me.data?.groups ?? []
  return (
    <div className="mx-auto max-w-6xl">
      <PageHead
        title="My access"
        lead={
          me.data === undefined
            ? undefined
            : `${me.data.display}, ${groups.length === 0 ? 'in no group' : `in ${groups.join(', ')}`}.`
        }
      >
        <AsOf query={targets} />
      </PageHead>
      <section aria-labelledby="targets" className="mb-8">
        <h2 id="targets" className="mb-3 text-base font-semibold">
          Targets
        </h2>
        <Targets />
      </section>
      <MyGrants />
      <section aria-labelledby="requests">
        <h2 id="requests" className="mb-3 text-base font-semibold">
          My requests
        </h2>
        <MyRequests />
      </section>
      <section aria-labelledby="logins" className="mt-8">
        <h2 id="logins" className="mb-3 text-base font-semibold">
          Where you are signed in
        </h2>
        <MyLogins />
      </section>
    </div>
  )
}
