// People as administrators see them. Everyone who ever signed in is one; (issuer, subject) is who they are.
import { z } from 'zod'
import { pageOf } from './problem.ts'
import { RoleNameSchema } from './signin.ts'

export const PersonShown = z.object({
  id: z.string(),
  issuer: z.string(),
  subject: z.string(),
  display: z.string(),
  groups: z.array(z.string()),
  roles: z.array(RoleNameSchema),
  /** Null: never. */
  lastLoginAt: z.iso.datetime().nullable(),
  /** Logins that are alive now. */
  logins: z.number().int(),
  disabledAt: z.iso.datetime().nullable(),
  /** `issuer subject` of an administrator, or `scim PROVIDER`. */
  disabledBy: z.string().nullable(),
})
export type PersonShown = z.infer<typeof PersonShown>
export const PersonPage = pageOf(PersonShown)
export type PersonPage = z.infer<typeof PersonPage>

/** POST /api/v1/people/:id/end-sessions, …/disable, …/enable. The reason stands in the audit. */
export const PersonReason = z.strictObject({ reason: z.string().min(1).max(500) })
