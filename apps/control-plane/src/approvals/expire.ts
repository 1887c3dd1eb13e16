// Ends requests whose time is over, tells waiting calls and outsiders, and shreds texts at the end of their retention.
// Every replica may do it: each change names the state that it changes from, so that one wins.
import type { FastifyBaseLogger } from 'fastify'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type AnnounceDeps, announce } from './announce.ts'
import * as store from './store.ts'

/** How often requests whose time is over are looked for, in milliseconds. Nothing is decided or run late in between. */
const sweepMs = 1_000
/** Requests of one sweep. */
const sweepMax = 200
/** How often texts at the end of their retention are looked for, in milliseconds. */
const shredMs = 3_600_000
const dayMs = 86_400_000

/** True when this call ended it. A denial stays a denial; only a retry no longer finds it. */
export async function expire(deps: AnnounceDeps, tx: Tx, id: string): Promise<boolean> {
  const at = new Date(deps.clock.nowMs())
  const over = { openKey: null, endedAt: at }
  const request = await store.lockRequest(tx, id)
  if (request === null || request.expiresAt > at) return false
  if (request.state === 'denied') {
    await store.closeDenied(tx, id)
    return false
  }
  const isFirst =
    (await store.changeState(tx, id, 'pending', 'expired', { ...over, settledAt: at })) ||
    (await store.changeState(tx, id, 'approved', 'expired', over))
  if (isFirst) await announce(deps, tx, 'approval.expired', request)
  return isFirst
}

export type SweepDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'bus' | 'config'>

/** One look for requests whose time is over. */
export async function expireOverdue(deps: SweepDeps): Promise<number> {
  const overdue = await store.findOverdue(deps.db, new Date(deps.clock.nowMs()), sweepMax)
  let ended = 0
  for (const { id } of overdue) {
    if (!(await store.inHold(deps.db, async (tx) => await expire(deps, tx, id)))) continue
    ended++
    deps.bus.publish({ kind: 'approval', id })
  }
  if (overdue.length > 0) await store.removeStaleCalls(deps.db)
  return ended
}

/** One look for texts at the end of their retention. */
export async function shredOld(deps: Pick<SweepDeps, 'db' | 'clock' | 'config'>): Promise<number> {
  const nowMs = deps.clock.nowMs()
  return await store.shred(deps.db, new Date(nowMs - deps.config.heldTextDays * dayMs), new Date(nowMs))
}

/** Sweeps until it is stopped. */
export function startSweeps(deps: SweepDeps & { readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'> }): () => void {
  const repeat = (everyMs: number, event: string, sweep: () => Promise<number>): NodeJS.Timeout => {
    let isRunning = false
    const run = (): void => {
      if (isRunning) return
      isRunning = true
      sweep()
        .then((count) => {
          if (count > 0) deps.log.info({ event, count })
        })
        .catch((err: unknown) => deps.log.warn({ event: `${event}-failed`, err }))
        .finally(() => {
          isRunning = false
        })
    }
    run()
    return setInterval(run, everyMs)
  }
  const timers = [
    repeat(sweepMs, 'holds-expired', () => expireOverdue(deps)),
    repeat(shredMs, 'held-texts-shredded', () => shredOld(deps)),
  ]
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}
