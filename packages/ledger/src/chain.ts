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

/** Messages up to this size share one buffer, in bytes: a new one for each entry would cost more than its hash. */
const scratchBytes = 65_536
const scratch = new Uint8Array(scratchBytes)

/** SHA-256("sallyport-entry-v1\0" ‖ u64 seq ‖ previous ‖ u32 length ‖ bytes), numbers big-endian. */
export function entryHash(sha256: Sha256, seq: number, previous: Uint8Array, bytes: Uint8Array): Uint8Array {
  assert(previous.length === hashBytes, 'a previous hash has 32 bytes')
  const prefix = entryDomain.length
  const length = prefix + 8 + hashBytes + 4 + bytes.length
  const message = length <= scratchBytes ? scratch.subarray(0, length) : new Uint8Array(length)
  message.set(entryDomain)
  // Two halves: bit operations of JavaScript end at 32 bits.
  putUint32(message, prefix, Math.floor(seq / 4_294_967_296))
  putUint32(message, prefix + 4, seq % 4_294_967_296)
  message.set(previous, prefix + 8)
  putUint32(message, prefix + 8 + hashBytes, bytes.length)
  message.set(bytes, prefix + 12 + hashBytes)
  return sha256(message)
}

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
