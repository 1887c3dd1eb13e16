// The memory of an agent is flat, however long a body is that goes through it: as a process of its own, looked at all the time. Bodies of
// 256 MiB; SALLYPORT_BODY_MIB takes others (1024 is what docs/performance.md promises).
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { residentMbOfAll } from '../../../e2e/stack/process.ts'
import { httpTarget } from './http-target.ts'
import { startWorkerAgent, type WorkerAgent } from './worker-agent.ts'

const bodyMib = Number(process.env['SALLYPORT_BODY_MIB'] ?? '256')
/** Buffers of sockets, of TLS and of undici, and what the heap grows by before it is collected. */
const growthMbMax = 96
const piece = Buffer.alloc(65_536, 'a line of some text without a person in it\n')
/** Detectors read some megabytes a second; half as much is still more than may be kept. */
const maskedMib = bodyMib / 2

let api: Server
let taken = 0
let agent: WorkerAgent

const documents = (port: number): string => `
${httpTarget('files', port)}
  credential: { bearer: { env: APP_PASSWORD } }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: files }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true }, objects: ["/**"] }]
  masks: [{ name: mails, routes: ["/masked"], detect: [email], method: redact }]
`

beforeAll(async () => {
  api = createServer((incoming, response) => {
    if (incoming.method === 'PUT') {
      incoming.on('data', (chunk: Buffer) => {
        taken += chunk.length
      })
      incoming.on('end', () => response.end('taken'))
      return
    }
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    let left = 16 * (incoming.url === '/masked' ? maskedMib : bodyMib)
    const more = (): void => {
      while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more)
      response.end()
    }
    more()
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const { port } = api.address() as AddressInfo
  agent = await startWorkerAgent({ yaml: documents(port), workers: 1, env: { SALLYPORT_HTTP_PORT: '0' } })
}, 120_000)
afterAll(async () => {
  await agent?.stop()
  api.closeAllConnections()
  await new Promise((resolve) => api.close(resolve))
})

const residentMb = (): number => residentMbOfAll(agent.child.pid ?? 0)

async function asked(method: 'GET' | 'PUT', path: string) {
  const outgoing = request({
    host: '127.0.0.1',
    port: agent.httpPort,
    servername: 'localhost',
    ca: agent.ca,
    path,
    method,
    agent: false,
    headers: { authorization: `Bearer ${await agent.token({ target: 'files' })}` },
  })
  return outgoing
}

/** The length of the answer, and the most that the agent grew by while `run` went on. */
async function grown(run: () => Promise<number>): Promise<{ readonly bytes: number; readonly mb: number }> {
  const before = residentMb()
  let most = before
  const looking = setInterval(() => {
    most = Math.max(most, residentMb())
  }, 20)
  try {
    const bytes = await run()
    return { bytes, mb: Math.max(most, residentMb()) - before }
  } finally {
    clearInterval(looking)
  }
}

async function read(path: string): Promise<number> {
  const outgoing = await asked('GET', path)
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  let bytes = 0
  for await (const chunk of response) bytes += chunk.length
  return bytes
}

async function sent(): Promise<number> {
  const outgoing = await asked('PUT', '/files/up')
  const answered = once(outgoing, 'response')
  for (let left = 16 * bodyMib; left > 0; left--) if (!outgoing.write(piece)) await once(outgoing, 'drain')
  outgoing.end()
  const [response] = await answered
  response.resume()
  await once(response, 'end')
  return taken
}

it.skipIf(process.platform !== 'linux').each<[string, number, () => Promise<number>]>([
  ['an answer', bodyMib, () => read('/files/down')],
  ['an answer that detectors look through', maskedMib, () => read('/files/masked')],
  ['a body of a request', bodyMib, sent],
])(
  '%s of any length goes through without being kept',
  async (_, mib, run) => {
    const { bytes, mb } = await grown(run)
    expect(bytes).toBe(mib * 1_048_576)
    expect(mb).toBeLessThan(growthMbMax)
  },
  600_000,
)

it.skipIf(process.platform !== 'linux')(
  'nor is what its caller does not read',
  async () => {
    const outgoing = await asked('GET', '/files/down')
    outgoing.end()
    const [response] = await once(outgoing, 'response')
    // Flowing stops here; what the kernel and the agent take meanwhile is all that there is.
    response.pause()
    const before = residentMb()
    // Another answer passes meanwhile, which takes longer than it would to fill the memory with the first.
    const { mb } = await grown(() => read('/files/down'))
    expect(residentMb() - before).toBeLessThan(growthMbMax)
    expect(mb).toBeLessThan(growthMbMax)
    outgoing.destroy()
  },
  300_000,
)
