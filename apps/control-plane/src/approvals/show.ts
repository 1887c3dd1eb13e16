// What people see of held requests: parsed facts in lists; on the card the text itself, decrypted, checked against its
// digest, with everything that a reviewer needs to decide.
import type { Approval, ApprovalItem } from '@sallyport/api/approvals'
import { VerdictWord } from '@sallyport/api/approvals'
import { canonicalText } from '@sallyport/ledger/canonical'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import { z } from 'zod'
import type { Db } from '../db.ts'
import type { Deps } from '../deps.ts'
import { readHistory } from './list-store.ts'
import { othersOf, ruled } from './people.ts'
import {
  type GivenVerdict,
  mayCancel,
  mayDecide,
  progressOf,
  type Reader,
  type RuledRequest,
  signedBy,
} from './rules.ts'
import { openEvidence, tampered } from './sealed.ts'
import { countWaiting, type HeldRequest } from './store.ts'

export type ShowDeps = Pick<Deps, 'db' | 'clock' | 'vault'>

/** How far back the history of a caller goes, in milliseconds. */
export const historyMs = 30 * 86_400_000

export function showItem(request: HeldRequest, reader: Reader, waiting: number, nowMs: number): ApprovalItem {
  const { facts } = request
  return {
    id: request.id,
    state: request.state,
    createdAt: request.createdAt.toISOString(),
    expiresAt: request.expiresAt.toISOString(),
    decidedAt: request.decidedAt?.toISOString() ?? null,
    target: request.target,
    targetLabels: facts.targetLabels,
    agentName: request.agentName,
    initiator: facts.initiator,
    actors: facts.actors,
    waiting,
    verbs: request.verbs,
    objects: request.objects,
    objectsInAll: facts.objectsInAll,
    statements: facts.statements,
    filtered: facts.filtered,
    rule: { policy: request.policy, version: request.policyVersion, rule: request.rule },
    fingerprint: request.fingerprint,
    mine: mayDecide(reader, ruled(request), request.verdicts, nowMs).ok,
    decidedBy: request.verdicts.map((given) => given.personName),
  }
}

/** One page of items. */
export async function showItems(
  deps: Pick<ShowDeps, 'db' | 'clock'>,
  reader: Reader,
  requests: readonly HeldRequest[],
): Promise<ApprovalItem[]> {
  const waiting = await countWaiting(
    deps.db,
    requests.map((request) => request.id),
  )
  const nowMs = deps.clock.nowMs()
  return requests.map((request) => showItem(request, reader, waiting.get(request.id) ?? 0, nowMs))
}

/** The card. The caller has checked that the reader may see it. */
export async function showApproval(deps: ShowDeps, reader: Reader, request: HeldRequest): Promise<Approval> {
  const nowMs = deps.clock.nowMs()
  const waiting = await countWaiting(deps.db, [request.id])
  const permission = mayDecide(reader, ruled(request), request.verdicts, nowMs)
  const { facts } = request
  const evidence = await shownEvidence(deps, request)
  return {
    ...showItem(request, reader, waiting.get(request.id) ?? 0, nowMs),
    sessionId: request.sessionId,
    database: facts.database,
    upstreamRole: facts.upstreamRole,
    clientAddress: facts.clientAddress,
    applicationName: facts.applicationName,
    statement: evidence === null ? null : statementOf(evidence),
    message: facts.message,
    estimate: facts.estimate,
    history: await showHistory(deps, request, nowMs),
    quorum: await showQuorum(deps.db, ruled(request), request.verdicts),
    verdicts: showVerdicts(request.verdicts),
    reason: request.reasonMode === 'required' ? 'required' : 'optional',
    signers: showSigners(request, evidence),
    statementDigest: request.statementDigest,
    evidenceDigest: request.evidenceDigest,
    approvalDigest: request.approvalDigest,
    mayDecide: permission.ok ? { ok: true } : { ok: false, why: permission.why },
    mayCancel: mayCancel(reader, ruled(request), nowMs),
    result: showResult(request),
  }
}

/** Null when it was shredded. */
async function shownEvidence(deps: ShowDeps, request: HeldRequest): Promise<HeldEvidence | null> {
  if (request.shreddedAt !== null) return null
  const evidence = await openEvidence(deps, deps.db, request)
  if (evidence === null) throw tampered()
  return evidence
}

function showSigners(request: HeldRequest, evidence: HeldEvidence | null): Approval['signers'] {
  if (evidence?.signers === undefined) return null
  const { count, keys } = evidence.signers
  const signed = signedBy(request.verdicts)
  return {
    count,
    keys: keys.map((key) => ({ ...key, signed: signed.has(key.key) })),
    evidence: canonicalText(evidence),
  }
}

const statementOf = ({ text, searchPath, spans, parameters, parts }: HeldEvidence): Approval['statement'] => ({
  text,
  searchPath: [...searchPath],
  spans: spans.map((span) => ({ ...span })),
  parameters: [...parameters],
  parts: parts.map((part) => ({
    ...part,
    effects: part.effects.map((effect) => ({ ...effect })),
    functions: [...part.functions],
  })),
})

async function showHistory(deps: ShowDeps, request: HeldRequest, nowMs: number): Promise<Approval['history']> {
  const { counts, last } = await readHistory(deps.db, request, new Date(nowMs - historyMs))
  const inAll = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return {
    approved: (counts.get('approved') ?? 0) + (counts.get('run') ?? 0),
    denied: counts.get('denied') ?? 0,
    firstTime: inAll === 0,
    last: last === null ? null : { by: last.by, verdict: VerdictWord.parse(last.verdict), at: last.at.toISOString() },
  }
}

/** What the quorum has, and who of it could still decide. */
export async function showQuorum(
  db: Db,
  request: RuledRequest,
  verdicts: readonly GivenVerdict[],
): Promise<Approval['quorum']> {
  const others = request.state === 'pending' ? await othersOf(db, request, verdicts) : new Map<string, string[]>()
  return progressOf(request.quorum, verdicts).map(({ group, count, approvedBy }) => ({
    group,
    count,
    approvedBy: approvedBy.map((given) => given.personName),
    others: others.get(group) ?? [],
  }))
}

export const showVerdicts = (verdicts: readonly GivenVerdict[]): Approval['verdicts'] =>
  verdicts.map(({ personName: by, verdict, reason, at }) => ({ by, verdict, reason, at: at.toISOString() }))

const Result = z.object({
  result: z.string(),
  tag: z.string(),
  sqlstate: z.string(),
  rows: z.number().int(),
  durationUs: z.number().int(),
})

function showResult(request: HeldRequest): Approval['result'] {
  return request.result === null ? null : Result.parse(request.result)
}
