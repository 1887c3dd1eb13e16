// Webhooks: who outside is told what happened. Payloads carry parsed facts and a link, never the text of a statement.
import { z } from 'zod'
import { pageOf } from './problem.ts'

export const webhookEvents = [
  'approval.requested',
  'approval.approved',
  'approval.denied',
  'approval.expired',
  'approval.run',
  'grant.requested',
  'grant.approved',
  'grant.denied',
  'grant.ended',
  'session.killed',
  'agent.joined',
  'agent.revoked',
  'policy.changed',
  'webhook.test',
] as const
export const WebhookEventName = z.enum(webhookEvents)
export type WebhookEventName = z.infer<typeof WebhookEventName>

/** `standard`: Standard Webhooks (webhook-id, -timestamp, -signature). `slack`: an incoming webhook of Slack's shape. */
export const WebhookFormat = z.enum(['standard', 'slack'])

export const Webhook = z.object({
  id: z.string(),
  name: z.string(),
  /** Without its path for `slack`, which is a secret there. */
  url: z.string(),
  format: WebhookFormat,
  events: z.array(WebhookEventName),
  state: z.enum(['active', 'disabled']),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  lastDelivery: z.object({ at: z.iso.datetime(), state: z.enum(['delivered', 'failed', 'pending']) }).nullable(),
})
export type Webhook = z.infer<typeof Webhook>
export const WebhookPage = pageOf(Webhook)

/** POST /api/v1/webhooks */
export const WebhookRequest = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  url: z.string().min(1).max(2_048),
  format: WebhookFormat.default('standard'),
  events: z.array(WebhookEventName).min(1),
})
/** The signing secret (`whsec_…`) is shown once; null for `slack`. */
export const WebhookCreated = z.object({ webhook: Webhook, secret: z.string().nullable() })
export type WebhookCreated = z.infer<typeof WebhookCreated>

/** POST /api/v1/webhooks/:id/rotate: the old secret signs beside the new one for 24 h. */
export const WebhookRotated = z.object({ secret: z.string(), oldUntil: z.iso.datetime() })

export const Delivery = z.object({
  id: z.string(),
  webhookId: z.string(),
  event: WebhookEventName,
  /** Of the thing: an approval's id … */
  subject: z.string(),
  state: z.enum(['pending', 'delivered', 'failed']),
  attempts: z.number().int(),
  createdAt: z.iso.datetime(),
  nextAt: z.iso.datetime().nullable(),
  deliveredAt: z.iso.datetime().nullable(),
  lastStatus: z.number().int().nullable(),
  /** Named reason of the last failure; nothing of the answer's body is kept. */
  lastError: z.string().nullable(),
  /** Exactly what is sent. */
  payload: z.string(),
})
export type Delivery = z.infer<typeof Delivery>
/** GET /api/v1/webhooks/:id/deliveries, newest first. */
export const DeliveryPage = pageOf(Delivery)
