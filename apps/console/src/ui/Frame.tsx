// The frame around every signed-in page: skip link, left rail with words (bottom bar on a phone), account, theme, keys,
// and the live regions that say what changed.
import type { Me } from '@sallyport/api/signin'
import { useNavigate, useRouterState } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { announce, announcements } from '../util/announce.ts'
import { setPageTitle, setWaitingCount } from '../util/title.ts'
import { StaleBanner } from './Connection.tsx'
import { KeyHelp, useKeyListener, useKeys } from './Keys.tsx'
import { BottomBar, Rail, TopBar } from './Navigation.tsx'
import { placesOf } from './places.tsx'
import { useKeptFocus } from './useKeptFocus.ts'

/** Moves the focus to the content when the route changes; the title says its own name (PageHead). */
function useFocusOnRoute(main: React.RefObject<HTMLElement | null>) {
  const pathname = useRouterState({ select: (state) => state.location.pathname })
  const last = useRef(pathname)
  useEffect(() => {
    if (last.current === pathname) return
    last.current = pathname
    main.current?.focus({ preventScroll: true })
  }, [pathname, main])
}

/** Words of announce(). The text goes away first, so that the same words are read twice. */
function LiveRegions() {
  const said = useSyncExternalStore(announcements.subscribe, announcements.get)
  return (
    <>
      <p aria-live="polite" className="sr-only">
        {said.urgent ? '' : <span key={said.id}>{said.text}</span>}
      </p>
      <p aria-live="assertive" className="sr-only">
        {said.urgent ? <span key={said.id}>{said.text}</span> : ''}
      </p>
    </>
  )
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
  const [help, setHelp] = useState(false)
  const navigate = useNavigate()
  const places = placesOf(me.roles)
  useFocusOnRoute(main)
  useKeptFocus()
  useKeyListener()
  useKeys('Everywhere', [
    ...places.map((place) => ({
      keys: `g ${place.key}`,
      label: place.label,
      run: () => void navigate({ to: place.to }),
    })),
    { keys: '?', label: 'This list', run: () => setHelp(true) },
  ])
  useEffect(() => setWaitingCount(waiting), [waiting])
  const navigation = { me, places, waiting, onSignOut, onHelp: () => setHelp(true) }
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="absolute -top-16 left-3 z-50 rounded-lg bg-accent px-4 py-2 text-accent-ink focus:top-3"
      >
        Skip to content
      </a>
      <TopBar {...navigation} />
      <Rail {...navigation} />
      <main id="content" ref={main} tabIndex={-1} className="min-w-0 px-4 pt-4 pb-24 outline-none md:px-8 md:py-6">
        <StaleBanner />
        {children}
      </main>
      <BottomBar {...navigation} />
      <KeyHelp open={help} onClose={() => setHelp(false)} />
      <LiveRegions />
    </div>
  )
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
  useTitle(title)
  return (
    <div className="mb-5 flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
      <div className="min-w-0 flex-1 basis-52">
        <h1 className="text-[22px] leading-7 font-semibold tracking-tight">{title}</h1>
        {lead === undefined ? null : <div className="mt-0.5 max-w-prose text-ink-2">{lead}</div>}
      </div>
      {children === undefined ? null : <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  )
}

/** For a page with a head of its own: names the tab and says the name to those who do not see it. */
export function useTitle(title: string): void {
  useEffect(() => {
    setPageTitle(title)
    announce(title)
  }, [title])
}
