// What is told about a decision beside the decision: one line a rule and principal, and the shadow rules that would have
// changed it. Deterministic: the same rules and facts give the same lines, whatever order the documents had.
import { principalKey } from '@sallyport/base/identity'
import type { Effect, StatementFacts } from '@sallyport/sql/facts'
import type { Decision, DecisionContext, TraceLine } from './decide.ts'
import type { Finding } from './examine.ts'
import { effectText } from './messages.ts'
import { resolve, type Verdict } from './resolve.ts'
import type { Rulebook } from './rulebook.ts'

/** Shadow rules that, enforced alone beside the others, would have changed the kind of the decision. */
export function shadowsThatChange(
  book: Rulebook,
  facts: StatementFacts,
  context: DecisionContext,
  findings: readonly Finding[],
  verdict: Verdict,
): Decision['shadow'] {
  // A rule that matches nothing of the statement can still admit its caller.
  const counts = ({ rule, outcome }: Finding): boolean =>
    outcome === 'matched' || outcome === 'condition-error' || (verdict.kind === 'deny' && rule.effect !== 'deny')
  const shadows = new Set(findings.filter((finding) => finding.rule.shadow && counts(finding)).map(({ rule }) => rule))
  return [...shadows]
    .filter((shadow) => resolve(book, facts, context, findings, shadow).kind !== verdict.kind)
    .map(({ policy, name, effect }) => ({ policy, rule: name, effect }))
}

/** Objects that one line of a trace names. */
const objectsPerLine = 5

/** One line a rule and principal, then one for what the baseline let through. */
export function traceOf(findings: readonly Finding[], facts: StatementFacts, verdict: Verdict): TraceLine[] {
  const lines = findings.map(lineOf)
  const baseline = facts.effects.filter((effect) => effect.baseline)
  if (verdict.kind === 'deny' || baseline.length === 0) return lines
  return [
    ...lines,
    {
      policy: '',
      version: 0,
      rule: 'baseline',
      effect: 'baseline',
      principal: '',
      object: objectsText(baseline),
      outcome: 'matched',
      note: 'an admitted session may do this without a rule',
    },
  ]
}

function lineOf({ rule, principal, outcome, effects, note }: Finding): TraceLine {
  const noted = rule.shadow && (outcome === 'matched' || outcome === 'condition-error')
  return {
    policy: rule.policy,
    version: rule.version,
    rule: rule.name,
    effect: rule.effect,
    principal: principalKey(principal),
    object: objectsText(effects),
    outcome: noted ? 'shadow' : outcome,
    note: noted && note === '' ? 'the rule is only tried out' : note,
  }
}

function objectsText(effects: readonly Effect[]): string {
  const texts = effects.slice(0, objectsPerLine).map(effectText)
  return effects.length > objectsPerLine
    ? `${texts.join(', ')} and ${effects.length - objectsPerLine} more`
    : texts.join(', ')
}
