// Targets and policies as pages read them: leniently, because a control plane may be newer than the console. What cannot
// be read is left out of the view and never out of the YAML that is shown and saved.
import { matchesTarget } from '@sallyport/policy/match'
import { z } from 'zod'

const texts = z.array(z.string())
const labels = z.record(z.string(), z.string())
const Metadata = z.object({
  name: z.string(),
  description: z.string().catch('').default(''),
  labels: labels.catch({}).default({}),
})

const Callers = z.object({
  any: z.literal(true).optional().catch(undefined),
  groups: texts.optional(),
  principals: z.array(z.object({ issuer: z.string(), subject: z.string() })).optional(),
  kinds: z.array(z.enum(['user', 'workload'])).optional(),
})

/** One that cannot be read is counted, so that the page says so. */
const listOf = <T extends z.ZodType>(item: T) =>
  z
    .array(z.unknown())
    .catch([])
    .default([])
    .transform((items) => {
      const read = items.flatMap((one) => {
        const parsed = item.safeParse(one)
        return parsed.success ? [parsed.data] : []
      })
      return { items: read, unread: items.length - read.length }
    })

const Target = z.object({
  metadata: Metadata,
  spec: z.object({
    protocol: z.string().catch('unknown'),
    agents: texts.catch([]).default([]),
    host: z.string().catch(''),
    port: z.number().catch(5432).default(5432),
    database: z.string().catch(''),
    /** Of HTTP targets. */
    url: z.string().catch('').default(''),
    network: z.string().catch('public').default('public'),
    tls: z.object({ mode: z.string() }).catch({ mode: 'verify-full' }).default({ mode: 'verify-full' }),
    roles: z
      .array(z.object({ name: z.string(), password: z.unknown() }))
      .catch([])
      .default([]),
    recording: z.string().catch('spool').default('spool'),
    initiator: z.string().catch('optional').default('optional'),
    /** Who may act for whom. */
    mayAct: listOf(z.object({ actors: Callers, initiators: Callers })),
    preset: z.string().catch('none').default('none'),
  }),
})
export type TargetView = z.infer<typeof Target>

const Reviewers = z.array(z.object({ group: z.string(), count: z.number().catch(1).default(1) }))
const Rule = z.object({
  name: z.string(),
  effect: z.string(),
  callers: Callers.optional(),
  operations: texts.optional(),
  objects: texts.optional(),
  when: z.string().optional(),
  message: z.string().optional(),
  mode: z.string().catch('enforce').default('enforce'),
  during: z.array(z.object({ days: texts.optional(), from: z.string(), to: z.string(), zone: z.string() })).optional(),
  /** Of rules that grant. */
  longest: z.string().catch('8h').default('8h'),
  approval: z
    .object({
      reviewers: Reviewers,
      expires: z.string().default('15m'),
      wait: z.string().default('60s'),
      reason: z.string().default('optional'),
    })
    .optional(),
})
export type RuleView = z.infer<typeof Rule>

const Mask = z.object({
  name: z.string().optional(),
  columns: texts.optional(),
  label: z.string().optional(),
  detect: texts.optional(),
  path: z.union([z.string().transform((one) => [one]), texts]).optional(),
  method: z.union([z.string(), z.object({ partial: z.object({ keepLast: z.number() }) })]).default('redact'),
  unless: z.object({ groups: texts.optional(), subjects: texts.optional() }).optional(),
  predicates: z.string().default('none'),
  order: z.string().default('hidden'),
})
export type MaskView = z.infer<typeof Mask>

const Selector = z.object({
  names: texts.optional(),
  labels: labels.optional(),
  any: z.literal(true).optional(),
})

const Policy = z.object({
  metadata: Metadata,
  spec: z.object({ targets: Selector.catch({}).default({}), rules: listOf(Rule), masks: listOf(Mask) }),
})
export type PolicyView = z.infer<typeof Policy>

/** Null for a document that is no target, or of a shape that this console does not know. */
export function targetOf(document: unknown): TargetView | null {
  const parsed = Target.safeParse(document)
  return parsed.success ? parsed.data : null
}

export function policyOf(document: unknown): PolicyView | null {
  const parsed = Policy.safeParse(document)
  return parsed.success ? parsed.data : null
}

/** Does the policy apply to the target? The same comparison as at the agent. */
export const selects = (policy: PolicyView, target: TargetView): boolean =>
  matchesTarget(policy.spec.targets, { metadata: target.metadata })

/** Whom callers of a document are, in words. */
export function callersText(callers: z.infer<typeof Callers>): string {
  if (callers.any === true) return 'anybody'
  const parts = [
    ...(callers.kinds ?? []).map((kind) => `every ${kind}`),
    ...(callers.groups ?? []).map((group) => `group ${group}`),
    ...(callers.principals ?? []).map(({ subject }) => subject),
  ]
  return parts.length === 0 ? 'nobody' : parts.join(', ')
}

/** Which targets a selector names, in words. */
export function selectorText(selector: PolicyView['spec']['targets']): string {
  const parts: string[] = []
  if (selector.any === true) parts.push('every target')
  if (selector.names !== undefined) parts.push(selector.names.join(', '))
  if (selector.labels !== undefined)
    parts.push(
      `labels ${Object.entries(selector.labels)
        .map(([name, value]) => `${name}: ${value}`)
        .join(', ')}`,
    )
  return parts.length === 0 ? 'no target' : parts.join(' and ')
}
