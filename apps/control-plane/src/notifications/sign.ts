// Standard Webhooks signatures (standardwebhooks.com): id, timestamp and exact body under a secret that only the receiver has.
import { Webhook } from 'standardwebhooks'

/** Bytes of a secret; the specification permits 24 to 64. */
const secretBytes = 32
/** After a rotation both secrets sign for this long, in milliseconds. */
export const rotationMs = 86_400_000

export const newSecret = (randomBytes: (size: number) => Buffer): string =>
  `whsec_${randomBytes(secretBytes).toString('base64')}`

/** Headers of one attempt. The id is that of the event: a receiver that sees it twice has seen the event twice. */
export function signedHeaders(
  eventId: string,
  atMs: number,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const at = new Date(atMs)
  return {
    'webhook-id': eventId,
    'webhook-timestamp': String(Math.floor(atMs / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(eventId, at, body)).join(' '),
  }
}
