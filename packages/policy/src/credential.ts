// Credentials as Target documents name them: references that agents resolve, and how HTTP APIs are shown one. No value stands
// in a document.
import { z } from 'zod'

/** Encrypted to each agent that serves the target (packages/sealed): by agent id, for one version of the credential. */
const SealedCredential = z.strictObject({
  version: z.number().int().min(1).max(1_000_000),
  agents: z
    .record(
      z.string().regex(/^[0-9a-f]{32}$/, 'the id of an agent'),
      z
        .string()
        .regex(/^spsealed1\.[\w-]+\.[\w-]+$/)
        .max(16_384),
    )
    .refine((agents) => Object.keys(agents).length > 0, 'at least one agent'),
})

/** A value of HashiCorp Vault, which the agent reads with its own login there. */
const VaultCredential = z.strictObject({
  /** As the HTTP API has it, after `/v1/`: `secret/data/orders` (KV 2), `kv/orders` (KV 1), `database/static-creds/orders`. */
  path: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$/, 'a path without empty or dot segments')
    // What Vault keeps of logins and of itself, the agent's own token with it.
    .regex(/^(?!(auth|sys|cubbyhole|identity)\/)/i, 'a path of a secrets engine'),
  field: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .default('password'),
  /** The path makes a user for each lease (`database/creds/orders`): the agent holds one lease of it, and logs in as its user. */
  dynamic: z.boolean().optional(),
})

const region = z.string().regex(/^[a-z0-9-]{1,40}$/, 'a region: eu-central-1')

/** A value of AWS Secrets Manager, which the agent reads as who it is at AWS. */
const AwsSecret = z.strictObject({
  region,
  /** Name or ARN. */
  id: z.string().regex(/^[A-Za-z0-9/_+=.@:!-]{1,2048}$/, 'the name or ARN of a secret'),
  /** Of a secret that is JSON; absent: the whole text. */
  field: z.string().min(1).max(128).optional(),
})

/** A token of RDS, made by the agent for the role of the target, good for fifteen minutes. */
const RdsIam = z.strictObject({ region })

/** Where an agent finds a credential. The value never leaves the agent. */
export const CredentialReference = z.union([
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ sealed: SealedCredential }),
  z.strictObject({ vault: VaultCredential }),
  z.strictObject({ awsSecret: AwsSecret }),
  z.strictObject({ rdsIam: RdsIam }),
])
export type CredentialReference = z.infer<typeof CredentialReference>

const fieldName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^`|~-]{1,128}$/, 'a header field name')

/** RFC 6749, 3.2: it may have a query, which stays, and no fragment. */
const serviceUrl = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) => /^https?:\/\/[^/?#@\\]+(\/[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~/?:@!$&'()*+,;=%-]*)?)?$/.test(text),
    'no user and no fragment',
  )

/** Tokens by the client credentials grant (RFC 6749, 4.4). */
const OauthCredential = z.strictObject({
  tokenUrl: serviceUrl,
  clientId: z.string().min(1).max(512),
  clientSecret: CredentialReference,
  /** As the authorisation server wants them, separated by spaces. */
  scope: z.string().min(1).max(1_000).optional(),
  /** What some servers ask for beside the scope. */
  audience: z.string().min(1).max(1_000).optional(),
  /** Where the client's secret goes: into the header, or into the form. */
  sendAs: z.enum(['basic', 'form']).default('basic'),
})

/** AWS Signature Version 4. */
const Sigv4Credential = z.strictObject({
  region,
  service: z.string().regex(/^[a-z0-9-]{1,40}$/, 'a service: s3, execute-api'),
  accessKeyId: CredentialReference,
  secretAccessKey: CredentialReference,
  sessionToken: CredentialReference.optional(),
})

/** How the agent proves itself to an HTTP API. The values never leave the agent. */
export const HttpCredential = z.union([
  z.strictObject({ bearer: CredentialReference }),
  z.strictObject({ basic: z.strictObject({ username: z.string().min(1).max(255), password: CredentialReference }) }),
  z.strictObject({ header: z.strictObject({ name: fieldName, value: CredentialReference }) }),
  /** Ends in access logs of what lies between; use it only where the API knows nothing else. */
  z.strictObject({ query: z.strictObject({ name: z.string().min(1).max(128), value: CredentialReference }) }),
  z.strictObject({ oauth: OauthCredential }),
  z.strictObject({ sigv4: Sigv4Credential }),
])
export type HttpCredential = z.infer<typeof HttpCredential>
