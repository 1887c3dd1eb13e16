// The browser's check of a record, with its own hash and the platform's Ed25519: a good export proves each entry, and every
// change of it is found (THREATS ).

import { toHex, utf8 } from '@sallyport/ledger/bytes'
import { canonicalBytes } from '@sallyport/ledger/canonical'
import type { Entry } from '@sallyport/ledger/entry'
import { parseEntry } from '@sallyport/ledger/shape'
import { exportOf, makeRecord, testAgent, testBody, withEnd } from '@sallyport/ledger/testing-record'
import { beforeAll, expect, test } from 'vitest'
import { signatureCheck } from './ed25519.ts'
import { integrityOf } from './integrity.ts'
import { CannotCheck, hashOf, headOver, linesOf, proveSession, type SessionProof, standingOf } from './proof.ts'
import { sha256 } from './sha256.ts'

const session = '11'.repeat(16)
const other = '22'.repeat(16)
const { opened, intent, denied, outcome, closed } = testBody
const bodies = [
  opened(),
  intent(1),
  outcome(1),
  intent(2, 'select \'a \\"statement\\":99,\''),
  outcome(2),
  denied(3),
  closed(3),
]

let good: readonly string[]
let fingerprint: string

beforeAll(async () => {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey))
  // The record asks for signatures at once: a first pass gathers the messages, a second has them signed.
  const signatures = new Map<string, Uint8Array>()
  const messages: Uint8Array[] = []
  const gather = (message: Uint8Array) => {
    messages.push(message)
    return new Uint8Array(64)
  }
  const of = [{ session, bodies, headsAfter: [2, 4] }]
  makeRecord(sha256, { publicKey, sign: gather }, of)
  for (const message of messages)
    signatures.set(
      toHex(message),
      new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, Uint8Array.from(message))),
    )
  const sign = (message: Uint8Array) => signatures.get(toHex(message)) ?? new Uint8Array(64)
  const record = makeRecord(sha256, { publicKey, sign }, of)
  fingerprint = record.fingerprint
  good = exportOf(sha256, record, { kind: 'session', session })
})

async function prove(lines: readonly string[], pinned: string | null = null): Promise<SessionProof> {
  const bytes = utf8(`${lines.join('\n')}\n`)
  // In pieces that cut lines and characters.
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 97) yield bytes.subarray(at, at + 97)
  }
  return await proveSession(linesOf(pieces()), {
    sha256,
    checkSignature: await signatureCheck(crypto.subtle),
    pinnedKeys: pinned === null ? [] : [{ fingerprint: pinned, agent: testAgent }],
    progress: () => {},
  })
}

const shown: Parameters<typeof integrityOf>[1] = { session, tipSeq: 6, statements: 3, differing: [], unreadable: 0 }
const verdict = (proof: SessionProof, of = shown) => integrityOf({ kind: 'done', proof }, of)

function entryAt(seq: number): Entry {
  const parsed = parseEntry(utf8(JSON.parse(good[4 + seq] ?? '').entry))
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.value
}

test('a good export verifies, names its key, and proves every entry', async () => {
  const proof = await prove(good)
  expect(proof.report.problems).toEqual([])
  expect(proof.report.agents.map((agent) => agent.fingerprint)).toEqual([fingerprint])
  expect(verdict(proof)).toEqual({ kind: 'verified', entries: 7, newer: 0, pinned: false })
  for (let seq = 0; seq < 7; seq++)
    expect(standingOf(sha256, proof, session, entryAt(seq)), `entry ${seq}`).toBe('proven')
  expect(hashOf(proof, 3)).toBe(JSON.parse(good[7] ?? '').hash)
  expect([0, 2, 3, 5].map((seq) => headOver(proof.heads, seq)?.seq)).toEqual([2, 2, 4, 6])
})

test('statements are counted by their entries, whatever their texts say', async () => {
  expect((await prove(good)).statements).toBe(3)
})

test('a pinned key is told as pinned, another one is a problem', async () => {
  expect(verdict(await prove(good, fingerprint))).toMatchObject({ kind: 'verified', pinned: true })
  const proof = await prove(good, '00'.repeat(32))
  expect(proof.report.problems.map(({ reason }) => reason)).toEqual(['key-not-pinned'])
  expect(verdict(proof).kind).toBe('failed')
})

// Lines: 0 header, 1-3 heads, 4-10 entries, 11 end.
const attacks: readonly (readonly [string, (lines: string[]) => string[], string])[] = [
  ['a changed text', (lines) => lines.with(5, (lines[5] ?? '').replace('select 1', 'select 9')), 'entry-hash'],
  ['a dropped denial', (lines) => lines.toSpliced(9, 1), 'entry-missing'],
  ['swapped entries', (lines) => lines.with(6, lines[7] ?? '').with(7, lines[6] ?? ''), 'entry-missing'],
  ['a cut tail', (lines) => lines.toSpliced(9, 2), 'truncated-tail'],
  ['a dropped head', (lines) => lines.toSpliced(3, 1), 'entry-unsigned'],
  [
    'a head signed by somebody else',
    (lines) => lines.with(2, (lines[2] ?? '').replace(/"signature":"[^"]{4}/, '"signature":"AAAA')),
    'head-signature',
  ],
]
test.each(attacks)('%s is found', async (_name, tamper, reason) => {
  const proof = await prove(withEnd(sha256, tamper(good.slice(0, -1))))
  expect(proof.report.problems.map((problem) => problem.reason)).toContain(reason)
  expect(verdict(proof).kind).toBe('failed')
})

test('a cut file is found', async () => {
  const proof = await prove(good.slice(0, -1))
  expect(proof.report.problems.map(({ reason }) => reason)).toEqual(['end-missing'])
})

test('an entry that the page got otherwise differs from the proof', async () => {
  const proof = await prove(good)
  const lied = { ...entryAt(5), code: 'SOMETHING_ELSE' }
  const parsed = parseEntry(canonicalBytes(lied))
  if (!parsed.ok) throw new Error(parsed.reason)
  expect(standingOf(sha256, proof, session, parsed.value)).toBe('differs')
  expect(standingOf(sha256, proof, other, entryAt(5))).toBe('differs')
  expect(verdict(proof, { ...shown, differing: [5] })).toMatchObject({ kind: 'failed', troubles: [{ seq: 5 }] })
})

test('entries past the proof are newer, not wrong', async () => {
  const proof = await prove(good)
  expect(standingOf(sha256, proof, session, { ...entryAt(6), seq: 7 })).toBe('newer')
})

test('a list with a statement fewer than the record is a failure', async () => {
  const proof = await prove(good)
  expect(verdict(proof, { ...shown, statements: 2 })).toMatchObject({
    kind: 'failed',
    troubles: [{ text: 'this page lists 2 statements, the signed record has 3' }],
  })
  expect(verdict(proof, { ...shown, unreadable: 1 }).kind).toBe('failed')
})

test('a record that ends before what the page shows is a failure', async () => {
  expect(verdict(await prove(good), { ...shown, tipSeq: 8 }).kind).toBe('failed')
})

test('an export of another session is a failure', async () => {
  expect(verdict(await prove(good), { ...shown, session: other }).kind).toBe('failed')
})

test('without cryptography it says why it cannot check', async () => {
  await expect(signatureCheck(undefined)).rejects.toThrow('https')
  const subtle = { importKey: () => Promise.reject(new Error('no such algorithm')) }
  await expect(signatureCheck(subtle as unknown as SubtleCrypto)).rejects.toThrow(CannotCheck)
})

test('a line without an end is given up', async () => {
  async function* endless() {
    const piece = utf8('x'.repeat(1_000_000))
    for (;;) yield piece
  }
  const lines = linesOf(endless())
  await expect(lines.next()).rejects.toThrow('does not end')
})
