// As many callers as an agent admits, all of them idle: it goes on serving, what they cost in memory is bounded, and one more is refused
// with its code; and an agent whose memory is full refuses and does not die (THREATS ). The sample has some hundreds of them;
// SALLYPORT_TEST=full has limits.connectionsMax.
import { connect } from 'node:net'
import { limits } from '@sallyport/base/limits'
import { encodeStartup } from '@sallyport/wire/postgres/encode'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { residentMbOfAll } from '../../../e2e/stack/process.ts'
import { type RealTarget, startRealTarget, targetDocument } from './real-target.ts'
import { startWorkerAgent, type WorkerAgent } from './worker-agent.ts'

const isFull = process.env['SALLYPORT_TEST'] === 'full'
const { connectionsMax, connectionsPerCallerMax } = limits
const idle = isFull ? connectionsMax : 200
/**
 * These are over TLS; DESIGN section 10 wants 30 MB for 1,000 without, and 60 after traffic.
 * docs/performance.md says what was measured.
 */
const mbPerThousandMax = 90
/** What the heap may grow by before it is collected, and code that is compiled meanwhile. */
const slackMb = 40
/** Fewer than may wait before they have logged in. */
const openingAtOnce = 20

let real: RealTarget
const agents: WorkerAgent[] = []
const open: pg.Client[] = []

beforeAll(async () => {
  real = await startRealTarget({ schema: '', settings: { fsync: 'off' } })
}, 120_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end().catch(() => {})))
  for (const agent of agents.splice(0)) await agent.stop()
}, 120_000)
afterAll(async () => {
  await real?.stop()
})

async function startAgent(workers: number, env: Record<string, string> = {}): Promise<WorkerAgent> {
  const yaml = `${targetDocument(real.server.port, '  pool: { mode: transaction, connections: 4, share: everyone }')}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
`
  const agent = await startWorkerAgent({ yaml, workers, env })
  agents.push(agent)
  await serves(agent)
  return agent
}

/** It listens before it has its policies. */
async function serves(agent: WorkerAgent): Promise<void> {
  try {
    await (await agent.connect('person-0')).end()
  } catch (thrown) {
    if (!String(thrown).includes('no policies yet')) throw thrown
    await serves(agent)
  }
}

const residentMb = ({ child }: WorkerAgent): number => residentMbOfAll(child.pid ?? 0)
const answers = async (client: pg.Client): Promise<unknown> => (await client.query('select 1 as one')).rows[0]

/** Opens so many more, of as few callers as there may be. Each runs a statement. */
async function openIdle(agent: WorkerAgent, many: number): Promise<void> {
  const end = open.length + many
  while (open.length < end) {
    const from = open.length
    const next = await Promise.all(
      Array.from({ length: Math.min(openingAtOnce, end - from) }, (_, at) =>
        agent.connect(`person-${Math.floor((from + at) / connectionsPerCallerMax)}`),
      ),
    )
    open.push(...next)
    await Promise.all(next.map(answers))
  }
}

/** What a connection is told that is not let in. */
async function refusal(agent: WorkerAgent): Promise<string> {
  const socket = connect(agent.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  // One that is let in is asked for more, and says nothing.
  socket.write(encodeStartup({ type: 'gssEncRequest' }))
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.on('data', (chunk) => void (chunk.toString() === 'N' && socket.destroy()))
  })
  return Buffer.concat(chunks).toString()
}

describe.skipIf(process.platform !== 'linux').each([1, 2])('with workers: %i', (workers) => {
  it('as many idle callers as there may be are served, bounded in memory, and one more is refused', async () => {
    const agent = await startAgent(workers)
    await openIdle(agent, openingAtOnce)
    await Promise.all(open.splice(0).map((client) => client.end()))
    const before = residentMb(agent)
    await openIdle(agent, Math.min(idle, connectionsPerCallerMax))
    if (isFull) {
      await expect(agent.connect('person-0')).rejects.toMatchObject({ code: '53300' })
      await openIdle(agent, idle - open.length)
      const told = await refusal(agent)
      expect(told).toContain('C53300')
      expect(told).toContain('as many connections as it admits')
    }
    const grown = residentMb(agent) - before
    const perThousand = Math.round((grown * 1_000) / idle)
    console.info(`${idle} idle over TLS, ${workers} workers: ${before} MB and ${perThousand} for each 1,000`)
    expect(grown, `${perThousand} MB for each 1,000`).toBeLessThan(
      slackMb * workers + (idle * mbPerThousandMax) / 1_000,
    )
    const some = open.filter((_, at) => at % 25 === 0)
    expect(await Promise.all(some.map(answers))).toEqual(some.map(() => ({ one: 1 })))
    const closed = () => agent.entries.filter(({ kind }) => kind === 'session-closed').length
    const already = closed()
    await open.pop()?.end()
    await agent.until(() => closed() > already)
    await openIdle(agent, 1)
  }, 900_000)

  it.runIf(workers === 1 || isFull)(
    'an agent whose memory is full refuses callers, and serves those that it has',
    async () => {
      const measured = await startAgent(workers)
      const ceilingMb = Math.ceil(residentMb(measured) + 24)
      await agents.pop()?.stop()
      const agent = await startAgent(workers, { SALLYPORT_MEMORY_MAX_MB: String(ceilingMb) })
      await openIdle(agent, 4)
      let told = ''
      // What is prepared stays as long as its session.
      for (let at = 0; at < 1_000 && !told.includes('C53300'); at++) {
        await open[at % open.length]?.query({
          name: `kept-${at}`,
          text: `select '${'x'.repeat(200_000)}' as kept, ${at}`,
        })
        told = await refusal(agent)
      }
      expect(told).toContain('no memory for another connection')
      expect(await Promise.all(open.map(answers))).toEqual(open.map(() => ({ one: 1 })))
      expect(agent.workers()).toHaveLength(workers === 1 ? 0 : workers)
    },
    300_000,
  )
})
