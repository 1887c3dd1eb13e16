// What a webhook is sent of an event: the Standard Webhooks envelope, or a Slack message. Made once, when the delivery is made;
// every attempt sends the same bytes.
import type { WebhookEventName } from '@sallyport/api/webhooks'
import { slackBody } from './slack.ts'

export interface SentEvent {
  readonly event: WebhookEventName
  /** Id of the thing that it happened to. */
  readonly subject: string
  readonly payload: unknown
  readonly createdAt: Date
}

export function bodyOf(format: 'standard' | 'slack', event: SentEvent, publicUrl: string): string {
  switch (format) {
    case 'standard':
      return JSON.stringify({ type: event.event, timestamp: event.createdAt.toISOString(), data: event.payload })
    case 'slack':
      return slackBody(event.event, event.payload, linkOf(event, publicUrl))
  }
}

/** The page that has documents of this kind, of a subject like `Target/shop`. Kinds without a page show in the audit. */
const pageOf = (subject: string): string => {
  if (subject.startsWith('Target/')) return '/targets'
  return /^(TrustedIssuer|Group|Role|Label)\//.test(subject) ? '/audit' : '/policies'
}

/** Where people see it. Made of our own address and an id, never of what a payload says. */
export function linkOf({ event, subject }: Pick<SentEvent, 'event' | 'subject'>, publicUrl: string): string {
  const id = /^[0-9a-f]{32}$/.test(subject) ? `/${subject}` : ''
  switch (event) {
    case 'approval.requested':
    case 'approval.approved':
    case 'approval.denied':
    case 'approval.expired':
    case 'approval.run':
      return `${publicUrl}/approvals${id}`
    case 'grant.requested':
    case 'grant.approved':
    case 'grant.denied':
    case 'grant.ended':
      return `${publicUrl}${id === '' ? '/approvals' : `/grants${id}`}`
    case 'session.killed':
      return `${publicUrl}/sessions${id}`
    case 'agent.joined':
    case 'agent.revoked':
      return `${publicUrl}/agents`
    case 'policy.changed':
      return `${publicUrl}${pageOf(subject)}`
    case 'webhook.test':
      return `${publicUrl}/integrations`
  }
}
