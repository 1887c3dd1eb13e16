// Many agents in one process of their own, for e2e/bench/agents.ts: real enrolment, real links over mTLS, each snapshot
// verified with the pinned key. What an agent then does with it (compile, keep) is left out: that is on its own machine.
// Orders come and answers go over IPC.
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { join as joinPath } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { systemClock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { type Snapshot, SnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { signedBytesOf } from '@sallyport/proto/signed'
import type { Identity } from '../src/link/identity.ts'
import { join } from '../src/link/join.ts'
import { type Link, startLink } from '../src/link/link.ts'
import type { SnapshotKeeper } from '../src/link/snapshot.ts'
import { silentLog } from '../src/session/log.ts'

type Order =
  | { readonly do: 'enrol'; readonly name: string; readonly token: string; readonly folder: string }
  /** All that have enrolled, through this address whatever their join tokens said. */
  | { readonly do: 'link'; readonly address: string }
  /** How many links are up, and when (Unix milliseconds) who had the snapshot with this description of the policy. */
  | { readonly do: 'look'; readonly mark: string }
  | { readonly do: 'stop' }

const version = '0.0.0-simulated'
/** The policy whose description tells changes apart. */
const policyName = 'simulated'
const identities: Identity[] = []
const links: Link[] = []
/** By description, then by agent. */
const seen = new Map<string, Map<string, number>>()

async function enrol({ name, token, folder }: Extract<Order, { do: 'enrol' }>): Promise<void> {
  const directory = joinPath(folder, name)
  const advertise = `${name}.internal:5432`
  const nowMs = () => Date.now()
  const secret = new Secret(token)
  identities.push(await join({ directory, token: secret, advertise, serverNames: ['localhost'], version, nowMs }))
}

function linkOne(identity: Identity, address: string): Link {
  return startLink({
    directory: '/nowhere',
    identity: { ...identity, address },
    renewFirst: false,
    snapshots: verifiedOnly(identity),
    clock: systemClock,
    random: Math.random,
    randomBytes: (bytes) => randomBytes(bytes),
    log: silentLog,
    version,
    load: () => ({ sessions: 0, spoolBytes: 0 }),
    onKillSession: () => {},
    scan: () => Promise.reject(new SallyportError('TARGET_UNKNOWN', 'a simulated agent has no targets')),
    onRevoked: () => {},
    onRenewed: () => {},
  })
}

function take(agent: string, { policies }: Snapshot): void {
  const found = policies.find(({ name }) => name === policyName)
  if (found === undefined) return
  const mark = String(JSON.parse(found.json).metadata.description)
  const times = seen.get(mark) ?? new Map<string, number>()
  if (!times.has(agent)) times.set(agent, Date.now())
  seen.set(mark, times)
}

/** Signature and version as an agent checks them; nothing is compiled and nothing is kept. */
function verifiedOnly(identity: Identity): SnapshotKeeper {
  const key = createPublicKey({ key: Buffer.from(identity.snapshotKey, 'base64'), format: 'der', type: 'spki' })
  let highest = 0n
  const none = () => {
    throw new SallyportError('SNAPSHOT_MISSING', 'a simulated agent compiles nothing')
  }
  return {
    get highestVersion() {
      return highest
    },
    signed: null,
    apply(signed) {
      if (!verify(null, signedBytesOf(signed.payload), key, signed.signature))
        throw new SallyportError('SNAPSHOT_SIGNATURE', 'the signature of the snapshot does not verify')
      const snapshot = fromBinary(SnapshotSchema, signed.payload)
      if (snapshot.version < highest)
        throw new SallyportError('SNAPSHOT_ROLLBACK', `snapshot ${snapshot.version} is older than ${highest}`)
      highest = snapshot.version
      take(identity.agentId, snapshot)
      return { version: highest, problems: [] }
    },
    revoke: () => {},
    current: none,
    onChange: () => () => {},
  }
}

async function obey(order: Order): Promise<unknown> {
  if (order.do === 'enrol') return await enrol(order)
  if (order.do === 'link') links.push(...identities.map((identity) => linkOne(identity, order.address)))
  if (order.do === 'look')
    return { up: links.filter(({ isUp }) => isUp).length, times: [...(seen.get(order.mark)?.values() ?? [])] }
  if (order.do === 'stop') await Promise.all(links.map((link) => link.stop()))
  return undefined
}

process.on('message', ({ id, order }: { readonly id: number; readonly order: Order }) => {
  obey(order).then(
    (value) => process.send?.({ id, value }),
    (thrown: unknown) => process.send?.({ id, error: thrown instanceof Error ? thrown.message : String(thrown) }),
  )
})
process.on('disconnect', () => process.exit(0))
