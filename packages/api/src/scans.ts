// Scans of targets: which columns look like what, in counts, and the labels that follow.
import { limits } from '@sallyport/base/limits'
import { LabelDocument } from '@sallyport/policy/document'
import { z } from 'zod'

/** POST /api/v1/targets/:name/scans. The agent reads a sample with its own connection; the answer comes by itself. */
export const ScanRequest = z.strictObject({
  /** Of each relation, at most. */
  rows: z.number().int().min(1).max(limits.scanRowsMax).default(200),
})
export const ScanStarted = z.object({ id: z.string() })

/** GET /api/v1/scans/:id. */
export const Scan = z.object({
  id: z.string(),
  target: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  askedAt: z.iso.datetime(),
  doneAt: z.iso.datetime().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  result: z
    .object({
      role: z.string(),
      catalogVersion: z.string(),
      relations: z.number().int(),
      columns: z.number().int(),
      isCut: z.boolean(),
      unread: z.array(z.string()),
      /** Columns with a hit or a telling name. */
      columnsFound: z.array(
        z.object({
          schema: z.string(),
          relation: z.string(),
          column: z.string(),
          values: z.number().int(),
          /** Values with at least one finding of each detector. */
          hits: z.record(z.string(), z.number().int()),
          /** The label that is proposed; null where too few values look like one thing. */
          label: z.string().nullable(),
          evidence: z.enum(['values', 'name']).nullable(),
          /** Labels that cover the column already. */
          labelled: z.array(z.string()),
        }),
      ),
      /** What `apply` takes: each changed label as a whole. */
      documents: z.array(LabelDocument),
    })
    .nullable(),
})
export type Scan = z.infer<typeof Scan>
