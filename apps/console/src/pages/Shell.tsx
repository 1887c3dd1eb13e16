// Around every signed-in page: who is signed in (else the sign-in page), what waits, and the live stream.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, Outlet, useRouterState } from '@tanstack/react-router'
import { z } from 'zod'
import { change } from '../api/client.ts'
import { RequestError } from '../api/errors.ts'
import { meQuery } from '../api/queries.ts'
import { Frame } from '../ui/Frame.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { paths } from '../util/paths.ts'

export function Shell() {
  const me = useQuery(meQuery())
  const queries = useQueryClient()
  const here = useRouterState({ select: (state) => state.location.href })
  if (me.isPending) return <Skeleton label="Loading who you are" />
  if (me.isError) {
    if (me.error instanceof RequestError && me.error.status === 401)
      return <Navigate to="/sign-in" search={{ return: here }} replace />
    return <ErrorState error={me.error} retry={() => void me.refetch()} />
  }
  const signOut = async () => {
    await change('POST', '/api/v1/auth/logout', undefined, z.unknown())
    queries.clear()
    window.location.assign(paths.signIn('/'))
  }
  return (
    <Frame me={me.data} waiting={0} onSignOut={() => void signOut()}>
      <Outlet />
    </Frame>
  )
}
