// One exchange with a client of an MCP server, as all its parts see it: who asks, which server, and what it may not carry.
import { SallyportError } from '@sallyport/base/errors'
import type { McpServer } from '@sallyport/policy/mcp-target'
import { fieldOf } from '@sallyport/wire/http/fields'
import type { RequestBody } from '../http/body.ts'
import type { Needles } from '../http/echo.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Tracing } from '../session/tracing.ts'
import type { PinnedServer } from './pins.ts'
import type { McpSession } from './sessions.ts'

export interface McpCall extends Exchange {
  readonly server: McpServer
  /** Of the message, where its `_meta` says it; else of the request. */
  readonly tracing: Tracing
  /** Whose MCP sessions it may go on with. */
  readonly owner: string
  readonly body: RequestBody
  /** What may not go on. */
  readonly needles: readonly Needles[]
  /** Fires when the client is gone. */
  readonly gone: AbortSignal
}

export const pinnedOf = ({ session, server }: McpCall): PinnedServer => ({
  document: session.admitted.target.document,
  server,
})

/** The session that a client goes on with. Throws REQUEST_INVALID without one, NOT_FOUND for one that is not the caller's. */
export function sessionOf({ head, owner, serving }: McpCall): McpSession {
  const id = fieldOf(head.fields, 'mcp-session-id')
  if (id === undefined)
    throw new SallyportError('REQUEST_INVALID', 'there is no MCP session', {
      hint: 'begin with "initialize", and send the Mcp-Session-Id of its answer',
    })
  const session = serving.mcp.find(owner, id)
  if (session === undefined)
    throw new SallyportError('NOT_FOUND', 'there is no MCP session of this id', {
      hint: 'begin again with "initialize"',
    })
  const version = fieldOf(head.fields, 'mcp-protocol-version')
  if (version !== undefined && version !== session.version)
    throw new SallyportError('REQUEST_INVALID', `the session speaks version ${session.version} of MCP`, {
      hint: 'send the version that was negotiated as MCP-Protocol-Version',
    })
  return session
}
