// Answers agents that are about to let something run by a token for one use: once yes, and then never again (THREATS ).
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { type TokenShown, TokenTakenSchema } from '@sallyport/proto/gen/sallyport/v1/token_pb'
import type { Logger } from 'pino'
import type { Db } from '../db.ts'
import { removeEndedBefore, spendToken } from '../exchange/store.ts'
import type { AgentIdentity } from './peer.ts'

export interface TokenDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
}

/** Uses between two looks for what has ended. */
const usesPerSweep = 100

/** The questions of one stream. Each is answered by itself. */
export function answerTokens(
  deps: TokenDeps,
  agent: AgentIdentity,
  send: (body: ControlMessage['body']) => void,
): (shown: TokenShown) => void {
  let open = 0
  let uses = 0
  const answer = async ({ call, jti, expiresAtMs }: TokenShown): Promise<void> => {
    const taken = create(TokenTakenSchema, { call })
    try {
      taken.taken = open <= limits.ticketLookupsMax && (await take(deps, agent, jti, Number(expiresAtMs)))
      if (uses++ % usesPerSweep === 0) await removeEndedBefore(deps.db, new Date(deps.clock.nowMs() - leewayMs))
    } catch (err) {
      deps.log.warn({ event: 'token-unspent', agent: agent.agentId, err })
    }
    send({ case: 'tokenTaken', value: taken })
  }
  return (shown) => {
    open++
    void answer(shown).finally(() => {
      open--
    })
  }
}

const leewayMs = limits.clockLeewaySeconds * 1_000

/** A time that no token of ours has would be remembered for too short or too long. */
async function take(deps: TokenDeps, agent: AgentIdentity, jti: string, expiresAtMs: number): Promise<boolean> {
  const nowMs = deps.clock.nowMs()
  const isOurs = isId(jti) && expiresAtMs > nowMs - leewayMs
  if (!isOurs || expiresAtMs > nowMs + limits.delegatedTokenSeconds * 1_000 + leewayMs) return false
  // Kept for as long as some agent, by its clock, could still take it.
  const expiresAt = new Date(expiresAtMs + 2 * leewayMs)
  return await spendToken(deps.db, { jti, agentId: agent.agentId, spentAt: new Date(nowMs), expiresAt })
}
