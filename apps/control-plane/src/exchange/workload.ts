// A workload without a token of its own gets one for one target: what it shows is checked here, once, and agents believe the
// token as they believe those of people.
// INVARIANT: some policy opens the target to the workload; the token lives for minutes.
import type { AwsTokenRequest, ServiceTokenRequest } from '@sallyport/api/exchange'
import { SallyportError } from '@sallyport/base/errors'
import type { Principal } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import { foreignPrincipal } from '@sallyport/identity/foreign'
import { isRevoked } from '@sallyport/identity/verify'
import type { Deps } from '../deps.ts'
import { signFor, tokenType } from '../identities/tokens.ts'
import { currentTrust } from '../identities/trust.ts'
import { principalOf, provenBy, subjectOf } from '../service-accounts/service-accounts.ts'
import { awsCaller, signedRequestMsMax } from './aws.ts'
import { openTarget } from './open-target.ts'
import { spendToken } from './store.ts'

export type WorkloadDeps = Pick<
  Deps,
  'db' | 'clock' | 'config' | 'tokenKey' | 'issuerKeys' | 'randomBytes' | 'askIssuer'
>

export interface WorkloadToken {
  readonly token: string
  readonly jti: string
  readonly principal: Principal
  readonly seconds: number
}

/** In the place of an agent, where the control plane itself uses something up. */
const ownAgent = 'control-plane'

/** Throws TOKEN_…, TARGET_UNKNOWN or UPSTREAM_UNREACHABLE. */
export async function tokenOfAws(deps: WorkloadDeps, asked: AwsTokenRequest): Promise<WorkloadToken> {
  const nowMs = deps.clock.nowMs()
  const trust = await currentTrust(deps)
  const caller = await awsCaller(deps.askIssuer, asked.subject_token, trust, nowMs)
  const principal = foreignPrincipal(caller.payload, caller.subject, caller.document, trust.groups)
  const token = { issuer: principal.issuer, id: '', issuedAtMs: caller.signedAtMs }
  if (isRevoked({ principal, token }, trust))
    throw new SallyportError('TOKEN_REVOKED', 'the caller was revoked', { hint: 'ask the administrator' })
  await openTarget(deps, asked.audience, { initiator: principal, actors: [] })
  const until = new Date(caller.signedAtMs + 2 * signedRequestMsMax)
  const spent = { jti: caller.signatureId, agentId: ownAgent, spentAt: new Date(nowMs), expiresAt: until }
  if (!(await spendToken(deps.db, spent)))
    throw new SallyportError('TOKEN_REPLAYED', 'the signed request was used before', {
      hint: 'sign one for each token',
    })
  return await workloadToken(deps, principal, asked.audience)
}

/** Throws TOKEN_…, or TARGET_UNKNOWN. Revoking the key ends what was made with it. */
export async function tokenOfAccount(deps: WorkloadDeps, asked: ServiceTokenRequest): Promise<WorkloadToken> {
  const { account, key } = await provenBy(deps, asked.client_id, asked.client_secret)
  const { publicUrl } = deps.config
  const { groups } = await currentTrust(deps)
  const subject = subjectOf(account)
  const named = groups.filter(({ spec }) =>
    spec.members.some((member) => member.issuer === publicUrl && 'subject' in member && member.subject === subject),
  )
  const principal = principalOf(
    publicUrl,
    account,
    key,
    named.map(({ metadata }) => metadata.name),
  )
  await openTarget(deps, asked.audience, { initiator: principal, actors: [] })
  return await workloadToken(deps, principal, asked.audience, { sp_from: [{ iss: publicUrl, jti: key }] })
}

/** The caller has checked that the target is open to the workload. */
async function workloadToken(
  deps: Pick<WorkloadDeps, 'clock' | 'config' | 'tokenKey' | 'randomBytes'>,
  principal: Principal,
  target: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<WorkloadToken> {
  const issuedAt = Math.floor(deps.clock.nowMs() / 1_000)
  const seconds = limits.workloadTokenSeconds
  const jti = deps.randomBytes(16).toString('hex')
  const signed = { type: tokenType, jti, issuedAt, expires: issuedAt + seconds, target, role: undefined, more }
  return { token: await signFor(deps, principal, signed), jti, principal, seconds }
}
