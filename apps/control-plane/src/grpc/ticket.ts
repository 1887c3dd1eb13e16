// Answers agents that ask about a ticket: the record that was signed at its issue, or nothing. Why there is nothing is not
// told: not there, ended, revoked and not yours look the same (THREATS ).
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { TicketFoundSchema, type TicketWanted } from '@sallyport/proto/gen/sallyport/v1/ticket_pb'
import type { Logger } from 'pino'
import type { Db } from '../db.ts'
import { readDocument } from '../policies/store.ts'
import { findTicket, spendUse } from '../tickets/store.ts'
import type { AgentIdentity } from './peer.ts'

export interface TicketDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
}

/** The questions of one stream. Each is answered by itself: a caller that logs in does not wait for what came before. */
export function answerTickets(
  deps: TicketDeps,
  agent: AgentIdentity,
  send: (body: ControlMessage['body']) => void,
): (wanted: TicketWanted) => void {
  let open = 0
  const answer = async ({ call, ticket, spend }: TicketWanted): Promise<void> => {
    const found = create(TicketFoundSchema, { call })
    try {
      const record = open > limits.ticketLookupsMax ? null : await recordFor(deps, agent, ticket)
      if (record !== null) found.record = record
      if (record !== null && spend) found.spent = await spendUse(deps.db, ticket, new Date(deps.clock.nowMs()))
    } catch (err) {
      deps.log.warn({ event: 'ticket-unread', agent: agent.agentId, err })
    }
    send({ case: 'ticketFound', value: found })
  }
  return (wanted) => {
    open++
    void answer(wanted).finally(() => {
      open--
    })
  }
}

/** An agent learns of tickets for its own targets only. */
async function recordFor(deps: TicketDeps, agent: AgentIdentity, id: string): Promise<string | null> {
  const row = isId(id) ? await findTicket(deps.db, id) : null
  if (row === null || row.revokedAt !== null || row.expiresAt.getTime() <= deps.clock.nowMs()) return null
  if (row.usesLeft === 0) return null
  const stored = await readDocument(deps.db, 'Target', row.target)
  if (stored?.document.kind !== 'Target' || !stored.document.spec.agents.includes(agent.name)) return null
  return row.record
}
