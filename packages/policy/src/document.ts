// The YAML documents of DESIGN §4 as types: Target, Policy, TrustedIssuer, Group, Role, Label.
// Unknown fields are refused: a typing mistake must never loosen a policy.

import { JsonPaths, MaskRule, Routes, Unless } from '@sallyport/mask/rule'
import { z } from 'zod'
import { BodySchema } from './body-schema.ts'
import { CredentialReference, HttpCredential } from './credential.ts'
import { LimitRule, OutwardRule } from './document-limits.ts'
import { Callers, resourceName } from './document-shared.ts'
import { Duration } from './duration.ts'
import { TrustedIssuerSpec } from './issuer-spec.ts'
import { McpServer, PageOrigin } from './mcp-target.ts'
import { Pooling } from './pooling.ts'

export const apiVersion = 'sallyport.dev/v1'
const labels = z.record(z.string().min(1), z.string())
const metadata = z.strictObject({
  name: resourceName,
  description: z.string().max(2_000).optional(),
  labels: labels.optional(),
})

export const operations = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'lock',
  'call',
  'create',
  'alter',
  'drop',
  'set',
  'listen',
  'notify',
  'copy-file',
  'admin',
  'mcp.call',
  'mcp.read',
  'mcp.prompt',
] as const
export const Operation = z.union([
  z.enum(operations),
  z.string().regex(/^http\.[A-Z]+$/, 'an operation: select, insert …, http.GET'),
])

export const Approval = z.strictObject({
  reviewers: z
    .array(z.strictObject({ group: z.string().min(1), count: z.number().int().min(1).max(10).default(1) }))
    .min(1),
  expires: Duration.default('15m'),
  wait: Duration.default('60s'),
  reason: z.enum(['optional', 'required']).default('optional'),
})

const timeOfDay = /^([01][0-9]|2[0-3]):[0-5][0-9]$/
/** Hours of the week in a named zone. `to` is exclusive; at or before `from` it is on the next day. */
export const TimeWindow = z.strictObject({
  /** Of the start; absent: every day. */
  days: z
    .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
    .min(1)
    .optional(),
  from: z.string().regex(timeOfDay, 'a time of day: 08:00'),
  to: z.string().regex(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, 'a time of day: 20:00, or 24:00'),
  /** IANA name. */
  zone: z.string().min(1),
})

const ruleShared = {
  name: resourceName,
  operations: z.array(Operation).min(1).optional(),
  objects: z.array(z.string().min(1)).min(1).optional(),
  when: z.string().min(1).optional(),
  /** The rule applies in these hours only; entries of the list are ORed. */
  during: z.array(TimeWindow).min(1).max(20).optional(),
  message: z.string().min(1).max(500).optional(),
  mode: z.enum(['enforce', 'shadow']).default('enforce'),
}
/** What may be asked for ahead, for a time: it allows nothing until reviewers have granted it to somebody. */
const GrantRule = z.strictObject({
  effect: z.literal('grant'),
  callers: Callers,
  /** `expires`: how long reviewers have to decide. */
  approval: Approval.omit({ wait: true }).extend({ expires: Duration.default('24h') }),
  /** The longest time that it can be asked for. */
  longest: Duration.default('8h'),
  ...ruleShared,
  mode: z.literal('enforce').default('enforce'),
})
export type GrantRule = z.infer<typeof GrantRule>

/** Allow and hold must name callers (`any: true` is explicit); a deny rule without callers is about everyone. */
export const Rule = z.discriminatedUnion('effect', [
  z.strictObject({ effect: z.literal('allow'), callers: Callers, ...ruleShared }),
  z.strictObject({ effect: z.literal('hold'), callers: Callers, approval: Approval, ...ruleShared }),
  z.strictObject({ effect: z.literal('deny'), callers: Callers.optional(), ...ruleShared }),
  GrantRule,
])
export type Rule = z.infer<typeof Rule>

export const PolicyDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Policy'),
  metadata,
  spec: z.strictObject({
    targets: z.strictObject({
      names: z.array(resourceName).min(1).optional(),
      labels: labels.optional(),
      any: z.literal(true).optional(),
    }),
    rules: z.array(Rule).max(500).default([]),
    masks: z.array(MaskRule).max(500).default([]),
    /** What becomes of a statement about which it cannot be proven what it shows of the columns that this policy masks; absent: strict. */
    masking: z.enum(['strict', 'relaxed']).optional(),
    limits: z.array(LimitRule).max(100).default([]),
    outward: z.array(OutwardRule).max(100).optional(),
  }),
})
export type PolicyDocument = z.infer<typeof PolicyDocument>

/** Which principals may act here for which others (RFC 8693): a function for people. Without a rule nobody may. */
const MayAct = z
  .array(z.strictObject({ actors: Callers, initiators: Callers }))
  .max(100)
  .optional()

const UpstreamTls = z
  .strictObject({
    /** `disable` is for a target on the same host only; there is no `prefer`. */
    mode: z.enum(['verify-full', 'disable']).default('verify-full'),
    /** PEM of the authority to trust; the system's when absent. */
    ca: z.string().min(1).optional(),
    /** Name to verify when it is not `host`. */
    serverName: z.string().min(1).optional(),
  })
  .default({ mode: 'verify-full' })

const PostgresTarget = z.strictObject({
  protocol: z.literal('postgres'),
  /** Names of the agents that serve it. */
  agents: z.array(resourceName).min(1),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).default(5432),
  database: z.string().min(1).max(63),
  tls: UpstreamTls,
  /** Upstream roles that callers may choose, the first is the default. */
  roles: z.array(z.strictObject({ name: z.string().min(1).max(63), password: CredentialReference })).min(1),
  recording: z.enum(['strict', 'spool', 'off']).default('spool'),
  initiator: z.enum(['optional', 'required']).default('optional'),
  /** A setting by which the target is told for whom a connection is (`issuer subject`), for row security. */
  initiatorSetting: z
    .string()
    .max(63)
    .regex(/^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$/, 'a name of two parts in small letters: app.initiator')
    .optional(),
  mayAct: MayAct,
  preset: z.enum(['none', 'tooling']).default('none'),
  /** Code of the target that its owner vouches for: it shows nothing of masked columns, and is not looked into. */
  trusted: z
    .strictObject({
      /** `schema.name()`, for every function of that name. */
      functions: z.array(z.string().regex(/^[^.()*]+\.[^()*]+\(\)$/, 'a function as "schema.name()"')).max(200),
    })
    .optional(),
  /** How long a session may leave a transaction open and say nothing; its locks are in everybody's way meanwhile. */
  idleInTransaction: Duration.default('5m'),
  /** How the agent keeps its connections to the target. */
  pool: Pooling,
})

const HttpTarget = z.strictObject({
  protocol: z.literal('http'),
  /** Names of the agents that serve it. */
  agents: z.array(resourceName).min(1),
  /** Where requests go; a path is put before the caller's. */
  url: z
    .url({ protocol: /^https?$/ })
    .refine((text) => /^https?:\/\/[^/?#@\\]+(\/[A-Za-z0-9._~/-]*)?$/.test(text), 'no user, query or fragment')
    .refine((text) => !/\/\/.|\/\.{1,2}(\/|$)/.test(text.replace(/^https?:\/\//, '')), 'no empty or dot segment'),
  tls: z
    .strictObject({
      /** PEM of the authority to trust; the system's when absent. */
      ca: z.string().min(1).optional(),
      /** Name to verify when it is not the URL's. */
      serverName: z.string().min(1).optional(),
      /** What the agent shows of itself: certificate with its chain, and key, in PEM. */
      client: z.strictObject({ certificate: CredentialReference, key: CredentialReference }).optional(),
    })
    .prefault({}),
  /**
   * Which addresses the URL's name may stand for: `public` ones only, `private` ones as well, or `loopback` as well.
   * Link-local ones, where clouds keep their metadata, never.
   */
  network: z.enum(['public', 'private', 'loopback']).default('public'),
  /** `none` for an API that asks for nothing. */
  credential: z.union([HttpCredential, z.literal('none')]),
  /** Header fields of callers that pass although the gateway takes them out. */
  /** Names for routes, and what becomes of requests that have none; `sallyport openapi` makes the list. */
  routes: z
    .strictObject({
      unknown: z.enum(['deny', 'allow']).default('deny'),
      list: z
        .array(
          z.strictObject({
            name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'letters, digits, "_", "." and "-"'),
            methods: z.array(z.string().regex(/^[A-Z]{1,20}$/, 'a method in capitals: GET')).min(1),
            path: z.string().min(1).max(500),
            /** What it takes (packages/policy/src/body-schema.ts). Absent: nobody looks. */
            body: BodySchema.optional(),
            /** Without a body as well. */
            optionalBody: z.boolean().optional(),
            /** Of the names and values of the query, as an object. */
            query: BodySchema.optional(),
          }),
        )
        .min(1)
        .max(2_000),
    })
    .optional(),
  passFields: z
    .array(
      z.enum([
        'authorization',
        'cookie',
        'range',
        'if-range',
        'x-amz-copy-source',
        'x-ms-copy-source',
        'x-goog-copy-source',
      ]),
    )
    .default([]),
  /** It is a server of the Model Context Protocol, and `url` its endpoint; nothing else passes. */
  mcp: McpServer.optional(),
  /** Absent: none pass. They are the operation `http.WEBSOCKET`. */
  webSocket: z
    .strictObject({
      /** Those that a client may offer; absent: any. */
      subprotocols: z
        .array(z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, 'a subprotocol: graphql-transport-ws'))
        .max(32)
        .optional(),
      /** Origins of web pages that may open one; without any, no page may. */
      origins: z.array(PageOrigin).max(20).default([]),
    })
    .optional(),
  recording: z.enum(['strict', 'spool', 'off']).default('spool'),
  initiator: z.enum(['optional', 'required']).default('optional'),
  mayAct: MayAct,
})

export const TargetDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Target'),
  metadata,
  spec: z.discriminatedUnion('protocol', [PostgresTarget, HttpTarget]),
})
export type TargetDocument = z.infer<typeof TargetDocument>

/** What the analysis has to know of a target (packages/sql, AnalysisContext). */
export const analysisOf = ({
  preset,
  trusted,
}: z.infer<typeof PostgresTarget>): { readonly preset: 'none' | 'tooling'; readonly trusted: ReadonlySet<string> } => ({
  preset,
  trusted: new Set(trusted?.functions ?? []),
})
type TargetSpec = TargetDocument['spec']
type TargetOf<P extends TargetSpec['protocol']> = Omit<TargetDocument, 'spec'> & {
  readonly spec: Extract<TargetSpec, { protocol: P }>
}
export type PostgresTargetDocument = TargetOf<'postgres'>
export type HttpTargetDocument = TargetOf<'http'>
export const isPostgresTarget = (target: TargetDocument): target is PostgresTargetDocument =>
  target.spec.protocol === 'postgres'
export const isHttpTarget = (target: TargetDocument): target is HttpTargetDocument => target.spec.protocol === 'http'

export const TrustedIssuerDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('TrustedIssuer'),
  metadata,
  spec: TrustedIssuerSpec,
})
export type TrustedIssuerDocument = z.infer<typeof TrustedIssuerDocument>

export const GroupDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Group'),
  metadata,
  spec: z.strictObject({
    members: z
      .array(
        z.union([
          /** Everyone to whom this issuer gives this value in its groups claim. */
          z.strictObject({ issuer: z.url(), claim: z.string().min(1) }),
          /** One principal, exact. */
          z.strictObject({ issuer: z.url(), subject: z.string().min(1) }),
        ]),
      )
      .min(1),
  }),
})
export type GroupDocument = z.infer<typeof GroupDocument>

export const roleNames = ['admin', 'reviewer', 'auditor', 'member'] as const
export type RoleName = (typeof roleNames)[number]
export const RoleDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Role'),
  metadata,
  spec: z.strictObject({ role: z.enum(roleNames), groups: z.array(z.string().min(1)).min(1) }),
})
export type RoleDocument = z.infer<typeof RoleDocument>

export const LabelDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Label'),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/),
    description: z.string().optional(),
    labels: labels.optional(),
  }),
  spec: z.strictObject({
    /** Of databases. */
    columns: z
      .array(z.strictObject({ targets: z.array(z.string().min(1)).optional(), pattern: z.string().min(1) }))
      .default([]),
    /** Of HTTP APIs: members of the JSON that they answer with. */
    fields: z
      .array(z.strictObject({ targets: z.array(z.string().min(1)).optional(), routes: Routes, path: JsonPaths }))
      .min(1)
      .optional(),
  }),
})
export type LabelDocument = z.infer<typeof LabelDocument>

export const Document = z.discriminatedUnion('kind', [
  TargetDocument,
  PolicyDocument,
  TrustedIssuerDocument,
  GroupDocument,
  RoleDocument,
  LabelDocument,
])
export type Document = z.infer<typeof Document>
export const documentKinds = ['Target', 'Policy', 'TrustedIssuer', 'Group', 'Role', 'Label'] as const
export type DocumentKind = (typeof documentKinds)[number]

/** `floor.yaml` of an agent: what no snapshot can loosen (DESIGN §2). */
/** As `sallyport approvals key` prints it: the raw key of 32 bytes, base64url. */
const ReviewerKey = z.strictObject({
  name: resourceName,
  key: z.string().regex(/^ed25519:[A-Za-z0-9_-]{43}$/, 'a line that "sallyport approvals key" prints: ed25519:…'),
})

export const FloorDocument = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Floor'),
  spec: z.strictObject({
    /** When given, only these issuers are trusted, whatever a snapshot says. */
    issuers: z.array(z.url()).min(1).optional(),
    /** Rules that deny, or hold: they let nothing through that policies do not. */
    rules: z
      .array(
        z.discriminatedUnion('effect', [
          z.strictObject({ effect: z.literal('deny'), callers: Callers.optional(), ...ruleShared }),
          z.strictObject({ effect: z.literal('hold'), callers: Callers.optional(), approval: Approval, ...ruleShared }),
        ]),
      )
      .default([]),
    masks: z.array(MaskRule).default([]),
    /** When given, an approval is used at this agent only with so many signatures by different keys of these. */
    reviewers: z
      .strictObject({
        keys: z.array(ReviewerKey).min(1).max(50),
        count: z.number().int().min(1).max(50).default(1),
      })
      .optional(),
  }),
})
export type FloorDocument = z.infer<typeof FloorDocument>
export { CredentialReference, HttpCredential, Unless }
