// Bytes that another program made (Python and OpenSSL, from the words of docs/recording-format.md), and the examples of
// that document itself: whoever follows the document gets what we get.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromHex, toBase64, toHex, utf8 } from './bytes.ts'
import { parseCanonical } from './canonical.ts'
import { entryHash, firstPrevious } from './chain.ts'
import { headBytes, headHash, headMessage } from './head.ts'
import { noticeReasons, problemReasons } from './report.ts'
import { parseEntry, parseHead } from './shape.ts'
import { verifyExport } from './verify.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const verifySignature = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  verify(null, message, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature)

const golden = readFileSync(new URL('../testdata/golden.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const fingerprint = '06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9'

test('the golden export verifies, with its key pinned', () => {
  const report = verifyExport(golden, { sha256, verifySignature, pinnedKeys: [{ fingerprint }] })
  expect(report.problems).toEqual([])
  expect(report.ok).toBe(true)
  expect(
    report.sessions.map(({ session, state, entries, signedEntries, statements, denied, outcomesUnknown }) => ({
      session,
      state,
      entries,
      signedEntries,
      statements,
      denied,
      outcomesUnknown,
    })),
  ).toEqual([
    {
      session: '11'.repeat(16),
      state: 'closed',
      entries: 5,
      signedEntries: 5,
      statements: 2,
      denied: 1,
      outcomesUnknown: [],
    },
    {
      session: '22'.repeat(16),
      state: 'interrupted',
      entries: 3,
      signedEntries: 3,
      statements: 1,
      denied: 0,
      outcomesUnknown: [1],
    },
  ])
  expect(report.notices.map(({ reason, line }) => [reason, line])).toEqual([
    ['outcome-unknown', 12],
    ['session-interrupted', 13],
  ])
  expect(report.agents).toEqual([
    { id: 'a0'.repeat(16), name: 'eu-1', fingerprint, pinned: true, heads: 4, firstCounter: 1, lastCounter: 4 },
  ])
})

test('the golden export with held statements verifies, and the report counts them', () => {
  const lines = readFileSync(new URL('../testdata/golden-held.ndjson', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  for (const line of lines) expect(parseCanonical(utf8(line), 100_000).ok).toBe(true)
  const report = verifyExport(lines, { sha256, verifySignature, pinnedKeys: [{ fingerprint }] })
  expect(report.problems).toEqual([])
  expect(report.sessions).toMatchObject([
    { session: '44'.repeat(16), state: 'closed', entries: 13, signedEntries: 13, statements: 5, held: 3, denied: 1 },
    { session: '55'.repeat(16), state: 'interrupted', entries: 3, signedEntries: 3, statements: 1, held: 1, denied: 0 },
  ])
  expect(report.notices.map(({ reason, seq }) => [reason, seq])).toEqual([
    ['hold-open', 1],
    ['session-interrupted', null],
  ])
})

const document = readFileSync(new URL('../../../docs/recording-format.md', import.meta.url), 'utf8')

/** The example under `<!-- example: NAME -->`: the content of the code block that follows. */
function example(name: string): string {
  const found = new RegExp(`<!-- example: ${name} -->\\n+\`\`\`[a-z]*\\n([^]*?)\\n\`\`\``).exec(document)
  expect(found, `docs/recording-format.md has no example "${name}"`).not.toBeNull()
  return found![1]!
}
const bytesOf = (name: string): Uint8Array => fromHex(example(name).replace(/\s+/g, ''))!

test('the example entries of the document have the hashes that it states', () => {
  const session = '33'.repeat(16)
  const opening = utf8(example('entry-0'))
  const closing = utf8(example('entry-1'))
  expect(parseEntry(opening)).toMatchObject({ ok: true, value: { kind: 'session-opened', session, seq: 0 } })
  expect(parseEntry(closing)).toMatchObject({ ok: true, value: { kind: 'session-closed', session, seq: 1 } })
  const first = firstPrevious(sha256, session)
  expect(toHex(first)).toBe(toHex(bytesOf('first-previous')))
  const hash0 = entryHash(sha256, 0, first, opening)
  expect(toHex(hash0)).toBe(toHex(bytesOf('entry-0-hash')))
  const hash1 = entryHash(sha256, 1, hash0, closing)
  expect(toHex(hash1)).toBe(toHex(bytesOf('entry-1-hash')))
  expect(toHex(sha256(bytesOf('entry-1-message')))).toBe(toHex(hash1))
})

test('the example head of the document is signed by the example key', () => {
  // RFC 8032 §7.1, TEST 1.
  const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = bytesOf('record-key')
  expect(toHex(new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })))).toBe(toHex(spki))
  expect(toHex(sha256(spki))).toBe(toHex(bytesOf('fingerprint')))
  const bytes = utf8(example('head'))
  const parsed = parseHead(bytes)
  expect(parsed.ok && toHex(headBytes(parsed.value))).toBe(toHex(bytes))
  const signature = sign(null, headMessage(bytes), key)
  expect(toBase64(new Uint8Array(signature))).toBe(example('head-signature'))
  expect(verifySignature(spki, headMessage(bytes), signature)).toBe(true)
  expect(toHex(headHash(sha256, bytes))).toBe(toHex(bytesOf('head-hash')))
})

test('the example export of the document verifies', () => {
  const report = verifyExport(example('export').split('\n'), { sha256, verifySignature, pinnedKeys: [{ fingerprint }] })
  expect(report.problems).toEqual([])
  expect(report.sessions).toHaveLength(1)
})

test('each line of the golden export is canonical JSON', () => {
  for (const line of golden) expect(parseCanonical(utf8(line), 100_000).ok).toBe(true)
})

test('the document explains every reason that a report can give', () => {
  for (const reason of [...problemReasons, ...noticeReasons]) expect(document).toContain(`\`${reason}\``)
})
