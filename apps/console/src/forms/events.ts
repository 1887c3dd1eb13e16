// Events of webhooks in words, in the groups that a person chooses by.
import type { WebhookEventName } from '@sallyport/api/webhooks'

export const eventWords: Readonly<Record<WebhookEventName, string>> = {
  'approval.requested': 'A statement waits for a person',
  'approval.approved': 'A request is approved',
  'approval.denied': 'A request is denied',
  'approval.expired': 'A request expires undecided',
  'approval.run': 'An approved statement ran',
  'grant.requested': 'Access for a time is asked for',
  'grant.approved': 'Access for a time is granted',
  'grant.denied': 'Access for a time is denied',
  'grant.ended': 'Access for a time is ended before its end',
  'session.killed': 'A session is ended by a person',
  'agent.joined': 'An agent joins',
  'agent.revoked': 'An agent is revoked',
  'policy.changed': 'Policies or other documents change',
  'webhook.test': 'A test, sent from here',
}

export interface EventGroup {
  readonly label: string
  readonly events: readonly WebhookEventName[]
}

/** Tests go to every webhook, chosen or not. */
export const eventGroups: readonly EventGroup[] = [
  {
    label: 'Requests',
    events: ['approval.requested', 'approval.approved', 'approval.denied', 'approval.expired', 'approval.run'],
  },
  { label: 'Grants', events: ['grant.requested', 'grant.approved', 'grant.denied', 'grant.ended'] },
  { label: 'Operations', events: ['session.killed', 'agent.joined', 'agent.revoked', 'policy.changed'] },
]
