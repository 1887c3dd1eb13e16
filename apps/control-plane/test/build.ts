// The real application over a real, migrated store; only clock, keys' folder and the push to agents belong to the test.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manualClock } from '@sallyport/base/clock'
import { Secret } from '@sallyport/base/secret'
import libpg from 'libpg-query'
import { openKeys } from '../src/agents/keys.ts'
import { buildApp } from '../src/app.ts'
import type { Config } from '../src/config.ts'
import { openDb } from '../src/db.ts'
import type { Deps } from '../src/deps.ts'
import type { App } from '../src/http/route.ts'
import { openTokenKey } from '../src/identities/token-key.ts'
import { openBus } from '../src/live/bus.ts'
import { createLog } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { migrate } from '../src/migrate.ts'
import { createProviders } from '../src/signin/providers.ts'
import { ticketSaltBy } from '../src/tickets/scram.ts'
import { openVault } from '../src/vault.ts'
import { dropDatabase, freshDatabase } from './stack.ts'

export const migrationsDirectory = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

export interface TestApp {
  readonly app: App
  readonly deps: Deps
  readonly clock: ReturnType<typeof manualClock>
  /** How often agents were told of a change. */
  published(): number
  /** Lines of the log so far, as JSON texts. */
  logged(): string
  close(): Promise<void>
}

export const testConfig = (changes: Partial<Config> = {}): Config => ({
  databaseUrl: new Secret('postgresql://127.0.0.1:1/none'),
  publicUrl: 'https://sallyport.test',
  installation: 'test',
  http: { host: '127.0.0.1', port: 0, trustedProxies: [], loginsPerMinute: 10_000 },
  grpc: { host: '127.0.0.1', port: 0, advertise: 'localhost:8443' },
  metrics: { host: '127.0.0.1', port: 0 },
  keysDirectory: '/nonexistent',
  redisUrl: null,
  heldTextDays: 30,
  migrationsDirectory,
  consoleDirectory: '/nonexistent',
  webhookNetworks: [],
  issuerNetworks: [],
  bootstrapFile: null,
  allowInsecureLoopback: false,
  logLevel: 'info',
  providers: [],
  ...changes,
})

/** Builds the application. Close it in the end; then the database is gone. */
export async function buildTestApp(changes: Partial<Config> = {}, extra: Partial<Deps> = {}): Promise<TestApp> {
  const databaseUrl = await freshDatabase()
  await migrate(databaseUrl, migrationsDirectory)
  const keysDirectory = await mkdtemp(join(tmpdir(), 'sallyport-keys-'))
  const config = testConfig({ databaseUrl: new Secret(databaseUrl), keysDirectory, ...changes })
  const clock = manualClock(Date.now())
  const lines: string[] = []
  let publishes = 0
  await libpg.loadModule()
  const log = createLog(config.logLevel, (line) => void lines.push(line))
  const keys = await openKeys({ directory: keysDirectory, installation: config.installation, clock, randomBytes })
  const deps: Deps = {
    config,
    db: openDb(databaseUrl, 5),
    clock,
    log,
    randomBytes,
    metrics: createMetrics(),
    issuerKeys: async () => new Map(),
    askIssuer: async () => {
      throw new Error('nobody is asked here')
    },
    tokenKey: await openTokenKey(keysDirectory),
    ticketSalt: ticketSaltBy(keys.maskKey),
    authorityPem: keys.authority.certificatePem,
    issueCaller: keys.authority.issueCaller,
    providers: createProviders(config),
    parser: {
      parse: libpg.parseSync as never,
      fingerprint: libpg.fingerprintSync,
      parsePlpgsql: libpg.parsePlPgSQLSync,
    },
    vault: openVault(keysDirectory),
    bus: await openBus({ log, randomBytes }, []),
    publish: async () => {
      publishes++
    },
    agentRevoked: () => undefined,
    ...extra,
  }
  const app = await buildApp(deps)
  await app.ready()
  return {
    app,
    deps,
    clock,
    published: () => publishes,
    logged: () => lines.join(''),
    async close() {
      await app.close()
      await deps.db.$disconnect()
      await dropDatabase(databaseUrl)
      await rm(keysDirectory, { recursive: true, force: true })
    },
  }
}

export interface TestReplica {
  readonly app: App
  close(): Promise<void>
}

/** One more process on the same store and keys: connections of its own, and nothing of what the first has in memory. */
export async function openReplica({ deps }: TestApp): Promise<TestReplica> {
  const { config } = deps
  const db = openDb(config.databaseUrl.reveal(), 5)
  const app = await buildApp({ ...deps, db, providers: createProviders(config), metrics: createMetrics() })
  await app.ready()
  return {
    app,
    async close() {
      await app.close()
      await db.$disconnect()
    },
  }
}
