// What a TrustedIssuer says: whose tokens are believed, by which keys, and what must stand in them.
import { z } from 'zod'
import { Duration } from './duration.ts'
import { issuerPresets } from './issuer-presets.ts'

export const TrustedIssuerSpec = z.strictObject({
  issuer: z.url(),
  /** The platform behind it: its tokens are then held against what that platform puts into them. */
  preset: z.enum(issuerPresets).optional(),
  /** Who its tokens speak for. */
  principals: z.enum(['user', 'workload']).default('workload'),
  /** Exact values of `aud`; one of them must be in the token. */
  audiences: z.array(z.string().min(1)).min(1),
  algorithms: z
    .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
    .min(1)
    .default(['RS256', 'ES256']),
  /** Fetched by the control plane; discovered from the issuer when absent. */
  jwksUri: z.url().optional(),
  /** Public keys that are pinned here, and never fetched. */
  jwks: z
    .strictObject({
      keys: z
        .array(z.record(z.string(), z.union([z.string(), z.array(z.string())])))
        .min(1)
        .max(100),
    })
    .optional(),
  /** Exact values that claims must have; a list means one of. A name that begins with "/" is a JSON Pointer (RFC 6901). */
  requiredClaims: z
    .record(z.string().min(1), z.union([z.string(), z.boolean(), z.array(z.string()).min(1)]))
    .default({}),
  /** Longest life (exp - iat) that is accepted. */
  maxLife: Duration.default('1h'),
  /** Claim that holds group ids, mapped by Group documents. */
  groupsClaim: z.string().min(1).default('groups'),
  /** Claims that rules may read as caller.claims. */
  exposeClaims: z.array(z.string().min(1)).default([]),
})
