// The agent as one running thing: identity, floor, spool, parser, snapshots, link, listener, opened in this order and
// closed in reverse. Reads no environment by itself and ends no process; main.ts does.
import { randomBytes } from 'node:crypto'
import { join as joinPath } from 'node:path'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Catalog } from '@sallyport/sql/catalog'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { startHealth } from './health.ts'
import { type Budgets, createBudgets } from './limits/budgets.ts'
import { readFloor } from './link/floor.ts'
import { type Identity, identityPath, readIdentity, recordKeyPath } from './link/identity.ts'
import { join } from './link/join.ts'
import { type Link, startLink } from './link/link.ts'
import { openSnapshots, type SnapshotKeeper } from './link/snapshot.ts'
import type { HttpListener, HttpListenerDeps } from './listen/http.ts'
import { startListener, type TlsMaterial } from './listen/listener.ts'
import { createMemoryGuard } from './listen/memory.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { loadParser } from './parser.ts'
import { openCatalogs } from './postgres/catalogs.ts'
import { openScan } from './postgres/scan-connection.ts'
import { loadRecordKey } from './record/key.ts'
import { type OpenRecorder, openRecorder } from './record/recorder.ts'
import { startUpload } from './record/upload.ts'
import type { CredentialSources, Environment } from './secrets/broker.ts'
import { dynamicPathsOf } from './secrets/dynamic-paths.ts'
import { openKeepers } from './secrets/keepers.ts'
import { AgentSources, loadSealingKey } from './secrets/sealed.ts'
import { callerAuthorityOf, maskHashOf, monotonicUs } from './session/keys.ts'
import { openSessions } from './session/sessions.ts'
import { version } from './version.ts'
import { type CrewDeps, startCrew } from './workers/crew.ts'
import type { WorkerProcess } from './workers/process.ts'

export interface AgentDeps {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  /** Where credential references of kind `env` are looked up. */
  readonly environment: Environment
  /** In [0, 1). */
  readonly random: () => number
  /** Where the configuration asks for more workers than one. */
  readonly startWorkerProcess: () => WorkerProcess
  /** The control plane revoked this agent; everything must end. */
  readonly onRevoked: (reason: string) => void
}

export interface RunningAgent {
  readonly agentId: string
  readonly agentName: string
  readonly port: number
  /** Null where it serves no HTTP. */
  readonly httpPort: number | null
  readonly metricsPort: number
  /** What an auditor pins. */
  readonly recordKeyFingerprint: string
  /** Takes no new connection, lets sessions finish, sends what is in the spool if it can, closes everything. */
  stop(): Promise<void>
}

/** With the sealing key beside the environment. */
type OpenDeps = Omit<AgentDeps, 'environment'> & { readonly environment: CredentialSources }

type Closers = (() => Promise<unknown> | unknown)[]

/** What is in the spool may still be sent at the end for, in milliseconds; what is left goes with the next start. */
const flushMsMax = 3_000
const flushLookMs = 50

/** Starts everything or nothing. Throws AGENT_NOT_ENROLLED, FLOOR_INVALID, PORT_TAKEN, SPOOL_UNWRITABLE … */
export async function startAgent(deps: AgentDeps): Promise<RunningAgent> {
  const closers: Closers = []
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse())
      await Promise.resolve(close()).catch((err: unknown) => deps.log.error({ err }, 'stop-failed'))
  }
  try {
    return { ...(await open(deps, closers)), stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** The stored identity with the names that the configuration says now, or a new one by the join token. */
export async function enrolled(deps: Pick<AgentDeps, 'config' | 'clock' | 'log'>): Promise<Identity> {
  const { config, clock, log } = deps
  const { dataDirectory, joinToken, advertise, serverNames } = config
  const known = readIdentity(dataDirectory)
  if (known !== undefined) return { ...known, advertise, serverNames: [...serverNames] }
  if (joinToken === undefined)
    throw new SallyportError(
      'AGENT_NOT_ENROLLED',
      `this agent has not joined: there is no "${identityPath(dataDirectory)}"`,
      {
        hint: 'make a token with "sallyport agent join NAME" and start the agent with SALLYPORT_JOIN_TOKEN set to it',
      },
    )
  const identity = await join({
    directory: dataDirectory,
    token: joinToken,
    agentName: config.name,
    advertise,
    serverNames,
    version,
    nowMs: () => clock.nowMs(),
  })
  log.info({ agent: identity.agentId, name: identity.agentName, installation: identity.installation }, 'enrolled')
  return identity
}

async function open(given: AgentDeps, closers: Closers): Promise<Omit<RunningAgent, 'stop'>> {
  const { config, clock, log } = given
  const floor = readFloor(config.floor)
  const identity = await enrolled(given)
  const directory = config.dataDirectory
  const sealing = await loadSealingKey(directory, identity.agentId)
  const keepers = openKeepers(given)
  closers.push(async () => await keepers.vault?.close())
  const deps = { ...given, environment: new AgentSources(given.environment, sealing, keepers) }
  const key = loadRecordKey(recordKeyPath(directory))
  const metrics = createMetrics()
  const recorder = openRecorder({
    directory: joinPath(directory, 'spool'),
    agent: identity.agentId,
    key,
    clock,
    monotonicUs,
    log,
  })
  closers.push(() => recorder.close())
  metrics.watchSpool(() => recorder.spoolBytes)
  const snapshots = openSnapshots({ directory, identity, floor, clock, log })
  closers.push(snapshots.onChange((snapshot) => keepers.vault?.keep(dynamicPathsOf(snapshot))))
  const parts: Parts = { listeners: [], tls: tlsOf(identity) }
  const budgets = createBudgets(clock)
  const link = openLink(deps, { identity, snapshots, recorder, parts, budgets })
  closers.push(() => link.stop())
  closers.push(startUploading(deps, link, recorder))
  const opened = { identity, snapshots, recorder, link, parts, metrics, budgets }
  const doors =
    config.workers === 1
      ? await openDoors(deps, opened, closers)
      : await openCrew(
          deps,
          { ...opened, floor, environment: given.environment, credentials: deps.environment },
          closers,
        )
  closers.push(() => sayDraining(parts, link))
  const shown = { contentType: metrics.contentType, text: doors.metrics }
  const health = await startHealth({ ...config.metrics, metrics: shown, log, notReady: () => notReady(snapshots) })
  closers.push(() => health.stop())
  const { agentId, agentName } = identity
  return {
    agentId,
    agentName,
    port: doors.port,
    httpPort: doors.httpPort,
    metricsPort: health.port,
    recordKeyFingerprint: key.fingerprint,
  }
}

interface Doors {
  readonly port: number
  /** Null where it serves no HTTP. */
  readonly httpPort: number | null
  readonly metrics: () => Promise<string>
}

interface Opened {
  readonly identity: Identity
  readonly snapshots: SnapshotKeeper
  readonly recorder: OpenRecorder
  readonly link: Link
  readonly parts: Parts
  readonly metrics: Metrics
  readonly budgets: Budgets
}

/** Other processes that listen and serve, and ask this one. */
async function openCrew(
  deps: OpenDeps,
  opened: Opened & Pick<CrewDeps, 'floor' | 'environment' | 'credentials'>,
  closers: Closers,
): Promise<Doors> {
  const { parts } = opened
  const crew = await startCrew({ ...deps, ...opened, tls: parts.tls })
  closers.push(() => crew.stop())
  parts.listeners = [crew]
  parts.sessions = crew
  // Renewed while the workers were starting.
  crew.replaceTls(parts.tls)
  return { port: crew.port, httpPort: crew.httpPort, metrics: crew.metrics }
}

/** The listeners, which share sessions, budgets and catalogs. */
async function openDoors(
  { config, clock, log, environment }: OpenDeps,
  opened: Opened,
  closers: Closers,
): Promise<Doors> {
  const { identity, snapshots, recorder, link, parts, metrics, budgets } = opened
  const parser = await loadParser()
  const sessions = openSessions()
  const listening = {
    sessions,
    budgets,
    memory: createMemoryGuard(() => clock.nowMs(), config.memoryBytesMax),
    agent: { id: identity.agentId, name: identity.agentName },
    tls: parts.tls,
    callerAuthority: callerAuthorityOf(identity),
    snapshots,
    recorder,
    holds: link.holds,
    tickets: link.tickets,
    tokens: link.tokens,
    parser,
    environment,
    maskHash: maskHashOf(identity.maskKey),
    clock,
    monotonicUs,
    random: randomBytes,
    log,
    metrics,
    onCatalog: (target: string, role: string, catalog: Catalog) => link.uploadCatalog(target, role, catalog),
    mcpDirectory: config.dataDirectory,
    onQuarantine: link.tellQuarantine,
  }
  const all = { ...listening, catalogs: openCatalogs(listening) }
  const { tls: clientTls, ...at } = config.listen
  const listener = await startListener({ ...all, ...at, clientTls })
  const late: { http: HttpListener | null } = { http: null }
  closers.push(async () => {
    late.http?.stop()
    await listener.close(config.drainMs)
    await late.http?.close()
  })
  const http = config.http === undefined ? null : await openHttp({ ...all, ...config.http })
  late.http = http
  parts.listeners = http === null ? [listener] : [listener, http]
  parts.sessions = sessions
  // Renewed while the listeners were starting.
  for (const one of parts.listeners) one.replaceTls(parts.tls)
  return { port: listener.port, httpPort: http?.port ?? null, metrics: metrics.text }
}

/** Its libraries are loaded where HTTP is served, and nowhere else. */
async function openHttp(deps: HttpListenerDeps): Promise<HttpListener> {
  const { startHttpListener } = await import('./listen/http.ts')
  return await startHttpListener(deps)
}

/** The control plane names this agent to nobody any more. */
function sayDraining(parts: Parts, link: Link): void {
  parts.isDraining = true
  link.beat()
}

/** What the link and the listener, each started without the other, tell each other. */
interface Parts {
  listeners: readonly { replaceTls(tls: TlsMaterial): void }[]
  sessions?: {
    readonly size: number
    kill(id: string, reason: string): void
    closeAll(reason: string): void
    revoke?(): void
  }
  /** It takes no new connection any more. */
  isDraining?: true
  tls: TlsMaterial
}

const tlsOf = (identity: Identity): TlsMaterial => ({
  certificate: identity.serverCertificate,
  key: identity.serverKey.reveal(),
  authority: identity.caCertificate,
})

function openLink(deps: OpenDeps, opened: Omit<Opened, 'link' | 'metrics'>): Link {
  const { identity, snapshots, recorder, parts, budgets } = opened
  const { config, clock, log, random, environment } = deps
  const onDisk = readIdentity(config.dataDirectory)
  return startLink({
    directory: config.dataDirectory,
    identity,
    renewFirst: onDisk?.serverNames.join() !== identity.serverNames.join(),
    snapshots,
    clock,
    random,
    randomBytes,
    log,
    version,
    advertiseHttp: config.advertiseHttp,
    budgets,
    scan: openScan({ snapshots, clock, environment, random: randomBytes }),
    load: () => ({
      sessions: parts.sessions?.size ?? 0,
      spoolBytes: recorder.spoolBytes,
      isDraining: parts.isDraining === true,
    }),
    onKillSession: (session, reason) => {
      log.info({ session }, 'kill-session')
      parts.sessions?.kill(session, reason)
    },
    onRevoked: (reason) => {
      parts.sessions?.revoke?.()
      parts.sessions?.closeAll('agent revoked')
      deps.onRevoked(reason)
    },
    onRenewed: (next) => {
      parts.tls = tlsOf(next)
      try {
        for (const one of parts.listeners) one.replaceTls(parts.tls)
      } catch (thrown) {
        log.error({ code: asSallyportError(thrown).code }, 'listener-certificate-refused')
      }
    },
  })
}

/** Returns how to end: sends what it can for a short while, then stops. */
function startUploading(deps: OpenDeps, link: Link, recorder: OpenRecorder): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const uploading = startUpload({ recorder, open: () => link.openIngest(signal), signal, log: deps.log })
  uploading.catch((err: unknown) => deps.log.error({ err }, 'upload-ended'))
  return async () => {
    const endMs = performance.now() + flushMsMax
    while (link.isUp && recorder.spoolBytes > 0 && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, flushLookMs))
    stopping.abort()
    await uploading.catch(() => undefined)
  }
}

function notReady(snapshots: SnapshotKeeper): string | null {
  try {
    snapshots.current()
    return null
  } catch (thrown) {
    return asSallyportError(thrown).message
  }
}
