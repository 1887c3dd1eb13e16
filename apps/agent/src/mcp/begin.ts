// How an MCP session begins: the client's capabilities end here, since the server may ask it nothing; the version is one of those
// that pass; the id that the client gets is the gateway's own (THREATS ).

import { fieldOf } from '@sallyport/wire/http/fields'
import type { JsonValue } from '@sallyport/wire/http/json'
import { idKey, type McpRequest } from '@sallyport/wire/mcp/message'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import type { Outcome } from '../http/relay.ts'
import { formOf, incoming } from './answers.ts'
import type { McpCall } from './call.ts'
import { protocolVersions } from './methods.ts'
import { checkStatus } from './relay.ts'
import type { Responder } from './responder.ts'
import type { Showing } from './results.ts'
import { send } from './send.ts'
import { shownAnswer } from './shown-answer.ts'
import { unreadable } from './unreadable.ts'

export interface Beginning {
  readonly responder: Responder
  readonly message: McpRequest
  readonly showing: Showing
  readonly requestId: string
  readonly signal: AbortSignal
}

/** Throws what it was refused for. */
export async function initialize(call: McpCall, beginning: Beginning, outcome: Outcome): Promise<void> {
  const { responder, message, showing, requestId, signal } = beginning
  if (fieldOf(call.head.fields, 'mcp-session-id') !== undefined)
    throw new ProtocolError('a session that is begun within another one')
  const asked = { ...message, params: offered(message.params) }
  const { answer, needles } = await send(call, { method: 'POST', message: asked, session: null, requestId, signal })
  try {
    checkStatus(call, null, answer.status)
    const form = formOf(answer)
    for await (const one of incoming(answer, form, needles)) {
      const response = one.message?.kind === 'response' ? one.message : null
      if (response === null) continue
      const isOwn = response.id === null ? answer.status >= 400 : idKey(response.id) === idKey(message.id)
      if (!isOwn) continue
      const { message: shown, values } = shownAnswer({ ...response, id: message.id }, showing)
      outcome.maskedValues += values
      outcome.tag = response.error === null ? 'ok' : `error ${response.error.code}`
      if (response.error === null)
        responder.sessionId = open(call, answer.fields, response.result?.get('protocolVersion'))
      outcome.result = response.error === null ? 'done' : 'failed'
      if (shown !== null) responder.answer(shown)
      return
    }
    throw unreadable('it ends without an answer')
  } finally {
    answer.body.destroy()
  }
}

/** What a client can do is nobody's business but its own person's: the server may not ask for any of it. */
function offered(params: McpRequest['params']): McpRequest['params'] {
  const version = params.get('protocolVersion')
  const isKnown = typeof version === 'string' && protocolVersions.includes(version)
  const latest = protocolVersions.at(-1) ?? ''
  return new Map<string, JsonValue>([
    ...params,
    ['protocolVersion', isKnown ? version : latest],
    ['capabilities', new Map()],
  ])
}

function open(
  { serving, owner }: McpCall,
  fields: Parameters<typeof fieldOf>[0],
  version: JsonValue | undefined,
): string {
  const serverId = fieldOf(fields, 'mcp-session-id') ?? null
  // Streamable HTTP, "Session Management": visible ASCII.
  if (serverId !== null && !/^[\x21-\x7e]{1,1024}$/.test(serverId)) throw unreadable('its session id is none')
  return serving.mcp.open(owner, serverId, typeof version === 'string' ? version : '').id
}
