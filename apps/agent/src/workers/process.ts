// A worker as a process: started from this program's own file, with an environment that holds no setting and no secret, and
// arguments that hold nothing at all. It shares the primary's listening socket, and has a pipe and a channel that only the two have.
import cluster from 'node:cluster'
import { Duplex } from 'node:stream'
import { assert } from '@sallyport/base/assert'
import { limits } from '@sallyport/base/limits'
import { isToPrimary, type ToPrimary, type ToWorker } from './messages.ts'

export interface WorkerProcess {
  readonly processId: number
  /** For questions. */
  readonly pipe: Duplex
  /** One that is gone, or takes nothing, hears nothing; the latter is ended. */
  send(message: ToWorker): void
  onMessage(listener: (message: ToPrimary) => void): void
  /** Called once; `how` says by what. */
  onExit(listener: (how: string) => void): void
  /** At once. */
  kill(): void
}

/** Of the pipe, beside stdin, stdout, stderr and the channel. */
export const pipeDescriptor = 4

/** What a process needs of its environment to run as ours does: nothing that is set for the agent. */
const keptVariables =
  /^(PATH|HOME|MALLOC_[A-Z_]+|TZ|LANG|LC_[A-Z]+|TMPDIR|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_ENV|SSL_CERT_(FILE|DIR))$/

let isSetUp = false

/** Connections are handed out in turn: workers that take them by themselves get them unevenly (docs/adr). */
function setUp(): void {
  if (isSetUp) return
  isSetUp = true
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: process.argv[1] ?? '',
    // Else it would be ours, with a token among them perhaps.
    args: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
  })
}

export function startWorkerProcess(): WorkerProcess {
  setUp()
  const dropped = Object.keys(process.env).filter((name) => !keptVariables.test(name))
  const worker = cluster.fork(Object.fromEntries(dropped.map((name) => [name, undefined])))
  const pipe = worker.process.stdio[pipeDescriptor]
  assert(pipe instanceof Duplex, 'a worker has a pipe')
  let untaken = 0
  const kill = (): void => void worker.process.kill('SIGKILL')
  worker.on('error', () => {})
  return {
    processId: worker.process.pid ?? 0,
    pipe,
    send(message) {
      if (!worker.isConnected()) return
      untaken += 1
      if (untaken > limits.workerMessagesMax) return void kill()
      worker.process.send(message, () => {
        untaken -= 1
      })
    },
    onMessage: (listener) =>
      void worker.on('message', (message: unknown) => {
        if (isToPrimary(message)) listener(message)
      }),
    onExit(listener) {
      // What it said last may come after the news of its end.
      const channel = new Promise((resolve) => worker.once('disconnect', resolve))
      worker.once('exit', (code, signal) => void channel.then(() => listener(signal ?? `code ${code}`)))
    },
    kill,
  }
}
