// What a session needs of the outside, in a worker: each question goes to the primary, and each answer to whoever asked.
import { randomBytes } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import type { RequestBudgets } from '../limits/budgets.ts'
import { keptRecords, type TicketAnswer, type Tickets } from '../link/tickets.ts'
import type { Admission } from '../listen/admission.ts'
import { type CancelKeys, cancelKeys } from '../postgres/cancel.ts'
import type { CatalogPool } from '../postgres/catalogs.ts'
import type { PoolShare } from '../postgres/pool-share.ts'
import type { Callers } from '../session/callers.ts'
import type { SessionDeps } from '../session/deps.ts'
import { openSessions, type Sessions } from '../session/sessions.ts'
import type { Asking } from './asking.ts'
import { openCalls } from './calls.ts'
import { countedAdmission, countedBudgets, countedCallers, openCounting } from './counted.ts'
import { type HttpPortMessage, type HttpPorts, isOfHttp, openHttpPorts } from './http-ports.ts'
import { errorSaid, type SaidError, type Start, type ToPrimary, type ToWorker } from './messages.ts'
import { passedHolds } from './passed-holds.ts'

export type PortMessage = Exclude<
  ToWorker,
  { kind: 'start' | 'snapshot' | 'revoked' | 'tls' | 'killSession' | 'closeAll' | 'drain' | 'metrics' }
>

export interface Ports {
  readonly asking: Asking
  readonly session: Pick<SessionDeps, 'holds' | 'tickets' | 'tokens' | 'onCatalog'> & {
    readonly budgets: RequestBudgets
    readonly admission: Admission
    readonly callers: Callers
    readonly cancels: CancelKeys
  }
  readonly sessions: Sessions
  /** Of HTTP. */
  readonly http: Pick<HttpPorts, 'shares'>
  share(of: Pick<Start, 'place' | 'workers'>): PoolShare
  sharedCatalogs(own: CatalogPool): CatalogPool
  /** Everything that was written before is on the disk. */
  sync(): Promise<void>
  take(message: PortMessage): void
}

type Send = (message: ToPrimary) => void

export function openPorts(asking: Asking, send: Send, clock: Clock): Ports {
  const open = openEnds(asking, send)
  const counting = openCounting(asking, clock)
  const http = openHttpPorts(counting, send)
  return {
    asking,
    http,
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
      budgets: countedBudgets(counting),
      admission: countedAdmission(counting, 'enterDoor'),
      callers: countedCallers(counting),
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
    take: (message) => (isOfHttp(message) ? http.take(message) : take(open, message, send, clock)),
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

function take(
  open: ReturnType<typeof openEnds>,
  message: Exclude<PortMessage, HttpPortMessage>,
  send: Send,
  clock: Clock,
): void {
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

/** What this worker has of so many: with the parts of the others exactly as many. */
export const partOf = (count: number, { place, workers }: Pick<Start, 'place' | 'workers'>): number =>
  Math.floor((count + place) / workers)

const shareOf = ({ ask, tell }: Asking, { place, workers }: Pick<Start, 'place' | 'workers'>): PoolShare => ({
  more: (group, max) => ask({ kind: 'more', group, max }),
  give: (group, count) => tell({ kind: 'give', group, count }),
  wait: (group, caller, max) => ask({ kind: 'wait', group, caller, max }),
  waited: (group, caller) => tell({ kind: 'waited', group, caller }),
  onNews: () => {},
  partOf: (count) => partOf(count, { place, workers }),
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
