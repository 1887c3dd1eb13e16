// The programs of PostgreSQL that the bench runs, found or missed with a message that says what to install; one run of
// such a program at a time, killed with the bench.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'

export interface Tools {
  readonly pgbench: string
  readonly psql: string
  readonly pgbouncer: string
}

const packages = { pgbench: 'postgresql-contrib', psql: 'postgresql-client', pgbouncer: 'pgbouncer' } as const

/** Debian keeps pgbench outside PATH where no cluster's wrapper is installed. */
function folders(): string[] {
  const path = (process.env.PATH ?? '').split(delimiter)
  const versions = '/usr/lib/postgresql'
  try {
    const bins = readdirSync(versions)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(versions, version, 'bin'))
    return [...path, ...bins, '/usr/sbin']
  } catch {
    return [...path, '/usr/sbin']
  }
}

export function find(name: string): string | undefined {
  return folders()
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

export function findTools(): Tools {
  const found = { pgbench: find('pgbench'), psql: find('psql'), pgbouncer: find('pgbouncer') }
  const { pgbench, psql, pgbouncer } = found
  if (pgbench !== undefined && psql !== undefined && pgbouncer !== undefined) return { pgbench, psql, pgbouncer }
  const missing = (['pgbench', 'psql', 'pgbouncer'] as const).filter((name) => found[name] === undefined)
  throw new SallyportError('NOT_FOUND', `not on this machine: ${missing.join(', ')}`, {
    hint: `apt-get install ${missing.map((name) => packages[name]).join(' ')}`,
  })
}

/** The first line that the program prints about itself. */
export const versionOf = (file: string): string =>
  (spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '').split('\n')[0]?.trim() ?? ''

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

export interface RunOptions {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly signal: AbortSignal
  readonly msMax: number
  /** A file that is the program's input; nothing otherwise. */
  readonly stdin?: string
  /** Throw the output away unread, as `> /dev/null` does. */
  readonly isMuted?: boolean
}

const stderrCharsMax = 4_000

/** Runs to the end. Anything but exit status 0 is thrown with the program's last words. */
export async function runTool(file: string, parameters: readonly string[], options: RunOptions): Promise<Ran> {
  options.signal.throwIfAborted()
  const input = options.stdin === undefined ? undefined : openSync(options.stdin, 'r')
  const started = performance.now()
  const child: ChildProcess = spawn(file, [...parameters], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC', HOME: options.cwd, ...options.env },
    stdio: [input ?? 'ignore', options.isMuted === true ? 'ignore' : 'pipe', 'pipe'],
    // Not in the terminal's group: Ctrl-C comes to us, and we end it.
    detached: true,
  })
  if (input !== undefined) closeSync(input)
  const kill = () => void child.kill('SIGKILL')
  options.signal.addEventListener('abort', kill, { once: true })
  const timer = setTimeout(kill, options.msMax)
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrCharsMax)
  })
  try {
    const [status, killed] = await once(child, 'close')
    const ms = performance.now() - started
    options.signal.throwIfAborted()
    if (status !== 0) throw new Error(`${file} ended with ${status ?? killed}: ${stderr.trim()}`)
    return { stdout, stderr, ms }
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', kill)
  }
}
