// Sessions, their entries, exports, and the audit of admin actions.
import { z } from 'zod'
import { PageQuery, pageOf } from './problem.ts'

/** A principal as answers show it: verified, or only claimed. */
export const Who = z.object({
  kind: z.enum(['user', 'workload']),
  issuer: z.string(),
  subject: z.string(),
  display: z.string(),
  groups: z.array(z.string()),
  assurance: z.enum(['verified', 'claimed']),
})
export type Who = z.infer<typeof Who>
/** For whom statements of a session were, where that was not its own initiator. */
export const ServedInitiator = Who.omit({ groups: true }).extend({ statements: z.number().int() })
export type ServedInitiator = z.infer<typeof ServedInitiator>
export const Session = z.object({
  id: z.string(),
  target: z.string(),
  agent: z.string(),
  agentName: z.string(),
  initiator: Who,
  actors: z.array(Who),
  /** The first 20 by the number of their statements. */
  initiators: z.array(ServedInitiator),
  /** How many there are. */
  initiatorCount: z.number().int(),
  upstreamRole: z.string(),
  clientAddress: z.string(),
  applicationName: z.string(),
  /** How the caller proved itself (docs/policy.md, "Conditions"); empty where it was not kept. */
  authentication: z.string(),
  tls: z.boolean(),
  openedAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  state: z.enum(['live', 'closed', 'interrupted']),
  statements: z.number().int(),
  denied: z.number().int(),
  held: z.number().int(),
  maskedValues: z.number().int(),
  entries: z.number().int(),
})
export type Session = z.infer<typeof Session>
export const SessionPage = pageOf(Session)
export const SessionQuery = PageQuery.extend({
  target: z.string().optional(),
  /** Part of the name or of the issuer and subject of whom the session is. */
  caller: z.string().optional(),
  /** The same of those for whom its statements were: the session's own initiator, or one that a statement named. */
  initiator: z.string().optional(),
  state: z.enum(['live', 'closed', 'interrupted']).optional(),
  decision: z.enum(['denied', 'masked', 'held']).optional(),
  /** Words of the search box: names of callers, targets, applications, addresses; and the terms below. All must match. */
  q: z.string().max(200).optional(),
  /** A verb that ran or was refused, lowercase: `delete`. */
  verb: z.string().max(60).optional(),
  /** An object that a statement touched, whole or as a part: `public.orders`, `orders`. */
  object: z.string().max(200).optional(),
  /** Id of a distributed trace that something in it was a part of. */
  trace: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'the id of a trace: 32 hex digits')
    .optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
})
export type SessionQuery = z.infer<typeof SessionQuery>

/** GET /api/v1/sessions/:id/entries?from=SEQ&limit=N: the stored bytes, decoded. Fields are those of packages/ledger/src/entry.ts. */
export const SessionEntries = z.object({
  items: z.array(z.record(z.string(), z.unknown())),
  next: z.number().int().nullable(),
})
export type SessionEntries = z.infer<typeof SessionEntries>

/** GET /api/v1/sessions/:id/export and GET /api/v1/export?from=&to=: application/x-ndjson, docs/recording-format.md. */

/** Which lane of the timeline a statement is in. */
export const lanes = ['allowed', 'masked', 'approved', 'held', 'denied', 'failed'] as const
export const Lane = z.enum(lanes)
export type Lane = z.infer<typeof Lane>

/**
 * GET /api/v1/sessions/:id/index?from=SEQ&limit=N: one row for each statement, as columns of the same length, in the order
 * in which they began. `next` is the `from` of the next page; null when there is no more yet.
 */
export const SessionIndex = z.object({
  /** Wall clock of the opening, milliseconds since 1970. */
  openedAtMs: z.number().int(),
  /** Sequence of the entry that began the statement (intent, held or denied). */
  seq: z.array(z.number().int()),
  /** Milliseconds after the opening. */
  atMs: z.array(z.number().int()),
  statement: z.array(z.number().int()),
  lane: z.array(
    z
      .number()
      .int()
      .min(0)
      .max(lanes.length - 1),
  ),
  /** Index into `verbs`. */
  verb: z.array(z.number().int()),
  /** Index into `objects`: the first object of the statement, or "". */
  object: z.array(z.number().int()),
  /** -1 while there is no outcome. */
  rows: z.array(z.number().int()),
  durationUs: z.array(z.number().int()),
  verbs: z.array(z.string()),
  objects: z.array(z.string()),
  /** Sequence of the last entry that the control plane has. */
  tipSeq: z.number().int(),
  next: z.number().int().nullable(),
})
export type SessionIndex = z.infer<typeof SessionIndex>
export const SessionIndexQuery = z.object({
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(50_000).default(20_000),
})

/** One statement, request or message of a distributed trace. */
export const TracedStatement = z.object({
  session: z.string(),
  seq: z.number().int(),
  statement: z.number().int(),
  at: z.iso.datetime(),
  target: z.string(),
  agentName: z.string(),
  /** `simple`, `extended`: SQL; `http`, `mcp`. */
  protocol: z.string(),
  /** For whom it was. */
  initiator: Who,
  kind: z.enum(['intent', 'denied', 'held']),
  verb: z.string(),
  text: z.string(),
  objects: z.array(z.string()),
  /** Why it was refused; null where it was not. */
  code: z.string().nullable(),
  /** How it ended; null where that is not recorded. */
  result: z.enum(['done', 'failed']).nullable(),
  rows: z.number().int().nullable(),
  durationUs: z.number().int().nullable(),
  parent: z.string(),
  span: z.string(),
  /** How many of the others it came from, one from another. */
  depth: z.number().int(),
})
export type TracedStatement = z.infer<typeof TracedStatement>

/** GET /api/v1/traces/:id: all sessions' part of a trace, by time. */
export const Trace = z.object({
  trace: z.string(),
  items: z.array(TracedStatement),
  /** There are more than an answer holds. */
  cut: z.boolean(),
})
export type Trace = z.infer<typeof Trace>

/** POST /api/v1/sessions/:id/kill. The agent ends the session; 202 when it was told. */
export const KillRequest = z.strictObject({ reason: z.string().min(1).max(500) })

export const AdminAction = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string(),
  object: z.string(),
  detail: z.record(z.string(), z.unknown()),
})
export type AdminAction = z.infer<typeof AdminAction>
export const AdminActionPage = pageOf(AdminAction)
