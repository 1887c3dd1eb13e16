// The cases: what one run of a case at one peer measures. A run that fails throws; no figure comes from half a run.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { cpuUsOfAll, residentMbOfAll } from '../stack/process.ts'
import type { GroupName, Options } from './options.ts'
import type { Field, Peer, PeerName } from './peers.ts'
import { parsePgbench, quantile, readLatencies } from './pgbench.ts'
import { runTool, type Tools } from './tools.ts'

export interface Figure {
  readonly metric: string
  readonly value: number
  readonly unit: string
}

export interface Ground {
  readonly field: Field
  readonly tools: Tools
  readonly options: Options
  readonly signal: AbortSignal
}

export interface Case {
  readonly name: string
  readonly group: GroupName
  readonly peers: readonly PeerName[]
  /** Every hop has TLS; else none has. */
  readonly tls: boolean
  /** The proxies share connections by the transaction. */
  readonly shared?: true
  /** The agent is reached with a fast ticket. */
  readonly fast?: true
  run(peer: Peer, ground: Ground): Promise<readonly Figure[]>
}

const all: readonly PeerName[] = ['direct', 'pgbouncer', 'agent', 'agent, masks on']
const unmasked: readonly PeerName[] = ['direct', 'pgbouncer', 'agent']
const everyCount = [1, 8, 32] as const

export function casesOf(options: Options): readonly Case[] {
  // Quick: every count in the first group, eight clients in the others.
  const counts = options.isQuick ? ([8] as const) : ([1, 8, 32] as const)
  const every: Case[] = [
    ...everyCount.map((clients) => pgbenchCase('select-simple', all, clients, ['--select-only'])),
    ...counts.map((clients) => pgbenchCase('select-prepared', all, clients, ['--select-only', '--protocol=prepared'])),
    ...counts.map((clients) => pgbenchCase('tpcb', unmasked, clients, [])),
    churnCase,
    { ...churnCase, name: 'churn-fast', fast: true },
    ...manyClients(),
    ...overTls(options),
    { name: 'big-select', group: 'big-select', peers: all, tls: false, run: bigSelect },
    { name: 'copy-out', group: 'copy-out', peers: unmasked, tls: false, run: copyOut },
    { name: 'copy-in', group: 'copy-in', peers: unmasked, tls: false, run: copyIn },
    { name: 'memory', group: 'memory', peers: ['pgbouncer', 'agent'], tls: false, run: memory },
  ]
  return every.filter(({ group }) => options.groups.includes(group))
}

/** More clients than a target likes connections, of which the proxies have few. */
function manyClients(): readonly Case[] {
  const simple = pgbenchCase('select-simple', unmasked, 128, ['--select-only'])
  const tpcb = pgbenchCase('tpcb', unmasked, 128, [])
  return [simple, tpcb].map((one) => ({ ...one, name: `${one.name}-shared`, group: 'many', shared: true }))
}

/** What TLS costs: some cases once more, with it on every hop. */
function overTls({ isQuick }: Options): readonly Case[] {
  const simple = pgbenchCase('select-simple', unmasked, 8, ['--select-only'])
  const prepared = pgbenchCase('select-prepared', unmasked, 8, ['--select-only', '--protocol=prepared'])
  const cases = isQuick ? [prepared] : [simple, prepared, churnCase]
  return cases.map((one) => ({ ...one, name: `${one.name}-tls`, group: 'tls', tls: true }))
}

/** What a run may take beyond its own length, in milliseconds: connecting, and a slow machine. */
const spareMsMax = 60_000

function pgbenchCase(group: GroupName, peers: readonly PeerName[], clients: number, flags: readonly string[]): Case {
  const unit = group === 'tpcb' ? 'transactions/s' : 'statements/s'
  return {
    name: `${group}-${clients}`,
    group,
    peers,
    tls: false,
    async run(peer, { field, tools, options, signal }) {
      const log = join(field.dir, 'latency')
      // One client alone says what a statement takes; with more it says how long they queue for the processors.
      const logging = clients === 1 ? ['--log', `--log-prefix=${log}`] : []
      const parameters = [
        '--no-vacuum',
        `--client=${clients}`,
        `--jobs=${Math.min(clients, 2)}`,
        `--time=${secondsOf(options, clients)}`,
        ...flags,
        ...logging,
      ]
      const env = await peer.env()
      const before = cpuOf(peer)
      const msMax = options.seconds * 1_000 + spareMsMax
      const ran = await field.measured(() => runTool(tools.pgbench, parameters, { env, cwd: field.dir, signal, msMax }))
      const after = cpuOf(peer)
      const { tps, transactions } = parsePgbench(ran.stdout)
      const figures: Figure[] = [{ metric: 'throughput', value: tps, unit }]
      if (before !== undefined && after !== undefined)
        figures.push({
          metric: 'proxy CPU',
          value: (after - before) / transactions,
          unit: group === 'tpcb' ? 'µs/transaction' : 'µs/statement',
        })
      return clients === 1 ? [...figures, ...latencies(field.dir)] : figures
    },
  }
}

/** pgbench's clock runs while it connects, its figures leave that out: some eight connections a second
 * through TLS on a busy machine. */
const secondsOf = (options: Options, clients: number): number => options.seconds + Math.floor(clients / 8)

const cpuOf = (peer: Peer): number | undefined => {
  const processId = peer.processId()
  return processId === undefined ? undefined : cpuUsOfAll(processId)
}

/** The files that pgbench wrote beside its figures, taken away. */
function latencies(dir: string): Figure[] {
  const files = readdirSync(dir).filter((name) => name.startsWith('latency.'))
  const list = files.flatMap((name) => readLatencies(readFileSync(join(dir, name), 'utf8')))
  for (const name of files) rmSync(join(dir, name))
  return [
    { metric: 'latency p50', value: quantile(list, 0.5), unit: 'µs' },
    { metric: 'latency p99', value: quantile(list, 0.99), unit: 'µs' },
  ]
}

/** A new connection for each statement, eight clients. */
const churnCase: Case = {
  name: 'churn',
  group: 'churn',
  peers: unmasked,
  tls: false,
  async run(peer, { field, tools, options, signal }) {
    const parameters = ['--no-vacuum', '--connect', '--client=8', '--jobs=2', '--select-only']
    const env = await peer.env()
    const msMax = options.seconds * 1_000 + spareMsMax
    const timed = [...parameters, `--time=${secondsOf(options, 8)}`]
    const ran = await field.measured(() => runTool(tools.pgbench, timed, { env, cwd: field.dir, signal, msMax }))
    return [{ metric: 'throughput', value: parsePgbench(ran.stdout).tps, unit: 'connections/s' }]
  },
}

async function bigSelect(peer: Peer, { field, tools, signal }: Ground): Promise<readonly Figure[]> {
  const script = join(field.dir, 'big-select.sql')
  writeFileSync(script, 'SELECT id, name, note FROM public.big;\n')
  const parameters = ['--no-vacuum', '--client=1', '--transactions=1', `--file=${script}`]
  const env = await peer.env()
  const ran = await runTool(tools.pgbench, parameters, { env, cwd: field.dir, signal, msMax: spareMsMax })
  return [perSecond(field.bigBytes, parsePgbench(ran.stdout).latencyMs)]
}

const perSecond = (bytes: number, ms: number): Figure => ({
  metric: 'throughput',
  value: bytes / 1_000_000 / (ms / 1_000),
  unit: 'MB/s',
})

/** psql's start and login are in it: some ten milliseconds of some seconds. */
async function copyOut(peer: Peer, { field, tools, signal }: Ground): Promise<readonly Figure[]> {
  const parameters = ['-qX', '-v', 'ON_ERROR_STOP=1', '-c', 'COPY public.big TO STDOUT']
  const env = await peer.env()
  const options = { env, cwd: field.dir, signal, msMax: spareMsMax, isMuted: true }
  return [perSecond(field.bigBytes, (await runTool(tools.psql, parameters, options)).ms)]
}

async function copyIn(peer: Peer, { field, tools, signal }: Ground): Promise<readonly Figure[]> {
  await field.admin('TRUNCATE public.big_in')
  const parameters = ['-qX', '-v', 'ON_ERROR_STOP=1', '-c', 'COPY public.big_in FROM STDIN']
  const env = await peer.env()
  const options = { env, cwd: field.dir, signal, msMax: spareMsMax, stdin: field.copyFile }
  return [perSecond(field.bigBytes, (await runTool(tools.psql, parameters, options)).ms)]
}

/** Connections that are opened at once. */
const openingAtOnce = 20

/** A fresh proxy, then so many sessions that have run one statement and stay. */
async function memory(peer: Peer, { options, signal }: Ground): Promise<readonly Figure[]> {
  await peer.restart()
  const processId = peer.processId()
  if (processId === undefined) throw new Error(`${peer.name} has no process of its own`)
  const open: pg.Client[] = []
  const figures: Figure[] = []
  try {
    for (const count of options.idle) {
      while (open.length < count) {
        signal.throwIfAborted()
        const wanted = Math.min(openingAtOnce, count - open.length)
        await Promise.all(Array.from({ length: wanted }, () => openIdle(peer, open)))
      }
      figures.push({ metric: `RSS with ${count} idle connections`, value: residentMbOfAll(processId), unit: 'MB' })
    }
    return figures
  } finally {
    await Promise.all(open.map((client) => client.end().catch(() => {})))
  }
}

async function openIdle(peer: Peer, open: pg.Client[]): Promise<void> {
  const client = await peer.client()
  client.on('error', () => {})
  await client.connect()
  open.push(client)
  await client.query('SELECT abalance FROM public.pgbench_accounts WHERE aid = 1')
}
