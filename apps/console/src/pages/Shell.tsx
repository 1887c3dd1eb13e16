// Around every signed-in page: who is signed in (else the sign-in page), what waits, and the live stream.
import { LogoutResponse } from '@sallyport/api/signin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { change } from '../api/client.ts'
import { RequestError } from '../api/errors.ts'
import { meQuery, overviewQuery } from '../api/queries.ts'
import { LiveProvider } from '../ui/Connection.tsx'
import { Frame } from '../ui/Frame.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { useToast } from '../ui/Toast.tsx'
import { announce } from '../util/announce.ts'
import { plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { waitingForMe } from '../util/waiting.ts'

/** How many requests wait for the signed-in person; a rise is announced. */
function useWaiting(): number {
  const overview = useQuery(overviewQuery())
  const waiting = waitingForMe(overview.data)
  const before = useRef<number | null>(null)
  useEffect(() => {
    if (overview.data === undefined) return
    if (before.current !== null && waiting > before.current)
      announce(`${plural(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'} for you`)
    before.current = waiting
  }, [overview.data, waiting])
  return waiting
}

export function Shell() {
  const me = useQuery(meQuery())
  // Null while the way to the sign-in page is under way: its own address is no place to return to.
  const here = useRouterState({
    select: ({ location }) => (location.pathname === '/sign-in' ? null : location.href),
  })
  const isSignedOut = me.error instanceof RequestError && me.error.status === 401
  if (me.isPending || (isSignedOut && here === null))
    return (
      <div className="p-8">
        <Skeleton label="Loading who you are" />
      </div>
    )
  // A failed renewal keeps the page; only a login that has ended leaves it.
  if (isSignedOut && here !== null) return <Navigate to="/sign-in" search={{ return: here }} replace />
  if (me.data === undefined) return <ErrorState error={me.error} retry={() => void me.refetch()} />
  return (
    <LiveProvider>
      <SignedIn me={me.data} />
    </LiveProvider>
  )
}

function SignedIn({ me }: { readonly me: Parameters<typeof Frame>[0]['me'] }) {
  const queries = useQueryClient()
  const say = useToast()
  const waiting = useWaiting()
  const signOut = async () => {
    let next = paths.signIn('/')
    try {
      const { endSession } = await change('POST', '/api/v1/auth/logout', undefined, LogoutResponse)
      // The provider's own page: it ends the session there, and comes back to ours.
      if (endSession !== null) next = endSession
    } catch (error) {
      // Somebody who is already signed out wants nothing else.
      if (!(error instanceof RequestError && error.status === 401)) {
        say('failed', 'You are still signed in: the control plane did not answer')
        return
      }
    }
    queries.clear()
    window.location.assign(next)
  }
  return (
    <Frame me={me} waiting={waiting} onSignOut={() => void signOut()}>
      <Outlet />
    </Frame>
  )
}
