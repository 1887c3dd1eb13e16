// The evidence of a stored request, opened and checked: what was hashed by its agent is what the store holds, and what
// lists and rules read of it in columns is what it says.
import { SallyportError } from '@sallyport/base/errors'
import { canonicalText } from '@sallyport/ledger/canonical'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import type { Db, Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { approvalDigestOf, columnsOf, digestOf, evidenceContext, parseEvidence } from './evidence.ts'
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
  const columns = columnsOf(evidence)
  const stored = Object.fromEntries(Object.keys(columns).map((name) => [name, request[name as keyof typeof columns]]))
  return canonicalText(columns) === canonicalText(stored)
}
