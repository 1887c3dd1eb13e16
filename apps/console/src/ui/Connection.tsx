// How fresh the page is: the pill of the live stream, and the "as of" of a list or a card.
import { useQueryClient } from '@tanstack/react-query'
import { CloudOff, LoaderCircle, RefreshCw } from 'lucide-react'
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { type Connection, type Live, openEventSource, startLive } from '../api/live.ts'
import { clockTime } from '../util/format.ts'
import { createStore } from '../util/store.ts'

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

/** Milliseconds after which data counts as old while the stream is down. */
const staleMs = 10_000

interface Asked {
  readonly dataUpdatedAt: number
  readonly isFetching: boolean
  readonly isRefetchError: boolean
  readonly refetch: () => Promise<unknown>
}

/** When the shown data was true, and a button to ask again. Amber when the last attempt failed or the stream is down. */
export function AsOf({ query }: { readonly query: Asked }) {
  const connection = useConnection()
  const cut = connection === 'reconnecting' || connection === 'offline'
  const isStale = query.isRefetchError || (cut && Date.now() - query.dataUpdatedAt > staleMs)
  if (query.dataUpdatedAt === 0) return null
  return (
    <button
      type="button"
      onClick={() => void query.refetch()}
      title="Ask again"
      className={`inline-flex min-h-7 items-center gap-1.5 rounded-full px-2.5 text-xs whitespace-nowrap tabular-nums ${isStale ? 'bg-hold-soft font-medium text-hold' : 'text-ink-3 hover:bg-surface-2 hover:text-ink'}`}
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
