// What the agent knows of tickets: signed records, kept in memory, asked for over the link when somebody shows one that is
// not known. Nothing of it is believed here; session/ticket.ts verifies each record at each login.
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { type TicketFound, TicketWantedSchema } from '@sallyport/proto/gen/sallyport/v1/ticket_pb'
import { type QuestionDeps, questions } from './questions.ts'

/** The control plane's answer. Without a link, and when it is late, it is the one for a ticket that is not there. */
export interface TicketAnswer {
  /** Null when there is no such ticket, or it has ended. */
  readonly record: string | null
  /** A use was taken. */
  readonly isSpent: boolean
}

export interface Tickets {
  /** The record of an earlier answer. */
  known(id: string): string | null
  /** Asks the control plane; answered within limits.ticketAnswerMsMax. `spend` takes one use. Never rejects. */
  ask(id: string, spend: boolean): Promise<TicketAnswer>
}

/** The link's end of it. */
export interface LinkTickets extends Tickets {
  found(message: TicketFound): void
  /** The link is down: nobody gets an answer any more. */
  lost(): void
}

export interface LinkTicketsDeps extends QuestionDeps {
  /** False when the link is down. */
  readonly send: (body: AgentMessage['body']) => boolean
}

const nothing: TicketAnswer = { record: null, isSpent: false }

export function linkTickets(deps: LinkTicketsDeps): LinkTickets {
  const records = keptRecords()
  const asked = questions(deps, nothing)
  return {
    known: (id) => records.get(id),
    async ask(id, spend) {
      const answer = await asked.ask((call) =>
        deps.send({ case: 'ticketWanted', value: create(TicketWantedSchema, { call, ticket: id, spend }) }),
      )
      records.put(id, answer.record)
      return answer
    },
    found({ call, record, spent }) {
      const isNone = record === '' || record.length > limits.tokenBytesMax
      asked.answered(call, isNone ? nothing : { record, isSpent: spent })
    },
    lost: asked.lost,
  }
}

/** The ones used last; an answer of nothing forgets nothing, because the link may only have been away. */
export function keptRecords() {
  const records = new Map<string, string>()
  const put = (id: string, record: string | null): void => {
    if (record === null) return
    records.delete(id)
    records.set(id, record)
    const [oldest] = records.keys()
    if (records.size > limits.ticketsPerAgentMax && oldest !== undefined) records.delete(oldest)
  }
  return {
    put,
    get(id: string): string | null {
      const record = records.get(id) ?? null
      put(id, record)
      return record
    },
  }
}
