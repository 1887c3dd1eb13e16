// Which rules somebody may ask for, from the documents of this moment. Pure.
import type { Grantable } from '@sallyport/api/grants'
import type { Principal } from '@sallyport/base/identity'
import { type GrantRule, type PolicyDocument, Rule, type TargetDocument } from '@sallyport/policy/document'
import { durationMs } from '@sallyport/policy/duration'
import { matchesCaller, matchesTarget } from '@sallyport/policy/match'
import { ruleText } from '@sallyport/policy/rulebook'
import type { Versioned } from '../targets/open.ts'

export interface AskableRule {
  readonly targetName: string
  readonly target: TargetDocument
  readonly policy: string
  readonly rule: GrantRule
}

const targetsOf = (all: readonly Versioned[]): TargetDocument[] =>
  all.flatMap(({ document }) => (document.kind === 'Target' ? [document] : []))

/** Undefined: it was taken away. */
export const targetOf = (all: readonly Versioned[], name: string): TargetDocument | undefined =>
  targetsOf(all).find(({ metadata }) => metadata.name === name)

/** Of every target: each rule that grants, whoever it is about. */
export function grantRules(all: readonly Versioned[]): AskableRule[] {
  const policies = all.flatMap(({ document }) => (document.kind === 'Policy' ? [document] : []))
  return targetsOf(all).flatMap((target) =>
    policies
      .filter(({ spec }) => matchesTarget(spec.targets, target))
      .flatMap((policy) => ofPolicy(policy).map((rule) => ({ targetName: target.metadata.name, target, ...rule }))),
  )
}

const ofPolicy = ({ metadata, spec }: PolicyDocument): Pick<AskableRule, 'policy' | 'rule'>[] =>
  spec.rules.flatMap((rule) => (rule.effect === 'grant' ? [{ policy: metadata.name, rule }] : []))

export const askableBy = (all: readonly Versioned[], who: Principal): AskableRule[] =>
  grantRules(all).filter(({ rule }) => matchesCaller(rule.callers, who))

export const textOf = ({ rule }: Pick<AskableRule, 'rule'>): string => ruleText(rule)

/** Where it would count. */
export const showTarget = (target: string, document: TargetDocument | undefined) => ({
  target,
  targetLabels: document?.metadata.labels ?? {},
  roles: document !== undefined && 'roles' in document.spec ? document.spec.roles.map(({ name }) => name) : [],
})

/** What it lets somebody do, and when. */
export const showRule = ({ name, operations, objects, when, during, message }: Rule) => ({
  rule: name,
  operations: operations ?? null,
  objects: objects ?? null,
  when: when ?? null,
  during: during?.map((window) => ({ ...window, days: window.days ?? null })) ?? null,
  message: message ?? '',
})

/** As it was asked for, and not what has become of it. */
export const showStoredRule = ({ ruleText }: { readonly ruleText: string }) =>
  showRule(Rule.parse(JSON.parse(ruleText)))

export const showAskable = ({ targetName, target, policy, rule }: AskableRule): Grantable => ({
  ...{ ...showTarget(targetName, target), policy, ...showRule(rule) },
  longestSeconds: Math.floor(durationMs(rule.longest) / 1_000),
  reviewers: rule.approval.reviewers.map(({ group, count }) => ({ group, count })),
  reason: rule.approval.reason,
})
