// What was found of a request by the rules: why it does not go on, or under what it may. The gate makes them and nobody else.
import type { SallyportError } from '@sallyport/base/errors'
import type { EntryRule } from '@sallyport/ledger/entry'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { CompiledPolicies, Decision } from '@sallyport/policy/decide'
import type { BodyMasking } from '@sallyport/policy/outgoing'

export interface Refusal {
  readonly error: SallyportError
  readonly rule: EntryRule | null
  readonly decision: Decision | null
  /** What it was judged by; null when it was not. */
  readonly policies: CompiledPolicies | null
}
export const unjudged = { rule: null, decision: null, policies: null } as const
/** Allowed, or held. */
export interface Cleared {
  readonly rule: EntryRule
  readonly decision: Decision
  readonly masking: AnswerMasking | null
  /** What was hidden in the body, and how many values; null: nothing had to be. */
  readonly hiding: BodyMasking | null
  readonly hidden: number
  readonly policies: CompiledPolicies
}
