// Ed25519 by the browser (RFC 8032, Web Cryptography). Says so when the browser or the page's address does not allow it.
import { fromBase64 } from '@sallyport/ledger/bytes'
import { CannotCheck, type CheckSignature } from './proof.ts'

/** The public key of RFC 8032 §7.1, TEST 1, as SPKI: a browser that cannot read it has no Ed25519. */
const knownKey = 'MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='

/** Of `globalThis.crypto.subtle`, which is missing on addresses that are neither https nor the machine itself. */
export async function signatureCheck(subtle: SubtleCrypto | undefined): Promise<CheckSignature> {
  if (subtle === undefined)
    throw new CannotCheck('the browser gives cryptography to https pages only; open the console by its https address')
  const read = (key: Uint8Array) => subtle.importKey('spki', Uint8Array.from(key), 'Ed25519', false, ['verify'])
  const known = await read(fromBase64(knownKey) ?? new Uint8Array()).catch(() => null)
  if (known === null) throw new CannotCheck('this browser has no Ed25519; use a newer one, or the command line')
  const keys = new Map<string, CryptoKey | null>()
  return async (key, message, signature) => {
    const name = key.join(' ')
    const ready = keys.get(name) ?? (await read(key).catch(() => null))
    keys.set(name, ready)
    if (ready === null) return false
    return await subtle
      .verify('Ed25519', ready, Uint8Array.from(signature), Uint8Array.from(message))
      .catch(() => false)
  }
}
