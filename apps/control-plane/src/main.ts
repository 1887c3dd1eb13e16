// The process of the control plane: reads the environment, starts, and stops on SIGTERM or SIGINT. What cannot start says
// so in one line on stderr, with the next step, and ends with the exit code of its error code.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@sallyport/base/clock'
import { asSallyportError, surfacesOf } from '@sallyport/base/errors'
import type { Logger } from 'pino'
import { loadConfig } from './config.ts'
import { createLog, describeError } from './log.ts'
import { type Running, startControlPlane } from './start.ts'

/** Work under way gets this long after the first signal, in milliseconds. */
const drainMsMax = 15_000

/** The same places from src/main.ts and from the bundle dist/main.js. */
const migrationsDirectory = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

const consoleDirectory = fileURLToPath(new URL('../../console/dist', import.meta.url))

function fail(thrown: unknown): void {
  const error = asSallyportError(thrown)
  const hint = error.hint === undefined ? '' : `; ${error.hint}`
  const detail = error.code === 'INTERNAL' ? `${JSON.stringify(describeError(error.cause))}\n` : ''
  process.stderr.write(`sallyport control plane: ${error.message}${hint} (${error.code})\n${detail}`, () =>
    process.exit(surfacesOf(error.code).exit),
  )
}

/** The first signal drains, the second one ends at once. */
function stopOnSignal(running: Running, log: Logger): void {
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ event: 'stopping', signal })
    const timer = setTimeout(() => process.exit(1), drainMsMax)
    timer.unref()
    void running.stop().then(() => {
      log.info({ event: 'stopped' })
      process.exit(0)
    })
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

async function main(): Promise<void> {
  const readFile = (path: string) => readFileSync(path, 'utf8')
  const config = loadConfig({ env: process.env, readFile, migrationsDirectory, consoleDirectory })
  const log = createLog(config.logLevel)
  const running = await startControlPlane(config, log, systemClock)
  stopOnSignal(running, log)
  const { httpPort, grpcPort, metricsPort } = running
  log.info({ event: 'listening', url: config.publicUrl, httpPort, grpcPort, metricsPort })
  if (running.setupLink !== null)
    // To the terminal of whoever starts it, and to no log: it makes an administrator.
    process.stderr.write(
      `sallyport control plane: open this once, and sign in, to become the first administrator: ${running.setupLink.reveal()}\n`,
    )
}

main().catch(fail)
