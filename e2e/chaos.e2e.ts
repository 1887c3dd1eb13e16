// Clients, agent, target and control plane are cut and killed at random under mixed load: rows never mix, both sides
// close, nothing is left open, memory does not grow, and the record has all that reached the target.
// Ten thousand short connections leave nothing behind either.
// The sample takes some twenty seconds; SALLYPORT_TEST=full takes ten minutes. SALLYPORT_SEED gives a storm again.
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { pooledIdleMax, prepareChaos, steadyAgent, targets } from './chaos/documents.ts'
import { type Front, openFront } from './chaos/front.ts'
import { type Load, startLoad } from './chaos/load.ts'
import { exportRecord, marksInTargetLog, settled, unrecorded, verified } from './chaos/record.ts'
import type { sessions } from './chaos/sessions.ts'
import { shortConnections } from './chaos/short.ts'
import { storm } from './chaos/storm.ts'
import { newTally } from './chaos/tally.ts'
import { descriptorsOf, medianMb, metricOf, socketsOf, type Watched, watchMemory } from './chaos/watch.ts'
import type { AddedAgent, Stack } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { useStack } from './stack/use.ts'

const isFull = process.env.SALLYPORT_TEST === 'full'
const seed = Number(process.env.SALLYPORT_SEED ?? (isFull ? Math.floor(Math.random() * 2 ** 31) : 7))
const minute = 60_000
const stormMs = Number(process.env.SALLYPORT_STORM_SECONDS ?? (isFull ? 600 : 15)) * 1_000
const kinds: readonly (keyof typeof sessions)[] = isFull
  ? [
      'simple',
      'prepared',
      'short',
      'transaction',
      'pipelined',
      'cursor',
      'denied',
      'sleeper',
      'copy',
      'neverReads',
      'byteASecond',
      'simple',
    ]
  : ['simple', 'prepared', 'short', 'transaction', 'pipelined', 'denied', 'sleeper', 'neverReads']

const shortMax = isFull ? 10_000 : 300
/** Idle connections of the pool come and go, and so does a file of the spool. */
const keptDescriptorsMax = pooledIdleMax + 2

const stack = useStack({ targetSettings: { log_statement: 'all', log_line_prefix: '%m [%p] %u ' } })
let steady: AddedAgent
beforeAll(async () => {
  steady = await stack().addAgent(steadyAgent)
  await prepareChaos(stack())
}, 2 * minute)
const say = (what: string) => process.stdout.write(`chaos: ${what}\n`)

test(
  `a storm under mixed load (seed ${seed}): rows stay whose they are, and nothing is left behind`,
  async () => {
    const from = stack()
    const killed = await openFront(from.ports.agent)
    const spared = await openFront(steady.port)
    const fronts = { 'chaos-plain': killed, 'chaos-pooled': killed, 'chaos-steady': spared }
    const memory = watchMemory(steady.process.processId)
    const load = await startLoad({ stack: from, fronts, seed, kinds })
    try {
      const startedAt = performance.now()
      const counts = await storm({
        stack: from,
        fronts: [killed, spared],
        tally: load.tally,
        seed,
        ms: stormMs,
        calmMsMax: isFull ? 4_000 : 500,
        say: (what) => say(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s ${what}`),
      })
      say(`blows ${JSON.stringify(Object.fromEntries(counts))}`)
    } finally {
      await load.stop()
      memory.stop()
    }
    tell(load)
    expect(load.tally.wrong).toEqual([])
    expect(load.tally.hung).toEqual([])
    await expectClosed(from, steady, [killed, spared])
    if (isFull) expectSameMemory(medianMb(memory, minute, 2 * minute), medianMb(memory, stormMs - minute, stormMs))
    for (const agent of watchedOf(from, steady))
      await until('its spool is empty', async () => (await metricOf(agent, 'sallyport_spool_bytes')) === 0, 2 * minute)
    await expectRecorded(from, load, [from.agentDir, steady.dir])
    await expectNoBackend(from, steady)
    await Promise.all([killed.close(), spared.close()])
  },
  stormMs + 10 * minute,
)

test(
  `${shortMax} short connections: no backend, no descriptor and no memory is kept for them`,
  async () => {
    const from = stack()
    if (!from.agent.isRunning) await from.startAgent()
    const agent = { processId: from.agent.processId, metricsPort: from.ports.agentMetrics }
    const tally = newTally()
    const connections = await shortConnections(from, tally)
    const memory = watchMemory(agent.processId)
    const begun = performance.now()
    const ends: number[] = []
    const runFifth = async () => {
      await connections.run(shortMax / 5)
      ends.push(performance.now() - begun)
    }
    // What is made once and kept (catalogs, a pool, compiled code) is there after the first one.
    await runFifth()
    await expectIdle(from, agent)
    const before = descriptorsOf(agent.processId)
    for (let fifth = 1; fifth < 5; fifth++) await runFifth()
    memory.stop()
    say(`${shortMax} short connections in ${((ends.at(-1) ?? 0) / 1_000).toFixed(0)} s`)
    expect(tally.wrong).toEqual([])
    expect([...tally.failures]).toEqual([])
    await expectIdle(from, agent)
    if (before !== undefined) expect(descriptorsOf(agent.processId)).toBeLessThanOrEqual(before + keptDescriptorsMax)
    const [first = 0, second = 0, , fourth = 0, fifth = 0] = ends
    if (isFull) expectSameMemory(medianMb(memory, first, second), medianMb(memory, fourth, fifth))
  },
  20 * minute,
)

function tell({ tally }: Load): void {
  const { answered, denied, committed, failures } = tally
  say(`${answered.size} answered, ${committed.size} committed, ${denied.size} denied`)
  say(`in the place of an answer: ${JSON.stringify(Object.fromEntries(failures))}`)
}

/** Within a tenth, the load still running. */
function expectSameMemory(before: number, after: number): void {
  say(`agent memory: ${before.toFixed(1)} MB early on, ${after.toFixed(1)} MB at the end`)
  expect(after).toBeLessThan(before * 1.1)
}

const watchedOf = (from: Stack, steady: AddedAgent): Watched[] => [
  { processId: from.agent.processId, metricsPort: from.ports.agentMetrics },
  { processId: steady.process.processId, metricsPort: steady.metricsPort },
]

/** Every client has hung up: so have the agents towards them, and towards the target but for what the pools keep. */
async function expectClosed(from: Stack, steady: AddedAgent, fronts: readonly Front[]): Promise<void> {
  // A driver that is told to end while it connects anew forgets that connection.
  const left = fronts.flatMap((front) => (front.open > 0 ? front.describe() : []))
  if (left.length > 0) say(`left open by clients: ${left.join('; ')}`)
  for (const front of fronts) front.hangUp()
  await until('no passage is open', () => fronts.every((front) => front.open === 0))
  for (const agent of watchedOf(from, steady)) await expectIdle(from, agent)
  for (const agent of watchedOf(from, steady)) {
    // Two listeners, the link, a metrics request, the pool, and a catalog connection for each target.
    const socketsMax = 5 + pooledIdleMax + targets.length
    await until('no further socket is open', () => (socketsOf(agent.processId) ?? 0) <= socketsMax)
    say(`sockets of agent ${agent.processId}: ${socketsOf(agent.processId) ?? 'not known here'}`)
  }
}

/** No session and no connection at the agent, and no backend at the target but what a pool keeps. */
async function expectIdle(from: Stack, agent: Watched): Promise<void> {
  await until('no session is open', async () => (await metricOf(agent, 'sallyport_sessions{')) === 0)
  await until('no connection is open', async () => (await metricOf(agent, 'sallyport_connections')) === 0)
  await until('no backend is left but in a pool', async () => {
    const rows = await backends(from)
    const isQuiet =
      rows.every(({ state }) => state === 'idle') &&
      targets.every(
        (name) => rows.filter((row) => row.name === name).length <= (name === 'chaos-plain' ? 0 : pooledIdleMax),
      )
    if (!isQuiet) throw new Error(rows.map(({ name, state, query }) => `${name} ${state}: ${query}`).join('; '))
    return isQuiet
  })
}

async function backends(from: Stack): Promise<readonly { name: string; state: string; query: string }[]> {
  const admin = new pg.Client({ connectionString: from.target.url('postgres') })
  await admin.connect()
  try {
    const text =
      "SELECT application_name AS name, state, left(query, 80) AS query FROM pg_stat_activity WHERE usename = 'app_rw'"
    return (await admin.query(text)).rows
  } finally {
    await admin.end()
  }
}

/** All that reached the target has an intent, all that was answered too, and nothing that was denied got there. */
async function expectRecorded(from: Stack, { tally }: Load, agentDirs: readonly string[]): Promise<void> {
  await settled(from)
  const record = await exportRecord(from, 'chaos')
  const reached = await marksInTargetLog(from.logs.target)
  say(`${record.sessions} sessions, ${record.entries} entries, ${reached.size} statements at the target`)
  expect(unrecorded(reached, record), 'reached the target without an intent').toEqual([])
  expect(unrecorded(tally.answered, record), 'answered without an intent').toEqual([])
  expect(
    [...tally.denied].filter((mark) => reached.has(mark)),
    'denied and at the target',
  ).toEqual([])
  expect(record.gaps).toEqual([])
  await verified(from, record.file, agentDirs)
  await expectHalves(from, tally.committed)
}

/** A transaction whose COMMIT was answered is there, and none is there by half. */
async function expectHalves(from: Stack, committed: ReadonlySet<string>): Promise<void> {
  const owner = new pg.Client({ connectionString: from.target.url('shop') })
  await owner.connect()
  try {
    const { rows } = await owner.query('SELECT mark, count(*)::int AS halves FROM chaos_halves GROUP BY mark')
    expect(rows.filter(({ halves }) => halves !== 2)).toEqual([])
    const kept = new Set(rows.map(({ mark }) => mark))
    expect([...committed].filter((mark) => !kept.has(mark))).toEqual([])
  } finally {
    await owner.end()
  }
}

/** Agents that stop in order leave nothing at all at the target. */
async function expectNoBackend(from: Stack, steady: AddedAgent): Promise<void> {
  await Promise.all([from.agent.stop(), steady.process.stop()])
  await until('no backend of the agents is left', async () => (await backends(from)).length === 0)
}
