// What sessions get of the agent's own identity, and its clock that never goes back.
import { createHmac, X509Certificate } from 'node:crypto'
import type { Secret } from '@sallyport/base/secret'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { CallerAuthority } from './certificate.ts'

export const callerAuthorityOf = (of: {
  readonly caCertificate: string
  readonly installation: string
}): CallerAuthority => ({
  certificate: new X509Certificate(of.caCertificate),
  installation: of.installation,
})

/** Of the process' own clock, which never goes back; with BigInt it would cost ten times as much. */
export const monotonicUs = (): number => Math.floor(performance.now() * 1_000)

/** HMAC-SHA-256 under the installation's mask key: equal values hash equally at all agents, and nowhere else. */
export function maskHashOf(maskKey: Secret): KeyedHash {
  const key = Buffer.from(maskKey.reveal(), 'base64')
  return (value) => createHmac('sha256', key).update(value).digest()
}
