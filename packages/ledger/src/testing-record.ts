// Small real records for tests: entries with sensible fields, chained, under heads that a given key signs, as export lines.
// Only tests import it.
import { type Sha256, toHex, utf8 } from './bytes.ts'
import { canonicalBytes } from './canonical.ts'
import { entryHash, firstPrevious } from './chain.ts'
import type { EntryBody, EntryPrincipal, Head } from './entry.ts'
import { type ExportScope, endLine, entryLine, headerLine, headLine, lineDigest, textOf } from './export.ts'
import { headBytes, headHash, headMessage, noHead } from './head.ts'

export const testAgent = 'a0'.repeat(16)
/** Id of a request at the control plane. */
export const testRequest = 'c4'.repeat(16)
/** Wall clock of the first entry. */
const startMs = 1_780_000_000_000

export const testPrincipal: EntryPrincipal = {
  kind: 'user',
  issuer: 'https://id.example.com',
  subject: 'ann',
  display: 'Ann',
  groups: ['engineering'],
  assurance: 'verified',
}

const rule = { policy: 'orders', version: 3, rule: 'engineers-read' }

/** Bodies of entries; each takes what the test cares about. */
export const testBody = {
  opened: (agent = testAgent): EntryBody => ({
    kind: 'session-opened',
    agent,
    agentName: 'eu-1',
    target: 'orders',
    protocol: 'postgres',
    upstreamRole: 'orders_rw',
    database: 'shop',
    initiator: testPrincipal,
    actors: [],
    clientAddress: '192.0.2.7',
    applicationName: 'psql',
    tls: true,
    authentication: 'jwt',
    tokenIds: ['8f14e45f'],
    snapshotVersion: 12,
  }),
  intent: (statement: number, text = `select ${statement}`): EntryBody => ({
    kind: 'intent',
    statement,
    protocol: 'simple',
    text,
    textTruncated: false,
    fingerprint: 'f00d',
    verb: 'select',
    effects: [{ operation: 'select', object: 'public.orders', via: 'direct' }],
    parameters: [],
    decision: 'allow',
    rule,
    masks: [],
    maskedColumns: 0,
  }),
  denied: (statement: number): EntryBody => ({
    kind: 'denied',
    statement,
    protocol: 'extended',
    text: 'delete from orders',
    textTruncated: false,
    fingerprint: 'beef',
    verb: 'delete',
    effects: [{ operation: 'delete', object: 'public.orders', via: 'direct' }],
    parameters: [null, '7'],
    code: 'POLICY_DENIED',
    message: 'denied by rule "no-unbounded-writes"',
    rule,
  }),
  held: (statement: number, request = testRequest, text = 'delete from orders where id = 7'): EntryBody => ({
    kind: 'held',
    statement,
    protocol: 'simple',
    text,
    textTruncated: false,
    fingerprint: 'cafe',
    verb: 'delete',
    effects: [{ operation: 'delete', object: 'public.orders', via: 'direct' }],
    parameters: [],
    rule: { policy: 'orders', version: 3, rule: 'deletes-need-a-human' },
    request,
    statementDigest: '51'.repeat(32),
    evidenceDigest: 'e7'.repeat(32),
    expiresAtMs: startMs + 900_000,
    waits: true,
  }),
  holdEnded: (
    statement: number,
    result: Extract<EntryBody, { kind: 'hold-ended' }>['result'] = 'approved',
    request = testRequest,
  ): EntryBody => ({
    kind: 'hold-ended',
    statement,
    request,
    result,
    by: result === 'approved' || result === 'denied' ? ['Bo'] : [],
    reason: result === 'denied' ? 'use the archive' : '',
    approvalDigest: result === 'approved' || result === 'denied' ? 'a9'.repeat(32) : '',
  }),
  /** The run of an approved statement. */
  approved: (statement: number, text = 'delete from orders where id = 7'): EntryBody => ({
    kind: 'intent',
    statement,
    protocol: 'simple',
    text,
    textTruncated: false,
    fingerprint: 'cafe',
    verb: 'delete',
    effects: [{ operation: 'delete', object: 'public.orders', via: 'direct' }],
    parameters: [],
    decision: 'approved',
    rule: { policy: 'orders', version: 3, rule: 'deletes-need-a-human' },
    masks: [],
    maskedColumns: 0,
  }),
  outcome: (statement: number, rows = 1): EntryBody => ({
    kind: 'outcome',
    statement,
    result: 'done',
    tag: `SELECT ${rows}`,
    sqlstate: '',
    rows,
    bytes: rows * 32,
    maskedValues: rows,
    durationUs: 900,
  }),
  closed: (statements: number, reason = 'client disconnected'): EntryBody => ({
    kind: 'session-closed',
    reason,
    statements,
  }),
}

export interface TestSigner {
  /** SPKI, DER. */
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
}

export interface TestSession {
  readonly session: string
  readonly bodies: readonly EntryBody[]
  /** Sequences after which a head is signed; the last entry always has one. */
  readonly headsAfter?: readonly number[]
}

export interface TestEntry {
  readonly session: string
  readonly seq: number
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

export interface TestHead {
  readonly head: Head
  readonly bytes: Uint8Array
  readonly signature: Uint8Array
}

export interface TestRecord {
  readonly entries: readonly TestEntry[]
  readonly heads: readonly TestHead[]
  readonly publicKey: Uint8Array
  readonly fingerprint: string
}

export function chainEntries(sha256: Sha256, session: string, bodies: readonly EntryBody[]): TestEntry[] {
  let previous = firstPrevious(sha256, session)
  return bodies.map((body, seq) => {
    const bytes = canonicalBytes({ v: 1, session, seq, atMs: startMs + seq, monoUs: seq * 1_000, ...body })
    previous = entryHash(sha256, seq, previous, bytes)
    return { session, seq, bytes, hash: previous }
  })
}

/** Chains the sessions and signs their heads one session after the other. */
export function makeRecord(
  sha256: Sha256,
  signer: TestSigner,
  sessions: readonly TestSession[],
  agent = testAgent,
): TestRecord {
  const fingerprint = toHex(sha256(signer.publicKey))
  const heads: TestHead[] = []
  let previous = noHead
  const entries = sessions.flatMap(({ session, bodies, headsAfter = [] }) => {
    const chained = chainEntries(sha256, session, bodies)
    for (const { seq, hash } of chained) {
      if (seq !== chained.length - 1 && !headsAfter.includes(seq)) continue
      const closed = bodies[seq]?.kind === 'session-closed'
      const counter = heads.length + 1
      const atMs = startMs + 1_000 + counter
      const head: Head = {
        v: 1,
        session,
        seq,
        hash: toHex(hash),
        agent,
        key: fingerprint,
        counter,
        previous,
        atMs,
        closed,
      }
      const bytes = headBytes(head)
      heads.push({ head, bytes, signature: signer.sign(headMessage(bytes)) })
      previous = toHex(headHash(sha256, bytes))
    }
    return chained
  })
  return { entries, heads, publicKey: signer.publicKey, fingerprint }
}

/** The record as lines of an export, without newlines. */
export function exportOf(
  sha256: Sha256,
  record: TestRecord,
  scope: ExportScope = { kind: 'range', fromMs: startMs, toMs: startMs + 10_000 },
): string[] {
  const agent = record.heads[0]?.head.agent ?? testAgent
  const header = headerLine({
    installation: 'shop',
    exportedAtMs: startMs + 20_000,
    scope,
    agents: [{ id: agent, name: 'eu-1', recordKey: record.publicKey, fingerprint: record.fingerprint }],
  })
  const lines = [
    header,
    ...record.heads.map(({ bytes, signature }) => headLine(textOf(bytes), signature)),
    ...record.entries.map(({ bytes, hash }) => entryLine(textOf(bytes), toHex(hash))),
  ]
  return withEnd(sha256, lines)
}

/** Adds an end line that fits: what a forger would do too. */
export function withEnd(sha256: Sha256, lines: readonly string[]): string[] {
  const digest = lineDigest(sha256)
  for (const line of lines) digest.add(line)
  const sessions = new Set(lines.flatMap((line) => /^\{"entry":.*?\\"session\\":\\"([0-9a-f]*)/.exec(line)?.[1] ?? []))
  const counts = {
    sessions: sessions.size,
    entries: lines.filter((line) => line.startsWith('{"entry":')).length,
    heads: lines.filter((line) => line.startsWith('{"head":')).length,
  }
  return [...lines, endLine(counts, digest.hex())]
}

/** Bytes of a text, for tests that build lines by hand. */
export const bytesOfText = utf8
