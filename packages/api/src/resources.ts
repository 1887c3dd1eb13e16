// Targets, policies, agents, and the documents that make them.
import { z } from 'zod'
import { pageOf } from './problem.ts'

/** POST /api/v1/apply: a YAML text of several documents, all or nothing. */
export const ApplyRequest = z.strictObject({
  yaml: z.string().min(1).max(2_097_152),
  dryRun: z.boolean().default(false),
})
export const ApplyResult = z.object({
  dryRun: z.boolean(),
  changes: z.array(
    z.object({
      kind: z.string(),
      name: z.string(),
      change: z.enum(['created', 'updated', 'unchanged']),
      version: z.number().int(),
    }),
  ),
})
export type ApplyResult = z.infer<typeof ApplyResult>

/** GET /api/v1/resources/:kind and /api/v1/resources/:kind/:name (kind: targets, policies, trusted-issuers, groups, roles, labels). */
export const Resource = z.object({
  kind: z.string(),
  name: z.string(),
  version: z.number().int(),
  updatedAt: z.iso.datetime(),
  updatedBy: z.string(),
  /** The document as JSON, as it was applied. */
  document: z.unknown(),
})
export type Resource = z.infer<typeof Resource>
export const ResourcePage = pageOf(Resource)

export const Agent = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['online', 'offline', 'revoked']),
  version: z.string(),
  advertise: z.string(),
  enrolledAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime().nullable(),
  snapshotVersion: z.number().int(),
  /** SHA-256 of the record key; an auditor compares it with what the agent itself prints. */
  recordKeyFingerprint: z.string(),
  targets: z.array(z.string()),
})
export type Agent = z.infer<typeof Agent>
export const AgentPage = pageOf(Agent)

/** POST /api/v1/agents/join-tokens. The token is shown once. */
export const JoinTokenRequest = z.strictObject({
  agentName: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  expiresInSeconds: z.number().int().min(60).max(86_400).default(3_600),
})
export const JoinTokenResponse = z.object({ token: z.string(), agentName: z.string(), expiresAt: z.iso.datetime() })
export type JoinTokenResponse = z.infer<typeof JoinTokenResponse>

/** POST /api/v1/policies/explain: what would happen to this statement of this caller. */
export const ExplainRequest = z.strictObject({
  target: z.string().min(1).max(63),
  sql: z.string().min(1).max(1_048_576),
  /** The caller to explain for; the signed-in person when absent. */
  groups: z.array(z.string()).optional(),
  kind: z.enum(['user', 'workload']).optional(),
  /** Draft documents put in place of the stored ones of the same name. */
  yaml: z.string().max(2_097_152).optional(),
})
export const ExplainResult = z.object({
  target: z.string(),
  /** Which catalog was used; null when no agent has sent one yet. */
  catalogVersion: z.string().nullable(),
  statements: z.array(
    z.object({
      text: z.string(),
      verb: z.string(),
      decision: z.enum(['allow', 'deny', 'hold']),
      code: z.string().nullable(),
      message: z.string(),
      policy: z.string(),
      rule: z.string(),
      effects: z.array(
        z.object({
          operation: z.string(),
          object: z.string(),
          via: z.enum(['direct', 'derived']),
          baseline: z.boolean(),
        }),
      ),
      functions: z.array(z.string()),
      filtered: z.boolean(),
      unknowns: z.array(z.string()),
      output: z
        .array(
          z.object({
            name: z.string(),
            kind: z.enum(['direct', 'derived']),
            sources: z.array(z.string()),
            mask: z.string().nullable(),
          }),
        )
        .nullable(),
      maskRefusal: z.string().nullable(),
      trace: z.array(
        z.object({
          policy: z.string(),
          version: z.number().int(),
          rule: z.string(),
          effect: z.string(),
          principal: z.string(),
          object: z.string(),
          outcome: z.string(),
          note: z.string(),
        }),
      ),
    }),
  ),
})
export type ExplainResult = z.infer<typeof ExplainResult>
