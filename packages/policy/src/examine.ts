// Looks at every rule for every verified principal: what it matches and what its condition says. Draws no conclusion;
// that is resolve.ts. Selectors are matched first, `when` only then (DESIGN §4).
import { type Principal, verifiedPrincipals } from '@sallyport/base/identity'
import type { Effect, StatementFacts } from '@sallyport/sql/facts'
import { type ConditionFacts, conditionFacts } from './conditions.ts'
import type { DecisionContext } from './decide.ts'
import { matchesCaller } from './match.ts'
import type { CompiledRule, Rulebook } from './rulebook.ts'

/** What came of one rule for one principal. */
export interface Finding {
  readonly rule: CompiledRule
  readonly principal: Principal
  readonly outcome: 'matched' | 'not-matched' | 'condition-false' | 'condition-error'
  /** Effects that the selectors matched; empty for a rule about whole statements. */
  readonly effects: readonly Effect[]
  readonly note: string
}

/** Findings in one order, whatever order the documents had: policy, rule, principal in the chain. */
export function examine(book: Rulebook, facts: StatementFacts, context: DecisionContext): Finding[] {
  const subjects = verifiedPrincipals(context.chain).map((principal) => ({
    principal,
    conditions: lazily(() => conditionFacts(principal, facts, context, book.target)),
  }))
  return book.rules.flatMap((rule) =>
    subjects.map(({ principal, conditions }) => examineRule(rule, principal, facts, conditions)),
  )
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function examineRule(
  rule: CompiledRule,
  principal: Principal,
  facts: StatementFacts,
  conditions: () => ConditionFacts,
): Finding {
  const miss = (note: string): Finding => ({ rule, principal, outcome: 'not-matched', effects: [], note })
  if (rule.callers !== null && !matchesCaller(rule.callers, principal)) return miss('the rule is about other callers')
  const effects = facts.effects.filter((effect) => concerns(rule, effect) && matchesEffect(rule, effect))
  const wholeStatement = rule.effect === 'deny' && rule.operations === null && rule.objects === null
  if (effects.length === 0 && !wholeStatement) return miss('the rule is about other operations or objects')
  const found = { rule, principal, effects }
  if (rule.condition === null) return { ...found, outcome: 'matched', note: '' }
  if (rule.condition === 'broken')
    return { ...found, outcome: 'condition-error', note: 'the condition does not compile' }
  switch (rule.condition.evaluate(conditions())) {
    case 'true':
      return { ...found, outcome: 'matched', note: 'the condition is true' }
    case 'false':
      return { ...found, outcome: 'condition-false', note: 'the condition is false' }
    case 'error':
      return { ...found, outcome: 'condition-error', note: 'the condition failed' }
  }
}

/** Allow covers direct effects only; hold also what is derived; neither is about the baseline; deny is about everything. */
function concerns(rule: CompiledRule, effect: Effect): boolean {
  switch (rule.effect) {
    case 'allow':
      return effect.via === 'direct' && !effect.baseline
    case 'hold':
      return !effect.baseline
    case 'deny':
      return true
  }
}

/** A rule on a parent table covers its children. */
function matchesEffect(rule: CompiledRule, effect: Effect): boolean {
  if (rule.operations !== null && !rule.operations.has(effect.operation)) return false
  const { objects } = rule
  return objects === null || objects(effect.object) || effect.parents.some((parent) => objects(parent))
}
