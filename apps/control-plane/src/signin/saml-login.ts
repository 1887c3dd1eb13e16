// The two steps of a login by SAML: the provider's form brings the assertion (from another site, so without our cookies),
// then the browser comes back by itself and shows that it is the one that started. What was said waits in the store between.
import type { Deps } from '../deps.ts'
import type { ProviderConfig, SamlProvider } from '../provider-config.ts'
import { admitPerson, attemptGone, isStateOf } from './login.ts'
import { verifySaml } from './saml.ts'
import type { LoginOrigin } from './session.ts'
import { addAttempt, Said, takeAttempt } from './store.ts'

/** Between the provider's form and the redirect that it is answered with. */
const finishMsMax = 120_000

const finishState = (code: string): string => `saml-said.${code}`

/** The provider of a path, when it speaks SAML. Throws LOGIN_FAILED. */
export function samlProviderOf(deps: Pick<Deps, 'config'>, name: string): SamlProvider {
  const found = deps.config.providers.find((provider) => provider.name === name)
  if (found?.kind === 'saml') return found
  throw attemptGone('there is no such provider of SAML')
}

/** Verifies an assertion and keeps what it says. Returns the code of the second step. Throws LOGIN_FAILED. */
export async function answerSaml(deps: Deps, provider: SamlProvider, response: string): Promise<string> {
  const now = () => new Date(deps.clock.nowMs())
  const taken = { returnTo: '/' }
  const { identity, requestId } = await verifySaml(deps.config, provider, response, async (id) => {
    // Single use is the store's: of two answers to one request one finds it there (THREATS ).
    const attempt = id.startsWith('_') ? await takeAttempt(deps.db, id, now()) : null
    if (attempt === null || attempt.provider !== provider.name) return false
    taken.returnTo = attempt.returnTo
    return true
  })
  const code = deps.randomBytes(32).toString('base64url')
  const said = Said.parse({ ...identity, endsAt: identity.endsAt?.getTime() ?? null })
  await addAttempt(
    deps.db,
    {
      state: finishState(code),
      provider: provider.name,
      nonce: requestId,
      verifier: '',
      returnTo: taken.returnTo,
      said,
      expiresAt: new Date(deps.clock.nowMs() + finishMsMax),
    },
    now(),
  )
  return code
}

/** Ends the login in the browser that started it. Throws LOGIN_FAILED. */
export async function finishSaml(deps: Deps, code: string, browserSecret: string | undefined, from: LoginOrigin) {
  const attempt = await takeAttempt(deps.db, finishState(code), new Date(deps.clock.nowMs()))
  if (attempt === null) throw attemptGone('this login was already finished, or took too long')
  if (browserSecret === undefined || !isStateOf(attempt.nonce.slice(1), browserSecret))
    throw attemptGone('this login was not started in this browser')
  const provider: ProviderConfig = samlProviderOf(deps, attempt.provider)
  const { endsAt, ...identity } = Said.parse(attempt.said)
  const ends = endsAt === null ? {} : { endsAt: new Date(endsAt) }
  const login = await admitPerson(deps, provider, { ...identity, ...ends }, 'browser', from)
  return { ...login, returnTo: attempt.returnTo }
}
