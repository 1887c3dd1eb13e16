// Tokens for one use: the control plane is asked before one is used, and says yes once (THREATS ). Without its answer a
// token counts as used.
import { create } from '@bufbuild/protobuf'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { TokenShownSchema, type TokenTaken } from '@sallyport/proto/gen/sallyport/v1/token_pb'
import { type QuestionDeps, questions } from './questions.ts'

export interface Tokens {
  /** True once for each id, at all agents together. Answered within limits.ticketAnswerMsMax. Never rejects. */
  take(jti: string, expiresAtMs: number): Promise<boolean>
}

/** The link's end of it. */
export interface LinkTokens extends Tokens {
  taken(message: TokenTaken): void
  /** The link is down: nobody gets an answer any more. */
  lost(): void
}

export interface LinkTokensDeps extends QuestionDeps {
  /** False when the link is down. */
  readonly send: (body: AgentMessage['body']) => boolean
}

export function linkTokens(deps: LinkTokensDeps): LinkTokens {
  const asked = questions(deps, false)
  return {
    take: async (jti, expiresAtMs) =>
      await asked.ask((call) => {
        const value = create(TokenShownSchema, { call, jti, expiresAtMs: BigInt(Math.floor(expiresAtMs)) })
        return deps.send({ case: 'tokenShown', value })
      }),
    taken: ({ call, taken }) => asked.answered(call, taken),
    lost: asked.lost,
  }
}
