// Dynamic roles of Vault's database engine: each read makes a user at the database, for as long as its lease lives. The agent holds one
// lease for each path, renews it while it can, takes another one when it cannot, and gives all back when it stops.
// INVARIANT: a lease ends at the latest with the login that asked for it, because Vault revokes it then.
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { z } from 'zod'
import type { After } from '../link/holds.ts'
import { type Answer, unavailable } from './ask.ts'

/** How somebody logs in at a database. */
export interface LeasedUser {
  readonly user: string
  readonly password: Secret
}

/** The part of the agent's login that leases hang on. */
export interface LeasingLogin {
  /** Renewed at times. */
  endsMs: number
}

export interface Asked<L extends LeasingLogin = LeasingLogin> {
  readonly answer: Answer
  readonly login: L
}

export interface VaultLeasesDeps {
  /** With the agent's login. */
  readonly ask: (method: 'GET' | 'PUT', path: string, body?: object) => Promise<Asked>
  readonly nowMs: () => number
  readonly after: After
}

export interface VaultLeases {
  user(path: string): Promise<LeasedUser>
  leased(): readonly Secret[]
  /** Gives back what is held at other paths: no target asks for it any more. */
  keep(paths: ReadonlySet<string>): void
  close(): Promise<void>
}

/** Of the life of a lease, after which it is renewed, or another one is asked for. */
const renewAt = 2 / 3
/** A lease is looked at again after this, however long it lives, in milliseconds: timers know no more. */
const lookMsMax = 86_400_000
/** To give all leases back when the agent stops, in milliseconds. */
const closeMsMax = 2_000

const LeaseAnswer = z.object({
  lease_id: z.string().min(1).max(1_024),
  lease_duration: z.number().positive(),
  renewable: z.boolean(),
  data: z.object({ username: z.string().min(1).max(63), password: z.string().min(1).max(1_024) }),
})
const RenewAnswer = z.object({ lease_duration: z.number().min(0) })

interface Lease extends LeasedUser {
  readonly id: string
  readonly login: LeasingLogin
  /** As it was given at first, in milliseconds. */
  readonly lifeMs: number
  /** No login at the target begins with it from then on. */
  untilMs: number
  cancel: () => void
}

/** By path: those that are asked for or there, and those that are there. */
function leaseBook(deps: VaultLeasesDeps) {
  const leases = new Map<string, Promise<Lease>>()
  const held = new Map<string, Lease>()
  const forget = (path: string, lease: Lease): void => {
    lease.cancel()
    if (held.get(path) !== lease) return
    held.delete(path)
    leases.delete(path)
  }
  /** What could not be given back ends at Vault by itself. */
  const giveBack = (path: string, lease: Lease): void => {
    forget(path, lease)
    deps.ask('PUT', 'sys/leases/revoke', { lease_id: lease.id }).catch(() => {})
  }
  return { leases, held, forget, giveBack }
}

export function vaultLeases(deps: VaultLeasesDeps): VaultLeases {
  const { leases, held, forget, giveBack } = leaseBook(deps)
  const watch = (path: string, lease: Lease): void => {
    const lookMs = Math.min(Math.max(lease.untilMs - deps.nowMs(), 0), lookMsMax)
    lease.cancel = deps.after(lookMs, () => void renew(path, lease))
  }
  const renew = async (path: string, lease: Lease): Promise<void> => {
    if (deps.nowMs() < lease.untilMs) return watch(path, lease)
    const body = { lease_id: lease.id, increment: Math.ceil(lease.lifeMs / 1_000) }
    const asked = await deps.ask('PUT', 'sys/leases/renew', body).catch(() => null)
    if (asked === null && !isOver(deps, lease)) {
      lease.cancel = deps.after(limits.vaultAnswerMsMax, () => void renew(path, lease))
      return
    }
    const parsed = RenewAnswer.safeParse(asked?.answer.json)
    const givenMs = asked?.answer.status === 200 && parsed.success ? parsed.data.lease_duration * 1_000 : 0
    const lifeMs = Math.min(givenMs, lease.login.endsMs - deps.nowMs())
    // What it may live at most is near: whoever logs in from now on does so as another user, and this one ends by itself.
    if (lifeMs < lease.lifeMs / 2) return forget(path, lease)
    lease.untilMs = untilOf(deps, lease.login, lifeMs)
    watch(path, lease)
  }
  let wanted: ReadonlySet<string> | null = null
  const take = async (path: string): Promise<Lease> => {
    const { isRenewable, ...lease } = await newLease(deps, path)
    held.set(path, lease)
    // The target went while Vault was asked.
    if (wanted?.has(path) === false) {
      giveBack(path, lease)
      throw unavailable(`no target asks for "${path}" any more`)
    }
    if (isRenewable) watch(path, lease)
    return lease
  }
  return {
    async user(path) {
      const known = held.get(path)
      if (known !== undefined && isOver(deps, known)) forget(path, known)
      const current = leases.get(path)
      if (current !== undefined) return await current
      if (leases.size >= limits.vaultLeasesMax) throw tooMany()
      const taken = take(path)
      leases.set(path, taken)
      taken.catch(() => leases.get(path) === taken && leases.delete(path))
      return await taken
    },
    keep(paths) {
      wanted = paths
      for (const [path, lease] of [...held]) if (!paths.has(path)) giveBack(path, lease)
    },
    leased: () => [...held.values()].map(({ password }) => password),
    async close() {
      const all = [...held]
      for (const [path, lease] of all) forget(path, lease)
      const given = all.map(async ([, { id }]) => await deps.ask('PUT', 'sys/leases/revoke', { lease_id: id }))
      const late = new Promise((resolve) => deps.after(closeMsMax, () => resolve(undefined)))
      await Promise.race([Promise.allSettled(given), late])
    },
  }
}

const tooMany = (): Error => unavailable(`the agent holds ${limits.vaultLeasesMax} leases at Vault already`)

async function newLease(deps: VaultLeasesDeps, path: string): Promise<Lease & { readonly isRenewable: boolean }> {
  const { answer, login } = await deps.ask('GET', path)
  const parsed = LeaseAnswer.safeParse(answer.json)
  if (answer.status !== 200 || !parsed.success)
    throw unavailable(`Vault answered ${answer.status} for "${path}", and no lease of a user`)
  const { lease_id: id, lease_duration, data, renewable: isRenewable } = parsed.data
  const lifeMs = lease_duration * 1_000
  const user = { user: data.username, password: new Secret(data.password) }
  return { id, ...user, login, lifeMs, untilMs: untilOf(deps, login, lifeMs), cancel: () => {}, isRenewable }
}

const untilOf = ({ nowMs }: VaultLeasesDeps, login: LeasingLogin, lifeMs: number): number => {
  const now = nowMs()
  return now + Math.min(lifeMs, login.endsMs - now) * renewAt
}

/** A renewal that is under way, or that the login gave it meanwhile, is seen at the next look. */
const isOver = ({ nowMs }: VaultLeasesDeps, { untilMs, lifeMs }: Lease): boolean => nowMs() >= untilMs + lifeMs / 6
