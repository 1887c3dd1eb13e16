// What the primary has for workers that serve HTTP: what they share, and tokens of targets, which are asked for once for all of them.
// It serves nobody itself.
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { isHttpTarget } from '@sallyport/policy/document'
import { oauthKey, oauthTokens } from '../http/oauth.ts'
import { openUpstreams } from '../http/upstream.ts'
import type { SnapshotKeeper } from '../link/snapshot.ts'
import { type HttpShares, type HttpSharesDeps, openHttpShares } from '../listen/http-shares.ts'
import { describeThrown, type Log } from '../session/log.ts'
import { type OauthFound, type SaidError, saidError } from './messages.ts'

export interface HttpPrimary {
  readonly shares: HttpShares
  /** `key`: of the target as the worker's document says. A target that is another one by now gets no token. */
  token(target: string, key: string): Promise<OauthFound | SaidError>
  /** The target refused its token. */
  refused(target: string, key: string): void
  close(): Promise<void>
}

export interface HttpPrimaryDeps extends HttpSharesDeps {
  readonly clock: Clock
  readonly log: Log
  readonly snapshots: Pick<SnapshotKeeper, 'current'>
}

/** Throws CONFIG_INVALID for what is kept in the data directory and is none of ours. */
export function openHttpPrimary(deps: HttpPrimaryDeps): HttpPrimary {
  const upstreams = openUpstreams(deps.environment)
  const shares = openHttpShares(deps, upstreams)
  const tokens = oauthTokens({ clock: deps.clock, source: shares.oauth })
  const found = (name: string, key: string) => {
    const document = deps.snapshots.current().targets.get(name)?.document
    if (document === undefined || !isHttpTarget(document) || oauthKey(document) !== key) throw otherTarget(name)
    const { credential } = document.spec
    if (credential === 'none' || !('oauth' in credential)) throw otherTarget(name)
    return { document, oauth: credential.oauth }
  }
  return {
    shares,
    async token(target, key) {
      try {
        const { document, oauth } = found(target, key)
        const { secret, sinceMs, untilMs } = await tokens.of(document, oauth)
        return { token: secret.reveal(), sinceMs, untilMs }
      } catch (thrown) {
        const error = asSallyportError(thrown)
        deps.log.warn({ target, code: error.code, cause: describeThrown(error.cause) }, 'oauth-token-not-given')
        return saidError(error)
      }
    },
    refused(target, key) {
      try {
        tokens.refused(found(target, key).document)
      } catch {
        // Of a target that is another one by now no token is kept that anybody would get.
      }
    },
    close: () => upstreams.close(),
  }
}

const otherTarget = (name: string): SallyportError =>
  new SallyportError('CREDENTIAL_UNAVAILABLE', `the document of target "${name}" has changed meanwhile`, {
    hint: 'send the request again',
  })
