// The evidence of a stored request, opened and checked: what was hashed by its agent is what the store holds, and what
// lists and rules read of it in columns is what it says.
import { SallyportError } from '@sallyport/base/errors'
import { canonicalText } from '@sallyport/ledger/canonical'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import type { Db, Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { approvalDigestOf, type Columns, columnsOf, digestOf, evidenceContext, parseEvidence } from './evidence.ts'
import { type HeldRequest, readEvidence } from './store.ts'

export const tampered = () =>
  new SallyportError('CHAIN_BROKEN', 'the stored request is not what its agent sent', {
    hint: 'decide nothing about it, and tell an administrator',
  })

/** Null: shredded, gone, or not what was sent; nobody may decide on it. */
export async function openEvidence(
  deps: Pick<Deps, 'vault'>,
  db: Db | Tx,
  request: HeldRequest,
): Promise<HeldEvidence | null> {
  const stored = await readEvidence(db, request.id)
  if (stored === null || approvalDigestOf(request) !== request.approvalDigest) return null
  const parsed = parseEvidence(deps.vault.openApart(evidenceContext(request.id), stored.sealed, stored.key))
  if (!parsed.ok || digestOf(parsed.value) !== request.evidenceDigest) return null
  return isOf(parsed.value, request) ? parsed.value : null
}

/** Columns are not covered by a digest of their own: each of them has to follow from the evidence. */
function isOf(evidence: HeldEvidence, request: HeldRequest): boolean {
  const stored: Columns = {
    statementDigest: request.statementDigest,
    agentId: request.agentId,
    agentName: request.agentName,
    sessionId: request.sessionId,
    target: request.target,
    initiatorKey: request.initiatorKey,
    initiatorName: request.initiatorName,
    fingerprint: request.fingerprint,
    verbs: request.verbs,
    objects: request.objects,
    policy: request.policy,
    policyVersion: request.policyVersion,
    rule: request.rule,
    reasonMode: request.reasonMode,
    quorum: request.quorum,
    reviewers: request.reviewers,
    facts: request.facts,
  }
  return canonicalText(columnsOf(evidence)) === canonicalText(stored)
}
