// MCP sessions: ids that the gateway makes, each good for one caller at one target as its document is, and for nobody else. The
// server's own ids stay here (THREATS ).
import { createHash } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { type Chain, principalKey } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { idKey, type MessageId } from '@sallyport/wire/mcp/message'
import type { Showing } from './results.ts'

/** A request that the server was asked and has not answered. */
export interface Pending {
  readonly showing: Showing
  /** By which the server may say how far it is; null: the client did not ask to hear. */
  readonly progressToken: string | null
}

export interface McpSession {
  readonly id: string
  /** Of the server; null where it keeps none. */
  readonly serverId: string | null
  readonly version: string
  /** Throws REQUEST_INVALID for an id that is in use, CONNECTION_LIMIT when there are too many. */
  begin(id: MessageId, pending: Pending): void
  pending(id: MessageId): Pending | undefined
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
  close(): void
}

interface Kept {
  readonly owner: string
  readonly session: McpSession
  readonly end: () => void
  usedMs: number
}

/** Who may go on with a session: the same caller at the same target, reached in the same way. */
export function ownerOf({ initiator, actors }: Chain, { metadata, spec }: HttpTargetDocument): string {
  const text = JSON.stringify([metadata.name, spec, [initiator, ...actors].map(principalKey)])
  return createHash('sha256').update(text).digest('base64')
}

export function mcpSessions(clock: Clock, random: (bytes: number) => Uint8Array): McpSessions {
  // In the order of their last use.
  const all = new Map<string, Kept>()
  const randomId = (bytes: number): string => Buffer.from(random(bytes)).toString('hex')
  const end = (id: string): void => {
    all.get(id)?.end()
    all.delete(id)
  }
  const makeRoom = (owner: string): void => {
    const nowMs = clock.nowMs()
    for (const [id, { usedMs }] of all) {
      if (nowMs - usedMs < limits.mcpSessionIdleMsMax) break
      end(id)
    }
    const own = [...all].filter(([, kept]) => kept.owner === owner)
    if (own.length >= limits.mcpSessionsPerCallerMax && own[0] !== undefined) end(own[0][0])
    const [oldest] = all.keys()
    if (all.size >= limits.mcpSessionsMax && oldest !== undefined) end(oldest)
  }
  return {
    open(owner, serverId, version) {
      makeRoom(owner)
      const { session, end } = sessionOf({ id: randomId(32), serverId, version }, () => randomId(12))
      all.set(session.id, { owner, session, end, usedMs: clock.nowMs() })
      return session
    },
    find(owner, id) {
      const kept = all.get(id)
      if (kept === undefined || kept.owner !== owner) return undefined
      all.delete(id)
      if (clock.nowMs() - kept.usedMs >= limits.mcpSessionIdleMsMax) {
        kept.end()
        return undefined
      }
      kept.usedMs = clock.nowMs()
      all.set(id, kept)
      return kept.session
    },
    end,
    close() {
      for (const id of [...all.keys()]) end(id)
    },
  }
}

function sessionOf(
  known: Pick<McpSession, 'id' | 'serverId' | 'version'>,
  eventId: () => string,
): { readonly session: McpSession; readonly end: () => void } {
  const pending = new Map<string, Pending>()
  const events = new Map<string, string>()
  const ended = new AbortController()
  const session: McpSession = {
    ...known,
    begin(id, one) {
      const key = idKey(id)
      // Of two answers with one id nobody could tell which is which.
      if (pending.has(key))
        throw new SallyportError('REQUEST_INVALID', 'the id belongs to a request that is not answered yet', {
          hint: 'give each request an id of its own',
        })
      if (pending.size >= limits.mcpPendingPerSessionMax)
        throw new SallyportError('CONNECTION_LIMIT', 'the session has as many open requests as it may', {
          hint: 'wait for answers, or begin another session',
        })
      pending.set(key, one)
    },
    pending: (id) => pending.get(idKey(id)),
    hasToken: (token) => [...pending.values()].some(({ progressToken }) => progressToken === token),
    settle: (id) => void pending.delete(idKey(id)),
    eventId(ofServer) {
      const id = eventId()
      events.set(id, ofServer)
      const [oldest] = events.keys()
      if (events.size > limits.mcpEventsPerSessionMax && oldest !== undefined) events.delete(oldest)
      return id
    },
    ofServer: (id) => events.get(id),
    signal: ended.signal,
  }
  return { session, end: () => ended.abort() }
}
