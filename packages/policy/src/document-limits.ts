// What policies say beside rules and masks: how much may be asked for, and what may not leave.
import { DetectorName, JsonPaths, JsonPathText, MaskMethod, Routes, Unless } from '@sallyport/mask/rule'
import { z } from 'zod'
import { Callers, resourceName } from './document-shared.ts'
import { Duration } from './duration.ts'

const amount = z.number().int().positive().max(1_000_000_000_000)
export const LimitRule = z.strictObject({
  name: resourceName.optional(),
  per: z.enum(['initiator', 'actor', 'target', 'statement']),
  /** Statements that are sent to run. */
  requests: amount.optional(),
  /** Rows that go to the caller. */
  rows: amount.optional(),
  /** Bytes of those rows, or of the answers of an HTTP API. */
  bytes: amount.optional(),
  /** Requests to an HTTP API at the same time. */
  concurrent: amount.optional(),
  /** Cost units, as `weights` say them; without weights each request is one. */
  cost: amount.optional(),
  /** What a request costs; of several that fit it the most. What fits none costs one unit. */
  weights: z
    .array(
      z.strictObject({
        objects: z.array(z.string().min(1)).min(1).optional(),
        /** Taken before the request goes on. */
        units: z.number().int().min(0).max(1_000_000_000).default(1),
        /** Where the answer of an HTTP API says what it was: a number in its JSON, or in a field. */
        answer: JsonPathText.optional(),
        field: z
          .string()
          .regex(/^[a-z0-9-]{1,64}$/, 'the name of a header field in lower case')
          .optional(),
      }),
    )
    .min(1)
    .max(50)
    .optional(),
  every: Duration.optional(),
  objects: z.array(z.string().min(1)).min(1).optional(),
  callers: Callers.optional(),
  /** May a statement under a limit of rows put several rows into one (array_agg)? */
  packing: z.enum(['deny', 'allow']).default('deny'),
  message: z.string().min(1).max(500).optional(),
  mode: z.enum(['enforce', 'shadow']).default('enforce'),
})
export type LimitRule = z.infer<typeof LimitRule>

/**
 * What may not leave through requests to HTTP APIs: what detectors find in a URL, in fields or in a body stops the request, or is
 * hidden in the body before it goes on.
 */
export const OutwardRule = z.union([
  z.strictObject({
    name: resourceName,
    detect: z.array(DetectorName).min(1),
    /** How findings in the body are hidden; absent: they stop the request. Elsewhere they do so anyway. */
    method: MaskMethod.optional(),
    /** Of requests to these routes alone. */
    routes: Routes.optional(),
    /** Whose requests are not looked at. */
    unless: Unless.optional(),
    message: z.string().min(1).max(500).optional(),
  }),
  z.strictObject({
    name: resourceName,
    /** Members of the JSON that is sent: `$.contact.email`. */
    path: JsonPaths,
    method: MaskMethod,
    routes: Routes,
    unless: Unless.optional(),
  }),
])
export type OutwardRule = z.infer<typeof OutwardRule>
