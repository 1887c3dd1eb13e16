// The frame around every signed-in page: skip link, left rail with words (bottom bar on a phone), account, theme.
import type { Me } from '@sallyport/api/signin'
import { Link, useRouterState } from '@tanstack/react-router'
import {
  Bot,
  ClipboardList,
  Database,
  KeyRound,
  LayoutDashboard,
  LogOut,
  Moon,
  ScrollText,
  ShieldCheck,
  Sun,
  UserRound,
  Webhook,
} from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { paths } from '../util/paths.ts'
import { currentTheme, setTheme } from '../util/theme.ts'

interface Place {
  readonly to: string
  readonly label: string
  readonly icon: ReactNode
}
const places: readonly Place[] = [
  { to: paths.overview(), label: 'Overview', icon: <LayoutDashboard aria-hidden size={18} /> },
  { to: paths.approvals(), label: 'Approvals', icon: <ShieldCheck aria-hidden size={18} /> },
  { to: paths.sessions(), label: 'Sessions', icon: <ScrollText aria-hidden size={18} /> },
  { to: paths.targets(), label: 'Targets', icon: <Database aria-hidden size={18} /> },
  { to: paths.policies(), label: 'Policies', icon: <KeyRound aria-hidden size={18} /> },
  { to: paths.agents(), label: 'Agents', icon: <Bot aria-hidden size={18} /> },
  { to: paths.integrations(), label: 'Integrations', icon: <Webhook aria-hidden size={18} /> },
  { to: paths.audit(), label: 'Audit', icon: <ClipboardList aria-hidden size={18} /> },
  { to: paths.me(), label: 'My access', icon: <UserRound aria-hidden size={18} /> },
]

function ThemeSwitch() {
  const [theme, show] = useState(currentTheme)
  const next = theme === 'dark' ? 'light' : 'dark'
  return (
    <button
      type="button"
      onClick={() => {
        setTheme(next)
        show(next)
      }}
      className="flex items-center gap-2 rounded-lg px-2 py-1.5 text-ink-2 hover:bg-surface-2 hover:text-ink"
      aria-label={`Use the ${next} theme`}
    >
      {theme === 'dark' ? <Sun aria-hidden size={17} /> : <Moon aria-hidden size={17} />}
    </button>
  )
}

/** Says the page's name when the route changes, for those who do not see it change, and moves focus to the content. */
function useRouteAnnouncer(main: React.RefObject<HTMLElement | null>) {
  const pathname = useRouterState({ select: (state) => state.location.pathname })
  const first = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the pathname is what triggers it
  useEffect(() => {
    if (first.current) first.current = false
    else main.current?.focus({ preventScroll: true })
  }, [pathname, main])
}

export function Frame({
  me,
  waiting,
  onSignOut,
  children,
}: {
  readonly me: Me
  readonly waiting: number
  readonly onSignOut: () => void
  readonly children: ReactNode
}) {
  const main = useRef<HTMLElement>(null)
  useRouteAnnouncer(main)
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13.5rem_1fr]">
      <a
        href="#content"
        className="absolute -top-16 left-3 z-50 rounded-lg bg-accent px-4 py-2 text-accent-ink focus:top-3"
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-20 flex items-center gap-3 border-b border-line bg-surface px-4 py-2 md:h-dvh md:flex-col md:items-stretch md:gap-1 md:border-r md:border-b-0 md:px-3 md:py-4">
        <Link
          to={paths.overview()}
          className="flex items-center gap-2 rounded-lg px-1 text-base font-semibold md:mb-4 md:px-2"
        >
          <img src="/icon.svg" alt="" width={26} height={26} />
          Sallyport
        </Link>
        <nav aria-label="Main" className="hidden flex-col gap-0.5 md:flex">
          <NavLinks waiting={waiting} />
        </nav>
        <Account me={me} onSignOut={onSignOut} />
      </header>
      <main
        id="content"
        ref={main}
        tabIndex={-1}
        className="min-w-0 px-4 py-5 pb-24 outline-none md:px-8 md:py-7 md:pb-10"
      >
        {children}
      </main>
      <nav
        aria-label="Main, small screen"
        className="fixed inset-x-0 bottom-0 z-20 flex overflow-x-auto border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
      >
        <NavLinks waiting={waiting} small />
      </nav>
    </div>
  )
}

function Account({ me, onSignOut }: { readonly me: Me; readonly onSignOut: () => void }) {
  return (
    <div className="ml-auto flex items-center gap-1 md:mt-auto md:ml-0 md:border-t md:border-line md:pt-3">
      <span className="hidden min-w-0 grow flex-col px-2 md:flex">
        <span className="truncate font-medium" title={me.display}>
          {me.display}
        </span>
        <span className="truncate text-xs text-ink-3">{me.roles.join(', ')}</span>
      </span>
      <ThemeSwitch />
      <button
        type="button"
        aria-label="Sign out"
        onClick={onSignOut}
        className="rounded-lg px-2 py-1.5 text-ink-2 hover:bg-surface-2 hover:text-ink"
      >
        <LogOut aria-hidden size={17} />
      </button>
    </div>
  )
}

function NavLinks({ waiting, small = false }: { readonly waiting: number; readonly small?: boolean }) {
  const shape = small ? 'min-w-20 flex-col gap-0.5 px-2 py-2 text-xs' : 'gap-2.5 rounded-lg px-2 py-2'
  return places.map((place) => (
    <Link
      key={place.to}
      to={place.to}
      activeOptions={{ exact: place.to === '/' }}
      className={`flex items-center text-ink-2 hover:bg-surface-2 hover:text-ink ${shape}`}
      activeProps={{ className: 'bg-accent-soft! text-accent! font-medium', 'aria-current': 'page' }}
    >
      {place.icon}
      <span className="whitespace-nowrap">{place.label}</span>
      {place.label === 'Approvals' && waiting > 0 ? (
        <span className="ml-auto rounded-full bg-hold px-1.5 text-xs font-semibold text-surface">
          {waiting}
          <span className="sr-only"> waiting</span>
        </span>
      ) : null}
    </Link>
  ))
}

/** The head of a page: its name, what it answers, what can be done. */
export function PageHead({
  title,
  lead,
  children,
}: {
  readonly title: string
  readonly lead?: ReactNode
  readonly children?: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Sallyport`
  }, [title])
  return (
    <div className="mb-5 flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {lead === undefined ? null : <p className="mt-0.5 text-ink-2">{lead}</p>}
      </div>
      {children === undefined ? null : <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  )
}
