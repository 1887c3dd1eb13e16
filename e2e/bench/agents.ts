// npm run bench:agents: many agents against two replicas of the control plane on one store. Prints how long a change of
// policy takes to reach all of them, what the replicas keep in memory, and how agents come back when a replica dies.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { cpuUs, residentMb } from '../stack/process.ts'
import { type Replica, root, type Stack, startStack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { type Balancer, openBalancer } from './balancer.ts'

const help = `Usage: npm run bench:agents -- [flags]

  --agents N     agents to simulate (default 1000)
  --changes N    changes of policy, one after another (default 20)
  --quiet N      seconds of nothing but heartbeats and refreshes before memory is looked at again (default 120)
  --json FILE    write the figures
  --help         this text
`

/** Agents that share a target; each agent gets its own targets only. */
const agentsPerTarget = 20
/** Enrolments at a time. */
const enrolingMax = 8
/** For a change to reach all, and for all to come back, in milliseconds. */
const reachMsMax = 120_000
const say = (line: string) => void process.stderr.write(`${Math.round(performance.now() / 1_000)} s  ${line}\n`)

interface Field {
  readonly stack: Stack
  readonly replica: Replica
  readonly balancer: Balancer
  readonly crowd: Crowd
  readonly folder: string
}

/** The process with the agents in it. */
interface Crowd {
  ask(order: object): Promise<any>
  look(mark: string): Promise<{ readonly up: number; readonly times: readonly number[] }>
  stop(): Promise<void>
}

function startCrowd(): Crowd {
  const child = fork(join(root, 'apps', 'agent', 'test', 'simulated-agents.ts'), { stdio: ['ignore', 2, 2, 'ipc'] })
  const asked = new Map<number, { resolve(value: any): void; reject(error: Error): void }>()
  let last = 0
  child.on('message', ({ id, value, error }: any) => {
    const waiting = asked.get(id)
    asked.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new SallyportError('CONTROL_PLANE_UNREACHABLE', error))
  })
  child.on('exit', () => {
    for (const { reject } of asked.values()) reject(new SallyportError('INTERNAL', 'the simulated agents have ended'))
  })
  const ask = (order: object) =>
    new Promise<any>((resolve, reject) => {
      asked.set(++last, { resolve, reject })
      child.send({ id: last, order })
    })
  return {
    ask,
    look: (mark) => ask({ do: 'look', mark }),
    async stop() {
      if (child.connected) await ask({ do: 'stop' })
      child.disconnect()
    },
  }
}

const targetYaml = (at: number, names: readonly string[]): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: simulated-${at}, labels: { simulated: "yes" } }
spec:
  protocol: postgres
  agents: [${names.join(', ')}]
  host: db-${at}.internal
  port: 5432
  database: app
  roles: [{ name: app, password: { env: APP_PASSWORD } }]
`

const policyYaml = (mark: string): string => `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: simulated, description: ${mark} }
spec:
  targets: { labels: { simulated: "yes" } }
  rules:
    - { name: reads, effect: allow, callers: { groups: [engineering] }, operations: [select], objects: ["public.*"] }
    - { name: hours, effect: allow, callers: { groups: [dba] }, when: 'now.getHours("Europe/Berlin") >= 8' }
  masks:
    - { columns: ["public.customers.email"], method: email, unless: { groups: [pii-readers] } }
`

const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN
const ms = (value: number): string => `${value.toFixed(0)} ms`

async function inTurns<T>(items: readonly T[], atOnce: number, run: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

async function apply(stack: Stack, yaml: string): Promise<void> {
  const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml })
  if (applied.status !== 200) throw new SallyportError('REQUEST_INVALID', applied.text)
}

async function openField(): Promise<Field> {
  const stack = await startStack({ controlEnv: { SALLYPORT_LOG_LEVEL: 'info' } })
  try {
    const replica = await stack.addReplica()
    const balancer = await openBalancer([stack.ports.grpc, replica.grpcPort])
    return { stack, replica, balancer, crowd: startCrowd(), folder: mkdtempSync(join(tmpdir(), 'sallyport-agents-')) }
  } catch (thrown) {
    await stack.stop()
    throw thrown
  }
}

async function enrolAll({ stack, crowd, folder }: Field, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => `simulated-${at}`)
  const begun = performance.now()
  const targets = Math.ceil(count / agentsPerTarget)
  let done = 0
  await inTurns(names, enrolingMax, async (name) => {
    const issued = await (await stack.as('adam')).post('/api/v1/agents/join-tokens', { agentName: name })
    if (issued.status !== 201) throw new SallyportError('REQUEST_INVALID', `no join token for ${name}: ${issued.text}`)
    await crowd.ask({ do: 'enrol', name, token: issued.body.token, folder })
    if (++done % 100 === 0) say(`${done} of ${count} enrolled`)
  })
  say(`enrolled in ${((performance.now() - begun) / 1_000).toFixed(1)} s`)
  const documents = Array.from({ length: targets }, (_, at) =>
    targetYaml(at, names.slice(at * agentsPerTarget, (at + 1) * agentsPerTarget)),
  )
  await apply(stack, [...documents, policyYaml('mark-0')].join('---\n'))
}

interface Figures {
  readonly [name: string]: number
}

const memoryOf = ({ stack, replica }: Field): readonly number[] => [
  residentMb(stack.controlPlane.processId),
  residentMb(replica.process.processId),
]
const cpuOf = ({ stack, replica }: Field): number =>
  (cpuUs(stack.controlPlane.processId) ?? 0) + (cpuUs(replica.process.processId) ?? 0)

/** When each agent has it, in Unix milliseconds. */
const reached = ({ crowd }: Field, mark: string, count: number): Promise<readonly number[]> =>
  until(
    `${mark} has reached all`,
    async () => {
      const { times } = await crowd.look(mark)
      return times.length === count && times
    },
    reachMsMax,
  )

/** From the call of the API to each agent's verified snapshot. */
async function measureChanges(field: Field, count: number, changes: number): Promise<Figures> {
  const toAll: number[] = []
  const toEach: number[] = []
  for (let change = 1; change <= changes; change++) {
    const mark = `mark-${change}`
    const from = Date.now()
    await apply(field.stack, policyYaml(mark))
    const times = (await reached(field, mark, count)).map((at) => at - from)
    toAll.push(Math.max(...times))
    toEach.push(...times)
    say(`change ${change}: all after ${ms(Math.max(...times))}, half after ${ms(percentile(times, 0.5))}`)
  }
  return {
    'a change reaches all, p50 ms': percentile(toAll, 0.5),
    'a change reaches all, p95 ms': percentile(toAll, 0.95),
    'a change reaches one, p50 ms': percentile(toEach, 0.5),
    'a change reaches one, p95 ms': percentile(toEach, 0.95),
  }
}

/** One replica is killed; its agents come back at the other. */
async function measureStorm({ balancer, replica, crowd }: Field, count: number): Promise<Figures> {
  balancer.takeOpened()
  const from = performance.now()
  await replica.process.kill('SIGKILL')
  const up = async () => (await crowd.look('')).up
  const lost = await until('links are down', async () => count - (await up()))
  await until('all links are up', async () => (await up()) === count, reachMsMax)
  const tookMs = performance.now() - from
  const opened = balancer.takeOpened().map((at) => Math.floor((at - from) / 1_000))
  const bySecond = countBy(opened)
  say(`connections by second: ${[...bySecond].map(([second, tried]) => `${second}: ${tried}`).join(', ')}`)
  return {
    'links seen down when a replica was killed': lost,
    'all back after, ms': tookMs,
    'connections tried': opened.length,
    'most in one second': Math.max(...bySecond.values()),
  }
}

function countBy(values: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const value of [...values].sort((a, b) => a - b)) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      agents: { type: 'string', default: '1000' },
      changes: { type: 'string', default: '20' },
      quiet: { type: 'string', default: '120' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return void process.stdout.write(help)
  const [count, changes, quiet] = [Number(values.agents), Number(values.changes), Number(values.quiet)]
  if (![count, changes, quiet].every((value) => Number.isInteger(value) && value > 0 && value <= 10_000))
    throw new SallyportError('REQUEST_INVALID', '--agents, --changes and --quiet take whole numbers from 1 to 10000')
  const field = await openField()
  try {
    await enrolAll(field, count)
    const before = memoryOf(field)
    const from = performance.now()
    await field.crowd.ask({ do: 'link', address: field.balancer.address })
    await reached(field, 'mark-0', count)
    const linkedMs = performance.now() - from
    say(`${count} linked and served in ${ms(linkedMs)}`)
    const linked = memoryOf(field)
    const reach = await measureChanges(field, count, changes)
    const after = memoryOf(field)
    say(`nothing for ${quiet} s`)
    const cpuBefore = cpuOf(field)
    const quietFrom = performance.now()
    await new Promise((resolve) => setTimeout(resolve, quiet * 1_000))
    const idleCpu = (cpuOf(field) - cpuBefore) / ((performance.now() - quietFrom) * 1_000)
    const later = memoryOf(field)
    const storm = await measureStorm(field, count)
    const figures: Figures = {
      agents: count,
      'linked and served at once, ms': linkedMs,
      ...reach,
      'idle CPU of both replicas, of one processor': idleCpu,
      ...Object.fromEntries(
        [before, linked, after, later].flatMap((pair, at) =>
          pair.map((mb, replica) => [
            `RSS of replica ${replica + 1}, MB, ${['before', 'all linked', 'after the changes', 'after the quiet'][at]}`,
            mb,
          ]),
        ),
      ),
      ...storm,
    }
    for (const [name, value] of Object.entries(figures))
      process.stdout.write(`${name.padEnd(52)} ${value < 10 ? value.toFixed(3) : value.toFixed(0)}\n`)
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`)
  } finally {
    await field.crowd.stop()
    await field.balancer.close()
    await field.stack.stop()
    rmSync(field.folder, { recursive: true, force: true })
  }
}

main().catch((thrown: unknown) => {
  const error = asSallyportError(thrown)
  say(`error: ${error.message}\n  (${error.code})`)
  if (error.code === 'INTERNAL') console.error(thrown)
  process.exitCode = 1
})
