// One process of the product as a child: its output goes straight into a file, so that nothing that it says is lost, and
// it is ended by its own id.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { SallyportError } from '@sallyport/base/errors'
import type { Reaper } from './reaper.ts'

export interface ChildOptions {
  readonly name: string
  /** The bundle, dist/main.js. */
  readonly script: string
  readonly parameters?: readonly string[]
  /** Another Node than ours, and flags for it. */
  readonly node?: string
  readonly nodeFlags?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Both streams are appended to this file. */
  readonly logFile: string
  readonly cwd: string
  readonly reaper: Reaper
}

export interface Child {
  readonly name: string
  readonly processId: number
  /** The exit status, once it has ended; 128 after a signal. */
  readonly exited: Promise<number>
  readonly isRunning: boolean
  /** SIGTERM, then SIGKILL when it takes too long. */
  stop(): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Longer than the agent drains. */
const stopMsMax = 60_000

export function startChild(options: ChildOptions): Child {
  const log = openSync(options.logFile, 'a', 0o600)
  const child: ChildProcess = spawn(
    options.node ?? process.execPath,
    [...(options.nodeFlags ?? []), options.script, ...(options.parameters ?? [])],
    {
      cwd: options.cwd,
      env: { ...options.env, PATH: process.env.PATH ?? '/usr/bin:/bin', TZ: 'UTC' },
      stdio: ['ignore', log, log],
      // Not in the terminal's group: Ctrl-C comes to us, and we stop the parts in order.
      detached: true,
    },
  )
  closeSync(log)
  const processId = child.pid
  if (processId === undefined) throw new SallyportError('INTERNAL', `${options.name} could not be started`)
  options.reaper.add(processId)
  const exited = once(child, 'exit').then(([code]) => {
    options.reaper.drop(processId)
    return typeof code === 'number' ? code : 128
  })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
    await exited
    clearTimeout(timer)
  }
  return {
    name: options.name,
    processId,
    exited,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null
    },
    stop: () => end('SIGTERM'),
    kill: end,
  }
}

/** The end of a log, for messages. */
export const lastLines = (file: string, count = 5): string => {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
  } catch {
    return ''
  }
}
