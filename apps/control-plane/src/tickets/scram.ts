// The SCRAM verifier of a ticket's secret (RFC 5802, section 3; RFC 7677): what a server needs to check a proof, and
// nothing by which somebody could log in.
import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '@sallyport/base/secret'
import { type ScramVerifier, ticketSaltBytes, ticketSaltLabel } from '@sallyport/base/ticket'

const derive = promisify(pbkdf2)
const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Under the installation's key, as agents do it with theirs (packages/base/src/ticket.ts). */
export function ticketSaltBy(maskKey: Uint8Array): (id: string) => Buffer {
  const key = hmac(maskKey, ticketSaltLabel)
  return (id) => hmac(key, id).subarray(0, ticketSaltBytes)
}

/** The secret is ASCII, so that SASLprep (RFC 4013) leaves it as it is. */
export async function verifierOf(secret: Secret, salt: Buffer, iterations: number): Promise<ScramVerifier> {
  const salted = await derive(secret.reveal(), salt, iterations, 32, 'sha256')
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  return {
    iterations,
    salt: salt.toString('base64'),
    storedKey: storedKey.toString('base64'),
    serverKey: hmac(salted, 'Server Key').toString('base64'),
  }
}
