// What the pages of configuration ask for and change: documents, agents, webhooks, explanations.

import type { AdminAction } from '@sallyport/api/recordings'
import { AdminActionPage } from '@sallyport/api/recordings'
import {
  ApplyResult,
  type ExpectedVersion,
  type ExplainRequest,
  ExplainResult,
  JoinTokenRequest,
  JoinTokenResponse,
  type Resource,
} from '@sallyport/api/resources'
import {
  DeliveryPage,
  type Webhook,
  WebhookCreated,
  WebhookPage,
  WebhookRequest,
  WebhookRotated,
} from '@sallyport/api/webhooks'
import { infiniteQueryOptions, queryOptions, useQuery } from '@tanstack/react-query'
import { z } from 'zod'
import { change, get } from '../api/client.ts'
import { RequestError } from '../api/errors.ts'
import { agentsQuery, meQuery, resourcesQuery } from '../api/queries.ts'
import type { KnownNames } from './complete.ts'

const freshMs = 15_000
const Nothing = z.unknown()

export const webhooksQuery = () =>
  queryOptions({
    queryKey: ['webhooks'],
    queryFn: ({ signal }) => get('/api/v1/webhooks', WebhookPage, { limit: 200 }, signal),
    staleTime: freshMs,
  })

/** A delivery that waits for its next attempt is looked at again while it is on the page. */
const deliveriesMs = 10_000
export const deliveriesQuery = (webhook: string) =>
  infiniteQueryOptions({
    queryKey: ['deliveries', webhook],
    queryFn: ({ signal, pageParam }) =>
      get(
        `/api/v1/webhooks/${encodeURIComponent(webhook)}/deliveries`,
        DeliveryPage,
        { cursor: pageParam, limit: 25 },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: freshMs,
    refetchInterval: deliveriesMs,
  })

/** Checks a text as apply would, and writes nothing. */
export const dryRun = (yaml: string): Promise<ApplyResult> =>
  change('POST', '/api/v1/apply', { yaml, dryRun: true }, ApplyResult)
/** Writes nothing when one of `expect` has another version by now. */
export const apply = (yaml: string, expect: readonly ExpectedVersion[]): Promise<ApplyResult> =>
  change('POST', '/api/v1/apply', { yaml, dryRun: false, expect }, ApplyResult)
/** Deletes the version that was looked at, and no other. */
export const deleteDocument = (path: string, { name, version }: Pick<Resource, 'name' | 'version'>): Promise<unknown> =>
  change('DELETE', `/api/v1/resources/${path}/${encodeURIComponent(name)}?version=${version}`, undefined, Nothing)

export type Asked = z.input<typeof ExplainRequest>
export const explain = (asked: Asked): Promise<ExplainResult> =>
  change('POST', '/api/v1/policies/explain', asked, ExplainResult)

export const makeJoinToken = (agentName: string, expiresInSeconds: number): Promise<JoinTokenResponse> =>
  change(
    'POST',
    '/api/v1/agents/join-tokens',
    JoinTokenRequest.parse({ agentName, expiresInSeconds }),
    JoinTokenResponse,
  )
export const revokeAgent = (id: string, reason: string): Promise<unknown> =>
  change('POST', `/api/v1/agents/${encodeURIComponent(id)}/revoke`, { reason }, Nothing)

export type WebhookDraft = z.input<typeof WebhookRequest>
export const createWebhook = (draft: WebhookDraft): Promise<WebhookCreated> =>
  change('POST', '/api/v1/webhooks', WebhookRequest.parse(draft), WebhookCreated)
const webhookPath = ({ id }: Webhook, verb: string): string => `/api/v1/webhooks/${encodeURIComponent(id)}${verb}`
export const deleteWebhook = (webhook: Webhook): Promise<unknown> =>
  change('DELETE', webhookPath(webhook, ''), undefined, Nothing)
export const rotateWebhook = (webhook: Webhook): Promise<z.infer<typeof WebhookRotated>> =>
  change('POST', webhookPath(webhook, '/rotate'), {}, WebhookRotated)
export const enableWebhook = (webhook: Webhook): Promise<unknown> =>
  change('POST', webhookPath(webhook, '/enable'), {}, Nothing)
export const testWebhook = (webhook: Webhook): Promise<unknown> =>
  change('POST', webhookPath(webhook, '/test'), {}, Nothing)
export const resendDelivery = (id: string): Promise<unknown> =>
  change('POST', `/api/v1/deliveries/${encodeURIComponent(id)}/resend`, {}, Nothing)

/** Rows of one export; more is a job for `sallyport audit`. */
export const exportRowsMax = 5_000
export async function readActions(): Promise<AdminAction[]> {
  const items: AdminAction[] = []
  let cursor: string | null = ''
  while (cursor !== null && items.length < exportRowsMax) {
    const page: z.infer<typeof AdminActionPage> = await get('/api/v1/audit', AdminActionPage, { cursor, limit: 500 })
    items.push(...page.items)
    cursor = page.next
  }
  return items.slice(0, exportRowsMax)
}

/** May the signed-in person change configuration? The reason when not. */
export function useReadOnly(): string | undefined {
  const me = useQuery(meQuery())
  return me.data?.roles.includes('admin') === true
    ? undefined
    : 'Needs the role admin; you can look at everything here.'
}

/** Names that a draft may refer to. */
export function useKnownNames(): KnownNames {
  const groups = useQuery(resourcesQuery('groups'))
  const targets = useQuery(resourcesQuery('targets'))
  const labels = useQuery(resourcesQuery('labels'))
  const agents = useQuery(agentsQuery())
  const namesOf = (items: readonly { readonly name: string }[] | undefined) => (items ?? []).map((item) => item.name)
  return {
    groups: namesOf(groups.data?.items),
    targets: namesOf(targets.data?.items),
    labels: namesOf(labels.data?.items),
    agents: namesOf(agents.data?.items.filter((agent) => agent.state !== 'revoked')),
  }
}

/** What to tell about a failed change: the server's words, with its next step. */
export function failureText(error: unknown): string {
  if (!(error instanceof RequestError))
    return 'The answer could not be read; look whether it was done before you try again'
  const hint = error.problem?.hint
  return hint === undefined ? error.message : `${error.message} (${hint})`
}
