// How a client of MCP is answered: one message as JSON, or several as events once there is something to say before the answer.
import type { SallyportError } from '@sallyport/base/errors'
import { eventText } from '@sallyport/wire/http/events'
import { type McpMessage, messageText } from '@sallyport/wire/mcp/message'
import type { Outbound } from '../http/inbound.ts'
import { drained } from '../http/relay.ts'

export interface Responder {
  /** From here on everything goes as events. */
  stream(): void
  readonly isStreaming: boolean
  /** One event, with an id by which the client may go on. Throws what the meter says. */
  event(
    message: McpMessage | null,
    more?: { readonly id?: string | null; readonly retry?: string | null },
  ): Promise<void>
  /** The last message. */
  answer(message: McpMessage, status?: number): void
  /** A notification went on, or was dropped. */
  accepted(): void
  /** Without a last message. */
  end(): void
  /** Set before the answer begins. */
  sessionId: string | null
  /** Counts what goes; a limit ends it. */
  meter: { take(bytes: number): SallyportError | null } | null
  readonly bytes: number
}

export function responderOf(response: Outbound, signal: AbortSignal): Responder {
  let bytes = 0
  let isStreaming = false
  const count = (text: string): void => {
    const length = Buffer.byteLength(text)
    const error = responder.meter?.take(length) ?? null
    if (error !== null) throw error
    bytes += length
  }
  const begin = (status: number, contentType: string | null): void => {
    if (response.headersSent) return
    response.writeHead(status, {
      ...(contentType === null ? {} : { 'content-type': contentType }),
      'cache-control': 'no-store',
      via: '1.1 sallyport',
      ...(responder.sessionId === null ? {} : { 'mcp-session-id': responder.sessionId }),
    })
  }
  const responder: Responder = {
    stream() {
      isStreaming = true
      begin(200, 'text/event-stream')
      response.flushHeaders()
    },
    get isStreaming() {
      return isStreaming
    },
    async event(message, { id = null, retry = null } = {}) {
      const data = message === null ? null : messageText(message)
      const text = eventText({ event: null, data, id, retry })
      count(text)
      if (!response.write(text)) await drained(response, signal)
    },
    answer(message, status = 200) {
      const data = messageText(message)
      const text = isStreaming ? eventText({ event: null, data, id: null, retry: null }) : data
      if (response.destroyed || response.writableEnded) return
      count(text)
      begin(status, 'application/json')
      response.end(text)
    },
    accepted() {
      begin(202, null)
      response.end()
    },
    end: () => void response.end(),
    sessionId: null,
    meter: null,
    get bytes() {
      return bytes
    },
  }
  return responder
}
