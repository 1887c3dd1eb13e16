// The control plane as one running thing: store, keys, HTTP, gRPC, metrics, opened in this order and closed in reverse.
// Reads no environment and ends no process; main.ts does.
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import type { Secret } from '@sallyport/base/secret'
import type { Logger } from 'pino'
import { type InstallationKeys, openKeys } from './agents/keys.ts'
import { buildApp } from './app.ts'
import { startSweeps } from './approvals/expire.ts'
import { audienceOf, type Config } from './config.ts'
import { type Db, isStoreConflict, openDb } from './db.ts'
import type { Deps } from './deps.ts'
import { createHolds } from './grpc/hold.ts'
import type { Links } from './grpc/links.ts'
import { startGrpc } from './grpc/server.ts'
import { isStoreReady } from './http/store.ts'
import { createIssuerFetch, issuerReachOf } from './identities/issuer-fetch.ts'
import { createIssuerKeys } from './identities/issuers.ts'
import { openTokenKey } from './identities/token-key.ts'
import { builtInIssuerDocument, jwksOf } from './identities/tokens.ts'
import { createIngest } from './ingest/ingest.ts'
import { type Bus, openBus } from './live/bus.ts'
import { followDocuments } from './live/follow.ts'
import { followKills } from './live/kill.ts'
import { postgresCarrier } from './live/postgres.ts'
import { redisCarrier } from './live/redis.ts'
import { announcingIngest } from './live/sessions.ts'
import { createMetrics } from './metrics.ts'
import { migrate } from './migrate.ts'
import { startDispatcher } from './notifications/dispatch.ts'
import type { Sender } from './notifications/send.ts'
import { reachOf } from './notifications/webhooks.ts'
import { loadParser } from './parser.ts'
import { applyBootstrap } from './policies/apply.ts'
import { createPublisher, type Publisher } from './policies/publish.ts'
import { hasAdmins } from './policies/rules.ts'
import { readDocuments } from './policies/store.ts'
import { followScans } from './scans/follow.ts'
import { createProviders } from './signin/providers.ts'
import { makeSetupLink } from './signin/setup.ts'
import { ticketSaltBy } from './tickets/scram.ts'
import { openVault } from './vault.ts'

export interface Running {
  /** Where HTTP really listens; another than configured when the port was 0. */
  readonly httpPort: number
  readonly grpcPort: number
  readonly metricsPort: number
  /** For the operator's terminal while nobody is an administrator: who opens it becomes the first one. */
  readonly setupLink: Secret | null
  /** Takes no new work, finishes what runs, closes everything. */
  stop(): Promise<void>
}

type Closers = (() => Promise<unknown> | unknown)[]

/** Starts everything or nothing. Throws STORE_UNREACHABLE, PORT_TAKEN, NO_PERMISSION, CONFIG_INVALID … */
export async function startControlPlane(config: Config, log: Logger, clock: Clock): Promise<Running> {
  const closers: Closers = []
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse())
      await Promise.resolve(close()).catch((err: unknown) => log.error({ event: 'stop-failed', err }))
  }
  try {
    return { ...(await open(config, log, clock, closers)), stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

async function open(config: Config, log: Logger, clock: Clock, closers: Closers) {
  const { keysDirectory: directory, installation } = config
  const keys = await openKeys({ directory, installation, clock, randomBytes })
  const tokenKey = await openTokenKey(config.keysDirectory)
  const db = await openStore(config, log)
  closers.push(() => db.$disconnect())
  const bus = await openHints(config, log, closers)
  const askIssuer = createIssuerFetch(issuerReachOf(config))
  const issuerKeys = createIssuerKeys({
    db,
    clock,
    log,
    ask: askIssuer,
    changed: () => void publisher.publish(),
  })
  closers.push(() => issuerKeys.stop())
  const publisher = createPublisher({
    db,
    clock,
    log,
    installation: config.installation,
    signer: keys.snapshotSigner,
    issuerKeys: () => issuerKeys.current(),
    builtInIssuer: { document: builtInIssuerDocument(config), jwks: jwksOf(tokenKey) },
    audience: audienceOf(config),
    consoleUrl: config.publicUrl,
  })
  closers.push(() => publisher.stop())
  const shared = { config, db, clock, log, randomBytes, bus, vault: openVault(config.keysDirectory) }
  const grpc = await listenGrpc(shared, keys, publisher, closers)
  const refresh = async (): Promise<void> => {
    await Promise.all([publisher.publish(), issuerKeys.refresh()])
  }
  follow(shared, grpc.links, refresh, closers)
  const deps: Deps = {
    ...shared,
    metrics: createMetrics(),
    issuerKeys: () => issuerKeys.current(),
    askIssuer,
    tokenKey,
    ticketSalt: ticketSaltBy(keys.maskKey),
    authorityPem: keys.authority.certificatePem,
    issueCaller: keys.authority.issueCaller,
    providers: createProviders(config),
    parser: await loadParser(),
    publish: async (changed = ['documents']) => {
      for (const id of changed) bus.publish({ kind: 'resource', id })
      await refresh()
    },
    agentRevoked(agentId) {
      grpc.links.revoke(agentId)
      bus.publish({ kind: 'agent', id: agentId })
    },
  }
  const setupLink = await bootstrap(deps)
  await issuerKeys.refresh()
  const httpPort = await listenHttp(deps, closers)
  const metricsPort = await listenMetrics(deps, closers)
  return { httpPort, grpcPort: grpc.port, metricsPort, setupLink }
}

/** Redis where it is configured, and the store always: with both, a dead Redis is noticed by nobody. */
async function openHints(config: Config, log: Logger, closers: Closers): Promise<Bus> {
  const { redisUrl, databaseUrl, installation } = config
  const redis = redisUrl === null ? [] : [redisCarrier(redisUrl, installation)]
  const bus = await openBus({ log, randomBytes }, [...redis, postgresCarrier(databaseUrl)])
  closers.push(() => bus.stop())
  return bus
}

type Shared = Pick<Deps, 'config' | 'db' | 'clock' | 'randomBytes' | 'bus' | 'vault'> & { readonly log: Logger }

async function listenGrpc(shared: Shared, keys: InstallationKeys, publisher: Publisher, closers: Closers) {
  const holds = createHolds(shared)
  closers.push(() => holds.stop())
  const ingest = announcingIngest(createIngest(shared), shared.bus)
  closers.push(() => ingest.stop())
  const grpc = await startGrpc({ ...shared, keys, publisher, ingest, holds, listen: shared.config.grpc })
  closers.push(() => grpc.stop())
  return grpc
}

/** Webhooks go to addresses as the system's resolver knows them, in its order. */
const senderOf = (config: Config): Sender => ({
  reach: reachOf(config),
  lookup: async (host) => await lookup(host, { all: true, verbatim: true }),
})

/** What this process does about changes that other replicas made, and about the passing of time. */
function follow(deps: Shared, links: Links, refresh: () => Promise<void>, closers: Closers): void {
  closers.push(followKills({ ...deps, links }))
  closers.push(followScans({ ...deps, links }))
  closers.push(followDocuments(deps, () => void refresh()))
  closers.push(
    deps.bus.listen({
      heard(hint, from) {
        if (hint.kind === 'agent' && from === 'elsewhere') links.check(hint.id)
      },
      // Revocations are looked for once a second anyway.
      gap: () => undefined,
    }),
  )
  closers.push(startSweeps(deps))
  closers.push(startDispatcher({ ...deps, sender: senderOf(deps.config) }))
}

const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH'])

const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

/** Migrates, then opens the pool. */
async function openStore(config: Config, log: Logger): Promise<Db> {
  const url = config.databaseUrl.reveal()
  try {
    const ran = await migrate(url, config.migrationsDirectory)
    if (ran.length > 0) log.info({ event: 'migrated', migrations: ran })
    return openDb(url)
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const { host, pathname } = new URL(url)
    const what = networkCodes.has(codeOf(cause)) ? 'cannot be reached' : 'refuses the connection'
    throw new SallyportError('STORE_UNREACHABLE', `the store "${host}${pathname}" ${what}`, {
      cause,
      hint: 'start PostgreSQL, or correct DATABASE_URL (user, password, database)',
    })
  }
}

/** The documents of a fresh store. While nobody is an administrator: the link to become the first one. */
async function bootstrap(deps: Deps): Promise<Secret | null> {
  const { bootstrapFile } = deps.config
  if (bootstrapFile !== null) {
    try {
      const applied = await applyBootstrap(deps, readBootstrap(bootstrapFile))
      if (applied) deps.log.info({ event: 'bootstrapped', file: bootstrapFile })
    } catch (thrown) {
      // Another replica that starts at the same time did it.
      if (!isStoreConflict(thrown)) throw thrown
    }
  }
  const link = await makeSetupLink(deps)
  const documents = (await readDocuments(deps.db, ['Role'])).map((stored) => stored.document)
  if (!hasAdmins(documents))
    deps.log.warn({
      event: 'no-administrator',
      hint:
        link === null
          ? 'configure an identity provider, or give SALLYPORT_BOOTSTRAP_FILE a Group and a Role document'
          : 'open the link that stands on stderr, once, and sign in',
    })
  return link
}

function readBootstrap(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `cannot read the bootstrap file "${path}"`, { cause })
  }
}

/** What a failed `listen` means, for people. */
function listenError(cause: unknown, host: string, port: number, variable: string): SallyportError {
  const where = `"${host}:${port}"`
  const code = codeOf(cause)
  if (code === 'EADDRINUSE')
    return new SallyportError('PORT_TAKEN', `${where} is taken by another process`, {
      cause,
      hint: `stop it, or set ${variable}`,
    })
  if (code === 'EACCES')
    return new SallyportError('NO_PERMISSION', `this user may not listen on ${where}`, {
      cause,
      hint: `take a port above 1023 with ${variable}`,
    })
  return new SallyportError('CONFIG_INVALID', `cannot listen on ${where}`, { cause, hint: `see ${variable}` })
}

const portOf = (address: ReturnType<Server['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

async function listenHttp(deps: Deps, closers: Closers): Promise<number> {
  const app = await buildApp(deps)
  closers.push(() => app.close())
  const { host, port } = deps.config.http
  try {
    await app.listen({ host, port })
  } catch (cause) {
    throw listenError(cause, host, port, 'SALLYPORT_HTTP_PORT')
  }
  return portOf(app.server.address())
}

/** Metrics and health, on loopback unless configured otherwise: no login, so nothing that names a person or a target. */
async function listenMetrics(deps: Deps, closers: Closers): Promise<number> {
  const { host, port } = deps.config.metrics
  const server = createServer((request, response) => {
    answerMetrics(deps, request.url ?? '')
      .then(({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text))
      .catch((err: unknown) => {
        deps.log.error({ event: 'metrics-failed', err })
        response.writeHead(500).end()
      })
  })
  server.requestTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenError(cause, host, port, 'SALLYPORT_METRICS_PORT')))
    server.listen(port, host, resolve)
  })
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return portOf(server.address())
}

async function answerMetrics(deps: Deps, path: string): Promise<{ status: number; type: string; text: string }> {
  const plain = (status: number, text: string) => ({ status, type: 'text/plain; charset=utf-8', text: `${text}\n` })
  switch (path) {
    case '/metrics':
      return { status: 200, type: deps.metrics.registry.contentType, text: await deps.metrics.registry.metrics() }
    case '/healthz':
      return plain(200, 'ok')
    case '/readyz':
      return (await isStoreReady(deps.db)) ? plain(200, 'ok') : plain(503, 'the store cannot be reached')
    default:
      return plain(404, 'not found')
  }
}
