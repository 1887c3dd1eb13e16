// An agent's data path for tests, without link and spool: real listener, real policies compiled from YAML, real tokens,
// entries kept in memory. What stands in for the control plane here is a snapshot that the test publishes.
import { createHash, createHmac, randomBytes, X509Certificate } from 'node:crypto'
import { type Clock, systemClock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import type { EntryBody } from '@sallyport/ledger/entry'
import { compilePolicies } from '@sallyport/policy/decide'
import type { Document, TrustedIssuerDocument } from '@sallyport/policy/document'
import { parseDocuments } from '@sallyport/policy/parse'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import pg from 'pg'
import { type Budgets, createBudgets } from '../src/limits/budgets.ts'
import type { AgentTarget, CurrentSnapshot, Snapshots } from '../src/link/current.ts'
import type { After } from '../src/link/holds.ts'
import type { AdmissionCaps } from '../src/listen/admission.ts'
import type { HttpWaits, ListenerBounds } from '../src/listen/deps.ts'
import { startHttpListener } from '../src/listen/http.ts'
import { type Listener, startListener } from '../src/listen/listener.ts'
import type { MemoryGuard } from '../src/listen/memory.ts'
import { createMetrics } from '../src/metrics.ts'
import { loadParser } from '../src/parser.ts'
import { openCatalogs } from '../src/postgres/catalogs.ts'
import type { Recorder } from '../src/record/record.ts'
import type { CredentialSources } from '../src/secrets/broker.ts'
import type { Log } from '../src/session/log.ts'
import { openSessions } from '../src/session/sessions.ts'
import { makeCertificate, type TestCertificate } from './certificates.ts'
import { type FakeHolds, fakeHolds } from './fake-holds.ts'
import { type FakeTickets, fakeTickets } from './fake-tickets.ts'
import { type FakeTokens, fakeTokens } from './fake-tokens.ts'

export const issuer = 'https://sallyport.test'
const platform = 'https://idp.test'
export const audience = 'sallyport:test'

type Of<K extends Document['kind']> = Extract<Document, { kind: K }>
const of = <K extends Document['kind']>(all: readonly Document[], kind: K): Of<K>[] =>
  all.filter((document): document is Of<K> => document.kind === kind)

/** A snapshot as the link would make it from these documents. */
export function snapshotOf(yaml: string, rest: Partial<CurrentSnapshot>): CurrentSnapshot {
  const { documents, problems } = parseDocuments(yaml)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const policies = of(documents, 'Policy').map((document) => ({ document, version: 1 }))
  const labels = of(documents, 'Label')
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const targets = new Map<string, AgentTarget>()
  for (const document of of(documents, 'Target')) {
    const compiled = compilePolicies({ target: document, policies, labels, floor: null, sha256 })
    targets.set(document.metadata.name, { document, version: 1, policies: compiled })
  }
  return {
    installation: 'test',
    agentId: '0'.repeat(32),
    version: 1,
    notAfterMs: Date.now() + 900_000,
    targets,
    issuers: new Map(),
    groups: of(documents, 'Group'),
    labels,
    revocations: [],
    audience,
    consoleUrl: 'https://console.test',
    reviewers: null,
    ...rest,
  }
}

export interface TestSnapshots extends Snapshots {
  publish(snapshot: CurrentSnapshot): void
  /** From now on `current` throws this. */
  fail(error: SallyportError | null): void
}

export function testSnapshots(first: CurrentSnapshot): TestSnapshots {
  let snapshot = first
  let failure: SallyportError | null = null
  const listeners = new Set<(snapshot: CurrentSnapshot) => void>()
  return {
    current() {
      if (failure !== null) throw failure
      return snapshot
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    publish(next) {
      snapshot = next
      for (const listener of listeners) listener(next)
    },
    fail(error) {
      failure = error
    },
  }
}

export interface KeptEntry {
  readonly session: string
  readonly body: EntryBody
}
export interface TestRecorder extends Recorder {
  readonly entries: KeptEntry[]
  /** Entries of one kind, in order. */
  of<K extends EntryBody['kind']>(kind: K): Extract<EntryBody, { kind: K }>[]
  /** Settles when an entry fits. */
  seen(fits: (body: EntryBody) => boolean): Promise<EntryBody>
  full: boolean
  /** What was noted cannot be written. */
  unwritable: boolean
}

/** Under `strict` an entry is there only after a turn of the event loop, so that a missing wait shows. */
export function testRecorder(): TestRecorder {
  const entries: KeptEntry[] = []
  const waiting: { fits: (body: EntryBody) => boolean; settle: (body: EntryBody) => void }[] = []
  const keep = (session: string, body: EntryBody): void => {
    entries.push({ session, body })
    for (const one of [...waiting]) if (one.fits(body)) one.settle(body)
  }
  const recorder: TestRecorder = {
    entries,
    full: false,
    unwritable: false,
    spoolBytes: 0,
    of: (kind) => entries.map(({ body }) => body).filter((body): body is any => body.kind === kind),
    seen(fits) {
      const known = entries.find(({ body }) => fits(body))
      if (known !== undefined) return Promise.resolve(known.body)
      return new Promise((settle) => waiting.push({ fits, settle }))
    },
    open: (session, mode) => {
      const append = (body: EntryBody): undefined | Promise<void> => {
        if (recorder.full) throw new SallyportError('SPOOL_FULL', 'the spool is full')
        if (mode === 'off') return undefined
        if (mode === 'spool') {
          keep(session, body)
          return undefined
        }
        return new Promise((resolve) => {
          setImmediate(() => {
            keep(session, body)
            resolve()
          })
        })
      }
      return {
        append,
        note: append,
        write() {
          if (recorder.unwritable) throw new SallyportError('SPOOL_UNWRITABLE', 'the record cannot be written')
        },
        async written() {
          this.write()
        },
        close: (reason) => keep(session, { kind: 'session-closed', reason, statements: 0 }),
      }
    },
  }
  return recorder
}

export interface Logged {
  readonly level: string
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}
export function testLog(): { log: Log; lines: Logged[] } {
  const lines: Logged[] = []
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, event: string) =>
    void lines.push({ level, event, fields })
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines }
}

export interface Shown {
  readonly subject?: string
  readonly groups?: readonly string[]
  readonly target?: string
  readonly role?: string
  readonly jti?: string
  readonly kind?: 'user' | 'workload'
  readonly seconds?: number
  /** Makes it a token of the exchange: subjects of workloads in the group "functions", outermost first. */
  readonly actors?: readonly string[]
  readonly once?: boolean
  /** What a forger would do otherwise. */
  readonly forged?: {
    readonly header?: object
    readonly claims?: object
    readonly audience?: string
    readonly key?: CryptoKey | Uint8Array
  }
}

export interface DataPath {
  readonly listener: Listener
  readonly port: number
  /** Of the HTTP listener. */
  readonly httpPort: number
  readonly ca: string
  /** By the authority of the listener's certificate. */
  readonly sign: TestCertificate['sign']
  readonly snapshots: TestSnapshots
  readonly recorder: TestRecorder
  readonly lines: Logged[]
  /** The control plane's side of held statements. */
  readonly control: FakeHolds
  /** Its side of tickets. */
  readonly tickets: FakeTickets
  /** Its side of tokens for one use. */
  readonly tokens: FakeTokens
  readonly maskKey: Uint8Array
  token(shown?: Shown): Promise<string>
  /** A snapshot of these documents with the issuers of this test. */
  snapshot(yaml: string, rest?: Partial<CurrentSnapshot>): CurrentSnapshot
  config(shown?: Shown & { password?: string; user?: string }): Promise<pg.ClientConfig>
  connect(shown?: Shown & { password?: string; user?: string }, more?: pg.ClientConfig): Promise<pg.Client>
  /** The HTTP listener accepts nothing any more. */
  stopHttp(): void
  stop(): Promise<void>
}

export interface DataPathOptions {
  readonly yaml: string
  readonly environment: CredentialSources
  readonly bounds?: Partial<ListenerBounds>
  readonly httpConnectionsPerCallerMax?: number
  readonly httpDoorCaps?: Partial<AdmissionCaps>
  readonly clientTls?: 'required' | 'optional'
  /** For the snapshot. */
  readonly rest?: Partial<CurrentSnapshot>
  readonly clock?: Clock
  readonly after?: After
  /** That a test has a hand in: what other agents lend and borrow of. */
  readonly budgets?: Budgets
  readonly memory?: MemoryGuard
  readonly httpWaits?: Partial<HttpWaits>
  /** In the place of one that keeps entries in memory. */
  readonly recorder?: Recorder
}

/** Starts a listener on a free port of the loopback interface. */
export async function startDataPath(options: DataPathOptions): Promise<DataPath> {
  const certificate = await makeCertificate()
  const keys = await generateKeyPair('ES256', { extractable: true })
  const issuers = new Map([
    [issuer, { document: builtInIssuer(), jwks: { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }] } }],
    // Of whom tokens of the control plane speak: workloads count for as long as their platform is trusted.
    [platform, { document: platformIssuer(), jwks: { keys: [] } }],
  ])
  const snapshot = (yaml: string, rest: Partial<CurrentSnapshot> = {}) => snapshotOf(yaml, { issuers, ...rest })
  const snapshots = testSnapshots(snapshot(options.yaml, options.rest))
  const recorder = testRecorder()
  const { log, lines } = testLog()
  const maskKey = randomBytes(32)
  const control = fakeHolds(options.after === undefined ? {} : { after: options.after })
  const tickets = fakeTickets({ maskKey, key: keys.privateKey, issuer, audience, algorithm: 'ES256' })
  const tokens = fakeTokens()
  const clock = options.clock ?? systemClock
  const shared = {
    host: '127.0.0.1',
    port: 0,
    sessions: openSessions(),
    budgets: options.budgets ?? createBudgets(clock),
    tickets: tickets.tickets,
    tokens: tokens.tokens,
    tls: { certificate: certificate.certificate, key: certificate.key, authority: certificate.ca },
    callerAuthority: { certificate: new X509Certificate(certificate.ca), installation: 'test' },
    agent: { id: '0'.repeat(32), name: 'test' },
    snapshots,
    recorder: options.recorder ?? recorder,
    holds: control.holds,
    parser: await loadParser(),
    environment: options.environment,
    maskHash: (value: Uint8Array) => createHmac('sha256', maskKey).update(value).digest(),
    clock,
    monotonicUs: () => performance.now() * 1_000,
    random: randomBytes,
    log,
    metrics: createMetrics(),
    onCatalog: () => {},
    catalogs: openCatalogs({ environment: options.environment, random: randomBytes, clock, onCatalog: () => {} }),
    ...(options.memory === undefined ? {} : { memory: options.memory }),
  }
  const listener = await startListener({
    ...shared,
    clientTls: options.clientTls ?? 'required',
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
  })
  const { httpConnectionsPerCallerMax: connectionsPerCallerMax, httpWaits: waits, httpDoorCaps: doorCaps } = options
  const http = await startHttpListener({
    ...shared,
    ...(connectionsPerCallerMax === undefined ? {} : { connectionsPerCallerMax }),
    ...(waits === undefined ? {} : { waits }),
    ...(doorCaps === undefined ? {} : { doorCaps }),
  })
  const token = async (shown: Shown = {}): Promise<string> =>
    await new SignJWT({
      sp_issuer: 'https://idp.test',
      sp_kind: shown.kind ?? 'user',
      sp_groups: shown.groups ?? ['engineering'],
      sp_name: shown.subject ?? 'Ann',
      sp_target: shown.target ?? 'shop',
      ...(shown.role === undefined ? {} : { sp_role: shown.role }),
      ...(shown.actors === undefined ? {} : { act: actOf(shown.actors) }),
      ...(shown.once === true ? { sp_once: true } : {}),
      ...shown.forged?.claims,
    })
      .setProtectedHeader({
        alg: 'ES256',
        typ: shown.actors === undefined ? 'sallyport+jwt' : 'sallyport-act+jwt',
        ...shown.forged?.header,
      })
      .setIssuer(issuer)
      .setAudience(shown.forged?.audience ?? audience)
      .setSubject(shown.subject ?? 'ann')
      .setIssuedAt()
      .setExpirationTime(`${shown.seconds ?? (shown.actors === undefined ? 600 : 300)}s`)
      .setJti(shown.jti ?? randomBytes(8).toString('hex'))
      .sign(shown.forged?.key ?? keys.privateKey)
  const config = async (shown: Shown & { password?: string; user?: string } = {}): Promise<pg.ClientConfig> => ({
    host: '127.0.0.1',
    port: listener.port,
    database: shown.target ?? 'shop',
    user: shown.user ?? 'sallyport',
    password: shown.password ?? (await token(shown)),
    ssl: { ca: certificate.ca, servername: 'localhost' },
  })
  return {
    listener,
    port: listener.port,
    httpPort: http.port,
    ca: certificate.ca,
    sign: certificate.sign,
    snapshots,
    recorder,
    lines,
    control,
    tickets,
    tokens,
    maskKey,
    token,
    snapshot,
    config,
    async connect(shown, more = {}) {
      const client = new pg.Client({ ...(await config(shown)), ...more })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    stopHttp: () => http.stop(),
    async stop() {
      http.stop()
      await listener.close(0)
      await http.close()
    },
  }
}

const actOf = ([sub, ...rest]: readonly string[]): object | undefined =>
  sub === undefined
    ? undefined
    : {
        iss: 'https://idp.test',
        sub,
        sp_kind: 'workload',
        sp_groups: ['functions'],
        sp_name: sub,
        ...(rest.length === 0 ? {} : { act: actOf(rest) }),
      }

export const builtInIssuer = (): TrustedIssuerDocument => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'TrustedIssuer',
  metadata: { name: 'sallyport' },
  spec: {
    issuer,
    principals: 'user',
    audiences: [audience],
    algorithms: ['ES256'],
    requiredClaims: {},
    maxLife: '1h',
    groupsClaim: 'groups',
    exposeClaims: [],
  },
})

const platformIssuer = (): TrustedIssuerDocument => {
  const { spec, ...document } = builtInIssuer()
  return { ...document, metadata: { name: 'platform' }, spec: { ...spec, issuer: platform, principals: 'workload' } }
}
