// What the page of people asks and changes about standing credentials: service accounts with their keys, tokens of SCIM clients.
import { ScimTokenResponse, type ScimTokenShown } from '@sallyport/api/scim-admin'
import {
  type NewServiceAccount,
  NewServiceKeyResponse,
  ServiceAccount,
  ServiceAccountList,
} from '@sallyport/api/workloads'
import { queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { change, get } from '../api/client.ts'

const freshMs = 15_000
const Nothing = z.unknown()
const path = ({ name }: Pick<ServiceAccount, 'name'>): string => `/api/v1/service-accounts/${encodeURIComponent(name)}`

export const serviceAccountsQuery = () =>
  queryOptions({
    queryKey: ['service-accounts'],
    queryFn: ({ signal }) => get('/api/v1/service-accounts', ServiceAccountList, {}, signal),
    staleTime: freshMs,
  })
export const createAccount = (draft: z.input<typeof NewServiceAccount>): Promise<ServiceAccount> =>
  change('POST', '/api/v1/service-accounts', draft, ServiceAccount)
/** The secret is in the answer, once. */
export const createKey = (account: ServiceAccount, days: number): Promise<z.infer<typeof NewServiceKeyResponse>> =>
  change('POST', `${path(account)}/keys`, { days }, NewServiceKeyResponse)
export const changeAccount = (account: ServiceAccount, verb: string): Promise<unknown> =>
  change('POST', `${path(account)}${verb}`, {}, Nothing)

/** The token is in the answer, once. */
export const createScimToken = (provider: string, expiresInDays: number): Promise<ScimTokenResponse> =>
  change('POST', '/api/v1/scim-tokens', { provider, expiresInDays }, ScimTokenResponse)
export const revokeScimToken = ({ id }: Pick<ScimTokenShown, 'id'>): Promise<unknown> =>
  change('POST', `/api/v1/scim-tokens/${encodeURIComponent(id)}/revoke`, {}, Nothing)
