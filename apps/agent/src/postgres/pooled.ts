// Which sessions share connections of the pool: those of one target and role that would have opened exactly the same one, and,
// unless the target says otherwise, those of one chain of principals (THREATS ).
import { createHash } from 'node:crypto'
import { principalKey } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import { durationMs } from '@sallyport/policy/duration'
import { boundToRole, resolveLogin } from '../secrets/broker.ts'
import type { Admitted } from '../session/admit.ts'
import type { SessionDeps } from '../session/deps.ts'
import { remember } from './backend-settings.ts'
import { type CredentialWatch, credentialMark } from './credential-watch.ts'
import { orderSettings } from './injected.ts'
import type { Pool, PoolBounds, PoolRequest } from './pool.ts'
import { connectUpstream, type UpstreamLogin } from './upstream.ts'

/** For a session that has one connection from first to last. */
export function poolRequest(admitted: Admitted, login: UpstreamLogin): PoolRequest {
  return {
    ...placeOf(admitted),
    kind: `${kindOf(admitted, login, login.parameters)} ${credentialMark(login.password)}`,
    bounds: boundsOf(admitted.target.document.spec.pool),
    signal: login.signal,
    connect: () => connectUpstream(login),
  }
}

export interface TurnRequestDeps extends Pick<SessionDeps, 'environment'> {
  readonly pool: Pool
  readonly credentials: CredentialWatch
}

/**
 * For a session that has one for a transaction at a time: what it has set goes with it, so that settings make no difference, and
 * its credential may be rotated meanwhile.
 */
export function turnRequests(
  admitted: Admitted,
  login: UpstreamLogin,
  { pool, credentials, environment }: TurnRequestDeps,
): (signal: AbortSignal) => PoolRequest {
  const { credential } = admitted
  const place = placeOf(admitted)
  const bounds = boundsOf(admitted.target.document.spec.pool)
  const parameters = orderSettings(admitted)
  const base = kindOf(admitted, login, parameters)
  const { host, port, tls, database, random } = login
  const bound = boundToRole(admitted.target.document, admitted.upstreamRole)
  credentials.note(credential, bound, login.password)
  const current = (): string => `${base} ${credentials.markOf(credential, bound)}`
  const connect = async (signal: AbortSignal) => {
    const { user, password } = await resolveLogin(credential, environment, bound)
    return await remember(
      await connectUpstream({ host, port, tls, user, database, random, password, parameters, signal }),
    )
  }
  let last = current()
  return (signal) => {
    const kind = current()
    if (kind !== last) pool.retire(place.group, last)
    last = kind
    return { ...place, kind, bounds, signal, connect, isCurrent: () => current() === kind }
  }
}

const placeOf = (admitted: Admitted): Pick<PoolRequest, 'group' | 'caller'> => ({
  group: JSON.stringify([admitted.target.document.metadata.name, admitted.upstreamRole]),
  caller: principalKey(admitted.chain.initiator),
})

function kindOf(admitted: Admitted, login: UpstreamLogin, parameters: UpstreamLogin['parameters']): string {
  const { pool, database } = admitted.target.document.spec
  const { host, port, tls, user } = login
  const who = pool.share === 'everyone' ? [] : [admitted.chain.initiator, ...admitted.chain.actors].map(principalKey)
  const parts = [pool.mode, host, port, tls, user, database, Object.entries(parameters).sort(), who]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function boundsOf(pool: Admitted['target']['document']['spec']['pool']): PoolBounds {
  const waitMsMax = durationMs(pool.wait)
  const idleMsMax = pool.mode === 'none' ? 0 : durationMs(pool.idleTimeout)
  if (pool.mode === 'transaction') {
    const connectionsMax = pool.connections ?? limits.transactionConnectionsDefault
    return {
      connectionsMax,
      idleMax: connectionsMax,
      idleMsMax,
      warmMin: Math.min(pool.warm, connectionsMax),
      waitMsMax,
      sameMsMax: limits.pooledSameMsMax,
    }
  }
  const connectionsMax = pool.connections ?? Number.POSITIVE_INFINITY
  return {
    connectionsMax,
    idleMax: pool.mode === 'session' ? pool.idle : 0,
    idleMsMax,
    warmMin: 0,
    waitMsMax,
    sameMsMax: 0,
  }
}
