// Attacks on exported records, one a name (THREATS R-6.12): each is found, with its reason, at its line.
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { toHex } from './bytes.ts'
import { canonicalText } from './canonical.ts'
import { entryLine, exportLineCharsMax, headLine, textOf } from './export.ts'
import { findingsMax, type ProblemReason } from './report.ts'
import {
  chainEntries,
  exportOf,
  makeRecord,
  type TestRecord,
  type TestSigner,
  testAgent,
  testBody,
  withEnd,
} from './testing-record.ts'
import { type PinnedKey, verifyExport } from './verify.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const verifySignature = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  verify(null, message, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature)

function newSigner(): TestSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  }
}

const signer = newSigner()
const a = '11'.repeat(16)
const b = '22'.repeat(16)
const { opened, intent, denied, held, holdEnded, approved, outcome, closed } = testBody
const sessions = [
  {
    session: a,
    bodies: [opened(), intent(1), outcome(1), intent(2), outcome(2), denied(3), closed(3)],
    headsAfter: [2, 4],
  },
  { session: b, bodies: [opened(), intent(1), outcome(1), closed(1)], headsAfter: [1] },
]
const record = makeRecord(sha256, signer, sessions)
const pinned: PinnedKey[] = [{ fingerprint: record.fingerprint, agent: testAgent }]
const good = exportOf(sha256, record)
// Line 1 header; 2-4 heads of a (sequences 2, 4, 6); 5-6 heads of b (1, 3); 7-13 entries of a; 14-17 of b; 18 end.
const firstHead = 2
const entryOfA = (seq: number) => 7 + seq
const entryOfB = (seq: number) => 14 + seq

/** The lines before the end, changed by `tamper` (1-based places), with an end that fits again. */
function forged(tamper: (lines: string[]) => unknown, from: readonly string[] = good): string[] {
  const lines = from.slice(0, -1)
  const changed = tamper(lines)
  return withEnd(sha256, Array.isArray(changed) ? changed : lines)
}
const at = (line: number) => line - 1
const swap = (lines: string[], one: number, other: number) => {
  ;[lines[at(one)], lines[at(other)]] = [lines[at(other)]!, lines[at(one)]!]
}
const drop =
  (...places: number[]) =>
  (lines: string[]) =>
    lines.filter((_, index) => !places.includes(index + 1))
const findings = (lines: Iterable<string>, pinnedKeys: PinnedKey[] = pinned) =>
  verifyExport(lines, { sha256, verifySignature, pinnedKeys }).problems.map(({ reason, line, session, seq }) => ({
    reason,
    line,
    session,
    seq,
  }))

test('an untouched export has no problem, and its report tells what is in it', () => {
  const report = verifyExport(good, { sha256, verifySignature, pinnedKeys: pinned })
  expect(report).toMatchObject({
    ok: true,
    problems: [],
    notices: [],
    entries: 11,
    heads: 5,
    scope: 'range',
    installation: 'shop',
  })
  expect(report.sessions).toMatchObject([
    {
      session: a,
      state: 'closed',
      entries: 7,
      firstSeq: 0,
      lastSeq: 6,
      statements: 3,
      denied: 1,
      signedEntries: 7,
      target: 'orders',
      initiator: 'Ann',
    },
    { session: b, state: 'closed', entries: 4, statements: 1, outcomesUnknown: [] },
  ])
})

/** Lines of a session whose chain was computed anew after a change, without the key to sign it. */
function rechained(bodies: Parameters<typeof chainEntries>[2], session = a): string[] {
  return chainEntries(sha256, session, bodies).map(({ bytes, hash }) => entryLine(textOf(bytes), toHex(hash)))
}

interface Attack {
  name: string
  lines: string[]
  reason: ProblemReason
  line: number
  seq?: number
  pins?: PinnedKey[]
}

const otherSigner = newSigner()
const otherRecord = makeRecord(sha256, otherSigner, sessions)
const forkedHead = makeRecord(sha256, signer, [{ session: a, bodies: [opened(), intent(1, 'select 99')] }]).heads[0]!
const sharedKeyHeader = good[0]!.replace(
  '"agents":[',
  `"agents":[${canonicalText({ fingerprint: record.fingerprint, id: 'b0'.repeat(16), name: 'eu-2', recordKey: Buffer.from(record.publicKey).toString('base64') })},`,
)
const sessionScope = { kind: 'session', session: a } as const
const onlyA: TestRecord = { ...record, entries: record.entries.slice(0, 7), heads: record.heads.slice(0, 3) }
const exportOfA = exportOf(sha256, onlyA, sessionScope)

const attacks: Attack[] = [
  {
    name: 'flipped-byte',
    lines: forged((lines) => {
      lines[at(entryOfA(3))] = lines[at(entryOfA(3))]!.replace('select 2', 'select 3')
    }),
    reason: 'entry-hash',
    line: entryOfA(3),
    seq: 3,
  },
  {
    name: 'flipped-hash',
    lines: forged((lines) => {
      lines[at(entryOfA(3))] = lines[at(entryOfA(3))]!.replace(
        /"hash":"./,
        (hash) => `${hash.slice(0, -1)}${hash.endsWith('0') ? '1' : '0'}`,
      )
    }),
    reason: 'entry-hash',
    line: entryOfA(3),
    seq: 3,
  },
  {
    name: 'swapped-entries',
    lines: forged((lines) => swap(lines, entryOfA(1), entryOfA(2))),
    reason: 'entry-missing',
    line: entryOfA(1),
    seq: 2,
  },
  { name: 'dropped-entry', lines: forged(drop(entryOfA(5))), reason: 'entry-missing', line: entryOfA(5), seq: 6 },
  { name: 'dropped-opening', lines: forged(drop(entryOfB(0))), reason: 'entry-missing', line: entryOfB(0), seq: 1 },
  {
    name: 'repeated-entry',
    lines: forged((lines) => lines.toSpliced(entryOfA(4), 0, lines[at(entryOfA(4))]!)),
    reason: 'entry-out-of-order',
    line: entryOfA(5),
    seq: 4,
  },
  {
    name: 'recomputed-chain',
    lines: forged((lines) =>
      lines.toSpliced(
        at(entryOfA(0)),
        7,
        ...rechained([opened(), intent(1), outcome(1), intent(2, 'select 0'), outcome(2), denied(3), closed(3)]),
      ),
    ),
    reason: 'head-mismatch',
    line: entryOfA(4),
    seq: 4,
  },
  {
    name: 'truncated-tail',
    lines: forged(drop(entryOfA(5), entryOfA(6))),
    reason: 'truncated-tail',
    line: entryOfA(5),
    seq: 5,
  },
  {
    name: 'truncated-tail-with-its-head',
    lines: forged(drop(4, entryOfA(5), entryOfA(6))),
    reason: 'head-gap',
    line: 4,
  },
  { name: 'dropped-session', lines: forged(drop(14, 15, 16, 17)), reason: 'session-missing', line: 5 },
  {
    name: 'dropped-session-with-its-heads',
    lines: forged(
      drop(3, 4, 5, 10, 11, 12, 13, 14, 15, 16),
      exportOf(
        sha256,
        makeRecord(sha256, signer, [{ session: '33'.repeat(16), bodies: [opened(), closed(0)] }, ...sessions]),
      ),
    ),
    reason: 'head-gap',
    line: 3,
  },
  {
    name: 'spliced-session',
    lines: forged((lines) => lines.toSpliced(at(entryOfA(3)), 0, lines[at(entryOfB(1))]!)),
    reason: 'session-spliced',
    line: entryOfA(3),
    seq: 1,
  },
  {
    name: 'replaced-by-another-sessions-entry',
    lines: forged((lines) => {
      lines[at(entryOfA(1))] = lines[at(entryOfB(1))]!
    }),
    reason: 'session-spliced',
    line: entryOfA(1),
    seq: 1,
  },
  { name: 'swapped-heads', lines: forged((lines) => swap(lines, 2, 3)), reason: 'head-order', line: 3 },
  { name: 'dropped-head', lines: forged(drop(3)), reason: 'head-gap', line: 3 },
  {
    name: 'forked-counter',
    lines: forged((lines) => lines.toSpliced(2, 0, headLine(textOf(forkedHead.bytes), forkedHead.signature))),
    reason: 'head-fork',
    line: 3,
  },
  {
    name: 'flipped-head',
    lines: forged((lines) => {
      lines[at(firstHead)] = lines[at(firstHead)]!.replace('\\"closed\\":false', '\\"closed\\":true')
    }),
    reason: 'head-signature',
    line: firstHead,
  },
  {
    name: 'flipped-signature',
    lines: forged((lines) => {
      lines[at(firstHead)] = lines[at(firstHead)]!.replace(
        /"signature":"./,
        (text) => `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`,
      )
    }),
    reason: 'head-signature',
    line: firstHead,
  },
  { name: 'wrong-key', lines: exportOf(sha256, otherRecord), reason: 'key-not-pinned', line: 1 },
  {
    name: 'key-pinned-for-another-agent',
    lines: good,
    pins: [{ fingerprint: record.fingerprint, agent: 'b0'.repeat(16) }],
    reason: 'key-not-pinned',
    line: 1,
  },
  {
    name: 'key-replaced-in-the-header',
    lines: forged((lines) => {
      lines[0] = lines[0]!.replace(
        Buffer.from(record.publicKey).toString('base64'),
        Buffer.from(otherSigner.publicKey).toString('base64'),
      )
    }),
    reason: 'key-mismatch',
    line: 1,
  },
  {
    name: 'key-of-two-agents',
    lines: forged((lines) => {
      lines[0] = sharedKeyHeader
    }),
    pins: [{ fingerprint: record.fingerprint }],
    reason: 'key-shared',
    line: 1,
  },
  {
    name: 'head-of-an-unknown-agent',
    lines: forged((lines) => {
      lines[0] = lines[0]!.replaceAll(testAgent, 'b0'.repeat(16))
    }),
    pins: [{ fingerprint: record.fingerprint }],
    reason: 'agent-unknown',
    line: firstHead,
  },
  { name: 'unsigned-tail', lines: forged(drop(4), exportOfA), reason: 'entry-unsigned', line: 10, seq: 5 },
  {
    name: 'head-of-another-session',
    lines: withEnd(sha256, [...exportOfA.slice(0, 4), good[4]!, ...exportOfA.slice(4, -1)]),
    reason: 'head-out-of-scope',
    line: 5,
  },
  {
    name: 'entry-of-another-session',
    lines: withEnd(sha256, [...exportOfA.slice(0, -1), good[at(entryOfB(0))]!]),
    reason: 'session-out-of-scope',
    line: 12,
    seq: 0,
  },
  {
    name: 'session-left-out-of-its-own-file',
    lines: withEnd(sha256, exportOfA.slice(0, 1)),
    reason: 'session-missing',
    line: 1,
  },
  { name: 'no-header', lines: good.slice(1), reason: 'header-missing', line: 1 },
  {
    name: 'second-header',
    lines: forged((lines) => lines.toSpliced(1, 0, lines[0]!)),
    reason: 'line-out-of-place',
    line: 2,
  },
  {
    name: 'head-after-entries',
    lines: forged((lines) => [...lines.filter((_, index) => index !== 5), lines[5]!]),
    reason: 'line-out-of-place',
    line: 17,
  },
  { name: 'cut-file', lines: good.slice(0, -1), reason: 'end-missing', line: 17 },
  { name: 'cut-line', lines: [...good.slice(0, -2), good.at(-2)!.slice(0, 40)], reason: 'line-malformed', line: 17 },
  { name: 'empty-file', lines: [], reason: 'header-missing', line: 1 },
  {
    name: 'changed-installation',
    lines: [good[0]!.replace('"shop"', '"bank"'), ...good.slice(1)],
    reason: 'end-mismatch',
    line: 18,
  },
  {
    name: 'wrong-count',
    lines: [...good.slice(0, -1), good.at(-1)!.replace('"entries":11', '"entries":12')],
    reason: 'end-mismatch',
    line: 18,
  },
  {
    name: 'unknown-line',
    lines: forged((lines) => lines.toSpliced(1, 0, '{"note":"all is well"}')),
    reason: 'line-malformed',
    line: 2,
  },
  {
    name: 'line-with-a-space',
    lines: forged((lines) => {
      lines[at(entryOfA(0))] = lines[at(entryOfA(0))]!.replace('{"entry":', '{"entry": ')
    }),
    reason: 'line-malformed',
    line: entryOfA(0),
  },
  {
    name: 'entry-in-another-form',
    lines: forged((lines) => {
      lines[at(entryOfA(0))] = lines[at(entryOfA(0))]!.replace('\\"seq\\":0,', '\\"seq\\":0.0,')
    }),
    reason: 'entry-malformed',
    line: entryOfA(0),
  },
  {
    name: 'overlong-line',
    lines: forged((lines) => lines.toSpliced(1, 0, `"${'x'.repeat(exportLineCharsMax)}"`)),
    reason: 'line-malformed',
    line: 2,
  },
]

test.each(attacks)('$name is found at its place', ({ lines, reason, line, seq, pins }) => {
  const [first] = findings(lines, pins)
  expect(first).toMatchObject({ reason, line, ...(seq === undefined ? {} : { seq }) })
})

test('one changed entry is one problem, at one place', () => {
  expect(findings(attacks[0]!.lines)).toEqual([{ reason: 'entry-hash', line: entryOfA(3), session: a, seq: 3 }])
  expect(findings(attacks[1]!.lines)).toEqual([{ reason: 'entry-hash', line: entryOfA(3), session: a, seq: 3 }])
})

/** A record that its agent signed, and that yet cannot be true. */
const signedNonsense: [string, ProblemReason, number, Parameters<typeof makeRecord>[2]][] = [
  [
    'an outcome without an intent',
    'outcome-without-intent',
    1,
    [{ session: a, bodies: [opened(), outcome(1), closed(0)] }],
  ],
  [
    'an outcome of a denied statement',
    'outcome-without-intent',
    2,
    [{ session: a, bodies: [opened(), denied(1), outcome(1), closed(1)] }],
  ],
  [
    'two outcomes of one statement',
    'outcome-repeated',
    3,
    [{ session: a, bodies: [opened(), intent(1), outcome(1), outcome(1), closed(1)] }],
  ],
  [
    'two statements of one number',
    'statement-repeated',
    2,
    [{ session: a, bodies: [opened(), denied(1), intent(1), outcome(1), closed(1)] }],
  ],
  [
    'an end of a hold that never was',
    'hold-ended-without-held',
    1,
    [{ session: a, bodies: [opened(), holdEnded(1, 'denied'), closed(0)] }],
  ],
  [
    'an end of the hold of another request',
    'hold-ended-without-held',
    2,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1, 'denied', 'd5'.repeat(16)), closed(1)] }],
  ],
  [
    'an end of the hold of another statement',
    'hold-ended-without-held',
    3,
    [{ session: a, bodies: [opened(), held(1), intent(2), holdEnded(2), outcome(2), closed(2)] }],
  ],
  [
    'two ends of one hold',
    'hold-ended-repeated',
    3,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1, 'denied'), holdEnded(1), closed(1)] }],
  ],
  ...(['denied', 'expired', 'pending', 'cancelled', 'lost'] as const).map(
    (result): [string, ProblemReason, number, Parameters<typeof makeRecord>[2]] => [
      `a run after a hold that ended "${result}"`,
      'approval-missing',
      3,
      [{ session: a, bodies: [opened(), held(1), holdEnded(1, result), approved(1), outcome(1), closed(1)] }],
    ],
  ),
  [
    'a run that says approved without a hold',
    'approval-missing',
    1,
    [{ session: a, bodies: [opened(), approved(1), outcome(1), closed(1)] }],
  ],
  [
    'a run before the verdict',
    'approval-missing',
    2,
    [{ session: a, bodies: [opened(), held(1), approved(1), holdEnded(1), outcome(1), closed(1)] }],
  ],
  [
    'a run under another number than the held one',
    'approval-missing',
    3,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1), approved(2), outcome(2), closed(2)] }],
  ],
  [
    'two runs of one approval under its number',
    'approval-missing',
    5,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1), approved(1), outcome(1), approved(1), closed(1)] }],
  ],
  [
    'a run under a number that another statement had',
    'statement-repeated',
    5,
    [{ session: a, bodies: [opened(), intent(2), held(1), holdEnded(1), approved(1), approved(2), closed(2)] }],
  ],
  [
    'a second run after another statement began',
    'approval-missing',
    5,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1), approved(1), intent(2), approved(3), closed(3)] }],
  ],
  [
    'a held statement that ran as allowed',
    'statement-repeated',
    3,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1), intent(1), outcome(1), closed(1)] }],
  ],
  [
    'an outcome of a held statement',
    'outcome-without-intent',
    2,
    [{ session: a, bodies: [opened(), held(1), outcome(1), closed(1)] }],
  ],
  [
    'a held statement under a number that was used',
    'statement-repeated',
    2,
    [{ session: a, bodies: [opened(), denied(1), held(1), holdEnded(1, 'expired'), closed(1)] }],
  ],
  [
    'a closing that leaves held statements out',
    'statement-count',
    3,
    [{ session: a, bodies: [opened(), held(1), holdEnded(1, 'denied'), closed(0)] }],
  ],
  ['a closing that counts otherwise', 'statement-count', 2, [{ session: a, bodies: [opened(), denied(1), closed(2)] }]],
  [
    'an entry after the closing',
    'entry-after-closing',
    2,
    [{ session: a, bodies: [opened(), closed(0), closed(0)], headsAfter: [1] }],
  ],
  ['a session without an opening', 'opening-missing', 0, [{ session: a, bodies: [closed(0)] }]],
  ['a second opening', 'opening-missing', 1, [{ session: a, bodies: [opened(), opened(), closed(0)] }]],
  ['a session of another agent', 'agent-mismatch', 0, [{ session: a, bodies: [opened('b0'.repeat(16)), closed(0)] }]],
]
test.each(signedNonsense)('%s is a problem though its agent signed it', (_name, reason, seq, made) => {
  const signed = makeRecord(sha256, signer, made)
  const [first] = findings(exportOf(sha256, signed))
  expect(first).toMatchObject({ reason, seq })
})

test('a statement that was cut off is "outcome unknown", and no sign of tampering', () => {
  const cut = makeRecord(sha256, signer, [
    { session: a, bodies: [opened(), intent(1), intent(2), outcome(2), closed(2, 'agent restarted')] },
  ])
  const report = verifyExport(exportOf(sha256, cut), { sha256, verifySignature, pinnedKeys: pinned })
  expect(report.ok).toBe(true)
  expect(report.notices.map(({ reason, seq }) => [reason, seq])).toEqual([
    ['outcome-unknown', 1],
    ['session-interrupted', null],
  ])
  expect(report.sessions[0]).toMatchObject({ state: 'interrupted', outcomesUnknown: [1] })
})

test('held statements verify whatever came of them, and are counted', () => {
  const signed = makeRecord(sha256, signer, [
    {
      session: a,
      bodies: [
        opened(),
        intent(1),
        held(2),
        // The outcome of an earlier statement may come while a person thinks, and before the run.
        outcome(1),
        holdEnded(2),
        approved(2),
        approved(3),
        outcome(2),
        approved(4),
        outcome(3),
        outcome(4),
        held(5),
        holdEnded(5, 'denied'),
        held(6),
        holdEnded(6, 'pending'),
        held(7),
        holdEnded(7),
        approved(7),
        outcome(7),
        closed(7),
      ],
    },
  ])
  const report = verifyExport(exportOf(sha256, signed), { sha256, verifySignature, pinnedKeys: pinned })
  expect(report).toMatchObject({ ok: true, notices: [], sessions: [{ statements: 7, held: 4, denied: 0 }] })
})

test('a hold without an end and an approval without a run are notices, and no sign of tampering', () => {
  const signed = makeRecord(sha256, signer, [
    { session: a, bodies: [opened(), held(1), holdEnded(1), held(2), closed(2, 'agent restarted')] },
  ])
  const report = verifyExport(exportOf(sha256, signed), { sha256, verifySignature, pinnedKeys: pinned })
  expect(report.ok).toBe(true)
  expect(report.notices.map(({ reason, seq }) => [reason, seq])).toEqual([
    ['approval-unused', 2],
    ['hold-open', 3],
    ['session-interrupted', null],
  ])
})

test('a session that goes on is open, and the report says that its closing is missing', () => {
  const open = makeRecord(sha256, signer, [{ session: a, bodies: [opened(), intent(1), outcome(1)] }])
  const report = verifyExport(exportOf(sha256, open), { sha256, verifySignature, pinnedKeys: pinned })
  expect(report).toMatchObject({ ok: true, sessions: [{ state: 'open' }], notices: [{ reason: 'closing-missing' }] })
})

test('one session of many verifies alone, though its agent signed other heads between', () => {
  const between = makeRecord(sha256, signer, [{ session: b, bodies: [opened(), closed(0)] }, ...sessions.slice(0, 1)])
  const alone = { ...between, entries: between.entries.slice(2), heads: between.heads.slice(1) }
  expect(findings(exportOf(sha256, alone, sessionScope))).toEqual([])
})

test('without pinned keys the report says that it believed the file', () => {
  const report = verifyExport(good, { sha256, verifySignature })
  expect(report).toMatchObject({ ok: true, agents: [{ pinned: false }], notices: [{ reason: 'keys-not-pinned' }] })
})

test('a file of nothing but nonsense is reported up to a limit, and counted past it', () => {
  const report = verifyExport(
    Array.from({ length: findingsMax + 10 }, () => '?'),
    { sha256, verifySignature },
  )
  expect(report.ok).toBe(false)
  expect(report.problems).toHaveLength(findingsMax)
  expect(report.findingsLeftOut).toBe(11)
})
