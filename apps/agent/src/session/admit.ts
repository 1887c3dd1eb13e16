// From what a client showed to an `Admitted`: the value without which nothing connects to a target.
// INVARIANT: only `admit` makes one, and only after identity, target, role and policy agreed.
import { isDeepStrictEqual } from 'node:util'
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { actorWithoutRight } from '@sallyport/identity/may-act'
import { isStillTrusted } from '@sallyport/identity/standing'
import type { VerifiedToken } from '@sallyport/identity/verify'
import { admits, anyTime } from '@sallyport/policy/decide'
import {
  type CredentialReference,
  type HttpTargetDocument,
  isHttpTarget,
  isPostgresTarget,
  type PostgresTargetDocument,
  type TargetDocument,
} from '@sallyport/policy/document'
import type { AgentTarget, CurrentSnapshot, Snapshots } from '../link/current.ts'
import type { Tokens } from '../link/tokens.ts'

const proof: unique symbol = Symbol('admitted')

interface AdmittedTo<D extends TargetDocument> {
  /** Cannot be written outside this file. */
  readonly [proof]: true
  readonly target: AgentTarget<D>
  readonly chain: Chain
  readonly token: VerifiedToken
}

export interface Admitted extends AdmittedTo<PostgresTargetDocument> {
  readonly upstreamRole: string
  readonly credential: CredentialReference
  /** Masks apply at the target: rows must not come in the order of an index alone (postgres/injected.ts). */
  readonly isMasked: boolean
}

export type AdmittedHttp = AdmittedTo<HttpTargetDocument>

/** What the client asked for, not yet permitted. */
export interface Asked {
  /** The target's name; empty when the client named none. */
  readonly target: string
  /** An upstream role. */
  readonly user: string
  /** The user name that stands for the target's default role. */
  readonly defaultUser: string
}

/** Throws TARGET_UNKNOWN, TOKEN_AUDIENCE_WRONG, UPSTREAM_ROLE_FORBIDDEN, ACTOR_FORBIDDEN or POLICY_UNCOVERED. */
export function admit(asked: Asked, token: VerifiedToken, snapshot: CurrentSnapshot): Admitted {
  const { document, ...rest } = askedTarget(asked.target, token, snapshot)
  if (!isPostgresTarget(document))
    throw new SallyportError('TARGET_UNKNOWN', `target "${asked.target}" is no database`, {
      hint: `"sallyport targets" shows how it is reached`,
    })
  const target = { document, ...rest }
  const role = permittedRole(asked, token, target)
  const chain = admittedChain(target, token)
  const isMasked = hasMasks(target)
  return { [proof]: true, target, upstreamRole: role.name, credential: role.password, chain, token, isMasked }
}

const hasMasks = ({ policies }: AgentTarget): boolean => policies.columnMasks > 0

/** The same for a target behind HTTP, which knows no roles. */
export function admitHttp(name: string, token: VerifiedToken, snapshot: CurrentSnapshot): AdmittedHttp {
  const { document, ...rest } = askedTarget(name, token, snapshot)
  if (!isHttpTarget(document))
    throw new SallyportError('TARGET_UNKNOWN', `target "${name}" does not speak HTTP`, {
      hint: `"sallyport targets" shows how it is reached`,
    })
  const target = { document, ...rest }
  return { [proof]: true, target, chain: admittedChain(target, token), token }
}

function askedTarget(name: string, token: VerifiedToken, snapshot: CurrentSnapshot): AgentTarget {
  if (token.target !== null && token.target !== name)
    throw new SallyportError('TOKEN_AUDIENCE_WRONG', 'the token is for another target', {
      hint: `connect to "${token.target}", or get a token with "sallyport token TARGET"`,
    })
  const target = snapshot.targets.get(name)
  if (target !== undefined) return target
  throw new SallyportError('TARGET_UNKNOWN', `no target "${name.slice(0, 63)}" is served here`, {
    hint: "the database name of the connection string, or the first part of an HTTP path, is the target's name",
  })
}

function admittedChain({ document, policies }: AgentTarget, token: VerifiedToken): Chain {
  const chain: Chain = { initiator: token.principal, actors: token.actors }
  // Without an initiator a session may be opened anywhere: who it is comes with each statement, and the rules ask for it.
  if (actorWithoutRight(document, chain) !== undefined)
    throw new SallyportError('ACTOR_FORBIDDEN', 'nothing lets an actor of the token act for its initiator here', {
      hint: 'the owner of the target lists under "mayAct" which actors may act for which groups',
    })
  const admission = admits(policies, chain, anyTime)
  if (!admission.ok) throw new SallyportError('POLICY_UNCOVERED', admission.message, { hint: admission.hint })
  return chain
}

/** Revocation, a target that is gone or a rule that is gone bite on sessions that are open (DESIGN §2). */
export function stillAdmitted(admitted: Admitted | AdmittedHttp, snapshot: CurrentSnapshot): boolean {
  const { token, chain } = admitted
  const target = snapshot.targets.get(admitted.target.document.metadata.name)
  return (
    target !== undefined &&
    permits(target, admitted) &&
    isStillTrusted(token, snapshot) &&
    actorWithoutRight(target.document, chain) === undefined &&
    admits(target.policies, chain, anyTime).ok
  )
}

/** The same, by the snapshot of this moment. */
export function stillAdmittedNow(admitted: Admitted, snapshots: Pick<Snapshots, 'current'>): boolean {
  try {
    return stillAdmitted(admitted, snapshots.current())
  } catch {
    // No snapshot: the gate says so to each statement.
    return true
  }
}

/** Still the same kind of target, and still with the role. */
function permits(now: AgentTarget, admitted: Admitted | AdmittedHttp): boolean {
  const { spec } = now.document
  if (spec.protocol === 'http') return isHttpTarget(admitted.target.document)
  if (!('upstreamRole' in admitted)) return false
  const { preset, trusted, initiatorSetting } = admitted.target.document.spec
  // Statements are analysed by what the session began with: trust that is withdrawn ends it.
  const isSame = isDeepStrictEqual(
    [spec.preset, spec.trusted, spec.initiatorSetting],
    [preset, trusted, initiatorSetting],
  )
  // The first mask of a target ends sessions whose connections may walk indexes alone.
  return (
    isSame && (admitted.isMasked || !hasMasks(now)) && spec.roles.some(({ name }) => name === admitted.upstreamRole)
  )
}

function permittedRole(
  asked: Asked,
  token: VerifiedToken,
  target: AgentTarget<PostgresTargetDocument>,
): { readonly name: string; readonly password: CredentialReference } {
  const { roles } = target.document.spec
  const byDefault = token.upstreamRole ?? roles[0]?.name
  const wanted = asked.user === asked.defaultUser ? byDefault : asked.user
  const role = roles.find(({ name }) => name === wanted)
  // A token that names a role is good for that role only.
  if (role === undefined || (token.upstreamRole !== null && token.upstreamRole !== role.name))
    throw new SallyportError('UPSTREAM_ROLE_FORBIDDEN', `user "${asked.user.slice(0, 63)}" is no permitted role here`, {
      hint: `use "${asked.defaultUser}" for the target's default role`,
    })
  return role
}

/** A token for one use is used up by the session that it opens. Throws TOKEN_REPLAYED. */
export async function useUp({ token }: Pick<Admitted, 'token'>, tokens: Tokens): Promise<void> {
  if (!token.isOnce || (await tokens.take(token.token.id, token.expiresAtMs))) return
  throw new SallyportError('TOKEN_REPLAYED', 'the token was used before, or the control plane could not be asked', {
    hint: 'ask for a new token for each use',
  })
}
