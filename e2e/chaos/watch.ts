// What can be seen of an agent from outside: memory, sockets, and what its own metrics say. Reads only.
import { readdirSync, readlinkSync } from 'node:fs'
import { residentMb } from '../stack/process.ts'

export interface Watched {
  readonly processId: number
  readonly metricsPort: number
}

/** Open sockets of a process; undefined where there is no /proc. */
export function socketsOf(processId: number): number | undefined {
  const folder = `/proc/${processId}/fd`
  try {
    return readdirSync(folder).filter((name) => isSocket(`${folder}/${name}`)).length
  } catch {
    return undefined
  }
}

/** Everything that a process has open; undefined where there is no /proc. */
export function descriptorsOf(processId: number): number | undefined {
  try {
    return readdirSync(`/proc/${processId}/fd`).length
  } catch {
    return undefined
  }
}

function isSocket(file: string): boolean {
  try {
    return readlinkSync(file).startsWith('socket:')
  } catch {
    // Closed since the folder was read.
    return false
  }
}

/** The sum of one metric over its labels. */
export async function metricOf(watched: Watched, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${watched.metricsPort}/metrics`, {
    signal: AbortSignal.timeout(5_000),
  })
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

export interface Memory {
  /** Milliseconds since the watch began, and resident megabytes then. */
  readonly samples: readonly { readonly ms: number; readonly mb: number }[]
  stop(): void
}

const everyMs = 1_000

export function watchMemory(processId: number): Memory {
  const samples: { ms: number; mb: number }[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    try {
      samples.push({ ms: performance.now() - startedAt, mb: residentMb(processId) })
    } catch {
      clearInterval(timer)
    }
  }, everyMs)
  return { samples, stop: () => clearInterval(timer) }
}

/** The middle one of the samples of a span. */
export function medianMb({ samples }: Memory, fromMs: number, toMs: number): number {
  const within = samples.filter(({ ms }) => ms >= fromMs && ms < toMs).map(({ mb }) => mb)
  return within.sort((one, two) => one - two)[Math.floor(within.length / 2)] ?? Number.NaN
}
