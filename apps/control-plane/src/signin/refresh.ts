// Asks a provider again, while a login lasts, whether it still knows the person, and takes over the groups that it says
// then. One request in ten minutes asks; a provider that says no ends the login and what came of it, and one that is silent for an
// hour has confirmed nobody any more.
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { inRowTransaction } from '../agents/store.ts'
import type { Deps } from '../deps.ts'
import { endLoginAndIssued } from '../people/end.ts'
import { keepSaid } from '../people/said.ts'
import type { Refreshed } from './providers.ts'
import { displayOf, groupClaimsOf, refreshGraceMsMax, refreshMs, refreshRetryMs } from './rules.ts'
import type { StoredLogin } from './session.ts'
import { askOnce, keepRefreshed } from './store.ts'

export type RefreshDeps = Pick<
  Deps,
  'db' | 'clock' | 'config' | 'log' | 'providers' | 'vault' | 'randomBytes' | 'publish'
>
type Person = StoredLogin['person']

/** The person as they are known now; null when the login has ended thereby. */
export async function confirmPerson(deps: RefreshDeps, login: StoredLogin): Promise<Person | null> {
  const { refreshToken, refreshedAt } = login
  const nowMs = deps.clock.nowMs()
  if (refreshToken === null || refreshedAt === null || refreshedAt.getTime() + refreshMs > nowMs) return login.person
  const isOurs = await askOnce(deps.db, login.id, new Date(nowMs), new Date(nowMs - refreshRetryMs))
  if (isOurs) {
    const asked = await ask(deps, login, refreshToken)
    if (asked !== 'silent') return asked
  }
  return refreshedAt.getTime() + refreshGraceMsMax > nowMs ? login.person : null
}

async function ask(deps: RefreshDeps, login: StoredLogin, sealed: Uint8Array): Promise<Person | null | 'silent'> {
  const ended = async (why: string): Promise<null> => {
    await endLoginAndIssued(deps, login, { by: `provider ${login.provider}`, reason: why })
    deps.log.info({ event: 'login-not-confirmed', login: login.id, person: login.personId, why })
    return null
  }
  try {
    const provider = deps.providers.find(login.provider)
    if (provider.kind !== 'oidc') return await ended('the provider is another one now')
    const token = new Secret(Buffer.from(deps.vault.open(`login-refresh-token ${login.id}`, sealed)).toString())
    const said = await deps.providers.refresh(provider, token, login.person.subject)
    if (said.kind === 'ended') return await ended('the provider refused')
    return await keep(deps, login, said, provider)
  } catch (thrown) {
    const error = thrown instanceof SallyportError ? thrown : null
    // Not there for the moment; anything else (removed from the configuration, groups that are elsewhere) is a no.
    if (error?.code === 'UPSTREAM_UNREACHABLE') {
      deps.log.warn({ event: 'login-unconfirmed', login: login.id, err: error.cause })
      return 'silent'
    }
    if (error === null) throw thrown
    return await ended(error.message)
  }
}

async function keep(
  deps: RefreshDeps,
  login: StoredLogin,
  said: Exclude<Refreshed, { kind: 'ended' }>,
  provider: { readonly name: string; readonly groupsClaim: string },
): Promise<Person> {
  const at = new Date(deps.clock.nowMs())
  const next = said.kind === 'again' ? said.identity.refreshToken : said.refreshToken
  const idToken = said.kind === 'again' ? said.identity.idToken : undefined
  // Read before anything is kept: a refusal must not leave half of what was said.
  const groupClaims =
    said.kind === 'again' ? groupClaimsOf(said.identity.claims, provider.groupsClaim, provider.name) : null
  const seal = (what: 'refresh' | 'id', secret: Secret) =>
    deps.vault.seal(`login-${what}-token ${login.id}`, Buffer.from(secret.reveal()))
  await keepRefreshed(deps.db, login.id, {
    refreshedAt: at,
    ...(next === undefined ? {} : { refreshToken: seal('refresh', next) }),
    ...(idToken === undefined ? {} : { idToken: seal('id', idToken) }),
  })
  if (said.kind === 'same' || groupClaims === null) return login.person
  const { issuer, subject, claims } = said.identity
  const display = displayOf(claims, subject)
  const person = { id: login.personId, issuer, subject, display, groupClaims, at }
  const { row, isLess } = await inRowTransaction(deps.db, async (tx) => await keepSaid(tx, deps, person, provider.name))
  if (isLess) await deps.publish([`Person/${row.id}`])
  return row
}
