// One entry as it lies in a segment: what recovery must know without parsing, then the exact canonical bytes.
import { limits } from '@sallyport/base/limits'
import type { EntryBody } from '@sallyport/ledger/entry'
import { frameHeaderBytes, sealFrame } from './frame.ts'

export interface Spooled {
  readonly kind: EntryBody['kind']
  readonly session: string
  readonly seq: number
  readonly monoUs: number
  /** Statements of the session so far, this entry included. */
  readonly statements: number
  /** Hash of the chain up to this entry. */
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
}

const kinds = [
  'session-opened',
  'intent',
  'denied',
  'outcome',
  'session-closed',
  'held',
  'hold-ended',
] as const satisfies readonly EntryBody['kind'][]

// kind u8, session 16 bytes, seq u64, monoUs u64, statements u32, hash 32 bytes.
const headerBytes = 1 + 16 + 8 + 8 + 4 + 32
export const spooledBytesMax = headerBytes + limits.entryBytesMax

export function encodeSpooled(entry: Spooled): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + headerBytes + entry.bytes.length)
  let at = frame.writeUInt8(kinds.indexOf(entry.kind), frameHeaderBytes)
  at += frame.write(entry.session, at, 16, 'hex')
  at = writeUint64(frame, entry.seq, at)
  at = writeUint64(frame, entry.monoUs, at)
  at = frame.writeUInt32BE(entry.statements, at)
  frame.set(entry.hash, at)
  frame.set(entry.bytes, at + 32)
  return sealFrame(frame)
}

/** A safe integer, in two halves: a BigInt costs more than all else of an entry's header. */
function writeUint64(frame: Buffer, value: number, at: number): number {
  frame.writeUInt32BE(Math.floor(value / 4_294_967_296), at)
  return frame.writeUInt32BE(value % 4_294_967_296, at + 4)
}

function readUint64(payload: Buffer, at: number): number {
  return payload.readUInt32BE(at) * 4_294_967_296 + payload.readUInt32BE(at + 4)
}

/**
 * Undefined for a payload that a good CRC covers and yet is none of ours: the segment counts as damaged. `hash` and `bytes` are
 * parts of the payload's own memory.
 */
export function decodeSpooled(payload: Buffer): Spooled | undefined {
  const kind = kinds[payload[0] ?? kinds.length]
  if (payload.length < headerBytes || kind === undefined) return undefined
  const seq = readUint64(payload, 17)
  const monoUs = readUint64(payload, 25)
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(monoUs)) return undefined
  return {
    kind,
    session: payload.toString('hex', 1, 17),
    seq,
    monoUs,
    statements: payload.readUInt32BE(33),
    hash: payload.subarray(37, headerBytes),
    bytes: payload.subarray(headerBytes),
  }
}
