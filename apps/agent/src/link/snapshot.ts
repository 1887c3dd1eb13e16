// The snapshots of this agent: verified over the exact bytes with the pinned key, kept on disk, compiled, and handed to
// sessions while they are good (DESIGN §2, THREATS ).
// INVARIANT: the version never goes back, not even over a restart; past notAfter nothing is allowed.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { FloorDocument } from '@sallyport/policy/document'
import {
  type SignedSnapshot,
  SignedSnapshotSchema,
  type Snapshot,
  SnapshotSchema,
} from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { signedBytesOf } from '@sallyport/proto/signed'
import type { Log } from '../session/log.ts'
import { compileSnapshot } from './compile.ts'
import type { CurrentSnapshot, Snapshots } from './current.ts'
import { readPrivate, writeDurably } from './files.ts'
import type { Identity } from './identity.ts'

export interface SnapshotsOptions {
  readonly identity: Pick<Identity, 'installation' | 'agentId' | 'snapshotKey' | 'snapshotKeyId'>
  readonly floor: FloorDocument | null
  readonly clock: Clock
  readonly log: Log
}

/** Where snapshots outlive the process. */
interface Disk {
  readonly highest: bigint
  readonly isRevoked: boolean
  read(): SignedSnapshot | undefined
  /** What of it could not be kept. */
  keep(signed: SignedSnapshot, version: bigint): string[]
  revoke(): void
}

const diskAt = (directory: string, log: Log): Disk => ({
  highest: readVersion(directory),
  isRevoked: readPrivate(revokedPath(directory)) !== undefined,
  read: () => readSnapshot(directory, log),
  keep: (signed, version) => keepOnDisk(directory, signed, version),
  revoke: () => writeDurably(revokedPath(directory), 'revoked\n'),
})

/** For a worker: its primary keeps them. */
const noDisk: Disk = { highest: 0n, isRevoked: false, read: () => undefined, keep: () => [], revoke: () => {} }

export interface Applied {
  readonly version: bigint
  /** What in it could not be used; the targets concerned deny. */
  readonly problems: readonly string[]
}

export interface SnapshotKeeper extends Snapshots {
  /** Highest version that is kept on disk; 0 before the first. */
  readonly highestVersion: bigint
  /** As the current one was signed; null when there is none. */
  readonly signed: SignedSnapshot | null
  /** Verifies, keeps and takes over. Throws SNAPSHOT_SIGNATURE, SNAPSHOT_ROLLBACK or SNAPSHOT_EXPIRED; then nothing changes. */
  apply(signed: SignedSnapshot): Applied
  /** This agent was revoked: nothing is allowed from now on, nor after a restart. */
  revoke(): void
}

export const snapshotPath = (directory: string): string => join(directory, 'snapshot.bin')
/** The highest version by itself: it outlives a snapshot that is damaged or taken away. */
export const versionPath = (directory: string): string => join(directory, 'snapshot-version')
const revokedPath = (directory: string): string => join(directory, 'revoked')

/** A version is a number that both sides can count with. */
const versionMax = BigInt(Number.MAX_SAFE_INTEGER)
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Starts from the disk where what lies there is still good. */
export const openSnapshots = (options: SnapshotsOptions & { readonly directory: string }): SnapshotKeeper =>
  keepSnapshots(options, diskAt(options.directory, options.log))

/** The same in memory alone, from nothing: each one is verified, and none goes back. */
export const openPassedSnapshots = (options: SnapshotsOptions): SnapshotKeeper => keepSnapshots(options, noDisk)

function keepSnapshots(options: SnapshotsOptions, disk: Disk): SnapshotKeeper {
  const { clock, log, floor } = options
  const key = pinnedKey(options.identity)
  const listeners = new Set<(snapshot: CurrentSnapshot) => void>()
  let { isRevoked, highest } = disk
  let current: CurrentSnapshot | undefined
  let accepted: SignedSnapshot | null = null

  const take = (signed: SignedSnapshot, isOnDisk: boolean): Applied => {
    const snapshot = verified(options, key, signed)
    if (snapshot.version < highest)
      throw new SallyportError(
        'SNAPSHOT_ROLLBACK',
        `snapshot ${snapshot.version} is older than ${highest}, which we have`,
      )
    if (Number(snapshot.notAfterMs) <= clock.nowMs())
      throw new SallyportError('SNAPSHOT_EXPIRED', `snapshot ${snapshot.version} has expired`)
    const compiled = compileSnapshot(snapshot, floor, sha256)
    highest = snapshot.version
    current = compiled.snapshot
    accepted = signed
    const unkept = isOnDisk ? [] : disk.keep(signed, highest)
    const problems = [...compiled.problems, ...unkept]
    for (const problem of problems) log.error({ version: Number(highest), problem }, 'snapshot-problem')
    for (const listener of [...listeners]) listener(compiled.snapshot)
    return { version: snapshot.version, problems }
  }
  const fromDisk = isRevoked ? undefined : disk.read()
  if (fromDisk !== undefined) orSay(log, () => take(fromDisk, true))
  return {
    get highestVersion() {
      return highest
    },
    get signed() {
      return isRevoked ? null : accepted
    },
    apply(signed) {
      if (isRevoked) throw revoked()
      return take(signed, false)
    },
    revoke() {
      isRevoked = true
      current = undefined
      disk.revoke()
    },
    current() {
      if (isRevoked) throw revoked()
      return goodAt(current, clock.nowMs())
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function orSay(log: Log, take: () => void): void {
  try {
    take()
  } catch (thrown) {
    const { code, message, hint } = asSallyportError(thrown)
    log.warn({ code, reason: message, hint }, 'snapshot-on-disk-not-used')
  }
}

const revoked = () => new SallyportError('AGENT_REVOKED', 'this agent was revoked')

function goodAt(current: CurrentSnapshot | undefined, nowMs: number): CurrentSnapshot {
  if (current === undefined)
    throw new SallyportError('SNAPSHOT_MISSING', 'the agent has no policies yet; try again in a moment', { hint })
  if (current.notAfterMs <= nowMs)
    throw new SallyportError('SNAPSHOT_EXPIRED', 'the agent was cut off from its control plane for too long', { hint })
  return current
}

/** For whoever connects, and whom that person asks. */
const hint =
  "if it stays so, have the operator look whether the agent reaches its control plane: the agent's log says why not"

function pinnedKey({ snapshotKey }: SnapshotsOptions['identity']): KeyObject {
  const refuse = (cause?: unknown) =>
    new SallyportError('CONFIG_INVALID', 'the pinned snapshot key cannot be read; enrol anew', { cause })
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(snapshotKey, 'base64'), format: 'der', type: 'spki' })
  } catch (cause) {
    throw refuse(cause)
  }
  if (key.asymmetricKeyType !== 'ed25519') throw refuse()
  return key
}

const badSignature = (message: string, cause?: unknown) =>
  new SallyportError('SNAPSHOT_SIGNATURE', message, {
    cause,
    hint: "if the control plane's keys were replaced on purpose, enrol this agent anew; otherwise treat it as an attack",
  })

/** Nothing of the payload is looked at before its signature is good. */
function verified({ identity }: SnapshotsOptions, key: KeyObject, signed: SignedSnapshot): Snapshot {
  if (signed.keyId !== identity.snapshotKeyId)
    throw badSignature('the snapshot is signed with a key that is not pinned')
  if (!verify(null, signedBytesOf(signed.payload), key, signed.signature))
    throw badSignature('the signature of the snapshot does not verify')
  const snapshot = decoded(signed)
  if (snapshot.installation !== identity.installation || snapshot.agentId !== identity.agentId)
    throw badSignature('the snapshot is that of another agent')
  if (snapshot.version === 0n || snapshot.version > versionMax) throw badSignature('the snapshot has no usable version')
  return snapshot
}

function decoded(signed: SignedSnapshot): Snapshot {
  try {
    return fromBinary(SnapshotSchema, signed.payload)
  } catch (cause) {
    throw badSignature('the snapshot is signed, but cannot be read', cause)
  }
}

/**
 * Snapshot first: a crash in between then leaves a version that is too low by itself, and the higher of the two counts.
 * A disk that takes nothing does not keep newer policies from coming into force: it is a problem to report.
 */
function keepOnDisk(directory: string, signed: SignedSnapshot, version: bigint): string[] {
  try {
    writeDurably(snapshotPath(directory), toBinary(SignedSnapshotSchema, signed))
    writeDurably(versionPath(directory), `${version}\n`)
    return []
  } catch (thrown) {
    return [asSallyportError(thrown).message]
  }
}

function readVersion(directory: string): bigint {
  const text = readPrivate(versionPath(directory))?.toString('utf8').trim() ?? '0'
  if (/^[0-9]{1,16}$/.test(text)) return BigInt(text)
  throw new SallyportError('CONFIG_INVALID', `"${versionPath(directory)}" is damaged`, {
    hint: 'put it back from a backup; it keeps older policies from coming back',
  })
}

function readSnapshot(directory: string, log: Log): SignedSnapshot | undefined {
  const bytes = readPrivate(snapshotPath(directory))
  if (bytes === undefined) return undefined
  try {
    return fromBinary(SignedSnapshotSchema, bytes)
  } catch (cause) {
    log.warn({ err: cause }, 'snapshot-on-disk-damaged')
    return undefined
  }
}
