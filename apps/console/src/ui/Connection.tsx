// How fresh the page is: the pill of the live stream, and the "as of" of a list or a card.
import { useQueryClient } from '@tanstack/react-query'
import { CloudOff, LoaderCircle, RefreshCw } from 'lucide-react'
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { type Connection, type Live, openEventSource, startLive } from '../api/live.ts'
import { clockTime } from '../util/format.ts'
import { createStore } from '../util/store.ts'
import { useNow } from './useNow.ts'

const nothing: Pick<Live, 'connection' | 'retry'> = {
  connection: createStore<Connection>('connecting'),
  retry: () => {},
}
const Context = createContext(nothing)

/** Opens the live stream for everything inside. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const queries = useQueryClient()
  const [live, setLive] = useState(nothing)
  useEffect(() => {
    const started = startLive({
      open: openEventSource('/api/v1/live'),
      after: (ms, run) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
      random: Math.random,
      nowMs: Date.now,
      ask: (keys) => {
        for (const queryKey of keys) void queries.invalidateQueries({ queryKey })
      },
      askAll: () => void queries.invalidateQueries(),
    })
    setLive(started)
    window.addEventListener('online', started.retry)
    return () => {
      window.removeEventListener('online', started.retry)
      started.stop()
    }
  }, [queries])
  return <Context.Provider value={live}>{children}</Context.Provider>
}

export function useConnection(): Connection {
  const { connection } = useContext(Context)
  return useSyncExternalStore(connection.subscribe, connection.get)
}

const pills: Readonly<Record<Connection, { readonly word: string; readonly tone: string; readonly icon: ReactNode }>> =
  {
    connecting: {
      word: 'Connecting',
      tone: 'text-ink-3',
      icon: <LoaderCircle aria-hidden size={13} className="animate-spin" />,
    },
    live: { word: 'Live', tone: 'text-ink-2', icon: <span aria-hidden className="size-2 rounded-full bg-allow" /> },
    reconnecting: {
      word: 'Reconnecting',
      tone: 'bg-hold-soft text-hold',
      icon: <LoaderCircle aria-hidden size={13} className="animate-spin" />,
    },
    offline: { word: 'Offline', tone: 'bg-deny-soft text-deny', icon: <CloudOff aria-hidden size={13} /> },
  }

/** Says whether the page follows what happens; when it does not, a click tries again. */
export function ConnectionPill() {
  const { retry } = useContext(Context)
  const connection = useConnection()
  const pill = pills[connection]
  const shape = `inline-flex min-h-7 items-center gap-1.5 rounded-full px-2.5 text-xs font-medium ${pill.tone}`
  return (
    <span role="status" aria-label="Live updates">
      {connection === 'reconnecting' || connection === 'offline' ? (
        <button type="button" onClick={retry} className={shape} title="Try again now">
          {pill.icon}
          {pill.word}
        </button>
      ) : (
        <span className={shape}>
          {pill.icon}
          {pill.word}
        </span>
      )}
    </span>
  )
}

/** Milliseconds for which the stream may be away before the page says so: a short break is nobody's business. */
const quietMs = 3_000

/** When the stream was lost; null while it is there, or away for less than a moment. */
function useLostSince(): number | null {
  const connection = useConnection()
  const cut = connection === 'reconnecting' || connection === 'offline'
  const [lost, setLost] = useState<number | null>(null)
  useEffect(() => {
    if (!cut) {
      setLost(null)
      return
    }
    const since = Date.now()
    const timer = setTimeout(() => setLost(since), quietMs)
    return () => clearTimeout(timer)
  }, [cut])
  return lost
}

/** Above every page while nothing new arrives: what stands there may be old, and people decide by it. */
export function StaleBanner() {
  const { retry } = useContext(Context)
  const since = useLostSince()
  return (
    <div role="status" aria-label="Stale" className="sticky top-12 z-10 md:top-0">
      {since === null ? null : (
        <p className="-mx-4 -mt-4 mb-4 flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-hold/40 bg-hold-soft px-4 py-2 text-hold md:-mx-8 md:-mt-6 md:mb-6 md:px-8">
          <CloudOff aria-hidden size={16} className="shrink-0" />
          <span className="min-w-0 grow basis-60">
            <b className="font-semibold">Nothing new has arrived since {clockTime(since)}.</b> What you see may be old;
            a verdict on something that changed is not taken.
          </span>
          <button
            type="button"
            onClick={retry}
            className="min-h-7 rounded-lg border border-hold/50 px-2.5 text-xs font-medium hover:border-hold"
          >
            Try again
          </button>
        </p>
      )}
    </div>
  )
}

/** Milliseconds after which data counts as old while the stream is down, and between two looks at that. */
const staleMs = 10_000
const lookMs = 5_000

interface Asked {
  readonly dataUpdatedAt: number
  readonly isFetching: boolean
  readonly isRefetchError: boolean
  readonly refetch: () => Promise<unknown>
}

/** When the shown data was true, and a button to ask again. Amber when the last attempt failed or the stream is down. */
export function AsOf({ query }: { readonly query: Asked }) {
  const connection = useConnection()
  const nowMs = useNow(lookMs)
  const cut = connection === 'reconnecting' || connection === 'offline'
  const isStale = query.isRefetchError || (cut && nowMs - query.dataUpdatedAt > staleMs)
  if (query.dataUpdatedAt === 0) return null
  return (
    <button
      type="button"
      onClick={() => void query.refetch()}
      title="Ask again"
      className={`inline-flex min-h-7 items-center gap-1.5 rounded-full px-2.5 text-xs whitespace-nowrap tabular-nums max-sm:first:-ml-2.5 ${isStale ? 'bg-hold-soft font-medium text-hold' : 'text-ink-3 hover:bg-surface-2 hover:text-ink'}`}
    >
      {isStale ? (
        <CloudOff aria-hidden size={13} />
      ) : (
        <RefreshCw aria-hidden size={13} className={query.isFetching ? 'animate-spin' : ''} />
      )}
      {isStale ? 'stale since' : 'as of'} {clockTime(query.dataUpdatedAt)}
    </button>
  )
}
