// Heads: what an agent signs for each batch, and the chain that they form per agent.
// INVARIANT: a head names its predecessor's hash, so an agent cannot show two histories without a fork (THREATS ).
import { concat, type Sha256, utf8 } from './bytes.ts'
import { canonicalBytes } from './canonical.ts'
import type { Head } from './entry.ts'

/** `previous` of an agent's first head. */
export const noHead = '0'.repeat(64)

const headDomain = utf8('sallyport-head-v1\0')

export const headBytes = (head: Head): Uint8Array => canonicalBytes(head)

/** What is signed, and what is hashed for the next head's `previous`. */
export const headMessage = (bytes: Uint8Array): Uint8Array => concat(headDomain, bytes)

export const headHash = (sha256: Sha256, bytes: Uint8Array): Uint8Array => sha256(headMessage(bytes))

/** Ed25519 (RFC 8032) over the message. `publicKey` is SPKI, DER. False for anything that is not a good signature. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
