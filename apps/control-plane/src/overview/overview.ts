// The first page of the console: what waits for this person, and what happened in the last 24 hours. Parts that the person's
// roles do not permit are null.
import type { Overview } from '@sallyport/api/live'
import { pageRequests } from '../approvals/list-store.ts'
import { ruled } from '../approvals/people.ts'
import { mayDecide } from '../approvals/rules.ts'
import type { Deps } from '../deps.ts'
import { ruled as ruledGrant } from '../grants/rules.ts'
import { countGrants, pageGrants } from '../grants/store.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { agentSilentMs } from '../recordings/recordings.ts'
import { silentAgents } from '../recordings/store.ts'
import * as store from './store.ts'

export type OverviewDeps = Pick<Deps, 'db' | 'clock'>

/** Pending requests that are looked at for those that wait for the person; a longer inbox shows this number. */
const inboxMax = 200
const hourMs = 3_600_000
const hoursShown = 24

export async function overviewOf(deps: OverviewDeps, actor: Actor): Promise<Overview> {
  const nowMs = deps.clock.nowMs()
  const { roles } = actor
  const readsAll = roles.includes('admin') || roles.includes('auditor')
  const isAsked = readsAll || roles.includes('reviewer')
  const approvals = isAsked ? await approvalsOf(deps, actor, readsAll, nowMs) : null
  const grants = isAsked ? await grantsOf(deps, actor, readsAll, nowMs) : null
  if (!readsAll)
    return { approvals, grants, sessions: null, agents: null, targets: null, policies: null, firstSteps: null }
  const [sessions, agents, documents] = await Promise.all([
    sessionsOf(deps, nowMs),
    store.countAgents(deps.db, nowMs),
    store.countDocuments(deps.db),
  ])
  const firstSteps = roles.includes('admin') ? await firstStepsOf(deps, agents, documents) : null
  return { approvals, grants, sessions, agents, ...documents, firstSteps }
}

async function approvalsOf(
  deps: OverviewDeps,
  actor: Actor,
  readsAll: boolean,
  nowMs: number,
): Promise<Overview['approvals']> {
  const own = { kind: 'some', groups: actor.groups, initiatorKey: actorKey(actor) } as const
  const numbers = await store.readApprovals(deps.db, readsAll ? { kind: 'all' } : own, nowMs)
  if (!actor.roles.includes('reviewer')) return { ...numbers, waitingForMe: 0 }
  const inbox = await pageRequests(deps.db, own, { view: 'pending' }, null, inboxMax)
  const mine = inbox.filter((request) => mayDecide(actor, ruled(request), request.verdicts, nowMs).ok)
  return { ...numbers, waitingForMe: mine.length }
}

async function grantsOf(
  deps: OverviewDeps,
  actor: Actor,
  readsAll: boolean,
  nowMs: number,
): Promise<Overview['grants']> {
  const at = new Date(nowMs)
  const counts = await countGrants(deps.db, readsAll ? null : actor.groups, at)
  if (!actor.roles.includes('reviewer') || counts.pending === 0) return { ...counts, waitingForMe: 0 }
  const readable = { groups: actor.groups, who: actor }
  const inbox = await pageGrants(deps.db, { view: 'pending', readable, at, after: null, take: inboxMax })
  const mine = inbox.filter((grant) => mayDecide(actor, ruledGrant(grant), grant.verdicts, nowMs).ok)
  return { ...counts, waitingForMe: mine.length }
}

async function sessionsOf(deps: OverviewDeps, nowMs: number): Promise<Overview['sessions']> {
  const silent = await silentAgents(deps.db, new Date(nowMs - agentSilentMs))
  const firstHour = Math.floor(nowMs / hourMs) - hoursShown + 1
  const [counts, sums, found, topDenied] = await Promise.all([
    store.countSessions(deps.db, silent, nowMs),
    store.readSessionSums(deps.db, nowMs),
    store.readHours(deps.db, firstHour),
    store.readTopDenied(deps.db, nowMs),
  ])
  const byHour = new Map(found.map((one) => [one.hour, one]))
  const hours = Array.from({ length: hoursShown }, (_, place) => {
    const one = byHour.get(firstHour + place)
    const at = new Date((firstHour + place) * hourMs).toISOString()
    return { at, statements: one?.statements ?? 0, denied: one?.denied ?? 0 }
  })
  return { ...counts, ...sums, hours, topDenied }
}

async function firstStepsOf(
  deps: OverviewDeps,
  agents: NonNullable<Overview['agents']>,
  documents: { readonly targets: number; readonly policies: number },
): Promise<Overview['firstSteps']> {
  const steps = {
    agentJoined: agents.online + agents.offline + agents.revoked > 0,
    targetApplied: documents.targets > 0,
    policyApplied: documents.policies > 0,
    sessionSeen: await store.hasSession(deps.db),
  }
  return Object.values(steps).every((done) => done) ? null : steps
}
