// One exchange with a client: what was asked, by whom, and what all exchanges share. Requests of HTTP and messages of MCP are
// read from it in the same way.
import type { Secret } from '@sallyport/base/secret'
import { fieldOf } from '@sallyport/wire/http/fields'
import { mediaOf } from '@sallyport/wire/http/media'
import type { McpPins } from '../mcp/pins.ts'
import type { McpSessions } from '../mcp/sessions.ts'
import type { SqlArguments } from '../session/sql-argument.ts'
import { type RequestBody, requestBody } from './body.ts'
import { type Needles, needlesOf } from './echo.ts'
import type { Inbound, Outbound } from './inbound.ts'
import type { Lasting } from './lasting.ts'
import type { OauthTokens } from './oauth.ts'
import type { RequestHead } from './request.ts'
import type { Room } from './room.ts'
import type { HttpSession, HttpShared } from './session.ts'
import type { Upstreams } from './upstream.ts'

export interface HttpServing extends HttpShared {
  readonly upstreams: Upstreams
  /** For bodies that are kept whole. */
  readonly room: Room
  readonly tokens: OauthTokens
  /** Looks after answers that last. */
  readonly lasting: Lasting
  readonly mcp: McpSessions
  readonly mcpPins: McpPins
  /** For arguments of tools that are SQL. */
  readonly sql: SqlArguments
}

export interface Exchange {
  readonly request: Inbound
  readonly response: Outbound
  readonly head: RequestHead
  readonly session: HttpSession
  readonly serving: HttpServing
}

export const bodyOf = ({ request, response, head, serving }: Exchange): RequestBody =>
  requestBody(request.body, {
    hasBody: head.hasBody,
    kindOf: () => mediaOf(fieldOf(head.fields, 'content-type')).kind,
    length: head.contentLength,
    room: serving.room,
    onAsked: once(() => {
      if (fieldOf(head.fields, 'expect')?.toLowerCase() === '100-continue') response.writeContinue()
    }),
  })

/** Calls it at the first time alone. */
function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    run()
  }
}

const needlesOfList = new WeakMap<readonly Secret[], Needles>()
const needlesOfSession = new WeakMap<HttpSession, readonly [known: Needles, own: Needles]>()

/** What may not go on: every credential of the agent in all its forms, and the caller's own token for the gateway. */
export async function outwardNeedles({
  head,
  session,
  serving,
}: Pick<Exchange, 'head' | 'session' | 'serving'>): Promise<readonly Needles[]> {
  const secrets = await serving.known.current()
  let known = needlesOfList.get(secrets)
  if (known === undefined) {
    known = needlesOf(secrets)
    needlesOfList.set(secrets, known)
  }
  // A session is one of its token.
  const kept = needlesOfSession.get(session)
  if (kept !== undefined && kept[0] === known) return kept
  const made = [known, [Buffer.from(head.token.reveal(), 'utf8')]] as const
  needlesOfSession.set(session, made)
  return made
}

const together = new WeakMap<readonly Needles[], Needles>()

/** Of several lists one, which is kept as long as they are. */
export function flatNeedles(lists: readonly Needles[]): Needles {
  const known = together.get(lists)
  if (known !== undefined) return known
  const made = lists.flat()
  together.set(lists, made)
  return made
}
