// From findings to one verdict: deny beats hold beats allow, over every verified principal of the chain (DESIGN §4).
// INVARIANT: only the last line allows, after every reason not to has been looked for; the order of rules never matters.
import type { SallyportErrorCode } from '@sallyport/base/errors'
import { type Principal, verifiedPrincipals } from '@sallyport/base/identity'
import type { Effect, MissingName, StatementFacts } from '@sallyport/sql/facts'
import { mayChange } from '@sallyport/sql/unseen'
import type { Decision, DecisionContext } from './decide.ts'
import type { Finding } from './examine.ts'
import { isSystemObject, matchesCaller } from './match.ts'
import * as say from './messages.ts'
import { type Approval, type CompiledRule, isCovering, names, type Rulebook } from './rulebook.ts'

/** A decision without its trace and shadow rules. */
export type Verdict = WithoutTrace<Decision>
type WithoutTrace<T> = T extends unknown ? Omit<T, 'trace' | 'shadow'> : never
type Deny = Extract<Verdict, { kind: 'deny' }>

/** The verdict of all findings but those of shadow rules; `trial` is one shadow rule that counts as if it were enforced. */
export function resolve(
  book: Rulebook,
  facts: StatementFacts,
  context: DecisionContext,
  all: readonly Finding[],
  trial: CompiledRule | null = null,
): Verdict {
  const principals = verifiedPrincipals(context.chain)
  const findings = all.filter(({ rule }) => !rule.shadow || rule === trial)
  return (
    denyMissing(book, principals) ??
    denyByRule(findings) ??
    denyErrors(book, findings) ??
    denyUnknowns(facts) ??
    denyUnseen(book, facts, principals, trial) ??
    denyStrangers(book, principals, context.nowMs, trial) ??
    denyWithoutInitiator(book, facts, context) ??
    denyUncovered(book, facts, principals, findings) ??
    holdByRule(findings) ??
    allow(findings)
  )
}

const nobody = { policy: '', version: 0, rule: '' } as const
const ruleOf = (rule: CompiledRule) => ({ policy: rule.policy, version: rule.version, rule: rule.name })

/** No policy says anything of the target. */
const isEmpty = ({ rules, masks, fields, detectors, routeDetectors, broken }: Rulebook): boolean =>
  [rules, masks, fields, detectors, routeDetectors, broken].every((list) => list.length === 0)

function denyMissing(book: Rulebook, principals: readonly Principal[]): Deny | null {
  if (isEmpty(book)) {
    return { kind: 'deny', code: 'POLICY_MISSING', ...say.noPolicy(book.target.name), ...nobody }
  }
  if (principals.length > 0) return null
  return { kind: 'deny', code: 'POLICY_UNCOVERED', ...say.nobodyVerified(book.target.name), ...nobody }
}

function denyByRule(findings: readonly Finding[]): Deny | null {
  const found = findings.find(({ rule, outcome }) => rule.effect === 'deny' && outcome === 'matched')
  if (found === undefined) return null
  return { kind: 'deny', code: 'POLICY_DENIED', ...say.denied(found.rule, found.effects), ...ruleOf(found.rule) }
}

function denyErrors(book: Rulebook, findings: readonly Finding[]): Deny | null {
  const failed = findings.find(({ outcome }) => outcome === 'condition-error')
  if (failed !== undefined) {
    return { kind: 'deny', code: 'POLICY_ERROR', ...say.conditionFailed(failed.rule), ...ruleOf(failed.rule) }
  }
  const [first] = book.broken
  if (first === undefined) return null
  const { policy, version, reason } = first
  return { kind: 'deny', code: 'POLICY_ERROR', ...say.policyBroken(policy, reason), policy, version, rule: '' }
}

const missingCodes = {
  relation: 'RELATION_MISSING',
  column: 'COLUMN_MISSING',
  function: 'FUNCTION_MISSING',
  type: 'TYPE_MISSING',
  'prepared statement': 'PREPARED_MISSING',
  cursor: 'CURSOR_MISSING',
  'ambiguous column': 'COLUMN_AMBIGUOUS',
} as const satisfies Record<MissingName, SallyportErrorCode>

function denyUnknowns(facts: StatementFacts): Deny | null {
  if (facts.unknowns.length === 0) return null
  // What the target would refuse for want of a name is refused as the target does: clients go by the SQLSTATE.
  if (facts.missing !== undefined)
    return { kind: 'deny', code: missingCodes[facts.missing], ...say.missing(facts.unknowns), ...nobody }
  return { kind: 'deny', code: 'STATEMENT_UNKNOWN', ...say.unknown(facts.unknowns), ...nobody }
}

const writing = ['insert', 'update', 'delete', 'truncate', 'create', 'alter', 'drop']

/**
 * Triggers, row security, defaults, checks, types and casts run with a statement. What cannot be followed of them may reach
 * whatever a rule denies or holds (THREATS ). Rules without objects are about the statement itself, and that is known;
 * but a statement that only reads must not write by the way where a rule denies to write.
 */
function denyUnseen(
  book: Rulebook,
  { opaque, effects }: StatementFacts,
  principals: readonly Principal[],
  trial: CompiledRule | null,
): Deny | null {
  const code = opaque.find(mayChange)
  if (code === undefined) return null
  const isAbout = ({ callers }: CompiledRule): boolean =>
    callers === null || principals.some((principal) => matchesCaller(callers, principal))
  const onlyReads = effects.every(
    ({ operation, via }) => via === 'derived' || operation === 'select' || operation === 'call',
  )
  const mayReach = ({ objects, operations }: CompiledRule): boolean =>
    objects !== null || (onlyReads && (operations === null || writing.some((one) => operations.has(one))))
  const rule = book.rules.find(
    (one) =>
      one.effect !== 'allow' &&
      one.effect !== 'grant' &&
      mayReach(one) &&
      (!one.shadow || one === trial) &&
      isAbout(one),
  )
  if (rule === undefined) return null
  return { kind: 'deny', code: 'STATEMENT_UNKNOWN', ...say.unseen(rule, code), ...ruleOf(rule) }
}

function denyStrangers(
  book: Rulebook,
  principals: readonly Principal[],
  nowMs: number,
  trial: CompiledRule | null,
): Deny | null {
  const stranger = principals.find((principal) => !names(book, principal, nowMs, trial))
  if (stranger === undefined) return null
  return { kind: 'deny', code: 'POLICY_UNCOVERED', ...say.stranger(book.target.name, stranger), ...nobody }
}

/** `initiator: required` is about what a statement does to objects; the baseline that a pool sends has nobody to name. */
function denyWithoutInitiator(book: Rulebook, facts: StatementFacts, { chain }: DecisionContext): Deny | null {
  if (!book.initiatorRequired || facts.effects.every((effect) => effect.baseline)) return null
  const named = chain.initiator.assurance === 'verified' && (chain.actors.length > 0 || chain.initiator.kind === 'user')
  if (named) return null
  return { kind: 'deny', code: 'INITIATOR_REQUIRED', ...say.initiatorRequired(book.target.name), ...nobody }
}

/** Direct effects outside the baseline need a rule, for every verified principal. */
function denyUncovered(
  book: Rulebook,
  facts: StatementFacts,
  principals: readonly Principal[],
  findings: readonly Finding[],
): Deny | null {
  const covers = (principal: Principal, effect: Effect): boolean =>
    findings.some(
      (finding) =>
        finding.outcome === 'matched' &&
        isCovering(finding.rule) &&
        finding.principal === principal &&
        finding.effects.includes(effect) &&
        (!isSystemObject(effect.object) || finding.rule.systemObjects(effect.object)),
    )
  for (const effect of facts.effects) {
    if (effect.via !== 'direct' || effect.baseline) continue
    const principal = principals.find((candidate) => !covers(candidate, effect))
    if (principal === undefined) continue
    return {
      kind: 'deny',
      code: 'POLICY_UNCOVERED',
      ...say.uncovered(book, effect, principal, askable(findings, effect)),
      ...nobody,
    }
  }
  return null
}

/** A rule by which it could be asked for. */
const askable = (findings: readonly Finding[], effect: Effect): CompiledRule | undefined =>
  findings.find(({ outcome, effects }) => outcome === 'not-granted' && effects.includes(effect))?.rule

function holdByRule(findings: readonly Finding[]): Verdict | null {
  const holds = findings.filter(({ rule, outcome }) => rule.effect === 'hold' && outcome === 'matched')
  const [first] = holds
  if (first === undefined) return null
  const approvals = [...new Set(holds.map(({ rule }) => rule))].flatMap(({ approval }) => approval ?? [])
  const approval = approvals.reduce(strictestApproval)
  return { kind: 'hold', message: say.held(first.rule, first.effects, approval), approval, ...ruleOf(first.rule) }
}

/** Several holds at once: every group is asked, with its highest count, for the shortest times. */
function strictestApproval(left: Approval, right: Approval): Approval {
  const counts = new Map<string, number>()
  for (const { group, count } of [...left.reviewers, ...right.reviewers]) {
    counts.set(group, Math.max(count, counts.get(group) ?? 0))
  }
  return {
    reviewers: [...counts].map(([group, count]) => ({ group, count })),
    expiresMs: Math.min(left.expiresMs, right.expiresMs),
    waitMs: Math.min(left.waitMs, right.waitMs),
    reason: left.reason === 'required' ? 'required' : right.reason,
  }
}

const isLetting = ({ effect }: CompiledRule): boolean => effect === 'allow' || effect === 'grant'

function allow(findings: readonly Finding[]): Verdict {
  const covering = findings.find(({ rule, outcome }) => isLetting(rule) && outcome === 'matched')
  return covering === undefined
    ? { kind: 'allow', ...nobody, rule: 'baseline' }
    : { kind: 'allow', ...ruleOf(covering.rule) }
}
