// Webhooks, their deliveries and the outbox in the store. Claims are made with SKIP LOCKED, so that several replicas share the
// work and no attempt is made twice.
import { webhookEvents } from '@sallyport/api/webhooks'
import { z } from 'zod'
import type { Db, Tx } from '../db.ts'

/** Read committed: a racing claim skips the rows that this one holds. */
export async function inOutbox<T>(db: Db, run: (tx: Tx) => Promise<T>): Promise<T> {
  return await db.$transaction(run, { isolationLevel: 'ReadCommitted', timeout: 30_000, maxWait: 10_000 })
}

const EventRow = z.object({
  id: z.string(),
  event: z.enum(webhookEvents),
  subject: z.string(),
  payload: z.unknown(),
  createdAt: z.date(),
})
export type EventRow = z.infer<typeof EventRow>

/** Events whose deliveries are to be made, locked until the end of the transaction. */
export async function lockEvents(tx: Tx, take: number): Promise<EventRow[]> {
  const rows = await tx.$queryRaw`
    SELECT "id", "event", "subject", "payload", "createdAt" FROM "OutboxEvent"
    WHERE "dispatchedAt" IS NULL ORDER BY "createdAt", "id" LIMIT ${take} FOR UPDATE SKIP LOCKED`
  return z.array(EventRow).parse(rows)
}

export async function markDispatched(tx: Tx, ids: readonly string[], at: Date): Promise<void> {
  await tx.outboxEvent.updateMany({ where: { id: { in: [...ids] } }, data: { dispatchedAt: at } })
}

export async function activeWebhooks(tx: Tx) {
  return await tx.webhook.findMany({ where: { disabledAt: null } })
}

export interface NewDelivery {
  readonly id: string
  readonly webhookId: string
  readonly eventId: string
  readonly event: string
  readonly subject: string
  readonly body: string
  readonly createdAt: Date
}

/** Each event once for each webhook. */
export async function addDeliveries(tx: Tx, deliveries: readonly NewDelivery[]): Promise<void> {
  const rows = deliveries.map((one) => ({ ...one, state: 'pending', nextAt: one.createdAt }))
  await tx.webhookDelivery.createMany({ data: rows, skipDuplicates: true })
}

const Claimed = z.object({
  id: z.string(),
  webhookId: z.string(),
  eventId: z.string(),
  body: z.string(),
  attempts: z.number().int(),
})
export type Claimed = z.infer<typeof Claimed>

/** Takes due deliveries for one attempt each, of no webhook in `but`; who dies in it leaves them to others after the lease. */
export async function claimDue(
  db: Db,
  now: Date,
  leaseUntil: Date,
  take: number,
  but: readonly string[] = [],
): Promise<Claimed[]> {
  const rows = await db.$queryRaw`
    UPDATE "WebhookDelivery" SET "attempts" = "attempts" + 1, "nextAt" = ${leaseUntil}
    WHERE "id" IN (
      SELECT d."id" FROM "WebhookDelivery" d JOIN "Webhook" w ON w."id" = d."webhookId"
      WHERE d."state" = 'pending' AND d."nextAt" <= ${now} AND w."disabledAt" IS NULL AND w."id" <> ALL(${[...but]}::text[])
      ORDER BY d."attempts", d."nextAt" LIMIT ${take} FOR UPDATE OF d SKIP LOCKED
    ) RETURNING "id", "webhookId", "eventId", "body", "attempts"`
  return z.array(Claimed).parse(rows)
}

export interface Result {
  readonly state: 'pending' | 'delivered' | 'failed'
  readonly nextAt: Date | null
  readonly deliveredAt: Date | null
  readonly lastStatus: number | null
  readonly lastError: string | null
}

/** False when somebody else took the delivery over meanwhile. */
export async function saveResult(tx: Tx, claimed: Claimed, result: Result): Promise<boolean> {
  const { id, attempts } = claimed
  const { count } = await tx.webhookDelivery.updateMany({ where: { id, attempts, state: 'pending' }, data: result })
  return count === 1
}

export async function findWebhook(db: Db | Tx, id: string) {
  return await db.webhook.findUnique({ where: { id } })
}
export type WebhookRow = NonNullable<Awaited<ReturnType<typeof findWebhook>>>

export async function pageWebhooks(db: Db, after: string, take: number) {
  return await db.webhook.findMany({ where: { name: { gt: after } }, orderBy: { name: 'asc' }, take })
}

export async function countWebhooks(tx: Tx): Promise<number> {
  return await tx.webhook.count()
}

export async function addWebhook(
  tx: Tx,
  webhook: Omit<WebhookRow, 'oldSecret' | 'oldSecretUntil' | 'disabledAt' | 'url' | 'secret'> & {
    readonly url: Uint8Array<ArrayBuffer>
    readonly secret: Uint8Array<ArrayBuffer> | null
  },
): Promise<void> {
  await tx.webhook.create({ data: webhook })
}

export async function removeWebhook(tx: Tx, id: string): Promise<void> {
  await tx.webhook.delete({ where: { id } })
}

export async function rotateSecret(
  tx: Tx,
  id: string,
  secret: Uint8Array<ArrayBuffer>,
  old: Uint8Array<ArrayBuffer>,
  oldUntil: Date,
): Promise<void> {
  await tx.webhook.update({ where: { id }, data: { secret, oldSecret: old, oldSecretUntil: oldUntil } })
}

/** True when this call changed it. */
export async function setDisabled(tx: Tx, id: string, at: Date | null): Promise<boolean> {
  const where = at === null ? { id, disabledAt: { not: null } } : { id, disabledAt: null }
  return (await tx.webhook.updateMany({ where, data: { disabledAt: at } })).count === 1
}

/** Deliveries of a disabled webhook do not wait for better days; they can be sent again by hand. */
export async function failPending(tx: Tx, webhookId: string, error: string): Promise<void> {
  await tx.webhookDelivery.updateMany({
    where: { webhookId, state: 'pending' },
    data: { state: 'failed', nextAt: null, lastError: error },
  })
}

/** Attempts that end at the same moment count one after the other: each sees what those before it committed. */
export async function lockWebhook(tx: Tx, id: string): Promise<void> {
  await tx.$queryRaw`SELECT "id" FROM "Webhook" WHERE "id" = ${id} FOR NO KEY UPDATE`
}

/** Deliveries that failed for good since the last one that arrived, and since `since`. */
export async function failuresInARow(tx: Tx, webhookId: string, since: Date): Promise<number> {
  const last = await tx.webhookDelivery.findFirst({
    where: { webhookId, state: 'delivered' },
    orderBy: { deliveredAt: 'desc' },
    select: { createdAt: true },
  })
  const after = last === null ? {} : { gt: last.createdAt }
  const where = { webhookId, state: 'failed', createdAt: { ...after, gte: since } }
  return await tx.webhookDelivery.count({ where })
}

/** When the webhook was made or last enabled by hand. */
export async function enabledSince(tx: Tx, webhook: WebhookRow): Promise<Date> {
  const last = await tx.adminAction.findFirst({
    where: { action: 'webhook-enable', object: `Webhook/${webhook.name}`, at: { gte: webhook.createdAt } },
    orderBy: { at: 'desc' },
    select: { at: true },
  })
  return last?.at ?? webhook.createdAt
}

export async function latestDeliveries(db: Db, webhookIds: readonly string[]) {
  return await db.webhookDelivery.findMany({
    where: { webhookId: { in: [...webhookIds] } },
    orderBy: [{ webhookId: 'asc' }, { createdAt: 'desc' }, { id: 'desc' }],
    distinct: ['webhookId'],
    select: { webhookId: true, state: true, createdAt: true, deliveredAt: true },
  })
}

export async function pageDeliveries(db: Db, webhookId: string, after: { at: Date; id: string } | null, take: number) {
  const rest =
    after === null ? {} : { OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] }
  return await db.webhookDelivery.findMany({
    where: { AND: [{ webhookId }, rest] },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take,
  })
}
export type DeliveryRow = Awaited<ReturnType<typeof pageDeliveries>>[number]

export async function findDelivery(tx: Tx, id: string) {
  return await tx.webhookDelivery.findUnique({ where: { id }, include: { webhook: true } })
}

/** A finished delivery starts anew, under the same event id. False while it is pending. */
export async function restartDelivery(tx: Tx, id: string, at: Date): Promise<boolean> {
  const { count } = await tx.webhookDelivery.updateMany({
    where: { id, state: { not: 'pending' } },
    data: { state: 'pending', attempts: 0, nextAt: at, lastStatus: null, lastError: null },
  })
  return count === 1
}

/** Finished deliveries and dispatched events from before `before`, and secrets whose time is over. */
export async function sweep(db: Db, before: Date, now: Date): Promise<void> {
  await db.webhookDelivery.deleteMany({ where: { state: { not: 'pending' }, createdAt: { lt: before } } })
  await db.outboxEvent.deleteMany({ where: { dispatchedAt: { lt: before } } })
  await db.webhook.updateMany({
    where: { oldSecretUntil: { lt: now } },
    data: { oldSecret: null, oldSecretUntil: null },
  })
}
