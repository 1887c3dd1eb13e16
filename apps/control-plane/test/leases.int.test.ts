// Leases of limits between agents of one target, over real streams: who is asked, what comes back, and who is told nothing
// (DESIGN §4, Limits; THREATS ).
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { LeaseLentSchema, LeaseWantedSchema } from '@sallyport/proto/gen/sallyport/v1/lease_pb'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GrpcStack, isSnapshot, joinAgent, openLink, say, startGrpcStack, within } from './grpc-stack.ts'
import { targetDocument } from './make.ts'
import { stopServer } from './stack.ts'

const budget = ['quotas', 'pace', 'orders', 'initiator', 'ann', 'requests'].join('\u0000')
const callOf = (letter: string): string => letter.repeat(32)

let stack: GrpcStack
let agents: Record<'first' | 'second' | 'third' | 'stranger', Awaited<ReturnType<typeof linked>>>
beforeAll(async () => {
  stack = await startGrpcStack()
  await stack.documents(
    targetDocument('orders', { agents: ['first', 'second', 'third'] }),
    targetDocument('payroll', { agents: ['stranger'] }),
  )
  const [first, second, third, stranger] = await Promise.all(['first', 'second', 'third', 'stranger'].map(linked))
  agents = { first: first!, second: second!, third: third!, stranger: stranger! }
})
afterAll(async () => {
  for (const { stream } of Object.values(agents ?? {})) stream.close()
  await stack.stop()
  await stopServer()
})

async function linked(name: string) {
  const agent = await joinAgent(stack, name)
  const stream = openLink(stack, agent)
  await stream.until(isSnapshot)
  const of = (letter: string) => (message: ControlMessage) =>
    message.body.case === 'leaseGranted' && message.body.value.call === callOf(letter)
  return {
    stream,
    id: agent.id,
    want: (letter: string, more: object = {}) =>
      say(stream, {
        case: 'leaseWanted',
        value: create(LeaseWantedSchema, {
          call: callOf(letter),
          target: 'orders',
          budget,
          share: 50n,
          everyMs: 60_000n,
          ...more,
        }),
      }),
    lend: (call: string, amount: bigint) =>
      say(stream, { case: 'leaseLent', value: create(LeaseLentSchema, { call, amount }) }),
    /** The question of `borrower` that came last. */
    async asked(borrower: string) {
      const fits = ({ body }: ControlMessage): boolean => body.case === 'leaseAsked' && body.value.borrower === borrower
      await stream.until(fits)
      const { body } = stream.received.findLast(fits)!
      if (body.case !== 'leaseAsked') throw new Error('no question')
      return body.value
    },
    async granted(letter: string): Promise<bigint> {
      const { body } = await within(limits.leaseAnswerMsMax, stream.until(of(letter)))
      return body.case === 'leaseGranted' ? body.value.amount : -1n
    },
    isAsked: () => stream.received.some(({ body }) => body.case === 'leaseAsked'),
  }
}

test('asks the others of the target, and brings back the sum of what they lend', async () => {
  const { first, second, third, stranger } = agents
  first.want('a')
  const [one, other] = await Promise.all([second.asked(first.id), third.asked(first.id)])
  expect(one).toMatchObject({ borrower: first.id, budget, share: 50n, everyMs: 60_000n })
  expect(one.call).not.toBe(callOf('a'))
  second.lend(one.call, 30n)
  // More than there is to lend counts as all of it; a second answer, or one of somebody else, as nothing.
  second.lend(one.call, 30n)
  stranger.lend(other.call, 30n)
  third.lend(other.call, 70n)
  expect(await first.granted('a')).toBe(80n)
  expect([first.isAsked(), stranger.isAsked()]).toEqual([false, false])
})

test('has the answer in time although one says nothing', async () => {
  const { first, second, third } = agents
  second.want('b')
  const { call } = await first.asked(second.id)
  await third.asked(second.id)
  first.lend(call, 7n)
  expect(await second.granted('b')).toBe(7n)
})

test.each([
  ["of a target that is not the agent's", { target: 'payroll' }],
  ['about a budget of another target', { budget: budget.replace('orders', 'payroll') }],
  ['of a target that is not there', { target: 'nowhere' }],
  ['without a share', { share: 0n }],
  ['with a name that is too long', { budget: 'x'.repeat(limits.leaseNameBytesMax + 1) }],
])('a question %s reaches nobody', async (_, more) => {
  const before = agents.second.stream.received.length
  agents.third.want('c', more)
  expect(await agents.third.granted('c')).toBe(0n)
  expect(agents.second.stream.received.length).toBe(before)
  agents.third.stream.received.splice(0)
})
