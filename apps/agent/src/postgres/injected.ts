// The login at a target for an admitted caller: address and role from the target document, the credential from where the
// document says. The caller has no part in it but a few allow-listed settings.

import { principalKey } from '@sallyport/base/identity'
import { boundToRole, resolveLogin } from '../secrets/broker.ts'
import type { Admitted } from '../session/admit.ts'
import type { SessionDeps } from '../session/deps.ts'
import type { UpstreamLogin } from './upstream.ts'

/** Throws CREDENTIAL_UNAVAILABLE. The credential lives as long as the login. */
export async function injectedLogin(
  admitted: Admitted,
  settings: ReadonlyMap<string, string>,
  signal: AbortSignal,
  deps: Pick<SessionDeps, 'environment' | 'random'>,
): Promise<UpstreamLogin> {
  const { host, port, tls, database, initiatorSetting } = admitted.target.document.spec
  const bound = boundToRole(admitted.target.document, admitted.upstreamRole)
  const { user, password } = await resolveLogin(admitted.credential, deps.environment, bound)
  // INVARIANT: it is the value to which everything that resets settings goes back, and connections that were opened with
  // another one are never lent to the session (pooled.ts).
  const told = initiatorSetting === undefined ? {} : { [initiatorSetting]: principalKey(admitted.chain.initiator) }
  const parameters = { ...Object.fromEntries(settings), ...told, ...orderSettings(admitted) }
  return { host, port, tls, user, password, database, parameters, signal, random: deps.random }
}

/**
 * Where masks apply, no index is read in place of its table: its rows would come in the order of whatever else it holds, a hidden
 * column too, without any condition that says so (THREATS; PostgreSQL, "Planner Method Configuration": unlike its
 * neighbours, this setting is no matter of costs). As strong as `told` above.
 */
export const orderSettings = ({ isMasked }: Pick<Admitted, 'isMasked'>): Readonly<Record<string, string>> =>
  isMasked ? { enable_indexonlyscan: 'off' } : {}
