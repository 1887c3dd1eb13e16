// The one connection to the control plane: the streams Link and Ingest over one channel, opened again for as long as the
// agent runs. Snapshots come down, catalogs and heartbeats go up; a revocation ends it for good.

import { create } from '@bufbuild/protobuf'
import { type Client, Metadata } from '@grpc/grpc-js'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { agentCapabilities } from '@sallyport/policy/capabilities'
import {
  type AgentMessage,
  AgentMessageSchema,
  type ControlMessage,
  HeartbeatSchema,
  HelloSchema,
  SnapshotAppliedSchema,
} from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { SignedSnapshot } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { linkMethod } from '@sallyport/proto/method'
import { errorOfStatus, printable } from '@sallyport/proto/status'
import type { Catalog } from '@sallyport/sql/catalog'
import { type Budgets, createBudgets } from '../limits/budgets.ts'
import { termsIn } from '../limits/terms.ts'
import type { QuarantineNews } from '../mcp/quarantine.ts'
import type { IngestStream } from '../record/upload.ts'
import type { Log } from '../session/log.ts'
import { type Asking, openAsking } from './asking.ts'
import { backoffMs, pause } from './backoff.ts'
import { openChannel } from './channel.ts'
import { type Holds, realAfter } from './holds.ts'
import { type Identity, renewAtMs } from './identity.ts'
import { openIngestStream } from './ingest.ts'
import { type LinkLeases, linkLeases } from './leases.ts'
import { type News, openNews } from './news.ts'
import { renew } from './renew.ts'
import { openScans, type Scan, type Scans } from './scans.ts'
import type { SnapshotKeeper } from './snapshot.ts'
import type { Tickets } from './tickets.ts'
import { type LinkTiming, linkTiming } from './timing.ts'
import type { Tokens } from './tokens.ts'

/** After a renewal failed the next try comes in, in milliseconds. */
const renewalRetryMs = 60_000
/** What is said upward about a snapshot, in characters. */
const reportCharsMax = 2_000

export interface LinkDeps {
  /** Where a renewed identity is kept. */
  readonly directory: string
  readonly identity: Identity
  /** The listener's certificate does not carry the names that the configuration says: renew as soon as the link is up. */
  readonly renewFirst: boolean
  readonly snapshots: SnapshotKeeper
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** Cryptographically strong. */
  readonly randomBytes: (bytes: number) => Uint8Array
  readonly log: Log
  readonly version: string
  /** `host:port` where HTTP targets are reached; absent where none are served. */
  readonly advertiseHttp?: string
  /** For heartbeats. */
  readonly load: () => { readonly sessions: number; readonly spoolBytes: number; readonly isDraining?: boolean }
  readonly onKillSession: (session: string, reason: string) => void
  /** What other agents lend and borrow of. Absent: nothing is lent. */
  readonly budgets?: Budgets
  /** Reads a sample of a target. */
  readonly scan: Scan
  /** Once. Sessions must end; the link is closed already. */
  readonly onRevoked: (reason: string) => void
  /** New certificate and key for the listener. */
  readonly onRenewed: (identity: Identity) => void
  readonly timing?: Partial<LinkTiming>
}

export interface Link {
  readonly isUp: boolean
  /** Asks people about statements. */
  readonly holds: Holds
  /** Asks about tickets. */
  readonly tickets: Tickets
  /** Uses up tokens for one use. */
  readonly tokens: Tokens
  /** Waits until the link is up. Rejects when the signal fires or the link has ended. */
  openIngest(signal: AbortSignal): Promise<IngestStream>
  /** Sends the newest catalog of a target now, or when the link is up again. */
  uploadCatalog(target: string, upstreamRole: string, catalog: Catalog): void
  /** Tells what of a target is in quarantine, soon, or when the link is up again. */
  tellQuarantine(news: QuarantineNews): void
  /** Asks for new certificates at once; by itself that happens at two thirds of their life. */
  renewNow(): Promise<void>
  /** Says now what heartbeats say: that the agent stops must not wait for the next one. */
  beat(): void
  /** Settles when everything is closed. */
  stop(): Promise<void>
}

export function startLink(deps: LinkDeps): Link {
  const running = new RunningLink(deps)
  const done = running.run()
  return {
    get isUp() {
      return running.isUp
    },
    holds: running.asking.holds,
    tickets: running.asking.tickets,
    tokens: running.asking.tokens,
    openIngest: (signal) => running.openIngest(signal),
    uploadCatalog: running.news.catalog,
    tellQuarantine: running.news.quarantine,
    renewNow: () => running.renewNow(),
    beat: () => running.beat(),
    async stop() {
      running.stop()
      await done
    },
  }
}

type Outcome = 'again' | 'at-once' | 'over'
type LinkCall = ReturnType<typeof openLinkCall>

const openLinkCall = (client: Client) =>
  client.makeBidiStreamRequest(linkMethod.path, linkMethod.serialize, linkMethod.deserialize, new Metadata())

class RunningLink {
  readonly #deps: LinkDeps
  readonly #timing: LinkTiming
  readonly news: News
  readonly asking: Asking
  readonly #leases: LinkLeases
  readonly #scans: Scans
  readonly #stopping = new AbortController()
  readonly #waiting = new Set<() => void>()
  #identity: Identity
  #client: Client | undefined
  #call: LinkCall | undefined
  #failures = 0
  #isRenewed = false
  #nextRenewalMs = 0
  #isStale: boolean
  isUp = false

  constructor(deps: LinkDeps) {
    this.#deps = deps
    this.#identity = deps.identity
    this.#isStale = deps.renewFirst
    this.#timing = { ...linkTiming, ...deps.timing }
    const { scan, log, randomBytes, clock, budgets = createBudgets(clock) } = deps
    const up = { send: (body: AgentMessage['body']) => this.#sendIfUp(body), after: realAfter, random: randomBytes }
    this.asking = openAsking(up)
    this.news = openNews({ ...up, log })
    this.#leases = linkLeases({ ...up, budgets, clock, termsOf: (budget) => termsIn(deps.snapshots, budget) })
    this.#scans = openScans({ scan, log, send: (value) => void this.#sendIfUp({ case: 'scanDone', value }) })
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const outcome = await this.#connect()
      if (outcome === 'over') this.stop()
      if (outcome === 'again') {
        const delayMs = backoffMs(this.#failures++, this.#deps.random, this.#timing.backoff)
        await pause(delayMs, signal)
      }
    }
    this.#wake()
  }

  stop(): void {
    this.#stopping.abort()
    this.#scans.stop()
    this.#call?.cancel()
  }

  async openIngest(signal: AbortSignal): Promise<IngestStream> {
    while (!this.isUp || this.#client === undefined) {
      if (signal.aborted || this.#stopping.signal.aborted)
        throw new SallyportError('CONTROL_PLANE_UNREACHABLE', 'the link to the control plane has ended')
      await this.#nextChange(signal)
    }
    return openIngestStream(this.#client)
  }

  async renewNow(): Promise<void> {
    if (this.#client === undefined)
      throw new SallyportError('CONTROL_PLANE_UNREACHABLE', 'certificates are renewed over a link, and there is none')
    const { directory, clock, log, onRenewed } = this.#deps
    const nowMs = () => clock.nowMs()
    this.#identity = await renew({ client: this.#client, identity: this.#identity, directory, nowMs })
    log.info({}, 'certificates-renewed')
    onRenewed(this.#identity)
    this.#isRenewed = true
    this.#isStale = false
    this.#call?.cancel()
  }

  /** One connection, from its first byte to its last. */
  async #connect(): Promise<Outcome> {
    const { address, caCertificate, installation, clientCertificate, clientKey } = this.#identity
    const client = openChannel({
      address,
      caCertificate,
      installation,
      client: { certificate: clientCertificate, key: clientKey },
    })
    this.#client = client
    this.#isRenewed = false
    try {
      return await this.#serve(openLinkCall(client))
    } finally {
      this.isUp = false
      this.asking.lost()
      this.#leases.lost()
      this.#client = undefined
      this.#call = undefined
      client.close()
    }
  }

  async #serve(call: LinkCall): Promise<Outcome> {
    this.#call = call
    const { heartbeatMs, silenceMsMax } = this.#timing
    return await new Promise<Outcome>((resolve) => {
      let outcome: Outcome | undefined
      let silence = setTimeout(() => call.cancel(), silenceMsMax)
      const heartbeat = setInterval(() => this.beat(), heartbeatMs)
      const finish = (ended: Outcome) => {
        if (outcome !== undefined) return
        outcome = ended
        clearTimeout(silence)
        clearInterval(heartbeat)
        call.cancel()
        resolve(ended)
      }
      call.on('data', (message: ControlMessage) => {
        clearTimeout(silence)
        silence = setTimeout(() => call.cancel(), silenceMsMax)
        if (outcome !== undefined) return
        this.#comeUp()
        if (this.#take(message)) finish('over')
      })
      call.on('error', (thrown) => finish(this.#failed(errorOfStatus(thrown))))
      call.on('end', () => finish('again'))
      this.#greet()
    })
  }

  #greet(): void {
    const { version, snapshots, advertiseHttp = '' } = this.#deps
    const { agentName, advertise } = this.#identity
    const snapshotVersion = snapshots.highestVersion
    const capabilities = [...agentCapabilities]
    const hello = { agentName, version, snapshotVersion, advertise, advertiseHttp, capabilities }
    this.#send({ case: 'hello', value: create(HelloSchema, hello) })
  }

  #comeUp(): void {
    if (this.isUp) return
    this.isUp = true
    this.#failures = 0
    this.#deps.log.info({ address: this.#identity.address }, 'link-up')
    this.news.up()
    this.#wake()
  }

  #sendIfUp(body: AgentMessage['body']): boolean {
    if (this.isUp) this.#send(body)
    return this.isUp
  }

  #send(body: AgentMessage['body']): void {
    this.#call?.write(create(AgentMessageSchema, { body }))
  }

  beat(): void {
    const { clock, load } = this.#deps
    const nowMs = clock.nowMs()
    const { sessions, spoolBytes, isDraining: draining = false } = load()
    const said = { atMs: BigInt(nowMs), sessions, spoolBytes: BigInt(spoolBytes), draining }
    const value = create(HeartbeatSchema, said)
    this.#send({ case: 'heartbeat', value })
    if (!this.isUp || nowMs < this.#renewalDueMs() || nowMs < this.#nextRenewalMs) return
    this.#tryRenewal()
  }

  #renewalDueMs(): number {
    return this.#isStale ? 0 : renewAtMs(this.#identity)
  }

  #tryRenewal(): void {
    const { clock, log } = this.#deps
    this.#nextRenewalMs = clock.nowMs() + renewalRetryMs
    this.renewNow().catch((thrown: unknown) => {
      const { code, message } = asSallyportError(thrown)
      log.error({ code, reason: message }, 'certificates-not-renewed')
    })
  }

  /** True when the link is over for good. */
  #take({ body }: ControlMessage): boolean {
    switch (body.case) {
      case 'snapshot':
        this.#apply(body.value)
        return false
      case 'revoked':
        this.#revoked(printable(body.value.reason))
        return true
      case 'killSession':
        this.#deps.onKillSession(body.value.session, printable(body.value.reason))
        return false
      case 'scanRequested':
        this.#scans.requested(body.value)
        return false
      case 'holdState':
      case 'holdClaimed':
      case 'ticketFound':
      case 'tokenTaken':
        this.asking.take(body)
        return false
      case 'leaseAsked':
        this.#leases.asked(body.value)
        return false
      case 'leaseGranted':
        this.#leases.granted(body.value)
        return false
      case 'pong':
      case undefined:
        // A later control plane may say more than we understand; what we do not know changes nothing.
        return false
    }
  }

  /** Whatever is wrong with a snapshot is said upward; the last good one stays. */
  #apply(signed: SignedSnapshot): void {
    const { snapshots, log } = this.#deps
    try {
      const { version, problems } = snapshots.apply(signed)
      log.debug({ version: Number(version) }, 'snapshot-applied')
      const isWhole = problems.length === 0
      const errorMessage = problems.join('; ').slice(0, reportCharsMax)
      this.#report(version, isWhole ? '' : 'DOCUMENT_INVALID', errorMessage)
    } catch (thrown) {
      const { code, message, hint } = asSallyportError(thrown)
      log.error({ code, reason: message, hint }, 'snapshot-refused')
      this.#report(snapshots.highestVersion, code, message)
    }
  }

  #report(version: bigint, errorCode: string, errorMessage: string): void {
    const value = create(SnapshotAppliedSchema, { version, errorCode, errorMessage })
    this.#send({ case: 'snapshotApplied', value })
  }

  #revoked(reason: string): void {
    const { snapshots, log, onRevoked } = this.#deps
    log.error({ reason }, 'agent-revoked')
    snapshots.revoke()
    onRevoked(reason)
  }

  #failed(error: SallyportError): Outcome {
    if (this.#isRenewed) return 'at-once'
    if (this.#stopping.signal.aborted) return 'over'
    if (error.code === 'AGENT_REVOKED') {
      this.#revoked(error.message)
      return 'over'
    }
    // Once for each outage: the first failure says why, the following ones are counted.
    const fields = { code: error.code, reason: error.message, hint: error.hint, err: error.cause }
    if (this.#failures === 0) this.#deps.log.warn(fields, 'link-down')
    else this.#deps.log.debug({ failures: this.#failures, code: error.code }, 'link-still-down')
    return 'again'
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  async #nextChange(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
