// Clients that are programs of their own: Python and Java from Debian. Each is told the place and prints its report.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Place } from '../differential/driver.ts'
import { root } from '../stack/root.ts'
import type { Client, Report } from './report.ts'

const folder = join(root, 'e2e', 'clients')
export const python = '/usr/bin/python3'
export const driverJar = '/usr/share/java/postgresql.jar'
const programMsMax = 90_000

export const hasPython = (module: string): boolean => spawnSync(python, ['-c', `import ${module}`]).status === 0
export const hasJdbc = spawnSync('java', ['-version']).status === 0 && spawnSync('ls', [driverJar]).status === 0

export const pythonClient =
  (file: string): Client =>
  (place) =>
    run(python, [join(folder, file)], JSON.stringify({ ...place, running: undefined }))

/** Compiled and run in one go (JEP 330). */
export const jdbcClient: Client = (place) =>
  run('java', ['-cp', driverJar, join(folder, 'JdbcClient.java')], propertiesOf(place))

/** As java.util.Properties reads them. */
const propertiesOf = ({ host, port, database, user, password, caFile }: Place): string =>
  Object.entries({ host, port, database, user, password, caFile })
    .map(([name, value]) => `${name}=${String(value).replaceAll('\\', '\\\\')}`)
    .join('\n')

async function run(command: string, parameters: readonly string[], input: string): Promise<Report> {
  const child = spawn(command, [...parameters], { stdio: ['pipe', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), programMsMax)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  clearTimeout(timer)
  if (status !== 0) throw new Error(`${parameters.at(-1)} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}
