// Signing in: a browser by the code flow or by SAML, a CLI by an ID token of its device flow. Whoever gets a login here
// proved who it is at a configured provider a moment ago; each proof is good for one login.
import { createHash, timingSafeEqual } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { inRowTransaction } from '../agents/store.ts'
import { isStoreConflict } from '../db.ts'
import type { Deps } from '../deps.ts'
import { keepSaid } from '../people/said.ts'
import type { OidcProvider, ProviderConfig } from '../provider-config.ts'
import { lockProvisioned, syncProvisioned } from '../scim/standing-store.ts'
import { callbackPathOf, type VerifiedIdentity } from './providers.ts'
import { attemptMsMax, displayOf, groupClaimsOf, type LoginKind, safeReturnTo } from './rules.ts'
import { samlUrl } from './saml.ts'
import { hashToken, type LoginOrigin, openLogin } from './session.ts'
import { addAttempt, keepLastLogin, lockPerson, takeAttempt } from './store.ts'

/** A login at its start: where the browser goes, and the secret that binds the attempt to this browser. */
export interface StartedLogin {
  readonly url: URL
  readonly browserSecret: string
}

/** The state holds a hash of what only this browser has: a callback that another browser is sent to does not fit. */
const stateOf = (serial: string, browserSecret: string): string =>
  `${serial}.${createHash('sha256').update(`${serial}.${browserSecret}`).digest('base64url')}`

export function isStateOf(state: string, browserSecret: string): boolean {
  const expected = Buffer.from(stateOf(state.split('.')[0] ?? '', browserSecret))
  const shown = Buffer.from(state)
  return shown.length === expected.length && timingSafeEqual(shown, expected)
}

function chosenProvider(deps: Deps, name: string | undefined): ProviderConfig {
  const [only, ...others] = deps.config.providers
  if (name === undefined && only !== undefined && others.length === 0) return only
  return deps.providers.find(name ?? '')
}

/** Starts a browser's login. `browserSecret` is the one it has from an attempt in another tab, if any. */
export async function startLogin(
  deps: Deps,
  asked: { readonly provider: string | undefined; readonly returnTo: string | undefined },
  browserSecret: string | undefined,
): Promise<StartedLogin> {
  const provider = chosenProvider(deps, asked.provider)
  const returnTo = safeReturnTo(asked.returnTo, deps.config.publicUrl)
  const random = () => deps.randomBytes(32).toString('base64url')
  const secret = browserSecret !== undefined && /^[\w-]{43}$/.test(browserSecret) ? browserSecret : random()
  const state = stateOf(random(), secret)
  const request =
    provider.kind === 'saml'
      ? { state: samlRequestId(state), nonce: '', verifier: '' }
      : { state, nonce: random(), verifier: random() }
  const url =
    provider.kind === 'saml'
      ? await samlUrl(deps.config, provider, request.state)
      : await deps.providers.authorizationUrl(provider, request)
  const nowMs = deps.clock.nowMs()
  const expiresAt = new Date(nowMs + attemptMsMax)
  await addAttempt(deps.db, { ...request, provider: provider.name, returnTo, expiresAt }, new Date(nowMs))
  return { url, browserSecret: secret }
}

/** An ID of XML starts with a letter or an underscore (XML Schema, NCName); the rest is the state as it is. */
const samlRequestId = (state: string): string => `_${state}`

export const attemptGone = (message: string): SallyportError =>
  new SallyportError('LOGIN_FAILED', message, { hint: 'start the login again' })

/** Ends a browser's login at our callback. `path` and `search` are those of the callback's URL, as it came. */
export async function finishLogin(
  deps: Deps,
  { path, search }: { readonly path: string; readonly search: string },
  browserSecret: string | undefined,
  from: LoginOrigin = {},
) {
  const url = new URL(`${path}${search}`, deps.config.publicUrl)
  const states = url.searchParams.getAll('state')
  const state = states[0]
  if (state === undefined || states.length !== 1) throw attemptGone('the answer of the provider has no state')
  if (browserSecret === undefined || !isStateOf(state, browserSecret))
    throw attemptGone('this login was not started in this browser')
  const attempt = await takeAttempt(deps.db, state, new Date(deps.clock.nowMs()))
  if (attempt === null) throw attemptGone('this login was already finished, or took longer than ten minutes')
  const provider = oidcOf(deps.providers.find(attempt.provider))
  // INVARIANT: what one provider answers is shown to no other.
  if (path !== callbackPathOf(deps.config, provider))
    throw attemptGone('the answer is that of another provider than was asked')
  const identity = await deps.providers.finish(provider, url, attempt)
  const login = await admitPerson(deps, provider, identity, 'browser', from)
  return { ...login, returnTo: attempt.returnTo }
}

function oidcOf(provider: ProviderConfig): OidcProvider {
  if (provider.kind === 'oidc') return provider
  throw new SallyportError('REQUEST_INVALID', `"${provider.name}" speaks SAML, which has no such login`, {
    hint: 'sign in with the browser, or name a provider of OpenID Connect',
  })
}

/** A login for a CLI that shows an ID token. The token is good once. */
export async function loginWithIdToken(deps: Deps, providerName: string, idToken: string, from: LoginOrigin = {}) {
  const provider = oidcOf(deps.providers.find(providerName))
  const nowMs = deps.clock.nowMs()
  const identity = await deps.providers.verifyCliToken(provider, idToken, nowMs)
  await useOnce(deps, idToken, nowMs)
  return await admitPerson(deps, provider, identity, 'cli', from)
}

/**
 * Keeps the token's hash for as long as the token could be shown again; the second one to come finds it there. Of what is signed
 * alone: the signature itself can be written in more than one way (padding, idle bits of base64, both halves of ECDSA).
 */
async function useOnce(deps: Deps, idToken: string, nowMs: number): Promise<void> {
  const state = `cli.${hashToken(idToken.slice(0, idToken.lastIndexOf('.')))}`
  const expiresAt = new Date(nowMs + 2 * attemptMsMax)
  try {
    await addAttempt(
      deps.db,
      { state, provider: '', nonce: '', verifier: '', returnTo: '', expiresAt },
      new Date(nowMs),
    )
  } catch (thrown) {
    if (!isStoreConflict(thrown)) throw thrown
    throw new SallyportError('TOKEN_INVALID', 'this ID token was used for a login before', {
      cause: thrown,
      hint: 'run "sallyport login" again',
    })
  }
}

/** Lets a verified person in. Throws LOGIN_FAILED for those who may not: disabled, or not provisioned where that is asked for. */
export async function admitPerson(
  deps: Deps,
  provider: ProviderConfig,
  identity: VerifiedIdentity,
  kind: LoginKind,
  from: LoginOrigin,
) {
  const { issuer, subject, claims } = identity
  const groupClaims = groupClaimsOf(claims, provider.groupsClaim, provider.name)
  const display = displayOf(claims, subject)
  const id = deps.randomBytes(16).toString('hex')
  const at = new Date(deps.clock.nowMs())
  const { person, isLess, mayNot } = await inRowTransaction(deps.db, async (tx) => {
    const standing = await lockProvisioned(tx, provider.name, subject)
    const isOut = standing === 'inactive' || (standing === 'unknown' && provider.provisionedOnly)
    // Of whom nothing is known nothing is kept either.
    if (isOut && (await lockPerson(tx, { issuer, subject })) === null)
      return { person: null, isLess: false, mayNot: true }
    const said = await keepSaid(tx, deps, { id, issuer, subject, display, groupClaims, at }, provider.name)
    await syncProvisioned(tx, [{ issuer, subject }])
    const isRefused = isOut || said.row.disabledAt !== null
    if (!isRefused) await keepLastLogin(tx, said.row.id, at)
    return { person: said.row, isLess: said.isLess, mayNot: isRefused }
  })
  if (person !== null && isLess) await deps.publish([`Person/${person.id}`])
  if (person === null || mayNot)
    throw new SallyportError('LOGIN_FAILED', 'this person may not sign in', {
      hint: 'an administrator enables the person, or has the provider provision them',
    })
  const { refreshToken, idToken, endsAt } = identity
  const login = await openLogin(deps, person.id, kind, {
    ...from,
    provider: provider.name,
    // A CLI keeps no session at the provider; what it showed is good once.
    ...(kind === 'browser' ? { refreshToken, idToken, endsAt } : {}),
  })
  deps.log.info({ event: 'login', kind, provider: provider.name, person: person.id })
  return { ...login, personId: person.id, issuer, subject }
}
