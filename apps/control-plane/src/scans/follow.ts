// Tells the agents that are linked here which targets to scan. The wish is stored; hints and a slow poll say when to look,
// so that it does not matter at which replica somebody asked.
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { ScanRequestedSchema } from '@sallyport/proto/gen/sallyport/v1/scan_pb'
import type { FastifyBaseLogger } from 'fastify'
import type { Db } from '../db.ts'
import type { GreetedLink, Links } from '../grpc/links.ts'
import type { Bus } from '../live/bus.ts'
import { answerMsMax } from './scans.ts'
import { findAsked } from './store.ts'

/** Wishes are looked for this often even without a hint, in milliseconds. */
const pollMs = 3_000

export interface FollowScansDeps {
  readonly db: Db
  readonly clock: Clock
  readonly bus: Pick<Bus, 'listen'>
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>
  readonly links: Pick<Links, 'linked'>
}

/** Returns how to stop. */
export function followScans(deps: FollowScansDeps): () => void {
  /** Once for each scan and link; an agent that comes back on a new link hears it again. */
  const told = new WeakMap<GreetedLink, Set<string>>()
  const look = async (): Promise<void> => {
    const links = deps.links.linked()
    if (links.length === 0) return
    try {
      const ids = links.map((link) => link.agentId)
      for (const scan of await findAsked(deps.db, ids, new Date(deps.clock.nowMs() - answerMsMax))) {
        const link = links.find((one) => one.agentId === scan.agentId)
        if (link === undefined) continue
        const known = told.get(link) ?? new Set()
        if (known.has(scan.id)) continue
        told.set(link, known.add(scan.id))
        const { id, target, rows } = scan
        link.send({ case: 'scanRequested', value: create(ScanRequestedSchema, { scan: id, target, rows }) })
        deps.log.info({ event: 'scan-requested', scan: id, target, agent: scan.agentId })
      }
    } catch (err) {
      deps.log.warn({ event: 'scans-unread', err })
    }
  }
  const poll = setInterval(() => void look(), pollMs)
  const stopListening = deps.bus.listen({
    heard(hint) {
      if (hint.kind === 'scan') void look()
    },
    gap: () => void look(),
  })
  return () => {
    stopListening()
    clearInterval(poll)
  }
}
