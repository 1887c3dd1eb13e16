// The three ways to the same database: direct, through pgbouncer, through the agent (once without masks, once with), each
// without TLS on any hop and once more with TLS on every hop, its names verified; all with SCRAM and the same upstream role.
// Starts everything and stops it without a trace.
import assert from 'node:assert'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { TicketResponse } from '@sallyport/api/tickets'
import pg from 'pg'
import { makeServerCertificate } from '../stack/certs.ts'
import { freePort } from '../stack/postgres.ts'
import { accountForServer } from '../stack/postgres-place.ts'
import { startReaper } from '../stack/reaper.ts'
import { type Stack, startStack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { apart } from './apart.ts'
import { documents } from './documents.ts'
import { fill } from './fill.ts'
import type { Options } from './options.ts'
import { startPgbouncer } from './pgbouncer.ts'
import type { Tools } from './tools.ts'

export const peerNames = ['direct', 'pgbouncer', 'agent', 'agent, masks on'] as const
export type PeerName = (typeof peerNames)[number]

export interface Peer {
  readonly name: PeerName
  /** Variables of libpq for one run. */
  env(): Promise<Readonly<Record<string, string>>>
  /** One of it through node-postgres, not connected yet. */
  client(): Promise<pg.Client>
  /** Of the proxy; undefined for a direct connection. */
  processId(): number | undefined
  /** Starts the proxy anew, for its memory without a past. */
  restart(): Promise<void>
}

export interface Field {
  readonly dir: string
  readonly peers: Readonly<Record<PeerName, Peer>>
  /** The same with TLS on every hop. */
  readonly tlsPeers: Readonly<Record<PeerName, Peer>>
  /** Without TLS, with connections to the target that are shared by the transaction. */
  readonly sharedPeers: Readonly<Record<'direct' | 'pgbouncer' | 'agent', Peer>>
  /** The agent without TLS, by a fast ticket. */
  readonly fastAgent: Peer
  readonly targetVersion: string
  /** Bytes of the values of the big table as a result in text format, message headers included. */
  readonly bigBytes: number
  /** A file of COPY rows, for COPY IN. */
  readonly copyFile: string
  /** Does the work of one run, and all that it leaves to do: see `Options.isApart`. */
  measured<T>(work: () => Promise<T>): Promise<T>
  /** A statement as the superuser, past every peer. */
  admin(sql: string): Promise<void>
  stop(): Promise<void>
}

/** Small enough to lie in memory; the same for all. */
const targetSettings = {
  shared_buffers: '512MB',
  // pgbouncer keeps what it has opened while the agent opens as many.
  max_connections: '2600',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
}

/** As the image starts it: the stack of the tests logs more, and has Node's own sizes. Tickets may do without TLS. */
const agentEnvOf = ({ workers }: Options) => ({
  ...{ SALLYPORT_LOG_LEVEL: 'info', SALLYPORT_LISTEN_TLS: 'optional', MALLOC_ARENA_MAX: '2' },
  SALLYPORT_WORKERS: String(workers),
})
const shippedFlags = ['--enable-source-maps', '--max-semi-space-size=4']
/** Of a ticket: longer than any run. */
const ticketSeconds = 86_400

interface Login {
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  /** Of the authority that TLS verifies; null for none. */
  readonly ca: string | null
}

const agentNodeOf = ({ node, profile }: Options) => ({
  ...(node === undefined ? {} : { file: resolve(node) }),
  flags: [...shippedFlags, ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`])],
})

export async function openField(
  tools: Tools,
  options: Options,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Field> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  chmodSync(dir, 0o711)
  const reaper = startReaper(dir)
  const closers: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close().catch((error) => console.error(error))
    rmSync(dir, { recursive: true, force: true })
    await reaper.done()
  }
  try {
    say('starting the product and its target')
    const agentNode = agentNodeOf(options)
    const stack = await startStack({ targetSettings, agentEnv: agentEnvOf(options), agentNode, signal })
    closers.push(() => stack.stop())
    say('filling the target')
    const { version, bigBytes, copyFile } = await fill(stack.target, tools, dir, options.scale, signal)
    const account = await accountForServer()
    const login: Login = {
      port: stack.ports.target,
      database: 'bench',
      user: 'app_rw',
      password: stack.credential,
      ca: null,
    }
    const ways: Ways = { dir, stack, login, tools, account, reaper, closers, throughAgent: [] }
    say('waiting for every peer')
    await applyDocuments(stack)
    const peers = await openPeers(ways, false)
    const tlsPeers = await openPeers(ways, true)
    const sharedPeers = await openShared(ways, peers)
    const fastAgent = await agentPeer(ways, 'agent', 'bench', { tls: false, fast: true })
    const all = [...Object.values(peers), ...Object.values(tlsPeers), ...Object.values(sharedPeers), fastAgent]
    for (const peer of all) await answers(peer)
    const admin = (sql: string) => asSuperuser(stack, sql)
    const measured = options.isApart ? apart(stack) : <T>(work: () => Promise<T>) => work()
    return {
      dir,
      peers,
      tlsPeers,
      sharedPeers,
      fastAgent,
      targetVersion: version,
      bigBytes,
      copyFile,
      measured,
      admin,
      stop,
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** What every way is made of. */
interface Ways {
  readonly dir: string
  readonly stack: Stack
  readonly login: Login
  readonly tools: Tools
  readonly account: Awaited<ReturnType<typeof accountForServer>>
  readonly reaper: ReturnType<typeof startReaper>
  readonly closers: (() => Promise<void>)[]
  /** All ways through the agent. */
  readonly throughAgent: Peer[]
}

async function openPeers(ways: Ways, tls: boolean): Promise<Record<PeerName, Peer>> {
  const { dir, stack, login } = ways
  const suffix = tls ? '-tls' : ''
  return {
    direct: passwordPeer('direct', { ...login, ca: tls ? stack.places.TARGET_CA : null }, dir),
    pgbouncer: await bouncerPeer(ways, tls),
    agent: await agentPeer(ways, 'agent', `bench${suffix}`, { tls }),
    'agent, masks on': await agentPeer(ways, 'agent, masks on', `bench-masked${suffix}`, { tls }),
  }
}

/** The same proxies, by another name of the database. */
async function openShared(ways: Ways, peers: Record<PeerName, Peer>): Promise<Field['sharedPeers']> {
  const { dir, login } = ways
  const { PGPORT = '' } = await peers.pgbouncer.env()
  const shared: Login = { ...login, port: Number(PGPORT), database: 'bench_shared' }
  return {
    direct: peers.direct,
    pgbouncer: { ...peers.pgbouncer, ...loginOf('pgbouncer', shared, dir) },
    agent: await agentPeer(ways, 'agent', 'bench-shared', { tls: false }),
  }
}

async function bouncerPeer(ways: Ways, tls: boolean): Promise<Peer> {
  const { dir, stack, login, tools, account, reaper, closers } = ways
  const bouncerDir = join(dir, tls ? 'pgbouncer-tls' : 'pgbouncer')
  mkdirSync(bouncerDir, { mode: 0o700 })
  if (account !== undefined) chownSync(bouncerDir, account.uid, account.gid)
  const certificate = await makeServerCertificate('pgbouncer')
  const port = await freePort()
  const target = { ...login, ca: stack.places.TARGET_CA }
  const start = () =>
    startPgbouncer({ file: tools.pgbouncer, dir: bouncerDir, port, tls, target, certificate, account, reaper })
  let bouncer = await start()
  closers.push(() => bouncer.stop())
  const peer: Peer = {
    ...passwordPeer('pgbouncer', { ...login, port, ca: tls ? certificate.ca : null }, dir),
    processId: () => bouncer.processId,
    async restart() {
      await bouncer.stop()
      bouncer = await start()
      await answers(peer)
    },
  }
  return peer
}

async function applyDocuments(stack: Stack): Promise<void> {
  const admin = await stack.as('adam')
  const applied = await admin.post('/api/v1/apply', { yaml: documents(stack.places) })
  assert.equal(applied.status, 200, applied.text)
}

async function asSuperuser(stack: Stack, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: stack.target.url('bench') })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

const caFile = (dir: string, name: PeerName, ca: string): string => {
  const file = join(dir, `ca-${name.replaceAll(/[^a-z]+/g, '-')}.pem`)
  writeFileSync(file, ca)
  return file
}

function variables(login: Login, dir: string, name: PeerName): Record<string, string> {
  return {
    // With an address beside the name, libpq does not try ::1 first.
    PGHOST: 'localhost',
    PGHOSTADDR: '127.0.0.1',
    PGPORT: String(login.port),
    PGDATABASE: login.database,
    PGUSER: login.user,
    PGPASSWORD: login.password,
    ...(login.ca === null
      ? { PGSSLMODE: 'disable' }
      : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: caFile(dir, name, login.ca) }),
    PGGSSENCMODE: 'disable',
  }
}

const clientOf = ({ ca, ...login }: Login): pg.Client =>
  new pg.Client({ host: 'localhost', ...login, ssl: ca === null ? false : { ca, rejectUnauthorized: true } })

function loginOf(name: PeerName, login: Login, dir: string): Pick<Peer, 'env' | 'client'> {
  const env = variables(login, dir, name)
  return { env: async () => env, client: async () => clientOf(login) }
}

function passwordPeer(name: PeerName, login: Login, dir: string): Peer {
  return {
    name,
    ...loginOf(name, login, dir),
    processId: () => undefined,
    restart: async () => {},
  }
}

/** By a ticket, as pgbouncer and the target take SCRAM. */
async function agentPeer(
  { stack, dir, throughAgent }: Ways,
  name: PeerName,
  target: string,
  { tls, fast = false }: { readonly tls: boolean; readonly fast?: boolean },
): Promise<Peer> {
  const issued = await (await stack.as('ann')).post('/api/v1/tickets', { target, fast, seconds: ticketSeconds })
  assert.equal(issued.status, 201, issued.text)
  const { connection, secret } = TicketResponse.parse(issued.body)
  const login: Login = { ...connection, password: secret, ca: tls ? connection.ca : null }
  const peer: Peer = {
    ...passwordPeer(name, login, dir),
    processId: () => stack.agent.processId,
    async restart() {
      await stack.agent.stop()
      await stack.startAgent()
      // It knows no ticket that nobody showed it, and cannot ask while the control plane stands still.
      for (const one of throughAgent) await answers(one)
    },
  }
  throughAgent.push(peer)
  return peer
}

/** A statement passes: listeners are up, catalogs and policies have arrived. */
async function answers(peer: Peer): Promise<void> {
  await until(`a statement through ${peer.name}`, async () => {
    const client = await peer.client()
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT abalance FROM public.pgbench_accounts WHERE aid = 1')
      return true
    } finally {
      await client.end().catch(() => {})
    }
  })
}
