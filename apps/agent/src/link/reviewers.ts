// Keys of reviewers that the agent's own floor names: where there are some, no approval is used that they have not signed, whatever
// the control plane says (DESIGN §2, "Floor").
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { approvalMessage, type HeldSigners } from '@sallyport/ledger/hold'
import type { FloorDocument } from '@sallyport/policy/document'
import type { HoldAnswer } from './holds.ts'

export interface ReviewerKeys {
  readonly signers: HeldSigners
  /** By their text. */
  readonly keys: ReadonlyMap<string, KeyObject>
}

/** Null: the floor names none, or there is no floor. */
export function reviewerKeys(floor: FloorDocument | null): ReviewerKeys | null {
  const reviewers = floor?.spec.reviewers
  if (reviewers === undefined) return null
  const keys = reviewers.keys.map(({ key }): [string, KeyObject] => {
    const x = key.slice('ed25519:'.length)
    return [key, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })]
  })
  return { signers: reviewers, keys: new Map(keys) }
}

export const signersOf = (reviewers: ReviewerKeys | null): HeldSigners | null => reviewers?.signers ?? null

/** How many signatures by different keys an approval lacks. */
export function signaturesMissing(
  reviewers: ReviewerKeys | null,
  { approvalDigest, signatures }: Pick<HoldAnswer, 'approvalDigest' | 'signatures'>,
): number {
  if (reviewers === null) return 0
  const message = approvalMessage(approvalDigest)
  const signed = new Set<string>()
  for (const { key, signature } of signatures) {
    const known = reviewers.keys.get(key)
    if (known !== undefined && verify(null, message, known, signature)) signed.add(key)
  }
  return Math.max(0, reviewers.signers.count - signed.size)
}
