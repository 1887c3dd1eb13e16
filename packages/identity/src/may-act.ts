// Who may act for whom at a target: its rules "mayAct", and the claim "may_act" of a person's own token (RFC 8693, 4.4).
// INVARIANT: without a rule nobody may act for anybody.
import type { Chain, Principal } from '@sallyport/base/identity'
import type { TargetDocument } from '@sallyport/policy/document'
import { matchesCaller } from '@sallyport/policy/match'
import { z } from 'zod'

/** The actor of the chain, if there is one, that may not act there for the chain's initiator. */
export function actorWithoutRight({ spec }: Pick<TargetDocument, 'spec'>, chain: Chain): Principal | undefined {
  const rules = spec.mayAct ?? []
  return chain.actors.find(
    (actor) =>
      !rules.some(
        ({ actors, initiators }) => matchesCaller(actors, actor) && matchesCaller(initiators, chain.initiator),
      ),
  )
}

const MayAct = z.object({ sub: z.string(), iss: z.string().optional() })

/** Does the person's token itself leave it to this actor? One that says nothing leaves it to the rules. */
export function tokenLets(mayAct: unknown, tokenIssuer: string, actor: Principal): boolean {
  if (mayAct === undefined) return true
  const parsed = MayAct.safeParse(mayAct)
  return parsed.success && parsed.data.sub === actor.subject && (parsed.data.iss ?? tokenIssuer) === actor.issuer
}
