// What pages ask about grants, and change.
import { Grant, GrantableList, GrantDetail, GrantPage, type GrantRequest, type grantViews } from '@sallyport/api/grants'
import { infiniteQueryOptions, queryOptions, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { change, get } from '../api/client.ts'

const freshMs = 15_000

/** Keys begin with `grants`: one live event makes all lists ask again. */
export const grantsQuery = (view: (typeof grantViews)[number], limit = 50) =>
  infiniteQueryOptions({
    queryKey: ['grants', view],
    queryFn: ({ signal, pageParam }) => get('/api/v1/grants', GrantPage, { view, cursor: pageParam, limit }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })

const path = (id: string, verb = ''): string => `/api/v1/grants/${encodeURIComponent(id)}${verb}`

export const grantQuery = (id: string) =>
  queryOptions({
    queryKey: ['grant', id],
    queryFn: ({ signal }) => get(path(id), GrantDetail, {}, signal),
    staleTime: freshMs,
  })

export const grantableQuery = () =>
  queryOptions({
    queryKey: ['grants', 'askable'],
    queryFn: ({ signal }) => get('/api/v1/me/grantable', GrantableList, {}, signal),
    staleTime: freshMs,
  })

export const askGrant = (asked: GrantRequest): Promise<Grant> => change('POST', '/api/v1/grants', asked, Grant)
export const endGrant = (id: string): Promise<Grant> => change('POST', path(id, '/end'), {}, Grant)
export const decideGrant = (id: string, verdict: 'approved' | 'denied', reason: string): Promise<Grant> =>
  change('POST', path(id, '/verdict'), { verdict, reason }, Grant)

/** What has another answer after any change of a grant. */
export const staleAfter = (id: string) => [['grant', id], ['grants'], ['overview'], ['me', 'targets']] as const

/** Milliseconds after an end at which the server is asked what became of it. */
const endedMs = 1_500

/** Asks again when the first of these times has passed: nothing else tells that a time is over. */
export function useAskAtEnd(untils: readonly (string | null)[]): void {
  const queries = useQueryClient()
  const ends = untils.flatMap((until) => (until === null ? [] : [Date.parse(until)])).filter((ms) => ms > Date.now())
  const first = ends.length === 0 ? null : Math.min(...ends)
  useEffect(() => {
    if (first === null) return
    const timer = setTimeout(
      () => {
        for (const queryKey of [['grants'], ['grant'], ['overview'], ['me', 'targets']])
          void queries.invalidateQueries({ queryKey })
      },
      first - Date.now() + endedMs,
    )
    return () => clearTimeout(timer)
  }, [first, queries])
}
