// What people see of grants: rows in lists, and one with who could decide it and what the same person asked for before.
import type { Grant, GrantDetail } from '@sallyport/api/grants'
import { mayDecide, progressOf, type Reader } from '../approvals/rules.ts'
import { historyMs, showQuorum, showVerdicts } from '../approvals/show.ts'
import type { Deps } from '../deps.ts'
import type { Versioned } from '../targets/open.ts'
import { mayEnd, ruled, stateOf } from './rules.ts'
import { grantRules, showStoredRule, showTarget, targetOf } from './scope.ts'
import { readHistory, type StoredGrant } from './store.ts'

/** The caller has checked that the reader may see it. `all`: the documents of this moment. */
export function showGrant(grant: StoredGrant, reader: Reader, all: readonly Versioned[], nowMs: number): Grant {
  const permission = mayDecide(reader, ruled(grant), grant.verdicts, nowMs)
  const { issuer, subject, display, reason, seconds } = grant
  return {
    ...{ id: grant.id, ...showTarget(grant.target, targetOf(all, grant.target)), policy: grant.policy },
    ...showStoredRule(grant),
    ...{ who: { issuer, subject, display }, reason, seconds },
    state: stateOf(grant, grantRules(all), nowMs),
    quorum: progressOf(grant.quorum, grant.verdicts).map(({ group, count, approvedBy }) => ({
      ...{ group, count, approvedBy: approvedBy.map(({ personName }) => personName) },
    })),
    verdicts: showVerdicts(grant.verdicts),
    createdAt: grant.createdAt.toISOString(),
    expiresAt: grant.expiresAt.toISOString(),
    until: grant.untilAt?.toISOString() ?? null,
    endedAt: grant.endedAt?.toISOString() ?? null,
    endedBy: grant.endedBy,
    mayDecide: permission.ok ? { ok: true } : { ok: false, why: permission.why },
    mayEnd: mayEnd(reader, grant, nowMs),
  }
}

export async function showDetail(
  deps: Pick<Deps, 'db' | 'clock'>,
  grant: StoredGrant,
  reader: Reader,
  all: readonly Versioned[],
): Promise<GrantDetail> {
  const nowMs = deps.clock.nowMs()
  return {
    ...showGrant(grant, reader, all, nowMs),
    quorum: await showQuorum(deps.db, ruled(grant), grant.verdicts),
    history: await readHistory(deps.db, grant, new Date(nowMs - historyMs)),
  }
}
