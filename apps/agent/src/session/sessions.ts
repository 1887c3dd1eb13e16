// The open sessions of this agent, so that an administrator, a revocation or a stopping agent can end them.
// It knows nothing of protocols: each session brings its own way to end.
import type { SessionId } from '@sallyport/base/ids'

/** Who opened the session and by which token, for revocations. */
export interface SessionIdentity {
  readonly principal: { readonly issuer: string; readonly subject: string }
  readonly token: { readonly issuer: string; readonly id: string; readonly issuedAtMs: number }
}

export interface OpenSession extends SessionIdentity {
  readonly id: SessionId
  readonly target: string
  /** Ends the session with SESSION_ENDED (57P01); the reason goes to the record and the log, not to the client. */
  end(reason: string): void
}

export interface Sessions {
  /** Returns how to take it out again. */
  add(session: OpenSession): () => void
  /** False when there is no such session. */
  kill(id: string, reason: string): boolean
  closeAll(reason: string): void
  /** Ends every session that the predicate names. */
  endWhere(predicate: (session: OpenSession) => boolean, reason: string): void
  readonly size: number
  /** Settles when no session is open any more. */
  empty(): Promise<void>
}

export function openSessions(): Sessions {
  const open = new Map<string, OpenSession>()
  const waiting: (() => void)[] = []
  const endWhere = (predicate: (session: OpenSession) => boolean, reason: string): void => {
    for (const session of [...open.values()]) if (predicate(session)) session.end(reason)
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
    closeAll: (reason) => endWhere(() => true, reason),
    endWhere,
    get size() {
      return open.size
    },
    empty: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
