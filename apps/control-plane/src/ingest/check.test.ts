// Batches against what is stored: the good one, repetitions, and each way in which an agent or its key can lie.
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { toHex } from '@sallyport/ledger/bytes'
import { canonicalBytes } from '@sallyport/ledger/canonical'
import type { Head } from '@sallyport/ledger/entry'
import { headBytes, headMessage } from '@sallyport/ledger/head'
import { chainEntries, makeRecord, testAgent, testBody } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import { type AgentChain, checkEntries, needsStoredPrevious, type SessionTip, type ShownBatch } from './check.ts'
import { checkHead } from './heads.ts'
import { recordTools } from './signature.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const signer = {
  publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
  sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
}
const tools = recordTools()
const a = '11'.repeat(16)
const { opened, intent, outcome, closed } = testBody
const record = makeRecord(sha256, signer, [
  { session: a, bodies: [opened(), intent(1), outcome(1), closed(1)], headsAfter: [1] },
])
const agentAt = (heads: number): AgentChain => ({
  id: testAgent,
  recordKey: signer.publicKey,
  recordKeyFingerprint: record.fingerprint,
  headCounter: heads,
  headHash: heads === 0 ? '0'.repeat(64) : record.heads[heads]!.head.previous,
})
const batchOf = (first: number, last: number, head: number): ShownBatch => ({
  session: a,
  firstSeq: first,
  entries: record.entries.slice(first, last + 1).map(({ bytes }) => bytes),
  head: record.heads[head]!.bytes,
  signature: record.heads[head]!.signature,
})
const firstBatch = batchOf(0, 1, 0)
const secondBatch = batchOf(2, 3, 1)
const hashOf = (seq: number) => toHex(record.entries[seq]!.hash)
const tipAt = (seq: number, changes: Partial<SessionTip> = {}): SessionTip => ({
  agent: testAgent,
  seq,
  hash: hashOf(seq),
  closed: seq === 3,
  ...changes,
})
/** A head that the agent's key signs, whatever it says. */
function signed(changes: Partial<Head>, from: ShownBatch = firstBatch, base = record.heads[0]!.head): ShownBatch {
  const head = headBytes({ ...base, ...changes })
  return { ...from, head, signature: signer.sign(headMessage(head)) }
}

test('the first batch of an agent is its next head', () => {
  expect(checkHead(firstBatch, agentAt(0), tools)).toMatchObject({ kind: 'next', hash: record.heads[1]!.head.previous })
})

test('a head that came before is seen again', () => {
  expect(checkHead(firstBatch, agentAt(1), tools)).toMatchObject({ kind: 'seen' })
})

const other = generateKeyPairSync('ed25519')
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' })
test.each<[string, ShownBatch, AgentChain, string]>([
  ['a missing head', secondBatch, agentAt(0), 'heads 1 to 1 of this agent are missing'],
  ['another history', signed({ previous: 'ff'.repeat(32) }), agentAt(0), 'head 1 does not follow the head before it'],
  ['another agent', firstBatch, { ...agentAt(0), id: 'b0'.repeat(16) }, 'another agent than the connection'],
  [
    'another key than the enrolled one',
    firstBatch,
    { ...agentAt(0), recordKeyFingerprint: 'ff'.repeat(32) },
    'another record key',
  ],
  [
    'a signature of another key',
    { ...firstBatch, signature: sign(null, headMessage(firstBatch.head), other.privateKey) },
    agentAt(0),
    'not signed',
  ],
  [
    'a signature over other bytes',
    { ...firstBatch, signature: sign(null, firstBatch.head, privateKey) },
    agentAt(0),
    'not signed',
  ],
  ['a signature of no length', { ...firstBatch, signature: new Uint8Array() }, agentAt(0), 'not signed'],
  [
    'an enrolled key that is no Ed25519 key',
    firstBatch,
    { ...agentAt(0), recordKey: new Uint8Array(p256) },
    'not signed',
  ],
  ['an enrolled key that is no key', firstBatch, { ...agentAt(0), recordKey: new Uint8Array(32) }, 'not signed'],
  ['a head that is none', { ...firstBatch, head: canonicalBytes({ v: 1 }) }, agentAt(0), 'the head lacks field'],
  ['a sequence that cannot be stored', signed({ seq: 2_147_483_648 }), agentAt(0), 'more entries than can be stored'],
])('%s is refused', (_name, batch, agent, reason) => {
  expect(checkHead(batch, agent, tools)).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) })
})

const headOf = (batch: ShownBatch): Head => {
  const judged = checkHead(batch, { ...agentAt(0), headCounter: 1_000 }, tools)
  if (judged.kind === 'refused') throw new Error(judged.reason)
  return judged.head
}
const check = (batch: ShownBatch, tip: SessionTip | null, previous: string | null = null) =>
  checkEntries(batch, headOf(batch), tip, previous, tools)

test('the batches of a session are stored one after the other', () => {
  const first = check(firstBatch, null)
  expect(first).toMatchObject({ kind: 'good', fresh: [{ hash: hashOf(0) }, { hash: hashOf(1) }] })
  expect(check(secondBatch, tipAt(1))).toMatchObject({
    kind: 'good',
    fresh: [{ hash: hashOf(2) }, { hash: hashOf(3) }],
  })
})

test('entries that are stored already are compared, and only the rest is new', () => {
  const whole = batchOf(0, 3, 1)
  expect(check(whole, tipAt(1))).toMatchObject({ kind: 'good', fresh: [{ hash: hashOf(2) }, { hash: hashOf(3) }] })
  const overlapping = batchOf(1, 3, 1)
  expect(needsStoredPrevious(overlapping, tipAt(1))).toBe(true)
  expect(check(overlapping, tipAt(1), hashOf(0))).toMatchObject({ kind: 'good', fresh: [{}, {}] })
  expect(check(firstBatch, tipAt(3))).toMatchObject({ kind: 'good', fresh: [] })
})

/** Entries of a session that the agent chained and signed though they are wrong. */
function made(bodies: Parameters<typeof chainEntries>[2], changes: Partial<Head> = {}): ShownBatch {
  const entries = chainEntries(sha256, a, bodies)
  const last = entries.at(-1)!
  const batch = { ...firstBatch, firstSeq: 0, entries: entries.map(({ bytes }) => bytes) }
  const isClosed = bodies.at(-1)!.kind === 'session-closed'
  return signed({ seq: last.seq, hash: toHex(last.hash), closed: isClosed, ...changes }, batch)
}
const changedEntry = { ...firstBatch, entries: [firstBatch.entries[0]!, record.entries[2]!.bytes] }
const flipped = firstBatch.entries.map((bytes, index) =>
  index === 1 ? Buffer.from(Buffer.from(bytes).toString().replace('select 1', 'select 2')) : bytes,
)

test.each<[string, ShownBatch, SessionTip | null, string]>([
  ['a gap between batches', secondBatch, tipAt(0), 'entries 1 to 1 of this session are missing'],
  ['a session that does not begin at its beginning', secondBatch, null, 'entries 0 to 1 of this session are missing'],
  ['a batch of no entries', { ...firstBatch, entries: [] }, null, 'does not sign the last entry'],
  [
    'a head that signs less than the batch',
    { ...firstBatch, entries: record.entries.slice(0, 3).map(({ bytes }) => bytes) },
    null,
    'does not sign the last entry',
  ],
  ['a head of another session', { ...firstBatch, session: '22'.repeat(16) }, null, 'another session than the batch'],
  ['a session of another agent', secondBatch, tipAt(1, { agent: 'b0'.repeat(16) }), 'belongs to another agent'],
  ['a flipped byte', { ...firstBatch, entries: flipped }, null, 'not those that the head signs'],
  ['an entry in another place', changedEntry, null, 'says that it is entry 2'],
  ['a fork of what is stored', secondBatch, tipAt(1, { hash: 'ff'.repeat(32) }), 'not those that the head signs'],
  ['a repetition with other content', firstBatch, tipAt(0, { hash: 'ff'.repeat(32) }), 'sent again with other content'],
  ['an entry after the closing', secondBatch, tipAt(1, { closed: true }), 'the session is closed'],
  [
    'an entry that is none',
    { ...firstBatch, entries: [firstBatch.entries[0]!, canonicalBytes({ v: 1, kind: 'note' })] },
    null,
    'has an unknown kind',
  ],
  ['an opening of another agent', made([opened('b0'.repeat(16))]), null, 'names another agent'],
  ['a second opening', made([opened(), opened()]), null, 'opens a session that is open'],
  ['a session without an opening', made([intent(1)]), null, 'lacks its opening'],
  ['a closing in the middle', made([opened(), closed(0), intent(1)]), null, 'closes the session before its last entry'],
  [
    'a head that says closed too early',
    made([opened()], { closed: true }),
    null,
    'does not agree with its head about the end',
  ],
  [
    'a head that hides the closing',
    made([opened(), closed(0)], { closed: false }),
    null,
    'does not agree with its head about the end',
  ],
])('%s is refused', (_name, batch, tip, reason) => {
  expect(check(batch, tip)).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) })
})
