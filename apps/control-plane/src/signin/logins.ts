// The logins that a person has: which there are, ending one or all of them, and ending the session at the provider too.
import type { MyLogin } from '@sallyport/api/signin'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { inRowTransaction } from '../agents/store.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { endEverything } from '../people/end.ts'
import { loginIdleMsMax } from './rules.ts'
import { endLogin, findLoginById, findLoginsOf } from './store.ts'

/** Where the browser goes to end its session at the provider; null where there is none, or it cannot be reached. */
export async function providerLogoutUrl(
  deps: Pick<Deps, 'db' | 'config' | 'providers' | 'vault' | 'log'>,
  loginId: string,
): Promise<string | null> {
  const login = await findLoginById(deps.db, loginId)
  if (login === null || login.idToken === null) return null
  const provider = deps.config.providers.find(({ name }) => name === login.provider)
  if (provider?.kind !== 'oidc' || !provider.signOutAtProvider) return null
  try {
    const hint = new Secret(Buffer.from(deps.vault.open(`login-id-token ${loginId}`, login.idToken)).toString())
    return (await deps.providers.endSessionUrl(provider, hint))?.href ?? null
  } catch (err) {
    // Our own login ends all the same.
    deps.log.warn({ event: 'provider-logout-unknown', provider: provider.name, err })
    return null
  }
}

/** The logins of a person that are alive, the latest used first. */
export async function listLogins(deps: Pick<Deps, 'db' | 'clock'>, actor: Actor): Promise<MyLogin[]> {
  const nowMs = deps.clock.nowMs()
  const rows = await findLoginsOf(deps.db, actor.personId, new Date(nowMs), new Date(nowMs - loginIdleMsMax))
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind === 'browser' ? 'browser' : 'cli',
    provider: row.provider,
    address: row.address,
    client: row.client,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    isCurrent: row.id === actor.login.id,
  }))
}

/** Ends one of the person's own logins. Throws NOT_FOUND, also for somebody else's. */
export async function endOwnLogin(deps: Pick<Deps, 'db' | 'clock'>, actor: Actor, id: string): Promise<void> {
  const login = await findLoginById(deps.db, id)
  if (login === null || login.personId !== actor.personId)
    throw new SallyportError('NOT_FOUND', 'you have no login with this id')
  await endLogin(deps.db, id, new Date(deps.clock.nowMs()))
}

/** Ends everything that the person has open but this login: other logins, tokens, tickets and sessions at targets. */
export async function endOwnEverything(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'publish' | 'config'>,
  actor: Actor,
): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  await inRowTransaction(deps.db, async (tx) => {
    await endEverything(
      tx,
      deps,
      { who: actor, at, by: actorKey(actor), reason: 'signed out everywhere' },
      actor.login.id,
    )
  })
  await deps.publish([`Person/${actor.personId}`])
}
