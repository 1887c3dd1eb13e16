// The open sessions of this agent, so that an administrator, a revocation or a stopping agent can end them.
// It knows nothing of protocols: each session brings its own way to end.
import type { SessionId } from '@sallyport/base/ids'
import type { CurrentSnapshot } from '../link/current.ts'

export interface OpenSession {
  readonly id: SessionId
  readonly target: string
  /** Would it be admitted under this snapshot? Asked at every change. */
  stillAdmitted(snapshot: CurrentSnapshot): boolean
  /** Ends the session with SESSION_ENDED (57P01); the reason goes to the record and the log, not to the client. */
  end(reason: string): void
  /** The same, once nothing runs and no transaction is open. */
  endWhenIdle(reason: string): void
}

export interface Sessions {
  /** Returns how to take it out again. */
  add(session: OpenSession): () => void
  /** False when there is no such session. */
  kill(id: string, reason: string): boolean
  closeAll(reason: string): void
  /** Each ends as soon as it is idle. */
  drain(reason: string): void
  /** Why, once they do: a session that was being opened meanwhile has to end itself. Null before. */
  readonly draining: string | null
  /** Ends every session that this snapshot would not admit. */
  review(snapshot: CurrentSnapshot): void
  readonly size: number
  /** Settles when no session is open any more. */
  empty(): Promise<void>
}

export function openSessions(): Sessions {
  const open = new Map<string, OpenSession>()
  const waiting: (() => void)[] = []
  let draining: string | null = null
  const each = (visit: (session: OpenSession) => void): void => {
    for (const session of [...open.values()]) visit(session)
  }
  return {
    add(session) {
      open.set(session.id, session)
      return () => {
        if (open.get(session.id) !== session) return
        open.delete(session.id)
        if (open.size === 0) for (const settle of waiting.splice(0)) settle()
      }
    },
    kill(id, reason) {
      const session = open.get(id)
      session?.end(reason)
      return session !== undefined
    },
    closeAll: (reason) => each((session) => session.end(reason)),
    drain(reason) {
      draining = reason
      each((session) => session.endWhenIdle(reason))
    },
    get draining() {
      return draining
    },
    review: (snapshot) =>
      each((session) => {
        if (!session.stillAdmitted(snapshot)) session.end('no longer admitted')
      }),
    get size() {
      return open.size
    },
    empty: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
