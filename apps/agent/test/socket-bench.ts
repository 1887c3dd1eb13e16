// What one statement costs the agent with real sockets: machine, gate, policies and spool between pgbench and a target that
// answers at once, in a process of its own. Prints CPU microseconds of this process for each statement; with --bare, those of
// two sockets of Node that copy bytes: what nothing of ours can undercut. With --shared so many connections to the target are shared
// by the transaction.
//   npx tsx apps/agent/test/socket-bench.ts [--clients N] [--statements N] [--prepared] [--masked] [--shared N] [--bare]
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { noSettings, remember } from '../src/postgres/backend-settings.ts'
import { createPool, type PoolRequest } from '../src/postgres/pool.ts'
import { readTogether } from '../src/postgres/reading.ts'
import { OwnConnection, type TargetLink } from '../src/postgres/target-link.ts'
import { Turns } from '../src/postgres/turns.ts'
import type { Upstream } from '../src/postgres/upstream.ts'
import { benchMasks, benchSessions } from './bench-session.ts'

const toClient = (...all: BackendMessage[]): Buffer => Buffer.concat(all.map(encodeBackend))
const columns = [
  { name: 'ssn', tableOid: 20_000, attributeNumber: 2, typeOid: 25, typeSize: -1, typeModifier: -1, format: 0 },
] as const
const row: BackendMessage = { type: 'dataRow', values: [Buffer.from('1234567890')] }
const done: BackendMessage = { type: 'commandComplete', tag: 'SELECT 1' }
const path: BackendMessage = {
  type: 'dataRow',
  values: [Buffer.from('[["pg_catalog","public"],"public","app","on","UTF8"]')],
}
const described = toClient({ type: 'rowDescription', columns })
const simpleAnswer = Buffer.concat([described, toClient(row, done)])
const ready = toClient({ type: 'readyForQuery', status: 'I' })
const welcome = Buffer.concat([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), ready])

/** Answers each message as a PostgreSQL would that has one row. */
function answerOf(chunk: Buffer, asks: { isOurs: boolean }): Buffer {
  const out: Buffer[] = []
  for (let at = 0; at + 5 <= chunk.length; ) {
    const type = String.fromCharCode(chunk[at] ?? 0)
    if (type === 'B') asks.isOurs = chunk.toString('latin1', at + 5, at + 15).startsWith('_sally')
    if (type === 'Q') out.push(simpleAnswer, ready)
    if (type === 'P') out.push(toClient({ type: 'parseComplete' }))
    if (type === 'B') out.push(toClient({ type: 'bindComplete' }))
    if (type === 'C') out.push(toClient({ type: 'closeComplete' }))
    if (type === 'D') out.push(described)
    if (type === 'E') out.push(toClient(asks.isOurs ? path : row, done))
    if (type === 'S') out.push(ready)
    at += 1 + chunk.readUInt32BE(at + 1)
  }
  return Buffer.concat(out)
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  return (server.address() as AddressInfo).port
}

async function target(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    const asks = { isOurs: false }
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      // A start-up packet, of which only the bare proxy sends any.
      if (chunk[0] === 0) return void socket.write(welcome)
      const answer = answerOf(chunk, asks)
      if (answer.length > 0) socket.write(answer)
    })
  })
  process.stdout.write(`${await portOf(server)}\n`)
  process.stdin.resume().on('end', () => process.exit(0))
}

/** What a child needs to read TypeScript, and nothing of what is looked at here. */
const loaders = (): string[] => process.execArgv.filter((one, at, all) => loads(one) || loads(all[at - 1] ?? ''))
const loads = (flag: string): boolean => flag === '--import' || flag === '--require'

async function startTarget(): Promise<{ port: number; stop(): void }> {
  const child = spawn(process.execPath, [...loaders(), fileURLToPath(import.meta.url), '--target'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((settle) => child.stdout.once('data', (chunk) => settle(Number(chunk))))
  return { port, stop: () => child.stdin.end() }
}

/** pgbench sends its start-up packet and waits for the answer, so that nothing else is in the first chunk. */
function greet(client: Socket, start: () => void): void {
  client.once('data', () => {
    client.pause()
    client.write(welcome)
    start()
  })
}

const ownLink = (target: Socket): TargetLink =>
  new OwnConnection({ target, cancelTarget: async () => true, releaseTarget() {} })

/** So many connections to the target, of which each transaction takes one. */
function sharedLinks(port: number, connectionsMax: number): () => Promise<TargetLink> {
  const pool = createPool()
  let callers = 0
  return async () => {
    const caller = String(callers++ % 4)
    const request = (signal: AbortSignal): PoolRequest => ({
      ...{ group: 'shop', kind: 'shop', caller, signal },
      bounds: {
        connectionsMax,
        idleMax: connectionsMax,
        idleMsMax: 60_000,
        warmMin: 0,
        waitMsMax: 10_000,
        sameMsMax: 0,
      },
      connect: async () => await remember(await connectTarget(port)),
    })
    const first = await pool.take(request(new AbortController().signal))
    return new Turns({ pool, request, first, settings: noSettings, pins: false, cancel: async () => true })
  }
}

async function connectTarget(port: number): Promise<Upstream> {
  const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true, onread: readTogether(() => socket) })
  await new Promise<void>((settle) => socket.once('connect', settle))
  socket.on('error', () => {})
  return { socket, parameters: new Map(), backendKey: null, leftover: Buffer.alloc(0), transaction: 'I' }
}

function copy(client: Socket, upstream: Socket): void {
  client.on('data', (chunk) => void upstream.write(chunk))
  upstream.on('data', (chunk) => void client.write(chunk))
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      clients: { type: 'string' },
      statements: { type: 'string' },
      prepared: { type: 'boolean' },
      masked: { type: 'boolean' },
      shared: { type: 'string' },
      bare: { type: 'boolean' },
      target: { type: 'boolean' },
    },
  })
  if (values.target === true) return await target()
  const { port, stop } = await startTarget()
  const own = await benchSessions(values.masked === true ? benchMasks : '[]')
  const shared = values.shared === undefined ? null : sharedLinks(port, Number(values.shared))
  const server = createServer({ noDelay: true }, (client) => {
    client.on('error', () => {})
    if (shared !== null) {
      const link = shared()
      return greet(client, () => void link.then((one) => own.open(client, one)))
    }
    const isBare = values.bare === true
    const onread = isBare ? {} : { onread: readTogether(() => upstream) }
    const upstream: Socket = connect({ host: '127.0.0.1', port, noDelay: true, ...onread })
    upstream.on('error', () => {})
    upstream.once('connect', () => {
      if (isBare) copy(client, upstream)
      else greet(client, () => own.open(client, ownLink(upstream)))
    })
    client.once('close', () => upstream.destroy())
  })
  const file = join(own.dir, 'select.sql')
  writeFileSync(file, '\\set id random(1, 90000)\nSELECT ssn FROM people WHERE id = :id;\n')
  const listening = await portOf(server)
  const run = async (statements: number) => {
    const clients = values.clients ?? '8'
    const transactions = Math.ceil(statements / Number(clients))
    const startedMs = performance.now()
    const before = process.cpuUsage()
    const env = { ...process.env, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' }
    const flags = [
      ...['-n', '-h', '127.0.0.1', '-p', String(listening), '-c', clients, '-j', '1', '-t', String(transactions)],
      ...['-f', file, '-M', values.prepared === true ? 'prepared' : 'simple', '-U', 'app', 'd'],
    ]
    const child = spawn('pgbench', flags, { env })
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      said += String(chunk)
    })
    await new Promise((settle) => child.once('close', settle))
    const { user, system } = process.cpuUsage(before)
    const count = Number(/actually processed: (\d+)/.exec(said)?.[1] ?? Number.NaN)
    if (!(count > 0)) console.error(said)
    return {
      count,
      user: user / count,
      system: system / count,
      rate: count / ((performance.now() - startedMs) / 1_000),
    }
  }
  await run(40_000)
  const { count, user, system, rate } = await run(Number(values.statements ?? '40000'))
  console.log(
    `${(user + system).toFixed(1)} µs a statement (user ${user.toFixed(1)}, system ${system.toFixed(1)}), ${rate.toFixed(0)}/s, ${count} statements`,
  )
  stop()
  await own.stop()
  process.exit(0)
}

await main()
