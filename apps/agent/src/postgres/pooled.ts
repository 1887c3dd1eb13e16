// Which sessions share connections of the pool: those of one target and role that would have opened exactly the same one, and,
// unless the target says otherwise, those of one chain of principals (THREATS ).
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { principalKey } from '@sallyport/base/identity'
import type { Secret } from '@sallyport/base/secret'
import { durationMs } from '@sallyport/policy/duration'
import type { Admitted } from '../session/admit.ts'
import type { PoolBounds, PoolRequest } from './pool.ts'
import { connectUpstream, type UpstreamLogin } from './upstream.ts'

/** Of this process alone: what is derived from a credential here is of no use to anybody else. */
const own = randomBytes(32)

export function poolRequest(admitted: Admitted, login: UpstreamLogin): PoolRequest {
  const { pool, database } = admitted.target.document.spec
  const group = JSON.stringify([admitted.target.document.metadata.name, admitted.upstreamRole])
  const { host, port, tls, user, parameters } = login
  const who = pool.share === 'everyone' ? [] : [admitted.chain.initiator, ...admitted.chain.actors].map(principalKey)
  const parts = [
    host,
    port,
    tls,
    user,
    database,
    Object.entries(parameters).sort(),
    credentialMark(login.password),
    who,
  ]
  return {
    group,
    kind: createHash('sha256').update(JSON.stringify(parts)).digest('base64'),
    bounds: boundsOf(pool),
    signal: login.signal,
    connect: () => connectUpstream(login),
  }
}

const boundsOf = (pool: Admitted['target']['document']['spec']['pool']): PoolBounds => ({
  connectionsMax: pool.connections ?? Number.POSITIVE_INFINITY,
  idleMax: pool.mode === 'session' ? pool.idle : 0,
  idleMsMax: pool.mode === 'session' ? durationMs(pool.idleTimeout) : 0,
  waitMsMax: durationMs(pool.wait),
})

/** A rotated credential has connections of its own; those of the old one grow old. */
const credentialMark = (password: Secret): string =>
  createHmac('sha256', own).update(password.reveal()).digest('base64')
