// Tokens for targets: short-lived, signed by the installation, naming the person whom a provider verified. Agents trust
// them through the document that `builtInIssuerDocument` makes; nothing else may call itself that.
import { SallyportError } from '@sallyport/base/errors'
import type { Principal } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import { claimsOf } from '@sallyport/identity/delegated'
import { builtInIssuerName } from '@sallyport/identity/trust'
import { apiVersion, type TrustedIssuerDocument } from '@sallyport/policy/document'
import { type JSONWebKeySet, SignJWT } from 'jose'
import { audienceOf, type Config } from '../config.ts'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import type { TokenKey } from './token-key.ts'

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

/** What a token or a ticket's record says beside whom it names. */
interface Signed {
  readonly type: string
  readonly jti: string
  readonly issuedAt: number
  readonly expires: number
  readonly target: string
  readonly role: string | undefined
  readonly more?: Readonly<Record<string, unknown>>
}

type SigningDeps = Pick<Deps, 'config' | 'tokenKey'>

/** Whom tokens name. */
type Named = Pick<Principal, 'kind' | 'issuer' | 'subject' | 'groups' | 'display' | 'claims'>

/** The person of a login. */
const personOf = ({ issuer, subject, groups, display }: Actor): Named => ({
  kind: 'user',
  issuer,
  subject,
  groups,
  display,
  claims: {},
})

/** What a revocation names to end everything that was issued to a person with the groups of one count (people/end.ts). */
export const rightsId = (personId: string, rights: number): string => `${personId}:${rights}`

/**
 * Signs what agents believe about the person of a login, as `signFor` does. It stands on that login and on the groups that the request was judged by: revoking either ends
 * it, however late a request that was under way has signed it.
 */
export async function signForPerson(deps: SigningDeps, actor: Actor, signed: Signed): Promise<string> {
  const iss = deps.config.publicUrl
  const standsOn = [actor.login.id, rightsId(actor.personId, actor.rights)].map((jti) => ({ iss, jti }))
  return await signFor(deps, personOf(actor), { ...signed, more: { ...signed.more, sp_from: standsOn } })
}

/** Signs what agents believe about a principal. The caller has checked that the target is open to it. Throws REQUEST_TOO_LARGE. */
export async function signFor(deps: SigningDeps, named: Named, signed: Signed): Promise<string> {
  const token = await new SignJWT({
    sp_issuer: named.issuer,
    sp_kind: named.kind,
    sp_groups: [...named.groups],
    sp_name: named.display,
    ...claimsOf(named),
    sp_target: signed.target,
    ...(signed.role === undefined ? {} : { sp_role: signed.role }),
    ...signed.more,
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: signed.type, kid: deps.tokenKey.keyId })
    .setIssuer(deps.config.publicUrl)
    .setAudience([audienceOf(deps.config)])
    .setSubject(named.subject)
    .setJti(signed.jti)
    .setIssuedAt(signed.issuedAt)
    .setNotBefore(signed.issuedAt)
    .setExpirationTime(signed.expires)
    .sign(deps.tokenKey.privateKey)
  if (token.length <= limits.tokenBytesMax) return token
  throw new SallyportError('REQUEST_TOO_LARGE', `the token would be longer than ${limits.tokenBytesMax} bytes`, {
    hint: 'expose fewer claims, or map fewer groups, in the TrustedIssuer documents',
  })
}

/** From now for so many seconds, and never longer than the login that asked for it. */
export function lifeOf(clock: Deps['clock'], actor: Actor, seconds: number): Pick<Signed, 'issuedAt' | 'expires'> {
  const issuedAt = Math.floor(clock.nowMs() / 1_000)
  const loginEnds = Math.floor(actor.login.expiresAt.getTime() / 1_000)
  return { issuedAt, expires: Math.min(issuedAt + seconds, loginEnds) }
}

/** Signs a token of this person for one target. The caller has checked that the target is open to the person. */
export async function issueToken(
  deps: SigningDeps & Pick<Deps, 'clock' | 'randomBytes'>,
  actor: Actor,
  target: string,
  role: string | undefined,
): Promise<{ token: string; jti: string; expiresAt: Date }> {
  const life = lifeOf(deps.clock, actor, limits.targetTokenSeconds)
  const jti = deps.randomBytes(16).toString('hex')
  const token = await signForPerson(deps, actor, { type: tokenType, jti, ...life, target, role })
  return { token, jti, expiresAt: new Date(life.expires * 1_000) }
}
