// Signing in: a browser by the code flow, a CLI by an ID token of its device flow. Whoever gets a login here proved
// who it is at a configured provider a moment ago; each proof is good for one login.
import { createHash, timingSafeEqual } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import type { ProviderConfig } from '../config.ts'
import { isStoreConflict } from '../db.ts'
import type { Deps } from '../deps.ts'
import type { VerifiedIdentity } from './providers.ts'
import { attemptMsMax, displayOf, groupClaimsOf, type LoginKind, safeReturnTo } from './rules.ts'
import { hashToken, openLogin } from './session.ts'
import { addAttempt, takeAttempt, upsertPerson } from './store.ts'

/** A login at its start: where the browser goes, and the secret that binds the attempt to this browser. */
export interface StartedLogin {
  readonly url: URL
  readonly browserSecret: string
}

/** The state holds a hash of what only this browser has: a callback that another browser is sent to does not fit. */
const stateOf = (serial: string, browserSecret: string): string =>
  `${serial}.${createHash('sha256').update(`${serial}.${browserSecret}`).digest('base64url')}`

function isStateOf(state: string, browserSecret: string): boolean {
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
  const request = { state: stateOf(random(), secret), nonce: random(), verifier: random() }
  const url = await deps.providers.authorizationUrl(provider, request)
  const nowMs = deps.clock.nowMs()
  const expiresAt = new Date(nowMs + attemptMsMax)
  await addAttempt(deps.db, { ...request, provider: provider.name, returnTo, expiresAt }, new Date(nowMs))
  return { url, browserSecret: secret }
}

const attemptGone = (message: string): SallyportError =>
  new SallyportError('LOGIN_FAILED', message, { hint: 'start the login again' })

/** Ends a browser's login at our callback. `search` is the query of the callback's URL, as it came. */
export async function finishLogin(deps: Deps, search: string, browserSecret: string | undefined) {
  const url = new URL(`/auth/callback${search}`, deps.config.publicUrl)
  const states = url.searchParams.getAll('state')
  const state = states[0]
  if (state === undefined || states.length !== 1) throw attemptGone('the answer of the provider has no state')
  if (browserSecret === undefined || !isStateOf(state, browserSecret))
    throw attemptGone('this login was not started in this browser')
  const attempt = await takeAttempt(deps.db, state, new Date(deps.clock.nowMs()))
  if (attempt === null) throw attemptGone('this login was already finished, or took longer than ten minutes')
  const provider = deps.providers.find(attempt.provider)
  const identity = await deps.providers.finish(provider, url, attempt)
  const login = await admitPerson(deps, provider, identity, 'browser')
  return { ...login, returnTo: attempt.returnTo }
}

/** A login for a CLI that shows an ID token. The token is good once. */
export async function loginWithIdToken(deps: Deps, providerName: string, idToken: string) {
  const provider = deps.providers.find(providerName)
  const nowMs = deps.clock.nowMs()
  const identity = await deps.providers.verifyCliToken(provider, idToken, nowMs)
  await useOnce(deps, idToken, nowMs)
  return await admitPerson(deps, provider, identity, 'cli')
}

/** Keeps the token's hash for as long as the token could be shown again; the second one to come finds it there. */
async function useOnce(deps: Deps, idToken: string, nowMs: number): Promise<void> {
  const state = `cli.${hashToken(idToken)}`
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

async function admitPerson(deps: Deps, provider: ProviderConfig, identity: VerifiedIdentity, kind: LoginKind) {
  const person = await upsertPerson(deps.db, {
    id: deps.randomBytes(16).toString('hex'),
    issuer: identity.issuer,
    subject: identity.subject,
    display: displayOf(identity.claims, identity.subject),
    groupClaims: groupClaimsOf(identity.claims, provider.groupsClaim, provider.name),
    at: new Date(deps.clock.nowMs()),
  })
  if (person.disabledAt !== null) throw new SallyportError('LOGIN_FAILED', 'this person may not sign in')
  const login = await openLogin(deps, person.id, kind)
  deps.log.info({ event: 'login', kind, provider: provider.name, person: person.id })
  return { ...login, personId: person.id }
}
