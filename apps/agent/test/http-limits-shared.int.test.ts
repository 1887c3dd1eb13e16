// A limit of an HTTP target that two agents serve, under fifty callers at once: what both let through together, with leases carried
// between their real links' ends, with neither reaching the other, and after one was started anew (DESIGN §4, Limits; THREATS R-4.11).
import { create } from '@bufbuild/protobuf'
import { systemClock } from '@sallyport/base/clock'
import { LeaseAskedSchema, LeaseGrantedSchema } from '@sallyport/proto/gen/sallyport/v1/lease_pb'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createBudgets } from '../src/limits/budgets.ts'
import { termsIn } from '../src/limits/terms.ts'
import { realAfter } from '../src/link/holds.ts'
import { type LinkLeases, linkLeases } from '../src/link/leases.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { startApi, type TestApi } from './http-upstream.ts'

const limit = 40
const share = limit / 2
const documents = (port: number): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm }
spec: { protocol: http, agents: [one, two], url: "http://127.0.0.1:${port}", network: loopback, credential: none }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: api }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true }, objects: ["/v1/**"] }]
  limits: [{ name: forty, per: initiator, requests: ${limit}, every: 1h }]
`

let api: TestApi
const agents: Agent[] = []
beforeAll(async () => {
  api = await startApi()
  api.answer = (_request, response) => response.end('ok')
})
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.path.stop()
  api.seen.length = 0
})
afterAll(() => api.stop())

interface Agent {
  readonly path: DataPath
  readonly leases: LinkLeases
  /** Of so many requests at once, how many reached the API. */
  ask(count: number): Promise<number>
  lend: (message: AgentMessage['body']) => void
}

/** As the control plane carries it: a question to the other, and the sum back. */
async function startAgent(other: () => Agent | undefined): Promise<Agent> {
  const budgets = createBudgets(systemClock)
  const path = await startDataPath({ yaml: documents(api.port), environment: {}, budgets })
  const { send } = httpClient(() => path)
  const carry = (body: AgentMessage['body']): boolean => {
    if (body.case === 'leaseLent') agent.lend(body)
    const lender = body.case === 'leaseWanted' ? other() : undefined
    if (body.case !== 'leaseWanted' || lender === undefined) return body.case === 'leaseLent'
    const { call, budget, share: own, everyMs } = body.value
    lender.lend = (answer) => {
      const amount = answer.case === 'leaseLent' ? answer.value.amount : 0n
      setImmediate(() => agent.leases.granted(create(LeaseGrantedSchema, { call, amount })))
    }
    setImmediate(() =>
      lender.leases.asked(create(LeaseAskedSchema, { call, borrower: 'it', budget, share: own, everyMs })),
    )
    return true
  }
  const leases = linkLeases({
    budgets,
    termsOf: (budget) => termsIn(path.snapshots, budget),
    clock: systemClock,
    send: carry,
    after: realAfter,
    random: () => crypto.getRandomValues(new Uint8Array(16)),
  })
  const agent: Agent = {
    path,
    leases,
    lend: () => {},
    async ask(count) {
      const replies = await Promise.all(Array.from({ length: count }, () => send('/crm/v1/a')))
      const statuses = new Set(replies.map(({ status }) => status))
      expect([...statuses].every((status) => status === 200 || status === 429)).toBe(true)
      return replies.filter(({ status }) => status === 200).length
    },
  }
  agents.push(agent)
  return agent
}

async function startTwo(isReached: boolean): Promise<readonly [Agent, Agent]> {
  const both: Agent[] = []
  for (const at of [0, 1]) both.push(await startAgent(() => (isReached ? both[1 - at] : undefined)))
  const [one, two] = both
  if (one === undefined || two === undefined) throw new Error('no agents')
  return [one, two]
}

it('is spent to its share by each of two agents that do not reach each other, and not one more', async () => {
  const [one, two] = await startTwo(false)
  expect(await Promise.all([one.ask(25), two.ask(25)])).toEqual([share, share])
  expect(api.seen).toHaveLength(limit)
})

it('is not passed by both together, whoever borrows of whom meanwhile', async () => {
  const [one, two] = await startTwo(true)
  const [first, second] = await Promise.all([one.ask(25), two.ask(25)])
  expect(first + second).toBeLessThanOrEqual(limit)
  expect(first + second).toBeGreaterThanOrEqual(limit - share / 4)
  expect(api.seen).toHaveLength(first + second)
})

it('is open to one that is busy beyond its share, and what it was lent is not spent twice', async () => {
  const [one, two] = await startTwo(true)
  // The question goes out when three quarters are spent; whoever asks after the answer has more.
  const before = await one.ask(16)
  expect(before).toBe(16)
  const busy = before + (await one.ask(50))
  const lent = share - share / 4
  expect(busy).toBe(share + lent)
  expect(await two.ask(50)).toBe(share - lent)
  expect(api.seen).toHaveLength(limit)
})

it('is passed by one lease at most when an agent that has lent is started anew', async () => {
  const [one, two] = await startTwo(true)
  const busy = (await one.ask(16)) + (await one.ask(50))
  await two.path.stop()
  agents.splice(agents.indexOf(two), 1)
  const anew = await startAgent(() => one)
  const lent = busy - share
  expect(lent).toBe(share - share / 4)
  expect(busy + (await anew.ask(50))).toBeLessThanOrEqual(limit + lent)
})
