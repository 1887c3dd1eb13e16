// The way out for events: written in the transaction of the change itself, sent later by whoever delivers webhooks. The
// payload holds parsed facts, names and a link; never the text of a statement, a parameter or a secret.
import type { WebhookEventName } from '@sallyport/api/webhooks'
import type { Tx } from '../db.ts'

export interface NewEvent {
  readonly id: string
  readonly at: Date
  readonly event: WebhookEventName
  /** Id of the thing that it happened to. */
  readonly subject: string
  readonly payload: object
}

/** Appends an event; call it with the change's transaction. */
export async function appendOutbox(tx: Tx, event: NewEvent): Promise<void> {
  const { id, at, event: name, subject, payload } = event
  await tx.outboxEvent.create({ data: { id, event: name, subject, payload, createdAt: at } })
}
