// Targets, policies, agents, and the documents that make them.
import type { DocumentKind } from '@sallyport/policy/document'
import { loginMethods } from '@sallyport/policy/strength'
import { z } from 'zod'
import { pageOf } from './problem.ts'

/** The path segment of each kind of document. */
export const resourcePaths = {
  targets: 'Target',
  policies: 'Policy',
  'trusted-issuers': 'TrustedIssuer',
  groups: 'Group',
  roles: 'Role',
  labels: 'Label',
} as const satisfies Record<string, DocumentKind>
export const ResourcePath = z.enum(['targets', 'policies', 'trusted-issuers', 'groups', 'roles', 'labels'])
export type ResourcePath = z.infer<typeof ResourcePath>

/** Documents whose versions one apply may name: as many as it may hold (documentsPerApplyMax). */
const expectedMax = 500

/** A version that the caller has looked at; 0: it saw that there is none. */
export const ExpectedVersion = z.strictObject({
  kind: z.enum(Object.values(resourcePaths)),
  name: z.string().min(1).max(63),
  version: z.number().int().min(0),
})
export type ExpectedVersion = z.infer<typeof ExpectedVersion>

/** DELETE /api/v1/resources/:kind/:name: nothing is deleted when it has another version by now: CONFLICT. */
export const DeleteQuery = z.object({ version: z.coerce.number().int().min(1).optional() })

/** POST /api/v1/apply: a YAML text of several documents, all or nothing. */
export const ApplyRequest = z.strictObject({
  yaml: z.string().min(1).max(2_097_152),
  dryRun: z.boolean().default(false),
  /** Nothing is written when one of these has another version by now: CONFLICT. What is not named is not compared. */
  expect: z.array(ExpectedVersion).max(expectedMax).optional(),
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
  /** Applied all the same, but probably not what was meant: an agent that has not joined, a target that does not exist yet. */
  warnings: z.array(z.object({ path: z.string(), message: z.string() })).default([]),
})
export type ApplyResult = z.infer<typeof ApplyResult>

/** The versions that a dry run has looked at: given to the apply that follows, it changes these and nothing else. */
export const expectedOf = ({ changes }: Pick<ApplyResult, 'changes'>): ExpectedVersion[] =>
  changes.flatMap(({ kind, name, change, version }) => {
    const seen = { created: 0, updated: version - 1, unchanged: version }[change]
    return ExpectedVersion.safeParse({ kind, name, version: seen }).data ?? []
  })

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

/** GET /api/v1/resources/:kind/:name/versions, newest first; deletions too. */
export const ResourceVersion = z.object({
  version: z.number().int(),
  at: z.iso.datetime(),
  by: z.string(),
  deleted: z.boolean(),
  document: z.unknown(),
})
export type ResourceVersion = z.infer<typeof ResourceVersion>
export const ResourceVersionPage = pageOf(ResourceVersion)

/** GET /api/v1/me/targets: the targets that some policy opens to the caller. */
export const MyTarget = z.object({
  name: z.string(),
  description: z.string(),
  labels: z.record(z.string(), z.string()),
  protocol: z.enum(['postgres', 'http']),
  /** Tools for language models, over HTTP. */
  mcp: z.boolean().default(false),
  /** Upstream roles that the caller may choose; the first is the default. */
  roles: z.array(z.string()),
  /** Where an agent serves it; null when none has joined yet. */
  connection: z.object({ host: z.string(), port: z.number().int() }).nullable(),
})
export type MyTarget = z.infer<typeof MyTarget>
export const MyTargets = z.object({ items: z.array(MyTarget) })
export type MyTargets = z.infer<typeof MyTargets>

/** GET /api/v1/me/targets/:name/schema: what of a target rules open to the caller, and what of that is hidden from them. */
export const MySchemaQuery = z.strictObject({
  /** A part of `schema.relation`, of a route's name or of its path, without regard to capitals. */
  match: z.string().min(1).max(200).optional(),
})
const OpenOperation = z.object({
  operation: z.string(),
  effect: z.enum(['allow', 'hold']),
  /** A rule about it has a condition or hours. */
  maybe: z.boolean(),
})
export const MySchema = z.object({
  target: z.string(),
  protocol: z.enum(['postgres', 'http']),
  relations: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      kind: z.string(),
      operations: z.array(OpenOperation),
      columns: z.array(
        z.object({ name: z.string(), type: z.string(), notNull: z.boolean(), mask: z.string().nullable() }),
      ),
    }),
  ),
  routes: z.array(
    z.object({
      name: z.string(),
      path: z.string(),
      operations: z.array(OpenOperation),
      masks: z.array(z.string()),
    }),
  ),
  /** How many more there are. */
  left: z.number().int(),
})
export type MySchema = z.infer<typeof MySchema>

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

/** POST /api/v1/agents/:id/revoke, for good. The reason stands in the audit; a call without a body gives none. */
export const AgentRevokeRequest = z.strictObject({ reason: z.string().min(1).max(500).optional() })

/** POST /api/v1/policies/explain: what would happen to this statement of this caller. */
export const ExplainRequest = z.strictObject({
  target: z.string().min(1).max(63),
  sql: z.string().min(1).max(1_048_576),
  /** The caller to explain for; the signed-in person when absent. */
  groups: z.array(z.string()).optional(),
  kind: z.enum(['user', 'workload']).optional(),
  /** How the caller has logged in: what rules read as `session.authentication`. A token, when absent. */
  authentication: z.enum(loginMethods).optional(),
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
      /** What detectors look for in columns that no mask hides. */
      detect: z.string().nullable().optional(),
      /** It could not be proven what it shows; the policies let it through with detectors. */
      relaxed: z.boolean().optional(),
      control: z.array(z.object({ column: z.string(), use: z.string(), where: z.string() })).optional(),
      flows: z.array(z.object({ to: z.string(), sources: z.array(z.string()) })).optional(),
      opaque: z.array(z.string()).optional(),
      trusted: z.array(z.string()).optional(),
      limits: z.array(z.object({ name: z.string(), text: z.string(), refusal: z.string().nullable() })).optional(),
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
