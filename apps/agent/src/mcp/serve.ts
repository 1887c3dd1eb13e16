// The door to servers of the Model Context Protocol, over HTTP targets: one endpoint, three methods, no page of a browser that
// nobody named (Streamable HTTP; THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import type { McpServer } from '@sallyport/policy/mcp-target'
import { fieldOf } from '@sallyport/wire/http/fields'
import { bodyOf, type Exchange, outwardNeedles } from '../http/exchange.ts'
import type { RequestHead } from '../http/request.ts'
import { postMessage } from './ask.ts'
import { ownerOf } from './sessions.ts'
import { endSession, openStream } from './stream.ts'

/** Settles when the answer is out. Throws what the caller is told as a problem document. */
export async function mcpExchange(exchange: Exchange, server: McpServer): Promise<void> {
  const { head, response, session } = exchange
  checkOrigin(head, server)
  checkEndpoint(head)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const body = bodyOf(exchange)
  const owner = ownerOf(session.admitted.chain, session.admitted.target.document)
  // A stream that waits for news keeps neither its session nor its agent from ending.
  const over = head.method === 'GET' ? () => {} : session.begin()
  try {
    const needles = await outwardNeedles(exchange)
    const call = { ...exchange, server, tracing: head.tracing, owner, body, needles, gone: gone.signal }
    switch (head.method) {
      case 'POST':
        return await postMessage(call)
      case 'GET':
        return await openStream(call)
      case 'DELETE':
        return await endSession(call)
      default:
        throw new SallyportError('METHOD_UNSUPPORTED', 'an MCP server is asked with POST, GET and DELETE')
    }
  } finally {
    body.release()
    over()
  }
}

/** A page that a browser took for a local server has an Origin; a client of MCP has none (Streamable HTTP, "Security Warning"). */
function checkOrigin({ fields }: RequestHead, { origins }: McpServer): void {
  const origin = fieldOf(fields, 'origin')
  if (origin === undefined || origins.includes(origin)) return
  throw new SallyportError('POLICY_DENIED', 'pages of this origin may not ask the MCP server', {
    hint: 'the owner of the target lists origins under "mcp.origins"',
  })
}

function checkEndpoint({ segments, query }: RequestHead): void {
  if (segments.every((segment) => segment === '') && query.length === 0) return
  throw new SallyportError('NOT_FOUND', 'the MCP server has one endpoint', {
    hint: 'ask the URL that "sallyport connect" shows, without more of a path or a query',
  })
}
