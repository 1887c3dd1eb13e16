// What is granted now, for snapshots and for whoever asks whether a target is open. Queries only; grants/ makes and ends them.
import type { LiveGrant } from '@sallyport/policy/rulebook'
import type { Db, Tx } from '../db.ts'

export interface TargetGrant extends LiveGrant {
  readonly target: string
}

export async function readLiveGrants(db: Db | Tx, at: Date): Promise<TargetGrant[]> {
  const rows = await db.grant.findMany({ where: { state: 'approved', untilAt: { gt: at } } })
  return rows.flatMap(({ target, policy, rule, ruleText, issuer, subject, untilAt }) =>
    untilAt === null ? [] : [{ target, policy, rule, ruleText, issuer, subject, untilMs: untilAt.getTime() }],
  )
}
