// Signatures of reviewers' own keys, where the floor of an agent wants them. The agent verifies them again and believes nobody else;
// here a reviewer is told at once what would not count there.
import { createPublicKey, verify } from 'node:crypto'
import type { VerdictRequest } from '@sallyport/api/approvals'
import { SallyportError } from '@sallyport/base/errors'
import { approvalMessage, type HeldSigners } from '@sallyport/ledger/hold'
import { type GivenVerdict, signedBy } from './rules.ts'
import type { HeldRequest } from './store.ts'

export type Signed = Pick<GivenVerdict, 'signerKey' | 'signature'>
export const unsigned: Signed = { signerKey: null, signature: null }

/** Throws REQUEST_INVALID or CONFLICT where the approval would lack what the floor wants. */
export function checkedSignature(
  { approvalDigest, verdicts }: HeldRequest,
  signers: HeldSigners | undefined,
  given: VerdictRequest['signature'],
): Signed {
  if (signers === undefined) return unsigned
  const names = signers.keys.map(({ name }) => `"${name}"`).join(', ')
  if (given === undefined)
    throw new SallyportError(
      'REQUEST_INVALID',
      `the floor of this agent wants an approval signed by a key of ${names}`,
      {
        hint: 'sign it with: sallyport approvals approve ID --key FILE --digest DIGEST',
      },
    )
  const known = signers.keys.find(({ key }) => key === given.key)
  if (known === undefined || !isGood(known.key, approvalDigest, given.signature))
    throw new SallyportError('REQUEST_INVALID', `the signature is none of this request by a key of ${names}`)
  if (signedBy(verdicts).has(known.key))
    throw new SallyportError('CONFLICT', `the key "${known.name}" has signed it already; another one is needed`)
  return { signerKey: known.key, signature: given.signature }
}

function isGood(key: string, approvalDigest: string, signature: string): boolean {
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.slice('ed25519:'.length) },
    format: 'jwk',
  })
  return verify(null, approvalMessage(approvalDigest), publicKey, Buffer.from(signature, 'base64url'))
}
