// The agent as a process: what it says when it cannot start, its exit codes, and how it ends (docs/operations.md, "Agent").
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeControl, startFakeControl } from './fake-control.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let directory: string
const children: ChildProcess[] = []
const fakes: FakeControl[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-agent-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  for (const fake of fakes.splice(0)) fake.stop()
  rmSync(directory, { recursive: true, force: true })
})

function start(words: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...words], {
    env: {
      PATH: process.env['PATH'],
      SALLYPORT_DATA_DIR: join(directory, 'data'),
      SALLYPORT_METRICS_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const said = { out: '', err: '' }
  const lines: ((text: string) => void)[] = []
  child.stdout.on('data', (chunk) => {
    said.out += chunk
    for (const look of lines) look(said.out)
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  /** Resolves with the line of the log that has this event. */
  const logged = (event: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const look = (text: string) => {
        const line = text.split('\n').find((one) => one.includes(`"msg":"${event}"`) && one.endsWith('}'))
        if (line !== undefined) resolve(JSON.parse(line))
      }
      lines.push(look)
      look(said.out)
      void ended.then(({ code, err }) => reject(new Error(`ended with ${code}: ${err}`)))
    })
  return { child, ended, logged }
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return String(port)
}

async function startFake(): Promise<FakeControl> {
  const fake = await startFakeControl()
  fakes.push(fake)
  return fake
}

const refusals: readonly (readonly [string, readonly string[], Record<string, string>, number, RegExp])[] = [
  ['an unknown command', ['dance'], {}, 2, /"dance" is no command; see --help \(CONFIG_INVALID\)/],
  ['an unknown flag', ['--wings'], {}, 2, /CONFIG_INVALID/],
  ['no data directory', ['run'], { SALLYPORT_DATA_DIR: '' }, 2, /dataDirectory \(SALLYPORT_DATA_DIR\)/],
  ['no enrolment', ['run'], {}, 7, /has not joined.*sallyport agent join NAME.*\(AGENT_NOT_ENROLLED\)/],
  ['no enrolment yet', ['fingerprint'], {}, 7, /AGENT_NOT_ENROLLED/],
  ['a token that is none', ['join'], { SALLYPORT_JOIN_TOKEN: 'spj1.x' }, 4, /JOIN_TOKEN_INVALID/],
  [
    'a floor that is not there',
    ['run'],
    { SALLYPORT_FLOOR: '/nonexistent/floor.yaml' },
    2,
    /floor.*cannot be read.*\(FLOOR_INVALID\)/,
  ],
]

test('what cannot start says why in one line, with the next step and an exit code', async () => {
  const results = refusals.map(async ([name, words, env, code, message]) => {
    const result = await start(words, env).ended
    expect(result.err, name).toMatch(message)
    expect(result.err.trim().split('\n'), name).toHaveLength(1)
    expect(result.code, name).toBe(code)
  })
  await Promise.all(results)
})

test('a floor that is not valid stops the start and names what is wrong', async () => {
  const floor = join(directory, 'floor.yaml')
  writeFileSync(floor, 'apiVersion: sallyport.dev/v1\nkind: Floor\nspec: { rules: [{ name: a, effect: allow }] }\n')
  const { code, err } = await start(['run'], { SALLYPORT_FLOOR: floor }).ended
  expect(err).toMatch(/floor ".*" is not valid.*\(FLOOR_INVALID\)/)
  expect(code).toBe(2)
})

test('--help and --version say what they should and end well', async () => {
  const help = await start(['--help']).ended
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toContain('SALLYPORT_JOIN_TOKEN')
  expect((await start(['--version']).ended).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('an agent joins at its first start, ends well on SIGTERM, and starts again without a token', async () => {
  const fake = await startFake()
  fake.behaviour.onLink = (link) =>
    link.send({ case: 'snapshot', value: fake.snapshot({ version: BigInt(fake.links.length + 1) }) })
  const env = { SALLYPORT_LISTEN_PORT: await freePort(), SALLYPORT_JOIN_TOKEN: fake.token().reveal() }
  const first = start(['run'], env)
  const started = await first.logged('started')
  await first.logged('link-up')
  expect(await (await fetch(`http://127.0.0.1:${started['metricsPort']}/readyz`)).text()).toBe('ok\n')
  first.child.kill('SIGTERM')
  const end = await first.ended
  expect(end).toMatchObject({ code: 0, err: '' })
  expect(end.out).not.toContain(env.SALLYPORT_JOIN_TOKEN)
  const second = start([], { SALLYPORT_LISTEN_PORT: env.SALLYPORT_LISTEN_PORT })
  expect((await second.logged('started'))['agent']).toBe(started['agent'])
  second.child.kill('SIGINT')
  expect((await second.ended).code).toBe(0)
  const { out } = await start(['fingerprint']).ended
  const pem = readFileSync(join(directory, 'data', 'record-key.pem'))
  const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  expect(out.trim()).toBe(createHash('sha256').update(spki).digest('hex'))
  expect(started['recordKeyFingerprint']).toBe(out.trim())
})

test('a revoked agent says so and ends', async () => {
  const fake = await startFake()
  const agent = start(['run'], { SALLYPORT_LISTEN_PORT: await freePort(), SALLYPORT_JOIN_TOKEN: fake.token().reveal() })
  await agent.logged('started')
  const link = await fake.until(() => fake.links[0])
  link.send({ case: 'revoked', value: { $typeName: 'sallyport.v1.Revoked', reason: 'agent "eu-1" was revoked' } })
  const { code, err } = await agent.ended
  expect(err).toContain('agent "eu-1" was revoked (AGENT_REVOKED)')
  expect(code).toBe(7)
})

test('a port that is taken is said so, and nothing is left running', async () => {
  const fake = await startFake()
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const env = { SALLYPORT_LISTEN_PORT: String(port), SALLYPORT_JOIN_TOKEN: fake.token().reveal() }
  const { code, err } = await start(['run'], env).ended
  taken.close()
  expect(err).toContain('(PORT_TAKEN)')
  expect(code).toBe(7)
})
