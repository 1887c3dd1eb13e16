// What the page of people and one's own logins ask for and change.
import { PersonPage, type PersonShown } from '@sallyport/api/people'
import { ProvisionedGroups, ScimTokens } from '@sallyport/api/scim-admin'
import { type MyLogin, MyLogins } from '@sallyport/api/signin'
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { change, get } from '../api/client.ts'

const freshMs = 15_000
const Nothing = z.unknown()

export const peopleQuery = () =>
  infiniteQueryOptions({
    queryKey: ['people'],
    queryFn: ({ signal, pageParam }) =>
      get('/api/v1/people', PersonPage, { cursor: pageParam === '' ? undefined : pageParam, limit: 100 }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })

export type PersonVerb = 'end-sessions' | 'disable' | 'enable'
export const changePerson = (person: Pick<PersonShown, 'id'>, verb: PersonVerb, reason: string): Promise<unknown> =>
  change('POST', `/api/v1/people/${encodeURIComponent(person.id)}/${verb}`, { reason }, Nothing)

export const scimTokensQuery = () =>
  queryOptions({
    queryKey: ['scim-tokens'],
    queryFn: ({ signal }) => get('/api/v1/scim-tokens', ScimTokens, {}, signal),
    staleTime: freshMs,
  })

export const provisionedGroupsQuery = () =>
  queryOptions({
    queryKey: ['provisioned-groups'],
    queryFn: ({ signal }) => get('/api/v1/provisioned-groups', ProvisionedGroups, {}, signal),
    staleTime: freshMs,
  })

export const myLoginsQuery = () =>
  queryOptions({
    queryKey: ['me', 'logins'],
    queryFn: ({ signal }) => get('/api/v1/me/logins', MyLogins, {}, signal),
    staleTime: freshMs,
  })

export const endMyLogin = ({ id }: Pick<MyLogin, 'id'>): Promise<unknown> =>
  change('POST', `/api/v1/me/logins/${encodeURIComponent(id)}/end`, undefined, Nothing)
export const endMyEverything = (): Promise<unknown> => change('POST', '/api/v1/me/end-sessions', undefined, Nothing)
