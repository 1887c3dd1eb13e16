// The ledger's two needs, met by node:crypto: SHA-256, and Ed25519 with a record key that is read once an agent.
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import type { Tools } from './check.ts'

/** Read keys that are kept; past it they are read anew. */
const keysMax = 1_000
/** RFC 8032: an Ed25519 signature has 64 bytes. */
const signatureBytes = 64

export function recordTools(): Tools {
  const keys = new Map<string, KeyObject | null>()
  const keyOf = (spki: Uint8Array): KeyObject | null => {
    const name = Buffer.from(spki).toString('base64')
    const known = keys.get(name)
    if (known !== undefined) return known
    if (keys.size >= keysMax) keys.clear()
    const key = readKey(spki)
    keys.set(name, key)
    return key
  }
  return {
    // By way of a string: Node makes a 32-byte Buffer of its own memory three times slower than this.
    sha256: (bytes) => Buffer.from(hash('sha256', bytes, 'binary'), 'latin1'),
    verifySignature: (publicKey, message, signature) => {
      const key = keyOf(publicKey)
      return key !== null && signature.length === signatureBytes && verify(null, message, key, signature)
    },
  }
}

/** Null for what is not an Ed25519 key: nothing is signed by it. */
function readKey(spki: Uint8Array): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'ed25519' ? key : null
  } catch {
    return null
  }
}
