// Tokens whose signature was verified, kept by their digest: a caller that connects anew for each request shows the same one again and
// again. What is kept is who they name, never what was decided about it.
// INVARIANT: of another snapshot, at a time before it was verified or past its life nothing is known, and everything is verified anew.
import { hash } from 'node:crypto'
import { limits } from '@sallyport/base/limits'
import { type VerifiedToken, verifyToken } from '@sallyport/identity/verify'
import type { CurrentSnapshot } from '../link/current.ts'

export interface TokenVerifier {
  /** Throws what verifying throws. */
  verify(token: string, snapshot: CurrentSnapshot, nowMs: number): Promise<VerifiedToken>
}

interface Kept {
  readonly verified: VerifiedToken
  readonly sinceMs: number
}

/** `verify`: by which signatures are looked at. */
export function tokenVerifier(verify: typeof verifyToken = verifyToken): TokenVerifier {
  const kept = new Map<string, Kept>()
  let of: CurrentSnapshot | null = null
  return {
    async verify(token, snapshot, nowMs) {
      // Issuers, keys and revocations are those of a snapshot.
      if (snapshot !== of) kept.clear()
      of = snapshot
      // The length first: a digest takes longer than a text is long.
      if (token.length > limits.tokenBytesMax) return await verify(token, snapshot, nowMs)
      const key = hash('sha256', token, 'base64')
      const known = kept.get(key)
      if (known !== undefined && isGood(known, nowMs)) return known.verified
      kept.delete(key)
      const verified = await verify(token, snapshot, nowMs)
      // Another snapshot may have come meanwhile.
      if (snapshot !== of) return verified
      const [oldest] = kept.keys()
      if (kept.size >= limits.verifiedTokensMax && oldest !== undefined) kept.delete(oldest)
      kept.set(key, { verified, sinceMs: nowMs })
      return verified
    },
  }
}

/** Without the leeway for clocks that verifying gives: whoever is past it is looked at again. */
const isGood = ({ verified, sinceMs }: Kept, nowMs: number): boolean => sinceMs <= nowMs && nowMs < verified.expiresAtMs
