// Follows changes that other replicas make to documents: agents that are linked here get new snapshots at once. A lost
// hint costs one poll.
import type { FastifyBaseLogger } from 'fastify'
import type { Db } from '../db.ts'
import type { Bus } from './bus.ts'
import { countChanges } from './store.ts'

/** Documents are looked at this often even without a hint, in milliseconds. */
const pollMs = 5_000

export interface FollowDeps {
  readonly db: Db
  readonly bus: Pick<Bus, 'listen'>
  readonly log: Pick<FastifyBaseLogger, 'warn'>
}

/** Calls `changed` for changes of other replicas. Returns how to stop. */
export function followDocuments(deps: FollowDeps, changed: () => void): () => void {
  let seen: number | undefined
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    try {
      const now = await countChanges(deps.db)
      if (seen !== undefined && now !== seen) changed()
      seen = now
    } catch (err) {
      deps.log.warn({ event: 'documents-unread', err })
    } finally {
      isLooking = false
    }
  }
  void look()
  const poll = setInterval(() => void look(), pollMs)
  const stopListening = deps.bus.listen({
    heard(hint, from) {
      if (hint.kind === 'resource' && from === 'elsewhere') changed()
    },
    gap: changed,
  })
  return () => {
    stopListening()
    clearInterval(poll)
  }
}
