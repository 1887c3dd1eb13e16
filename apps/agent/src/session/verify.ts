// From a bearer token to a verified principal, by the issuers of the snapshot alone (THREATS ).
// Nothing is fetched, header URLs are ignored, and a claim counts only for the issuer that signed it.
import { SallyportError, type SallyportErrorCode } from '@sallyport/base/errors'
import type { Principal } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import { durationMs } from '@sallyport/policy/duration'
import {
  type CryptoKey,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { z } from 'zod'
import type { CurrentSnapshot, SnapshotIssuer } from '../link/current.ts'

/** Name of the TrustedIssuer document that stands for the control plane itself. */
export const builtInIssuerName = 'sallyport'

export interface VerifiedToken {
  readonly principal: Principal
  /** What revocations name: the signing issuer, `jti` (or empty), and when it was issued. */
  readonly token: { readonly issuer: string; readonly id: string; readonly issuedAtMs: number }
  readonly expiresAtMs: number
  /** The only target that a token of the built-in issuer is good for; null for other issuers. */
  readonly target: string | null
  /** The only upstream role that the token is good for, if it names one. */
  readonly upstreamRole: string | null
}

const refuse = (code: SallyportErrorCode, message: string, hint: string, cause?: unknown): SallyportError =>
  new SallyportError(code, message, { hint, cause })
const newToken = 'get a new one with "sallyport token TARGET"'

/** Verifies a token at `nowMs`. Throws a SallyportError with a TOKEN_ code. */
export async function verifyToken(token: string, snapshot: CurrentSnapshot, nowMs: number): Promise<VerifiedToken> {
  if (token === '') throw refuse('TOKEN_MISSING', 'no token was sent', 'send the token as the password')
  if (token.length > limits.tokenBytesMax)
    throw refuse('TOKEN_INVALID', `the token is longer than ${limits.tokenBytesMax} bytes`, newToken)
  const issuer = issuerOf(token, snapshot)
  const payload = await verifySignature(token, issuer, nowMs)
  const claims = readClaims(payload)
  checkLife(claims, lifeMaxOf(issuer.document), nowMs)
  const builtIn = issuer.document.metadata.name === builtInIssuerName
  checkAudience(payload, builtIn ? [snapshot.audience] : issuer.document.spec.audiences)
  checkRequiredClaims(payload, issuer.document)
  const verified = builtIn ? builtInToken(payload, claims) : foreignToken(payload, claims, issuer.document, snapshot)
  if (isRevoked(verified, snapshot)) throw refuse('TOKEN_INVALID', 'the token was revoked', newToken)
  return verified
}

/**
 * Verifies the record of a ticket (THREATS ): signed by the control plane as such, good now, not revoked. Throws a
 * SallyportError with a TOKEN_ code; whoever logs in is not told which.
 */
export async function verifyTicketRecord(
  record: string,
  snapshot: CurrentSnapshot,
  nowMs: number,
): Promise<{ readonly token: VerifiedToken; readonly payload: JWTPayload }> {
  const issuer = issuerOf(record, snapshot, ticketTypes)
  const payload = await verifySignature(record, issuer, nowMs)
  const claims = readClaims(payload)
  checkLife(claims, limits.ticketSecondsMax, nowMs)
  checkAudience(payload, [snapshot.audience])
  const token = builtInToken(payload, claims)
  if (isRevoked(token, snapshot)) throw refuse('TOKEN_INVALID', 'the ticket was revoked', newToken)
  return { token, payload }
}

/** True when a revocation of the snapshot names the token or its principal. Also asked for sessions that are open. */
export function isRevoked(
  shown: Pick<VerifiedToken, 'token'> & { readonly principal: Pick<Principal, 'issuer' | 'subject'> },
  snapshot: Pick<CurrentSnapshot, 'revocations'>,
): boolean {
  const { principal, token } = shown
  return snapshot.revocations.some((revocation) => {
    if (revocation.jti !== '')
      return revocation.jti === token.id && (revocation.issuer === '' || revocation.issuer === token.issuer)
    return (
      revocation.subject === principal.subject &&
      revocation.issuer === principal.issuer &&
      token.issuedAtMs < revocation.beforeMs
    )
  })
}

/** Reads `iss` without trusting it: it only selects the keys that must verify the rest. */
function issuerOf(token: string, snapshot: CurrentSnapshot, types: AcceptedTypes = tokenTypes): SnapshotIssuer {
  let claimed: unknown
  let typ: unknown
  try {
    claimed = decodeJwt(token).iss
    typ = decodeProtectedHeader(token).typ
  } catch (cause) {
    throw refuse('TOKEN_INVALID', 'the password is no token that can be read', newToken, cause)
  }
  const issuer = typeof claimed === 'string' ? snapshot.issuers.get(claimed) : undefined
  if (issuer === undefined || issuer.document.spec.issuer !== claimed)
    throw refuse(
      'TOKEN_ISSUER_UNKNOWN',
      "the token's issuer is not trusted here",
      'compare "iss" letter by letter with the TrustedIssuer document',
    )
  const builtIn = issuer.document.metadata.name === builtInIssuerName
  if (!(builtIn ? types.builtIn : types.foreign)?.test(typ === undefined ? '' : String(typ)))
    throw refuse('TOKEN_INVALID', 'the token is of another kind than this issuer gives for logins', newToken)
  return issuer
}

// By its type no other JWT is taken for a login (RFC 8725, 3.11): the control plane marks the tokens that it makes for
// targets; of other issuers, ID tokens and access tokens pass, a logout or security event token does not.
interface AcceptedTypes {
  readonly builtIn: RegExp
  /** Null: other issuers make none. */
  readonly foreign: RegExp | null
}
const tokenTypes: AcceptedTypes = { builtIn: /^sallyport\+jwt$/, foreign: /^((application\/)?(at\+)?jwt)?$/i }
const ticketTypes: AcceptedTypes = { builtIn: /^sallyport-ticket\+jwt$/, foreign: null }

const keySets = new WeakMap<SnapshotIssuer, JWTVerifyGetKey>()

function keysOf(issuer: SnapshotIssuer): JWTVerifyGetKey {
  const known = keySets.get(issuer)
  if (known !== undefined) return known
  const made = createLocalJWKSet({ keys: issuer.jwks.keys.map((key) => ({ ...key, kty: String(key['kty']) })) })
  keySets.set(issuer, made)
  return made
}

async function verifySignature(token: string, issuer: SnapshotIssuer, nowMs: number): Promise<JWTPayload> {
  const { algorithms, issuer: name } = issuer.document.spec
  const options = {
    algorithms: [...algorithms],
    issuer: name,
    currentDate: new Date(nowMs),
    clockTolerance: limits.clockLeewaySeconds,
    requiredClaims: ['exp', 'iat', 'sub', 'aud'],
  }
  try {
    return (await jwtVerify(token, keysOf(issuer), options)).payload
  } catch (thrown) {
    if (thrown instanceof errors.JWKSMultipleMatchingKeys) return await verifyByAny(token, thrown, options)
    throw signatureError(thrown)
  }
}

/** A token without `kid` may fit several keys of the issuer: one of them has to verify it. */
async function verifyByAny(
  token: string,
  candidates: AsyncIterable<CryptoKey>,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  for await (const key of candidates) {
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (thrown) {
      if (!(thrown instanceof errors.JWSSignatureVerificationFailed)) throw signatureError(thrown)
    }
  }
  throw refuse('TOKEN_INVALID', "no key of the issuer verifies the token's signature", newToken)
}

function signatureError(thrown: unknown): SallyportError {
  if (thrown instanceof errors.JWTExpired) return refuse('TOKEN_EXPIRED', 'the token has expired', newToken, thrown)
  if (thrown instanceof errors.JWTClaimValidationFailed)
    return refuse('TOKEN_INVALID', `the token's claim "${thrown.claim}" is absent or not valid`, newToken, thrown)
  return refuse('TOKEN_INVALID', "the token's signature or form does not verify", newToken, thrown)
}

const Claims = z.object({
  sub: z.string().min(1).max(1_024),
  exp: z.number(),
  iat: z.number(),
  jti: z.string().max(1_024).default(''),
})
type Claims = z.infer<typeof Claims>

function readClaims(payload: JWTPayload): Claims {
  const parsed = Claims.safeParse(payload)
  if (parsed.success) return parsed.data
  throw refuse('TOKEN_INVALID', `the token's claim "${parsed.error.issues[0]?.path.join('.')}" is not valid`, newToken)
}

const lifeMaxOf = ({ spec }: TrustedIssuerDocument): number =>
  Math.min(durationMs(spec.maxLife) / 1_000, limits.tokenLifeSecondsMax)

function checkLife(claims: Claims, lifeMax: number, nowMs: number): void {
  if (claims.iat * 1_000 > nowMs + limits.clockLeewaySeconds * 1_000)
    throw refuse('TOKEN_INVALID', 'the token\'s "iat" lies in the future', 'compare the clocks of issuer and agent')
  if (claims.exp - claims.iat > lifeMax)
    throw refuse('TOKEN_INVALID', `the token lives longer than the ${lifeMax} seconds that are accepted`, newToken)
}

function checkAudience(payload: JWTPayload, accepted: readonly string[]): void {
  const audiences = typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? [])
  if (!audiences.some((audience) => accepted.includes(audience)))
    throw refuse('TOKEN_AUDIENCE_WRONG', 'the token was made for another audience', `ask for audience "${accepted[0]}"`)
}

/** Exact values: no prefixes, no wildcards. */
function checkRequiredClaims(payload: JWTPayload, document: TrustedIssuerDocument): void {
  for (const [name, wanted] of Object.entries(document.spec.requiredClaims)) {
    const shown = payload[name]
    const accepted = typeof wanted === 'string' ? [wanted] : wanted
    if (typeof shown !== 'string' || !accepted.includes(shown))
      throw refuse(
        'TOKEN_INVALID',
        `the token's claim "${name}" is not what the issuer's document requires`,
        `compare "requiredClaims" of TrustedIssuer "${document.metadata.name}" with the token`,
      )
  }
}

/** What the control plane puts into its tokens for one target. */
const BuiltInClaims = z.object({
  sp_issuer: z.string().min(1),
  sp_kind: z.enum(['user', 'workload']),
  sp_groups: z.array(z.string()),
  sp_name: z.string().min(1),
  sp_target: z.string().min(1),
  sp_role: z.string().min(1).optional(),
})

function builtInToken(payload: JWTPayload, claims: Claims): VerifiedToken {
  const parsed = BuiltInClaims.safeParse(payload)
  if (!parsed.success)
    throw refuse(
      'TOKEN_INVALID',
      `the token's claim "${parsed.error.issues[0]?.path.join('.')}" is absent or not valid`,
      newToken,
    )
  const shown = parsed.data
  return {
    principal: {
      kind: shown.sp_kind,
      issuer: shown.sp_issuer,
      subject: claims.sub,
      groups: shown.sp_groups,
      claims: {},
      display: shown.sp_name,
      assurance: 'verified',
    },
    ...tokenOf(payload, claims),
    target: shown.sp_target,
    upstreamRole: shown.sp_role ?? null,
  }
}

function foreignToken(
  payload: JWTPayload,
  claims: Claims,
  document: TrustedIssuerDocument,
  snapshot: CurrentSnapshot,
): VerifiedToken {
  const { issuer, principals, groupsClaim, exposeClaims } = document.spec
  const shown = groupValues(payload, groupsClaim)
  const groups = snapshot.groups
    .filter(({ spec }) =>
      spec.members.some(
        (member) =>
          member.issuer === issuer &&
          ('subject' in member ? member.subject === claims.sub : shown.includes(member.claim)),
      ),
    )
    .map(({ metadata }) => metadata.name)
  const exposed = exposeClaims.filter((name) => Object.hasOwn(payload, name)).map((name) => [name, payload[name]])
  return {
    principal: {
      kind: principals,
      issuer,
      subject: claims.sub,
      groups,
      claims: Object.fromEntries(exposed),
      display: claims.sub,
      assurance: 'verified',
    },
    ...tokenOf(payload, claims),
    target: null,
    upstreamRole: null,
  }
}

/** groups that the issuer left out ("overage") are not the same as no groups, so the token is refused. */
function groupValues(payload: JWTPayload, claim: string): readonly string[] {
  const left = z.record(z.string(), z.unknown()).safeParse(payload['_claim_names'])
  if (left.success && Object.hasOwn(left.data, claim))
    throw refuse('TOKEN_INVALID', `the issuer left the claim "${claim}" out of the token`, 'have it list the groups')
  const value = payload[claim]
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}

const tokenOf = (payload: JWTPayload, claims: Claims): Pick<VerifiedToken, 'token' | 'expiresAtMs'> => ({
  token: { issuer: payload.iss ?? '', id: claims.jti, issuedAtMs: claims.iat * 1_000 },
  expiresAtMs: claims.exp * 1_000,
})
