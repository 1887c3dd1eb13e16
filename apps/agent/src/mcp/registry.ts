// Which MCP sessions there are, whose they are and what each has under way, counted once for all who serve them: a client's next
// request may come to another process of the agent. How answers are shown stays with whoever asked the server (sessions.ts).
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'

/** What is known of a session wherever it is served. */
export interface Registered {
  /** Of the server; null where it keeps none. */
  readonly serverId: string | null
  readonly version: string
}

/** An answer as its client may see it. */
export interface ShownText {
  /** One message; null: nothing of it goes on. */
  readonly text: string | null
  /** Values that were hidden. */
  readonly values: number
}

export const nothingShown: ShownText = { text: null, values: 0 }

/** Whoever serves sessions. */
export interface McpHolder {
  /** The session is over. */
  ended(id: string): void
  /** Shows an answer of the server to a request that this one has under way, and settles it. */
  show(id: string, text: string): Promise<ShownText>
}

/** `begun`, or why the request may not begin. */
export type Begun = 'begun' | 'ended' | 'in-use' | 'full'

/** As one holder sees it. Requests go by the key of their id. */
export interface McpRegistry {
  open(owner: string, session: Registered): string
  /** Null where there is none of this owner: whose it is makes no difference. */
  find(owner: string, id: string): Registered | null
  begin(id: string, key: string, progressToken: string | null): Begun
  settle(id: string, key: string): void
  isPending(id: string, key: string): boolean
  hasToken(id: string, token: string): boolean
  /** An event's id of the server's, by what the client got in its place. */
  keepEvent(id: string, event: string, ofServer: string): void
  eventOf(id: string, event: string): string | null
  /** By whoever has the request under way. Nothing, where nobody has. */
  show(id: string, key: string, text: string): Promise<ShownText>
  end(id: string): void
}

/** Enters a holder. */
export type EnterMcp = (holder: McpHolder) => McpRegistry & { leave(): void }

interface Asked {
  readonly by: McpHolder
  readonly progressToken: string | null
}

interface Kept {
  readonly owner: string
  readonly registered: Registered
  readonly pending: Map<string, Asked>
  readonly events: Map<string, string>
  usedMs: number
}

export function openMcpRegistry(clock: Clock, random: (bytes: number) => Uint8Array): EnterMcp {
  // In the order of their last use.
  const all = new Map<string, Kept>()
  const holders = new Set<McpHolder>()
  const end = (id: string): void => {
    if (all.delete(id)) for (const holder of holders) holder.ended(id)
  }
  return (holder) => {
    holders.add(holder)
    return {
      open(owner, registered) {
        makeRoom(all, owner, clock.nowMs(), end)
        const id = Buffer.from(random(32)).toString('hex')
        all.set(id, { owner, registered, pending: new Map(), events: new Map(), usedMs: clock.nowMs() })
        return id
      },
      find(owner, id) {
        const kept = all.get(id)
        if (kept === undefined || kept.owner !== owner) return null
        if (clock.nowMs() - kept.usedMs >= limits.mcpSessionIdleMsMax) {
          end(id)
          return null
        }
        kept.usedMs = clock.nowMs()
        all.delete(id)
        all.set(id, kept)
        return kept.registered
      },
      ...requestsOf(all, holder),
      end,
      leave() {
        holders.delete(holder)
        // Of what it had asked nobody knows any more how the answer is shown.
        for (const { pending } of all.values())
          for (const [key, { by }] of pending) if (by === holder) pending.delete(key)
      },
    }
  }
}

function makeRoom(all: ReadonlyMap<string, Kept>, owner: string, nowMs: number, end: (id: string) => void): void {
  for (const [id, { usedMs }] of all) {
    if (nowMs - usedMs < limits.mcpSessionIdleMsMax) break
    end(id)
  }
  const own = [...all].filter(([, kept]) => kept.owner === owner)
  if (own.length >= limits.mcpSessionsPerCallerMax && own[0] !== undefined) end(own[0][0])
  const [oldest] = all.keys()
  if (all.size >= limits.mcpSessionsMax && oldest !== undefined) end(oldest)
}

/** What is under way in sessions, and the events that clients may go on from. */
function requestsOf(all: ReadonlyMap<string, Kept>, holder: McpHolder): Omit<McpRegistry, 'open' | 'find' | 'end'> {
  return {
    begin(id, key, progressToken) {
      const pending = all.get(id)?.pending
      if (pending === undefined) return 'ended'
      if (pending.has(key)) return 'in-use'
      if (pending.size >= limits.mcpPendingPerSessionMax) return 'full'
      pending.set(key, { by: holder, progressToken })
      return 'begun'
    },
    settle: (id, key) => void all.get(id)?.pending.delete(key),
    isPending: (id, key) => all.get(id)?.pending.has(key) === true,
    hasToken: (id, token) =>
      [...(all.get(id)?.pending.values() ?? [])].some(({ progressToken }) => progressToken === token),
    keepEvent(id, event, ofServer) {
      const events = all.get(id)?.events
      if (events === undefined) return
      events.set(event, ofServer)
      const [oldest] = events.keys()
      if (events.size > limits.mcpEventsPerSessionMax && oldest !== undefined) events.delete(oldest)
    },
    eventOf: (id, event) => all.get(id)?.events.get(event) ?? null,
    async show(id, key, text) {
      const asked = all.get(id)?.pending.get(key)
      return asked === undefined ? nothingShown : await asked.by.show(id, text)
    },
  }
}
