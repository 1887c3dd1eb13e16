// Looks at every rule for every verified principal: what it matches and what its condition says. Draws no conclusion;
// that is resolve.ts. Selectors are matched first, `when` only then (DESIGN §4).
import { type Principal, verifiedPrincipals } from '@sallyport/base/identity'
import type { Effect, StatementFacts } from '@sallyport/sql/facts'
import { type ConditionFacts, conditionFacts } from './conditions.ts'
import type { DecisionContext } from './decide.ts'
import { isDuring } from './during.ts'
import { type Matcher, matchesCaller } from './match.ts'
import { type CompiledRule, isGranted, type Rulebook } from './rulebook.ts'

/** A rule whose operations and objects match a statement, before anybody's identity or condition is looked at. */
export interface Candidate {
  readonly rule: CompiledRule
  /** Effects that the selectors matched; empty for a rule about whole statements. */
  readonly effects: readonly Effect[]
  /** The statement takes an object out of the rule, by another name or other parents. Absent: it does not. */
  readonly isLeft?: true
}

/** What came of a candidate for a principal that its rule names. */
export interface Finding extends Candidate {
  readonly principal: Principal
  readonly outcome: 'matched' | 'not-granted' | 'outside-hours' | 'condition-false' | 'condition-error'
}

/** Findings in one order, whatever order the documents had: policy, rule, principal in the chain. */
export function examine(book: Rulebook, facts: StatementFacts, context: DecisionContext): Finding[] {
  const subjects = verifiedPrincipals(context.chain).map((principal) => ({
    principal,
    conditions: lazily(() => conditionFacts(principal, facts, context, book.target)),
  }))
  const findings: Finding[] = []
  for (const { rule, effects, isLeft } of candidatesOf(book, facts)) {
    for (const { principal, conditions } of subjects) {
      if (rule.callers !== null && !matchesCaller(rule.callers, principal)) continue
      // What the condition says now is no matter: another statement, at another time, would find no rule.
      const outcome = isLeft === true ? 'matched' : outcomeOf(rule, principal, conditions, context.nowMs)
      findings.push({ rule, principal, effects, outcome })
    }
  }
  return findings
}

/** The value of `make`, made when it is first asked for. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function outcomeOf(
  rule: CompiledRule,
  principal: Principal,
  conditions: () => ConditionFacts,
  nowMs: number,
): Finding['outcome'] {
  if (rule.effect === 'grant' && !isGranted(rule, principal, nowMs)) return 'not-granted'
  if (rule.during !== null && !isDuring(rule.during, nowMs)) return 'outside-hours'
  if (rule.condition === null) return 'matched'
  if (rule.condition === 'broken') return 'condition-error'
  switch (rule.condition.evaluate(conditions())) {
    case 'true':
      return 'matched'
    case 'false':
      return 'condition-false'
    case 'error':
      return 'condition-error'
  }
}

// Facts are kept by text and used for every run of it; which rules concern them depends on nothing else (DESIGN §4, Cache).
const candidates = new WeakMap<Rulebook, WeakMap<StatementFacts, readonly Candidate[]>>()

/** Rules that concern a statement, for whoever sends it. */
export function candidatesOf(book: Rulebook, statement: StatementFacts): readonly Candidate[] {
  const facts = statement.shape ?? statement
  const perBook = candidates.get(book) ?? new WeakMap<StatementFacts, readonly Candidate[]>()
  candidates.set(book, perBook)
  const known = perBook.get(facts)
  if (known !== undefined) return known
  const found: Candidate[] = []
  for (const rule of book.rules) {
    const leaving = facts.effects.filter((effect) => leaves(rule, effect))
    if (leaving.length > 0) {
      found.push({ rule, effects: leaving, isLeft: true })
      continue
    }
    const effects = facts.effects.filter((effect) => concerns(rule, effect) && matchesEffect(rule, effect))
    const wholeStatement = rule.effect === 'deny' && rule.operations === null && rule.objects === null
    if (effects.length > 0 || wholeStatement) found.push({ rule, effects })
  }
  perBook.set(facts, found)
  return found
}

/** Allow covers direct effects only; hold also what is derived; neither is about the baseline; deny is about everything. */
function concerns(rule: CompiledRule, effect: Effect): boolean {
  switch (rule.effect) {
    case 'allow':
    case 'grant':
      return effect.via === 'direct' && !effect.baseline
    case 'hold':
      return !effect.baseline
    case 'deny':
      return true
  }
}

function matchesEffect(rule: CompiledRule, effect: Effect): boolean {
  if (rule.operations !== null && !rule.operations.has(effect.operation)) return false
  return rule.objects === null || isAbout(rule.objects, effect)
}

/** A rule on a parent table covers its children. */
const isAbout = (objects: Matcher, { object, parents }: Pick<Effect, 'object' | 'parents'>): boolean =>
  objects(object) || parents.some((parent) => objects(parent))

/**
 * Would what the rule denies or holds, of whatever operation, be out of its reach afterwards? By rules without objects nothing is
 * left, and by allow rules nothing is kept.
 */
function leaves({ effect: kind, objects }: CompiledRule, effect: Effect): boolean {
  if ((kind !== 'deny' && kind !== 'hold') || objects === null || effect.becomes === undefined) return false
  return isAbout(objects, effect) && !effect.becomes.every((later) => isAbout(objects, later))
}
