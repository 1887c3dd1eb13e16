// The process itself: what it prints when it cannot start, that it serves, and that it ends when told to.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@sallyport/base/clock'
import { errorCodes, SallyportError, type SallyportErrorCode } from '@sallyport/base/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { loadConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'
import { startControlPlane } from '../src/start.ts'
import { migrationsDirectory } from './build.ts'
import { roleDocuments } from './make.ts'
import { dropDatabase, freshDatabase, query, stopServer } from './stack.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
let folder: string
let databaseUrl: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-process-'))
  databaseUrl = await freshDatabase()
})
afterAll(async () => {
  await dropDatabase(databaseUrl)
  await rm(folder, { recursive: true, force: true })
  await stopServer()
})

const environment = () => ({
  PATH: process.env['PATH'] ?? '',
  DATABASE_URL: databaseUrl,
  SALLYPORT_PUBLIC_URL: 'http://127.0.0.1:1',
  SALLYPORT_ALLOW_INSECURE_LOOPBACK: 'true',
  SALLYPORT_INSTALLATION: 'process',
  SALLYPORT_KEYS_DIR: join(folder, 'keys'),
  SALLYPORT_HTTP_PORT: '0',
  SALLYPORT_GRPC_PORT: '0',
  SALLYPORT_METRICS_PORT: '0',
})
type Environment = Record<string, string | undefined>

function start(changes: Environment): ChildProcess {
  const env = Object.fromEntries(
    Object.entries({ ...environment(), ...changes }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>
  return spawn(process.execPath, ['--import', 'tsx', main], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function failing(changes: Environment): Promise<{ code: number | null; errors: string; output: string }> {
  const child = start(changes)
  const [errors, output] = [child.stderr!.toArray(), child.stdout!.toArray()]
  const [code] = await once(child, 'exit')
  return { code, errors: Buffer.concat(await errors).toString(), output: Buffer.concat(await output).toString() }
}

/** Starts and waits for the line that says where it listens. */
async function serving(changes: Environment) {
  const child = start(changes)
  const lines: Record<string, unknown>[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(JSON.parse(line))
    if (lines.at(-1)?.['event'] === 'listening') break
  }
  const listening = lines.at(-1) as { httpPort: number; grpcPort: number; metricsPort: number; event?: string }
  expect(listening?.event, JSON.stringify(lines)).toBe('listening')
  child.stdout!.resume()
  return { child, lines, ...listening }
}

/** Starts in this process, where that must fail. */
async function refusal(changes: Environment): Promise<SallyportError> {
  try {
    const env: Environment = { ...environment(), ...changes }
    const config = loadConfig({
      env,
      readFile: (path) => readFileSync(path, 'utf8'),
      migrationsDirectory,
      consoleDirectory: '/nonexistent',
    })
    const running = await startControlPlane(config, createLog('silent'), systemClock)
    await running.stop()
  } catch (thrown) {
    if (thrown instanceof SallyportError) return thrown
    throw thrown
  }
  throw new Error('it started')
}

describe('a control plane that cannot start', () => {
  let taken: ReturnType<typeof createServer>
  let takenPort: string
  beforeAll(async () => {
    taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    takenPort = String(typeof address === 'object' && address !== null ? address.port : 0)
  })
  afterAll(() => taken.close())

  const elsewhere = (change: (url: URL) => void) => {
    const url = new URL(databaseUrl)
    change(url)
    return url.href
  }
  it.each<[string, SallyportErrorCode, () => Environment, string]>([
    ['without settings', 'CONFIG_INVALID', () => ({ DATABASE_URL: undefined }), 'DATABASE_URL'],
    [
      'without its store',
      'STORE_UNREACHABLE',
      () => ({ DATABASE_URL: 'postgres://127.0.0.1:1/x' }),
      'start PostgreSQL',
    ],
    [
      'with a wrong password',
      'STORE_UNREACHABLE',
      () => ({ DATABASE_URL: elsewhere((url) => (url.password = 'hunter2')) }),
      'refuses the connection',
    ],
    [
      'with a database that is not there',
      'STORE_UNREACHABLE',
      () => ({ DATABASE_URL: elsewhere((url) => (url.pathname = '/nothing')) }),
      'refuses the connection',
    ],
    ['on a taken port', 'PORT_TAKEN', () => ({ SALLYPORT_HTTP_PORT: takenPort }), 'SALLYPORT_HTTP_PORT'],
    ['on a taken port for agents', 'PORT_TAKEN', () => ({ SALLYPORT_GRPC_PORT: takenPort }), 'SALLYPORT_GRPC_PORT'],
    [
      'on a taken port for metrics',
      'PORT_TAKEN',
      () => ({ SALLYPORT_METRICS_PORT: takenPort }),
      'SALLYPORT_METRICS_PORT',
    ],
    ['without a folder for keys', 'NO_PERMISSION', () => ({ SALLYPORT_KEYS_DIR: '/proc/keys' }), '/proc/keys'],
    ['without migrations', 'CONFIG_INVALID', () => ({ SALLYPORT_MIGRATIONS_DIR: folder }), 'SALLYPORT_MIGRATIONS_DIR'],
    [
      'with a bootstrap file that is not there',
      'CONFIG_INVALID',
      () => ({ SALLYPORT_BOOTSTRAP_FILE: '/none' }),
      '/none',
    ],
  ])('%s says so with %s', async (_what, code, changes, words) => {
    const error = await refusal(changes())
    expect(error.code).toBe(code)
    expect(`${error.message}; ${error.hint}`).toContain(words)
    expect(`${error.message}; ${error.hint}`).not.toContain('hunter2')
  })

  it('with a bad bootstrap document names its line', async () => {
    const file = join(folder, 'bad.yaml')
    await writeFile(file, 'apiVersion: sallyport.dev/v1\nkind: Gruop\nmetadata: { name: a }\n')
    const error = await refusal({ SALLYPORT_BOOTSTRAP_FILE: file })
    expect(error.code).toBe('DOCUMENT_INVALID')
    expect(error.message).toContain('line 2')
  })

  it('prints one line with the next step, no stack, and ends with the exit code, whatever was open by then', async () => {
    const { code, errors } = await failing({ SALLYPORT_METRICS_PORT: takenPort })
    expect(code).toBe(errorCodes.PORT_TAKEN.exit)
    const own = errors.split('\n').filter((line) => line.startsWith('sallyport'))
    expect(own).toEqual([
      expect.stringMatching(/is taken by another process; .*SALLYPORT_METRICS_PORT \(PORT_TAKEN\)$/),
    ])
    expect(errors).not.toMatch(/\n\s+at /)
  })
})

describe('a control plane that starts', () => {
  it('serves, bootstraps once, keeps its keys to itself, and ends by SIGTERM', async () => {
    const file = join(folder, 'bootstrap.yaml')
    await writeFile(file, roleDocuments.map((document) => stringify(document)).join('---\n'))
    const first = await serving({ SALLYPORT_BOOTSTRAP_FILE: file })
    expect(first.lines.map((line) => line['event'])).toContain('bootstrapped')
    expect((await fetch(`http://127.0.0.1:${first.httpPort}/readyz`)).status).toBe(200)
    const metrics = await fetch(`http://127.0.0.1:${first.metricsPort}/metrics`)
    expect(await metrics.text()).toContain('sallyport_http_request_seconds_count{route="ready"')
    const keys = await (await fetch(`http://127.0.0.1:${first.httpPort}/.well-known/jwks.json`)).json()
    for (const name of await readdir(join(folder, 'keys'), { recursive: true })) {
      const { mode } = await stat(join(folder, 'keys', name))
      expect((mode & 0o077).toString(8), name).toBe('0')
    }
    first.child.kill('SIGTERM')
    expect(await once(first.child, 'exit')).toEqual([0, null])
    const second = await serving({ SALLYPORT_BOOTSTRAP_FILE: file })
    expect(second.lines.map((line) => line['event'])).not.toContain('bootstrapped')
    expect(await (await fetch(`http://127.0.0.1:${second.httpPort}/.well-known/jwks.json`)).json()).toEqual(keys)
    second.child.kill('SIGINT')
    expect(await once(second.child, 'exit')).toEqual([0, null])
    expect(await query(databaseUrl, `SELECT count(*)::int AS n FROM "Resource"`)).toEqual([{ n: 8 }])
  })

  it('refuses a token key that others can read', async () => {
    await chmod(join(folder, 'keys', 'token-key.pem'), 0o644)
    const error = await refusal({})
    expect(error.code).toBe('NO_PERMISSION')
    expect(error.hint).toContain('chmod 600')
  })
})
