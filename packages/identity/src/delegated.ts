// Tokens that say through whom somebody acts: the claim "act" (RFC 8693, 4.1), outermost actor first. Of the control plane's
// own tokens it names principals with their groups; another issuer may speak of its own subjects only.
import { SallyportError } from '@sallyport/base/errors'
import type { Principal } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { GroupDocument } from '@sallyport/policy/document'
import type { JWTPayload } from 'jose'
import { z } from 'zod'

/** `typ` of tokens of the exchange (RFC 8725, 3.11): an agent that knows no actors takes none of them for a login. */
export const delegatedTokenType = 'sallyport-act+jwt'

/** One actor as the control plane writes it. */
const BuiltInActor = z.object({
  iss: z.string().min(1).max(1_024),
  sub: z.string().min(1).max(1_024),
  sp_kind: z.enum(['user', 'workload']),
  sp_groups: z.array(z.string()),
  sp_name: z.string().min(1),
  sp_claims: z.record(z.string(), z.unknown()).default({}),
  act: z.unknown().optional(),
})

const ForeignActor = z.object({
  iss: z.string().optional(),
  sub: z.string().min(1).max(1_024),
  act: z.unknown().optional(),
})

const refused = (why: string): SallyportError =>
  new SallyportError('TOKEN_ACTOR_WRONG', `the token's claim "act" ${why}`, { hint: 'get a new token' })

/** The claim as it is nested, outermost first. Throws TOKEN_ACTOR_WRONG. */
function nested<T extends { readonly act?: unknown }>(act: unknown, schema: z.ZodType<T>): readonly T[] {
  const found: T[] = []
  for (let next = act; next !== undefined; ) {
    if (found.length >= limits.actorsMax) throw refused(`names more than ${limits.actorsMax} actors`)
    const parsed = schema.safeParse(next)
    if (!parsed.success) throw refused('is not valid')
    found.push(parsed.data)
    next = parsed.data.act
  }
  return found
}

/** Of a token of the control plane. */
export const builtInActors = ({ act }: JWTPayload): readonly Principal[] =>
  nested(act, BuiltInActor).map((actor) => ({
    kind: actor.sp_kind,
    issuer: actor.iss,
    subject: actor.sub,
    groups: actor.sp_groups,
    claims: actor.sp_claims,
    display: actor.sp_name,
    assurance: 'verified',
  }))

/** Of a token of another issuer: subjects of its own, in the groups that name them. */
export const foreignActors = (
  { act }: JWTPayload,
  issuer: string,
  groups: readonly GroupDocument[],
): readonly Principal[] =>
  nested(act, ForeignActor).map(({ iss = issuer, sub }) => {
    if (iss !== issuer) throw refused('speaks for another issuer')
    return {
      kind: 'workload',
      issuer,
      subject: sub,
      groups: groups
        .filter(({ spec }) =>
          spec.members.some((member) => member.issuer === issuer && 'subject' in member && member.subject === sub),
        )
        .map(({ metadata }) => metadata.name),
      claims: {},
      display: sub,
      assurance: 'verified',
    }
  })

/** As the control plane writes it; undefined where nobody acts. */
export function actClaim(actors: readonly Principal[]): Readonly<Record<string, unknown>> | undefined {
  const [outermost, ...rest] = actors
  if (outermost === undefined) return undefined
  const inner = actClaim(rest)
  return {
    iss: outermost.issuer,
    sub: outermost.subject,
    sp_kind: outermost.kind,
    sp_groups: [...outermost.groups],
    sp_name: outermost.display,
    ...claimsOf(outermost),
    ...(inner === undefined ? {} : { act: inner }),
  }
}

/** Left out where there are none. */
export const claimsOf = ({ claims }: Pick<Principal, 'claims'>): Readonly<Record<string, unknown>> =>
  Object.keys(claims).length === 0 ? {} : { sp_claims: claims }
