// Which rules somebody may ask for, from the documents of this moment. Pure.
import type { Grantable } from '@sallyport/api/grants'
import type { Principal } from '@sallyport/base/identity'
import type { GrantRule, PolicyDocument } from '@sallyport/policy/document'
import { durationMs } from '@sallyport/policy/duration'
import { matchesCaller, matchesTarget } from '@sallyport/policy/match'
import { ruleText } from '@sallyport/policy/rulebook'
import type { Versioned } from '../targets/open.ts'

export interface AskableRule {
  readonly target: string
  readonly policy: string
  readonly rule: GrantRule
}

/** Of every target: each rule that grants, whoever it is about. */
export function grantRules(all: readonly Versioned[]): AskableRule[] {
  const targets = all.flatMap(({ document }) => (document.kind === 'Target' ? [document] : []))
  const policies = all.flatMap(({ document }) => (document.kind === 'Policy' ? [document] : []))
  return targets.flatMap((target) =>
    policies
      .filter(({ spec }) => matchesTarget(spec.targets, target))
      .flatMap((policy) => ofPolicy(policy).map((rule) => ({ target: target.metadata.name, ...rule }))),
  )
}

const ofPolicy = ({ metadata, spec }: PolicyDocument): Omit<AskableRule, 'target'>[] =>
  spec.rules.flatMap((rule) => (rule.effect === 'grant' ? [{ policy: metadata.name, rule }] : []))

export const askableBy = (all: readonly Versioned[], who: Principal): AskableRule[] =>
  grantRules(all).filter(({ rule }) => matchesCaller(rule.callers, who))

export const textOf = ({ rule }: AskableRule): string => ruleText(rule)

export const showScope = ({ target, policy, rule }: AskableRule) => ({
  target,
  policy,
  rule: rule.name,
  operations: rule.operations ?? null,
  objects: rule.objects ?? null,
  when: rule.when ?? null,
})

export const showAskable = (askable: AskableRule): Grantable => ({
  ...showScope(askable),
  longestSeconds: Math.floor(durationMs(askable.rule.longest) / 1_000),
  reviewers: askable.rule.approval.reviewers.map(({ group, count }) => ({ group, count })),
  reason: askable.rule.approval.reason,
})
