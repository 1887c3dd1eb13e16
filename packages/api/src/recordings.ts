// Sessions, their entries, exports, and the audit of admin actions.
import { z } from 'zod'
import { PageQuery, pageOf } from './problem.ts'

const Who = z.object({
  kind: z.enum(['user', 'workload']),
  issuer: z.string(),
  subject: z.string(),
  display: z.string(),
  groups: z.array(z.string()),
  assurance: z.enum(['verified', 'claimed']),
})
export const Session = z.object({
  id: z.string(),
  target: z.string(),
  agent: z.string(),
  agentName: z.string(),
  initiator: Who,
  actors: z.array(Who),
  upstreamRole: z.string(),
  clientAddress: z.string(),
  applicationName: z.string(),
  openedAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  state: z.enum(['live', 'closed', 'interrupted']),
  statements: z.number().int(),
  denied: z.number().int(),
  maskedValues: z.number().int(),
  entries: z.number().int(),
})
export type Session = z.infer<typeof Session>
export const SessionPage = pageOf(Session)
export const SessionQuery = PageQuery.extend({
  target: z.string().optional(),
  caller: z.string().optional(),
  state: z.enum(['live', 'closed', 'interrupted']).optional(),
  decision: z.enum(['denied', 'masked']).optional(),
})

/** GET /api/v1/sessions/:id/entries?from=SEQ&limit=N: the stored bytes, decoded. Fields are those of packages/ledger/src/entry.ts. */
export const SessionEntries = z.object({
  items: z.array(z.record(z.string(), z.unknown())),
  next: z.number().int().nullable(),
})
export type SessionEntries = z.infer<typeof SessionEntries>

/** GET /api/v1/sessions/:id/export and GET /api/v1/export?from=&to=: application/x-ndjson, docs/recording-format.md. */

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
