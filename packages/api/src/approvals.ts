// Approvals: what reviewers see and send. One request is one held text; one approval is one run (DESIGN §5).
import { z } from 'zod'
import { PageQuery, pageOf } from './problem.ts'
import { Who } from './recordings.ts'

export const approvalStates = ['pending', 'approved', 'denied', 'expired', 'run', 'cancelled'] as const
export const ApprovalState = z.enum(approvalStates)
export type ApprovalState = z.infer<typeof ApprovalState>

/** A piece of the statement with its colour, from the same parser that judged it. UTF-16 offsets into `text`. */
export const TokenSpan = z.object({
  start: z.number().int(),
  end: z.number().int(),
  kind: z.enum(['keyword', 'name', 'string', 'number', 'operator', 'comment', 'parameter']),
})
export type TokenSpan = z.infer<typeof TokenSpan>

/** EXPLAIN by the agent, never ANALYZE; or why there is none. */
export const Estimate = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('rows'),
    rows: z.number(),
    /** Rows of the relation by the target's statistics; null when it has none. */
    ofRows: z.number().nullable(),
    scan: z.string(),
    at: z.iso.datetime(),
  }),
  z.object({ kind: z.literal('unavailable'), reason: z.string() }),
])
export type Estimate = z.infer<typeof Estimate>

export const VerdictWord = z.enum(['approved', 'denied'])
export const GivenVerdict = z.object({
  by: z.string(),
  verdict: VerdictWord,
  reason: z.string(),
  at: z.iso.datetime(),
})

const Effect = z.object({ operation: z.string(), object: z.string(), via: z.enum(['direct', 'derived']) })

/** One statement of the held text. */
export const HeldPart = z.object({
  verb: z.string(),
  effects: z.array(Effect),
  /** False: an UPDATE or DELETE without WHERE. */
  filtered: z.boolean(),
  functions: z.array(z.string()),
  maskedColumns: z.number().int(),
})

/** In lists: parsed facts, and no text that could hide anything. */
export const ApprovalItem = z.object({
  id: z.string(),
  state: ApprovalState,
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  decidedAt: z.iso.datetime().nullable(),
  target: z.string(),
  targetLabels: z.record(z.string(), z.string()),
  agentName: z.string(),
  initiator: Who,
  actors: z.array(Who),
  /** Executions that wait in a live connection right now. */
  waiting: z.number().int(),
  verbs: z.array(z.string()),
  /** Objects of direct effects, at most 20. */
  objects: z.array(z.string()),
  objectsInAll: z.number().int(),
  statements: z.number().int(),
  /** False when one of them writes without WHERE. */
  filtered: z.boolean(),
  rule: z.object({ policy: z.string(), version: z.number().int(), rule: z.string() }),
  fingerprint: z.string(),
  /** The signed-in person could decide it. */
  mine: z.boolean(),
  decidedBy: z.array(z.string()),
})
export type ApprovalItem = z.infer<typeof ApprovalItem>

export const Approval = ApprovalItem.extend({
  sessionId: z.string(),
  database: z.string(),
  upstreamRole: z.string(),
  clientAddress: z.string(),
  applicationName: z.string(),
  /** Null when the text was shredded at the end of its retention. */
  statement: z
    .object({
      text: z.string(),
      /** Schemas in which the target looks up its names, in their order. */
      searchPath: z.array(z.string()),
      spans: z.array(TokenSpan),
      parameters: z.array(z.string().nullable()),
      parts: z.array(HeldPart),
    })
    .nullable(),
  message: z.string(),
  estimate: Estimate,
  /** The same fingerprint and caller in the last 30 days, this request left out. */
  history: z.object({
    approved: z.number().int(),
    denied: z.number().int(),
    firstTime: z.boolean(),
    last: z.object({ by: z.string(), verdict: VerdictWord, at: z.iso.datetime() }).nullable(),
  }),
  quorum: z.array(
    z.object({
      group: z.string(),
      count: z.number().int(),
      approvedBy: z.array(z.string()),
      /** Known people of the group who could still decide, at most 20. */
      others: z.array(z.string()),
    }),
  ),
  verdicts: z.array(GivenVerdict),
  reason: z.enum(['optional', 'required']),
  /** Keys of the agent's floor that have to sign an approval; null where it names none, or the text was shredded. */
  signers: z
    .object({
      count: z.number().int(),
      keys: z.array(z.object({ name: z.string(), key: z.string(), signed: z.boolean() })),
      /** Canonical bytes of what the agent says, as text: who signs computes their digest, and believes nothing beside them. */
      evidence: z.string(),
    })
    .nullable(),
  statementDigest: z.string(),
  evidenceDigest: z.string(),
  /** What a verdict is bound to; sent back with it. */
  approvalDigest: z.string(),
  /** May the signed-in person decide, and if not, why. */
  mayDecide: z.union([z.object({ ok: z.literal(true) }), z.object({ ok: z.literal(false), why: z.string() })]),
  /** May the signed-in person withdraw it: its initiator, while it is pending. */
  mayCancel: z.boolean(),
  /** What came of the run. */
  result: z
    .object({
      result: z.string(),
      tag: z.string(),
      sqlstate: z.string(),
      rows: z.number().int(),
      durationUs: z.number().int(),
    })
    .nullable(),
})
export type Approval = z.infer<typeof Approval>
export const ApprovalPage = pageOf(ApprovalItem)
/** GET /api/v1/approvals: pending ones oldest first, decided ones newest first. */
export const ApprovalQuery = PageQuery.extend({
  view: z.enum(['pending', 'decided']).default('pending'),
  target: z.string().max(63).optional(),
  caller: z.string().max(200).optional(),
})

/** POST /api/v1/approvals/:id/verdict. A digest that is not the current one, or a request that is decided: CONFLICT. */
export const VerdictRequest = z.strictObject({
  verdict: VerdictWord,
  reason: z.string().max(2_000).default(''),
  approvalDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of an approval, where `signers` want it: Ed25519 over `approvalMessage` of packages/ledger/src/hold.ts, base64url. */
  signature: z
    .strictObject({
      key: z.string().regex(/^ed25519:[A-Za-z0-9_-]{43}$/),
      signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
    })
    .optional(),
})
export type VerdictRequest = z.infer<typeof VerdictRequest>

/** GET /api/v1/me/requests: what I asked for, newest first. Decided by others; I can withdraw. */
export const MyRequestsQuery = PageQuery

/** POST /api/v1/approvals/:id/cancel, by the initiator. */
export const CancelRequest = z.strictObject({})
