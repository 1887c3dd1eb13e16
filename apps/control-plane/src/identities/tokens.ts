// Tokens for targets: short-lived, signed by the installation, naming the person whom a provider verified. Agents trust
// them through the document that `builtInIssuerDocument` makes; nothing else may call itself that.
import { limits } from '@sallyport/base/limits'
import { apiVersion, type TrustedIssuerDocument } from '@sallyport/policy/document'
import { type JSONWebKeySet, SignJWT } from 'jose'
import { audienceOf, type Config } from '../config.ts'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import type { TokenKey } from './token-key.ts'

/** Name of the control plane among the trusted issuers; documents may not take it. */
export const builtInIssuerName = 'sallyport'
/** `typ` of the header (RFC 8725, 3.11): no other JWT can be taken for one of these. */
export const tokenType = 'sallyport+jwt'

/** The control plane as a trusted issuer, for every snapshot. Groups in its tokens are Sallyport groups already. */
export function builtInIssuerDocument(config: Pick<Config, 'publicUrl' | 'installation'>): TrustedIssuerDocument {
  return {
    apiVersion,
    kind: 'TrustedIssuer',
    metadata: { name: builtInIssuerName, description: 'tokens that this installation issues to people' },
    spec: {
      issuer: config.publicUrl,
      principals: 'user',
      audiences: [audienceOf(config)],
      algorithms: ['EdDSA'],
      requiredClaims: {},
      maxLife: `${limits.targetTokenSeconds}s`,
      groupsClaim: 'sp_groups',
      exposeClaims: [],
    },
  }
}

/** The public half of the token key as a JWK set. */
export const jwksOf = (key: TokenKey): JSONWebKeySet => ({ keys: [key.publicJwk] })

/** Signs a token of this person for one target. The caller has checked that the target is open to the person. */
export async function issueToken(
  deps: Pick<Deps, 'config' | 'clock' | 'randomBytes' | 'tokenKey'>,
  actor: Actor,
  target: string,
  role: string | undefined,
): Promise<{ token: string; jti: string; expiresAt: Date }> {
  const issuedAt = Math.floor(deps.clock.nowMs() / 1_000)
  // Never longer than the login that asked for it.
  const loginEnds = Math.floor(actor.login.expiresAt.getTime() / 1_000)
  const expires = Math.min(issuedAt + limits.targetTokenSeconds, loginEnds)
  const jti = deps.randomBytes(16).toString('hex')
  const token = await new SignJWT({
    sp_issuer: actor.issuer,
    sp_kind: 'user',
    sp_groups: [...actor.groups],
    sp_name: actor.display,
    sp_target: target,
    ...(role === undefined ? {} : { sp_role: role }),
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: tokenType, kid: deps.tokenKey.keyId })
    .setIssuer(deps.config.publicUrl)
    .setAudience([audienceOf(deps.config)])
    .setSubject(actor.subject)
    .setJti(jti)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(expires)
    .sign(deps.tokenKey.privateKey)
  return { token, jti, expiresAt: new Date(expires * 1_000) }
}
