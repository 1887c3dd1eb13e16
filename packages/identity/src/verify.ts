// From a bearer token to verified principals, by trusted issuers alone (THREATS ); agents and the control plane
// verify by the same code.
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
import { builtInActors, delegatedTokenType, foreignActors } from './delegated.ts'
import { foreignPrincipal, standingGroups } from './foreign.ts'
import { arePlatformsTrusted, type Issued, type Proof, type Signed, signedBy } from './proof.ts'
import { builtInIssuerName, type IssuerWithKeys, type Trust } from './trust.ts'

/** A token as revocations name it. */
export type Parent = z.infer<typeof Parent>
const Parent = z.object({ iss: z.string().min(1).max(1_024), jti: z.string().min(1).max(1_024) })

export interface VerifiedToken {
  /** For whom it speaks. */
  readonly principal: Principal
  /** Through whom, outermost first; none when the principal itself calls. */
  readonly actors: readonly Principal[]
  /** Good for one use. */
  readonly isOnce: boolean
  /** Tokens that it was made of: what revokes one of them revokes it. */
  readonly parents: readonly Parent[]
  /** What revocations name: the signing issuer, `jti` (or empty), and when it was issued. */
  readonly token: { readonly issuer: string; readonly id: string; readonly issuedAtMs: number }
  readonly expiresAtMs: number
  /** The only target that a token of the built-in issuer is good for; null for other issuers. */
  readonly target: string | null
  /** The only upstream role that the token is good for, if it names one. */
  readonly upstreamRole: string | null
  /** Of another issuer's token: what it was believed by. Null for tokens of the control plane. */
  readonly proof: Proof | null
}

const refuse = (code: SallyportErrorCode, message: string, hint: string, cause?: unknown): SallyportError =>
  new SallyportError(code, message, { hint, cause })
const newToken = 'get a new one with "sallyport token TARGET"'
const compareClocks = 'compare the clocks of issuer and agent'

/** Verifies a token of one of these types at `nowMs`. Throws a SallyportError with a TOKEN_ code. */
export async function verifyToken(
  token: string,
  trust: Trust,
  nowMs: number,
  types: AcceptedTypes = loginTypes,
): Promise<VerifiedToken> {
  if (token === '') throw refuse('TOKEN_MISSING', 'no token was sent', 'send the token as the password')
  if (token.length > limits.tokenBytesMax)
    throw refuse('TOKEN_TOO_LARGE', `the token is longer than ${limits.tokenBytesMax} bytes`, newToken)
  const { issuer, typ } = issuerOf(token, trust, types)
  const signed = await verifySignature(token, issuer, nowMs)
  const { payload } = signed
  const claims = readClaims(payload)
  const builtIn = issuer.document.metadata.name === builtInIssuerName
  const isDelegated = builtIn && typ === delegatedTokenType
  checkLife(claims, isDelegated ? limits.delegatedTokenSeconds : lifeMaxOf(issuer.document), nowMs)
  checkAudience(payload, builtIn ? [trust.audience] : issuer.document.spec.audiences)
  const verified = builtIn
    ? builtInToken(payload, claims, isDelegated, trust)
    : await foreignToken(signed, claims, issuer.document, trust)
  if (isRevoked(verified, trust)) throw refuse('TOKEN_REVOKED', 'the token was revoked', newToken)
  return verified
}

/** What a record says, and whom it names. */
export interface VerifiedRecord {
  readonly token: VerifiedToken
  readonly payload: JWTPayload
}

/**
 * Verifies the record of a ticket (THREATS ): signed by the control plane as such, good now, not revoked. Throws a
 * SallyportError with a TOKEN_ code; whoever logs in is not told which.
 */
export const verifyTicketRecord = async (record: string, trust: Trust, nowMs: number): Promise<VerifiedRecord> =>
  await verifyRecord(record, trust, nowMs, { types: ticketTypes, lifeMax: limits.ticketSecondsMax })

/** The same for the record in a caller's certificate. The caller of this has looked at the certificate itself. */
export const verifyCertificateRecord = async (record: string, trust: Trust, nowMs: number): Promise<VerifiedRecord> =>
  await verifyRecord(record, trust, nowMs, { types: certificateTypes, lifeMax: limits.callerCertificateSeconds })

async function verifyRecord(
  record: string,
  trust: Trust,
  nowMs: number,
  { types, lifeMax }: { readonly types: AcceptedTypes; readonly lifeMax: number },
): Promise<VerifiedRecord> {
  const { issuer } = issuerOf(record, trust, types)
  const { payload } = await verifySignature(record, issuer, nowMs)
  const claims = readClaims(payload)
  checkLife(claims, lifeMax, nowMs)
  checkAudience(payload, [trust.audience])
  const token = builtInToken(payload, claims, false, trust)
  if (isRevoked(token, trust)) throw refuse('TOKEN_REVOKED', 'it was revoked', newToken)
  return { token, payload }
}

/** True when a revocation names the token, one that it was made of, or a principal of its chain. Also asked for sessions that are open. */
export function isRevoked(
  shown: Pick<VerifiedToken, 'token'> & {
    readonly principal: Pick<Principal, 'issuer' | 'subject'>
    readonly parents?: readonly Parent[]
    readonly actors?: readonly Pick<Principal, 'issuer' | 'subject'>[]
  },
  trust: Pick<Trust, 'revocations'>,
): boolean {
  const { principal, actors = [], parents = [], token } = shown
  const tokens = [{ iss: token.issuer, jti: token.id }, ...parents]
  return trust.revocations.some((revocation) => {
    if (revocation.jti !== '')
      return tokens.some(
        ({ iss, jti }) => revocation.jti === jti && (revocation.issuer === '' || revocation.issuer === iss),
      )
    return [principal, ...actors].some(
      ({ issuer, subject }) =>
        revocation.subject === subject && revocation.issuer === issuer && token.issuedAtMs < revocation.beforeMs,
    )
  })
}

/** Reads `iss` without trusting it: it only selects the keys that must verify the rest. */
function issuerOf(
  token: string,
  trust: Trust,
  types: AcceptedTypes,
): { readonly issuer: IssuerWithKeys; readonly typ: string } {
  let claimed: unknown
  let typ: unknown
  try {
    claimed = decodeJwt(token).iss
    typ = decodeProtectedHeader(token).typ
  } catch (cause) {
    throw refuse('TOKEN_INVALID', 'the password is no token that can be read', newToken, cause)
  }
  const issuer = typeof claimed === 'string' ? trust.issuers.get(claimed) : undefined
  if (issuer === undefined || issuer.document.spec.issuer !== claimed)
    throw refuse(
      'TOKEN_ISSUER_UNKNOWN',
      "the token's issuer is not trusted here",
      'compare "iss" letter by letter with the TrustedIssuer document',
    )
  const builtIn = issuer.document.metadata.name === builtInIssuerName
  const shown = typ === undefined ? '' : String(typ)
  if (!(builtIn ? types.builtIn : types.foreign)?.test(shown))
    throw refuse('TOKEN_TYPE_WRONG', 'the token is of another kind than is taken here', newToken)
  return { issuer, typ: shown }
}

// By its type no other JWT is taken for a login (RFC 8725, 3.11): the control plane marks the tokens that it makes for
// targets; of other issuers, ID tokens and access tokens pass, a logout or security event token does not.
export interface AcceptedTypes {
  readonly builtIn: RegExp
  /** Null: other issuers make none. */
  readonly foreign: RegExp | null
}
const foreignTypes = /^((application\/)?(at\+)?jwt)?$/i
const loginTypes: AcceptedTypes = { builtIn: /^sallyport(-act)?\+jwt$/, foreign: foreignTypes }
/** What stands for an initiator on a connection of somebody else: tokens of the exchange alone. */
export const initiatorTypes: AcceptedTypes = { builtIn: /^sallyport-act\+jwt$/, foreign: null }
const ticketTypes: AcceptedTypes = { builtIn: /^sallyport-ticket\+jwt$/, foreign: null }
const certificateTypes: AcceptedTypes = { builtIn: /^sallyport-certificate\+jwt$/, foreign: null }

const keySets = new WeakMap<IssuerWithKeys, JWTVerifyGetKey>()

function keysOf(issuer: IssuerWithKeys): JWTVerifyGetKey {
  const known = keySets.get(issuer)
  if (known !== undefined) return known
  const made = createLocalJWKSet({ keys: issuer.jwks.keys.map((key) => ({ ...key, kty: String(key['kty']) })) })
  keySets.set(issuer, made)
  return made
}

async function verifySignature(token: string, issuer: IssuerWithKeys, nowMs: number): Promise<Signed> {
  const { algorithms, issuer: name } = issuer.document.spec
  const options = {
    algorithms: [...algorithms],
    issuer: name,
    currentDate: new Date(nowMs),
    clockTolerance: limits.clockLeewaySeconds,
    requiredClaims: ['exp', 'iat', 'sub', 'aud'],
  }
  try {
    const { payload, protectedHeader, key } = await jwtVerify(token, keysOf(issuer), options)
    return { payload, algorithm: protectedHeader.alg, key }
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
): Promise<Signed> {
  for await (const key of candidates) {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key, options)
      return { payload, algorithm: protectedHeader.alg, key }
    } catch (thrown) {
      if (!(thrown instanceof errors.JWSSignatureVerificationFailed)) throw signatureError(thrown)
    }
  }
  throw refuse('TOKEN_SIGNATURE_WRONG', "no key of the issuer verifies the token's signature", newToken)
}

function signatureError(thrown: unknown): SallyportError {
  if (thrown instanceof errors.JWTExpired) return refuse('TOKEN_EXPIRED', 'the token has expired', newToken, thrown)
  if (thrown instanceof errors.JOSEAlgNotAllowed)
    return refuse('TOKEN_ALGORITHM_WRONG', "the token's algorithm is none that its issuer uses", newToken, thrown)
  if (thrown instanceof errors.JWKSNoMatchingKey)
    return refuse(
      'TOKEN_KEY_UNKNOWN',
      "the token's key is none that its issuer publishes",
      'new keys of an issuer are known after five minutes',
      thrown,
    )
  if (thrown instanceof errors.JWSSignatureVerificationFailed)
    return refuse('TOKEN_SIGNATURE_WRONG', "the token's signature does not verify", newToken, thrown)
  if (thrown instanceof errors.JWTClaimValidationFailed && thrown.claim === 'nbf' && thrown.reason === 'check_failed')
    return refuse('TOKEN_NOT_YET_VALID', 'the token\'s "nbf" lies in the future', compareClocks, thrown)
  if (thrown instanceof errors.JWTClaimValidationFailed)
    return refuse('TOKEN_CLAIM_MISSING', `the token's claim "${thrown.claim}" is absent or not valid`, newToken, thrown)
  return refuse('TOKEN_INVALID', "the token's form does not verify", newToken, thrown)
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
  throw refuse(
    'TOKEN_CLAIM_MISSING',
    `the token's claim "${parsed.error.issues[0]?.path.join('.')}" is not valid`,
    newToken,
  )
}

/** Seconds. */
export const lifeMaxOf = ({ spec }: TrustedIssuerDocument): number =>
  Math.min(durationMs(spec.maxLife) / 1_000, limits.tokenLifeSecondsMax)

function checkLife(claims: Claims, lifeMax: number, nowMs: number): void {
  if (claims.iat * 1_000 > nowMs + limits.clockLeewaySeconds * 1_000)
    throw refuse('TOKEN_NOT_YET_VALID', 'the token\'s "iat" lies in the future', compareClocks)
  if (claims.exp - claims.iat > lifeMax)
    throw refuse(
      'TOKEN_LIFE_TOO_LONG',
      `the token lives longer than the ${lifeMax} seconds that are accepted`,
      newToken,
    )
}

export function checkAudience(payload: JWTPayload, accepted: readonly string[]): void {
  const audiences = typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? [])
  if (!audiences.some((audience) => accepted.includes(audience)))
    throw refuse('TOKEN_AUDIENCE_WRONG', 'the token was made for another audience', `ask for audience "${accepted[0]}"`)
}

/** What the control plane puts into its tokens for one target. */
const BuiltInClaims = z.object({
  sp_issuer: z.string().min(1),
  sp_kind: z.enum(['user', 'workload']),
  sp_groups: z.array(z.string()),
  sp_name: z.string().min(1),
  sp_target: z.string().min(1),
  sp_role: z.string().min(1).optional(),
  sp_once: z.boolean().default(false),
  /** What the principal's own issuer says of it, as far as rules may read it. */
  sp_claims: z.record(z.string(), z.unknown()).default({}),
  /** Of each exchange the two tokens, and what each of them was made of. */
  sp_from: z
    .array(Parent)
    .max(4 * limits.actorsMax)
    .default([]),
})

/** With actors it is a token of the exchange, and without it is not. */
function builtInToken(payload: JWTPayload, claims: Claims, isDelegated: boolean, trust: Trust): VerifiedToken {
  const parsed = BuiltInClaims.safeParse(payload)
  if (!parsed.success)
    throw refuse(
      'TOKEN_CLAIM_MISSING',
      `the token's claim "${parsed.error.issues[0]?.path.join('.')}" is absent or not valid`,
      newToken,
    )
  const shown = parsed.data
  // Since it was issued, somebody may have been taken out of a group.
  const standing = <P extends Pick<Principal, 'issuer' | 'subject' | 'groups'>>(one: P): P => ({
    ...one,
    groups: standingGroups(one, trust.groups),
  })
  const actors = builtInActors(payload).map(standing)
  checkPlatforms([{ kind: shown.sp_kind, issuer: shown.sp_issuer, claims: shown.sp_claims }, ...actors], trust)
  if (actors.length > 0 !== isDelegated)
    throw refuse('TOKEN_ACTOR_WRONG', 'the token\'s claim "act" does not fit its type', newToken)
  return {
    actors,
    isOnce: shown.sp_once,
    parents: shown.sp_from,
    principal: standing({
      kind: shown.sp_kind,
      issuer: shown.sp_issuer,
      subject: claims.sub,
      groups: shown.sp_groups,
      claims: shown.sp_claims,
      display: shown.sp_name,
      assurance: 'verified' as const,
    }),
    ...tokenOf(payload, claims),
    target: shown.sp_target,
    upstreamRole: shown.sp_role ?? null,
    proof: null,
  }
}

function checkPlatforms(principals: readonly Issued[], trust: Trust): void {
  if (!arePlatformsTrusted(principals, trust))
    throw refuse(
      'TOKEN_ISSUER_UNKNOWN',
      'the token names a workload that its issuer is not trusted with here',
      newToken,
    )
}

async function foreignToken(
  signed: Signed,
  claims: Claims,
  document: TrustedIssuerDocument,
  trust: Trust,
): Promise<VerifiedToken> {
  const { payload } = signed
  return {
    actors: foreignActors(payload, document.spec.issuer, trust.groups),
    isOnce: false,
    parents: [],
    principal: foreignPrincipal(payload, claims.sub, document, trust.groups),
    ...tokenOf(payload, claims),
    target: null,
    upstreamRole: null,
    proof: await signedBy(signed, document),
  }
}

const tokenOf = (payload: JWTPayload, claims: Claims): Pick<VerifiedToken, 'token' | 'expiresAtMs'> => ({
  token: { issuer: payload.iss ?? '', id: claims.jti, issuedAtMs: claims.iat * 1_000 },
  expiresAtMs: claims.exp * 1_000,
})
