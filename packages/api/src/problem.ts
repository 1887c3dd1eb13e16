// Errors of the API: RFC 9457 problem documents with our stable code.
import { z } from 'zod'

export const Problem = z.object({
  /** A page that exists: errorDocsUrl(code). */
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  /** SallyportErrorCode. */
  code: z.string(),
  detail: z.string(),
  /** The next step. */
  hint: z.string().optional(),
  /** Id of the request, also in the server's log. */
  requestId: z.string(),
  /** For documents: every problem with line and path. */
  problems: z
    .array(z.object({ code: z.string(), line: z.number().int().nullable(), path: z.string(), message: z.string() }))
    .optional(),
})
export type Problem = z.infer<typeof Problem>

/** One page of a list. `next` goes back as `?cursor=`; absent on the last page. */
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() })
export const PageQuery = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
