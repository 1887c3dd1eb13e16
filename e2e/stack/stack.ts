// The whole product as one thing: two PostgreSQL clusters, an identity provider, the control plane and one agent, started
// as a person would start them (real processes, real join token, real documents) and stopped without a trace.
import assert from 'node:assert'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { makeServerCertificate, type ServerCertificate } from './certs.ts'
import { type Child, lastLines, startChild } from './child.ts'
import { type Places, readDocuments } from './documents.ts'
import { type Idp, startIdp } from './idp.ts'
import { clientOf, loginAs, type PersonApi, personApi, writeCliLogin } from './people-api.ts'
import { freePort, type PostgresServer, startPostgres } from './postgres.ts'
import {
  type Account,
  accountForServer,
  binariesFor,
  openTemporary,
  roomHint,
  traversable,
  worldly,
} from './postgres-place.ts'
import { type Reaper, startReaper } from './reaper.ts'
import { root } from './root.ts'
import { createDatabase, loadShop } from './shop.ts'
import { clusterCopier } from './template.ts'
import { until } from './until.ts'

export { root }
export const cliScript = join(root, 'apps', 'cli', 'dist', 'main.js')
export const audience = 'sallyport:demo'
export const agentName = 'shop-agent'

/** In the order of --port-base. */
export const portNames = [
  'http',
  'idp',
  'agent',
  'grpc',
  'store',
  'target',
  'controlMetrics',
  'agentMetrics',
  'agentHttp',
] as const
export type Ports = Readonly<Record<(typeof portNames)[number], number>>

export interface StackOptions {
  /** Without them free ones. */
  readonly ports?: Ports
  /** For the target's server: log_statement and the like. */
  readonly targetSettings?: Readonly<Record<string, string>>
  /** How the agent learns more: floor and the like. */
  readonly agentEnv?: Readonly<Record<string, string>>
  /** Another Node for the agent than ours, and flags for it: for the bench. */
  readonly agentNode?: { readonly file?: string; readonly flags: readonly string[] }
  /** How the control plane is told otherwise than by default. */
  readonly controlEnv?: Readonly<Record<string, string>>
  /** Identity providers beside the stack's own, as entries of SALLYPORT_PROVIDERS. */
  readonly moreProviders?: readonly object[]
  /** A provider that runs already, of another stack: it is not stopped with this one. */
  readonly idp?: Idp
  /** Life of the workload's tokens, in seconds. */
  readonly workloadTokenSeconds?: number
  /** What happens, with the milliseconds since the start. */
  readonly progress?: (what: string, ms: number) => void
  /** Gives the start up between two of its steps; what has started is stopped. */
  readonly signal?: AbortSignal
}

export interface Stack {
  /** Everything that it writes is in here. */
  readonly dir: string
  readonly ports: Ports
  /** Origin of the control plane. */
  readonly url: string
  readonly idp: Idp
  readonly store: PostgresServer
  target: PostgresServer
  /** What the agent logs in with at the target: what must be nowhere else. */
  readonly credential: string
  readonly credentialFile: string
  readonly logs: { readonly control: string; readonly agent: string; readonly target: string }
  readonly agentDir: string
  readonly places: Places
  controlPlane: Child
  agent: Child
  startControlPlane(): Promise<void>
  startAgent(env?: Readonly<Record<string, string>>): Promise<void>
  /** Again, as it was, after it was ended. */
  startTarget(): Promise<void>
  /** One control plane more on the same store, with ports and a log of its own. It is stopped with the stack. */
  addReplica(): Promise<Replica>
  /** One agent more, with a name and a folder of its own. It is stopped with the stack. */
  addAgent(name: string): Promise<AddedAgent>
  /** The API as this person; logs in once. */
  as(login: string): Promise<PersonApi>
  /** A folder for XDG_CONFIG_HOME with this person's login in it. */
  cliHome(login: string): Promise<string>
  stop(): Promise<void>
}

export interface AddedAgent {
  readonly process: Child
  readonly dir: string
  readonly logFile: string
  readonly port: number
  readonly metricsPort: number
}

export interface Replica {
  readonly process: Child
  readonly url: string
  readonly grpcPort: number
  readonly logFile: string
  /** Again, as it was, after it was ended. */
  start(): Promise<void>
}

type Closers = (() => Promise<void>)[]

/** Starts everything or nothing. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  for (const app of ['control-plane', 'agent', 'cli'])
    if (!existsSync(bundle(app)))
      throw new SallyportError('CONFIG_INVALID', `"${bundle(app)}" is not there`, {
        hint: 'build first: npm run build',
      })
  const account = await accountForServer()
  const dir = await makeFolder(account)
  // PostgreSQL's user passes through; the folders inside are private.
  chmodSync(dir, 0o711)
  const reaper = startReaper(dir)
  const closers: Closers = []
  const stop = async () => {
    for (const close of closers.splice(0).reverse())
      await Promise.resolve(close()).catch((error) => console.error(error))
    rmSync(dir, { recursive: true, force: true })
    await reaper.done()
  }
  try {
    return await open(dir, account, reaper, options, closers, stop)
  } catch (thrown) {
    const named = nameFullDisk(dir, thrown)
    await stop()
    throw named
  }
}

/** Whoever finds no room says so in words of its own, or in none: what fails on a full disk failed because of that. */
export function nameFullDisk(dir: string, thrown: unknown): unknown {
  const { bavail, bsize } = statfsSync(dir)
  const isOurs = thrown instanceof SallyportError && ['NO_SPACE', 'SESSION_ENDED'].includes(thrown.code)
  if (isOurs || bavail * bsize >= fullBytesMax) return worldly(thrown, 'cannot start')
  return new SallyportError('NO_SPACE', `the disk with "${dir}" is full`, { cause: thrown, hint: roomHint })
}
/** A disk with less room is full: PostgreSQL takes 16 MB at once for its log. */
const fullBytesMax = 16 * 1_048_576

/** One folder for all that is written, PostgreSQL's user passes through; the operating system's refusals are ours. */
async function makeFolder(account: Account | undefined): Promise<string> {
  try {
    const isOpen = account === undefined || (await traversable(tmpdir(), account))
    return mkdtempSync(join(isOpen ? tmpdir() : await openTemporary(account), 'sallyport-stack-'))
  } catch (cause) {
    const isFull = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    throw new SallyportError(
      isFull ? 'NO_SPACE' : 'NO_PERMISSION',
      isFull ? `no space left below "${tmpdir()}"` : `no folder can be made below "${tmpdir()}"`,
      { cause, hint: isFull ? roomHint : 'set TMPDIR to a folder of this user with 500 MB free' },
    )
  }
}

const bundle = (app: string): string => join(root, 'apps', app, 'dist', 'main.js')

async function freePorts(): Promise<Ports> {
  const entries: [string, number][] = []
  for (const name of portNames) {
    let port = await freePort()
    while (entries.some(([, taken]) => taken === port)) port = await freePort()
    entries.push([name, port])
  }
  return Object.fromEntries(entries) as unknown as Ports
}

async function open(
  dir: string,
  account: Account | undefined,
  reaper: Reaper,
  options: StackOptions,
  closers: Closers,
  stop: () => Promise<void>,
): Promise<Stack> {
  const startedAt = performance.now()
  const say = (what: string) => {
    options.signal?.throwIfAborted()
    options.progress?.(what, Math.round(performance.now() - startedAt))
  }
  const free = options.ports ?? (await freePorts())
  const ports = options.idp === undefined ? free : { ...free, idp: options.idp.port }
  const logs = makeFolders(dir)
  const url = `http://localhost:${ports.http}`
  const credentialFile = join(dir, 'secrets', 'shop-password')
  const certificate = await makeServerCertificate('shop')
  // Everything is in our folder, so that it ends with us.
  const bin = await binariesFor(account, dir)
  const copyCluster = await clusterCopier(root, account)
  const storeCopied = copyCluster(join(dir, 'store'))
  let stack: Stack | undefined
  const places: Places = {
    IDP_ISSUER: `http://localhost:${ports.idp}`,
    AUDIENCE: audience,
    TARGET_PORT: String(ports.target),
    TARGET_CA: certificate.ca,
    CREDENTIAL_FILE: credentialFile,
  }
  // The target is needed last: it is made while the others start.
  const runTarget = () => startTarget(dir, bin, ports.target, certificate, logs.target, options)
  const [{ idp, store, controlPlane, parts }, { target, credential }] = await allOrNothing([
    startFront({ dir, bin, reaper, ports, url, logs, options }, places, storeCopied, closers, say),
    storeCopied
      .then(() => copyCluster(join(dir, 'target')))
      .then(runTarget)
      .then(async (started) => {
        closers.push(() => (stack ?? { target: started }).target.stop())
        return { target: started, credential: await loadShop(started, credentialFile) }
      }),
  ])
  say('the control plane and the target run')
  const people = new Map<string, Promise<PersonApi>>()
  const made: Stack = {
    dir,
    ports,
    url,
    idp,
    store,
    target,
    credential,
    credentialFile,
    logs,
    agentDir: join(dir, 'agent'),
    places,
    controlPlane,
    agent: undefined as unknown as Child,
    async startControlPlane() {
      made.controlPlane = await runControlPlane(parts)
    },
    async startAgent(env = {}) {
      made.agent = await runAgent(parts, env)
    },
    async startTarget() {
      made.target = await runTarget()
    },
    async addReplica() {
      const replica = await addReplica(parts)
      closers.push(() => replica.process.stop())
      return replica
    },
    async addAgent(name) {
      const added = await addAgent(made, parts, name)
      closers.push(() => added.process.stop())
      return added
    },
    as(login) {
      const known = people.get(login) ?? openPerson(made, login)
      people.set(login, known)
      return known
    },
    async cliHome(login) {
      await made.as(login)
      return join(dir, 'people', login)
    },
    stop,
  }
  stack = made
  // The one of now: tests start it anew.
  closers.push(() => made.controlPlane.stop())
  await enrol(made, closers, say)
  return made
}

/** All of them, or the first failure once every one has ended: nothing is left starting behind our back. */
async function allOrNothing<T extends readonly unknown[]>(
  started: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const settled = await Promise.allSettled(started)
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  return settled.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as unknown as T
}

function makeFolders(dir: string) {
  for (const name of ['logs', 'secrets', 'agent', 'control', 'people']) mkdirSync(join(dir, name), { mode: 0o700 })
  const log = (name: string) => join(dir, 'logs', `${name}.log`)
  return { control: log('control-plane'), agent: log('agent'), target: log('target') }
}

/** The store, the identity provider and the control plane, which needs both. */
async function startFront(
  before: Omit<Parts, 'idp' | 'store'>,
  places: Places,
  storeCopied: Promise<void>,
  closers: Closers,
  say: (what: string) => void,
) {
  const { dir, ports } = before
  const [idp, store] = await allOrNothing([
    before.options.idp === undefined ? startOwnIdp(before, closers) : Promise.resolve(before.options.idp),
    storeCopied.then(() => startStore(dir, before.bin, ports.store, closers)),
  ])
  assert.equal(idp.issuer, places.IDP_ISSUER, 'the documents name the provider that runs')
  say('the store and the identity provider run')
  writeFileSync(join(dir, 'access.yaml'), readDocuments('access.yaml', places), { mode: 0o600 })
  const parts: Parts = { ...before, idp, store }
  const controlPlane = await runControlPlane(parts)
  closers.push(() => controlPlane.stop())
  return { idp, store, controlPlane, parts }
}

async function startOwnIdp({ ports, url, options }: Omit<Parts, 'idp' | 'store'>, closers: Closers): Promise<Idp> {
  const { workloadTokenSeconds } = options
  const started = await startIdp({
    port: ports.idp,
    redirectUris: [`${url}/auth/callback`],
    audience,
    ...(workloadTokenSeconds === undefined ? {} : { workloadTokenSeconds }),
  })
  closers.push(() => started.stop())
  return started
}

async function startStore(dir: string, bin: string, port: number, closers: Closers): Promise<PostgresServer> {
  const store = await startPostgres({ dir: join(dir, 'store'), port, bin })
  closers.push(() => store.stop())
  await createDatabase(store, 'sallyport')
  return store
}

const startTarget = (
  dir: string,
  bin: string,
  port: number,
  certificate: ServerCertificate,
  logFile: string,
  options: StackOptions,
): Promise<PostgresServer> =>
  startPostgres({
    dir: join(dir, 'target'),
    port,
    bin,
    tls: certificate,
    settings: options.targetSettings ?? {},
    log: (line) => writeFileSync(logFile, `${line}\n`, { flag: 'a', mode: 0o600 }),
  })

interface Parts {
  readonly dir: string
  /** Of PostgreSQL. */
  readonly bin: string
  readonly reaper: Reaper
  readonly ports: Ports
  readonly url: string
  readonly idp: Idp
  readonly store: PostgresServer
  readonly logs: Stack['logs']
  readonly options: StackOptions
}

async function runControlPlane({ dir, reaper, ports, url, idp, store, logs, options }: Parts): Promise<Child> {
  const provider = {
    name: 'demo',
    display: 'Demo provider',
    issuer: idp.issuer,
    clientId: idp.consoleClient.id,
    clientSecret: { env: 'CONSOLE_CLIENT_SECRET' },
    cliClientId: idp.cliClientId,
    scopes: 'openid profile email groups',
  }
  const child = startChild({
    name: 'control plane',
    script: bundle('control-plane'),
    cwd: dir,
    logFile: logs.control,
    reaper,
    env: {
      DATABASE_URL: store.url('sallyport'),
      SALLYPORT_PUBLIC_URL: url,
      SALLYPORT_INSTALLATION: 'demo',
      SALLYPORT_KEYS_DIR: join(dir, 'control', 'keys'),
      SALLYPORT_HTTP_PORT: String(ports.http),
      SALLYPORT_GRPC_PORT: String(ports.grpc),
      SALLYPORT_GRPC_ADVERTISE: `localhost:${ports.grpc}`,
      SALLYPORT_METRICS_PORT: String(ports.controlMetrics),
      SALLYPORT_BOOTSTRAP_FILE: join(dir, 'access.yaml'),
      SALLYPORT_ALLOW_INSECURE_LOOPBACK: 'true',
      SALLYPORT_LOGINS_PER_MINUTE: '1000',
      SALLYPORT_LOG_LEVEL: 'debug',
      SALLYPORT_PROVIDERS: JSON.stringify([provider, ...(options.moreProviders ?? [])]),
      CONSOLE_CLIENT_SECRET: idp.consoleClient.secret,
      ...options.controlEnv,
    },
  })
  await ready(child, `http://127.0.0.1:${ports.http}/readyz`, logs.control, options.signal)
  return child
}

async function runAgent(
  { dir, reaper, ports, logs, options }: Parts,
  env: Readonly<Record<string, string>>,
): Promise<Child> {
  const child = startChild({
    name: 'agent',
    script: bundle('agent'),
    ...(options.agentNode?.file === undefined ? {} : { node: options.agentNode.file }),
    nodeFlags: options.agentNode?.flags ?? [],
    cwd: dir,
    logFile: logs.agent,
    reaper,
    env: {
      SALLYPORT_DATA_DIR: join(dir, 'agent'),
      SALLYPORT_LISTEN_PORT: String(ports.agent),
      SALLYPORT_ADVERTISE: `localhost:${ports.agent}`,
      SALLYPORT_HTTP_PORT: String(ports.agentHttp),
      SALLYPORT_HTTP_ADVERTISE: `localhost:${ports.agentHttp}`,
      SALLYPORT_METRICS_PORT: String(ports.agentMetrics),
      SALLYPORT_DRAIN_SECONDS: '1',
      SALLYPORT_LOG_LEVEL: 'debug',
      ...options.agentEnv,
      ...env,
    },
  })
  await ready(child, `http://127.0.0.1:${ports.agentMetrics}/readyz`, logs.agent, options.signal)
  return child
}

/** The same keys and store; browsers and agents find it by whatever stands before the replicas. */
async function addReplica(parts: Parts): Promise<Replica> {
  const [http, grpc, controlMetrics] = [await freePort(), await freePort(), await freePort()]
  const logFile = join(parts.dir, 'logs', `control-plane-${grpc}.log`)
  const own: Parts = {
    ...parts,
    ports: { ...parts.ports, http, grpc, controlMetrics },
    logs: { ...parts.logs, control: logFile },
  }
  let process = await runControlPlane(own)
  return {
    get process() {
      return process
    },
    url: `http://localhost:${http}`,
    grpcPort: grpc,
    logFile,
    async start() {
      process = await runControlPlane(own)
    },
  }
}

/** Ports, folder and log of its own; everything else as the stack's first agent has it. */
async function addAgent(stack: Stack, parts: Parts, name: string): Promise<AddedAgent> {
  const joined = await (await stack.as('adam')).post('/api/v1/agents/join-tokens', { agentName: name })
  assert.equal(joined.status, 201, joined.text)
  const [dir, logFile] = [join(stack.dir, name), join(stack.dir, 'logs', `${name}.log`)]
  mkdirSync(dir, { mode: 0o700 })
  const [port, metricsPort, httpPort] = [await freePort(), await freePort(), await freePort()]
  const own: Parts = {
    ...parts,
    ports: { ...parts.ports, agent: port, agentMetrics: metricsPort, agentHttp: httpPort },
    logs: { ...parts.logs, agent: logFile },
  }
  const process = await runAgent(own, { SALLYPORT_DATA_DIR: dir, SALLYPORT_JOIN_TOKEN: joined.body.token })
  return { process, dir, logFile, port, metricsPort }
}

/** Answers 200, or has ended: then its last words are the message. */
async function ready(child: Child, url: string, logFile: string, signal: AbortSignal | undefined): Promise<void> {
  const look = async () => {
    if (!child.isRunning) return 'ended' as const
    if (signal?.aborted === true) return 'stopped' as const
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return response.ok ? ('ready' as const) : null
  }
  const found = await until(`${child.name} ready at ${url}`, look, 60_000).catch(async (thrown: unknown) => {
    await child.stop()
    throw thrown
  })
  if (found === 'ready') return
  if (found === 'stopped') await child.stop()
  signal?.throwIfAborted()
  const words = lastLines(logFile)
  const known = (['PORT_TAKEN', 'NO_SPACE', 'NO_PERMISSION'] as const).find((code) => words.includes(code))
  throw new SallyportError(known ?? 'INTERNAL', `the ${child.name} ended at its start: ${words}`, {
    hint: known === undefined ? 'the lines above say why' : fixes[known],
  })
}
const fixes = {
  PORT_TAKEN: 'stop what uses the port, or start again with others',
  NO_SPACE: roomHint,
  NO_PERMISSION: 'make the folder writable for this user',
} as const

async function openPerson(stack: Stack, login: string): Promise<PersonApi> {
  const made = await loginAs(stack.idp, stack.url, login)
  writeCliLogin(join(stack.dir, 'people', login), stack.url, made)
  return personApi(stack.url, login, made.accessToken)
}

/** What an administrator does once: a join token, the documents of the target, and the agent with the token. */
async function enrol(stack: Stack, closers: Closers, say: (what: string) => void): Promise<void> {
  const admin = await stack.as('adam')
  const joined = await admin.post('/api/v1/agents/join-tokens', { agentName })
  assert.equal(joined.status, 201, joined.text)
  const applied = await admin.post('/api/v1/apply', { yaml: readDocuments('shop.yaml', stack.places) })
  assert.equal(applied.status, 200, applied.text)
  await stack.startAgent({ SALLYPORT_JOIN_TOKEN: joined.body.token })
  closers.push(() => stack.agent.stop())
  say('the agent has joined')
  await reachable(stack)
  say('a statement passes')
}

/** A statement of a person, through everything. */
export async function reachable(stack: Stack): Promise<void> {
  const ann = await stack.as('ann')
  await until('a statement that passes', async () => {
    const client = clientOf(await ann.token())
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT id FROM public.customers LIMIT 1')
      return true
    } finally {
      await client.end().catch(() => {})
    }
  })
}

export const readLog = (file: string): string => readFileSync(file, 'utf8')
