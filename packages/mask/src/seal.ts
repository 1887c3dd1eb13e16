// Pseudonyms carry a checksum of themselves, so that they are recognised when they come back, without a list of those that
// were given out. It needs no key: whoever forges one only gets a write refused.

/** 16 bytes: the first 12, and FNV-1a (32 bits, draft-eastlake-fnv) over them. */
export function sealed(pseudonym: Uint8Array): Uint8Array {
  const whole = Uint8Array.from(pseudonym.subarray(0, 16))
  new DataView(whole.buffer).setUint32(12, checksum(whole))
  return whole
}

/** Are these 16 bytes a pseudonym? Of others one in 2^32 is taken for one. */
export const isSealed = (value: Uint8Array): boolean =>
  value.length === 16 && new DataView(value.buffer, value.byteOffset, 16).getUint32(12) === checksum(value)

function checksum(value: Uint8Array): number {
  let sum = 0x811c9dc5
  for (let at = 0; at < 12; at++) sum = Math.imul(sum ^ (value[at] ?? 0), 0x01000193)
  return sum >>> 0
}
