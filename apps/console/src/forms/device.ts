// What the page of a CLI's code asks for and decides.
import { DeviceDecided, DeviceLogin } from '@sallyport/api/device'
import { queryOptions } from '@tanstack/react-query'
import { change } from '../api/client.ts'

/** Asked once: what it says of a code does not change while the code is open. */
export const deviceQuery = (userCode: string) =>
  queryOptions({
    queryKey: ['device', userCode],
    queryFn: () => change('POST', '/api/v1/auth/device/find', { userCode }, DeviceLogin),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  })

export type DeviceVerb = 'confirm' | 'refuse'
export const decideDevice = (id: string, decision: DeviceVerb): Promise<unknown> =>
  change('POST', `/api/v1/auth/device/${encodeURIComponent(id)}/decide`, { decision }, DeviceDecided)
