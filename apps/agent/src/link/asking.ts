// Everything that the agent asks the control plane about and waits for: people's verdicts, tickets, tokens for one use.
import type { AgentMessage, ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { type LinkHolds, linkHolds } from './holds.ts'
import type { QuestionDeps } from './questions.ts'
import { type LinkTickets, linkTickets } from './tickets.ts'
import { type LinkTokens, linkTokens } from './tokens.ts'

export interface Asking {
  readonly holds: LinkHolds
  readonly tickets: LinkTickets
  readonly tokens: LinkTokens
  /** Takes an answer; what is none is left alone. */
  take(body: ControlMessage['body']): void
  /** The link is down. */
  lost(): void
}

export interface AskingDeps extends QuestionDeps {
  /** False when the link is down. */
  readonly send: (body: AgentMessage['body']) => boolean
}

export function openAsking(deps: AskingDeps): Asking {
  const holds = linkHolds(deps)
  const tickets = linkTickets(deps)
  const tokens = linkTokens(deps)
  return {
    holds,
    tickets,
    tokens,
    take(body) {
      if (body.case === 'holdState') holds.state(body.value)
      else if (body.case === 'holdClaimed') holds.claimed(body.value)
      else if (body.case === 'ticketFound') tickets.found(body.value)
      else if (body.case === 'tokenTaken') tokens.taken(body.value)
    },
    lost() {
      holds.lost()
      tickets.lost()
      tokens.lost()
    },
  }
}
