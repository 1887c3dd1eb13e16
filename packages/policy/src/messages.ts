// What a person at the client reads: lowercase, names quoted, next step in the hint. Never a value, never a secret.
import type { Principal } from '@sallyport/base/identity'
import type { Effect } from '@sallyport/sql/facts'
import { isForTooling } from '@sallyport/sql/tooling'
import type { Approval, CompiledRule, Rulebook } from './rulebook.ts'

export interface Words {
  readonly message: string
  readonly hint: string
}

/** `delete on "public.orders"`. */
export const effectText = (effect: Pick<Effect, 'operation' | 'object'>): string =>
  effect.object === '' ? effect.operation : `${effect.operation} on "${effect.object}"`

/** `workload "nightly-job" of "https://issuer.example"`. */
export const principalText = (principal: Principal): string =>
  `${principal.kind} "${principal.subject}" of "${principal.issuer}"`

/** Constructs that one message names. */
const unknownsNamedMax = 3

export const noPolicy = (target: string): Words => ({
  message: `no policy applies to target "${target}"`,
  hint: 'apply a policy whose targets select it',
})

export const nobodyVerified = (target: string): Words => ({
  message: `nobody who asks for target "${target}" has a verified identity`,
  hint: 'send a token of a trusted issuer',
})

export function denied(rule: CompiledRule, effects: readonly Effect[]): Words {
  const [first] = effects
  const what = first === undefined ? 'this statement' : effectText(first)
  if (first?.becomes !== undefined && rule.operations !== null && !rule.operations.has(first.operation)) {
    return {
      message: `denied by rule "${rule.name}": afterwards the rule would not be about "${first.object}" any more`,
      hint: `let the owner of policy "${rule.policy}" write the new name into rule "${rule.name}" before`,
    }
  }
  return {
    message: rule.message ?? `denied by rule "${rule.name}": ${what} is not permitted`,
    hint: `rule "${rule.policy}/${rule.name}" denies it; ask the owner of policy "${rule.policy}" if you need it`,
  }
}

export const conditionFailed = (rule: CompiledRule): Words => ({
  message: `denied because the condition of rule "${rule.name}" failed`,
  hint: `ask the owner of policy "${rule.policy}" to correct "when" of rule "${rule.name}", for example with has()`,
})

export const policyBroken = (policy: string, reason: string): Words => ({
  message: `denied because policy "${policy}" cannot be enforced: ${reason}`,
  hint: `ask the owner of policy "${policy}" to correct it`,
})

/** As the analysis words it (packages/sql, analyse.ts). */
const changedInText = /that the same text has changed before$|after the search_path has changed$/

export const unknown = (unknowns: readonly string[]): Words => ({
  message: `denied because it cannot be proven what this statement does: ${unknowns.slice(0, unknownsNamedMax).join('; ')}`,
  hint: unknowns.some((text) => changedInText.test(text))
    ? 'send the text in two: what it changes is known once that has run'
    : 'write the statement without it',
})

export const unseen = (rule: CompiledRule, code: string): Words => ({
  message: `denied because it cannot be proven that this statement does nothing that rule "${rule.name}" is about: ${code}`,
  hint: 'let the owner of the target list the function that it runs under "trusted", if that reaches none of it',
})

export const missing = (unknowns: readonly string[]): Words => ({
  message: `the statement names ${unknowns.slice(0, unknownsNamedMax).join('; ')}`,
  hint: 'correct the name; what was made elsewhere a moment ago is seen within a second',
})

export const stranger = (target: string, principal: Principal): Words => ({
  message: `no rule of target "${target}" names ${principalText(principal)}`,
  hint: 'ask the owner of the policy for a rule, or use an identity that has one',
})

export const initiatorRequired = (target: string): Words => ({
  message: `target "${target}" needs to know for whom the statement is`,
  hint: "send a token of the person with the statement: /*sallyport='…'*/ or SET sallyport.initiator",
})

export const uncovered = (
  { target, preset }: Rulebook,
  effect: Effect,
  principal: Principal,
  askable: CompiledRule | undefined,
): Words => ({
  message: `no rule of target "${target.name}" allows ${effectText(effect)} for ${principalText(principal)}`,
  hint:
    askable !== undefined
      ? `it can be asked for: sallyport request ${target.name} ${askable.policy}/${askable.name}`
      : preset === 'none' && isForTooling(effect.operation, effect.object)
        ? 'let the owner of the target set "preset: tooling", which shows definitions, options and settings to its callers'
        : 'ask the owner of the policy for a rule; "sallyport policy explain" shows what is missing',
})

export function held(rule: CompiledRule, effects: readonly Effect[], approval: Approval): string {
  if (rule.message !== null) return rule.message
  const [first] = effects
  const what = first === undefined ? 'this statement' : effectText(first)
  const who = approval.reviewers.map(({ group, count }) => (count === 1 ? `"${group}"` : `${count} of "${group}"`))
  return `held by rule "${rule.name}": ${what} needs approval by ${who.join(' and ')}`
}
