// Who calls on one connection, and at which target: a session for each token and target, with a record of its own. It is
// made with the first request, asked again with each, and ends with the connection.
import { createHash, hash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { SallyportError } from '@sallyport/base/errors'
import { type SessionId, sessionId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import type { DecisionContext } from '@sallyport/policy/decide'
import type { RequestBudgets } from '../limits/budgets.ts'
import type { CurrentSnapshot } from '../link/current.ts'
import { realAfter } from '../link/holds.ts'
import type { SessionRecord } from '../record/record.ts'
import type { KnownSecrets } from '../secrets/known.ts'
import { type AdmittedHttp, admitHttp, stillAdmitted, useUp } from '../session/admit.ts'
import type { Callers } from '../session/callers.ts'
import type { SessionDeps } from '../session/deps.ts'
import { entryPrincipal } from '../session/entry-principal.ts'
import type { HoldDeps } from '../session/hold-execution.ts'
import { sessionInitiators } from '../session/initiator.ts'
import { describeThrown } from '../session/log.ts'
import { createRequestGate, type RequestGate } from '../session/request-gate.ts'
import type { Sessions } from '../session/sessions.ts'
import type { TokenVerifier } from '../session/verified.ts'
import type { Arrivals } from './arrivals.ts'
import { Ending } from './ending.ts'
import { requestSpans } from './held.ts'
import type { RequestHead } from './request.ts'

export interface HttpSession {
  readonly id: SessionId
  readonly admitted: AdmittedHttp
  readonly gate: RequestGate
  /** Fires when the session ends; exchanges stop with it. */
  readonly signal: AbortSignal
  /** The same, for exchanges: nothing is made anew for each of them. */
  readonly ending: Ending
  /** Fires when it should end, and what goes on and on should be told to go. */
  readonly leaving: AbortSignal
  /** When its token is over, with leeway for clocks. */
  readonly expiresAtMs: number
  /** Returns how to say that the exchange is over. */
  begin(): () => void
}

export interface HttpShared {
  readonly deps: SessionDeps
  /** Credentials that no request may carry. */
  readonly known: KnownSecrets
  readonly sessions: Sessions
  readonly budgets: RequestBudgets
  readonly verifier: TokenVerifier
  readonly arrivals: Arrivals
  /** How many connections each caller has. */
  readonly callers: Callers
  /** How many requests each has under way, of all its connections. */
  readonly requests: Callers
  /** How many WebSockets each has open. */
  readonly sockets: Callers
}

export interface ConnectionSessions {
  /** Throws what verifying and admitting throw, and SPOOL_… when there can be no record. */
  of(head: RequestHead, userAgent: string): Promise<HttpSession>
}

interface Open extends HttpSession {
  readonly isIdle: boolean
  isCurrent(nowMs: number): boolean
  end(reason: string): void
}

/** The sessions of one connection. They end when it closes. */
export function connectionSessions(
  socket: Socket,
  shared: HttpShared,
  /** Called when one of them is ended from outside. */
  endConnection: () => void,
): ConnectionSessions {
  const open = new Map<string, Open>()
  const { deps } = shared
  // By caller: how its place is given back. A caller has one place for the whole connection, however many tokens it shows.
  const places = new Map<string, () => void>()
  const enter = ({ issuer, subject }: Parameters<Callers['enter']>[0]): void => {
    const caller = `${issuer}\u0000${subject}`
    if (!places.has(caller) && !socket.destroyed) places.set(caller, shared.callers.enter({ issuer, subject }))
  }
  socket.once('close', () => {
    for (const session of open.values()) session.end('the client closed the connection')
    for (const leave of places.values()) leave()
    places.clear()
  })
  return {
    async of(head, userAgent) {
      const key = `${hash('sha256', head.token.reveal(), 'base64')} ${head.target}`
      const current = (): Open | undefined => {
        const known = open.get(key)
        if (known === undefined || known.isCurrent(deps.clock.nowMs())) return known
        known.end('no longer admitted')
        return undefined
      }
      const known = current()
      if (known !== undefined) return known
      const snapshot = deps.snapshots.current()
      const token = await shared.verifier.verify(head.token.reveal(), snapshot, deps.clock.nowMs())
      const admitted = admitHttp(head.target, token, snapshot)
      enter(admitted.token.principal)
      shared.arrivals.known(socket)
      await useUp(admitted, deps.tokens)
      // A pipelined request may have come to the same meanwhile.
      const raced = current()
      if (raced !== undefined) return raced
      makeRoom(open)
      const made = openSession(
        { socket, shared, admitted, userAgent, snapshotVersion: snapshot.version, endConnection },
        () => open.get(key) === made && open.delete(key),
      )
      open.set(key, made)
      if (socket.destroyed) made.end('the client closed the connection')
      return made
    },
  }
}

function makeRoom(open: Map<string, Open>): void {
  if (open.size < limits.httpSessionsPerConnectionMax) return
  const oldest = [...open.values()].find(({ isIdle }) => isIdle)
  if (oldest === undefined)
    throw new SallyportError('CONNECTION_LIMIT', 'the connection carries as many sessions as it may', {
      hint: 'use another connection for other tokens',
    })
  oldest.end('other sessions took its place')
}

interface Opening {
  readonly socket: Socket
  readonly shared: HttpShared
  readonly admitted: AdmittedHttp
  readonly userAgent: string
  readonly snapshotVersion: number
  readonly endConnection: () => void
}

function openSession(opening: Opening, onEnd: () => void): Open {
  const { socket, shared, admitted } = opening
  const { deps, sessions } = shared
  const target = admitted.target.document.metadata.name
  const id = sessionId(Buffer.from(deps.random(16)).toString('hex'))
  const record = openRecord(opening, id)
  const gate = openGate(opening, id, record)
  const ended = new Ending()
  const leaving = new AbortController()
  setMaxListeners(limits.webSocketsPerCallerMax, leaving.signal)
  const life = lifeOf({
    onLeaving: () => leaving.abort(),
    onEnding() {
      onEnd()
      ended.abort(new SallyportError('SESSION_ENDED', 'the session was ended'))
    },
    // INVARIANT: the outcome of every exchange stands in the record before its end.
    onOver(reason) {
      remove()
      record.close(reason)
      deps.metrics.sessions.dec({ target })
      deps.log.info({ session: id, target, reason, statements: gate.requests }, 'session-closed')
    },
  })
  const remove = sessions.add({
    id,
    target,
    stillAdmitted: (snapshot) => stillAdmitted(admitted, snapshot),
    end(reason) {
      life.end(reason)
      opening.endConnection()
    },
    endWhenIdle: life.endWhenIdle,
  })
  deps.metrics.sessions.inc({ target })
  deps.log.info({ session: id, target, address: socket.remoteAddress }, 'session-opened')
  return {
    id,
    admitted,
    gate,
    get signal() {
      return ended.signal
    },
    ending: ended,
    leaving: leaving.signal,
    expiresAtMs: expiryOf(admitted),
    begin: life.begin,
    get isIdle() {
      return life.isIdle
    },
    isCurrent: (nowMs) =>
      !isExpired(admitted, nowMs) &&
      stillAdmitted(admitted, deps.snapshots.current()) &&
      isSameTarget(admitted, deps.snapshots.current()),
    end: life.end,
  }
}

/** A target that is reached otherwise from now on is another one. */
const isSameTarget = ({ target }: AdmittedHttp, snapshot: CurrentSnapshot): boolean =>
  isDeepStrictEqual(snapshot.targets.get(target.document.metadata.name)?.document.spec, target.document.spec)

/** Ends once, and is over when the last exchange is. */
function lifeOf(on: {
  readonly onLeaving: () => void
  readonly onEnding: () => void
  readonly onOver: (reason: string) => void
}) {
  let running = 0
  let draining: string | null = null
  let ending: string | null = null
  let isOver = false
  const over = (reason: string): void => {
    if (isOver) return
    isOver = true
    on.onOver(reason)
  }
  const end = (reason: string): void => {
    if (ending !== null) return
    ending = reason
    on.onEnding()
    if (running === 0) over(reason)
  }
  return {
    end,
    endWhenIdle(reason: string): void {
      draining = reason
      on.onLeaving()
      if (running === 0) end(reason)
    },
    begin() {
      running += 1
      return () => {
        running -= 1
        if (running > 0) return
        if (ending !== null) over(ending)
        else if (draining !== null) end(draining)
      }
    },
    get isIdle() {
      return running === 0
    },
  }
}

const openGate = (opening: Opening, id: SessionId, record: SessionRecord): RequestGate => {
  const { deps, budgets } = opening.shared
  const { chain } = opening.admitted
  const target = opening.admitted.target.document.metadata.name
  return createRequestGate({
    snapshots: deps.snapshots,
    target,
    isSameTarget: () => isSameTarget(opening.admitted, deps.snapshots.current()),
    chain,
    initiators: sessionInitiators({ ...deps, chain, target, upstreamRole: null }),
    session: decisionSession(opening, id),
    record,
    clock: deps.clock,
    monotonicUs: deps.monotonicUs,
    budgets,
    hold: holdDeps(opening, id),
  })
}

/** Nothing estimates what a request changes. */
const noEstimate = { kind: 'unavailable', reason: 'only the API knows what the request changes' } as const

function holdDeps(opening: Opening, id: SessionId): HoldDeps {
  const { shared, admitted } = opening
  const { deps } = shared
  return {
    holds: deps.holds,
    place: {
      sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
      agent: deps.agent,
      target: admitted.target.document.metadata.name,
      chain: admitted.chain,
      session: decisionSession(opening, id),
      spans: requestSpans,
    },
    scan: () => [],
    clock: deps.clock,
    after: realAfter,
    random: deps.random,
    consoleUrl: () => deps.snapshots.current().consoleUrl,
    reviewers: () => deps.snapshots.current().reviewers,
    estimate: async () => noEstimate,
    isTokenExpired: () => isExpired(admitted, deps.clock.nowMs()),
    onHeld: (request) => deps.log.info({ session: id, request }, 'request-held'),
  }
}

/** A token is good for as long as it was good for at login: leeway for clocks included. */
const expiryOf = ({ token }: AdmittedHttp): number => token.expiresAtMs + limits.clockLeewaySeconds * 1_000
const isExpired = (admitted: AdmittedHttp, nowMs: number): boolean => nowMs >= expiryOf(admitted)

const authentication = 'bearer'

function decisionSession({ socket, admitted, userAgent }: Opening, id: SessionId): DecisionContext['session'] {
  return {
    id,
    upstreamRole: '',
    database: admitted.target.document.metadata.name,
    clientAddress: socket.remoteAddress ?? '',
    applicationName: userAgent,
    tls: true,
    authentication,
  }
}

/** Opens the record with who, what and from where. Throws when it cannot be written: then there is no session. */
function openRecord(opening: Opening, id: SessionId): SessionRecord {
  const { socket, shared, admitted, userAgent, snapshotVersion } = opening
  const { deps } = shared
  const { metadata, spec } = admitted.target.document
  const record = deps.recorder.open(id, spec.recording)
  const waiting = record.append({
    kind: 'session-opened',
    agent: deps.agent.id,
    agentName: deps.agent.name,
    target: metadata.name,
    protocol: 'http',
    upstreamRole: '',
    database: '',
    initiator: entryPrincipal(admitted.chain.initiator),
    actors: admitted.chain.actors.map(entryPrincipal),
    clientAddress: socket.remoteAddress ?? '',
    applicationName: userAgent,
    tls: true,
    authentication,
    tokenIds: admitted.token.token.id === '' ? [] : [admitted.token.token.id],
    snapshotVersion,
  })
  // Every intent waits for the disk itself, and for what was written before it.
  waiting?.catch((thrown: unknown) => deps.log.error({ session: id, cause: describeThrown(thrown) }, 'record-failed'))
  return record
}
