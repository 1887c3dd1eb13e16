// What a session needs of the outside, in a worker: each question goes to the primary, and each answer to whoever asked.
import { randomBytes } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import type { StatementBudgets } from '../limits/budgets.ts'
import { keptRecords, type TicketAnswer, type Tickets } from '../link/tickets.ts'
import type { Admission } from '../listen/admission.ts'
import { createMemoryGuard } from '../listen/memory.ts'
import { type CancelKeys, cancelKeys } from '../postgres/cancel.ts'
import type { CatalogPool } from '../postgres/catalogs.ts'
import type { PoolShare } from '../postgres/pool-share.ts'
import type { Callers } from '../session/callers.ts'
import type { SessionDeps } from '../session/deps.ts'
import { openSessions, type Sessions } from '../session/sessions.ts'
import type { Asking } from './asking.ts'
import { openCalls } from './calls.ts'
import { errorSaid, type SaidError, type Start, type ToPrimary, type ToWorker } from './messages.ts'
import { passedHolds } from './passed-holds.ts'

export type PortMessage = Exclude<
  ToWorker,
  { kind: 'start' | 'snapshot' | 'revoked' | 'tls' | 'killSession' | 'closeAll' | 'drain' | 'metrics' }
>

export interface Ports {
  readonly asking: Asking
  readonly session: Pick<SessionDeps, 'holds' | 'tickets' | 'tokens' | 'onCatalog'> & {
    readonly budgets: StatementBudgets
    readonly admission: Admission
    readonly callers: Callers
    readonly cancels: CancelKeys
  }
  readonly sessions: Sessions
  share(of: Pick<Start, 'place' | 'workers'>): PoolShare
  sharedCatalogs(own: CatalogPool): CatalogPool
  /** Everything that was written before is on the disk. */
  sync(): Promise<void>
  take(message: PortMessage): void
}

type Send = (message: ToPrimary) => void

export function openPorts(asking: Asking, send: Send, clock: Clock): Ports {
  const open = openEnds(asking, send)
  const places = { last: 0 }
  return {
    asking,
    session: {
      holds: open.holds,
      tickets: open.tickets,
      tokens: {
        async take(jti, expiresAtMs) {
          const { call, answer } = open.tokens.begin()
          send({ kind: 'tokenShown', call, jti, expiresAtMs })
          return await answer
        },
      },
      onCatalog: (target, role, catalog) => send({ kind: 'catalog', target, role, catalog }),
      budgets: sharedBudgets(asking),
      admission: sharedAdmission(asking, places, clock),
      callers: sharedCallers(asking, places),
      cancels: open.cancels,
    },
    sessions: countedSessions(send),
    share(of) {
      const share = shareOf(asking, of)
      open.shares.add(share)
      return share
    },
    sharedCatalogs(own) {
      open.pools.add(own)
      return {
        ...own,
        changed(target) {
          void own.changed(target)
          const { call, answer } = open.catalogs.begin()
          send({ kind: 'catalogChanged', call, target })
          return answer
        },
      }
    },
    async sync() {
      const { call, answer } = open.syncs.begin()
      send({ kind: 'sync', call })
      const error = await answer
      if (error !== null) throw errorSaid(error)
    },
    take: (message) => take(open, message, send, clock),
  }
}

/** What answers go to. */
const openEnds = (asking: Asking, send: Send) => ({
  holds: passedHolds(send, asking),
  tickets: passedTickets(send),
  cancels: sharedCancels(send),
  tokens: openCalls<boolean>(),
  syncs: openCalls<SaidError | null>(),
  catalogs: openCalls<undefined>(),
  shares: new Set<PoolShare>(),
  pools: new Set<CatalogPool>(),
})

function take(open: ReturnType<typeof openEnds>, message: PortMessage, send: Send, clock: Clock): void {
  switch (message.kind) {
    case 'holdOpened':
    case 'holdDecided':
    case 'holdClaimed':
      open.holds.take(message)
      break
    case 'ticketFound':
      open.tickets.found(message.call, message.answer)
      break
    case 'tokenTaken':
      open.tokens.answered(message.call, message.isTaken)
      break
    case 'synced':
      open.syncs.answered(message.call, message.error)
      break
    case 'catalogKnown':
      open.catalogs.answered(message.call, undefined)
      break
    case 'catalogChanged':
      for (const own of open.pools) void own.changed(message.target)
      send({ kind: 'catalogKnown', call: message.call })
      break
    case 'cancel':
      open.cancels.passed(message, message.address, clock.nowMs())
      break
    case 'share':
      for (const share of open.shares) share.onNews(message.news)
      break
  }
}

function passedTickets(send: Send): Tickets & { found(call: number, answer: TicketAnswer): void } {
  const records = keptRecords()
  const calls = openCalls<TicketAnswer>()
  return {
    known: (id) => records.get(id),
    async ask(id, spend) {
      const { call, answer } = calls.begin()
      send({ kind: 'ticketWanted', call, id, spend })
      const found = await answer
      records.put(id, found.record)
      return found
    },
    found: calls.answered,
  }
}

/** Nothing is asked about where no limit is. */
const sharedBudgets = ({ ask }: Asking): StatementBudgets => ({
  take: (claims) => (claims.length === 0 ? null : ask({ kind: 'take', claims })),
  look: (claims) => (claims.length === 0 ? null : ask({ kind: 'look', claims })),
})

/** This process' heap has a bound of its own; resident memory counts for all together. */
function sharedAdmission({ ask, tell }: Asking, places: { last: number }, clock: Clock): Admission {
  const heap = createMemoryGuard(() => clock.nowMs(), Number.POSITIVE_INFINITY)
  return {
    enter(address) {
      if (heap.isFull) return 'the agent has no memory for another connection'
      places.last += 1
      const place = places.last
      const full = ask({ kind: 'enterDoor', place, address, residentBytes: process.memoryUsage.rss() })
      if (full !== null) return full
      let isWaiting = true
      return {
        authenticated() {
          if (isWaiting) tell({ kind: 'authenticated', place })
          isWaiting = false
        },
        leave: () => tell({ kind: 'leave', place }),
      }
    },
  }
}

const sharedCallers = ({ ask, tell }: Asking, places: { last: number }): Callers => ({
  enter({ issuer, subject }) {
    places.last += 1
    const place = places.last
    const full = ask({ kind: 'enterCaller', place, issuer, subject })
    if (full !== null) throw errorSaid(full)
    let isIn = true
    return () => {
      if (isIn) tell({ kind: 'leave', place })
      isIn = false
    }
  },
})

/** A session's key is known to its own worker alone, and the client that cancels may reach any. */
function sharedCancels(send: Send): CancelKeys & { readonly passed: CancelKeys['request'] } {
  const own = cancelKeys(randomBytes)
  return {
    ...own,
    request(asked, address, nowMs) {
      const isAdmitted = own.request(asked, address, nowMs)
      if (isAdmitted) send({ kind: 'cancel', ...asked, address })
      return isAdmitted
    },
    passed: own.request,
  }
}

const shareOf = ({ ask, tell }: Asking, { place, workers }: Pick<Start, 'place' | 'workers'>): PoolShare => ({
  more: (group, max) => ask({ kind: 'more', group, max }),
  give: (group, count) => tell({ kind: 'give', group, count }),
  wait: (group, caller, max) => ask({ kind: 'wait', group, caller, max }),
  waited: (group, caller) => tell({ kind: 'waited', group, caller }),
  onNews: () => {},
  partOf: (count) => Math.floor((count + place) / workers),
})

/** How many there are goes to the primary soon after it changes, for heartbeats. */
function countedSessions(send: Send): Sessions {
  const own = openSessions()
  let isDue = false
  const changed = (): void => {
    if (isDue) return
    isDue = true
    setTimeout(() => {
      isDue = false
      send({ kind: 'sessions', count: own.size })
    }, countedMs).unref()
  }
  return {
    ...own,
    get draining() {
      return own.draining
    },
    get size() {
      return own.size
    },
    add(session) {
      const remove = own.add(session)
      changed()
      return () => {
        remove()
        changed()
      }
    },
  }
}
const countedMs = 500
