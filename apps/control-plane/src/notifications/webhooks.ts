// Webhooks as administrators keep them: made, rotated, enabled, tested, removed, each in the audit with the change itself. A secret
// is shown once, when it is made.
import type { Delivery, Webhook, WebhookCreated, WebhookRequest } from '@sallyport/api/webhooks'
import { webhookEvents } from '@sallyport/api/webhooks'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import type { z } from 'zod'
import { appendAction } from '../audit/store.ts'
import { isStoreConflict, type Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { webhookUrl } from './address.ts'
import { appendOutbox } from './outbox.ts'
import { newSecret, rotationMs } from './sign.ts'
import * as store from './store.ts'
import { sealSecret, sealUrl } from './vaulted.ts'

export type WebhooksDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'vault' | 'bus' | 'config'>

const newId = (deps: WebhooksDeps): string => deps.randomBytes(16).toString('hex')
const nowOf = (deps: WebhooksDeps): Date => new Date(deps.clock.nowMs())

export const reachOf = (config: Pick<Deps['config'], 'webhookNetworks' | 'allowInsecureLoopback'>) => ({
  networks: config.webhookNetworks,
  allowInsecureLoopback: config.allowInsecureLoopback,
})

async function audit(
  deps: WebhooksDeps,
  tx: Tx,
  actor: string,
  action: string,
  name: string,
  detail: Parameters<typeof appendAction>[1]['detail'] = {},
): Promise<void> {
  await appendAction(tx, { id: newId(deps), at: nowOf(deps), actor, action, object: `Webhook/${name}`, detail })
}

/** What may be shown of an address: never its query; of Slack's only the origin, its path is the secret. */
function shownUrl(url: URL, format: 'standard' | 'slack'): string {
  if (format === 'slack') return `${url.origin}/…`
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`
}

export async function createWebhook(
  deps: WebhooksDeps,
  actor: string,
  request: z.infer<typeof WebhookRequest>,
): Promise<WebhookCreated> {
  const { name, format } = request
  const { url } = webhookUrl(request.url, reachOf(deps.config))
  const id = newId(deps)
  const secret = format === 'standard' ? newSecret(deps.randomBytes) : null
  const events = webhookEvents.filter((event) => request.events.includes(event))
  const row = {
    id,
    name,
    url: sealUrl(deps.vault, id, url.href),
    shownUrl: shownUrl(url, format),
    format,
    events,
    secret: secret === null ? null : sealSecret(deps.vault, id, secret),
    createdAt: nowOf(deps),
    createdBy: actor,
  }
  await store
    .inOutbox(deps.db, async (tx) => {
      if ((await store.countWebhooks(tx)) >= limits.webhooksMax)
        throw new SallyportError('CONFLICT', `there are ${limits.webhooksMax} webhooks already`)
      await store.addWebhook(tx, row)
      await audit(deps, tx, actor, 'webhook-create', name, { url: row.shownUrl, format, events: events.join(' ') })
    })
    .catch((thrown: unknown) => {
      if (!isStoreConflict(thrown)) throw thrown
      throw new SallyportError('CONFLICT', `there is a webhook "${name}" already`, { cause: thrown })
    })
  return { webhook: await showWebhook(deps, await webhookOf(deps, id)), secret }
}

/** Throws NOT_FOUND. */
export async function webhookOf(deps: WebhooksDeps, id: string): Promise<store.WebhookRow> {
  const webhook = isId(id) ? await store.findWebhook(deps.db, id) : null
  if (webhook === null) throw new SallyportError('NOT_FOUND', 'there is no webhook with this id')
  return webhook
}

export async function deleteWebhook(deps: WebhooksDeps, actor: string, id: string): Promise<void> {
  const { name } = await webhookOf(deps, id)
  await store.inOutbox(deps.db, async (tx) => {
    await store.removeWebhook(tx, id)
    await audit(deps, tx, actor, 'webhook-delete', name)
  })
}

export async function rotateWebhook(deps: WebhooksDeps, actor: string, id: string) {
  await webhookOf(deps, id)
  const secret = newSecret(deps.randomBytes)
  const oldUntil = new Date(deps.clock.nowMs() + rotationMs)
  await store.inOutbox(deps.db, async (tx) => {
    const { name, secret: old } = (await store.findWebhook(tx, id)) ?? (await webhookOf(deps, id))
    if (old === null)
      throw new SallyportError('REQUEST_INVALID', 'a Slack webhook has no signing secret; its address is the secret')
    await store.rotateSecret(tx, id, sealSecret(deps.vault, id, secret), new Uint8Array(old), oldUntil)
    await audit(deps, tx, actor, 'webhook-rotate', name, { oldUntil: oldUntil.toISOString() })
  })
  return { secret, oldUntil: oldUntil.toISOString() }
}

export async function enableWebhook(deps: WebhooksDeps, actor: string, id: string): Promise<void> {
  const { name } = await webhookOf(deps, id)
  await store.inOutbox(deps.db, async (tx) => {
    if (await store.setDisabled(tx, id, null)) await audit(deps, tx, actor, 'webhook-enable', name)
  })
}

export async function testWebhook(deps: WebhooksDeps, actor: string, id: string): Promise<void> {
  const { name, disabledAt } = await webhookOf(deps, id)
  if (disabledAt !== null) throw disabled(name)
  await store.inOutbox(deps.db, async (tx) => {
    const payload = { webhook: name, by: actor }
    await appendOutbox(tx, { id: newId(deps), at: nowOf(deps), event: 'webhook.test', subject: id, payload })
    await audit(deps, tx, actor, 'webhook-test', name)
  })
}

const disabled = (name: string): SallyportError =>
  new SallyportError('CONFLICT', `the webhook "${name}" is disabled`, { hint: 'enable it first' })

export async function resendDelivery(deps: WebhooksDeps, actor: string, id: string): Promise<string> {
  return await store.inOutbox(deps.db, async (tx) => {
    const delivery = isId(id) ? await store.findDelivery(tx, id) : null
    if (delivery === null) throw new SallyportError('NOT_FOUND', 'there is no delivery with this id')
    const { name, disabledAt } = delivery.webhook
    if (disabledAt !== null) throw disabled(name)
    if (!(await store.restartDelivery(tx, id, nowOf(deps))))
      throw new SallyportError('CONFLICT', 'this delivery is still being tried')
    await audit(deps, tx, actor, 'delivery-resend', name, { delivery: id, event: delivery.event })
    return delivery.webhookId
  })
}

const webhookState = (row: store.WebhookRow): Webhook['state'] => (row.disabledAt === null ? 'active' : 'disabled')

const deliveryState = (state: string): Delivery['state'] =>
  state === 'delivered' || state === 'failed' ? state : 'pending'

export async function showWebhooks(deps: WebhooksDeps, rows: readonly store.WebhookRow[]): Promise<Webhook[]> {
  const latest = await store.latestDeliveries(
    deps.db,
    rows.map((row) => row.id),
  )
  const byWebhook = new Map(latest.map((one) => [one.webhookId, one]))
  return rows.map((row) => {
    const last = byWebhook.get(row.id)
    return {
      id: row.id,
      name: row.name,
      url: row.shownUrl,
      format: row.format === 'slack' ? 'slack' : 'standard',
      events: webhookEvents.filter((event) => row.events.includes(event)),
      state: webhookState(row),
      createdAt: row.createdAt.toISOString(),
      createdBy: row.createdBy,
      lastDelivery:
        last === undefined
          ? null
          : { at: (last.deliveredAt ?? last.createdAt).toISOString(), state: deliveryState(last.state) },
    }
  })
}

async function showWebhook(deps: WebhooksDeps, row: store.WebhookRow): Promise<Webhook> {
  const [shown] = await showWebhooks(deps, [row])
  if (shown === undefined) throw new SallyportError('NOT_FOUND', 'there is no webhook with this id')
  return shown
}

export function showDelivery(row: store.DeliveryRow): Delivery {
  const { id, webhookId, subject, attempts, lastStatus, lastError, body } = row
  const event = webhookEvents.find((one) => one === row.event) ?? 'webhook.test'
  return {
    id,
    webhookId,
    event,
    subject,
    state: deliveryState(row.state),
    attempts,
    createdAt: row.createdAt.toISOString(),
    nextAt: row.nextAt?.toISOString() ?? null,
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
    lastStatus,
    lastError,
    payload: body,
  }
}
