// From what a client showed to an `Admitted`: the value without which nothing connects to a target.
// INVARIANT: only `admit` makes one, and only after identity, target, role and policy agreed.
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { admits } from '@sallyport/policy/decide'
import type { CredentialReference } from '@sallyport/policy/document'
import type { AgentTarget, CurrentSnapshot } from '../link/current.ts'
import { isRevoked, type VerifiedToken } from './verify.ts'

const proof: unique symbol = Symbol('admitted')

export interface Admitted {
  /** Cannot be written outside this file. */
  readonly [proof]: true
  readonly target: AgentTarget
  readonly upstreamRole: string
  readonly credential: CredentialReference
  readonly chain: Chain
  readonly token: VerifiedToken
}

/** What the client asked for, not yet permitted. */
export interface Asked {
  /** The target's name; empty when the client named none. */
  readonly target: string
  /** An upstream role. */
  readonly user: string
  /** The user name that stands for the target's default role. */
  readonly defaultUser: string
}

/** Throws TARGET_UNKNOWN, TOKEN_AUDIENCE_WRONG, UPSTREAM_ROLE_FORBIDDEN, INITIATOR_REQUIRED or POLICY_UNCOVERED. */
export function admit(asked: Asked, token: VerifiedToken, snapshot: CurrentSnapshot): Admitted {
  if (token.target !== null && token.target !== asked.target)
    throw new SallyportError('TOKEN_AUDIENCE_WRONG', 'the token is for another target', {
      hint: `connect to database "${token.target}", or get a token with "sallyport token TARGET"`,
    })
  const target = snapshot.targets.get(asked.target)
  if (target === undefined)
    throw new SallyportError('TARGET_UNKNOWN', `no target "${asked.target.slice(0, 63)}" is served here`, {
      hint: "the database name in the connection string is the target's name",
    })
  const role = permittedRole(asked, token, target)
  const chain: Chain = { initiator: token.principal, actors: [] }
  if (target.document.spec.initiator === 'required' && token.principal.kind !== 'user')
    throw new SallyportError('INITIATOR_REQUIRED', `target "${asked.target}" needs a verified initiator`, {
      hint: 'connect with a token that names the person for whom you act',
    })
  const admission = admits(target.policies, chain)
  if (!admission.ok) throw new SallyportError('POLICY_UNCOVERED', admission.message, { hint: admission.hint })
  return { [proof]: true, target, upstreamRole: role.name, credential: role.password, chain, token }
}

/** Revocation, a target that is gone or a rule that is gone bite on sessions that are open (DESIGN §2). */
export function stillAdmitted(admitted: Admitted, snapshot: CurrentSnapshot): boolean {
  const { token, chain, upstreamRole } = admitted
  const target = snapshot.targets.get(admitted.target.document.metadata.name)
  return (
    target !== undefined &&
    permits(target, upstreamRole) &&
    snapshot.issuers.has(token.token.issuer) &&
    !isRevoked({ principal: token.principal, token: token.token }, snapshot) &&
    admits(target.policies, chain).ok
  )
}

const permits = (target: AgentTarget, role: string): boolean =>
  target.document.spec.roles.some(({ name }) => name === role)

function permittedRole(
  asked: Asked,
  token: VerifiedToken,
  target: AgentTarget,
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
