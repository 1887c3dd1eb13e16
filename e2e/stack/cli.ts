// The real command line as a child: what a person types, what comes back.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cliScript } from './stack.ts'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** XDG_CONFIG_HOME: whose login it is. */
  readonly home: string
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Called with each piece of stderr: the device flow shows its code there. */
  readonly onStderr?: (soFar: string) => void
}

const runMsMax = 60_000

export async function runCli(parameters: readonly string[], options: RunOptions): Promise<Ran> {
  const child = spawn(process.execPath, [cliScript, ...parameters], {
    env: { PATH: process.env.PATH ?? '', HOME: options.home, XDG_CONFIG_HOME: options.home, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), runMsMax)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    options.onStderr?.(stderr)
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? '')
  const [status] = await once(child, 'close')
  clearTimeout(timer)
  return { status: typeof status === 'number' ? status : 128, stdout, stderr }
}
