// To the server of MCP: one message, with the agent's credential and none of the caller's fields (THREATS ).
import { asSallyportError } from '@sallyport/base/errors'
import type { Fields } from '@sallyport/wire/http/fields'
import { queryText } from '@sallyport/wire/http/request-target'
import { type McpMessage, messageText } from '@sallyport/wire/mcp/message'
import { injectedCredential } from '../http/credential.ts'
import { type Needles, needlesFor } from '../http/echo.ts'
import type { Answer } from '../http/upstream.ts'
import { describeThrown } from '../session/log.ts'
import type { Tracing } from '../session/tracing.ts'
import type { McpCall } from './call.ts'
import type { McpSession } from './sessions.ts'

export interface Sent {
  readonly answer: Answer
  /** The credential, which must not come back. */
  readonly needles: Needles
}

export interface Sending {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly message: McpMessage | null
  /** Null before there is one. */
  readonly session: Pick<McpSession, 'serverId' | 'version'> | null
  /** As the record names it. */
  readonly requestId: string
  /** The server's own id of the last event that the client got. */
  readonly lastEventId?: string
  readonly signal: AbortSignal
}

export async function send({ tracing, session: http, serving }: McpCall, sending: Sending): Promise<Sent> {
  const { document } = http.admitted.target
  const { deps, tokens, upstreams } = serving
  const { method, message, signal } = sending
  const injected = await injectedCredential(document, deps.environment, tokens, deps.clock.nowMs())
  const url = new URL(document.spec.url)
  const search = queryText(injected.query)
  const path = search === '' ? url.pathname : `${url.pathname}?${search}`
  const own = fieldsOf(sending, tracing)
  const body = message === null ? null : Buffer.from(messageText(message), 'utf8')
  const fields = [...own, ...injected.fields]
  const signed =
    injected.sign === null
      ? fields
      : injected.sign({ method, path, host: url.host, fields, body: body ?? Buffer.alloc(0) })
  const answer = await upstreams.send(document, { method, path, signal, fields: signed, body })
  if (answer.status === 401) tokens.refused(document)
  return { answer, needles: needlesFor(document, injected.secrets) }
}

function fieldsOf({ message, method, session, requestId, lastEventId }: Sending, { traceparent }: Tracing): Fields {
  const accept = method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream'
  const maybe = (name: string, value: string | null | undefined): Fields =>
    value === null || value === undefined ? [] : [[name, value]]
  return [
    ['accept', accept],
    ['accept-encoding', 'identity'],
    ['via', '1.1 sallyport'],
    ['sallyport-request', requestId],
    ...maybe('content-type', message === null ? null : 'application/json'),
    ...maybe('mcp-session-id', session?.serverId),
    ...maybe('mcp-protocol-version', session?.version),
    ...maybe('last-event-id', lastEventId),
    ['traceparent', traceparent],
  ]
}

/** Sent beside an exchange: an answer to the server's own question. Nobody waits for what becomes of it but the log. */
export async function sendAside(call: McpCall, sending: Omit<Sending, 'method'>): Promise<void> {
  try {
    const { answer } = await send(call, { ...sending, method: 'POST' })
    answer.body.destroy()
  } catch (thrown) {
    const { code } = asSallyportError(thrown)
    call.serving.deps.log.warn({ session: call.session.id, code, cause: describeThrown(thrown) }, 'mcp-answer-not-sent')
  }
}
