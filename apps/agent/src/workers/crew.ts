// The workers of an agent, in its primary: started with what they need to know, started again when one ends, and told what
// changes. What a worker asks is answered by answering.ts and member.ts; this file knows which there are.
import { randomBytes } from 'node:crypto'
import { toBinary } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { FloorDocument } from '@sallyport/policy/document'
import { SignedSnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import type { Config } from '../config.ts'
import type { Budgets } from '../limits/budgets.ts'
import { backoffMs, pause } from '../link/backoff.ts'
import { realAfter } from '../link/holds.ts'
import type { Identity } from '../link/identity.ts'
import type { Link } from '../link/link.ts'
import type { SnapshotKeeper } from '../link/snapshot.ts'
import { createAdmission } from '../listen/admission.ts'
import { listenerBounds, type TlsMaterial } from '../listen/deps.ts'
import type { ShownText } from '../mcp/registry.ts'
import type { Metrics } from '../metrics.ts'
import type { OpenRecorder } from '../record/recorder.ts'
import type { CredentialSources, Environment } from '../secrets/broker.ts'
import { createCallers } from '../session/callers.ts'
import type { Log } from '../session/log.ts'
import { callerBlocks } from './caller-blocks.ts'
import type { HttpPrimary } from './http-primary.ts'
import { type Member, startMember } from './member.ts'
import type { SaidError, Start, ToWorker } from './messages.ts'
import { createPermits } from './permits.ts'
import type { WorkerProcess } from './process.ts'
import { openRounds } from './rounds.ts'
import { textOfAll } from './together.ts'
import { createWorkerMemory, type WorkerMemory } from './worker-memory.ts'

export interface CrewDeps {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  /** In [0, 1). */
  readonly random: () => number
  readonly identity: Identity
  readonly tls: TlsMaterial
  readonly floor: FloorDocument | null
  readonly environment: Environment
  /** The same with all that this process has beside them. */
  readonly credentials: CredentialSources
  readonly snapshots: SnapshotKeeper
  readonly recorder: OpenRecorder
  readonly link: Pick<Link, 'holds' | 'tickets' | 'tokens' | 'uploadCatalog' | 'tellQuarantine'>
  readonly budgets: Budgets
  /** Of this process. */
  readonly metrics: Metrics
  readonly startWorkerProcess: () => WorkerProcess
}

export interface Crew {
  readonly port: number
  /** Null where it serves no HTTP. */
  readonly httpPort: number | null
  /** Open sessions of all workers, as they last said. */
  readonly size: number
  kill(session: string, reason: string): void
  closeAll(reason: string): void
  /** Nothing is allowed any more. */
  revoke(): void
  replaceTls(tls: TlsMaterial): void
  /** The metrics of all processes as one. */
  metrics(): Promise<string>
  /** Workers take no new connection, let sessions finish, and end. */
  stop(): Promise<void>
}

/** A worker that served for this long has not failed at its start, in milliseconds. */
const provenMs = 60_000
const startAgain = { firstMs: 250, lastMs: 30_000 }
/** Past the time to drain, in milliseconds: then it is ended. */
const stopMsMax = 5_000

/** All workers listen when it settles, or none is left. Rejects with what the first one says that cannot. */
export async function startCrew(deps: CrewDeps): Promise<Crew> {
  const { config, snapshots } = deps
  const members = new Set<Member>()
  const stopping = new AbortController()
  const memory = createWorkerMemory(() => deps.clock.nowMs(), config.memoryBytesMax)
  const http = await openHttp(deps, memory)
  const shared = sharedOf(deps, members, memory, http)
  const now: Now = { tls: deps.tls, asked: portsOf(config), ports: portsOf(config) }
  const startOf = (place: number): Start => startMessage(deps, place, now)
  const launch = (place: number): Member => {
    // Workers share a socket by the port that they ask for, which may be none; without one left it is the one that it was.
    if (members.size === 0) now.asked = now.ports
    const member = startMember({ deps, shared, process: deps.startWorkerProcess(), place, start: () => startOf(place) })
    members.add(member)
    void member.ended.then(() => members.delete(member))
    return member
  }
  const all = (message: ToWorker): void => {
    for (const member of members) member.send(message)
  }
  const stop = async (): Promise<void> => {
    stopping.abort()
    for (const member of members)
      if (member.isServing) member.send({ kind: 'drain' })
      else member.kill('the agent stops')
    const late = setTimeout(() => {
      for (const member of members) member.kill('it does not end')
    }, config.drainMs + stopMsMax)
    await Promise.all([...members].map(({ ended }) => ended))
    clearTimeout(late)
    await http?.close()
  }
  try {
    const first = Array.from({ length: config.workers }, (_, place) => launch(place))
    for (const member of first) now.ports = await member.listening
    first.forEach((member, place) => void keepUp(deps, member, () => launch(place), stopping.signal))
  } catch (thrown) {
    for (const member of members) member.kill('the agent does not start')
    await stop()
    throw thrown
  }
  passSnapshots(snapshots, all)
  return {
    port: now.ports.port,
    httpPort: now.ports.httpPort,
    get size() {
      return [...members].reduce((sum, { sessions }) => sum + sessions, 0)
    },
    kill: (session, reason) => all({ kind: 'killSession', session, reason }),
    closeAll: (reason) => all({ kind: 'closeAll', reason }),
    revoke: () => all({ kind: 'revoked' }),
    replaceTls(tls) {
      now.tls = withTicketKeys(tls)
      all({ kind: 'tls', tls: now.tls })
    },
    metrics: () => metricsOf(deps.metrics, shared),
    stop,
  }
}

function passSnapshots(snapshots: SnapshotKeeper, all: (message: ToWorker) => void): void {
  snapshots.onChange(() => {
    if (snapshots.signed !== null) all({ kind: 'snapshot', signed: toBinary(SignedSnapshotSchema, snapshots.signed) })
  })
}

async function metricsOf(own: Metrics, { members, metrics }: CrewShared): Promise<string> {
  const serving = [...members].filter(({ isServing }) => isServing)
  return await textOfAll(own, await metrics.ask(serving, (call) => ({ kind: 'metrics', call })))
}

/** What all members count and ask together. */
function sharedOf(
  { budgets, link, clock }: CrewDeps,
  members: ReadonlySet<Member>,
  memory: WorkerMemory,
  http: HttpPrimary | null,
) {
  return {
    answering: {
      budgets,
      callers: createCallers(listenerBounds.connectionsPerCallerMax),
      admission: createAdmission(listenerBounds, memory, () => clock.nowMs()),
      permits: createPermits(realAfter),
      holds: link.holds,
      memory,
      http: http?.shares ?? null,
      blocks: callerBlocks(limits.httpRequestsPerCallerMax, limits.workerCallerBlock),
    },
    http,
    members,
    metrics: openRounds<object[]>(metricsMsMax),
    // Past this age nobody judges by what was read before.
    catalogs: openRounds<undefined>(limits.catalogAgeMsMax),
    shown: openRounds<ShownText | SaidError>(shownMsMax),
  }
}
export type CrewShared = ReturnType<typeof sharedOf>

/** For workers to say what they have counted, in milliseconds; one that is late is not in the sum. */
const metricsMsMax = 2_000

/** For a worker to show an answer of MCP that came to another, in milliseconds; past it nothing of it goes on. */
const shownMsMax = 10_000

/** Its libraries are loaded where HTTP is served, and nowhere else. */
async function openHttp(deps: CrewDeps, memory: WorkerMemory): Promise<HttpPrimary | null> {
  if (deps.config.http === undefined) return null
  const { openHttpPrimary } = await import('./http-primary.ts')
  return openHttpPrimary({
    ...deps,
    environment: deps.credentials,
    random: randomBytes,
    memory,
    mcpDirectory: deps.config.dataDirectory,
    onQuarantine: deps.link.tellQuarantine,
  })
}

/** What workers are told to begin with. */
interface Now {
  tls: TlsMaterial
  asked: Ports
  /** As they are. */
  ports: Ports
}
export type Ports = Pick<Start, 'port' | 'httpPort'>

const portsOf = ({ listen, http }: Config): Ports => ({ port: listen.port, httpPort: http?.port ?? null })

/** Sessions of TLS that began at one worker go on at another. */
const withTicketKeys = (tls: TlsMaterial): TlsMaterial => ({ ...tls, ticketKeys: randomBytes(48) })

function startMessage(deps: CrewDeps, place: number, now: Now): Start {
  const { identity, floor, environment, snapshots } = deps
  const { joinToken: _, ...config } = deps.config
  now.tls = now.tls.ticketKeys === undefined ? withTicketKeys(now.tls) : now.tls
  const { agentId, agentName, installation, caCertificate, snapshotKey, snapshotKeyId } = identity
  return {
    kind: 'start',
    place,
    workers: config.workers,
    config,
    ...now.asked,
    identity: {
      ...{ agentId, agentName, installation, caCertificate, snapshotKey, snapshotKeyId },
      maskKey: identity.maskKey.reveal(),
    },
    tls: now.tls,
    floor,
    environment: { ...environment },
    snapshot: snapshots.signed === null ? null : toBinary(SignedSnapshotSchema, snapshots.signed),
  }
}

/** For as long as the agent runs there is a worker at this place, or one is on its way. */
async function keepUp(deps: CrewDeps, first: Member, launch: () => Member, signal: AbortSignal): Promise<void> {
  let member = first
  let failures = 0
  for (;;) {
    const startedMs = performance.now()
    await member.ended
    if (signal.aborted) return
    failures = performance.now() - startedMs > provenMs ? 0 : failures + 1
    await pause(backoffMs(failures, deps.random, startAgain), signal)
    if (signal.aborted) return
    member = launch()
    member.listening.catch((thrown: unknown) => {
      const { code, message } =
        thrown instanceof SallyportError ? thrown : { code: 'INTERNAL', message: String(thrown) }
      deps.log.error({ code, reason: message }, 'worker-not-started')
    })
  }
}
