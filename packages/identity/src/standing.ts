// Whether what was verified under an earlier state of trust would still be believed: asked for sessions that are open, and for
// tokens that stand for an initiator, whenever trust changes. By its age nothing is refused here.
import { checkClaims } from './claims.ts'
import { foreignPrincipal, standingGroups } from './foreign.ts'
import { arePlatformsTrusted, keySourceOf, keyText, type Proof } from './proof.ts'
import type { IssuerWithKeys, Trust } from './trust.ts'
import { checkAudience, isRevoked, lifeMaxOf, type VerifiedToken } from './verify.ts'

export function isStillTrusted(
  verified: VerifiedToken,
  trust: Pick<Trust, 'issuers' | 'revocations' | 'groups'>,
): boolean {
  const issuer = trust.issuers.get(verified.token.issuer)
  const chain = [verified.principal, ...verified.actors]
  return (
    issuer !== undefined &&
    arePlatformsTrusted(chain, trust) &&
    chain.every((one) => standingGroups(one, trust.groups).length === one.groups.length) &&
    (verified.proof === null || stillProves(verified, verified.proof, issuer, trust)) &&
    !isRevoked(verified, trust)
  )
}

/** The token itself would pass by the issuer's document of now, and name the same groups as far as there are documents of them. */
function stillProves(
  { principal, expiresAtMs, token }: VerifiedToken,
  proof: Proof,
  issuer: IssuerWithKeys,
  { groups }: Pick<Trust, 'groups'>,
): boolean {
  const { document } = issuer
  if (!document.spec.algorithms.some((name) => name === proof.algorithm) || !isKeyStanding(proof, issuer)) return false
  if ((expiresAtMs - token.issuedAtMs) / 1_000 > lifeMaxOf(document)) return false
  try {
    checkAudience(proof.payload, document.spec.audiences)
    checkClaims(proof.payload, document)
    const now = foreignPrincipal(proof.payload, principal.subject, document, groups)
    const known = new Set(groups.map(({ metadata }) => metadata.name))
    return (
      now.kind === principal.kind && principal.groups.every((name) => !known.has(name) || now.groups.includes(name))
    )
  } catch {
    return false
  }
}

/**
 * Keys that an issuer itself turns over end nothing: it publishes those of tokens that it makes now. Pinned ones are whom the document
 * believes, and so is another place. One from where nothing was fetched yet says nothing of either.
 */
function isKeyStanding(proof: Proof, { document, jwks }: IssuerWithKeys): boolean {
  const source = keySourceOf(document)
  const isFetched = source !== 'pinned'
  if (isFetched && (source === proof.keySource || jwks.keys.length === 0)) return true
  return jwks.keys.some((key) => keyText(key) === proof.key)
}
