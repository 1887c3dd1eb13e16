// Whole control planes over one store, as many replicas as a test wants, with people and agents made of messages. Nothing
// is left out: HTTP, gRPC with mTLS, PostgreSQL, and Redis where a test starts one.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import type { Approval } from '@sallyport/api/approvals'
import { manualClock } from '@sallyport/base/clock'
import { Secret } from '@sallyport/base/secret'
import { canonicalBytes } from '@sallyport/ledger/canonical'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import { agentCapabilities } from '@sallyport/policy/capabilities'
import {
  HoldClaimSchema,
  HoldOpenedSchema,
  HoldRanSchema,
  HoldReleasedSchema,
  type HoldState,
} from '@sallyport/proto/gen/sallyport/v1/hold_pb'
import type { AgentMessage, ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { parseJoinToken } from '@sallyport/proto/join-token'
import { createJoinToken } from '../src/agents/agents.ts'
import { openKeys } from '../src/agents/keys.ts'
import type { Config } from '../src/config.ts'
import { openDb } from '../src/db.ts'
import { createLog } from '../src/log.ts'
import { migrate } from '../src/migrate.ts'
import { type Running, startControlPlane } from '../src/start.ts'
import { migrationsDirectory, type TestApp, testConfig } from './build.ts'
import { type GrpcStack, isSnapshot, joinAgent, openLink, type Stream, say, type TestAgent } from './grpc-stack.ts'
import { groupDocument, makeDocuments, makePerson, roleDocuments, type SignedIn, targetDocument } from './make.ts'
import { dropDatabase, freshDatabase } from './stack.ts'

export type HoldStack = Awaited<ReturnType<typeof startHoldStack>>
export type Replica = HoldStack['replicas'][number]

/** Control planes over one fresh store; the target "orders" is served by agents "eu-1" and "eu-2". */
export async function startHoldStack(options: { replicas?: number; redisUrl?: string; config?: Partial<Config> } = {}) {
  const databaseUrl = await freshDatabase()
  await migrate(databaseUrl, migrationsDirectory)
  const keysDirectory = await mkdtemp(join(tmpdir(), 'sallyport-holds-'))
  const clock = manualClock(Date.now())
  const lines: string[] = []
  const config = testConfig({
    databaseUrl: new Secret(databaseUrl),
    keysDirectory,
    redisUrl: options.redisUrl === undefined ? null : new Secret(options.redisUrl),
    ...options.config,
  })
  const keys = await openKeys({ directory: keysDirectory, installation: config.installation, clock, randomBytes })
  const db = openDb(databaseUrl, 3)
  const deps = { db, clock, randomBytes, config }
  const made = { deps, clock } as unknown as TestApp
  await makeDocuments(made, [
    ...roleDocuments,
    groupDocument('dba', 'dba'),
    groupDocument('security', 'security'),
    targetDocument('orders', { agents: ['eu-1', 'eu-2'] }),
  ])
  const start = async () => {
    const log = createLog('info', (line) => void lines.push(line))
    const running: Running = await startControlPlane(config, log, clock)
    return { running, url: `http://127.0.0.1:${running.httpPort}`, address: `localhost:${running.grpcPort}` }
  }
  const replicas: Awaited<ReturnType<typeof start>>[] = []
  for (let count = 0; count < (options.replicas ?? 1); count++) replicas.push(await start())
  const issuing = { db, clock, randomBytes, address: replicas[0]!.address, caKeyHash: keys.authority.keyHash }
  /** What grpc-stack.ts needs of one replica. */
  const grpcOf = (replica: { address: string }) =>
    ({
      address: replica.address,
      keys,
      token: async (agentName: string) =>
        parseJoinToken((await createJoinToken(issuing, 'admin', { agentName, expiresInSeconds: 3_600 })).token),
    }) as unknown as GrpcStack
  return {
    databaseUrl,
    db,
    clock,
    config,
    keysDirectory,
    replicas,
    made,
    logged: () => lines.join(''),
    person: async (...claims: string[]): Promise<SignedIn> => await makePerson(made, claims),
    /** Enrols an agent. */
    join: async (name: string): Promise<TestAgent> => await joinAgent(grpcOf(replicas[0]!), name),
    /** Links an agent to a replica and waits until it is served. */
    link: async (agent: TestAgent, replica: { address: string } = replicas[0]!): Promise<AgentLink> => {
      const stream = openLink(grpcOf(replica), agent, { capabilities: [...agentCapabilities] })
      await stream.until(isSnapshot)
      return new AgentLink(agent, stream)
    },
    async stop() {
      for (const { running } of replicas) await running.stop()
      await db.$disconnect()
      await dropDatabase(databaseUrl)
      await rm(keysDirectory, { recursive: true, force: true })
    },
  }
}

export const newId = () => randomBytes(16).toString('hex')
export const someDigest = () => randomBytes(32).toString('hex')

export const secretText = "DELETE FROM orders WHERE note = 'plaintext-of-the-statement'"

/** What an agent says about a held DELETE by a workload; any field can be another one. */
export const evidenceOf = (agent: { id: string; name: string }, changes: Partial<HeldEvidence> = {}): HeldEvidence => ({
  v: 1,
  statementDigest: someDigest(),
  agent: agent.id,
  agentName: agent.name,
  session: newId(),
  statement: 3,
  target: 'orders',
  targetLabels: { env: 'test' },
  database: 'orders',
  upstreamRole: 'app_rw',
  searchPath: ['public'],
  initiator: {
    kind: 'workload',
    issuer: 'https://ci.test',
    subject: 'repo:shop',
    display: 'shop',
    groups: ['ci'],
    assurance: 'verified',
  },
  actors: [],
  clientAddress: '10.0.0.9',
  applicationName: 'shop',
  protocol: 'simple',
  text: secretText,
  spans: [{ start: 0, end: 6, kind: 'keyword' }],
  parameters: ['plaintext-of-a-parameter', null],
  fingerprint: 'f00d',
  parts: [
    {
      verb: 'delete',
      effects: [
        { operation: 'delete', object: 'public.orders', via: 'direct' },
        { operation: 'select', object: 'public.customers', via: 'derived' },
      ],
      filtered: true,
      functions: [],
      maskedColumns: 0,
    },
  ],
  rule: { policy: 'orders', version: 1, rule: 'deletes' },
  message: 'deletes need a person',
  quorum: [{ group: 'dba', count: 1 }],
  reason: 'optional',
  expiresInMs: 900_000,
  estimate: { kind: 'rows', rows: 12, ofRows: 100, scan: 'Seq Scan on orders', atMs: 1_780_000_000_000 },
  ...changes,
})

/** The other side of Link, as far as holds go. */
export class AgentLink {
  readonly agent: TestAgent
  readonly stream: Stream<AgentMessage, ControlMessage>
  constructor(agent: TestAgent, stream: Stream<AgentMessage, ControlMessage>) {
    this.agent = agent
    this.stream = stream
  }

  /** Says that a statement is held; answers with the call. */
  open(evidence: HeldEvidence, changes: { call?: string; waits?: boolean; bytes?: Uint8Array; digest?: string } = {}) {
    const call = changes.call ?? newId()
    const value = create(HoldOpenedSchema, {
      call,
      statementDigest: changes.digest ?? evidence.statementDigest,
      evidence: changes.bytes ?? canonicalBytes(evidence),
      waits: changes.waits ?? true,
    })
    say(this.stream, { case: 'holdOpened', value })
    return call
  }

  /** The first state of this call that fits. */
  async state(call: string, state: string, fits: (state: HoldState) => boolean = () => true): Promise<HoldState> {
    const isIt = ({ body }: ControlMessage) =>
      body.case === 'holdState' && body.value.call === call && body.value.state === state && fits(body.value)
    const { body } = await this.stream.until(isIt)
    if (body.case !== 'holdState') throw new Error('unreachable')
    return body.value
  }

  /** Opens a hold and waits for its first state. */
  async held(evidence: HeldEvidence, state = 'pending', call = newId()): Promise<HoldState> {
    this.open(evidence, { call })
    return await this.state(call, state)
  }

  async claim(state: HoldState, statementDigest: string, call = state.call): Promise<boolean> {
    const { request, approvalDigest } = state
    const before = this.stream.received.length
    say(this.stream, {
      case: 'holdClaim',
      value: create(HoldClaimSchema, { call, request, statementDigest, approvalDigest }),
    })
    const { body } = await this.stream.until(
      (message) =>
        message.body.case === 'holdClaimed' &&
        message.body.value.call === call &&
        this.stream.received.indexOf(message) >= before,
    )
    return body.case === 'holdClaimed' && body.value.granted
  }

  release(state: HoldState, why = 'cancelled'): void {
    const value = create(HoldReleasedSchema, { call: state.call, request: state.request, why })
    say(this.stream, { case: 'holdReleased', value })
  }

  ran(state: HoldState): void {
    const value = create(HoldRanSchema, {
      request: state.request,
      result: 'done',
      tag: 'DELETE 12',
      rows: 12n,
      durationUs: 3_400n,
    })
    say(this.stream, { case: 'holdRan', value })
  }

  close(): void {
    this.stream.close()
  }
}

export interface Answer {
  readonly status: number
  readonly body: any
}

/** A request by a person. */
export async function ask(
  replica: { url: string },
  person: SignedIn,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${replica.url}${path}`, {
    method,
    headers: { ...person.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

export const card = async (replica: { url: string }, person: SignedIn, id: string): Promise<Answer> =>
  await ask(replica, person, 'GET', `/api/v1/approvals/${id}`)

/** Reads the card as a reviewer would, and decides on what it shows. */
export async function decide(
  replica: { url: string },
  person: SignedIn,
  id: string,
  verdict: Approval['verdicts'][number]['verdict'],
  reason = '',
  approvalDigest?: string,
): Promise<Answer> {
  const shown = approvalDigest ?? (await card(replica, person, id)).body.approvalDigest
  return await ask(replica, person, 'POST', `/api/v1/approvals/${id}/verdict`, {
    verdict,
    reason,
    approvalDigest: shown,
  })
}

/** Looks again and again, for what happens by itself. The test's own time limit ends it. */
export async function eventually<T>(look: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look()
    if (fits(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A Redis of its own on a free port, without persistence. Fails with a clear message where there is none. */
export async function startRedis(port?: number) {
  if (spawnSync('redis-server', ['--version']).status !== 0)
    throw new Error('this test needs "redis-server" on the path: apt-get install redis-server')
  const own = port ?? (await freePort())
  const parameters = ['--port', String(own), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child: ChildProcess = spawn('redis-server', parameters, { stdio: ['ignore', 'pipe', 'inherit'], cwd: tmpdir() })
  await new Promise<void>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString()
      if (text.includes('Ready to accept connections')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${text}`)))
  })
  return {
    port: own,
    url: `redis://127.0.0.1:${own}`,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
