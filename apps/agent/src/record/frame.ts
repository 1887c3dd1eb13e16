// Frames of the spool's files: u32 length, u32 CRC-32 of the payload, payload. Numbers are big-endian.
// A scan ends at the first frame that is torn or damaged, and says where; it never guesses what came after.
import { crc32 } from 'node:zlib'

export const frameHeaderBytes = 8

export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length)
  frame.set(payload, frameHeaderBytes)
  return sealFrame(frame)
}

/** Fills in the header of a frame whose payload is in place. */
export function sealFrame(frame: Buffer): Buffer {
  frame.writeUInt32BE(frame.length - frameHeaderBytes, 0)
  frame.writeUInt32BE(crc32(frame.subarray(frameHeaderBytes)), 4)
  return frame
}

export interface FrameScan {
  readonly payloads: readonly { readonly payload: Buffer; readonly offset: number; readonly length: number }[]
  /** Bytes of whole, good frames. */
  readonly end: number
  /** Why the scan ended before the bytes did. */
  readonly stopped: 'end' | 'torn' | 'damaged'
}

export function scanFrames(bytes: Buffer, payloadBytesMax: number): FrameScan {
  const payloads: { payload: Buffer; offset: number; length: number }[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < frameHeaderBytes) return { payloads, end: at, stopped: 'torn' }
    const length = bytes.readUInt32BE(at)
    // An empty payload is what a tail of zeros looks like after a power cut.
    if (length === 0 || length > payloadBytesMax) return { payloads, end: at, stopped: 'damaged' }
    const next = at + frameHeaderBytes + length
    if (next > bytes.length) return { payloads, end: at, stopped: 'torn' }
    const payload = bytes.subarray(at + frameHeaderBytes, next)
    if (crc32(payload) !== bytes.readUInt32BE(at + 4)) return { payloads, end: at, stopped: 'damaged' }
    payloads.push({ payload, offset: at, length: next - at })
    at = next
  }
  return { payloads, end: at, stopped: 'end' }
}
