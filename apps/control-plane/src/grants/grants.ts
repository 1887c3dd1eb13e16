// Grants: asked for ahead, decided by people, ended by their time, by whoever asked, by reviewers or with the person. Quorum, four eyes
// and who reads what are those of approvals. Agents hear of a change with their next snapshot, which is published after the commit.
import type { GrantDetail, GrantRequest, GrantVerdictRequest } from '@sallyport/api/grants'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { durationMs } from '@sallyport/policy/duration'
import { currentReader, rightfulVerdicts } from '../approvals/people.ts'
import { type GivenVerdict, mayDecide, mayRead, outcomeOf, type Reader, storedReason } from '../approvals/rules.ts'
import { inHold } from '../approvals/store.ts'
import { noteAction } from '../audit/note.ts'
import type { Db, Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { readDocuments } from '../policies/store.ts'
import { chainOf, type Versioned } from '../targets/open.ts'
import { announceGrant } from './announce.ts'
import { isOf, mayEnd, ruled, stateOf } from './rules.ts'
import { type AskableRule, askableBy, grantRules, textOf } from './scope.ts'
import { showDetail } from './show.ts'
import * as store from './store.ts'

export type GrantDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'bus' | 'publish' | 'config'>

/** Undecided ones of one person. */
export const grantsPendingMax = 20

const objectOf = (id: string): string => `Grant/${id}`

/** Targets and policies as they are now. */
export const readRules = async (db: Db | Tx): Promise<Versioned[]> => await readDocuments(db, ['Target', 'Policy'])

const notFound = (): SallyportError =>
  new SallyportError('NOT_FOUND', 'there is no grant with this id', { hint: 'see "sallyport grants list"' })

export const askableFor = async (deps: Pick<Deps, 'db'>, actor: Actor): Promise<AskableRule[]> =>
  askableBy(await readRules(deps.db), chainOf(actor).initiator)

/** Throws NOT_FOUND, REQUEST_INVALID or TOO_MANY_REQUESTS. */
export async function askGrant(deps: GrantDeps, actor: Actor, asked: GrantRequest): Promise<store.StoredGrant> {
  const askable = (await askableFor(deps, actor)).find(
    ({ targetName, policy, rule }) =>
      targetName === asked.target && policy === asked.policy && rule.name === asked.rule,
  )
  if (askable === undefined)
    throw new SallyportError('NOT_FOUND', 'no rule of this name lets you ask for anything at this target', {
      hint: '"sallyport request" lists what you may ask for',
    })
  const { approval, longest } = askable.rule
  const reason = storedReason(asked.reason)
  if (asked.seconds * 1_000 > durationMs(longest))
    throw new SallyportError('REQUEST_INVALID', `rule "${asked.rule}" is granted for ${longest} at most`)
  if (approval.reason === 'required' && reason === '')
    throw new SallyportError('REQUEST_INVALID', `rule "${asked.rule}" wants a reason`)
  const id = deps.randomBytes(16).toString('hex')
  const createdAt = new Date(deps.clock.nowMs())
  const { issuer, subject, display } = actor
  const wanted = {
    id,
    ...{ target: asked.target, policy: asked.policy, rule: asked.rule, ruleText: textOf(askable) },
    ...{ issuer, subject, display, reason, seconds: asked.seconds },
    quorum: approval.reviewers.map(({ group, count }) => ({ group, count })),
    reviewers: approval.reviewers.map(({ group }) => group),
    createdAt,
    expiresAt: new Date(createdAt.getTime() + durationMs(approval.expires)),
  }
  await inHold(deps.db, async (tx) => {
    await store.lockAsker(tx, actor)
    if ((await store.countPending(tx, actor, createdAt)) >= grantsPendingMax)
      throw new SallyportError('TOO_MANY_REQUESTS', `you have asked for ${grantsPendingMax} grants that nobody decided`)
    await store.addGrant(tx, wanted)
    await announceGrant(deps, tx, { ...wanted, untilAt: null }, { event: 'grant.requested', at: createdAt })
    const detail = { target: asked.target, rule: `${asked.policy}/${asked.rule}`, seconds: asked.seconds, reason }
    await noteAction(deps, tx, actor, { action: 'request-grant', object: objectOf(id), detail })
  })
  deps.bus.publish({ kind: 'grant', id })
  const made = await store.findGrant(deps.db, id)
  if (made === null) throw notFound()
  return made
}

/** Throws NOT_FOUND, VERDICT_FORBIDDEN, CONFLICT or REQUEST_INVALID; then nothing changed. */
export async function decideGrant(
  deps: GrantDeps,
  actor: Actor,
  id: string,
  given: GrantVerdictRequest,
): Promise<void> {
  const isGranted = await inHold(deps.db, async (tx) => {
    const { grant, reader } = await readable(tx, actor, id)
    const nowMs = deps.clock.nowMs()
    const permission = mayDecide(reader, ruled(grant), grant.verdicts, nowMs)
    if (!permission.ok) throw new SallyportError(permission.code, permission.why)
    const isCurrent = grantRules(await readRules(tx)).some((rule) => isOf(rule, grant))
    if (given.verdict === 'approved' && !isCurrent)
      throw new SallyportError(
        'CONFLICT',
        'the rule was changed since this was asked for; it has to be asked for again',
      )
    const reason = storedReason(given.reason)
    if (given.verdict === 'denied' && reason === '')
      throw new SallyportError('REQUEST_INVALID', 'a denial needs a reason; who asked is shown it')
    const at = new Date(nowMs)
    const verdict: GivenVerdict = {
      ...{ personId: reader.personId, personKey: actorKey(reader), personName: actor.display, groups: reader.groups },
      ...{ verdict: given.verdict, reason, at, signerKey: null, signature: null },
    }
    await store.addGrantVerdict(tx, id, deps.randomBytes(16).toString('hex'), verdict)
    const outcome = await settle(deps, tx, grant, verdict)
    await noteAction(deps, tx, actor, {
      action: given.verdict === 'approved' ? 'approve-grant' : 'deny-grant',
      object: objectOf(id),
      detail: { target: grant.target, who: grant.display, reason },
    })
    return outcome === 'approved'
  })
  deps.bus.publish({ kind: 'grant', id })
  if (isGranted) await deps.publish([objectOf(id)])
}

/** What the new verdict makes of it. */
async function settle(deps: GrantDeps, tx: Tx, grant: store.StoredGrant, verdict: GivenVerdict) {
  const { at } = verdict
  // Whoever approved before and could not do so now counts no more (THREATS ).
  const verdicts = [...(await rightfulVerdicts(tx, ruled(grant), grant.verdicts)), verdict]
  const outcome = outcomeOf(grant.quorum, verdicts)
  if (outcome === 'denied') {
    await store.changeGrant(tx, grant.id, 'pending', 'denied', { endedAt: at })
    await announceGrant(deps, tx, grant, { event: 'grant.denied', at, decidedBy: [verdict.personName] })
  }
  if (outcome === 'approved') {
    const untilAt = new Date(at.getTime() + grant.seconds * 1_000)
    await store.changeGrant(tx, grant.id, 'pending', 'approved', { grantedAt: at, untilAt })
    const decidedBy = verdicts.map(({ personName }) => personName)
    await announceGrant(deps, tx, { ...grant, untilAt }, { event: 'grant.approved', at, decidedBy })
  }
  return outcome
}

/** Withdraws or ends it. Throws NOT_FOUND or CONFLICT; for whoever may only read it VERDICT_FORBIDDEN. */
export async function endGrant(deps: GrantDeps, actor: Actor, id: string): Promise<void> {
  const wasLive = await inHold(deps.db, async (tx) => {
    const { grant, reader } = await readable(tx, actor, id)
    const nowMs = deps.clock.nowMs()
    const state = stateOf(grant, null, nowMs)
    if (state !== 'pending' && state !== 'approved')
      throw new SallyportError('CONFLICT', `this grant is ${state} already`)
    if (!mayEnd(reader, grant, nowMs))
      throw new SallyportError('VERDICT_FORBIDDEN', 'who asked for it, its reviewers and administrators end a grant')
    const at = new Date(nowMs)
    const ended = { endedAt: at, endedBy: actorKey(actor) }
    await store.changeGrant(tx, id, state, state === 'pending' ? 'cancelled' : 'ended', ended)
    if (state === 'approved')
      await announceGrant(deps, tx, { ...grant, untilAt: at }, { event: 'grant.ended', at, by: actor.display })
    await noteAction(deps, tx, actor, {
      action: 'end-grant',
      object: objectOf(id),
      detail: { target: grant.target, who: grant.display, was: state },
    })
    return state === 'approved'
  })
  deps.bus.publish({ kind: 'grant', id })
  if (wasLive) await deps.publish([objectOf(id)])
}

async function readable(tx: Tx, actor: Actor, id: string): Promise<{ grant: store.StoredGrant; reader: Reader }> {
  const grant = isId(id) ? await store.lockGrant(tx, id) : null
  const reader = await currentReader(tx, actor.personId)
  if (grant === null || reader === null || !mayRead(reader, ruled(grant))) throw notFound()
  return { grant, reader }
}

/** Throws NOT_FOUND: there is none for them. */
export async function shownTo(deps: Pick<Deps, 'db' | 'clock'>, actor: Actor, id: string): Promise<GrantDetail> {
  const grant = isId(id) ? await store.findGrant(deps.db, id) : null
  const reader = await currentReader(deps.db, actor.personId)
  if (grant === null || reader === null || !mayRead(reader, ruled(grant))) throw notFound()
  return await showDetail(deps, grant, reader, await readRules(deps.db))
}
