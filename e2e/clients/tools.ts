// Runs PostgreSQL's own programs (psql, pg_dump, pgbench) at a place, and gives what they print.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Place } from '../differential/driver.ts'

export interface Printed {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Compiling a Java program is part of it. */
const toolMsMax = 100_000
const versions = '/usr/lib/postgresql'

/** The folder of Debian's newest PostgreSQL server; its pg_dump is of the same version. */
export function serverFolder(): string | undefined {
  try {
    const [newest] = readdirSync(versions)
      .filter((version) => isProgram(join(versions, version, 'bin', 'initdb')))
      .sort((one, two) => Number(two) - Number(one))
    return newest === undefined ? undefined : join(versions, newest, 'bin')
  } catch {
    return undefined
  }
}

/** Debian keeps pgbench outside PATH where no cluster's wrapper is installed. */
export function findProgram(name: string): string | undefined {
  const server = serverFolder()
  return [...(process.env.PATH ?? '').split(delimiter), ...(server === undefined ? [] : [server])]
    .map((folder) => join(folder, name))
    .find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const environmentOf = (place: Place): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  TERM: 'dumb',
  PGHOST: place.host,
  PGPORT: String(place.port),
  PGDATABASE: place.database,
  PGUSER: place.user,
  PGPASSWORD: place.password,
  ...(place.ca === '' ? { PGSSLMODE: 'disable' } : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: place.caFile }),
  PGCONNECT_TIMEOUT: '10',
})

export async function runTool(
  command: string,
  parameters: readonly string[],
  place: Place,
  input = '',
): Promise<Printed> {
  return await printedBy(command, parameters, environmentOf(place), input)
}

/** Runs to its end, or is ended. */
export async function printedBy(
  command: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<Printed> {
  const child = spawn(command, [...parameters], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), toolMsMax)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  clearTimeout(timer)
  return { status, stdout, stderr }
}
