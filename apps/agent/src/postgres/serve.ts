// The life of one PostgreSQL connection, as a story: greet, verify, admit, open the record, connect with the injected
// credential, answer, run, close. Each step needs the value that the step before returned.
import { createHash } from 'node:crypto'
import { boundBy } from '@sallyport/base/bound'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError } from '@sallyport/base/errors'
import { type SessionId, sessionId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { durationMs } from '@sallyport/policy/duration'
import type { StatementBudgets } from '../limits/budgets.ts'
import { realAfter } from '../link/holds.ts'
import { countStatement } from '../metrics.ts'
import type { SessionRecord } from '../record/record.ts'
import { boundToRole, resolveLogin } from '../secrets/broker.ts'
import { type Admitted, admit, stillAdmitted, stillAdmittedNow, useUp } from '../session/admit.ts'
import type { FactsCache } from '../session/analysis.ts'
import type { Callers } from '../session/callers.ts'
import type { CatalogSource, OwnCatalogSource } from '../session/catalog-source.ts'
import { isShownAsOurs, readCallerCertificate } from '../session/certificate.ts'
import type { SessionDeps } from '../session/deps.ts'
import { entryPrincipal } from '../session/entry-principal.ts'
import { createGate, type Gate } from '../session/gate.ts'
import type { HoldDeps } from '../session/hold-execution.ts'
import { sessionInitiators } from '../session/initiator.ts'
import { describeThrown } from '../session/log.ts'
import type { Sessions } from '../session/sessions.ts'
import { setText } from '../session/start-settings.ts'
import { type Origin, openTicket } from '../session/ticket.ts'
import type { TokenVerifier } from '../session/verified.ts'
import type { CancelKeys } from './cancel.ts'
import type { CatalogPool, SharedCatalog } from './catalogs.ts'
import type { CredentialWatch } from './credential-watch.ts'
import type { DeadlineBounds } from './deadlines.ts'
import type { Departures } from './departures.ts'
import type { Estimates } from './estimate.ts'
import { type Doors, type Encrypt, type Greeting, Handshake } from './handshake.ts'
import { injectedLogin } from './injected.ts'
import { type Admission, judgeStart, judgingOf, sessionFacts } from './judging.ts'
import { LentConnection } from './lent.ts'
import { createMachine } from './machine.ts'
import { oauthPlaceOf } from './oauth-server.ts'
import { type OpenedTarget, openTarget } from './open-target.ts'
import { createOwnCatalog } from './own-catalog.ts'
import { settingsRead } from './parameters.ts'
import type { Pool } from './pool.ts'
import { type Run, runSession } from './run.ts'
import { defaultUser, type ListenerTls } from './startup.ts'
import { clientVanished } from './state.ts'
import { heldSpans, scanTokens } from './tokens.ts'
import { type TurnedAway, turnAway } from './turn-away.ts'
import { connectUpstream, type Upstream, type UpstreamLogin } from './upstream.ts'
import { serverVersionOf, welcome } from './welcome.ts'

/** What all connections of a listener share. */
export interface Shared {
  readonly deps: SessionDeps
  readonly sessions: Sessions
  readonly cancels: CancelKeys
  readonly facts: FactsCache
  readonly catalogs: CatalogPool
  readonly estimates: Estimates
  readonly budgets: StatementBudgets
  readonly pool: Pool
  readonly credentials: CredentialWatch
  readonly departures: Departures
  readonly callers: Callers
  readonly verifier: TokenVerifier
}

export interface Connection extends Origin, TurnedAway {
  readonly encrypt: Encrypt
  /** Whether tickets may log in without it. */
  readonly tls: ListenerTls
  /** Called once the client has authenticated, or never: the deadline of the listener ends there. */
  readonly onAuthenticated: () => void
  /** For one message of the client, once it is in, in milliseconds. */
  readonly messageMsMax: number
  /** For the client to take what was written to it, in milliseconds. */
  readonly stalledMsMax: number
}

/** Settles when the connection is over. Never rejects. */
export async function serveConnection(connection: Connection, shared: Shared): Promise<void> {
  const run = await begun(connection, shared)
  await run?.ended
}

/** Null where no session begins. What only a login needs is not kept for as long as a session lasts. */
async function begun(connection: Connection, shared: Shared): Promise<Run | null> {
  const { deps } = shared
  const startedUs = deps.monotonicUs()
  const handshake = new Handshake(connection.socket, connection.encrypt, doorsOf(connection, deps))
  const done = (outcome: string) =>
    deps.metrics.admitSeconds.observe({ outcome }, (deps.monotonicUs() - startedUs) / 1_000_000)
  try {
    const greeting = await handshake.greet()
    if (greeting.kind === 'cancel') {
      shared.cancels.request(greeting, connection.address, deps.clock.nowMs())
      connection.socket.destroy()
      return null
    }
    const run = await openSession(connection, greeting, shared)
    done('admitted')
    return run
  } catch (thrown) {
    const error = asSallyportError(thrown)
    done('refused')
    await turnAway(handshake.stream, error, connection, deps)
    return null
  }
}

const doorsOf = (connection: Connection, deps: SessionDeps): Doors => {
  const { tickets, snapshots, maskHash, random, clock, callerAuthority } = deps
  const ticketDeps = { tickets, snapshots, maskHash, random, after: realAfter, nowMs: () => clock.nowMs() }
  return {
    tls: connection.tls,
    random,
    openTicket: (name) => openTicket(ticketDeps, name, connection),
    async openCertificate(certificate) {
      if (callerAuthority === undefined || !isShownAsOurs(certificate, callerAuthority)) return null
      return await readCallerCertificate(certificate, callerAuthority, snapshots.current(), clock.nowMs())
    },
    oauthPlace: () => oauthPlaceOf(snapshots.current()),
  }
}

async function openSession(connection: Connection, greeting: Greeting, shared: Shared): Promise<Run> {
  const { deps } = shared
  const { startup } = greeting
  const nowMs = deps.clock.nowMs()
  const snapshot = deps.snapshots.current()
  const { shown } = greeting
  const token = shown instanceof Secret ? await shared.verifier.verify(shown.reveal(), snapshot, nowMs) : shown
  // A ticket's user name is its own; the role is the one that it was issued for.
  const user = startup.ticket === null ? startup.user : defaultUser
  const admitted = admit({ target: startup.database, user, defaultUser }, token, snapshot)
  await useUp(admitted, deps.tokens)
  connection.onAuthenticated()
  const leave = shared.callers.enter(admitted.token.principal)
  try {
    const run = await connectSession({ connection, greeting, shared, admitted, snapshotVersion: snapshot.version })
    void run.ended.then(leave)
    return run
  } catch (thrown) {
    leave()
    throw thrown
  }
}

/** Judges what the client has set, takes a connection to the target, and lets the session begin on it. */
async function connectSession(
  admission: Pick<Opened, 'connection' | 'greeting' | 'shared' | 'admitted' | 'snapshotVersion'>,
): Promise<Run> {
  const { connection, greeting, shared, admitted } = admission
  const { deps } = shared
  const id = sessionId(Buffer.from(deps.random(16)).toString('hex'))
  const asked = { ...admission, id }
  const catalog = shared.catalogs.borrow(admitted)
  try {
    await judgeStart(admissionOf(asked), catalog)
    const login = await injectedLogin(admitted, greeting.startup.settings, connection.signal, deps)
    const target = await openTarget(admitted, login, shared)
    try {
      return startSession({ ...asked, catalog, login, target, upstream: target.upstream })
    } catch (thrown) {
      target.drop()
      throw thrown
    }
  } catch (thrown) {
    catalog.release()
    throw thrown
  }
}

const admissionOf = ({ connection, greeting, shared, admitted, id }: Asked): Admission => {
  const { deps, facts } = shared
  return { admitted, id, address: connection.address, greeting, deps, facts }
}

type Asked = Pick<Opened, 'connection' | 'greeting' | 'shared' | 'admitted' | 'id'>

interface Opened {
  readonly connection: Connection
  readonly greeting: Greeting
  readonly shared: Shared
  readonly admitted: Admitted
  readonly id: SessionId
  readonly catalog: ReturnType<CatalogPool['borrow']>
  readonly login: UpstreamLogin
  readonly target: OpenedTarget
  readonly upstream: Upstream
  readonly snapshotVersion: number
}

function startSession(opened: Opened): Run {
  const { connection, greeting, shared, admitted, id, upstream, catalog } = opened
  const { deps, sessions, cancels } = shared
  const targetName = admitted.target.document.metadata.name
  const counts = deps.metrics.countsOf(targetName)
  const record = openRecord(opened)
  const lent = new LentConnection()
  const gate = openGate(opened, record, { ...catalog, own: ownCatalogOf(opened, lent, catalog) })
  const key = cancels.issue(greeting.startup.minor, connection.address, () => run.cancel())
  greeting.stream.write(welcome(upstream, key))
  if (upstream.leftover.length > 0) upstream.socket.unshift(upstream.leftover)
  const run = runSession({
    client: greeting.stream,
    link: opened.target.link,
    machine: createMachine({
      serverVersion: serverVersionOf(upstream),
      hash: deps.maskHash,
      settings: settingsRead(upstream, greeting.startup.judged),
    }),
    gate,
    record,
    lent,
    deadlines: deadlinesOf(opened),
    departures: shared.departures,
    monotonicUs: deps.monotonicUs,
    log: deps.log,
    onCatalogChanged: () => shared.catalogs.changed(targetName),
    isTokenExpired: () => isTokenExpired(admitted, deps.clock),
    onOutcome: (running, outcome) => {
      countStatement(counts, outcome)
      counts.rows += running.rows
      counts.maskedValues += running.maskedValues
    },
  })
  deps.metrics.sessions.inc({ target: targetName })
  deps.metrics.pooled.inc({ target: targetName, reused: String(opened.target.isReused) })
  deps.log.info({ session: id, target: targetName, address: connection.address }, 'session-opened')
  const remove = sessions.add({
    id,
    target: targetName,
    stillAdmitted: (snapshot) => stillAdmitted(admitted, snapshot),
    end: (reason) => run.end(reason),
    endWhenIdle: (reason) => run.endWhenIdle(reason),
  })
  // A revocation may have come while the target was being connected to.
  if (!stillAdmittedNow(admitted, deps.snapshots)) run.end('no longer admitted')
  // So may the end of the agent, which waits for every session that there is.
  if (sessions.draining !== null) run.end(sessions.draining)
  void run.ended.then((reason) => {
    remove()
    key.release()
    catalog.release()
    deps.metrics.sessions.dec({ target: targetName })
    const code = reason === clientVanished ? { code: 'CLIENT_VANISHED' } : {}
    deps.log.info({ session: id, target: targetName, reason, ...code, statements: gate.statements }, 'session-closed')
  })
  return run
}

const deadlinesOf = ({ connection, admitted }: Opened): DeadlineBounds => ({
  messageMsMax: connection.messageMsMax,
  stalledMsMax: connection.stalledMsMax,
  idleInTransactionMsMax: durationMs(admitted.target.document.spec.idleInTransaction),
})

const ownCatalogOf = ({ upstream, shared }: Opened, lent: LentConnection, catalog: SharedCatalog): OwnCatalogSource =>
  createOwnCatalog({
    lent,
    clock: shared.deps.clock,
    serverVersion: serverVersionOf(upstream),
    serverEncoding: upstream.parameters.get('server_encoding') ?? '',
    shared: catalog,
  })

function openGate(opened: Opened, record: SessionRecord, catalog: CatalogSource): Gate {
  const { shared, admitted, id } = opened
  const { deps } = shared
  const { snapshots, tokens, clock } = deps
  const { chain, upstreamRole } = admitted
  const { metadata, spec } = admitted.target.document
  const isTold = spec.initiatorSetting !== undefined
  return createGate({
    ...judgingOf(admissionOf(opened)),
    initiators: sessionInitiators({ chain, target: metadata.name, upstreamRole, isTold, snapshots, tokens, clock }),
    catalog,
    record,
    scan: scanTokens,
    monotonicUs: deps.monotonicUs,
    hold: holdDeps(opened),
    budgets: shared.budgets,
    onRefused: (error) => {
      countStatement(deps.metrics.countsOf(metadata.name), 'denied')
      deps.log.info({ session: id, code: error.code, cause: describeThrown(error.cause) }, 'statement-denied')
    },
  })
}

/** A token is good for as long as it was good for at login: leeway for clocks included. */
const isTokenExpired = ({ token }: Admitted, clock: Clock): boolean =>
  clock.nowMs() >= token.expiresAtMs + limits.clockLeewaySeconds * 1_000

function holdDeps(opened: Opened): HoldDeps {
  const { shared, admitted, connection, login, id } = opened
  const { deps, estimates } = shared
  const { chain, target, credential } = admitted
  const connect = async (parameters: UpstreamLogin['parameters'], signal: AbortSignal) => {
    const bound = boundToRole(target.document, admitted.upstreamRole)
    const ends = boundBy([signal, connection.signal])
    try {
      const resolved = await resolveLogin(credential, deps.environment, bound)
      return await connectUpstream({ ...login, ...resolved, parameters, signal: ends.signal })
    } finally {
      ends.release()
    }
  }
  return {
    holds: deps.holds,
    place: {
      sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
      agent: deps.agent,
      target: target.document.metadata.name,
      chain,
      session: sessionFacts(admissionOf(opened)),
      spans: heldSpans,
    },
    scan: scanTokens,
    clock: deps.clock,
    after: realAfter,
    random: deps.random,
    consoleUrl: () => deps.snapshots.current().consoleUrl,
    reviewers: () => deps.snapshots.current().reviewers,
    estimate: (held, chain) => estimates.of(held, { chain, parser: deps.parser, clock: deps.clock, connect }),
    isTokenExpired: () => isTokenExpired(admitted, deps.clock),
    onHeld: (request) => deps.log.info({ session: id, request }, 'statement-held'),
  }
}

/** Opens the record with who, what and from where. Throws when it cannot be written: then there is no session. */
function openRecord(opened: Opened): SessionRecord {
  const { connection, greeting, shared, admitted, id } = opened
  const { deps } = shared
  const { metadata, spec } = admitted.target.document
  const settings = [...greeting.startup.judged].map(([name, value]) => setText(name, value))
  const record = deps.recorder.open(id, spec.recording)
  const waiting = record.append({
    kind: 'session-opened',
    agent: deps.agent.id,
    agentName: deps.agent.name,
    target: metadata.name,
    protocol: 'postgres',
    upstreamRole: admitted.upstreamRole,
    database: spec.database,
    initiator: entryPrincipal(admitted.chain.initiator),
    actors: admitted.chain.actors.map(entryPrincipal),
    clientAddress: connection.address,
    applicationName: greeting.startup.applicationName,
    tls: greeting.encrypted,
    authentication: greeting.authentication,
    tokenIds: admitted.token.token.id === '' ? [] : [admitted.token.token.id],
    snapshotVersion: opened.snapshotVersion,
    ...(settings.length === 0 ? {} : { settings }),
  })
  // Every intent waits for the disk itself, and for what was written before it.
  waiting?.catch((thrown: unknown) => deps.log.error({ session: id, cause: describeThrown(thrown) }, 'record-failed'))
  return record
}
