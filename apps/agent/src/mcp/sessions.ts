// MCP sessions: ids that the gateway makes, each good for one caller at one target as its document is, and for nobody else. The
// server's own ids stay here (THREATS ). What a process knows of a session beside the registry is how answers are shown to
// what it has asked itself.
import { createHash } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { type Chain, principalKey } from '@sallyport/base/identity'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { idKey, type McpResponse, type MessageId, messageText, readMessage } from '@sallyport/wire/mcp/message'
import { type EnterMcp, type McpRegistry, nothingShown, type Registered, type ShownText } from './registry.ts'
import { answerBounds, type Showing } from './results.ts'
import { dropped, type Routed, shownAnswer } from './shown-answer.ts'

/** A request that the server was asked and has not answered. */
export interface Pending {
  readonly showing: Showing
  /** By which the server may say how far it is; null: the client did not ask to hear. */
  readonly progressToken: string | null
}

export interface McpSession extends Registered {
  readonly id: string
  /** Throws REQUEST_INVALID for an id that is in use, CONNECTION_LIMIT when there are too many, SESSION_ENDED. */
  begin(id: MessageId, pending: Pending): void
  isPending(id: MessageId): boolean
  /** Settles what was asked, as its client may see the answer. INVARIANT: one to a question that nobody asked goes nowhere. */
  answered(message: McpResponse): Routed | Promise<Routed>
  hasToken(token: string): boolean
  settle(id: MessageId): void
  /** An event's id as the client gets it: nobody else's leads anywhere. */
  eventId(ofServer: string): string
  /** The server's own id of an event; undefined: it is none of this session. */
  ofServer(eventId: string): string | undefined
  /** Of the answers to the server's own requests. */
  readonly signal: AbortSignal
}

export interface McpSessions {
  open(owner: string, serverId: string | null, version: string): McpSession
  /** Undefined where there is none of this owner: whose it is makes no difference. */
  find(owner: string, id: string): McpSession | undefined
  end(id: string): void
}

/** Who may go on with a session: the same caller at the same target, reached in the same way. */
export function ownerOf({ initiator, actors }: Chain, { metadata, spec }: HttpTargetDocument): string {
  const text = JSON.stringify([metadata.name, spec, [initiator, ...actors].map(principalKey)])
  return createHash('sha256').update(text).digest('base64')
}

interface Own {
  readonly session: McpSession
  readonly pending: Map<string, Pending>
  readonly ended: AbortController
}

export function mcpSessions(enter: EnterMcp, random: (bytes: number) => Uint8Array): McpSessions {
  // Of those that the registry has and this process has seen: it says when one is over.
  const all = new Map<string, Own>()
  const registry = enter({
    ended(id) {
      all.get(id)?.ended.abort()
      all.delete(id)
    },
    show: async (id, text) => shownHere(all.get(id), text),
  })
  const ownOf = (id: string, registered: Registered): McpSession => {
    const known = all.get(id)
    if (known !== undefined) return known.session
    const made = sessionOf({ id, ...registered }, registry, () => Buffer.from(random(12)).toString('hex'))
    all.set(id, made)
    return made.session
  }
  return {
    open(owner, serverId, version) {
      const registered = { serverId, version }
      return ownOf(registry.open(owner, registered), registered)
    },
    find(owner, id) {
      const registered = registry.find(owner, id)
      return registered === null ? undefined : ownOf(id, registered)
    },
    end: registry.end,
  }
}

function shownHere(own: Own | undefined, text: string): ShownText {
  const message = readMessage(text, answerBounds)
  if (own === undefined || message.kind !== 'response' || message.id === null) return nothingShown
  const key = idKey(message.id)
  const pending = own.pending.get(key)
  if (pending === undefined) return nothingShown
  own.session.settle(message.id)
  const { message: shown, values } = shownAnswer(message, pending.showing)
  return { text: shown === null ? null : messageText(shown), values }
}

function sessionOf(
  known: Pick<McpSession, 'id' | 'serverId' | 'version'>,
  registry: McpRegistry,
  eventId: () => string,
): Own {
  const { id: session } = known
  const pending = new Map<string, Pending>()
  const ended = new AbortController()
  const settle = (key: string): void => {
    if (pending.delete(key)) registry.settle(session, key)
  }
  return {
    pending,
    ended,
    session: {
      ...known,
      begin(id, one) {
        const key = idKey(id)
        begun(registry.begin(session, key, one.progressToken))
        pending.set(key, one)
      },
      isPending: (id) => pending.has(idKey(id)) || registry.isPending(session, idKey(id)),
      answered(message) {
        if (message.id === null) return dropped
        const key = idKey(message.id)
        const own = pending.get(key)
        if (own === undefined) return answeredElsewhere(registry, session, key, message)
        settle(key)
        return shownAnswer(message, own.showing)
      },
      hasToken: (token) =>
        [...pending.values()].some(({ progressToken }) => progressToken === token) || registry.hasToken(session, token),
      settle: (id) => settle(idKey(id)),
      eventId(ofServer) {
        const event = eventId()
        registry.keepEvent(session, event, ofServer)
        return event
      },
      ofServer: (event) => registry.eventOf(session, event) ?? undefined,
      signal: ended.signal,
    },
  }
}

function begun(how: ReturnType<McpRegistry['begin']>): void {
  switch (how) {
    case 'begun':
      return
    case 'ended':
      throw new SallyportError('SESSION_ENDED', 'the MCP session has ended', { hint: 'begin again with "initialize"' })
    case 'in-use':
      // Of two answers with one id nobody could tell which is which.
      throw new SallyportError('REQUEST_INVALID', 'the id belongs to a request that is not answered yet', {
        hint: 'give each request an id of its own',
      })
    case 'full':
      throw new SallyportError('CONNECTION_LIMIT', 'the session has as many open requests as it may', {
        hint: 'wait for answers, or begin another session',
      })
  }
}

/** What another process asked it alone knows how to show. */
async function answeredElsewhere(
  registry: McpRegistry,
  session: string,
  key: string,
  message: McpResponse,
): Promise<Routed> {
  if (!registry.isPending(session, key)) return dropped
  const { text, values } = await registry.show(session, key, messageText(message))
  return { message: text === null ? null : readMessage(text, answerBounds), values }
}
