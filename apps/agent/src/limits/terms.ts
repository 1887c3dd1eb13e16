// What the policies of this agent say of a budget: what it may lend of it, and in what time that comes back.
import { sharedTerms } from '@sallyport/policy/decide'
import { targetOfBudget } from '@sallyport/policy/limits'
import type { Snapshots } from '../link/current.ts'
import type { Terms } from './loans.ts'

/** Null: nothing; then nothing is lent. */
export function termsIn(snapshots: Pick<Snapshots, 'current'>, budget: string): Terms | null {
  try {
    const target = snapshots.current().targets.get(targetOfBudget(budget) ?? '')
    return target === undefined ? null : sharedTerms(target.policies, budget)
  } catch {
    // Without policies nobody knows what may be lent.
    return null
  }
}
