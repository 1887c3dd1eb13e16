// What a server of MCP sends, message by message: what of it goes to the client, and how it is shown. Answers are shown by what was
// asked, on whatever stream they come; the server's own requests end here (THREATS ).
import { boundBy } from '@sallyport/base/bound'
import type { JsonValue } from '@sallyport/wire/http/json'
import type { JsonObject, McpMessage, McpNotification, McpRequest, McpResponse } from '@sallyport/wire/mcp/message'
import { checkUri } from '@sallyport/wire/mcp/uri'
import { type McpCall, pinnedOf } from './call.ts'
import { type Showing, shownParams } from './results.ts'
import { sendAside } from './send.ts'
import type { McpSession } from './sessions.ts'
import { dropped, type Routed } from './shown-answer.ts'

export interface Routing {
  readonly call: McpCall
  readonly session: McpSession
  /** How notifications of this stream are shown. */
  readonly beside: () => Showing
  /** As the record names the exchange. */
  readonly requestId: string
}

/** Throws ANSWER_REFUSED for a result that is none of what was asked. */
export async function routed(routing: Routing, message: McpMessage): Promise<Routed> {
  switch (message.kind) {
    case 'request':
      await answerServer(routing, message)
      return dropped
    case 'notification':
      return noticed(routing, message)
    case 'response':
      return await routing.session.answered(message)
  }
}

/** `notifications/cancelled` and those of tasks are about requests that no client has. */
function noticed({ call, session, beside }: Routing, message: McpNotification): Routed {
  const { method, params } = message
  const shown = (only: JsonObject): Routed => {
    const { value, values } = shownParams(only, beside())
    return { message: { kind: 'notification', method, params: value }, values }
  }
  switch (method) {
    case 'notifications/progress': {
      const token = params.get('progressToken')
      if (token === undefined || !session.hasToken(tokenKey(token))) return dropped
      const told = shown(without(params, 'progressToken'))
      if (told.message?.kind !== 'notification') return dropped
      return { ...told, message: { ...message, params: new Map([...told.message.params, ['progressToken', token]]) } }
    }
    case 'notifications/message':
      return shown(params)
    case 'notifications/resources/updated':
      return isReadable(params.get('uri'), beside()) ? shown(params) : dropped
    case 'notifications/tools/list_changed':
      call.serving.mcpPins.changed(pinnedOf(call))
      return plain(message)
    case 'notifications/prompts/list_changed':
      call.serving.mcpPins.changed(pinnedOf(call), 'prompt')
      return plain(message)
    case 'notifications/resources/list_changed':
      return plain(message)
    default:
      return dropped
  }
}

/** Nothing stands in it that a client reads. */
const plain = (message: McpNotification): Routed => ({ message: { ...message, params: new Map() }, values: 0 })

const without = (params: JsonObject, member: string): JsonObject =>
  new Map([...params].filter(([name]) => name !== member))

/** Of a token that is a text or a number. */
export const tokenKey = (token: JsonValue): string => `${typeof token}:${String(token)}`

function isReadable(uri: JsonValue | undefined, { may }: Showing): boolean {
  try {
    return typeof uri === 'string' && may({ kind: 'resource', name: checkUri(uri) })
  } catch {
    return false
  }
}

/** A server may ask whether somebody is there, and nothing else: no model, no person and no file of the client is its own. */
async function answerServer({ call, session, requestId }: Routing, { id, method }: McpRequest): Promise<void> {
  const refused = { code: -32601, message: 'the gateway carries no requests of servers', data: undefined }
  const answer: McpResponse =
    method === 'ping'
      ? { kind: 'response', id, result: new Map(), error: null }
      : { kind: 'response', id, result: null, error: refused }
  if (method !== 'ping') call.serving.deps.log.warn({ session: call.session.id }, 'mcp-server-request-refused')
  const { signal, release } = boundBy([session.signal, call.session.signal], answerMsMax)
  try {
    await sendAside(call, { message: answer, session, requestId, signal })
  } finally {
    release()
  }
}

/** For the server to take an answer to its own question, in milliseconds. */
const answerMsMax = 10_000
