// Builds, signs and pushes one snapshot for each agent: after every change, when an agent connects, and every minute
// (DESIGN §2, "Snapshot"; THREATS ).
// INVARIANT: the payload is encoded once; what is signed is what is sent. A failure sends nothing: agents then deny
// when their last snapshot ends.
import { create, toBinary } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import {
  GrantSchema,
  type Issuer,
  IssuerSchema,
  RevocationSchema,
  type SignedSnapshot,
  SignedSnapshotSchema,
  type Snapshot,
  SnapshotSchema,
  type VersionedDocument,
  VersionedDocumentSchema,
} from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { signedBytesOf } from '@sallyport/proto/signed'
import type { Logger } from 'pino'
import type { SnapshotSigner } from '../agents/keys.ts'
import { nextSnapshotVersions, readRevocations } from '../agents/store.ts'
import type { Db } from '../db.ts'
import type { StoredKeys } from '../identities/issuer-store.ts'
import { keysOf } from '../identities/jwks.ts'
import { readLiveGrants } from './live-grants.ts'
import { selectFor } from './select.ts'
import { readDocuments, type StoredDocument } from './store.ts'

/** Changes that come within this time go out together, in milliseconds. */
const debounceMs = 20
/** After a failure the next try comes in, in milliseconds. */
const retryMs = 1_000
/** Agents whose versions are counted together; between two such groups other work has its turn. */
const groupMax = 100

export interface PublisherDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  readonly installation: string
  readonly signer: SnapshotSigner
  /** Key sets of trusted issuers that may be used now, by issuer. */
  readonly issuerKeys: () => Promise<ReadonlyMap<string, StoredKeys>>
  /** The control plane itself, as the issuer of tokens for targets. */
  readonly builtInIssuer: { readonly document: TrustedIssuerDocument; readonly jwks: unknown }
  readonly audience: string
  readonly consoleUrl: string
}

export interface AttachedAgent {
  readonly agentId: string
  readonly name: string
  /** Highest version that the agent has kept. */
  readonly reportedVersion: bigint
  /** What it understands beyond the release before this one; empty for an agent of that release. */
  readonly capabilities: readonly string[]
  send(signed: SignedSnapshot): void
}

export interface Publisher {
  /** Resolves when every agent that is connected here was sent the change, or the try failed (it is repeated). Never rejects. */
  publish(): Promise<void>
  /** Sends a snapshot at once, then every change. Returns how to stop. */
  attach(agent: AttachedAgent): () => void
  stop(): void
}

/** Agents that are connected here, and when each was sent its last snapshot. */
type Attached = Map<AttachedAgent, { sentMs: number }>

export function createPublisher(deps: PublisherDeps): Publisher {
  const attached: Attached = new Map()
  const delays = openDelays()
  /** Attached, and not in turn yet: they go together, because a thousand may come back at once. */
  const fresh = new Set<AttachedAgent>()
  let pending: { readonly sent: Promise<void>; readonly resolve: () => void } | undefined
  let running: Promise<void> = Promise.resolve()
  let isStopped = false
  /** One at a time, so that a later version never holds an earlier state. */
  const sendInTurn = (choose: () => readonly AttachedAgent[]): Promise<void> => {
    running = running.then(async () => {
      if (isStopped || (await sendTo(deps, attached, choose())) || isStopped) return
      delays.after(retryMs, () => void publish())
    })
    return running
  }
  const takeFresh = (): readonly AttachedAgent[] => {
    const taken = [...fresh]
    fresh.clear()
    return taken
  }
  const publish = (): Promise<void> => {
    if (isStopped) return Promise.resolve()
    if (pending !== undefined) return pending.sent
    let resolve = (): void => undefined
    const sent = new Promise<void>((settle) => {
      resolve = settle
    })
    pending = { sent, resolve }
    delays.after(debounceMs, () => {
      pending = undefined
      void sendInTurn(() => [...attached.keys()]).then(resolve)
    })
    return sent
  }
  const refresh = setInterval(() => {
    const dueMs = deps.clock.nowMs() - limits.snapshotRefreshMs
    const due = [...attached].flatMap(([agent, { sentMs }]) => (sentMs <= dueMs ? [agent] : []))
    if (due.length > 0) void sendInTurn(() => due)
  }, limits.snapshotRefreshMs / 12)
  refresh.unref()
  return {
    publish,
    attach(agent) {
      attached.set(agent, { sentMs: 0 })
      fresh.add(agent)
      if (fresh.size === 1) void sendInTurn(takeFresh)
      return () => {
        attached.delete(agent)
        fresh.delete(agent)
      }
    },
    stop() {
      isStopped = true
      clearInterval(refresh)
      pending?.resolve()
      delays.clear()
    },
  }
}

/** Timers that are all taken back at the end. */
function openDelays() {
  const timers = new Set<NodeJS.Timeout>()
  return {
    after(delayMs: number, run: () => void): void {
      const timer = setTimeout(() => {
        timers.delete(timer)
        run()
      }, delayMs)
      timers.add(timer)
    },
    clear(): void {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** False when some agent went without: the trouble of one never keeps another from its snapshot. */
async function sendTo(deps: PublisherDeps, attached: Attached, agents: readonly AttachedAgent[]): Promise<boolean> {
  const failed = (err: unknown, agent?: string): void => deps.log.error({ event: 'snapshot-failed', agent, err })
  if (agents.length === 0) return true
  let isComplete = true
  try {
    const source = await readSource(deps)
    for (let from = 0; from < agents.length; from += groupMax) {
      const group = agents.slice(from, from + groupMax).filter((agent) => attached.has(agent))
      const wanted = group.map(({ agentId, reportedVersion }) => ({ id: agentId, reported: reportedVersion }))
      const versions = group.length === 0 ? new Map() : await nextSnapshotVersions(deps.db, wanted)
      for (const agent of group) {
        try {
          sendOne(deps, attached, source, agent, versions.get(agent.agentId))
        } catch (err) {
          failed(err, agent.agentId)
          isComplete = false
        }
      }
    }
  } catch (err) {
    failed(err)
    return false
  }
  return isComplete
}

function sendOne(
  deps: PublisherDeps,
  attached: Attached,
  source: Source,
  agent: AttachedAgent,
  version: bigint | undefined,
): void {
  const state = attached.get(agent)
  if (state === undefined) return
  if (version === undefined) throw new Error('the store does not know this agent')
  agent.send(buildSnapshot(deps, source, agent, version))
  state.sentMs = deps.clock.nowMs()
}

interface Source {
  readonly documents: readonly StoredDocument[]
  readonly revocations: Snapshot['revocations']
  readonly grants: Snapshot['grants']
  readonly keys: ReadonlyMap<string, StoredKeys>
  /** As the snapshot carries it: made once for all agents. */
  readonly versioned: (document: StoredDocument) => VersionedDocument
}

async function readSource(deps: PublisherDeps): Promise<Source> {
  // A token lives at most this long, so a revocation of older ones has nothing left to revoke.
  const lifeMs = (limits.tokenLifeSecondsMax + limits.clockLeewaySeconds) * 1_000
  const rows = await readRevocations(deps.db, new Date(deps.clock.nowMs() - lifeMs))
  const revocations = rows.map(({ jti, issuer, subject, before }) =>
    create(RevocationSchema, {
      jti: jti ?? '',
      issuer: issuer ?? '',
      subject: subject ?? '',
      beforeMs: BigInt(before.getTime()),
    }),
  )
  const documents = await readDocuments(deps.db)
  const grants = (await readLiveGrants(deps.db, new Date(deps.clock.nowMs()))).map((grant) =>
    create(GrantSchema, { ...grant, untilMs: BigInt(grant.untilMs) }),
  )
  return { documents, revocations, grants, keys: await deps.issuerKeys(), versioned: onceEach(versioned) }
}

function buildSnapshot(
  deps: PublisherDeps,
  source: Source,
  agent: Pick<AttachedAgent, 'agentId' | 'name' | 'capabilities'>,
  version: bigint,
): SignedSnapshot {
  const selected = selectFor(agent.name, source.documents, agent.capabilities)
  // With every snapshot: whoever looks for the reason finds it near the end of the log.
  for (const { target, needs } of selected.withheld)
    deps.log.warn({ event: 'target-withheld', agent: agent.agentId, target, needs: needs.join(' ') })
  const nowMs = deps.clock.nowMs()
  const snapshot = create(SnapshotSchema, {
    installation: deps.installation,
    agentId: agent.agentId,
    version,
    issuedAtMs: BigInt(nowMs),
    notAfterMs: BigInt(nowMs + limits.snapshotLifeMs),
    targets: selected.targets.map(source.versioned),
    policies: selected.policies.map(source.versioned),
    labels: selected.labels.map(source.versioned),
    groups: selected.groups.map(source.versioned),
    issuers: [builtIn(deps, nowMs), ...selected.issuers.map((stored) => trusted(stored, source.keys))],
    revocations: source.revocations,
    grants: source.grants.filter(({ target }) => selected.targets.some(({ name }) => name === target)),
    audience: deps.audience,
    consoleUrl: deps.consoleUrl,
  })
  return signSnapshot(deps.signer, toBinary(SnapshotSchema, snapshot))
}

const versioned = ({ name, version, document }: StoredDocument) =>
  create(VersionedDocumentSchema, { name, version, json: JSON.stringify(document) })

/** The same call gives what it gave before. */
function onceEach<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}

const builtIn = ({ builtInIssuer }: PublisherDeps, nowMs: number): Issuer =>
  create(IssuerSchema, {
    json: JSON.stringify(builtInIssuer.document),
    jwks: JSON.stringify(builtInIssuer.jwks),
    fetchedAtMs: BigInt(nowMs),
  })

/** An issuer whose keys we do not have goes without: its tokens are then refused with a reason. */
function trusted({ document }: StoredDocument, keys: ReadonlyMap<string, StoredKeys>): Issuer {
  const isIssuer = document.kind === 'TrustedIssuer'
  const stored = isIssuer ? keys.get(document.spec.issuer) : undefined
  return create(IssuerSchema, {
    json: JSON.stringify(document),
    jwks: JSON.stringify(isIssuer ? keysOf(document, keys) : { keys: [] }),
    fetchedAtMs: BigInt(stored?.fetchedAt.getTime() ?? 0),
  })
}

/** Signs payload bytes as they are. */
export const signSnapshot = (signer: SnapshotSigner, payload: Uint8Array): SignedSnapshot =>
  create(SignedSnapshotSchema, {
    payload,
    keyId: signer.keyId,
    signature: signer.sign(signedBytesOf(payload)),
  })
