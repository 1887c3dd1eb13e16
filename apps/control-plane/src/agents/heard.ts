// What agents say of themselves all the time (that they live, which snapshot they have) is gathered and written together: a
// thousand agents cost the store five statements a second and not a hundred.
// INVARIANT: nothing is decided by what is not written yet; it is for people to look at.
import type { Logger } from 'pino'
import type { Db } from '../db.ts'
import { onlineMs } from './rules.ts'
import { type Heard, noteHeard, notLastSeen } from './store.ts'

/** Gathered for, in milliseconds. */
const gatherMs = 200

export interface AgentsHeard {
  /** It lives. */
  seen(id: string, at: Date): void
  applied(id: string, version: bigint): void
  /** It stops, and is not to be named to anybody who looks for a target: written at once, over what was heard before. */
  leaving(id: string, at: Date): Promise<void>
  /** Writes what is left. */
  stop(): Promise<void>
}

/** Holds one note an agent; there is no more than one for each link that is open or was in the last moment. */
export function gatherHeard(deps: { readonly db: Db; readonly log: Logger }): AgentsHeard {
  const notes = new Map<string, Heard>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const write = async (): Promise<void> => {
    const taken = [...notes.values()]
    notes.clear()
    if (taken.length === 0) return
    try {
      await noteHeard(deps.db, taken)
    } catch (err) {
      deps.log.warn({ event: 'agents-not-noted', agents: taken.length, err })
      // What came meanwhile is newer.
      for (const note of taken) notes.set(note.id, { ...note, ...notes.get(note.id) })
      later()
    }
  }
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      running = running.then(write)
    }, gatherMs)
  }
  const note = (heard: Heard): void => {
    notes.set(heard.id, { ...notes.get(heard.id), ...heard })
    later()
  }
  return {
    seen: (id, at) => note({ id, at }),
    applied: (id, applied) => note({ id, applied }),
    async leaving(id, at) {
      const { applied } = notes.get(id) ?? {}
      notes.delete(id)
      if (applied !== undefined) note({ id, applied })
      await running
      await notLastSeen(deps.db, id, new Date(at.getTime() - onlineMs))
    },
    async stop() {
      await running.then(write)
      clearTimeout(timer)
    },
  }
}
