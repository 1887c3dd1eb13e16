// What is told about a decision beside the decision: one line a rule and principal, and the shadow rules that would have
// changed it. Deterministic: the same rules and facts give the same lines, whatever order the documents had.
import { type Principal, principalKey, verifiedPrincipals } from '@sallyport/base/identity'
import type { Effect, StatementFacts } from '@sallyport/sql/facts'
import type { Decision, DecisionContext, TraceLine } from './decide.ts'
import type { Finding } from './examine.ts'
import { matchesCaller } from './match.ts'
import { effectText } from './messages.ts'
import { resolve, type Verdict } from './resolve.ts'
import type { CompiledRule, Rulebook } from './rulebook.ts'

/** Shadow rules that, enforced alone beside the others, would have changed the kind of the decision. */
export function shadowsThatChange(
  book: Rulebook,
  facts: StatementFacts,
  context: DecisionContext,
  findings: readonly Finding[],
  verdict: Verdict,
): Decision['shadow'] {
  const matched = new Set(
    findings.filter(({ outcome }) => outcome === 'matched' || outcome === 'condition-error').map(({ rule }) => rule),
  )
  // A rule that matches nothing of the statement can still admit its caller.
  const counts = (rule: CompiledRule): boolean =>
    rule.shadow && (matched.has(rule) || (verdict.kind === 'deny' && rule.effect !== 'deny'))
  return book.rules
    .filter((rule) => counts(rule) && resolve(book, facts, context, findings, rule).kind !== verdict.kind)
    .map(({ policy, version, name, effect }) => ({
      policy,
      version,
      rule: name,
      effect: effect === 'grant' ? 'allow' : effect,
    }))
}

/** Objects that one line of a trace names. */
const objectsPerLine = 5

/** One line a rule and principal, then one for what the baseline let through. */
export function traceOf(
  book: Rulebook,
  facts: StatementFacts,
  context: DecisionContext,
  findings: readonly Finding[],
  verdict: Verdict,
): TraceLine[] {
  const principals = verifiedPrincipals(context.chain)
  const lines = book.rules.flatMap((rule) =>
    principals.map((principal) => {
      const found = findings.find((finding) => finding.rule === rule && finding.principal === principal)
      return found === undefined ? missLine(rule, principal) : foundLine(found)
    }),
  )
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

const lineOf = (rule: CompiledRule, principal: Principal) => ({
  policy: rule.policy,
  version: rule.version,
  rule: rule.name,
  effect: rule.effect,
  principal: principalKey(principal),
})

function missLine(rule: CompiledRule, principal: Principal): TraceLine {
  const named = rule.callers === null || matchesCaller(rule.callers, principal)
  const note = named ? 'the rule is about other operations or objects' : 'the rule is about other callers'
  return { ...lineOf(rule, principal), object: '', outcome: 'not-matched', note }
}

function foundLine({ rule, principal, effects, outcome }: Finding): TraceLine {
  const noted = rule.shadow && (outcome === 'matched' || outcome === 'condition-error')
  return {
    ...lineOf(rule, principal),
    object: objectsText(effects),
    outcome: noted ? 'shadow' : outcome,
    note: noted
      ? `the rule is only tried out${outcome === 'matched' ? '' : '; its condition failed'}`
      : noteOf(rule, outcome),
  }
}

function noteOf(rule: CompiledRule, outcome: Finding['outcome']): string {
  switch (outcome) {
    case 'matched':
      return rule.condition === null ? '' : 'the condition is true'
    case 'not-granted':
      return 'it can be asked for, and is not granted'
    case 'outside-hours':
      return 'it is outside of the hours of the rule'
    case 'condition-false':
      return 'the condition is false'
    case 'condition-error':
      return rule.condition === 'broken' ? 'the condition does not compile' : 'the condition failed'
  }
}

function objectsText(effects: readonly Effect[]): string {
  const texts = effects.slice(0, objectsPerLine).map(effectText)
  return effects.length > objectsPerLine
    ? `${texts.join(', ')} and ${effects.length - objectsPerLine} more`
    : texts.join(', ')
}
