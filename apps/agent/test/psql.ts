// psql with a connection in its parameters and nothing of this machine's settings.
import { spawn, spawnSync } from 'node:child_process'

export const hasPsql = spawnSync('psql', ['--version']).status === 0

export interface PsqlRan {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One statement, unaligned, without a password that anybody could be asked for. */
export async function psqlAt(connection: Readonly<Record<string, string>>, sql: string): Promise<PsqlRan> {
  const place = Object.entries(connection)
    .map(([name, value]) => `${name}='${value}'`)
    .join(' ')
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', LC_ALL: 'C.UTF-8' }
  const child = spawn('psql', ['-XAtw', '-c', sql, place], { env })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}
