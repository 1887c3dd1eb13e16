// What one request over HTTP costs inside the agent: real listener with TLS, real gate, policies and spool, before an API in another
// process. Prints CPU microseconds of this process for each request, cold and warm, and beside them those of a proxy in Node that looks
// at nothing, asked in turns with it: on a machine that does other work the ratio of the two is steadier than either. Needs wrk.
//   npx tsx apps/agent/test/http-bench.ts [--requests N] [--seconds N] [--connections N] [--masked] [--post]
// With --body MIB: the memory of this process while a body of that length streams to curl, and nothing else.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { systemClock } from '@sallyport/base/clock'
import { loadRecordKey } from '../src/record/key.ts'
import { openRecorder } from '../src/record/recorder.ts'
import { makeCertificate } from './certificates.ts'
import { startDataPath } from './data-path.ts'
import { httpTarget } from './http-target.ts'

/** Some 1.2 kB of JSON for whatever is asked. */
const api = `
const { createServer } = require('node:http')
const orders = Array.from({ length: 12 }, (_, id) => ({ id, email: 'person' + id + '@example.com', state: 'paid', total: id * 7.5, note: 'at the door' }))
const body = Buffer.from(JSON.stringify({ orders }))
const piece = Buffer.alloc(65536, 'a line of some text\\n')
const server = createServer((request, response) => {
  if (request.url.startsWith('/big/')) {
    let left = Number(request.url.slice(5)) * 16
    response.writeHead(200, { 'content-type': 'text/plain' })
    const more = () => {
      while (left-- > 0) if (!response.write(piece)) return response.once('drain', more)
      response.end()
    }
    return more()
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

const yaml = (port: number): string => `${httpTarget('plain', port)}
  credential: { bearer: { env: TOKEN } }
---
${httpTarget('masked', port)}
  credential: { bearer: { env: TOKEN } }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  targets: { any: true }
  rules: [{ name: everything, effect: allow, callers: { any: true }, objects: ["/**"] }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: masks }
spec:
  targets: { names: [masked] }
  masks: [{ name: mails, routes: ["/**"], path: $.orders.email, method: redact }]
`

async function output(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await once(child, 'close')
  return text
}

/** Of this process, or of another one (proc(5): fields 14 and 15 of stat, in hundredths of a second). */
function cpuUs(processId: number): number {
  const { user, system } = process.cpuUsage()
  if (processId === process.pid) return user + system
  const fields = readFileSync(`/proc/${processId}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

interface Way {
  readonly name: string
  readonly processId: number
  readonly url: string
  /** Until code is compiled well, and from then on. */
  readonly cold: Spent
  readonly warm: Spent
}
interface Spent {
  us: number
  requests: number
}
const nothing = (): Spent => ({ us: 0, requests: 0 })
const each = ({ us, requests }: Spent): number => us / requests
/** So many requests are cold. */
const coldRequests = 10_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    requests: { type: 'string', default: '40000' },
    connections: { type: 'string', default: '64' },
    masked: { type: 'boolean', default: false },
    post: { type: 'boolean', default: false },
    body: { type: 'string' },
  },
})
const dir = mkdtempSync(join(tmpdir(), 'sallyport-http-'))
const upstream = spawn(process.execPath, ['-e', api], { stdio: ['ignore', 'pipe', 'inherit'] })
const [first] = await once(upstream.stdout, 'data')
const port = Number(String(first))
const recorder = openRecorder({
  directory: join(dir, 'spool'),
  agent: '0'.repeat(32),
  key: loadRecordKey(join(dir, 'record.key')),
  clock: systemClock,
  monotonicUs: () => performance.now() * 1_000,
  log: { info() {}, warn: console.error, error: console.error },
})
const path = await startDataPath({
  yaml: yaml(port),
  environment: { TOKEN: 'bench-credential-4711-of-the-agent' },
  recorder,
})
const { certificate, key } = await makeCertificate()
writeFileSync(join(dir, 'cert'), certificate)
writeFileSync(join(dir, 'key'), key, { mode: 0o600 })
const bare = fileURLToPath(new URL('../../../e2e/bench/node-proxy.mjs', import.meta.url))
const barePort = path.httpPort + 1
const proxy = spawn(process.execPath, [bare, join(dir, 'cert'), join(dir, 'key'), String(barePort), String(port)], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
// Also where a measurement fails.
process.on('exit', () => {
  proxy.kill()
  upstream.kill()
  rmSync(dir, { recursive: true, force: true })
})
const target = values.masked ? 'masked' : 'plain'
const authorization = `Authorization: Bearer ${await path.token({ target, seconds: 3_600 })}`
const script = join(dir, 'post.lua')
writeFileSync(
  script,
  'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = \'{"id":7,"note":"at the door"}\'\n',
)
const ways: readonly Way[] = [
  {
    name: 'agent',
    processId: process.pid,
    url: `https://127.0.0.1:${path.httpPort}/${target}/v1/orders?page=2`,
    cold: nothing(),
    warm: nothing(),
  },
  {
    name: 'bare Node',
    processId: proxy.pid ?? 0,
    url: `https://127.0.0.1:${barePort}/v1/orders?page=2`,
    cold: nothing(),
    warm: nothing(),
  },
]

async function measure({ name, processId, url, cold, warm }: Way): Promise<void> {
  const before = cpuUs(processId)
  const parameters = ['-t', '1', '-c', values.connections, '-d', `${values.seconds}s`, '--latency', '-H', authorization]
  const sent = values.post ? ['-s', script] : []
  const text = await output(spawn('wrk', [...parameters, ...sent, url], { stdio: ['ignore', 'pipe', 'inherit'] }))
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(text)
  const slice = { us: cpuUs(processId) - before, requests: Number(/([0-9]+) requests in/.exec(text)?.[1]) }
  const spent = cold.requests < coldRequests ? cold : warm
  spent.us += slice.us
  spent.requests += slice.requests
  const [, p50 = '?'] = /50%\s+(\S+)/.exec(text) ?? []
  console.log(
    `${name.padEnd(10)} ${each(slice).toFixed(0).padStart(5)} µs a request, ${slice.requests} requests, p50 ${p50}`,
  )
}

/** The highest of what this process keeps in memory, looked at all the time. */
async function stream(mib: string): Promise<void> {
  const residentMb = (): number => process.memoryUsage.rss() / 1_048_576
  const before = residentMb()
  let most = before
  const looking = setInterval(() => {
    most = Math.max(most, residentMb())
  }, 50)
  const url = `https://127.0.0.1:${path.httpPort}/${target}/big/${mib}`
  const curl = spawn('curl', ['-sSfk', '-o', '/dev/null', '-w', '%{size_download}', '-H', authorization, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const bytes = Number(await output(curl))
  clearInterval(looking)
  console.log(
    `${(bytes / 1_048_576).toFixed(0)} MiB: ${before.toFixed(0)} MB before, ${Math.max(most, residentMb()).toFixed(0)} MB at most`,
  )
}

const [agent, bareNode] = ways
if (values.body !== undefined) for (const mib of ['16', values.body, values.body]) await stream(mib)
else
  while ((agent?.warm.requests ?? 0) + coldRequests < Number(values.requests))
    for (const way of ways) await measure(way)
if (values.body === undefined)
  for (const { name, cold, warm } of ways)
    console.log(`${name.padEnd(10)} cold ${each(cold).toFixed(0)} µs a request, warm ${each(warm).toFixed(0)} µs`)
if (values.body === undefined && agent !== undefined && bareNode !== undefined)
  console.log(`warm: ${(each(agent.warm) / each(bareNode.warm)).toFixed(2)} times bare Node`)
await path.stop()
await recorder.close()
process.exit(0)
