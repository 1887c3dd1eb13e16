// Mask rules as documents carry them: what is hidden and how (DESIGN §4, Masks).
import { z } from 'zod'

/** Order of strictness, strictest first. */
export const maskMethodNames = ['null', 'redact', 'hash', 'year', 'email', 'partial'] as const

export const MaskMethod = z.union([
  z.enum(['null', 'redact', 'hash', 'year', 'email']),
  z.strictObject({ partial: z.strictObject({ keepLast: z.number().int().min(0).max(16) }) }),
])
export type MaskMethod = z.infer<typeof MaskMethod>

/** Which control positions a protected column may stand in; strictest first. */
export const predicateNames = ['none', 'equality', 'any'] as const
export const Predicates = z.enum(predicateNames)
export type Predicates = z.infer<typeof Predicates>

/** What the detectors of detect/ look for; docs/detectors.md describes each. `api-token`: vendors without a name here. */
export const detectorNames = [
  'email',
  'card',
  'iban',
  'phone',
  'us-ssn',
  'jwt',
  'private-key',
  'aws-key',
  'gcp-key',
  'azure-key',
  'github-token',
  'gitlab-token',
  'slack-token',
  'stripe-key',
  'api-token',
] as const
export const DetectorName = z.enum(detectorNames)
export type DetectorName = z.infer<typeof DetectorName>

/** Who sees the value unmasked. Every verified principal of the chain must match. */
export const Unless = z.strictObject({
  groups: z.array(z.string().min(1)).min(1).optional(),
  subjects: z.array(z.string().min(1)).min(1).optional(),
})
export type Unless = z.infer<typeof Unless>

/** A part of a JSON value, members from the root on; arrays are looked through. */
export const JsonPathText = z.string().regex(/^\$./, 'a path from the root on: $.contact.email')
const pathsMax = 50
export const JsonPaths = z.union([JsonPathText, z.array(JsonPathText).min(1).max(pathsMax)])

/** Routes of an HTTP API, matched like the objects of its rules: `/v1/customers/**`. */
export const Routes = z.array(z.string().min(1)).min(1).max(50)

/** So many look-ups within this time. */
export const Lookups = z.strictObject({
  requests: z.number().int().positive().max(1_000_000_000),
  every: z.string().regex(/^[1-9][0-9]{0,5}(s|m|h|d)$/, 'a duration: 30s, 15m, 1h, 7d'),
})
export type Lookups = z.infer<typeof Lookups>

export const MaskRule = z.union([
  z.strictObject({
    name: z.string().optional(),
    /** `schema.relation.column` patterns, matched like objects; or a label's name. */
    columns: z.array(z.string().min(1)).min(1).optional(),
    label: z.string().min(1).optional(),
    /** Answers of HTTP APIs to requests on these routes; `path` says what is hidden in them. */
    routes: Routes.optional(),
    /** Only these parts of JSON columns: `$.contact.email`. Absent: the columns as a whole. */
    path: JsonPaths.optional(),
    method: MaskMethod,
    unless: Unless.optional(),
    predicates: Predicates.default('none'),
    /** May rows come in the order of the column's values where an index gives them so, or one partition after the other? */
    order: z.enum(['hidden', 'shown']).default('hidden'),
    /** How often one initiator may guess at a value of each column: look it up by `predicates: equality`, or meet it with a write. */
    lookups: Lookups.optional(),
  }),
  z.strictObject({
    name: z.string().optional(),
    detect: z.array(DetectorName).min(1),
    /** Only in answers of HTTP APIs to requests on these routes. Absent: in all that leaves any target. */
    routes: Routes.optional(),
    method: MaskMethod.default('redact'),
    unless: Unless.optional(),
  }),
])
export type MaskRule = z.infer<typeof MaskRule>
