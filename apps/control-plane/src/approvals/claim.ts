// One approval, one run: the first call that asks gets it, and a crash afterwards does not give it back (THREATS ).
// The right to approve is looked at again at this moment.
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type AnnounceDeps, announce } from './announce.ts'
import { rightfulVerdicts, ruled } from './people.ts'
import { outcomeOf } from './rules.ts'
import { openEvidence } from './sealed.ts'
import * as store from './store.ts'

export type ClaimDeps = AnnounceDeps & Pick<Deps, 'db' | 'bus' | 'vault'>
type Claimed = Omit<store.Claim, 'at'>

/** True when this call may run the statement, now and once. Idempotent for the same call. */
export async function claimHold(deps: ClaimDeps, claim: Claimed): Promise<boolean> {
  const { granted, changed } = await store.inHold(deps.db, async (tx) => await claimIn(deps, tx, claim))
  if (changed) deps.bus.publish({ kind: 'approval', id: claim.id })
  return granted
}

const no = { granted: false, changed: false }

async function claimIn(deps: ClaimDeps, tx: Tx, asked: Claimed): Promise<{ granted: boolean; changed: boolean }> {
  const request = await store.lockRequest(tx, asked.id)
  // Under the lock: a claim that waited for it until the request's time was over comes too late.
  const claim: store.Claim = { ...asked, at: new Date(deps.clock.nowMs()) }
  if (request === null || request.agentId !== claim.agentId) return no
  const evidence = await openEvidence(deps, tx, request)
  // The store may have been changed by hand: what was approved is what this digest says, or nothing.
  if (request.approvalDigest !== claim.approvalDigest || evidence === null) return no
  if (request.state === 'run' && request.claimedBy === claim.call) return { granted: true, changed: false }
  if (request.state !== 'approved') return no
  const verdicts = await rightfulVerdicts(tx, ruled(request), request.verdicts)
  if (outcomeOf(request.quorum, verdicts, evidence.signers?.count) !== 'approved') {
    await store.changeState(tx, request.id, 'approved', 'cancelled', { openKey: null, endedAt: claim.at })
    return { granted: false, changed: true }
  }
  if (!(await store.consume(tx, claim))) return no
  await store.removeCall(tx, claim.call, claim.agentId)
  await announce(
    deps,
    tx,
    'approval.run',
    request,
    verdicts.map((given) => given.personName),
  )
  return { granted: true, changed: true }
}

export interface Ran {
  readonly id: string
  readonly agentId: string
  readonly result: string
  readonly tag: string
  readonly sqlstate: string
  readonly rows: number
  readonly durationUs: number
}

/** Keeps what came of the run, once. */
export async function noteRan(deps: Pick<Deps, 'db' | 'bus'>, ran: Ran): Promise<void> {
  const { id, agentId, ...result } = ran
  if (await store.setResult(deps.db, id, agentId, result)) deps.bus.publish({ kind: 'approval', id })
}
