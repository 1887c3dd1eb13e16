// Any single change to an exported record is found, at its line (STYLE §5: "any change to a chain is found at its index").
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EntryBody } from './entry.ts'
import { exportOf, makeRecord, type TestSession, testBody, withEnd } from './testing-record.ts'
import { verifyExport } from './verify.ts'

const numRuns = process.env.SALLYPORT_TEST === 'full' ? 3_000 : 200

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const tools = {
  sha256,
  verifySignature: (_spki: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    verify(null, message, publicKey, signature),
  pinnedKeys: [
    {
      fingerprint: createHash('sha256')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex'),
    },
  ],
}
const signer = {
  publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
  sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
}

const kinds = ['run', 'deny', 'cut', 'hold-approve', 'hold-deny', 'hold-open'] as const
const statements = fc.array(fc.constantFrom(...kinds), { maxLength: 4 })
const bodiesOf = (kinds: readonly string[]): EntryBody[] => [
  testBody.opened(),
  ...kinds.flatMap((kind, index) => {
    if (kind === 'deny') return [testBody.denied(index + 1)]
    if (kind === 'hold-open') return [testBody.held(index + 1)]
    if (kind === 'hold-deny') return [testBody.held(index + 1), testBody.holdEnded(index + 1, 'denied')]
    if (kind === 'hold-approve')
      return [testBody.held, testBody.holdEnded, testBody.approved, testBody.outcome].map((make) => make(index + 1))
    return kind === 'cut' ? [testBody.intent(index + 1)] : [testBody.intent(index + 1), testBody.outcome(index + 1)]
  }),
  testBody.closed(kinds.length),
]
const sessions: fc.Arbitrary<TestSession[]> = fc
  .array(fc.record({ kinds: statements, heads: fc.uniqueArray(fc.nat(9), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((drafts) =>
    drafts.map(({ kinds, heads }, index) => ({
      session: String(index + 1).repeat(32),
      bodies: bodiesOf(kinds),
      headsAfter: heads,
    })),
  )
const exported = sessions.map((made) => exportOf(sha256, makeRecord(sha256, signer, made)))

test('whatever was recorded verifies', () => {
  fc.assert(
    fc.property(exported, (lines) => {
      expect(verifyExport(lines, tools).problems).toEqual([])
    }),
    { numRuns },
  )
})

test('a changed character of any entry or head is found at its line, even when the end line is made to fit', () => {
  fc.assert(
    fc.property(
      exported,
      fc.nat(),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (lines, which, where, character) => {
        const index = 1 + (which % (lines.length - 2))
        const line = lines[index]!
        const place = where % line.length
        const changed = line.slice(0, place) + character + line.slice(place + 1)
        fc.pre(changed !== line)
        const report = verifyExport(withEnd(sha256, lines.slice(0, -1).with(index, changed)), tools)
        expect(report.ok).toBe(false)
        expect(Math.min(...report.problems.map((problem) => problem.line))).toBe(index + 1)
      },
    ),
    { numRuns },
  )
})

test('a dropped, repeated or moved line is found, even when the end line is made to fit', () => {
  const change = fc.constantFrom<'drop' | 'repeat' | 'move'>('drop', 'repeat', 'move')
  fc.assert(
    fc.property(exported, fc.nat(), fc.nat(), change, (lines, which, to, kind) => {
      const body = lines.slice(0, -1)
      const index = 1 + (which % (body.length - 1))
      const target = 1 + (to % (body.length - 1))
      const line = body[index]!
      const rest = body.toSpliced(index, 1)
      const changed =
        kind === 'drop' ? rest : kind === 'repeat' ? body.toSpliced(index, 0, line) : rest.toSpliced(target, 0, line)
      fc.pre(changed.join('\n') !== body.join('\n'))
      // Without the first head of all, the file is that of a later moment: the heads that follow sign the same entries.
      fc.pre(kind !== 'drop' || index !== 1)
      expect(verifyExport(withEnd(sha256, changed), tools).ok).toBe(false)
    }),
    { numRuns },
  )
})

test('any lines give a report, and only a real export a good one', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.json()), { maxLength: 5 }), (lines) => {
      expect(verifyExport(lines, tools).ok).toBe(false)
    }),
    { numRuns },
  )
})
