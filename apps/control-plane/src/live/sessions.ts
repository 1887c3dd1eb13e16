// Says which sessions grew, after the commit of their entries: at once, then at most once in a while for each, so that a
// busy session does not fill the bus.
import { isId } from '@sallyport/base/ids'
import type { Ingest } from '../grpc/ingest.ts'
import type { Bus } from './bus.ts'

/** Between two hints about one session, in milliseconds. */
const quietMs = 500
/** Sessions whose next hint waits; past it they are told at once. */
const waitingMax = 10_000

/** The same ingest, which also tells the bus. */
export function announcingIngest(ingest: Ingest, bus: Pick<Bus, 'publish'>): Ingest & { stop(): void } {
  const quiet = new Map<string, { again: boolean; readonly timer: NodeJS.Timeout }>()
  const announce = (id: string): void => {
    const state = quiet.get(id)
    if (state !== undefined) {
      state.again = true
      return
    }
    bus.publish({ kind: 'session', id })
    if (quiet.size >= waitingMax) return
    const timer = setTimeout(() => {
      const again = quiet.get(id)?.again === true
      quiet.delete(id)
      if (again) announce(id)
    }, quietMs)
    quiet.set(id, { again: false, timer })
  }
  return {
    async accept(agentId, request) {
      const response = await ingest.accept(agentId, request)
      if (isId(response.session)) announce(response.session)
      return response
    },
    stop() {
      for (const { timer } of quiet.values()) clearTimeout(timer)
    },
  }
}
