// What pages ask for, as query options: one function a question, keyed so that a live event can make it ask again.
import { Approval, ApprovalPage } from '@sallyport/api/approvals'
import { Overview } from '@sallyport/api/live'
import { QuarantinedTool, QuarantineList } from '@sallyport/api/quarantine'
import { AdminActionPage, Session, SessionEntries, SessionPage, Trace } from '@sallyport/api/recordings'
import {
  AgentPage,
  MyTargets,
  Resource,
  ResourcePage,
  type ResourcePath,
  ResourceVersionPage,
} from '@sallyport/api/resources'
import { AuthConfig, Me } from '@sallyport/api/signin'
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, rememberCsrf } from './client.ts'

/** Milliseconds that an answer counts as fresh; live events make it stale earlier. */
const freshMs = 15_000

export const meQuery = () =>
  queryOptions({
    queryKey: ['me'],
    queryFn: async ({ signal }) => {
      const me = await get('/api/v1/me', Me, {}, signal)
      rememberCsrf(me.csrfToken)
      return me
    },
    staleTime: 60_000,
    retry: false,
  })

export const authConfigQuery = () =>
  queryOptions({
    queryKey: ['auth-config'],
    queryFn: ({ signal }) => get('/api/v1/auth/config', AuthConfig, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })

export const overviewQuery = () =>
  queryOptions({
    queryKey: ['overview'],
    queryFn: ({ signal }) => get('/api/v1/overview', Overview, {}, signal),
    staleTime: freshMs,
    refetchInterval: 60_000,
  })

export interface ApprovalFilter {
  readonly view: 'pending' | 'decided'
  readonly target?: string
  readonly caller?: string
}
export const approvalsQuery = (filter: ApprovalFilter) =>
  infiniteQueryOptions({
    queryKey: ['approvals', filter],
    queryFn: ({ signal, pageParam }) =>
      get('/api/v1/approvals', ApprovalPage, { ...filter, cursor: pageParam, limit: 50 }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })

/** Verdicts, the run and what came of it are told by the live stream; nothing is polled. */
export const approvalQuery = (id: string) =>
  queryOptions({
    queryKey: ['approval', id],
    queryFn: ({ signal }) => get(`/api/v1/approvals/${encodeURIComponent(id)}`, Approval, {}, signal),
    staleTime: freshMs,
  })

export const myRequestsQuery = () =>
  infiniteQueryOptions({
    queryKey: ['me', 'requests'],
    queryFn: ({ signal, pageParam }) =>
      get('/api/v1/me/requests', ApprovalPage, { cursor: pageParam, limit: 20 }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })

export interface SessionFilter {
  readonly target?: string
  readonly caller?: string
  readonly state?: 'live' | 'closed' | 'interrupted'
  readonly decision?: 'denied' | 'masked'
}
export const sessionsQuery = (filter: SessionFilter) =>
  infiniteQueryOptions({
    queryKey: ['sessions', filter],
    queryFn: ({ signal, pageParam }) =>
      get('/api/v1/sessions', SessionPage, { ...filter, cursor: pageParam, limit: 50 }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })

export const sessionQuery = (id: string) =>
  queryOptions({
    queryKey: ['session', id],
    queryFn: ({ signal }) => get(`/api/v1/sessions/${encodeURIComponent(id)}`, Session, {}, signal),
    staleTime: freshMs,
  })

export const entriesQuery = (id: string, from: number, limit: number) =>
  queryOptions({
    queryKey: ['session', id, 'entries', from, limit],
    queryFn: ({ signal }) =>
      get(`/api/v1/sessions/${encodeURIComponent(id)}/entries`, SessionEntries, { from, limit }, signal),
    staleTime: freshMs,
  })

export const traceQuery = (id: string) =>
  queryOptions({
    queryKey: ['trace', id],
    queryFn: ({ signal }) => get(`/api/v1/traces/${encodeURIComponent(id)}`, Trace, {}, signal),
    staleTime: freshMs,
    retry: false,
  })

export const resourcesQuery = (kind: ResourcePath) =>
  queryOptions({
    queryKey: ['resources', kind],
    queryFn: ({ signal }) => get(`/api/v1/resources/${kind}`, ResourcePage, { limit: 500 }, signal),
    staleTime: freshMs,
  })

export const quarantineQuery = () =>
  queryOptions({
    queryKey: ['quarantine'],
    queryFn: ({ signal }) => get('/api/v1/quarantine', QuarantineList, {}, signal),
    staleTime: freshMs,
  })

export const quarantinedToolPath = (target: string, tool: string): string =>
  `/api/v1/quarantine/${encodeURIComponent(target)}/${encodeURIComponent(tool)}`

export const quarantinedToolQuery = (target: string, tool: string) =>
  queryOptions({
    queryKey: ['quarantine', target, tool],
    queryFn: ({ signal }) => get(quarantinedToolPath(target, tool), QuarantinedTool, {}, signal),
    staleTime: freshMs,
  })

export const resourceQuery = (kind: ResourcePath, name: string) =>
  queryOptions({
    queryKey: ['resources', kind, name],
    queryFn: ({ signal }) => get(`/api/v1/resources/${kind}/${encodeURIComponent(name)}`, Resource, {}, signal),
    staleTime: freshMs,
  })

export const versionsQuery = (kind: ResourcePath, name: string) =>
  queryOptions({
    queryKey: ['resources', kind, name, 'versions'],
    queryFn: ({ signal }) =>
      get(`/api/v1/resources/${kind}/${encodeURIComponent(name)}/versions`, ResourceVersionPage, {}, signal),
    staleTime: freshMs,
  })

export const agentsQuery = () =>
  queryOptions({
    queryKey: ['agents'],
    queryFn: ({ signal }) => get('/api/v1/agents', AgentPage, { limit: 200 }, signal),
    staleTime: freshMs,
    refetchInterval: 10_000,
  })

export const myTargetsQuery = () =>
  queryOptions({
    queryKey: ['me', 'targets'],
    queryFn: ({ signal }) => get('/api/v1/me/targets', MyTargets, {}, signal),
    staleTime: freshMs,
  })

export const auditQuery = () =>
  infiniteQueryOptions({
    queryKey: ['audit'],
    queryFn: ({ signal, pageParam }) => get('/api/v1/audit', AdminActionPage, { cursor: pageParam, limit: 50 }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
  })
