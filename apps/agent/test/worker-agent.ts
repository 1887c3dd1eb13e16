// A whole agent as a process of its own, with workers, beside a control plane that is nothing but messages: what it logs, what it
// records, and whom it lets in by tokens of the test.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create } from '@bufbuild/protobuf'
import { parseCanonical } from '@sallyport/ledger/canonical'
import { approvalDigest, evidenceDigest, type HeldEvidence } from '@sallyport/ledger/hold'
import { parseDocuments } from '@sallyport/policy/parse'
import { HoldClaimedSchema, HoldStateSchema } from '@sallyport/proto/gen/sallyport/v1/hold_pb'
import { type IngestRequest, IngestResponseSchema } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { TokenTakenSchema } from '@sallyport/proto/gen/sallyport/v1/token_pb'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import pg from 'pg'
import { audience, builtInIssuer, issuer, type Shown } from './data-path.ts'
import { startFakeControl } from './fake-control.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface LoggedLine {
  readonly msg: string
  readonly worker?: number
  readonly process?: number
  readonly session?: string
  readonly [field: string]: unknown
}

export interface RecordedEntry {
  readonly session: string
  readonly seq: number
  readonly kind: string
  readonly [field: string]: unknown
}

export interface WorkerAgent {
  readonly child: ChildProcess
  readonly port: number
  /** 0 where it serves no HTTP. */
  readonly httpPort: number
  readonly ca: string
  readonly lines: LoggedLine[]
  /** What the control plane was given, in the order of each session. */
  readonly entries: RecordedEntry[]
  readonly ran: { readonly request: string; readonly result: string }[]
  /** Waits until something is there; looks again with every line and every message. */
  until<T>(look: () => T | undefined | null | false): Promise<T>
  connect(subject?: string, more?: pg.ClientConfig, claims?: object): Promise<pg.Client>
  config(subject?: string, claims?: object): Promise<pg.ClientConfig>
  token(shown?: Shown): Promise<string>
  /** The version that it has. */
  publish(yaml: string): number
  /** Process ids of the workers that serve now. */
  workers(): number[]
  processOf(worker: number): number | undefined
  metrics(): Promise<string>
  readonly ended: Promise<{ readonly code: number | null }>
  stop(): Promise<void>
}

export interface WorkerAgentOptions {
  readonly yaml: string
  readonly workers: number
  readonly env?: Readonly<Record<string, string>>
}

export async function startWorkerAgent({ yaml, workers, env = {} }: WorkerAgentOptions): Promise<WorkerAgent> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-workers-'))
  const keys = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }] }
  const control = await startFakeControl()
  const entries: RecordedEntry[] = []
  const ran: { request: string; result: string }[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const one of [...waiting]) one()
  }
  let version = 0n
  const taken = new Set<string>()
  const snapshotOf = (text: string) => {
    const { documents, problems } = parseDocuments(text)
    if (problems.length > 0) throw new Error(JSON.stringify(problems))
    const stored = (kind: string) =>
      documents
        .filter((document) => document.kind === kind)
        .map((document) => ({ name: document.metadata.name, version: 1, json: JSON.stringify(document) }))
    version += 1n
    return control.snapshot({
      version,
      audience,
      targets: stored('Target'),
      policies: stored('Policy'),
      issuers: [{ json: JSON.stringify(builtInIssuer()), jwks: JSON.stringify(jwks), fetchedAtMs: 1n }],
    })
  }
  control.behaviour.onLink = (link) => {
    link.send({ case: 'snapshot', value: snapshotOf(yaml) })
    link.call.on('data', ({ body }) => {
      // Whatever is held is approved at once.
      if (body.case === 'holdOpened') link.send({ case: 'holdState', value: approved(body.value) })
      if (body.case === 'holdClaim')
        link.send({ case: 'holdClaimed', value: create(HoldClaimedSchema, { call: body.value.call, granted: true }) })
      if (body.case === 'holdRan') ran.push({ request: body.value.request, result: body.value.result })
      if (body.case === 'tokenShown') {
        const { call, jti } = body.value
        link.send({ case: 'tokenTaken', value: create(TokenTakenSchema, { call, taken: !taken.has(jti) }) })
        taken.add(jti)
      }
      wake()
    })
  }
  control.behaviour.onIngest = ({ batchId, batch }: IngestRequest) => {
    for (const bytes of batch?.entries ?? []) entries.push(JSON.parse(Buffer.from(bytes).toString('utf8')))
    wake()
    const last = (batch?.firstSeq ?? 0n) + BigInt((batch?.entries.length ?? 1) - 1)
    return create(IngestResponseSchema, { batchId, session: batch?.session ?? '', acknowledgedSeq: last })
  }
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'run'], {
    env: {
      PATH: process.env['PATH'],
      SALLYPORT_DATA_DIR: join(directory, 'data'),
      SALLYPORT_METRICS_PORT: '0',
      SALLYPORT_LISTEN_PORT: '0',
      SALLYPORT_DRAIN_SECONDS: '2',
      SALLYPORT_LOG_LEVEL: 'debug',
      SALLYPORT_WORKERS: String(workers),
      SALLYPORT_JOIN_TOKEN: control.token().reveal(),
      APP_PASSWORD: 'app-secret-1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: LoggedLine[] = []
  let text = ''
  let said = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
    const whole = text.split('\n')
    text = whole.pop() ?? ''
    for (const line of whole) lines.push(JSON.parse(line))
    wake()
  })
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  let isOver = false
  const ended = once(child, 'close').then(([code]) => {
    isOver = true
    wake()
    return { code: code as number | null }
  })
  const until: WorkerAgent['until'] = async (look) => {
    for (;;) {
      const found = look()
      if (found !== undefined && found !== null && found !== false) return found
      if (isOver) throw new Error(`the agent has ended: ${said} ${JSON.stringify(lines.slice(-5))}`)
      await new Promise<void>((resolve) => {
        const one = () => {
          waiting.delete(one)
          resolve()
        }
        waiting.add(one)
      })
    }
  }
  const started = await until(() => lines.find(({ msg }) => msg === 'started'))
  const port = Number(started['port'])
  const tokenOf = async (subject: string, claims: object): Promise<string> =>
    await new SignJWT({
      sp_issuer: 'https://idp.test',
      sp_kind: 'user',
      sp_groups: ['engineering'],
      sp_name: subject,
      sp_target: 'shop',
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'sallyport+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime('600s')
      .setJti('jti' in claims ? String(claims.jti) : crypto.randomUUID())
      .sign(keys.privateKey)
  const config: WorkerAgent['config'] = async (subject = 'ann', claims = {}) => ({
    host: '127.0.0.1',
    port,
    database: 'shop',
    user: 'sallyport',
    password: await tokenOf(subject, claims),
    ssl: { ca: control.authority.pem, servername: 'localhost' },
  })
  const gone = (id: number) => lines.some(({ msg, process: one }) => msg === 'worker-ended' && one === id)
  return {
    child,
    port,
    httpPort: Number(started['httpPort'] ?? 0),
    ca: control.authority.pem,
    token: ({ subject = 'ann', target = 'shop', once: isOnce, jti } = {}) =>
      tokenOf(subject, {
        sp_target: target,
        ...(isOnce === true ? { sp_once: true } : {}),
        ...(jti === undefined ? {} : { jti }),
      }),
    lines,
    entries,
    ran,
    until,
    config,
    async connect(subject = 'ann', more = {}, claims = {}) {
      const client = new pg.Client({ ...(await config(subject, claims)), ...more })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    publish(text) {
      control.links.at(-1)?.send({ case: 'snapshot', value: snapshotOf(text) })
      return Number(version)
    },
    workers: () =>
      lines.flatMap(({ msg, process: id }) => (msg === 'worker-started' && id !== undefined && !gone(id) ? [id] : [])),
    processOf: (worker) => lines.findLast((line) => line.msg === 'worker-started' && line.worker === worker)?.process,
    ended,
    metrics: async () => await (await fetch(`http://127.0.0.1:${started['metricsPort']}/metrics`)).text(),
    async stop() {
      if (!isOver) child.kill('SIGTERM')
      await ended
      control.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())

function approved({ call, evidence: bytes }: { readonly call: string; readonly evidence: Uint8Array }) {
  const parsed = parseCanonical(bytes, 1_048_576)
  if (!parsed.ok) throw new Error(parsed.reason)
  const evidence = parsed.value as unknown as HeldEvidence
  const request = crypto.randomUUID().replaceAll('-', '')
  const expiresAtMs = Date.now() + evidence.expiresInMs
  const digest = evidenceDigest(sha256, evidence)
  const { statementDigest, quorum } = evidence
  const subject = { v: 1, request, statementDigest, evidenceDigest: digest, expiresAtMs, quorum } as const
  return create(HoldStateSchema, {
    call,
    request,
    state: 'approved',
    url: `https://elsewhere.test/approvals/${request}`,
    expiresAtMs: BigInt(expiresAtMs),
    approvalDigest: approvalDigest(sha256, subject),
    evidenceDigest: digest,
    reason: '',
    decidedBy: ['Bob'],
  })
}
