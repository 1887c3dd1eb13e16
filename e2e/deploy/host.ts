// Runs the containers of compose.yaml on this very machine, without a container engine: each one's exact command, files and
// variables, with volumes as folders, ports as free ones and service names as 127.0.0.1. Our own images run as they are;
// the three foreign ones (PostgreSQL twice, Redis) are stood for by the same servers of this machine.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { lastLines } from '../stack/child.ts'
import { freePort, type PostgresServer, startPostgres } from '../stack/postgres.ts'
import { accountForServer } from '../stack/postgres-place.ts'
import type { Reaper } from '../stack/reaper.ts'
import { root } from '../stack/root.ts'
import { createDatabase } from '../stack/shop.ts'
import { until } from '../stack/until.ts'
import { assemble } from './assemble.ts'
import { type Compose, type Image, imageOf, readDockerfile, type Service } from './images.ts'

export interface Host {
  /** Starts the service after what it depends on, as `docker compose up` does; returns once it is healthy or has ended well. */
  up(name: string): Promise<void>
  /** Runs a service's command with these words behind it, as `docker compose run` does. */
  run(name: string, words: readonly string[], onOutput?: (soFar: string) => void): Promise<Ran>
  /** The port of this machine that stands for one of compose.yaml. */
  port(published: number): number
  /** The folder that is this volume. */
  volume(name: string): string
  log(name: string): string
  /** Exit statuses of what ran until now, by service. */
  stop(): Promise<ReadonlyMap<string, number>>
}

export interface Ran {
  readonly status: number
  readonly output: string
}

interface Container {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly image: Image
}

/** A container of ours must end by itself after SIGTERM within Docker's ten seconds. */
const stopMsMax = 10_000
const healthyMsMax = 60_000

export async function openHost(compose: Compose, dir: string, reaper: Reaper): Promise<Host> {
  const stages = readDockerfile()
  const ports = await takePorts(compose)
  const children = new Map<string, ChildProcess>()
  const statuses = new Map<string, number>()
  const closers: (() => Promise<void>)[] = []
  const volume = (name: string): string => {
    const folder = join(dir, 'volumes', name)
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    return folder
  }
  const log = (name: string): string => join(dir, `${name}.log`)
  const containerOf = (name: string): Container => {
    const service = serviceOf(compose, name)
    const target = service.build?.target ?? ''
    const image = imageOf(stages, target)
    const app = join(dir, 'images', target)
    assemble(stages, target, app)
    const map = mapping(service, ports, volume)
    // Compose: an entrypoint of the service's own takes the image's command away with the image's entrypoint.
    const command = service.command ?? (service.entrypoint === undefined ? image.command : [])
    const [program, ...rest] = [...(service.entrypoint ?? image.entrypoint), ...command]
    if (program !== 'node') throw new Error(`"${name}" starts "${program}"`)
    const argv = rest.map((word) => word.replace(/^\/app\//, `${app}/`))
    const env = Object.fromEntries(
      Object.entries({ ...image.env, ...service.environment }).map(([key, value]) => [key, map(key, value)]),
    )
    return { argv, env, image }
  }
  const start = (name: string, words: readonly string[]): ChildProcess => {
    const { argv, env } = containerOf(name)
    const file = openSync(log(name), 'a', 0o600)
    // No variable of ours comes along: what the container is not told, the program is not told.
    const child = spawn(process.execPath, [...argv, ...words], {
      cwd: dir,
      env,
      stdio: ['ignore', file, file],
      detached: true,
    })
    closeSync(file)
    const { pid } = child
    if (pid === undefined) throw new Error(`"${name}" could not be started`)
    reaper.add(pid)
    child.once('exit', (code, signal) => {
      reaper.drop(pid)
      statuses.set(name, code ?? (signal === null ? 1 : 128))
    })
    return child
  }
  const up = async (name: string): Promise<void> => {
    const service = serviceOf(compose, name)
    for (const needed of Object.keys(service.depends_on ?? {}))
      if (!statuses.has(needed) && !children.has(needed)) await up(needed)
    if (service.build === undefined) {
      children.set(name, undefined as unknown as ChildProcess)
      closers.push(await startForeign(name, service, dir, ports, volume, reaper))
      return
    }
    const child = start(name, [])
    if (service.restart === 'no') {
      await once(child, 'exit')
      if (statuses.get(name) !== 0)
        throw new Error(`"${name}" ended with ${statuses.get(name)}: ${lastLines(log(name))}`)
      return
    }
    children.set(name, child)
    await healthy(name, containerOf(name), child, log(name))
  }
  return {
    up,
    port: (published) => portOf(ports, String(published)),
    volume,
    log: (name) => readFileSync(log(name), 'utf8'),
    async run(name, words, onOutput = () => {}) {
      const { argv, env } = containerOf(name)
      const child = spawn(process.execPath, [...argv, ...words], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
          onOutput(output)
        })
      const [status] = await once(child, 'close')
      return { status: typeof status === 'number' ? status : 128, output }
    },
    async stop() {
      const running = [...children.entries()].filter(([, child]) => child !== undefined).reverse()
      for (const [, child] of running) await end(child)
      for (const close of closers.splice(0).reverse()) await close()
      children.clear()
      return statuses
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
  await exited
  clearTimeout(timer)
}

function serviceOf(compose: Compose, name: string): Service {
  const service = compose.services[name]
  if (service === undefined) throw new Error(`compose.yaml has no service "${name}"`)
  return service
}

/** The image's own health check, run as Docker runs it, until it says yes. */
async function healthy(name: string, { env, image }: Container, child: ChildProcess, log: string): Promise<void> {
  const [program, ...words] = image.health ?? []
  if (program !== 'node') throw new Error(`"${name}" has no health check of node's`)
  const look = async () => {
    if (child.exitCode !== null) throw new Error(`"${name}" ended with ${child.exitCode}: ${lastLines(log)}`)
    const check = spawn(process.execPath, words, { env, stdio: 'ignore' })
    const [status] = await once(check, 'exit')
    return status === 0
  }
  await until(`"${name}" to be healthy`, look, healthyMsMax)
}

/** Every number that compose.yaml has for a port, and a free one for it. */
async function takePorts(compose: Compose): Promise<Map<string, number>> {
  const ports = new Map<string, number>()
  const services = JSON.stringify(compose.services)
  for (const [number] of services.matchAll(/\b87[0-9]{2}\b/g))
    if (!ports.has(number)) ports.set(number, await freePort())
  for (const address of ['store:5432', 'shop:5432', 'redis:6379']) ports.set(address, await freePort())
  return ports
}

function portOf(ports: ReadonlyMap<string, number>, name: string): number {
  const port = ports.get(name)
  if (port === undefined) throw new Error(`compose.yaml has no port "${name}"`)
  return port
}

/** What a value of a container is on this machine. */
function mapping(service: Service, ports: ReadonlyMap<string, number>, volume: (name: string) => string) {
  const mounts = (service.volumes ?? []).map((text) => {
    const [source = '', target = ''] = text.split(':')
    return { target, folder: source.startsWith('.') ? resolve(root, 'deploy', source) : volume(source) }
  })
  return (key: string, value: string): string => {
    if (key === 'SHOP_HOST') return 'localhost'
    if (key === 'SHOP_PORT') return String(portOf(ports, `shop:${value}`))
    if (value === '0.0.0.0') return '127.0.0.1'
    let text = value.replaceAll(/\b(store|shop|redis):[0-9]+\b/g, (address) => `127.0.0.1:${portOf(ports, address)}`)
    text = text.replaceAll(/\b87[0-9]{2}\b/g, (number) => String(portOf(ports, number)))
    for (const { target, folder } of mounts) text = text.replaceAll(target, folder)
    return text
  }
}

async function startForeign(
  name: string,
  service: Service,
  dir: string,
  ports: ReadonlyMap<string, number>,
  volume: (name: string) => string,
  reaper: Reaper,
): Promise<() => Promise<void>> {
  if (service.image.startsWith('redis:')) return await startRedis(service, dir, portOf(ports, 'redis:6379'), reaper)
  if (!service.image.startsWith('postgres:')) throw new Error(`nothing stands for the image "${service.image}"`)
  return await standForPostgres(name, service, dir, ports, volume)
}

async function startRedis(service: Service, dir: string, port: number, reaper: Reaper): Promise<() => Promise<void>> {
  const [program = '', ...words] = service.command ?? []
  const child = spawn(program, [...words, '--port', String(port), '--bind', '127.0.0.1', '--dir', dir], {
    stdio: 'ignore',
    detached: true,
  })
  const { pid } = child
  if (pid === undefined) throw new Error('redis-server could not be started')
  reaper.add(pid)
  child.once('exit', () => reaper.drop(pid))
  const [, client = '', ...ping] = service.healthcheck?.test ?? []
  await until('redis to answer', () => spawnSync(client, ['-p', String(port), ...ping]).stdout.includes('PONG'))
  return () => end(child)
}

/** As the image's entry point does: a cluster with this password and database, then each script, then the real start. */
async function standForPostgres(
  name: string,
  service: Service,
  dir: string,
  ports: ReadonlyMap<string, number>,
  volume: (name: string) => string,
): Promise<() => Promise<void>> {
  const map = mapping(service, ports, volume)
  const env = Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([key, value]) => [key, map(key, value)]),
  )
  const { POSTGRES_DB: database = '', POSTGRES_PASSWORD_FILE: passwordFile = '' } = env
  const options = {
    dir: join(dir, name),
    port: portOf(ports, `${name}:5432`),
    superuserPassword: readFileSync(passwordFile, 'utf8'),
  }
  const first = await startPostgres(options)
  try {
    await createDatabase(first, database)
    const scripts = (service.volumes ?? [])
      .map((text) => text.split(':'))
      .filter(([, target = '']) => target.startsWith('/docker-entrypoint-initdb.d/'))
    const inOrder = scripts.sort(([, a = ''], [, b = '']) => basename(a).localeCompare(basename(b)))
    for (const [source = ''] of inOrder)
      await runScript(resolve(root, 'deploy', source), first, { ...env, POSTGRES_DB: database })
  } finally {
    await first.stop()
  }
  // ALTER SYSTEM of a script holds from now on; the starter's own flag would beat it.
  const own = readFileSync(join(first.dir, 'cluster', 'postgresql.auto.conf'), 'utf8')
  const settings: Record<string, string> = /^ssl = 'on'$/m.test(own) ? { ssl: 'on' } : {}
  const server = await startPostgres({ ...options, settings })
  return () => server.stop()
}

async function runScript(file: string, server: PostgresServer, env: Readonly<Record<string, string>>): Promise<void> {
  const account = await accountForServer()
  const words = file.endsWith('.sql')
    ? [
        'psql',
        '--no-psqlrc',
        '--quiet',
        '--set=ON_ERROR_STOP=1',
        '--username=postgres',
        `--dbname=${env['POSTGRES_DB']}`,
        `--file=${file}`,
      ]
    : ['/bin/sh']
  const [program = '', ...parameters] = words
  const done = spawnSync(program, parameters, {
    env: {
      ...env,
      PATH: process.env.PATH ?? '',
      PGDATA: join(server.dir, 'cluster'),
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGPASSWORD: server.password,
    },
    encoding: 'utf8',
    cwd: server.dir,
    // The image runs scripts as the server's own user, whose files they write. All is read by us: a checkout may be private.
    ...(file.endsWith('.sql') ? {} : { input: readFileSync(file) }),
    ...(account === undefined || file.endsWith('.sql') ? {} : { uid: account.uid, gid: account.gid }),
  })
  if (done.status !== 0) throw new Error(`${basename(file)} ended with ${done.status}: ${done.stderr}`)
}
