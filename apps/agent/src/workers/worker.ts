// One worker from its first message to its end: it serves sessions on connections that it is handed, by snapshots that it verifies
// itself, and has the primary count and write what is counted and written for all.
// INVARIANT: without its primary it serves nobody.
import { randomBytes } from 'node:crypto'
import { fromBinary } from '@bufbuild/protobuf'
import { systemClock } from '@sallyport/base/clock'
import { asSallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { SignedSnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import type { Logger } from 'pino'
import { keepHeapSmall } from '../heap.ts'
import { openPassedSnapshots, type SnapshotKeeper } from '../link/snapshot.ts'
import type { TlsMaterial } from '../listen/deps.ts'
import type { HttpListener, HttpListenerDeps } from '../listen/http.ts'
import { startListener } from '../listen/listener.ts'
import { createLog } from '../log.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { loadParser } from '../parser.ts'
import { openCatalogs } from '../postgres/catalogs.ts'
import { createPool } from '../postgres/pool.ts'
import { dynamicPathsOf } from '../secrets/dynamic-paths.ts'
import { openKeepers } from '../secrets/keepers.ts'
import { AgentSources, loadSealingKey } from '../secrets/sealed.ts'
import { callerAuthorityOf, maskHashOf, monotonicUs } from '../session/keys.ts'
import type { Sessions } from '../session/sessions.ts'
import { openAsking } from './asking.ts'
import { isToWorker, type Start, saidError, type ToPrimary, type ToWorker } from './messages.ts'
import { openPorts, type Ports, partOf } from './ports.ts'
import { pipeDescriptor } from './process.ts'
import { passedRecorder } from './spooling.ts'

/** Called in a process that was started as a worker. */
export function runWorker(): void {
  keepHeapSmall()
  const lost = (): never => process.exit(lostStatus)
  // Whoever stops the agent stops the primary, which tells us.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('disconnect', lost)
  let untaken = 0
  const send = (message: ToPrimary, sent: () => void = () => {}): void => {
    untaken += 1
    if (process.send === undefined || untaken > limits.workerMessagesMax) lost()
    process.send?.(message, undefined, undefined, () => {
      untaken -= 1
      sent()
    })
  }
  const ports = openPorts(openAsking(pipeDescriptor, lost), send, systemClock)
  let serving: Promise<Serving> | undefined
  process.on('message', (message: unknown) => {
    if (!isToWorker(message)) return
    if (message.kind !== 'start') return void serving?.then((one) => take(message, one))
    serving = serve(message, ports, send)
    serving.catch((thrown: unknown) =>
      send({ kind: 'failed', error: saidError(asSallyportError(thrown)) }, () => process.exit(1)),
    )
  })
  send({ kind: 'ready' })
}

/** Of a worker that has lost its primary. */
const lostStatus = 70

interface Serving {
  readonly listeners: readonly { replaceTls(tls: TlsMaterial): void }[]
  readonly sessions: Sessions
  readonly snapshots: SnapshotKeeper
  readonly ports: Ports
  readonly metrics: Metrics
  readonly log: Logger
  readonly send: (message: ToPrimary, sent?: () => void) => void
  /** Lets sessions finish, and gives back what was lent. */
  close(): Promise<void>
}

async function serve(start: Start, ports: Ports, send: Serving['send']): Promise<Serving> {
  const { config, identity, environment } = start
  const clock = systemClock
  const log = createLog(config.logLevel).child({ worker: start.place })
  const snapshots = openPassedSnapshots({ identity, floor: start.floor, clock, log })
  if (start.snapshot !== null) apply(snapshots, start.snapshot, log)
  const sealing = await loadSealingKey(config.dataDirectory, identity.agentId)
  const keepers = openKeepers({ config, clock, environment })
  snapshots.onChange((snapshot) => keepers.vault?.keep(dynamicPathsOf(snapshot)))
  const sources = new AgentSources(environment, sealing, keepers)
  const metrics = createMetrics()
  const deps = {
    ...ports.session,
    sessions: ports.sessions,
    pool: createPool(undefined, ports.share(start)),
    agent: { id: identity.agentId, name: identity.agentName },
    callerAuthority: callerAuthorityOf(identity),
    snapshots,
    recorder: passedRecorder({ clock, monotonicUs, log }, ports.asking, ports.sync),
    parser: await loadParser(),
    environment: sources,
    maskHash: maskHashOf(new Secret(identity.maskKey)),
    clock,
    monotonicUs,
    random: randomBytes,
    log,
    metrics,
  }
  const { host, tls: clientTls } = config.listen
  const catalogs = ports.sharedCatalogs(openCatalogs(deps))
  const listener = await startListener({ ...deps, catalogs, host, port: start.port, tls: start.tls, clientTls })
  const http = await openHttp(start, ports, { ...deps, catalogs, tls: start.tls })
  send({ kind: 'listening', port: listener.port, httpPort: http?.port ?? null })
  const close = async (): Promise<void> => {
    http?.stop()
    await listener.close(config.drainMs)
    await http?.close()
    await keepers.vault?.close()
  }
  const { sessions } = listener
  return {
    listeners: http === null ? [listener] : [listener, http],
    sessions,
    snapshots,
    ports,
    metrics,
    log,
    send,
    close,
  }
}

/** Null where no HTTP is served: its libraries are not loaded then. */
async function openHttp(
  { config, httpPort, place, workers }: Start,
  ports: Ports,
  deps: Omit<HttpListenerDeps, 'host' | 'port' | 'shares' | 'connectionsPerTargetMax'>,
): Promise<HttpListener | null> {
  if (config.http === undefined || httpPort === null) return null
  const { startHttpListener } = await import('../listen/http.ts')
  return await startHttpListener({
    ...deps,
    host: config.http.host,
    port: httpPort,
    shares: ports.http.shares(),
    // Sockets stay where they are: each worker has its part, and callers of one wait for each other there.
    connectionsPerTargetMax: partOf(limits.httpConnectionsPerTargetMax, { place, workers }),
  })
}

/** What it says of a snapshot the primary has said upward: it looked at the same bytes. */
function apply(snapshots: SnapshotKeeper, signed: Uint8Array, log: Logger): void {
  try {
    const { version } = snapshots.apply(fromBinary(SignedSnapshotSchema, signed))
    log.debug({ version: Number(version) }, 'snapshot-taken')
  } catch (thrown) {
    const { code, message } = asSallyportError(thrown)
    log.error({ code, reason: message }, 'snapshot-refused')
  }
}

function take(message: Exclude<ToWorker, Start>, serving: Serving): void {
  const { listeners, sessions, snapshots, ports, log, send } = serving
  switch (message.kind) {
    case 'snapshot':
      apply(snapshots, message.signed, log)
      break
    case 'revoked':
      snapshots.revoke()
      break
    case 'tls':
      for (const listener of listeners) replaceTls(listener, message, log)
      break
    case 'killSession':
      sessions.kill(message.session, message.reason)
      break
    case 'closeAll':
      sessions.closeAll(message.reason)
      break
    case 'drain':
      void serving.close().then(() =>
        // Behind everything else that was said.
        send({ kind: 'sessions', count: 0 }, () => process.exit(0)),
      )
      break
    case 'metrics':
      void serving.metrics.registry
        .getMetricsAsJSON()
        .then((metrics) => send({ kind: 'metrics', call: message.call, metrics }))
      break
    default:
      ports.take(message)
  }
}

function replaceTls(
  listener: Serving['listeners'][number],
  { tls }: Extract<ToWorker, { kind: 'tls' }>,
  log: Logger,
): void {
  try {
    listener.replaceTls(tls)
  } catch (thrown) {
    log.error({ code: asSallyportError(thrown).code }, 'listener-certificate-refused')
  }
}
