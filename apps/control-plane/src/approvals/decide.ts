// A person decides, or the initiator withdraws: checked under the request's lock, with the rights of this moment, written
// with its line in the audit log and its event for outsiders in one transaction.
import type { VerdictRequest } from '@sallyport/api/approvals'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import { noteAction } from '../audit/note.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { announce } from './announce.ts'
import { currentReader, ruled } from './people.ts'
import {
  type GivenVerdict,
  mayCancel,
  mayDecide,
  mayRead,
  outcomeOf,
  type Reader,
  settledText,
  storedReason,
} from './rules.ts'
import { openEvidence, tampered } from './sealed.ts'
import { checkedSignature, unsigned } from './signature.ts'
import * as store from './store.ts'

export type DecideDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'bus' | 'config' | 'vault'>

export const notFound = () =>
  new SallyportError('NOT_FOUND', 'there is no request with this id', { hint: 'see "sallyport approvals ls"' })

const objectOf = (id: string): string => `Approval/${id}`

/** Gives a verdict. Throws NOT_FOUND, VERDICT_FORBIDDEN, CONFLICT or REQUEST_INVALID; then nothing changed. */
export async function decideApproval(deps: DecideDeps, actor: Actor, id: string, given: VerdictRequest): Promise<void> {
  if (!isId(id)) throw notFound()
  await store.inHold(deps.db, async (tx) => await decideIn(deps, tx, actor, id, given))
  deps.bus.publish({ kind: 'approval', id })
}

async function decideIn(deps: DecideDeps, tx: Tx, actor: Actor, id: string, given: VerdictRequest): Promise<void> {
  const { request, person } = await readableRequest(tx, actor, id)
  // Under the lock: a verdict that waited for it until the request's time was over comes too late.
  const nowMs = deps.clock.nowMs()
  const permission = mayDecide(person, ruled(request), request.verdicts, nowMs)
  if (!permission.ok) throw new SallyportError(permission.code, permission.why)
  const { signers } = await checkShown(deps, tx, request, given.approvalDigest)
  const signed = given.verdict === 'approved' ? checkedSignature(request, signers, given.signature) : unsigned
  const reason = checkedReason(request, given)
  const verdict: GivenVerdict = {
    personId: person.personId,
    personKey: actorKey(person),
    personName: actor.display,
    groups: person.groups,
    verdict: given.verdict,
    reason,
    at: new Date(nowMs),
    ...signed,
  }
  const { approvalDigest } = request
  await store.addVerdict(tx, { ...verdict, id: deps.randomBytes(16).toString('hex'), requestId: id, approvalDigest })
  await settle(deps, tx, request, verdict, signers?.count)
  const { target, initiatorName: caller } = request
  await noteAction(deps, tx, actor, {
    action: given.verdict === 'approved' ? 'approve' : 'deny',
    object: objectOf(id),
    detail: { target, caller, approvalDigest, reason },
  })
}

/** The request under its lock, and the person with the groups of now. What they may not read is not there for them. */
async function readableRequest(
  tx: Tx,
  actor: Actor,
  id: string,
): Promise<{ request: store.HeldRequest; person: Reader }> {
  const request = await store.lockRequest(tx, id)
  const person = await currentReader(tx, actor.personId)
  if (request === null || person === null || !mayRead(person, ruled(request))) throw notFound()
  return { request, person }
}

/** A verdict is about exactly what was shown, and what was shown is what the agent sent: text, facts and rule. */
async function checkShown(deps: DecideDeps, tx: Tx, request: store.HeldRequest, shown: string): Promise<HeldEvidence> {
  const evidence = await openEvidence(deps, tx, request)
  if (evidence === null) throw tampered()
  if (shown !== request.approvalDigest)
    throw new SallyportError('CONFLICT', 'this verdict is about another state of the request than the current one', {
      hint: 'statement, evidence, quorum or expiry differ from what you saw; load the request again',
    })
  return evidence
}

function checkedReason(request: store.HeldRequest, given: VerdictRequest): string {
  const reason = storedReason(given.reason)
  if (reason !== '') return reason
  if (given.verdict === 'denied')
    throw new SallyportError('REQUEST_INVALID', 'a denial needs a reason; the caller is shown it')
  if (request.reasonMode === 'required')
    throw new SallyportError('REQUEST_INVALID', `rule "${request.rule}" wants a reason for every verdict`)
  return ''
}

/** What the new verdict makes of the request. */
async function settle(
  deps: DecideDeps,
  tx: Tx,
  request: store.HeldRequest,
  verdict: GivenVerdict,
  signaturesWanted: number | undefined,
): Promise<void> {
  const verdicts = [...request.verdicts, verdict]
  const outcome = outcomeOf(request.quorum, verdicts, signaturesWanted)
  const { at } = verdict
  const names = verdicts.map((given) => given.personName)
  switch (outcome) {
    case 'pending':
      return
    case 'approved':
      await store.changeState(tx, request.id, 'pending', 'approved', { decidedAt: at, settledAt: at })
      return await announce(deps, tx, 'approval.approved', request, names)
    case 'denied':
      await store.changeState(tx, request.id, 'pending', 'denied', { decidedAt: at, settledAt: at, endedAt: at })
      return await announce(deps, tx, 'approval.denied', request, [verdict.personName])
  }
}

/** Withdraws a request. Throws NOT_FOUND, or CONFLICT when it is decided; for all but its initiator VERDICT_FORBIDDEN. */
export async function cancelApproval(deps: DecideDeps, actor: Actor, id: string): Promise<void> {
  if (!isId(id)) throw notFound()
  await store.inHold(deps.db, async (tx) => {
    const { request, person } = await readableRequest(tx, actor, id)
    const nowMs = deps.clock.nowMs()
    if (actorKey(person) !== request.initiatorKey)
      throw new SallyportError('VERDICT_FORBIDDEN', 'only who asked for it withdraws a request')
    if (!mayCancel(person, ruled(request), nowMs))
      throw new SallyportError('CONFLICT', settledText(ruled(request), request.verdicts, nowMs) ?? 'it is decided')
    const at = new Date(nowMs)
    await store.changeState(tx, id, 'pending', 'cancelled', { openKey: null, settledAt: at, endedAt: at })
    await noteAction(deps, tx, actor, {
      action: 'cancel-request',
      object: objectOf(id),
      detail: { target: request.target },
    })
  })
  deps.bus.publish({ kind: 'approval', id })
}
