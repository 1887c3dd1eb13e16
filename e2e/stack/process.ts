// What the operating system says about a process: memory and CPU time. Reads only.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process and those that it has started and that still run. Itself alone where there is no /proc. */
function withChildren(processId: number): number[] {
  try {
    const text = readFileSync(`/proc/${processId}/task/${processId}/children`, 'utf8')
    return [processId, ...text.split(' ').filter(Boolean).map(Number)]
  } catch {
    return [processId]
  }
}

/** The same of all processes of one part of the product: an agent may have several. Pages that they share count in each. */
export const residentMbOfAll = (processId: number): number =>
  withChildren(processId).reduce((sum, one) => sum + residentMb(one), 0)

export function cpuUsOfAll(processId: number): number | undefined {
  const all = withChildren(processId).map(cpuUs)
  return all.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0)
}

/** Resident memory in MB. */
export function residentMb(processId: number): number {
  const kib = residentKib(processId)
  if (!(kib > 0)) throw new Error(`process ${processId} has no resident memory: it has ended`)
  return kib / 1_024
}

/** NaN for a process that has ended. */
function residentKib(processId: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1])
  } catch {
    const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(processId)], { encoding: 'utf8' })
    return Number(stdout.trim())
  }
}

/** Clock ticks a second of /proc: fixed in Linux's interface to programs (proc(5), sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100

/** CPU time so far, user and system, in microseconds. Undefined where there is no /proc. */
export function cpuUs(processId: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'utf8')
    // Fields 14 and 15; the second one, the name, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000_000
  } catch {
    return undefined
  }
}
