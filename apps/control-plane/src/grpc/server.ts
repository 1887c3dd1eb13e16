// The gRPC listener: one port, TLS 1.3, Enroll for everyone with a join token, all else for agents with a certificate.
import { Server, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type {
  JoinRequest,
  JoinResponse,
  RenewRequest,
  RenewResponse,
} from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import { EnrollService, RenewService } from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import { IngestService } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { LinkService } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { grpcService } from '@sallyport/proto/grpc'
import type { Logger } from 'pino'
import { type AgentsHeard, gatherHeard } from '../agents/heard.ts'
import type { InstallationKeys } from '../agents/keys.ts'
import { certificateName, hostOf } from '../agents/rules.ts'
import type { Db } from '../db.ts'
import type { Bus } from '../live/bus.ts'
import type { Publisher } from '../policies/publish.ts'
import { stream, unary } from './calls.ts'
import { OptionalClientCertificate } from './credentials.ts'
import { createEnrollCalls } from './enroll.ts'
import type { Holds } from './hold.ts'
import { type Ingest, type IngestCall, serveIngest } from './ingest.ts'
import { createLeases } from './lease.ts'
import { type LinkCall, serveLink } from './link.ts'
import { createLinks, type Links } from './links.ts'
import { authenticateAgent } from './peer.ts'

export interface GrpcDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  readonly randomBytes: (size: number) => Buffer
  readonly keys: InstallationKeys
  readonly publisher: Publisher
  readonly ingest: Ingest
  readonly holds: Holds
  readonly bus: Pick<Bus, 'publish'>
  /** Where to listen (port 0: any free one), and the `host:port` that agents dial. */
  readonly listen: { readonly host: string; readonly port: number; readonly advertise: string }
}

export interface GrpcServer {
  readonly port: number
  readonly links: Links
  stop(): Promise<void>
}

const options = {
  'grpc.max_receive_message_length': limits.grpcMessageBytesMax,
  'grpc.max_send_message_length': limits.grpcMessageBytesMax,
  /** Streams of one connection: Link, Ingest and a few calls. */
  'grpc.max_concurrent_streams': 16,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  /** A connection without calls is closed: whoever is not an agent has no reason to keep one. */
  'grpc.max_connection_idle_ms': 60_000,
}
/** How often it is looked whether the listener's certificate must be renewed, in milliseconds. */
const renewalLookMs = 60_000
/** Open calls get this long at shutdown, in milliseconds. */
const drainMsMax = 3_000

/** Listens. Throws PORT_TAKEN or NO_PERMISSION. */
export async function startGrpc(deps: GrpcDeps): Promise<GrpcServer> {
  const names = listenerNames(deps.listen)
  const { authority } = deps.keys
  let issued = await authority.issueControlPlane(names)
  const credentials = new OptionalClientCertificate(authority, issued)
  const links = createLinks(deps)
  const heard = gatherHeard(deps)
  const server = new Server(options)
  addServices(
    server,
    deps,
    links,
    heard,
    names.map((name) => name.value),
  )
  const port = await bind(server, deps.listen, credentials)
  let renewAtMs = renewalTime(deps.clock.nowMs(), issued.notAfterMs)
  const renewal = setInterval(() => {
    if (deps.clock.nowMs() < renewAtMs) return
    renewAtMs = Number.POSITIVE_INFINITY
    authority
      .issueControlPlane(names)
      .then((next) => {
        issued = next
        credentials.replace(issued)
        deps.log.info({ event: 'grpc-certificate-renewed' })
      })
      .catch((err: unknown) => deps.log.error({ event: 'grpc-certificate-failed', err }))
      .finally(() => {
        renewAtMs = renewalTime(deps.clock.nowMs(), issued.notAfterMs)
      })
  }, renewalLookMs)
  renewal.unref()
  deps.log.info({ event: 'grpc-listening', port })
  return {
    port,
    links,
    async stop() {
      clearInterval(renewal)
      links.stop()
      await shutdown(server)
      await heard.stop()
    },
  }
}

/** After half of what is left. */
const renewalTime = (nowMs: number, notAfterMs: number): number => nowMs + Math.max(0, (notAfterMs - nowMs) / 2)

function listenerNames(listen: GrpcDeps['listen']) {
  const hosts = [hostOf(listen.advertise), listen.host, 'localhost', '127.0.0.1', '::1']
  const names = hosts.flatMap((host) => {
    const name = host === undefined ? undefined : certificateName(host)
    return name === undefined || ['0.0.0.0', '::'].includes(name.value) ? [] : [name]
  })
  return [...new Map(names.map((name) => [name.value, name])).values()]
}

async function bind(
  server: Server,
  listen: GrpcDeps['listen'],
  credentials: OptionalClientCertificate,
): Promise<number> {
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${listen.port}`, credentials, (error, port) => {
      if (error === null) return resolve(port)
      const message = `cannot listen on "${host}:${listen.port}" for agents`
      const code = /EACCES/.test(error.message) ? 'NO_PERMISSION' : 'PORT_TAKEN'
      reject(new SallyportError(code, message, { cause: error, hint: 'set SALLYPORT_GRPC_PORT' }))
    })
  })
}

async function shutdown(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown()
      resolve()
    }, drainMsMax)
    server.tryShutdown(() => {
      clearTimeout(force)
      resolve()
    })
  })
}

/** The only place where methods are given to the server: each but Join passes `authenticateAgent` first. */
function addServices(
  server: Server,
  deps: GrpcDeps,
  links: Links,
  heard: AgentsHeard,
  ownNames: readonly string[],
): void {
  const { log, keys } = deps
  const peer = { ...deps, installation: keys.installation, authority: keys.authority }
  const enroll = createEnrollCalls({ ...deps, ownNames })
  const authenticated = (call: Parameters<typeof authenticateAgent>[1]) => authenticateAgent(peer, call)

  const join = unary<JoinRequest, JoinResponse>(log, 'join', async (call) => {
    const response = await enroll.join(call.request)
    log.info({ event: 'agent-enrolled', agent: response.agentId, name: call.request.agentName })
    return response
  })
  const renew = unary<RenewRequest, RenewResponse>(log, 'renew', async (call) => {
    const agent = await authenticated(call)
    return await enroll.renew(agent, call.request)
  })
  const ingest = stream<IngestCall>(log, 'ingest', authenticated, links, (agent, call, failed) =>
    serveIngest(deps.ingest, agent, call, failed),
  )
  const leases = createLeases({ ...deps, links })
  const link = stream<LinkCall>(log, 'link', authenticated, links, (agent, call, failed) =>
    serveLink({ ...deps, links, leases, heard }, agent, call, failed),
  )
  const add = (service: Parameters<typeof grpcService>[0], methods: UntypedServiceImplementation) =>
    server.addService(grpcService(service), methods)
  add(EnrollService, { join })
  add(RenewService, { renew })
  add(IngestService, { ingest })
  add(LinkService, { link })
}
