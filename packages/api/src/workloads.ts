// Service accounts with their keys, for workloads that no platform vouches for, and revocations of principals and tokens.
import { z } from 'zod'
import { pageOf } from './problem.ts'

/** Longest life of a key, in days. Keys are standing credentials: whoever has one is the account until it ends. */
export const serviceKeyDaysMax = 90

export const ServiceAccountName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens, at most 63, not starting with a hyphen')

export const ServiceAccountKey = z.object({
  id: z.string(),
  state: z.enum(['live', 'expired', 'revoked']),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  expiresAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().nullable(),
})
export type ServiceAccountKey = z.infer<typeof ServiceAccountKey>

export const ServiceAccount = z.object({
  name: z.string(),
  description: z.string(),
  /** As groups and records name it. */
  issuer: z.string(),
  subject: z.string(),
  /** What it proves itself with lies somewhere for weeks: shown wherever the account is. */
  credential: z.literal('standing'),
  state: z.enum(['live', 'disabled']),
  createdAt: z.iso.datetime(),
  keys: z.array(ServiceAccountKey),
})
export type ServiceAccount = z.infer<typeof ServiceAccount>

/** GET /api/v1/service-accounts, by name. */
export const ServiceAccountList = z.object({ items: z.array(ServiceAccount) })

/** POST /api/v1/service-accounts */
export const NewServiceAccount = z.strictObject({
  name: ServiceAccountName,
  description: z.string().max(500).default(''),
})

/** POST /api/v1/service-accounts/:name/keys: a second key lives beside the first, so that it can be exchanged without a gap. */
export const NewServiceKey = z.strictObject({ days: z.number().int().min(1).max(serviceKeyDaysMax).default(30) })
export const NewServiceKeyResponse = z.object({
  account: ServiceAccount,
  id: z.string(),
  /** Shown once. */
  secret: z.string(),
})

export const Revocation = z.object({
  id: z.string(),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  jti: z.string().nullable(),
  at: z.iso.datetime(),
  by: z.string(),
  reason: z.string(),
})
/** GET /api/v1/revocations, newest first. */
export const RevocationPage = pageOf(Revocation)

const name = z.string().min(1).max(1_024)
/** POST /api/v1/revocations: everything that a principal has shown until now, or one token. Sessions by it end. */
export const NewRevocation = z.union([
  z.strictObject({ issuer: name, subject: name, reason: z.string().max(500).default('') }),
  z.strictObject({ jti: name, issuer: name.optional(), reason: z.string().max(500).default('') }),
])
export type NewRevocation = z.infer<typeof NewRevocation>
