// A statement needs a person: checks what the agent says, then attaches the call to the request of the same statement or
// makes one. What cannot be checked is refused; no request means that nothing runs.
import { assert } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { principalKey } from '@sallyport/base/identity'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import { canonicalBytes } from '@sallyport/ledger/canonical'
import type { EntryPrincipal } from '@sallyport/ledger/entry'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import { isStoreConflict, type Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { readDocument } from '../policies/store.ts'
import { announce } from './announce.ts'
import { approvalDigestOf, columnsOf, digestOf, evidenceContext, parseEvidence } from './evidence.ts'
import { expire } from './expire.ts'
import { sessionOwner } from './session-store.ts'
import * as store from './store.ts'

export type HoldDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'vault' | 'bus'> & {
  readonly config: Pick<Deps['config'], 'publicUrl'>
}

/** Who asks: from the certificate, never from the message. */
export interface AskingAgent {
  readonly agentId: string
  readonly name: string
}

export interface Opening {
  readonly call: string
  readonly statementDigest: string
  readonly evidence: Uint8Array
  readonly waits: boolean
  /** The stream that it came by. */
  readonly link: string
}

const invalid = (reason: string): SallyportError => new SallyportError('REQUEST_INVALID', reason)

/** The request of this call. Throws REQUEST_INVALID or HOLD_UNAVAILABLE. */
export async function openHold(deps: HoldDeps, agent: AskingAgent, opening: Opening): Promise<store.HeldRequest> {
  const evidence = checkedEvidence(agent, opening)
  await checkPlace(deps, agent, evidence)
  const run = () => store.inHold(deps.db, async (tx) => await attachOrCreate(deps, tx, agent, opening, evidence))
  // The lock on the caller lets no two make the same request; the unique key stands behind it.
  const { request, isNew } = await run().catch(async (thrown: unknown) => {
    if (isStoreConflict(thrown)) return await run()
    throw thrown
  })
  if (isNew || opening.waits) deps.bus.publish({ kind: 'approval', id: request.id })
  return request
}

function checkedEvidence(agent: AskingAgent, opening: Opening): HeldEvidence {
  if (!isId(opening.call)) throw invalid('the call has no id')
  const parsed = parseEvidence(opening.evidence)
  if (!parsed.ok) throw invalid(`the evidence is refused: ${parsed.reason}`)
  const evidence = parsed.value
  if (evidence.agent !== agent.agentId || evidence.agentName !== agent.name)
    throw invalid('the evidence is of another agent')
  if (evidence.statementDigest !== opening.statementDigest) throw invalid('the evidence is of another statement')
  return evidence
}

/** The agent serves this target, and the session is not another agent's (it may not have been uploaded yet). */
async function checkPlace(deps: HoldDeps, agent: AskingAgent, evidence: HeldEvidence): Promise<void> {
  const stored = await readDocument(deps.db, 'Target', evidence.target)
  if (stored?.document.kind !== 'Target' || !stored.document.spec.agents.includes(agent.name))
    throw invalid('the agent does not serve this target')
  const owner = await sessionOwner(deps.db, evidence.session)
  if (owner !== null && (owner.agentId !== agent.agentId || owner.target !== evidence.target))
    throw invalid('the session is not one of this agent and target')
}

async function attachOrCreate(
  deps: HoldDeps,
  tx: Tx,
  agent: AskingAgent,
  opening: Opening,
  evidence: HeldEvidence,
): Promise<{ request: store.HeldRequest; isNew: boolean }> {
  await store.lockCaller(tx, principalKey(callerOf(evidence)))
  const known = await store.findCall(tx, opening.call)
  if (known !== null && known.agentId !== agent.agentId) throw invalid('the call is of another agent')
  const before = await store.findByCall(tx, agent.agentId, opening.call)
  if (before !== null && before.statementDigest !== evidence.statementDigest)
    throw invalid('the call was used for another statement')
  const request = before ?? (await findOpen(deps, tx, agent, evidence))
  const now = request ?? (await createRequest(deps, tx, agent, evidence))
  if (opening.waits && now.endedAt === null) {
    const call = { id: opening.call, requestId: now.id, agentId: agent.agentId, link: opening.link }
    await store.attachCall(tx, call, new Date(deps.clock.nowMs()))
  }
  return { request: now, isNew: request === null }
}

/** A claimed initiator could be another one each time, so the function that claims it is counted. */
const callerOf = ({ initiator, actors: [outermost] }: HeldEvidence): EntryPrincipal =>
  initiator.assurance === 'claimed' ? (outermost ?? initiator) : initiator

/** Reviewers' attention is finite (THREATS R-6.12). One agent's requests can crowd out those of no other. */
async function checkRoom(tx: Tx, evidence: HeldEvidence, at: Date): Promise<void> {
  const { agent, initiator } = evidence
  const caller = { ...callerOf(evidence), isClaiming: initiator.assurance === 'claimed' }
  const { mine, agents, recent } = await store.countOpen(tx, agent, caller, at)
  if (mine >= limits.holdsPendingPerCallerMax)
    throw new SallyportError('HOLD_UNAVAILABLE', 'too many of your statements wait for a decision', {
      hint: 'wait until some are decided, or withdraw them',
    })
  if (recent >= limits.holdsPerCallerPerMinuteMax)
    throw new SallyportError('HOLD_UNAVAILABLE', 'too many of your statements were held in the last minute', {
      hint: 'wait a minute; a statement that is sent again unchanged joins its open request',
    })
  if (agents >= limits.holdsPendingPerAgentMax)
    throw new SallyportError('HOLD_UNAVAILABLE', 'too many statements of this agent wait for a decision', {
      hint: 'wait until reviewers have decided some of them',
    })
}

const openKeyOf = (agent: AskingAgent, evidence: HeldEvidence): string => `${agent.agentId} ${evidence.statementDigest}`

/** The request that a retry attaches to; one whose time is over gives the statement back. */
async function findOpen(
  deps: HoldDeps,
  tx: Tx,
  agent: AskingAgent,
  evidence: HeldEvidence,
): Promise<store.HeldRequest | null> {
  const open = await store.findOpen(tx, openKeyOf(agent, evidence))
  if (open === null || open.expiresAt.getTime() > deps.clock.nowMs()) return open
  await expire(deps, tx, open.id)
  return null
}

async function createRequest(
  deps: HoldDeps,
  tx: Tx,
  agent: AskingAgent,
  evidence: HeldEvidence,
): Promise<store.HeldRequest> {
  const createdAt = new Date(deps.clock.nowMs())
  const columns = columnsOf(evidence)
  await checkRoom(tx, evidence, createdAt)
  const id = deps.randomBytes(16).toString('hex')
  const expiresAt = new Date(createdAt.getTime() + Math.min(evidence.expiresInMs, limits.holdExpiresMsMax))
  const evidenceDigest = digestOf(evidence)
  const sealed = deps.vault.sealApart(evidenceContext(id), canonicalBytes(evidence))
  await store.addRequest(tx, {
    id,
    openKey: openKeyOf(agent, evidence),
    ...columns,
    evidenceDigest,
    approvalDigest: approvalDigestOf({ ...columns, id, evidenceDigest, expiresAt }),
    createdAt,
    expiresAt,
    evidence: sealed.sealed,
    evidenceKey: sealed.key,
  })
  const made = await store.findRequest(tx, id)
  assert(made !== null, 'the request that was just made is there')
  await announce(deps, tx, 'approval.requested', made)
  return made
}
