// Sign in: one button for each identity provider. What went wrong last time is explained, and one comes back to where one
// wanted to go. Passwords are never typed here.
import { useQuery } from '@tanstack/react-query'
import { Navigate } from '@tanstack/react-router'
import { ArrowRight, Moon, Sun, TriangleAlert } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { authConfigQuery, meQuery } from '../api/queries.ts'
import { signInRoute } from '../router.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { localPath } from '../util/local-path.ts'
import { currentTheme, setTheme } from '../util/theme.ts'
import { setPageTitle, setWaitingCount } from '../util/title.ts'

/** By error code: what happened, and what to do. */
const explained: Readonly<Record<string, readonly [string, string]>> = {
  LOGIN_FAILED: [
    'The sign-in did not succeed',
    'The identity provider refused it, or the attempt took too long. Try once more from here.',
  ],
  LOGIN_REQUIRED: ['Your session has ended', 'Sign in again; you come back to the same page.'],
  TOKEN_EXPIRED: ['Your session has ended', 'Sign in again; you come back to the same page.'],
  TOO_MANY_REQUESTS: ['Too many attempts', 'Wait a minute, then try again.'],
  ROLE_MISSING: ['This account has no role here', 'An administrator maps your groups to a role.'],
}
const unknownError = [
  'The sign-in did not succeed',
  'Try once more from here. If it stays, an administrator finds the reason in the control plane’s log.',
] as const

function Notice({ code }: { readonly code: string }) {
  const [title, next] = explained[code] ?? unknownError
  return (
    <div role="alert" className="mb-5 flex gap-2.5 rounded-lg bg-deny-soft px-3.5 py-3 text-deny">
      <TriangleAlert aria-hidden size={18} className="mt-0.5 shrink-0" />
      <div>
        <p className="font-semibold">{title}</p>
        <p className="text-[13px]">{next}</p>
      </div>
    </div>
  )
}

function Providers({ returnTo }: { readonly returnTo: string }) {
  const config = useQuery(authConfigQuery())
  if (config.isPending) return <Skeleton label="Loading the ways to sign in" rows={1} />
  if (config.data === undefined) return <ErrorState error={config.error} retry={() => void config.refetch()} />
  const { providers } = config.data
  if (providers.length === 0)
    return (
      <p className="text-ink-2">
        No identity provider is configured. An operator adds one to the control plane’s settings.
      </p>
    )
  return (
    <ul className="space-y-2">
      {providers.map((provider, index) => (
        <li key={provider.name}>
          <a
            href={`/auth/login?${new URLSearchParams({ provider: provider.name, returnTo })}`}
            className={`flex min-h-11 items-center justify-between gap-3 rounded-lg border px-4 text-[15px] font-medium ${index === 0 ? 'border-transparent bg-accent text-accent-ink hover:brightness-110' : 'border-line bg-surface hover:border-line-strong'}`}
          >
            <span>Continue with {provider.display}</span>
            <ArrowRight aria-hidden size={17} />
          </a>
        </li>
      ))}
    </ul>
  )
}

function Page({ children }: { readonly children: ReactNode }) {
  const [theme, show] = useState(currentTheme)
  const next = theme === 'dark' ? 'light' : 'dark'
  return (
    <div className="flex min-h-dvh flex-col">
      <button
        type="button"
        aria-label={`Use the ${next} theme`}
        onClick={() => {
          setTheme(next)
          show(next)
        }}
        className="m-3 self-end rounded-lg p-2 text-ink-3 hover:bg-surface-2 hover:text-ink"
      >
        {theme === 'dark' ? <Sun aria-hidden size={18} /> : <Moon aria-hidden size={18} />}
      </button>
      <main className="mx-auto mt-[8vh] w-full max-w-[25rem] px-4 pb-16">{children}</main>
    </div>
  )
}

export function SignIn() {
  const search = signInRoute.useSearch()
  const returnTo = localPath(search.return)
  const config = useQuery(authConfigQuery())
  const me = useQuery({ ...meQuery(), enabled: search.error === undefined })
  useEffect(() => {
    setWaitingCount(0)
    setPageTitle('Sign in')
  }, [])
  // Somebody who is signed in already has nothing to do here.
  if (me.data !== undefined && me.error === null) return <Navigate to={returnTo} replace />
  return (
    <Page>
      <div className="mb-6 text-center">
        <img src="/icon.svg" alt="" width={52} height={52} className="mx-auto mb-4" />
        <h1 className="text-2xl font-semibold tracking-tight">Sign in to Sallyport</h1>
        <p className="mt-1 min-h-5 text-ink-2">{config.data?.installation ?? ''}</p>
      </div>
      <div className="rounded-2xl border border-line bg-surface p-6 shadow-card">
        {search.error === undefined ? null : <Notice code={search.error} />}
        <Providers returnTo={returnTo} />
      </div>
      <p className="mt-5 text-center text-xs text-ink-3">
        Your identity provider checks who you are; Sallyport never sees your password. What you decide here is recorded
        under your name.
      </p>
    </Page>
  )
}
