// The identity providers that people sign in with, over openid-client and jose: code flow with PKCE, nonce and state, and
// the check of an ID token that the CLI got by the device flow. What a provider says is verified here, and only here.
import { createHash } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, errors as joseErrors, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import { type Config, isAllowedUrl } from '../config.ts'
import type { OidcProvider, ProviderConfig } from '../provider-config.ts'

/** What a provider said about a person, verified. */
export interface VerifiedIdentity {
  readonly issuer: string
  readonly subject: string
  readonly claims: Readonly<Record<string, unknown>>
  /** The provider ends its own session then, at the latest. */
  readonly endsAt?: Date
  /** Of OpenID Connect: what the provider is asked with later, whether the person is still who they are. */
  readonly refreshToken?: Secret
  /** What the provider knows the session by when it is asked to end it. */
  readonly idToken?: Secret
}

/** What came of asking again: the person as the provider knows them now, or that it does not want to hear of them. */
export type Refreshed =
  | { readonly kind: 'same'; readonly refreshToken?: Secret }
  | { readonly kind: 'again'; readonly identity: VerifiedIdentity }
  | { readonly kind: 'ended' }

export interface AuthorizationRequest {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export interface Providers {
  /** Throws REQUEST_INVALID for a name that is not configured. */
  find(name: string): ProviderConfig
  /** Where to send the browser. */
  authorizationUrl(provider: OidcProvider, request: AuthorizationRequest): Promise<URL>
  /** Exchanges the code of our callback's URL and verifies the ID token. Throws LOGIN_FAILED. */
  finish(provider: OidcProvider, callbackUrl: URL, request: AuthorizationRequest): Promise<VerifiedIdentity>
  /** Verifies an ID token that was made for the CLI's client. Throws TOKEN_*. */
  verifyCliToken(provider: OidcProvider, idToken: string, nowMs: number): Promise<VerifiedIdentity>
  /** Asks again with the refresh token of a login (RFC 6749, 6). Throws UPSTREAM_UNREACHABLE. */
  refresh(provider: OidcProvider, refreshToken: Secret, subject: string): Promise<Refreshed>
  /** Where the browser ends its session at the provider (OpenID Connect RP-Initiated Logout 1.0); null where it cannot. */
  endSessionUrl(provider: OidcProvider, idToken: Secret): Promise<URL | null>
}

/**
 * Where a provider sends the browser back. Where several stand side by side each has a place of its own: one of them could otherwise
 * pass the browser on to another, and would be given what that one answers (RFC 9700, 4.4: mix-up).
 */
export const callbackPathOf = (
  { providers }: { readonly providers: readonly Pick<ProviderConfig, 'kind'>[] },
  { name }: Pick<OidcProvider, 'name'>,
): string => {
  const isAlone = providers.filter(({ kind }) => kind === 'oidc').length === 1
  return isAlone ? '/auth/callback' : `/auth/callback/${name}`
}

/** A provider answers within this many seconds or is taken as gone. */
const providerSecondsMax = 10
/** An ID token is shown to us right after it was made. */
const idTokenAgeSecondsMax = 600
/** Signatures by asymmetric keys only: no "none", and no secret that could be a public key (THREATS ). */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

interface Discovered {
  readonly configuration: openid.Configuration
  readonly keys: JWTVerifyGetKey
}

const unreachable = (provider: ProviderConfig, cause: unknown): SallyportError =>
  new SallyportError('UPSTREAM_UNREACHABLE', `the identity provider "${provider.name}" cannot be reached`, {
    cause,
    hint: 'try again; the operator finds the reason in the log',
  })

async function discover(config: Config, provider: OidcProvider): Promise<Discovered> {
  const secret = provider.clientSecret?.reveal()
  // A loopback provider over http exists in demos and tests only; config.ts refuses it elsewhere.
  const execute = [
    openid.enableNonRepudiationChecks,
    ...(config.allowInsecureLoopback ? [openid.allowInsecureRequests] : []),
  ]
  const configuration = await openid.discovery(
    new URL(provider.issuer),
    provider.clientId,
    undefined,
    secret === undefined ? openid.None() : openid.ClientSecretBasic(secret),
    { execute, timeout: providerSecondsMax },
  )
  const metadata = configuration.serverMetadata()
  if (metadata.issuer !== provider.issuer)
    throw new SallyportError('CONFIG_INVALID', `the provider "${provider.name}" calls itself by another issuer`)
  const jwksUri = metadata.jwks_uri
  if (jwksUri === undefined || !isAllowedUrl(new URL(jwksUri), config.allowInsecureLoopback))
    throw new SallyportError('CONFIG_INVALID', `the provider "${provider.name}" serves no keys over https`)
  const keys = createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: providerSecondsMax * 1_000 })
  return { configuration, keys }
}

/** Providers are discovered at the first login, again after a failure, and then kept. */
export function createProviders(config: Config): Providers {
  const discovered = new Map<string, Promise<Discovered>>()
  const open = async (provider: OidcProvider): Promise<Discovered> => {
    const known = discovered.get(provider.name) ?? discover(config, provider)
    discovered.set(provider.name, known)
    try {
      return await known
    } catch (cause) {
      discovered.delete(provider.name)
      throw cause instanceof SallyportError ? cause : unreachable(provider, cause)
    }
  }
  return {
    find(name) {
      const provider = config.providers.find((candidate) => candidate.name === name)
      if (provider !== undefined) return provider
      const names = config.providers.map((candidate) => `"${candidate.name}"`).join(', ')
      throw new SallyportError('REQUEST_INVALID', `there is no such identity provider; there are: ${names || 'none'}`)
    },
    async authorizationUrl(provider, request) {
      const { configuration } = await open(provider)
      return openid.buildAuthorizationUrl(configuration, {
        redirect_uri: `${config.publicUrl}${callbackPathOf(config, provider)}`,
        scope: provider.scopes,
        state: request.state,
        nonce: request.nonce,
        code_challenge: createHash('sha256').update(request.verifier).digest('base64url'),
        code_challenge_method: 'S256',
      })
    },
    async finish(provider, callbackUrl, request) {
      return await exchange(await open(provider), provider, callbackUrl, request)
    },
    async verifyCliToken(provider, idToken, nowMs) {
      const { keys } = await open(provider)
      return await verifyIdToken(keys, provider, idToken, nowMs)
    },
    async refresh(provider, refreshToken, subject) {
      return await refreshOnce(await open(provider), provider, refreshToken, subject)
    },
    async endSessionUrl(provider, idToken) {
      const { configuration } = await open(provider)
      if (configuration.serverMetadata().end_session_endpoint === undefined) return null
      return openid.buildEndSessionUrl(configuration, {
        id_token_hint: idToken.reveal(),
        post_logout_redirect_uri: `${config.publicUrl}/sign-in`,
      })
    },
  }
}

async function exchange(
  { configuration }: Discovered,
  provider: OidcProvider,
  callbackUrl: URL,
  request: AuthorizationRequest,
): Promise<VerifiedIdentity> {
  try {
    const tokens = await openid.authorizationCodeGrant(configuration, callbackUrl, {
      expectedState: request.state,
      expectedNonce: request.nonce,
      pkceCodeVerifier: request.verifier,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (claims === undefined) throw new Error('no ID token')
    return {
      issuer: claims.iss,
      subject: claims.sub,
      claims,
      ...(tokens.refresh_token === undefined ? {} : { refreshToken: new Secret(tokens.refresh_token) }),
      ...(tokens.id_token === undefined ? {} : { idToken: new Secret(tokens.id_token) }),
    }
  } catch (cause) {
    if (cause instanceof TypeError) throw unreachable(provider, cause)
    throw new SallyportError('LOGIN_FAILED', `"${provider.name}" did not confirm the login`, {
      cause,
      hint: 'start the login again',
    })
  }
}

async function refreshOnce(
  { configuration }: Discovered,
  provider: OidcProvider,
  refreshToken: Secret,
  subject: string,
): Promise<Refreshed> {
  try {
    const tokens = await openid.refreshTokenGrant(configuration, refreshToken.reveal())
    const next = tokens.refresh_token === undefined ? {} : { refreshToken: new Secret(tokens.refresh_token) }
    const claims = tokens.claims()
    if (claims === undefined || tokens.id_token === undefined) return { kind: 'same', ...next }
    // OpenID Connect Core 12.2: issuer and subject stay what they were.
    if (claims.iss !== provider.issuer || claims.sub !== subject) return { kind: 'ended' }
    const idToken = new Secret(tokens.id_token)
    return { kind: 'again', identity: { issuer: claims.iss, subject: claims.sub, claims, idToken, ...next } }
  } catch (cause) {
    if (cause instanceof openid.ResponseBodyError && isAboutPerson(cause)) return { kind: 'ended' }
    throw unreachable(provider, cause)
  }
}

/** RFC 6749, 5.2: of the errors of a token endpoint these say that it is we who are wrong – a secret that was changed, say. */
const errorsOfClient = [
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'unsupported_grant_type',
  'invalid_scope',
]

/** A refusal of the person's session there: `invalid_grant`, or that they have to be asked again. */
const isAboutPerson = ({ status, error }: openid.ResponseBodyError): boolean =>
  status < 500 && status !== 429 && !errorsOfClient.includes(error)

async function verifyIdToken(
  keys: JWTVerifyGetKey,
  provider: OidcProvider,
  idToken: string,
  nowMs: number,
): Promise<VerifiedIdentity> {
  if (Buffer.byteLength(idToken) > limits.tokenBytesMax)
    throw new SallyportError('TOKEN_INVALID', `the ID token is longer than ${limits.tokenBytesMax} bytes`)
  try {
    const { payload } = await jwtVerify(idToken, keys, {
      issuer: provider.issuer,
      audience: provider.cliClientId,
      algorithms,
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: limits.clockLeewaySeconds,
      maxTokenAge: idTokenAgeSecondsMax,
      currentDate: new Date(nowMs),
    })
    return identityOf(payload, provider)
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : refusalOf(provider, cause)
  }
}

function identityOf(payload: JWTPayload, provider: OidcProvider): VerifiedIdentity {
  const { iss, sub, aud, azp } = payload
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub === '')
    throw new SallyportError('TOKEN_INVALID', 'the ID token names nobody')
  // OpenID Connect Core 3.1.3.7, 4 and 5: with several audiences, and whenever azp is there, azp must be the client.
  const isForUs = azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === provider.cliClientId
  if (!isForUs) throw new SallyportError('TOKEN_AUDIENCE_WRONG', 'the ID token was made for another client')
  return { issuer: iss, subject: sub, claims: payload }
}

function refusalOf(provider: ProviderConfig, cause: unknown): SallyportError {
  const hint = 'run "sallyport login" again'
  const refuse = (
    code: 'TOKEN_EXPIRED' | 'TOKEN_ISSUER_UNKNOWN' | 'TOKEN_AUDIENCE_WRONG' | 'TOKEN_INVALID',
    message: string,
  ) => new SallyportError(code, message, { cause, hint })
  if (cause instanceof joseErrors.JWTExpired) return refuse('TOKEN_EXPIRED', 'the ID token has expired')
  if (cause instanceof joseErrors.JWTClaimValidationFailed && cause.claim === 'iss')
    return refuse('TOKEN_ISSUER_UNKNOWN', `the ID token is not from "${provider.name}"`)
  if (cause instanceof joseErrors.JWTClaimValidationFailed && cause.claim === 'aud')
    return refuse('TOKEN_AUDIENCE_WRONG', 'the ID token was made for another client')
  if (cause instanceof joseErrors.JWKSTimeout || cause instanceof TypeError) return unreachable(provider, cause)
  return refuse('TOKEN_INVALID', 'the ID token does not verify')
}
