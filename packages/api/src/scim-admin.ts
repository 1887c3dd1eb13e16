// How administrators let a provider's SCIM client in, and the groups that it has made. SCIM itself speaks RFC 7643's schemas
// (apps/control-plane/src/scim).
import { z } from 'zod'

export const ScimTokenShown = z.object({
  id: z.string(),
  provider: z.string(),
  state: z.enum(['active', 'expired', 'revoked']),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  expiresAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().nullable(),
})
export type ScimTokenShown = z.infer<typeof ScimTokenShown>
export const ScimTokens = z.object({
  /** What the provider is configured with. */
  baseUrl: z.string(),
  items: z.array(ScimTokenShown),
})
export type ScimTokens = z.infer<typeof ScimTokens>

/** POST /api/v1/scim-tokens. The token is shown once; the one before stays good until it is revoked. */
export const ScimTokenRequest = z.strictObject({
  provider: z.string().min(1).max(63),
  expiresInDays: z.number().int().min(1).max(730).default(365),
})
export const ScimTokenResponse = z.object({ id: z.string(), token: z.string(), expiresAt: z.iso.datetime() })
export type ScimTokenResponse = z.infer<typeof ScimTokenResponse>

/** GET /api/v1/provisioned-groups: what a Group document names them by. */
export const ProvisionedGroups = z.object({
  items: z.array(
    z.object({
      provider: z.string(),
      issuer: z.string(),
      display: z.string(),
      /** Value of `claim` in a member of a Group document. */
      claim: z.string(),
      members: z.number().int(),
    }),
  ),
})
export type ProvisionedGroups = z.infer<typeof ProvisionedGroups>
