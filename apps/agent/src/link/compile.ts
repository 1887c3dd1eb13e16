// From the documents of a snapshot to what sessions use: parsed, narrowed by the floor, compiled. Pure.
// INVARIANT: a document that cannot be read never loosens anything. Every target that it could have restricted goes
// without policies, which denies; the others go on (DESIGN §9).

import type { IssuerWithKeys } from '@sallyport/identity/trust'
import { type CompiledPolicies, compilePolicies } from '@sallyport/policy/decide'
import type { FloorDocument } from '@sallyport/policy/document'
import {
  GroupDocument,
  LabelDocument,
  PolicyDocument,
  TargetDocument,
  TrustedIssuerDocument,
} from '@sallyport/policy/document'
import { matchesTarget } from '@sallyport/policy/match'
import type { LiveGrant } from '@sallyport/policy/rulebook'
import type { Snapshot, VersionedDocument } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { z } from 'zod'
import type { AgentTarget, CurrentSnapshot } from './current.ts'
import { reviewerKeys } from './reviewers.ts'

export interface Compiled {
  readonly snapshot: CurrentSnapshot
  /** What could not be used, for the log and the control plane: `Policy/orders: …`. */
  readonly problems: readonly string[]
}

interface Parsed<T> {
  readonly document: T
  readonly version: number
}

interface Broken {
  readonly name: string
  /** What can be told of the document nevertheless. */
  readonly json: unknown
}

const Jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

/** What a policy selects, readable even when the rest of it is not. */
const Selector = z.object({
  spec: z.object({
    targets: z.strictObject({
      names: z.array(z.string()).optional(),
      labels: z.record(z.string(), z.string()).optional(),
      any: z.literal(true).optional(),
    }),
  }),
})

export function compileSnapshot(
  snapshot: Snapshot,
  floor: FloorDocument | null,
  sha256: (text: string) => string,
): Compiled {
  const problems: string[] = []
  const targets = parseAll('Target', TargetDocument, snapshot.targets, problems)
  const policies = parseAll('Policy', PolicyDocument, snapshot.policies, problems)
  const labels = parseAll('Label', LabelDocument, snapshot.labels, problems)
  const groups = parseAll('Group', GroupDocument, snapshot.groups, problems)
  const context = { policies: policies.good, labels: labels.good.map(({ document }) => document), floor, sha256 }
  const compiled = new Map<string, AgentTarget>()
  for (const { document, version } of targets.good) {
    const cause = distrust(document, policies, labels.broken, groups.broken, floor)
    if (cause !== undefined) problems.push(`Target/${document.metadata.name}: denied, because ${cause} cannot be read`)
    const grants = grantsAt(snapshot, document.metadata.name)
    const own = { ...context, grants }
    const made = compileTarget(document, cause === undefined ? own : { ...own, policies: [] }, problems)
    if (made !== undefined) compiled.set(document.metadata.name, { document, version, policies: made })
  }
  return {
    problems,
    snapshot: {
      installation: snapshot.installation,
      agentId: snapshot.agentId,
      version: Number(snapshot.version),
      notAfterMs: Number(snapshot.notAfterMs),
      targets: compiled,
      issuers: compileIssuers(snapshot, floor, problems),
      groups: groups.good.map(({ document }) => document),
      labels: context.labels,
      revocations: snapshot.revocations.map(({ jti, issuer, subject, beforeMs }) => ({
        jti,
        issuer,
        subject,
        beforeMs: Number(beforeMs),
      })),
      audience: snapshot.audience,
      consoleUrl: snapshot.consoleUrl,
      reviewers: reviewerKeys(floor),
    },
  }
}

const grantsAt = ({ grants }: Snapshot, target: string): LiveGrant[] =>
  grants.flatMap((grant) =>
    grant.target === target
      ? [
          {
            policy: grant.policy,
            rule: grant.rule,
            ruleText: grant.ruleText,
            issuer: grant.issuer,
            subject: grant.subject,
            untilMs: Number(grant.untilMs),
          },
        ]
      : [],
  )

/** Undefined leaves the target out: callers then hear that it is unknown. */
function compileTarget(
  target: TargetDocument,
  context: Omit<Parameters<typeof compilePolicies>[0], 'target'>,
  problems: string[],
): CompiledPolicies | undefined {
  try {
    return compilePolicies({ target, ...context })
  } catch (thrown) {
    problems.push(`Target/${target.metadata.name}: ${thrown instanceof Error ? thrown.message : 'does not compile'}`)
  }
  try {
    return compilePolicies({ target, ...context, policies: [] })
  } catch {
    return undefined
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function parseAll<T extends { readonly metadata: { readonly name: string } }>(
  kind: string,
  schema: z.ZodType<T>,
  documents: readonly VersionedDocument[],
  problems: string[],
): { good: Parsed<T>[]; broken: Broken[] } {
  const good: Parsed<T>[] = []
  const broken: Broken[] = []
  const seen = new Set<string>()
  for (const { name, version, json } of documents) {
    const value = jsonOf(json)
    const parsed = schema.safeParse(value)
    if (parsed.success && parsed.data.metadata.name === name && !seen.has(name)) {
      seen.add(name)
      good.push({ document: parsed.data, version })
      continue
    }
    const issue = parsed.success ? undefined : parsed.error.issues[0]
    const why = issue === undefined ? 'another name, or twice the same' : `${issue.path.join('.')}: ${issue.message}`
    problems.push(`${kind}/${name}: ${why}`)
    broken.push({ name, json: value })
  }
  return { good, broken }
}

type Policies = { readonly good: readonly Parsed<PolicyDocument>[]; readonly broken: readonly Broken[] }

/** The unreadable document for whose sake the target must deny, or undefined. */
function distrust(
  target: TargetDocument,
  policies: Policies,
  labels: readonly Broken[],
  groups: readonly Broken[],
  floor: FloorDocument | null,
): string | undefined {
  const policy = policies.broken.find(({ json }) => couldSelect(json, target))
  if (policy !== undefined) return `Policy/${policy.name}`
  const masks = [...policies.good.flatMap(({ document }) => document.spec.masks), ...(floor?.spec.masks ?? [])]
  const label = labels.find(({ name }) => masks.some((mask) => 'label' in mask && mask.label === name))
  if (label !== undefined) return `Label/${label.name}`
  // A deny rule on a group without members denies nobody.
  const rules = [...policies.good.flatMap(({ document }) => document.spec.rules), ...(floor?.spec.rules ?? [])]
  const group = groups.find(({ name }) => rules.some((rule) => rule.callers?.groups?.includes(name)))
  return group === undefined ? undefined : `Group/${group.name}`
}

function couldSelect(json: unknown, target: TargetDocument): boolean {
  const selector = Selector.safeParse(json)
  return !selector.success || matchesTarget(selector.data.spec.targets, target)
}

/** An issuer that cannot be read is not trusted. Of two with the same `iss`, the first stays: the control plane's own. */
function compileIssuers(
  snapshot: Snapshot,
  floor: FloorDocument | null,
  problems: string[],
): ReadonlyMap<string, IssuerWithKeys> {
  const issuers = new Map<string, IssuerWithKeys>()
  for (const { json, jwks } of snapshot.issuers) {
    const document = TrustedIssuerDocument.safeParse(jsonOf(json))
    const keys = Jwks.safeParse(jsonOf(jwks))
    if (!document.success || !keys.success) {
      problems.push('TrustedIssuer: one of them cannot be read')
      continue
    }
    const { issuer } = document.data.spec
    if (floor?.spec.issuers !== undefined && !floor.spec.issuers.includes(issuer)) continue
    if (issuers.has(issuer))
      problems.push(`TrustedIssuer/${document.data.metadata.name}: its issuer is trusted already`)
    else issuers.set(issuer, { document: document.data, jwks: keys.data })
  }
  return issuers
}
