// A person's token and a function's become one that names both (RFC 8693): for one target, for minutes, signed with the key
// that agents know from their snapshots.
// INVARIANT: both tokens verify, a rule of the target lets the one act for the other, and some policy opens the target to
// each of them; the new token outlives neither.
import { type ExchangeRequest, exchangeGrant } from '@sallyport/api/exchange'
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import { actClaim, delegatedTokenType } from '@sallyport/identity/delegated'
import { tokenLets } from '@sallyport/identity/may-act'
import { type Parent, type VerifiedToken, verifyToken } from '@sallyport/identity/verify'
import { decodeJwt } from 'jose'
import type { Deps } from '../deps.ts'
import { signFor } from '../identities/tokens.ts'
import { currentTrust } from '../identities/trust.ts'
import { actorForbidden, openTarget } from './open-target.ts'

export type ExchangeDeps = Pick<Deps, 'db' | 'clock' | 'config' | 'tokenKey' | 'issuerKeys' | 'randomBytes'>

export interface Exchanged {
  readonly token: string
  readonly jti: string
  readonly chain: Chain
  readonly seconds: number
}

/** Throws TOKEN_…, REQUEST_INVALID, TARGET_UNKNOWN or ACTOR_FORBIDDEN. */
export async function exchange(deps: ExchangeDeps, asked: ExchangeRequest): Promise<Exchanged> {
  if (asked.grant_type !== exchangeGrant)
    throw new SallyportError('FEATURE_UNSUPPORTED', `the only grant type here is "${exchangeGrant}"`)
  const nowMs = deps.clock.nowMs()
  const trust = await currentTrust(deps)
  const person = await verifyToken(asked.subject_token, trust, nowMs)
  const actor = await verifyToken(asked.actor_token, trust, nowMs)
  checkParts(person, actor, asked)
  const chain: Chain = { initiator: person.principal, actors: [actor.principal, ...person.actors] }
  if (chain.actors.length > limits.actorsMax)
    throw new SallyportError('REQUEST_INVALID', `a chain has at most ${limits.actorsMax} actors`)
  await openTarget(deps, asked.audience, chain)
  const { may_act: mayAct } = decodeJwt(asked.subject_token)
  if (!tokenLets(mayAct, person.token.issuer, actor.principal))
    throw actorForbidden('the claim "may_act" of the subject token leaves it to another actor')
  return await sign(deps, asked, chain, { person, actor, mayAct, nowMs })
}

const notFor = (message: string, hint: string): SallyportError =>
  new SallyportError('REQUEST_INVALID', message, { hint })

/** Who may stand on which side, and what an earlier token was for. */
function checkParts(person: VerifiedToken, actor: VerifiedToken, { audience }: ExchangeRequest): void {
  if (person.principal.kind !== 'user')
    throw notFor('"subject_token" names no person', 'send the token of the person for whom the function acts')
  if (actor.principal.kind !== 'workload' || actor.actors.length > 0)
    throw notFor('"actor_token" names no workload', 'send the token that the platform gave the function')
  if (person.isOnce)
    throw notFor('"subject_token" is good for one use, which is not this', 'ask for one without single_use')
  for (const { target } of [person, actor])
    if (target !== null && target !== audience)
      throw new SallyportError('TOKEN_AUDIENCE_WRONG', 'a token for one target is not exchanged for another', {
        hint: `ask for audience "${target}"`,
      })
}

interface Shown {
  readonly person: VerifiedToken
  readonly actor: VerifiedToken
  readonly mayAct: unknown
  readonly nowMs: number
}

/** Every token that this one is made of, of all exchanges before. */
const parentsOf = (shown: readonly VerifiedToken[]): readonly Parent[] =>
  shown.flatMap(({ token, parents }) => [
    ...(token.id === '' ? [] : [{ iss: token.issuer, jti: token.id }]),
    ...parents,
  ])

async function sign(
  deps: ExchangeDeps,
  asked: ExchangeRequest,
  chain: Chain,
  { person, actor, mayAct, nowMs }: Shown,
): Promise<Exchanged> {
  const issuedAt = Math.floor(nowMs / 1_000)
  const ends = [person, actor].map(({ expiresAtMs }) => Math.floor(expiresAtMs / 1_000))
  const expires = Math.min(issuedAt + limits.delegatedTokenSeconds, ...ends)
  // Verified within the leeway of clocks, but over by ours.
  if (expires <= issuedAt)
    throw new SallyportError('TOKEN_EXPIRED', 'a token that was sent has expired', { hint: 'get a new one' })
  const jti = deps.randomBytes(16).toString('hex')
  const more = {
    act: actClaim(chain.actors),
    sp_from: parentsOf([person, actor]),
    // INVARIANT: what the person's own token says of who may act is kept for every exchange after this one.
    ...(mayAct === undefined ? {} : { may_act: { iss: actor.principal.issuer, sub: actor.principal.subject } }),
    ...(asked.single_use === 'true' ? { sp_once: true } : {}),
  }
  const token = await signFor(deps, chain.initiator, {
    type: delegatedTokenType,
    jti,
    issuedAt,
    expires,
    target: asked.audience,
    role: person.upstreamRole ?? undefined,
    more,
  })
  return { token, jti, chain, seconds: expires - issuedAt }
}
