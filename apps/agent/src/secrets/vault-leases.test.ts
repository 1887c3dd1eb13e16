// Dynamic roles against a stand-in that answers as Vault documents leases (secret/databases, system/leases, auth/token): how they are
// renewed, replaced and given back.
import { manualClock } from '@sallyport/base/clock'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Asked, type VaultLeases, vaultLeases } from './vault-leases.ts'

const path = 'database/creds/orders'
let clock = manualClock(1_000_000)
let timers: { atMs: number; run: () => void }[] = []
let login = { endsMs: Number.POSITIVE_INFINITY }
let isUp = true
let asked: string[] = []
/** Leases that Vault holds, by id: when each ends. */
let held = new Map<string, number>()
let maxMs = 10_000_000
let count = 0
let startedMs = new Map<string, number>()
let leases: VaultLeases

beforeEach(() => {
  clock = manualClock(1_000_000)
  login = { endsMs: Number.POSITIVE_INFINITY }
  held = new Map()
  startedMs = new Map()
  timers = []
  asked = []
  isUp = true
  count = 0
  maxMs = 10_000_000
  leases = vaultLeases({
    ask,
    nowMs: () => clock.nowMs(),
    after(ms, run) {
      const timer = { atMs: clock.nowMs() + ms, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((one) => one !== timer)
      }
    },
  })
})

const lifeMs = 60_000
async function ask(method: string, wanted: string, body: object = {}): Promise<Asked> {
  asked.push(`${method} ${wanted}`)
  if (!isUp) throw new Error('Vault cannot be reached')
  const { lease_id: id = '' } = body as { lease_id?: string }
  const answered = (status: number, json: unknown = null): Asked => ({ answer: { status, json }, login })
  if (wanted === path) {
    const lease = `${path}/${++count}`
    held.set(lease, clock.nowMs() + lifeMs)
    startedMs.set(lease, clock.nowMs())
    const data = { username: `v-app-${count}`, password: `password-of-${count}` }
    return answered(200, { lease_id: lease, lease_duration: lifeMs / 1_000, renewable: true, data })
  }
  if (wanted === 'sys/leases/revoke') return answered(held.delete(id) ? 204 : 400)
  if (wanted !== 'sys/leases/renew') return answered(404)
  const endsMs = held.get(id)
  if (endsMs === undefined || endsMs <= clock.nowMs()) return answered(400, { errors: ['lease not found'] })
  const leftMs = Math.min(lifeMs, (startedMs.get(id) ?? 0) + maxMs - clock.nowMs())
  held.set(id, clock.nowMs() + leftMs)
  return answered(200, { lease_id: id, lease_duration: leftMs / 1_000, renewable: true })
}

/** Time goes on, and timers with it, each when it is due. */
async function pass(ms: number): Promise<void> {
  const untilMs = clock.nowMs() + ms
  for (;;) {
    const due = timers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs)[0]
    if (due === undefined) break
    timers = timers.filter((one) => one !== due)
    clock.advance(Math.max(due.atMs - clock.nowMs(), 0))
    due.run()
    await new Promise((resolve) => setImmediate(resolve))
  }
  clock.advance(untilMs - clock.nowMs())
}
const user = async () => (await leases.user(path)).user

describe('a dynamic role', () => {
  it('makes one user for all logins, and keeps it for as long as Vault lets it live', async () => {
    expect(await Promise.all([user(), user(), user()])).toEqual(Array(3).fill('v-app-1'))
    for (let minutes = 0; minutes < 30; minutes++) await pass(60_000)
    expect(await user()).toBe('v-app-1')
    expect(asked.filter((one) => one.startsWith('GET'))).toHaveLength(1)
    expect([...held.values()].every((endsMs) => endsMs > clock.nowMs())).toBe(true)
    expect(leases.leased().map((secret) => secret.reveal())).toEqual(['password-of-1'])
  })

  it('is another user before the longest life is over', async () => {
    maxMs = 145_000
    expect(await user()).toBe('v-app-1')
    await pass(125_000)
    expect(await user()).toBe('v-app-2')
    // Sessions of the first go on until Vault ends it.
    expect(held.get(`${path}/1`)).toBeGreaterThan(clock.nowMs())
  })

  it('is another user when Vault has revoked the lease, and when the login that it hangs on ends', async () => {
    expect(await user()).toBe('v-app-1')
    held.clear()
    await pass(45_000)
    login = { endsMs: clock.nowMs() + 20_000 }
    expect(await user()).toBe('v-app-2')
    await pass(20_000)
    expect(await user()).toBe('v-app-3')
  })

  it('outlives a Vault that is away for a moment, and is refused by one that stays away', async () => {
    expect(await user()).toBe('v-app-1')
    isUp = false
    await pass(43_000)
    expect(await user()).toBe('v-app-1')
    isUp = true
    await pass(5_000)
    expect(await user()).toBe('v-app-1')
    isUp = false
    await pass(120_000)
    await expect(user()).rejects.toThrow()
    isUp = true
    expect(await user()).toBe('v-app-2')
  })

  it('R-6.17: is given back when no target asks for it any more, also one that was under way', async () => {
    expect(await user()).toBe('v-app-1')
    leases.keep(new Set([path]))
    expect(held.size).toBe(1)
    leases.keep(new Set(['database/creds/other']))
    await pass(0)
    expect(held.size).toBe(0)
    expect(leases.leased()).toEqual([])
    asked = []
    await pass(120_000)
    expect(asked).toEqual([])
    leases.keep(new Set([path]))
    const coming = user()
    leases.keep(new Set())
    await expect(coming).rejects.toThrow(/no target asks/)
    await pass(0)
    expect(held.size).toBe(0)
  })

  it('R-6.17: is given back when the agent stops, and nothing is renewed any more', async () => {
    await user()
    await leases.close()
    expect(held.size).toBe(0)
    asked = []
    await pass(120_000)
    expect(asked).toEqual([])
    expect(leases.leased()).toEqual([])
  })

  it('R-6.20: an agent holds so many leases and no more', async () => {
    const many = vaultLeases({
      ask: async (_method, wanted) => {
        const data = { username: 'v', password: 'p' }
        const json = { lease_id: wanted, lease_duration: 60, renewable: false, data }
        return { answer: { status: 200, json }, login }
      },
      nowMs: () => clock.nowMs(),
      after: () => () => {},
    })
    for (let number = 0; number < 100; number++) await many.user(`database/creds/${number}`)
    await expect(many.user('database/creds/one-more')).rejects.toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE' })
    expect((await many.user('database/creds/7')).user).toBe('v')
  })
})
