// Parts of documents that several kinds have in common.
import { z } from 'zod'

export const resourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens, at most 63, not starting with a hyphen')

/** Who a rule is about. Keys are ANDed, entries of a list ORed. */
export const Callers = z.strictObject({
  any: z.literal(true).optional(),
  groups: z.array(z.string().min(1)).min(1).optional(),
  /** `issuer subject` keys, exact. */
  principals: z
    .array(z.strictObject({ issuer: z.string().min(1), subject: z.string().min(1) }))
    .min(1)
    .optional(),
  kinds: z
    .array(z.enum(['user', 'workload']))
    .min(1)
    .optional(),
})
