// The chain of one session: each entry's hash covers its place, the hash before it and its exact bytes.
// INVARIANT: the layout is fixed for `v: 1`; every part has its length fixed or written before it (THREATS ).
import { assert } from '@sallyport/base/assert'
import { concat, type Sha256, utf8 } from './bytes.ts'

export const hashBytes = 32

const entryDomain = utf8('sallyport-entry-v1\0')
const sessionDomain = utf8('sallyport-session-v1\0')

/** What stands before the first entry of a session. `session` is the id as entries write it, 32 hex digits. */
export function firstPrevious(sha256: Sha256, session: string): Uint8Array {
  return sha256(concat(sessionDomain, utf8(session)))
}

/** SHA-256("sallyport-entry-v1\0" ‖ u64 seq ‖ previous ‖ u32 length ‖ bytes), numbers big-endian. */
export function entryHash(sha256: Sha256, seq: number, previous: Uint8Array, bytes: Uint8Array): Uint8Array {
  assert(previous.length === hashBytes, 'a previous hash has 32 bytes')
  const prefix = entryDomain.length
  const message = new Uint8Array(prefix + 8 + hashBytes + 4 + bytes.length)
  const view = new DataView(message.buffer)
  message.set(entryDomain)
  // A safe integer needs two writes: setUint32 alone would drop the high part.
  view.setUint32(prefix, Math.floor(seq / 4_294_967_296))
  view.setUint32(prefix + 4, seq % 4_294_967_296)
  message.set(previous, prefix + 8)
  view.setUint32(prefix + 8 + hashBytes, bytes.length)
  message.set(bytes, prefix + 12 + hashBytes)
  return sha256(message)
}
