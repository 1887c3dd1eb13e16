// Takes events from the outbox, makes their deliveries, and sends what is due. Every replica does it; the store decides who makes
// which attempt. A transaction never waits for the network.
import type { FastifyBaseLogger } from 'fastify'
import { appendAction } from '../audit/store.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { bodyOf } from './body.ts'
import { failedDeliveriesMax, nextAttemptMs } from './schedule.ts'
import { type Sender, type Sent, send } from './send.ts'
import { signedHeaders } from './sign.ts'
import * as store from './store.ts'
import { openSecrets, openUrl } from './vaulted.ts'

/** Between two looks without a hint, in milliseconds. */
const pollMs = 1_000
/** Events of one transaction. */
const eventsMax = 100
/** Attempts under way in one process. */
const sendingMax = 20
/** Past so many of one webhook no more are begun of it: one that does not answer leaves room for the others. */
const sendingPerWebhookMax = 5
/** Deliveries that are claimed at once. */
const claimMax = 2
/** An attempt that nobody ended by then is taken over, in milliseconds: several times limits.webhookMsMax. */
const leaseMs = 60_000
/** Finished deliveries are kept for, in milliseconds. */
const keptMs = 30 * 86_400_000
const sweepMs = 3_600_000

export type DispatchDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'vault' | 'bus' | 'config'> & {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>
  readonly sender: Sender
}

/** Makes the deliveries of one batch of events. Returns how many events there were. */
export async function dispatchEvents(deps: DispatchDeps): Promise<number> {
  return await store.inOutbox(deps.db, async (tx) => {
    const events = await store.lockEvents(tx, eventsMax)
    if (events.length === 0) return 0
    const webhooks = await store.activeWebhooks(tx)
    const createdAt = new Date(deps.clock.nowMs())
    const deliveries = events.flatMap((event) =>
      webhooks
        .filter((webhook) => wants(webhook, event))
        .map((webhook) => ({
          id: deps.randomBytes(16).toString('hex'),
          webhookId: webhook.id,
          eventId: event.id,
          event: event.event,
          subject: event.subject,
          body: bodyOf(webhook.format === 'slack' ? 'slack' : 'standard', event, deps.config.publicUrl),
          createdAt,
        })),
    )
    await store.addDeliveries(tx, deliveries)
    await store.markDispatched(
      tx,
      events.map((event) => event.id),
      createdAt,
    )
    return events.length
  })
}

/** A test event is for the webhook that it tests, whatever that one listens to. */
const wants = (webhook: store.WebhookRow, event: store.EventRow): boolean =>
  event.event === 'webhook.test' ? event.subject === webhook.id : webhook.events.includes(event.event)

/** Sends what is due, at most `take`; resolves when all of it has an end. Returns how many attempts were made. */
export async function sendDue(deps: DispatchDeps, take = sendingMax): Promise<number> {
  const nowMs = deps.clock.nowMs()
  const claimed = await store.claimDue(deps.db, new Date(nowMs), new Date(nowMs + leaseMs), take)
  await Promise.all(claimed.map((one) => attempt(deps, one)))
  return claimed.length
}

async function attempt(deps: DispatchDeps, claimed: store.Claimed): Promise<void> {
  const webhook = await store.findWebhook(deps.db, claimed.webhookId)
  if (webhook === null) return
  const sent = await sendOne(deps, webhook, claimed)
  const result = resultOf(deps, claimed, sent)
  const isGivenUp = await store.inOutbox(deps.db, async (tx) => {
    // Before the delivery's own row: two attempts that end at once never wait for each other in a circle.
    if (result.state === 'failed') await store.lockWebhook(tx, webhook.id)
    if (!(await store.saveResult(tx, claimed, result))) return false
    return result.state === 'failed' && (await disableIfHopeless(deps, tx, webhook, sent))
  })
  const { id, attempts } = claimed
  const outcome = sent.kind === 'delivered' ? 'ok' : sent.error
  deps.log.info({ event: 'webhook-attempt', webhook: webhook.id, delivery: id, attempts, outcome, status: sent.status })
  if (isGivenUp) deps.log.warn({ event: 'webhook-disabled', webhook: webhook.id })
  deps.bus.publish({ kind: 'webhook', id: webhook.id })
}

async function sendOne(deps: DispatchDeps, webhook: store.WebhookRow, claimed: store.Claimed): Promise<Sent> {
  const nowMs = deps.clock.nowMs()
  try {
    const secrets = openSecrets(deps.vault, webhook, nowMs)
    const headers = signedHeaders(claimed.eventId, nowMs, claimed.body, secrets)
    const url = openUrl(deps.vault, webhook)
    return await send(deps.sender, { url, headers: secrets.length === 0 ? {} : headers, body: claimed.body })
  } catch (err) {
    deps.log.warn({ event: 'webhook-unreadable', webhook: webhook.id, err })
    return { kind: 'failed', status: null, error: 'secret-unreadable' }
  }
}

/** RFC 9110 §15.5.11: the receiver says that it will not come back. */
const goneStatus = 410

function resultOf(deps: DispatchDeps, claimed: store.Claimed, sent: Sent): store.Result {
  const nowMs = deps.clock.nowMs()
  if (sent.kind === 'delivered')
    return { state: 'delivered', nextAt: null, deliveredAt: new Date(nowMs), lastStatus: sent.status, lastError: null }
  const random = deps.randomBytes(4).readUInt32BE() / 0xffff_ffff
  const nextMs = sent.status === goneStatus ? null : nextAttemptMs(claimed.attempts, nowMs, random)
  return {
    state: nextMs === null ? 'failed' : 'pending',
    nextAt: nextMs === null ? null : new Date(nextMs),
    deliveredAt: null,
    lastStatus: sent.status,
    lastError: sent.error,
  }
}

/** True when this call disabled the webhook. */
async function disableIfHopeless(deps: DispatchDeps, tx: Tx, webhook: store.WebhookRow, sent: Sent): Promise<boolean> {
  const isGone = sent.status === goneStatus
  const failures = await store.failuresInARow(tx, webhook.id, await store.enabledSince(tx, webhook))
  if (!isGone && failures < failedDeliveriesMax) return false
  const at = new Date(deps.clock.nowMs())
  if (!(await store.setDisabled(tx, webhook.id, at))) return false
  await store.failPending(tx, webhook.id, 'webhook-disabled')
  await appendAction(tx, {
    id: deps.randomBytes(16).toString('hex'),
    at,
    actor: 'control plane',
    action: 'webhook-disable',
    object: `Webhook/${webhook.name}`,
    detail: isGone ? { reason: 'gone' } : { reason: 'failures', failures },
  })
  return true
}

/** Which webhooks have as many attempts under way as they may. */
const busyOf = (webhookIds: readonly string[]): string[] =>
  [...new Set(webhookIds)].filter((id) => webhookIds.filter((one) => one === id).length >= sendingPerWebhookMax)

/** Dispatches until it is stopped; stopping waits for the attempts under way. */
export function startDispatcher(deps: DispatchDeps): () => Promise<void> {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let isRunning = false
  let again = false
  /** With the webhook that each is of. */
  const sending = new Map<Promise<void>, string>()
  const claim = async (): Promise<number> => {
    const take = Math.min(claimMax, sendingMax - sending.size)
    if (stopped || take <= 0) return 0
    const nowMs = deps.clock.nowMs()
    const busy = busyOf([...sending.values()])
    const claimed = await store.claimDue(deps.db, new Date(nowMs), new Date(nowMs + leaseMs), take, busy)
    for (const one of claimed) {
      const job: Promise<void> = attempt(deps, one)
        .catch((err: unknown) => deps.log.warn({ event: 'webhook-attempt-lost', err }))
        .finally(() => {
          sending.delete(job)
          look()
        })
      sending.set(job, one.webhookId)
    }
    return claimed.length
  }
  const round = async (): Promise<void> => {
    while (!stopped && (await dispatchEvents(deps)) === eventsMax);
    while ((await claim()) > 0);
  }
  const look = (): void => {
    if (stopped) return
    again = isRunning
    if (isRunning) return
    isRunning = true
    running = round()
      .catch((err: unknown) => deps.log.warn({ event: 'outbox-unread', err }))
      .finally(() => {
        isRunning = false
        if (again) look()
      })
  }
  const stopListening = deps.bus.listen({ heard: (hint) => hint.kind !== 'webhook' && look(), gap: look })
  const poll = setInterval(look, pollMs)
  const clean = (): void => {
    const nowMs = deps.clock.nowMs()
    store
      .sweep(deps.db, new Date(nowMs - keptMs), new Date(nowMs))
      .catch((err: unknown) => deps.log.warn({ event: 'webhooks-unswept', err }))
  }
  const sweeping = setInterval(clean, sweepMs)
  look()
  return async () => {
    stopped = true
    stopListening()
    clearInterval(poll)
    clearInterval(sweeping)
    await running
    await Promise.all(sending.keys())
  }
}
