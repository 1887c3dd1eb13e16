// Starts a private PostgreSQL from the npm package that carries its binaries: for tests, benches and the demo, on loopback.
// It never touches another cluster, and the server stops when its owner ends, however the owner ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { SallyportError } from '@sallyport/base/errors'
import pg from 'pg'
import { type Account, accountForServer, binariesFor, reachableFolder, roomHint, worldly } from './postgres-place.ts'

export interface PostgresOptions {
  /** Kept after stop(), and started again from where it was. Without it a temporary folder is made and removed. */
  readonly dir?: string
  /** Without it a free one. */
  readonly port?: number
  /** Without it a random one; kept in `dir`. */
  readonly superuserPassword?: string
  /** PEM texts. TCP without TLS stays possible: pg_hba.conf decides. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly settings?: Readonly<Record<string, string>>
  /** Each line that initdb and the server print. */
  readonly log?: (line: string) => void
  /** Folder with `initdb` and `postgres` of another version; the embedded one otherwise. */
  readonly bin?: string
}

export interface PostgresServer {
  readonly port: number
  /** Where it lives: `options.dir`, unless the server's user could not reach that. */
  readonly dir: string
  readonly superuser: 'postgres'
  readonly password: string
  /** Of the server itself, for tests that kill it. */
  readonly pid: number
  url(database: string): string
  stop(): Promise<void>
}

/** What one start needs to know, worked out once. */
interface Place {
  readonly dir: string
  readonly cluster: string
  readonly bin: string
  /** undefined: the server runs as whoever we are. */
  readonly account: Account | undefined
  readonly log: (line: string) => void
}

const readyMsMax = 60_000
const stopMsMax = 30_000
const portTriesMax = 5
const leftoverMsMax = 3_000

/** Makes a cluster where there is none, starts it and returns once it has answered a query. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = await accountForServer()
  const wanted = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'sallyport-postgres-')) : resolve(options.dir)
  const made = new Set(options.dir === undefined ? [wanted] : [])
  const forget = async () => {
    for (const folder of made) await rm(folder, { recursive: true, force: true })
  }
  try {
    const dir = await reachableFolder(wanted, account)
    if (options.dir === undefined) made.add(dir)
    const bin = options.bin ?? (await binariesFor(account))
    const place: Place = { dir, cluster: join(dir, 'cluster'), bin, account, log: options.log ?? (() => {}) }
    await expectFree(place)
    const password = await passwordOf(place, options.superuserPassword)
    await initialise(place, password)
    if (options.tls !== undefined) await writeTls(place, options.tls)
    const server = await launch(place, options, password)
    const url = (database: string) =>
      `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`
    const stop = async () => {
      await server.stop()
      await forget()
    }
    return { port: server.port, dir, superuser: 'postgres', password, pid: server.pid, url, stop }
  } catch (thrown) {
    await forget()
    throw worldly(thrown, 'cannot start PostgreSQL')
  }
}

/**
 * A TCP port of the loopback interface that was free a moment ago, below those that systems give to connections going out.
 * It is given once in a process, and processes that run at the same time look in different places: between here and the
 * listener of whoever asked, seconds pass.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portsOfProcess; tries++) {
    const port = portsFirst + (portsPlace % portsPlaces) * portsOfProcess + (portsGiven++ % portsOfProcess)
    if (await canListen(port)) return port
  }
  throw new SallyportError('PORT_TAKEN', 'no port of 127.0.0.1 is free', { hint: 'stop what listens on them' })
}
const portsFirst = 12_000
const portsPlaces = 50
const portsOfProcess = 400
/** Workers of one run of tests never share a place; whoever else is here hardly does. */
const portsPlace =
  process.env['VITEST_POOL_ID'] === undefined ? process.pid : process.ppid * 2 + Number(process.env['VITEST_POOL_ID'])
let portsGiven = process.pid

async function canListen(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

async function passwordOf(place: Place, wanted: string | undefined): Promise<string> {
  const file = join(place.dir, 'superuser-password')
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined && wanted !== undefined && kept !== wanted)
    throw new SallyportError('CONFLICT', `the cluster in "${place.dir}" was made with another password`, {
      hint: 'give the password it was made with, or another folder',
    })
  if (kept !== undefined) return kept
  const password = wanted ?? randomBytes(18).toString('base64url')
  await writeFile(file, password, { mode: 0o600 })
  return password
}

/** An interrupted initdb leaves no marker behind it: then the cluster is made anew. */
async function initialise(place: Place, password: string): Promise<void> {
  const marker = join(place.dir, 'initialised')
  if ((await stat(marker).catch(() => undefined)) !== undefined) return
  await rm(place.cluster, { recursive: true, force: true })
  await mkdir(place.cluster, { mode: 0o700 })
  const passwordFile = join(place.dir, 'initdb-password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  await give(place, place.cluster, passwordFile)
  // --locale=C: nothing depends on the machine's locales. --no-sync: the folder is made again if the machine goes down.
  // --no-clean: what filled the disk is still there when we ask why it failed.
  const flags = [
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-clean',
    '--auth=scram-sha-256',
    '--username=postgres',
  ]
  const initdb = spawn(join(place.bin, 'initdb'), [...flags, `--pwfile=${passwordFile}`, '-D', place.cluster], {
    ...identity(place),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = collect(initdb, place.log)
  const code = await exitOf(initdb)
  await rm(passwordFile, { force: true })
  if (code !== 0) throw failure(lines, `initdb ended with ${code}`)
  await writeFile(marker, '')
}

/** PostgreSQL wants the key readable by its owner alone (manual, "Secure TCP/IP Connections with SSL"). */
async function writeTls(place: Place, tls: { readonly cert: string; readonly key: string }): Promise<void> {
  for (const [name, text] of [
    ['server.crt', tls.cert],
    ['server.key', tls.key],
  ] as const) {
    const file = join(place.cluster, name)
    await writeFile(file, text, { mode: 0o600 })
    await chmod(file, 0o600)
    await give(place, file)
  }
}

async function give(place: Place, ...paths: readonly string[]): Promise<void> {
  if (place.account === undefined) return
  for (const path of paths) await chown(path, place.account.uid, place.account.gid)
}

const identity = (place: Place) => ({
  cwd: place.dir,
  env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  ...(place.account === undefined ? {} : { uid: place.account.uid, gid: place.account.gid }),
})

interface Server {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

async function launch(place: Place, options: PostgresOptions, password: string): Promise<Server> {
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort())
    try {
      return await launchAt(port, place, options, password)
    } catch (thrown) {
      // Somebody may take a free port between our look and the server's bind; a port that was asked for is final.
      const taken = thrown instanceof SallyportError && thrown.code === 'PORT_TAKEN'
      if (!taken || options.port !== undefined || tries === portTriesMax) throw thrown
    }
  }
}

// The server's life hangs on our end of a pipe: whichever way we end, the pipe closes and the watcher asks for a
// fast shutdown. The subshell inside a subshell keeps the watcher from being a child of the server.
const lifeline = `exec 3<&0
( ( cat <&3 >/dev/null 2>&1; kill -INT $$ 2>/dev/null ) & ) </dev/null
exec 3<&- </dev/null
exec "$@"`

async function launchAt(port: number, place: Place, options: PostgresOptions, password: string): Promise<Server> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: '200',
    ssl: options.tls === undefined ? 'off' : 'on',
    ...options.settings,
    port: String(port),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // In a session of its own: Ctrl-C at the terminal goes to us, and we stop the server after its users.
  const child = spawn('/bin/sh', ['-c', lifeline, 'sh', join(place.bin, 'postgres'), '-D', place.cluster, ...flags], {
    ...identity(place),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  child.stdin.on('error', () => {})
  const lines = collect(child, place.log)
  const exited = exitOf(child)
  const release = exited.then(() => child.stdin.destroy())
  const stop = async () => {
    child.kill('SIGINT')
    const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), stopMsMax)
    await release
    clearTimeout(timer)
  }
  try {
    await ready(exited, lines, port)
    await answer(port, password, place)
    return { port, pid: child.pid ?? 0, stop }
  } catch (thrown) {
    await stop().catch(() => {})
    throw thrown
  }
}

/** The server says so itself: connecting earlier could reach another server on a port that was taken. */
async function ready(exited: Promise<number>, lines: Lines, port: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const said = new Promise<void>((done, reject) => {
    lines.onLine = (line) => {
      if (line.includes('database system is ready to accept connections')) done()
    }
    timer = globalThis.setTimeout(() => reject(failure(lines, `not ready after ${readyMsMax} ms`)), readyMsMax)
    exited.then((code) => reject(failure(lines, `the server ended with ${code}`, port)), reject)
  })
  try {
    await said
  } finally {
    clearTimeout(timer)
  }
}

async function answer(port: number, password: string, place: Place): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' })
  try {
    await client.connect()
    await client.query('SELECT 1')
  } catch (cause) {
    throw new SallyportError('STORE_UNREACHABLE', `PostgreSQL in "${place.dir}" runs and does not let us in`, {
      cause,
      hint: 'remove the folder to make the cluster anew',
    })
  } finally {
    await client.end().catch(() => {})
  }
}

/** The last lines, for the message when it fails. */
interface Lines {
  readonly last: string[]
  onLine: (line: string) => void
}

function collect(child: ChildProcess, log: (line: string) => void): Lines {
  const lines: Lines = { last: [], onLine: () => {} }
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.last.push(line)
      if (lines.last.length > 40) lines.last.shift()
      lines.onLine(line)
      // A log that takes no more (a full disk) ends nobody from here: who writes next meets the same, and says it.
      try {
        log(line)
      } catch {}
    })
  }
  return lines
}

/** Resolves once the process has ended and its output has been read. */
const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise((done, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      // The watcher holds no pipe of ours, so the streams end with the server.
      child.once('close', () => done(code ?? (signal === null ? 1 : 128)))
    })
  })

function failure(lines: Lines, what: string, port?: number): SallyportError {
  const text = lines.last.join('\n')
  const cause = new Error(text)
  if (/Address already in use/i.test(text))
    return new SallyportError('PORT_TAKEN', `port ${port} of 127.0.0.1 is taken`, {
      cause,
      hint: 'stop what uses it, or choose another port',
    })
  if (/No space left on device|Disk quota exceeded/i.test(text))
    return new SallyportError('NO_SPACE', 'PostgreSQL cannot write: the disk is full', {
      cause,
      hint: roomHint,
    })
  if (/Permission denied|Read-only file system/i.test(text))
    return new SallyportError('NO_PERMISSION', 'PostgreSQL may not read or write a folder it needs', {
      cause,
      hint: 'choose a folder that the server user can reach, for example under /tmp',
    })
  return new SallyportError(
    'STORE_UNREACHABLE',
    `PostgreSQL did not start: ${what}: ${lines.last.at(-1) ?? 'no output'}`,
    {
      cause,
    },
  )
}

/** A server whose owner was killed a moment ago is on its way down: it is waited for. One in use is left alone. */
async function expectFree(place: Place): Promise<void> {
  const giveUp = AbortSignal.timeout(leftoverMsMax)
  for (;;) {
    const text = await readFile(join(place.cluster, 'postmaster.pid'), 'utf8').catch(() => '')
    const processId = Number.parseInt(text, 10)
    if (!(processId > 1) || !(await runsCluster(processId, place.cluster))) return
    if (giveUp.aborted)
      throw new SallyportError('CONFLICT', `the cluster in "${place.dir}" is in use by process ${processId}`, {
        hint: 'stop the other one first, or choose another folder',
      })
    await setTimeout(50)
  }
}

/** A number alone proves nothing: it may have been given to another process since. */
async function runsCluster(processId: number, cluster: string): Promise<boolean> {
  const command = await readFile(`/proc/${processId}/cmdline`, 'utf8').catch(() => undefined)
  if (command !== undefined) return command.includes(cluster)
  try {
    process.kill(processId, 0)
    return process.platform !== 'linux'
  } catch {
    return false
  }
}
