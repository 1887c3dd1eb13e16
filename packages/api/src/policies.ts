// What policies would do, asked of many statements at once: cases that are kept beside a policy, and recorded traffic.
import { loginMethods } from '@sallyport/policy/strength'
import { z } from 'zod'

const groups = z.array(z.string().min(1).max(200)).max(200)
const Asker = z.strictObject({
  kind: z.enum(['user', 'workload']).default('user'),
  issuer: z.string().min(1).max(500).default('https://test.invalid'),
  subject: z.string().min(1).max(500).default('test'),
  groups: groups.default([]),
  claims: z.record(z.string(), z.unknown()).default({}),
})

/** A caller of cases: who asks, and through whom. */
export const TestCaller = z.strictObject({
  ...Asker.shape,
  actors: z.array(Asker).max(10).default([]),
})

export const PolicyCase = z.strictObject({
  name: z.string().min(1).max(200),
  /** One of `callers`. */
  caller: z.string().min(1).max(200),
  /** Instead of the file's. */
  target: z.string().min(1).max(63).optional(),
  sql: z.string().min(1).max(262_144),
  parameters: z.array(z.string().nullable()).max(1_000).default([]),
  /** When it is asked; now, if absent. */
  at: z.iso.datetime({ offset: true }).optional(),
  session: z
    .strictObject({
      applicationName: z.string().max(200).optional(),
      clientAddress: z.string().max(200).optional(),
      authentication: z.enum(loginMethods).optional(),
    })
    .default({}),
  expect: z.strictObject({
    decision: z.enum(['allow', 'deny', 'hold']),
    /** `policy/rule`. */
    rule: z.string().max(200).optional(),
    code: z.string().max(100).optional(),
    /** Part of what the caller is told. */
    message: z.string().max(500).optional(),
    /** Method by result column; null: not masked. Columns that are not named are not looked at. */
    masked: z.record(z.string(), z.string().nullable()).optional(),
    /** `policy/limit` of the limits that concern it, in order. */
    limits: z.array(z.string()).optional(),
  }),
})

/** A file of cases, without the documents that it names. */
export const PolicyTestFile = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('PolicyTest'),
  target: z.string().min(1).max(63),
  /** Files of documents that are put in place of the applied ones, as paths from this file. */
  documents: z.array(z.string().min(1)).max(100).default([]),
  callers: z.record(z.string(), TestCaller),
  cases: z.array(PolicyCase).min(1).max(1_000),
})
export type PolicyTestFile = z.infer<typeof PolicyTestFile>

/** POST /api/v1/policies/test. */
export const PolicyTestRequest = z.strictObject({
  target: z.string().min(1).max(63),
  yaml: z.string().max(2_097_152).optional(),
  callers: z.record(z.string(), TestCaller),
  cases: z.array(PolicyCase).min(1).max(1_000),
})
export type PolicyTestRequest = z.infer<typeof PolicyTestRequest>

export const PolicyTestResult = z.object({
  passed: z.number().int(),
  failed: z.number().int(),
  cases: z.array(
    z.object({
      name: z.string(),
      passed: z.boolean(),
      /** What came out another way than expected. */
      problems: z.array(z.string()),
      decision: z.enum(['allow', 'deny', 'hold']).nullable(),
      rule: z.string(),
      message: z.string(),
    }),
  ),
})
export type PolicyTestResult = z.infer<typeof PolicyTestResult>

/** POST /api/v1/policies/trial: recorded statements, decided again under a draft. */
export const PolicyTrialRequest = z.strictObject({
  yaml: z.string().min(1).max(2_097_152),
  since: z.iso.datetime({ offset: true }),
  until: z.iso.datetime({ offset: true }).optional(),
  target: z.string().min(1).max(63).optional(),
})
export type PolicyTrialRequest = z.infer<typeof PolicyTrialRequest>

const Outcome = z.object({ decision: z.enum(['allow', 'deny', 'hold']), rule: z.string(), message: z.string() })
export const PolicyTrialResult = z.object({
  statements: z.number().int(),
  unchanged: z.number().int(),
  changed: z.number().int(),
  /** Of those that are decided: under the applied policies another decision than the recorded one. */
  outdated: z.number().int(),
  /** Past the bound of one trial, statements were not looked at: choose a shorter time. */
  truncated: z.boolean(),
  /** Statements that a record cannot decide, by reason. */
  undecided: z.array(z.object({ reason: z.string(), statements: z.number().int() })),
  /** By initiator, shape of the statement and change; most frequent first. */
  changes: z.array(
    z.object({
      statements: z.number().int(),
      target: z.string(),
      initiator: z.string(),
      verb: z.string(),
      objects: z.array(z.string()),
      /** As recorded. */
      text: z.string(),
      from: Outcome,
      to: Outcome,
      /** One of them. */
      session: z.string(),
      statement: z.number().int(),
      at: z.string(),
    }),
  ),
})
export type PolicyTrialResult = z.infer<typeof PolicyTrialResult>
