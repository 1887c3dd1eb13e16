// What an agent says about a held statement, parsed at the edge: only canonical bytes of the known shape, within bounds,
// whose digest is computed here anew. Also the part of it that lists may show: facts, and no text of the statement.
import { createHash } from 'node:crypto'
import { Estimate } from '@sallyport/api/approvals'
import { Who } from '@sallyport/api/recordings'
import { principalKey } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { Parsed } from '@sallyport/ledger/bytes'
import { parseCanonical } from '@sallyport/ledger/canonical'
import { approvalDigest, evidenceDigest, type HeldEvidence } from '@sallyport/ledger/hold'
import { z } from 'zod'

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

/** Objects that a list shows of one request. */
export const shownObjectsMax = 20
/** PostgreSQL's text and jsonb hold no NUL. */
const text = (charsMax: number) =>
  z
    .string()
    .max(charsMax)
    .regex(/^[^\0]*$/)
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const name = text(500)
const count = z.number().int().min(0)

const Principal = z.strictObject({
  kind: z.enum(['user', 'workload']),
  issuer: text(2_048).min(1),
  subject: text(2_048).min(1),
  display: name,
  groups: z.array(name).max(2_000),
  assurance: z.enum(['verified', 'claimed']),
})

const Quorum = z
  .array(z.strictObject({ group: text(200).min(1), count: z.number().int().min(1).max(100) }))
  .min(1)
  .max(50)

const Part = z.strictObject({
  verb: text(60),
  effects: z
    .array(z.strictObject({ operation: text(60), object: name, via: z.enum(['direct', 'derived']) }))
    .max(10_000),
  filtered: z.boolean(),
  functions: z.array(name).max(10_000),
  maskedColumns: count,
})

const spanKinds = ['keyword', 'name', 'string', 'number', 'operator', 'comment', 'parameter'] as const

const Signers = z.strictObject({
  count: z.number().int().min(1).max(50),
  keys: z
    .array(z.strictObject({ name: text(63).min(1), key: z.string().regex(/^ed25519:[A-Za-z0-9_-]{43}$/) }))
    .min(1)
    .max(50),
})

const Evidence = z.strictObject({
  v: z.literal(1),
  statementDigest: hex(64),
  agent: hex(32),
  agentName: text(63),
  session: hex(32),
  statement: count,
  target: text(63).min(1),
  targetLabels: z.record(text(200), text(200)),
  database: name,
  upstreamRole: name,
  searchPath: z.array(name).max(1_000),
  initiator: Principal,
  actors: z.array(Principal).max(16),
  clientAddress: name,
  applicationName: name,
  protocol: z.enum(['simple', 'extended', 'http', 'mcp']),
  text: text(limits.statementBytesMax),
  spans: z.array(z.strictObject({ start: count, end: count, kind: z.enum(spanKinds) })).max(limits.statementTokensMax),
  parameters: z.array(z.string().nullable()).max(limits.parametersMax),
  fingerprint: text(200),
  parts: z.array(Part).min(1).max(limits.statementsPerTextMax),
  rule: z.strictObject({ policy: text(63), version: count, rule: text(63) }),
  message: text(2_000),
  quorum: Quorum,
  reason: z.enum(['optional', 'required']),
  expiresInMs: z.number().int().min(1),
  estimate: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('rows'),
      rows: count,
      ofRows: count.nullable(),
      scan: name,
      atMs: z.number().int().min(0).max(253_402_300_799_000),
    }),
    z.strictObject({ kind: z.literal('unavailable'), reason: name }),
  ]),
  signers: Signers.optional(),
})

/** The evidence of canonical bytes, or why they are none. Never throws. */
export function parseEvidence(bytes: Uint8Array): Parsed<HeldEvidence> {
  const canonical = parseCanonical(bytes, limits.holdEvidenceBytesMax)
  if (!canonical.ok) return canonical
  const parsed = Evidence.safeParse(canonical.value)
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, reason: `not evidence: ${parsed.error.issues[0]?.path.join('.') ?? ''}` }
}

export const digestOf = (evidence: HeldEvidence): string => evidenceDigest(sha256, evidence)

/** Binds the ciphertext of a request's evidence to its row. */
export const evidenceContext = (request: string): string => `hold evidence ${request}`

/** The parts of a request that a verdict is bound to. */
export interface Bound {
  readonly id: string
  readonly statementDigest: string
  readonly evidenceDigest: string
  readonly expiresAt: Date
  readonly quorum: HeldEvidence['quorum']
}

export const approvalDigestOf = (bound: Bound): string =>
  approvalDigest(sha256, {
    v: 1,
    request: bound.id,
    statementDigest: bound.statementDigest,
    evidenceDigest: bound.evidenceDigest,
    expiresAtMs: bound.expiresAt.getTime(),
    quorum: bound.quorum.map(({ group, count: people }) => ({ group, count: people })),
  })

/** What stays when the text was shredded. */
export const Facts = z.object({
  targetLabels: z.record(z.string(), z.string()),
  initiator: Who,
  actors: z.array(Who),
  objectsInAll: z.number().int(),
  statements: z.number().int(),
  filtered: z.boolean(),
  database: z.string(),
  upstreamRole: z.string(),
  clientAddress: z.string(),
  applicationName: z.string(),
  message: z.string(),
  estimate: Estimate,
})
export type Facts = z.infer<typeof Facts>
export const StoredQuorum = Quorum

const unique = (items: readonly string[]): string[] => [...new Set(items)]

export const verbsOf = (evidence: HeldEvidence): string[] => unique(evidence.parts.map((part) => part.verb))

/** Objects of direct effects: every one of them. */
export const objectsOf = (evidence: HeldEvidence): string[] =>
  unique(
    evidence.parts.flatMap((part) =>
      part.effects.filter((effect) => effect.via === 'direct').map((effect) => effect.object),
    ),
  )

export function factsOf(evidence: HeldEvidence): Facts {
  const { estimate } = evidence
  return {
    targetLabels: { ...evidence.targetLabels },
    initiator: whoOf(evidence.initiator),
    actors: evidence.actors.map(whoOf),
    objectsInAll: objectsOf(evidence).length,
    statements: evidence.parts.length,
    filtered: evidence.parts.every((part) => part.filtered),
    database: evidence.database,
    upstreamRole: evidence.upstreamRole,
    clientAddress: evidence.clientAddress,
    applicationName: evidence.applicationName,
    message: evidence.message,
    estimate: estimate.kind === 'rows' ? estimateOf(estimate) : { ...estimate },
  }
}

/** Everything of a request's row that the evidence says: what lists, rules and searches read. */
export interface Columns {
  readonly statementDigest: string
  readonly agentId: string
  readonly agentName: string
  readonly sessionId: string
  readonly target: string
  readonly initiatorKey: string
  readonly initiatorName: string
  readonly fingerprint: string
  readonly verbs: string[]
  readonly objects: string[]
  readonly policy: string
  readonly policyVersion: number
  readonly rule: string
  readonly reasonMode: string
  readonly quorum: { readonly group: string; readonly count: number }[]
  readonly reviewers: string[]
  readonly facts: Facts
}

/** Whose request it is. A name that nobody has verified is nobody's: who bears it may neither read nor withdraw the request. */
export const initiatorKeyOf = (
  initiator: Pick<HeldEvidence['initiator'], 'issuer' | 'subject' | 'assurance'>,
): string => (initiator.assurance === 'claimed' ? `claimed:${principalKey(initiator)}` : principalKey(initiator))

export const columnsOf = (evidence: HeldEvidence): Columns => ({
  statementDigest: evidence.statementDigest,
  agentId: evidence.agent,
  agentName: evidence.agentName,
  sessionId: evidence.session,
  target: evidence.target,
  initiatorKey: initiatorKeyOf(evidence.initiator),
  initiatorName: evidence.initiator.display,
  fingerprint: evidence.fingerprint,
  verbs: verbsOf(evidence),
  objects: objectsOf(evidence).slice(0, shownObjectsMax),
  policy: evidence.rule.policy,
  policyVersion: evidence.rule.version,
  rule: evidence.rule.rule,
  reasonMode: evidence.reason,
  quorum: evidence.quorum.map(({ group, count: people }) => ({ group, count: people })),
  reviewers: evidence.quorum.map(({ group }) => group),
  facts: factsOf(evidence),
})

const whoOf = (principal: HeldEvidence['initiator']): Who => ({ ...principal, groups: [...principal.groups] })

const estimateOf = ({ rows, ofRows, scan, atMs }: Extract<HeldEvidence['estimate'], { kind: 'rows' }>): Estimate => ({
  kind: 'rows',
  rows,
  ofRows,
  scan,
  at: new Date(atMs).toISOString(),
})
