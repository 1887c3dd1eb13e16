// What the sessions and the player ask for. Keys begin with ['sessions'] or ['session', id], which live events make stale;
// entries are asked for once: they never change, and every look at them is written down in the audit log.
import { Session, SessionPage } from '@sallyport/api/recordings'
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { change, get, getBytes } from '../api/client.ts'
import { SessionColumns } from './columns.ts'
import { entriesOfBytes, indexOfBytes } from './reader-client.ts'
import type { ReadEntries } from './reading.ts'
import type { SessionFilter } from './search.ts'

/** Milliseconds that an answer counts as fresh; live events make it stale earlier. */
const freshMs = 15_000
/** Milliseconds between two looks at a live session where the live stream does not tell. */
const livePollMs = 10_000
/** Rows of the first page of the index, which somebody waits for, and of those after it. */
const indexFirstRows = 2_000
const indexPageRows = 20_000
/** Entries of one window, and its size in sequences. */
export const windowEntries = 100

const pathOf = (id: string, rest = ''): string => `/api/v1/sessions/${encodeURIComponent(id)}${rest}`
export const exportPath = (id: string): string => pathOf(id, '/export')

export const searchQuery = (filter: SessionFilter, limit = 50) =>
  infiniteQueryOptions({
    queryKey: ['sessions', filter, limit],
    queryFn: ({ signal, pageParam }) =>
      get('/api/v1/sessions', SessionPage, { ...filter, cursor: pageParam, limit }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })

export const sessionQuery = (id: string) =>
  queryOptions({
    queryKey: ['session', id],
    queryFn: ({ signal }) => get(pathOf(id), Session, {}, signal),
    staleTime: freshMs,
    refetchInterval: ({ state }) => (state.data?.state === 'live' ? livePollMs : false),
  })

/** The index as far as it is here. `columns` grow in place; the first `length` rows are what this value is about. */
export interface IndexView {
  readonly columns: SessionColumns
  readonly length: number
  readonly openedAtMs: number
  readonly tipSeq: number
  /** Nothing more is there now. */
  readonly isComplete: boolean
  readonly nextFrom: number
}

const indexKey = (id: string) => ['session', id, 'index'] as const

/** One page more, or what is new at the end: asked again, it goes on where it stopped. */
export const indexQuery = (id: string, isLive: boolean) =>
  queryOptions({
    queryKey: indexKey(id),
    queryFn: async ({ signal, client }): Promise<IndexView> => {
      const before = client.getQueryData<IndexView>(indexKey(id))
      const columns = before?.columns ?? new SessionColumns()
      const nextFrom = before?.nextFrom ?? 0
      const from = before?.isComplete === true ? columns.tailFrom(nextFrom) : nextFrom
      const limit = before === undefined ? indexFirstRows : indexPageRows
      const page = await indexOfBytes(await getBytes(pathOf(id, '/index'), { from, limit }, signal))
      columns.merge(page)
      return {
        columns,
        length: columns.length,
        openedAtMs: page.openedAtMs,
        tipSeq: page.tipSeq,
        isComplete: page.next === null || columns.isFull,
        nextFrom: page.next ?? page.tipSeq + 1,
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: isLive ? livePollMs : false,
    structuralSharing: false,
  })

export interface EntryWindow extends ReadEntries {
  readonly from: number
}

/** The window that holds this entry begins here. */
export const windowOf = (seq: number): number => seq - (seq % windowEntries)

/** `tipSeq` is part of the key only while it lies within the window: then there will be more. */
export const windowQuery = (id: string, from: number, tipSeq: number) =>
  queryOptions({
    queryKey: ['session-entries', id, from, Math.min(tipSeq, from + windowEntries - 1)],
    queryFn: async ({ signal }): Promise<EntryWindow> => {
      const query = { from, limit: windowEntries }
      return { from, ...(await entriesOfBytes(await getBytes(pathOf(id, '/entries'), query, signal))) }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    structuralSharing: false,
  })

/** Asks the agent to end the session. */
export const killSession = (id: string, reason: string) => change('POST', pathOf(id, '/kill'), { reason }, z.unknown())
