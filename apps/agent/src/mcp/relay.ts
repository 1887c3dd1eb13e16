// The way back of one answer: as JSON where it is one message, as events where the server streams. An answer ends with the message
// that was waited for; what a client may go on with later keeps its masks (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { idKey, type McpRequest, type McpResponse } from '@sallyport/wire/mcp/message'
import type { Outcome } from '../http/relay.ts'
import { formOf, type Incoming, incoming } from './answers.ts'
import type { McpCall } from './call.ts'
import type { Responder } from './responder.ts'
import type { Showing } from './results.ts'
import { type Routing, routed } from './route.ts'
import type { Sent } from './send.ts'
import type { McpSession } from './sessions.ts'
import { shownAnswer } from './shown-answer.ts'
import { unreadable } from './unreadable.ts'

export interface Relaying {
  readonly responder: Responder
  readonly message: McpRequest
  readonly session: McpSession
  readonly showing: Showing
  readonly requestId: string
  readonly sent: Sent
  /** Set where the client may ask for the answer on another stream. */
  readonly keep: { isResumable: boolean }
}

/** Throws what it was refused for. */
export async function relayAnswer(call: McpCall, relaying: Relaying, outcome: Outcome): Promise<void> {
  const { session, showing, sent, requestId } = relaying
  const { answer } = sent
  try {
    checkStatus(call, session, answer.status)
    const routing: Routing = { call, session, beside: () => showing, requestId }
    await relayMessages(routing, relaying, outcome)
  } finally {
    answer.body.destroy()
  }
}

/** Of the server's own statuses one says that its session is over, others that the agent's credential is not good. */
export function checkStatus({ serving }: McpCall, session: McpSession | null, status: number): void {
  if (status === 404 && session !== null && session.serverId !== null) {
    serving.mcp.end(session.id)
    throw new SallyportError('SESSION_ENDED', 'the MCP server has ended the session', {
      hint: 'begin again with "initialize"',
    })
  }
  if (status === 401 || status === 403)
    throw new SallyportError('UPSTREAM_REFUSED', "the MCP server does not take the agent's credential", {
      hint: 'the operator of the agent finds the target in its log',
      cause: new Error(`status ${status}`),
    })
  if (status >= 300 && status < 400) throw unreadable('it leads elsewhere')
}

async function relayMessages(routing: Routing, relaying: Relaying, outcome: Outcome): Promise<void> {
  const { responder, message, session, sent, keep } = relaying
  const form = formOf(sent.answer)
  if (form === 'none') throw unreadable(`it has status ${sent.answer.status} and no content`)
  const isWhole = form === 'message'
  if (!isWhole) responder.stream()
  for await (const one of incoming(sent.answer, form, sent.needles)) {
    const response = ownAnswer(one, relaying)
    if (response !== null) {
      session.settle(message.id)
      const { message: shown, values } = shownAnswer(response, relaying.showing)
      outcome.maskedValues += values
      finish(response, outcome)
      if (shown !== null) responder.answer(shown)
      return
    }
    if (isWhole) break
    keep.isResumable ||= one.eventId !== null
    await pass(routing, one, responder, outcome)
  }
  if (isWhole || !keep.isResumable) throw unreadable('it ends without an answer')
  outcome.result = 'done'
  outcome.tag = 'events'
  responder.end()
}

export async function pass(
  routing: Routing,
  { message, eventId, retry }: Incoming,
  responder: Responder,
  outcome: Outcome,
): Promise<void> {
  const { message: shown, values } = message === null ? { message: null, values: 0 } : await routed(routing, message)
  outcome.maskedValues += values
  const id = eventId === null ? null : routing.session.eventId(eventId)
  if (shown !== null || id !== null || retry !== null) await responder.event(shown, { id, retry })
}

/** With the id of what was asked; an error without any, in answer to the request itself, is about it as well. */
function ownAnswer({ message }: Incoming, { message: { id }, sent }: Relaying): McpResponse | null {
  if (message?.kind !== 'response') return null
  if (message.id === null) return sent.answer.status >= 400 ? { ...message, id } : null
  return idKey(message.id) === idKey(id) ? message : null
}

function finish({ error, result }: McpResponse, outcome: Outcome): void {
  outcome.result = error === null ? 'done' : 'failed'
  outcome.tag = error !== null ? `error ${error.code}` : result?.get('isError') === true ? 'isError' : 'ok'
}
