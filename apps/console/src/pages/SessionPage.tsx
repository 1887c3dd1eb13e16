// One session, replayed: what happened, in which order, and why it was allowed.
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { SearchX } from 'lucide-react'
import { RequestError } from '../api/errors.ts'
import { sessionQuery } from '../replay/queries.ts'
import { Replay } from '../replay/Replay.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { useTitle } from '../ui/Frame.tsx'
import { ErrorState, Panel, Skeleton } from '../ui/States.tsx'
import { paths } from '../util/paths.ts'

export function SessionPage() {
  const { id } = useParams({ from: '/shell/sessions/$id' })
  const session = useQuery(sessionQuery(id))
  if (session.data !== undefined) {
    const asOf = session.data.state === 'live' || session.isRefetchError ? <AsOf query={session} /> : null
    return <Replay key={id} session={session.data} asOf={asOf} />
  }
  if (session.isPending) return <Loading />
  if (session.error instanceof RequestError && session.error.status === 404) return <NotThere />
  return <ErrorState error={session.error} retry={() => void session.refetch()} />
}

function Loading() {
  useTitle('Session')
  return <Skeleton label="Loading the session" rows={8} />
}

function NotThere() {
  useTitle('No such session')
  return (
    <Panel
      icon={<SearchX size={22} />}
      title="There is no session with this id"
      action={
        <Link to={paths.sessions()} className="link">
          See all sessions
        </Link>
      }
    >
      <p>The link may be cut off, or the record is past its retention.</p>
    </Panel>
  )
}
