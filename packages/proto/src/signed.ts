// What exactly is signed for a snapshot: a domain, then the payload as it travels. Nothing is encoded again to verify it.

const snapshotDomain = new TextEncoder().encode('sallyport-snapshot-v1\0')

/** "sallyport-snapshot-v1\0" and the payload bytes. */
export function signedBytesOf(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(snapshotDomain.length + payload.length)
  bytes.set(snapshotDomain)
  bytes.set(payload, snapshotDomain.length)
  return bytes
}
