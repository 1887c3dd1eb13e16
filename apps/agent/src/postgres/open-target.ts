// A session's way to its target: a connection of its own, or turns at connections that it shares. Either way there is one at
// once, so that the client can be told what the target says of itself.
import { SallyportError } from '@sallyport/base/errors'
import type { Admitted } from '../session/admit.ts'
import type { SessionDeps } from '../session/deps.ts'
import { describeThrown } from '../session/log.ts'
import { giveSettings } from './backend-settings.ts'
import type { CredentialWatch } from './credential-watch.ts'
import type { Lease, Pool, PoolRequest } from './pool.ts'
import { poolRequest, turnRequests } from './pooled.ts'
import { OwnConnection, type TargetLink } from './target-link.ts'
import { Turns } from './turns.ts'
import { cancelUpstream, type Upstream, type UpstreamLogin } from './upstream.ts'

export interface OpenTargetDeps {
  readonly deps: SessionDeps
  readonly pool: Pool
  readonly credentials: CredentialWatch
}

export interface OpenedTarget {
  readonly link: TargetLink
  /** The connection that there is now. */
  readonly upstream: Upstream
  readonly isReused: boolean
  /** Lets go of it where no session has begun. */
  drop(): void
}

/** Throws what connecting throws, and CONNECTION_LIMIT. */
export async function openTarget(
  admitted: Admitted,
  login: UpstreamLogin,
  { deps, pool, credentials }: OpenTargetDeps,
): Promise<OpenedTarget> {
  const cancel = (upstream: Upstream): Promise<boolean> => cancelAt(upstream, login, deps)
  if (admitted.target.document.spec.pool.mode !== 'transaction') {
    const lease = await pool.take(poolRequest(admitted, login))
    const { upstream } = lease
    const link = new OwnConnection({
      target: upstream.socket,
      cancelTarget: () => cancel(upstream),
      releaseTarget: (clean) => lease.release(clean),
    })
    return { link, upstream, isReused: lease.isReused, drop: () => drop(lease) }
  }
  const request = turnRequests(admitted, login, { pool, credentials, environment: deps.environment })
  const wanted = new Map(Object.entries(login.parameters))
  const { lease, settings } = await firstTurn(pool, request(login.signal), wanted)
  const pins = admitted.target.document.spec.pool.sessionState === 'pin'
  const link = new Turns({ pool, request, first: lease, settings, pins, cancel })
  return { link, upstream: lease.upstream, isReused: lease.isReused, drop: () => drop(lease) }
}

function drop(lease: Lease): void {
  lease.upstream.socket.destroy()
  lease.release(false)
}

/** What the client has set in its start-up packet is set on a connection that may be anybody's. */
async function firstTurn(pool: Pool, request: PoolRequest, wanted: ReadonlyMap<string, string>) {
  for (let attempts = 0; ; attempts++) {
    const lease = await pool.take(request)
    const settings = await giveSettings(lease.upstream, wanted)
    if (settings !== null) return { lease, settings }
    lease.release(false)
    if (attempts === attemptsMax) throw refusedSettings()
  }
}

/** One that was idle may have been closed at its other end. */
const attemptsMax = 1

const refusedSettings = (): SallyportError =>
  new SallyportError('UPSTREAM_REFUSED', 'the target refused the settings of the start-up packet', {
    hint: 'leave the settings of the connection string out ("options", "PGOPTIONS"), or give them values that it knows',
  })

/** False: nobody knows whether the target will hear of it, and when. */
async function cancelAt({ backendKey }: Upstream, login: UpstreamLogin, deps: SessionDeps): Promise<boolean> {
  // Nothing was sent.
  if (backendKey === null) return true
  const { host, port, tls } = login
  const { signal } = new AbortController()
  try {
    await cancelUpstream({ host, port, tls, backendKey, signal })
    return true
  } catch (thrown) {
    deps.log.warn({ cause: describeThrown(thrown) }, 'cancel-failed')
    return false
  }
}
