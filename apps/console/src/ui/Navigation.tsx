// The three ways to move: the rail on a wide screen; on a phone a bar with the four most used places and a sheet with all.
import type { Me } from '@sallyport/api/signin'
import { Link, useRouterState } from '@tanstack/react-router'
import { Keyboard, LogOut, Menu, Moon, Sun } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { paths } from '../util/paths.ts'
import { currentTheme, setTheme } from '../util/theme.ts'
import { ConnectionPill } from './Connection.tsx'
import { Dialog } from './Dialog.tsx'
import type { Place } from './places.tsx'

interface NavigationProps {
  readonly me: Me
  readonly places: readonly Place[]
  readonly waiting: number
  readonly onSignOut: () => void
  readonly onHelp: () => void
}

const placesInBar = 4

function Brand() {
  return (
    <Link to={paths.overview()} className="flex items-center gap-2.5 rounded-lg font-semibold tracking-tight">
      <img src="/icon.svg" alt="" width={24} height={24} />
      Sallyport
    </Link>
  )
}

function IconButton({
  label,
  onClick,
  children,
}: {
  readonly label: string
  readonly onClick: () => void
  readonly children: ReactNode
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      className="inline-flex size-8 items-center justify-center rounded-lg text-ink-3 hover:bg-surface-2 hover:text-ink"
    >
      {children}
    </button>
  )
}

function ThemeSwitch() {
  const [theme, show] = useState(currentTheme)
  const next = theme === 'dark' ? 'light' : 'dark'
  return (
    <IconButton
      label={`Use the ${next} theme`}
      onClick={() => {
        setTheme(next)
        show(next)
      }}
    >
      {theme === 'dark' ? <Sun aria-hidden size={17} /> : <Moon aria-hidden size={17} />}
    </IconButton>
  )
}

function Waiting({ count }: { readonly count: number }) {
  if (count === 0) return null
  return (
    <span className="rounded-full bg-hold px-1.5 text-xs font-semibold text-surface tabular-nums">
      {count}
      <span className="sr-only"> waiting for you</span>
    </span>
  )
}

function RailLink({ place, waiting }: { readonly place: Place; readonly waiting: number }) {
  return (
    <Link
      to={place.to}
      activeOptions={{ exact: place.to === '/', includeSearch: false }}
      className="flex min-h-9 items-center gap-2.5 rounded-lg px-2.5 text-ink-2 hover:bg-surface-2 hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-accent"
    >
      {place.icon}
      <span className="grow whitespace-nowrap">{place.label}</span>
      {place.to === paths.approvals() ? <Waiting count={waiting} /> : null}
    </Link>
  )
}

const groups: readonly (readonly [Place['group'], string | null])[] = [
  ['work', null],
  ['rules', 'Configure'],
  ['proof', 'Prove'],
  ['me', 'You'],
]

function PlaceGroups({ places, waiting }: { readonly places: readonly Place[]; readonly waiting: number }) {
  return groups.map(([group, heading]) => {
    const members = places.filter((place) => place.group === group)
    if (members.length === 0) return null
    return (
      <div key={group} className="mb-4">
        {heading === null ? null : <p className="mb-1 px-2.5 text-xs font-medium text-ink-3">{heading}</p>}
        <div className="flex flex-col gap-0.5">
          {members.map((place) => (
            <RailLink key={place.to} place={place} waiting={waiting} />
          ))}
        </div>
      </div>
    )
  })
}

function Account({ me, onSignOut, onHelp }: Pick<NavigationProps, 'me' | 'onSignOut' | 'onHelp'>) {
  return (
    <div>
      <p className="truncate font-medium" title={me.display}>
        {me.display}
      </p>
      <p className="truncate text-xs text-ink-3">{me.roles.join(', ')}</p>
      <div className="mt-2 -ml-2 flex items-center gap-0.5">
        <ThemeSwitch />
        <IconButton label="Keyboard shortcuts" onClick={onHelp}>
          <Keyboard aria-hidden size={17} />
        </IconButton>
        <IconButton label="Sign out" onClick={onSignOut}>
          <LogOut aria-hidden size={17} />
        </IconButton>
      </div>
    </div>
  )
}

export function Rail({ me, places, waiting, onSignOut, onHelp }: NavigationProps) {
  return (
    <header className="sticky top-0 hidden h-dvh flex-col overflow-y-auto border-r border-line bg-surface px-3 py-4 md:flex">
      <div className="mb-5 px-2.5">
        <Brand />
      </div>
      <nav aria-label="Main">
        <PlaceGroups places={places} waiting={waiting} />
      </nav>
      <div className="mt-auto border-t border-line px-2.5 pt-3">
        <div className="mb-2 -ml-2.5">
          <ConnectionPill />
        </div>
        <Account me={me} onSignOut={onSignOut} onHelp={onHelp} />
      </div>
    </header>
  )
}

export function TopBar(_: NavigationProps) {
  return (
    <header className="sticky top-0 z-20 flex h-12 items-center justify-between border-b border-line bg-surface px-4 md:hidden">
      <Brand />
      <span className="flex items-center gap-1">
        <ConnectionPill />
        <ThemeSwitch />
      </span>
    </header>
  )
}

/** Gone on a single approval or grant, where the decision bar takes its place. */
export function BottomBar({ me, places, waiting, onSignOut, onHelp }: NavigationProps) {
  const pathname = useRouterState({ select: (state) => state.location.pathname })
  const [all, setAll] = useState(false)
  if (pathname.startsWith(`${paths.approvals()}/`) || pathname.startsWith(paths.grant(''))) return null
  const shape =
    'relative flex min-w-0 flex-1 flex-col items-center gap-0.5 px-1 py-2 text-xs text-ink-2 aria-[current=page]:font-medium aria-[current=page]:text-accent'
  return (
    <nav
      aria-label="Main, small screen"
      className="fixed inset-x-0 bottom-0 z-20 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {places.slice(0, placesInBar).map((place) => (
        <Link
          key={place.to}
          to={place.to}
          activeOptions={{ exact: place.to === '/', includeSearch: false }}
          className={shape}
        >
          {place.icon}
          <span className="max-w-full truncate">{place.label}</span>
          {place.to === paths.approvals() ? (
            <span className="absolute top-1 left-1/2 ml-1.5">
              <Waiting count={waiting} />
            </span>
          ) : null}
        </Link>
      ))}
      <button type="button" className={shape} onClick={() => setAll(true)}>
        <Menu aria-hidden size={17} />
        More
      </button>
      <Dialog open={all} onClose={() => setAll(false)} title="Go to">
        {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: any link inside closes the sheet */}
        <div onClick={() => setAll(false)}>
          <PlaceGroups places={places} waiting={waiting} />
        </div>
        <div className="border-t border-line pt-4">
          <Account me={me} onSignOut={onSignOut} onHelp={onHelp} />
        </div>
      </Dialog>
    </nav>
  )
}
