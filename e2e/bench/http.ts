// npm run bench:http: an HTTP API asked directly, through nginx, through haproxy and through agents of one process and of workers, over
// TLS from the client on.
// Prints requests a second, latency with one client and with many, and the agent's memory while a long body streams.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { asSallyportError, SallyportError, surfacesOf } from '@sallyport/base/errors'
import { cpuUsOfAll, residentMbOfAll } from '../stack/process.ts'
import { type Stack, startStack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { findHttpTools, type HttpTools, startApi, startHaproxy, startNginx, startNodeProxy } from './http-peers.ts'
import { randomFrom, shuffled } from './random.ts'
import { median } from './report.ts'
import { runTool, versionOf } from './tools.ts'

const help = `Usage: npm run bench:http -- [flags]

  --rounds N     rounds, each in random order (default 3)
  --seconds N    length of one run of wrk (default 5)
  --body MIB     length of the body that streams while memory is looked at (default 1024; 0: not at all)
  --workers LIST numbers of workers that agents are measured with (default 1,2)
  --profile DIR  write a CPU profile of the agent into DIR
  --help         this text

Needs nginx and wrk (Debian: nginx-light, wrk); haproxy where it is there.
`

const say = (line: string) => void process.stderr.write(`${Math.round(performance.now() / 1_000)} s  ${line}\n`)
/** What one run of a tool may take beyond its length, in milliseconds. */
const spareMsMax = 60_000
const connections = [1, 64] as const

interface Peer {
  readonly name: string
  readonly url: string
  readonly headers: readonly string[]
}

interface Figure {
  readonly requests: number
  readonly p50Us: number
  readonly p99Us: number
}

interface Ground {
  readonly dir: string
  readonly tools: HttpTools
  readonly signal: AbortSignal
  readonly seconds: number
}

const documents = (port: number): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: plain, labels: { bench: "http" } }
spec:
  protocol: http
  agents: [shop-agent]
  url: http://127.0.0.1:${port}
  network: loopback
  credential: { bearer: { env: BENCH_TOKEN } }
---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: masked, labels: { bench: "http" } }
spec:
  protocol: http
  agents: [shop-agent]
  url: http://127.0.0.1:${port}
  network: loopback
  credential: { bearer: { env: BENCH_TOKEN } }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: bench-http }
spec:
  targets: { labels: { bench: "http" } }
  rules: [{ name: everything, effect: allow, callers: { any: true }, objects: ["/**"] }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: bench-http-masks }
spec:
  targets: { names: [masked] }
  masks: [{ name: mails, routes: ["/**"], path: $.orders.email, method: redact }]
`

/** An agent with what it needs, and two ways through it. */
interface Measured {
  readonly stack: Stack
  readonly name: string
  readonly plain: Peer
  readonly masked: Peer
}

async function startMeasured(
  workers: string,
  api: number,
  profile: string | undefined,
  ground: Ground,
  closers: Closers,
) {
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const agentEnv = {
    SALLYPORT_LOG_LEVEL: 'info',
    SALLYPORT_WORKERS: workers,
    BENCH_TOKEN: 'bench-credential-4711-of-the-agent',
  }
  const stack = await startStack({ agentEnv, agentNode: { flags }, signal: ground.signal })
  closers.push(() => stack.stop())
  const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml: documents(api) })
  if (applied.status !== 200) throw new SallyportError('REQUEST_INVALID', applied.text)
  const name = workers === '1' ? 'agent' : `agent, ${workers} workers`
  const measured: Measured = {
    stack,
    name,
    plain: await agentPeer(stack, 'plain', name),
    masked: await agentPeer(stack, 'masked', `${name}, masks on`),
  }
  return measured
}

async function agentPeer(stack: Stack, target: string, name: string): Promise<Peer> {
  const issued = await (await stack.as('ann')).post('/api/v1/tokens', { target })
  if (issued.status >= 300) throw new SallyportError('REQUEST_INVALID', issued.text)
  return {
    name,
    url: issued.body.connection.url,
    headers: [`Authorization: Bearer ${issued.body.token}`],
  }
}

/** wrk's own clock, over connections that stay. */
async function measure({ url, headers }: Peer, count: number, ground: Ground): Promise<Figure> {
  const { tools, dir, signal, seconds } = ground
  const given = headers.flatMap((header) => ['-H', header])
  const parameters = ['-t', String(Math.min(2, count)), '-c', String(count), '-d', `${seconds}s`, '--latency', ...given]
  const msMax = seconds * 1_000 + spareMsMax
  const { stdout } = await runTool(tools.wrk, [...parameters, `${url}/orders.json`], {
    env: {},
    cwd: dir,
    signal,
    msMax,
  })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed: ${stdout}`)
  const micros = (part: string): number => {
    const [, value = '', unit = ''] = new RegExp(`${part}%\\s+([0-9.]+)(us|ms|s)`).exec(stdout) ?? []
    return Number(value) * ({ us: 1, ms: 1_000, s: 1_000_000 }[unit] ?? Number.NaN)
  }
  return {
    requests: Number(/Requests\/sec:\s+([0-9.]+)/.exec(stdout)?.[1]),
    p50Us: micros('50'),
    p99Us: micros('99'),
  }
}

/** The highest of what the agent keeps in memory while one body goes through it, looked at all the time. */
async function streamed(
  peer: Peer,
  stack: Stack,
  { dir, signal }: Ground,
): Promise<readonly [before: number, most: number]> {
  const { processId } = stack.agent
  const before = residentMbOfAll(processId)
  const headers = peer.headers.flatMap((header) => ['-H', header])
  const curl = spawn('curl', ['-sSfk', '-o', '/dev/null', ...headers, `${peer.url}/big`], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 2],
  })
  signal.addEventListener('abort', () => void curl.kill(), { once: true })
  let most = before
  const looking = setInterval(() => {
    most = Math.max(most, residentMbOfAll(processId))
  }, 200)
  const [status] = await once(curl, 'close')
  clearInterval(looking)
  if (status !== 0) throw new Error(`curl ended with ${status}`)
  return [before, Math.max(most, residentMbOfAll(processId))]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      body: { type: 'string', default: '1024' },
      workers: { type: 'string', default: '1,2' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(help)
  const tools = findHttpTools()
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-http-bench-'))
  const closers: Closers = [async () => rmSync(dir, { recursive: true, force: true })]
  try {
    const ground = { dir, tools, signal: stopping.signal, seconds: Number(values.seconds) }
    const { profile } = values
    const workers = values.workers.split(',')
    await bench(ground, { rounds: Number(values.rounds), bodyMib: Number(values.body), workers, profile }, closers)
  } finally {
    for (const close of closers.reverse()) await close().catch((error: unknown) => console.error(error))
  }
}

interface Plan {
  readonly rounds: number
  readonly bodyMib: number
  readonly workers: readonly string[]
  readonly profile: string | undefined
}

type Closers = (() => Promise<void>)[]

async function bench(ground: Ground, { rounds, bodyMib, workers, profile }: Plan, closers: Closers): Promise<void> {
  const { tools, dir } = ground
  say('starting the product and what it is compared with')
  const api = await startApi(tools, dir, bodyMib, closers)
  const agents: Measured[] = []
  for (const count of workers) agents.push(await startMeasured(count, api.port, profile, ground, closers))
  const peers: readonly Peer[] = [
    { name: 'direct', url: api.url, headers: [] },
    { name: 'nginx', url: await startNginx(tools, dir, api.port, closers), headers: [] },
    ...(tools.haproxy === undefined
      ? []
      : [{ name: 'haproxy', url: await startHaproxy(tools.haproxy, dir, api.port, closers), headers: [] }]),
    { name: 'bare Node', url: await startNodeProxy(dir, api.port, closers), headers: [] },
    ...agents.flatMap(({ plain, masked }) => [plain, masked]),
  ]
  if (tools.haproxy === undefined) say('haproxy is not on this machine (apt-get install haproxy): left out')
  for (const peer of peers) {
    await until(
      `an answer through ${peer.name}`,
      async () => (await measure(peer, 1, { ...ground, seconds: 1 })).requests > 0,
    )
    // Code is compiled well after some ten thousand.
    await measure(peer, 64, ground)
  }
  const before = agents.map(({ stack }) => cpuUsOfAll(stack.agent.processId) ?? 0)
  const found = await measureAll(peers, rounds, ground)
  for (const [at, one] of agents.entries()) {
    const usedUs = (cpuUsOfAll(one.stack.agent.processId) ?? 0) - (before[at] ?? 0)
    const figures = [one.plain, one.masked].flatMap(({ name }) =>
      connections.flatMap((count) => found.get(`${name} ${count}`) ?? []),
    )
    const asked = figures.reduce((sum, { requests }) => sum + requests * ground.seconds, 0)
    say(`${one.name}: ${(usedUs / asked).toFixed(0)} µs of CPU time a request, of all its processes, masked or not`)
  }
  print(peers, found, tools)
  if (bodyMib > 0) for (const one of agents) await streamOnce(one, bodyMib, ground)
}

async function measureAll(
  peers: readonly Peer[],
  rounds: number,
  ground: Ground,
): Promise<ReadonlyMap<string, readonly Figure[]>> {
  const found = new Map<string, Figure[]>()
  const random = randomFrom(4711)
  for (let round = 1; round <= rounds; round++)
    for (const count of connections)
      for (const peer of shuffled(peers, random)) {
        const figure = await measure(peer, count, ground)
        const key = `${peer.name} ${count}`
        found.set(key, [...(found.get(key) ?? []), figure])
        say(`round ${round}, ${count} connections, ${peer.name}: ${figure.requests.toFixed(0)} requests/s`)
      }
  return found
}

async function streamOnce({ name, plain, stack }: Measured, bodyMib: number, ground: Ground): Promise<void> {
  const [first, most] = await streamed(plain, stack, ground)
  process.stdout.write(
    `\nMemory of "${name}" while ${bodyMib} MiB stream: ${first.toFixed(0)} MB before, ${most.toFixed(0)} MB at most.\n`,
  )
}

function print(peers: readonly Peer[], found: ReadonlyMap<string, readonly Figure[]>, tools: HttpTools): void {
  const of = (name: string, count: number, part: keyof Figure): number =>
    median((found.get(`${name} ${count}`) ?? []).map((figure) => figure[part]))
  const rows = connections.flatMap((count) =>
    peers.map(({ name }) => {
      const requests = of(name, count, 'requests')
      const cells = [
        String(count),
        name,
        requests.toFixed(0),
        (requests / of('nginx', count, 'requests')).toFixed(2),
        of(name, count, 'p50Us').toFixed(0),
        of(name, count, 'p99Us').toFixed(0),
        (of(name, count, 'p50Us') - of('direct', count, 'p50Us')).toFixed(0),
      ]
      return `| ${cells.join(' | ')} |`
    }),
  )
  const lines = [
    `${cpus().length} processors (${cpus()[0]?.model ?? 'unknown'}), Linux ${release()}, Node ${process.versions.node}, load ${loadavg()[0]?.toFixed(0)}; ${versionOf(tools.wrk)}`,
    'Medians of the rounds. TLS between client and proxy, none behind it; one answer of some 1.3 kB of JSON.',
    '',
    '| connections | through | requests/s | ÷ nginx | p50 µs | p99 µs | p50 − direct µs |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

main().catch((thrown: unknown) => {
  const error = asSallyportError(thrown)
  say(`error: ${error.message}${error.hint === undefined ? '' : `\n  fix: ${error.hint}`}`)
  if (error.code === 'INTERNAL') console.error(error.cause ?? thrown)
  process.exitCode = surfacesOf(error.code).exit
})
