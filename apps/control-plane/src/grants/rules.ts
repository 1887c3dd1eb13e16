// What state a grant is in, who may end it, and how the rules of approvals see it. Pure: people, documents and time come in.
import type { GrantState } from '@sallyport/api/grants'
import { hasRight, type Reader, type RuledRequest } from '../approvals/rules.ts'
import { type AskableRule, textOf } from './scope.ts'
import type { StoredGrant } from './store.ts'

/** As the rules of approvals see it. */
export const ruled = (grant: StoredGrant): RuledRequest => ({
  state: grant.state === 'ended' ? 'cancelled' : grant.state,
  expiresAt: grant.expiresAt,
  quorum: grant.quorum,
  initiator: { issuer: grant.issuer, subject: grant.subject, assurance: 'verified' },
  actors: [],
})

/** The rule is still the one that was asked for. */
export const isOf = (rule: AskableRule, grant: StoredGrant): boolean =>
  rule.targetName === grant.target && rule.policy === grant.policy && textOf(rule) === grant.ruleText

/** `rules`: null where it does not matter whether its rule is still the same. */
export function stateOf(grant: StoredGrant, rules: readonly AskableRule[] | null, nowMs: number): GrantState {
  if (grant.state === 'pending' && grant.expiresAt.getTime() <= nowMs) return 'expired'
  if (grant.state !== 'approved') return grant.state
  if ((grant.untilAt?.getTime() ?? 0) <= nowMs) return 'over'
  return rules === null || rules.some((rule) => isOf(rule, grant)) ? 'approved' : 'stale'
}

/** Only who asked withdraws what is pending; what is granted is ended by its reviewers and administrators too. */
export function mayEnd(reader: Reader, grant: StoredGrant, nowMs: number): boolean {
  const state = stateOf(grant, null, nowMs)
  const isOwn = reader.issuer === grant.issuer && reader.subject === grant.subject
  if (state === 'pending') return isOwn
  return state === 'approved' && (isOwn || reader.roles.includes('admin') || hasRight(reader, ruled(grant)).ok)
}
