// An agent with a record key, and its batches as Ingest messages, for tests of ingest and recordings.
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { toHex } from '@sallyport/ledger/bytes'
import type { EntryBody, Head } from '@sallyport/ledger/entry'
import { headBytes, headHash, headMessage, noHead } from '@sallyport/ledger/head'
import type { TestEntry } from '@sallyport/ledger/testing-record'
import { chainEntries } from '@sallyport/ledger/testing-record'
import { EntryBatchSchema, SignedHeadSchema } from '@sallyport/proto/gen/sallyport/v1/entry_pb'
import { type IngestRequest, IngestRequestSchema } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { Db } from '../src/db.ts'

export const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
export const verifySignature = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  verify(null, message, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature)

export interface RecordingAgent {
  readonly id: string
  readonly fingerprint: string
  /** Entries `first` to `last` of a chained session under the agent's next head; with `changes`, a lying one. */
  batch(entries: readonly TestEntry[], first?: number, last?: number, changes?: Partial<Head>): IngestRequest
  /** A whole session in one batch. */
  session(session: string, bodies: readonly EntryBody[]): IngestRequest
  /** As if the last batch had never been made. */
  forget(): void
}

export async function recordingAgent(db: Db, name: string, lastSeenAt: Date | null = null): Promise<RecordingAgent> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const recordKey = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const fingerprint = toHex(sha256(recordKey))
  const id = randomBytes(16).toString('hex')
  await db.agent.create({
    data: {
      id,
      name,
      advertise: '127.0.0.1:6432',
      softwareVersion: '0.1.0',
      recordKey,
      recordKeyFingerprint: fingerprint,
      certificateSerial: '01',
      lastSeenAt,
    },
  })
  let heads: { counter: number; hash: string }[] = [{ counter: 0, hash: noHead }]
  const batch: RecordingAgent['batch'] = (entries, first = 0, last = entries.length - 1, changes = {}) => {
    const tip = entries[last]!
    const before = heads.at(-1)!
    const head: Head = {
      v: 1,
      session: tip.session,
      seq: tip.seq,
      hash: toHex(tip.hash),
      agent: id,
      key: fingerprint,
      counter: before.counter + 1,
      previous: before.hash,
      atMs: 1_780_000_000_000 + 1_000 * (before.counter + 1),
      closed: Buffer.from(tip.bytes).includes('"kind":"session-closed"'),
      ...changes,
    }
    const bytes = headBytes(head)
    heads = [...heads, { counter: head.counter, hash: toHex(headHash(sha256, bytes)) }]
    const signature = new Uint8Array(sign(null, headMessage(bytes), privateKey))
    return create(IngestRequestSchema, {
      batchId: BigInt(head.counter),
      batch: create(EntryBatchSchema, {
        session: tip.session,
        firstSeq: BigInt(entries[first]!.seq),
        entries: entries.slice(first, last + 1).map((entry) => entry.bytes),
        head: create(SignedHeadSchema, { head: bytes, signature }),
      }),
    })
  }
  return {
    id,
    fingerprint,
    batch,
    session: (session, bodies) => batch(chainEntries(sha256, session, bodies)),
    forget() {
      heads = heads.slice(0, -1)
    },
  }
}
