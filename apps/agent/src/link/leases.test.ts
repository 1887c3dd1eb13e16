// The link's end of leases: when the others are asked, what is answered to them, and that nothing counts without a link.
// THREATS.
import { create } from '@bufbuild/protobuf'
import { manualClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { LeaseAskedSchema, LeaseGrantedSchema } from '@sallyport/proto/gen/sallyport/v1/lease_pb'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { describe, expect, it } from 'vitest'
import { manualAfter } from '../../test/manual-after.ts'
import { type Claim, createBudgets } from '../limits/budgets.ts'
import type { Terms } from '../limits/loans.ts'
import { linkLeases } from './leases.ts'

const budget = ['quotas', 'pace', 'orders', 'initiator', 'ann', 'requests'].join('\u0000')
const claim: Claim = { budget, amount: 1, max: 8, everyMs: 60_000, shared: true }

function open() {
  const clock = manualClock(1_000_000)
  const after = manualAfter()
  const budgets = createBudgets(clock)
  const sent: AgentMessage['body'][] = []
  const state = { isUp: true, calls: 0, terms: { share: 8, everyMs: 60_000 } as Terms | null }
  const leases = linkLeases({
    budgets,
    termsOf: (name) => (name === budget ? state.terms : null),
    clock,
    after: after.after,
    send(body) {
      if (state.isUp) sent.push(body)
      return state.isUp
    },
    random: (bytes) => new Uint8Array(bytes).fill(++state.calls),
  })
  const take = (times = 1, one = claim): number => {
    let taken = 0
    for (let turn = 0; turn < times; turn++) taken += budgets.take([one]) === null ? 1 : 0
    return taken
  }
  const wanted = () => sent.flatMap((body) => (body.case === 'leaseWanted' ? [body.value] : []))
  const lent = () => sent.flatMap((body) => (body.case === 'leaseLent' ? [body.value.amount] : []))
  const grant = (call: string, amount: bigint) => leases.granted(create(LeaseGrantedSchema, { call, amount }))
  const asked = (more: object) =>
    leases.asked(
      create(LeaseAskedSchema, { call: 'c', borrower: 'other', budget, share: 8n, everyMs: 60_000n, ...more }),
    )
  return { clock, after, budgets, leases, state, take, wanted, lent, grant, asked }
}

describe('an agent whose budget runs out', () => {
  it('asks before it does, once in a while, and spends what it is lent', () => {
    const { clock, take, wanted, grant } = open()
    expect(take(6)).toBe(6)
    expect(wanted()).toHaveLength(0)
    take()
    expect(wanted()).toEqual([
      expect.objectContaining({
        target: 'orders',
        budget,
        share: 8n,
        everyMs: 60_000n,
        call: expect.stringMatching(/^[0-9a-f]{32}$/),
      }),
    ])
    expect(take(2)).toBe(1)
    expect(wanted()).toHaveLength(1)
    grant(wanted()[0]!.call, 5n)
    expect(take(6)).toBe(5)
    clock.advance(limits.leaseEveryMsMin)
    take()
    expect(wanted()).toHaveLength(2)
  })

  it('asks nobody where no other agent has a share', () => {
    const { take, wanted } = open()
    take(20, { ...claim, shared: false })
    expect(wanted()).toHaveLength(0)
  })

  it('takes an answer once, in time, and to its own question', () => {
    const { after, take, wanted, grant } = open()
    take(8)
    const [first] = wanted()
    grant('f'.repeat(32), 5n)
    expect(take()).toBe(0)
    after.advance(limits.leaseAnswerMsMax)
    grant(first!.call, 5n)
    expect(take()).toBe(0)
  })

  it('has its own share alone while it is cut off, and loses what it was lent', () => {
    const { state, leases, take, wanted, grant } = open()
    take(7)
    grant(wanted()[0]!.call, 5n)
    expect(take(3)).toBe(3)
    state.isUp = false
    leases.lost()
    expect(take()).toBe(0)
    expect(wanted()).toHaveLength(1)
  })
})

describe('an agent that is asked', () => {
  it('lends what is not spent but a part, and spends no more than is left', () => {
    const { take, asked, lent } = open()
    take(1)
    asked({})
    expect(lent()).toEqual([5n])
    expect(take(8)).toBe(2)
    asked({ borrower: 'third' })
    expect(lent()).toEqual([5n, 0n])
  })

  it.each([
    ['no share', { share: 0n }],
    ['a share of everything', { share: 2n ** 60n }],
    ['no window', { everyMs: 0n }],
    ['a window in which it would be back at once', { everyMs: 1n }],
  ])('goes by its own policies, whatever the borrower says: %s', (_, more) => {
    const { clock, asked, lent } = open()
    asked(more)
    clock.advance(60_000)
    asked({ ...more, borrower: 'third' })
    expect(lent()).toEqual([6n, 0n])
  })

  it.each([
    ['a budget that its policies do not know', { budget: 'other' }],
    ['a name that is too long', { budget: 'x'.repeat(limits.leaseNameBytesMax + 1) }],
  ])('lends nothing for %s', (_, more) => {
    const { asked, lent } = open()
    asked(more)
    expect(lent()).toEqual([0n])
  })

  it('keeps its part also where the borrower says that a share is more than it is', () => {
    const { asked, take } = open()
    asked({ share: 1_000_000n })
    asked({ share: 1_000_000n, borrower: 'third' })
    expect(take(8)).toBe(2)
  })

  it('lends nothing of a window of another length: what was spent is counted by older policies', () => {
    const { state, take, asked, lent } = open()
    take()
    state.terms = { share: 8, everyMs: 30_000 }
    asked({})
    expect(lent()).toEqual([0n])
  })
})
