// What the store holds of a webhook only encrypted: its address, which is a secret for Slack, and its signing secrets.
import type { Vault } from '../vault.ts'
import type { WebhookRow } from './store.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export const sealUrl = (vault: Vault, id: string, url: string): Uint8Array<ArrayBuffer> =>
  vault.seal(`webhook-url ${id}`, encode(url))

export const sealSecret = (vault: Vault, id: string, secret: string): Uint8Array<ArrayBuffer> =>
  vault.seal(`webhook-secret ${id}`, encode(secret))

export const openUrl = (vault: Vault, webhook: WebhookRow): string =>
  decode(vault.open(`webhook-url ${webhook.id}`, webhook.url))

/** Secrets that sign at this moment: the new one, and during a rotation the old one. None for Slack. */
export function openSecrets(vault: Vault, webhook: WebhookRow, nowMs: number): string[] {
  const { secret, oldSecret, oldSecretUntil } = webhook
  const isOldGood = oldSecret !== null && oldSecretUntil !== null && oldSecretUntil.getTime() > nowMs
  const sealed = [...(secret === null ? [] : [secret]), ...(isOldGood ? [oldSecret] : [])]
  return sealed.map((one) => decode(vault.open(`webhook-secret ${webhook.id}`, one)))
}
